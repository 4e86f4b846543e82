"""A checkpoint read without transformers is the one that transformers reads."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import MarianConfig, MarianMTModel

from tests.helpers.command import environment
from tests.helpers.damage import damage
from translate.engines.base import load_engine
from translate.engines.native.checkpoint import read_checkpoint
from translate.engines.native.engine import NativeEngine
from translate.records import EngineError, Model, ModelError, Request, Settings

SMALL = {
    "vocab_size": 40,
    "d_model": 16,
    "encoder_layers": 1,
    "decoder_layers": 2,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 4,
    "encoder_ffn_dim": 24,
    "decoder_ffn_dim": 32,
    "max_position_embeddings": 64,
    "pad_token_id": 39,
    "decoder_start_token_id": 39,
}


def save(folder: Path, **changes: Any) -> Any:
    """A small model of random weights, in its folder."""
    torch.manual_seed(3)
    model = MarianMTModel(MarianConfig(**{**SMALL, **changes})).eval()
    torch.nn.init.normal_(model.final_logits_bias)
    model.generation_config.update(num_beams=2, max_length=64)
    model.save_pretrained(folder)
    return model


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"share_encoder_decoder_embeddings": False, "decoder_vocab_size": 48},
        {"tie_word_embeddings": False},
        {"scale_embedding": True, "activation_function": "relu"},
    ],
    ids=lambda changes: "-".join(changes) or "shared",
)
def test_tensors_are_those_of_transformers(changes: dict[str, Any], tmp_path: Path) -> None:
    """Shared and separate tables, positions that are in no file; and the same targets come of them."""
    reference = save(tmp_path, **changes).state_dict()
    tensors = read_checkpoint(tmp_path).tensors
    assert all(np.array_equal(tensors[name], reference[name].numpy()) for name in tensors)
    assert reference.keys() - tensors.keys() <= {"model.shared.weight"}
    model, sources = Model("small", tmp_path, None, ""), [(5, 9, 7, 0), (3, 0)]
    found = []
    for name in ("transformers", "native"):
        engine = load_engine(model, Settings(engine=name, dtype="float32", device="cpu"))
        found.append({h.number: h.target for h in engine.translate([Request(i, s) for i, s in enumerate(sources)])})
    assert found[0] == found[1]


def test_torch_s_own_format_loads_too(tiny: Model, tmp_path: Path) -> None:
    """With positions and all names of one table in the file, as transformers once wrote it."""
    model = save(tmp_path)
    torch.save(model.state_dict(), tmp_path / "pytorch_model.bin")
    first = read_checkpoint(tmp_path).tensors
    (tmp_path / "model.safetensors").unlink()
    second = read_checkpoint(tmp_path).tensors
    assert first.keys() == second.keys()
    assert all(np.array_equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_every_number_type_is_read_exactly(dtype: torch.dtype, tmp_path: Path) -> None:
    """As torch converts it to float32; whole numbers are no weights."""
    save(tmp_path)
    path = tmp_path / "model.safetensors"
    stored = {name: tensor.to(dtype) for name, tensor in load_file(path).items()}
    save_file(stored, path)
    tensors = read_checkpoint(tmp_path).tensors
    assert all(np.array_equal(tensors[name], stored[name].float().numpy()) for name in stored.keys() & tensors.keys())
    save_file({name: tensor.to(torch.int64) for name, tensor in stored.items()}, path)
    with pytest.raises(ModelError, match="a tensor of type I64"):
        read_checkpoint(tmp_path)


@pytest.mark.parametrize(
    "what", ["truncated", "noise", "other shape", "fewer weights", "a pickle that runs code", "more weights"]
)
def test_damaged_weights_are_named_and_run_nothing(what: str, tiny: Model, tmp_path: Path) -> None:
    """As with the engine `transformers`."""
    folder = shutil.copytree(tiny.folder, tmp_path / "m")
    damage(folder, what)
    if what == "more weights":
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps({**config, "encoder_layers": 5}))
    with pytest.raises(ModelError):
        load_engine(Model("m", folder, None, ""), Settings(engine="native", device="cpu"))
    assert not (folder / "exploded").exists()


def test_an_unknown_activation_is_named(tiny: Model, tmp_path: Path) -> None:
    """With the engine that may know it."""
    folder = shutil.copytree(tiny.folder, tmp_path / "m")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "activation_function": "laplace"}))
    with pytest.raises(EngineError, match="laplace"):
        NativeEngine(Model("m", folder, None, ""), Settings(device="cpu"))


def test_neither_torch_nor_transformers_is_imported(tmp_path: Path) -> None:
    """By a whole run with the engine: their import alone takes seconds."""
    (tmp_path / "a.txt").write_text("Das ist ein Haus.\n", encoding="utf-8")
    run = "import sys, translate.cli.app; sys.argv[1:] = ['a.txt', '-m', 'tiny-de-en', '-E', 'native', '-q'];"
    check = "\ntry: translate.cli.app.main()\nfinally: print(sorted({'torch', 'transformers'} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", run + check],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")
    assert list(tmp_path.glob("out/*/a.jsonl"))
