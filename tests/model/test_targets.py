"""Models with several targets, and the shapes of larger ones: random weights where the real ones cannot be had."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import MarianConfig, MarianMTModel, MarianTokenizer

from tests.helpers.command import Command
from translate.engines.base import choose_engine
from translate.model.folder import fingerprint
from translate.model.tokenizer import Tokenizer
from translate.records import Model, ModelError, Request, Settings

SHAPES: dict[str, dict[str, Any]] = {
    "opus-mt": {"d_model": 512, "ffn": 2048, "heads": 8, "activation_function": "swish"},
    "opus-mt-tc-big": {"d_model": 1024, "ffn": 4096, "heads": 16, "activation_function": "relu"},
}
"""What the published configurations say; here with two layers each instead of six, which none of the code counts on."""


def add_codes(folder: Path, codes: list[str]) -> None:
    """Put codes of targets into a vocabulary, in place of its last pieces."""
    path = folder / "vocab.json"
    pieces = json.loads(path.read_text(encoding="utf-8"))
    rare = [piece for piece in sorted(pieces, key=pieces.get) if piece not in ("<pad>", "<unk>", "</s>")][-len(codes) :]
    for code, piece in zip(codes, rare, strict=True):
        pieces[f">>{code}<<"] = pieces.pop(piece)
    path.write_text(json.dumps(pieces, ensure_ascii=False), encoding="utf-8")


def copy_with(tiny: Model, folder: Path, codes: list[str]) -> Model:
    shutil.copytree(tiny.folder, folder)
    add_codes(folder, codes)
    return Model("several", folder, None, fingerprint(folder))


def test_english_is_asked_for_by_itself(tiny: Model, tokenizer: Tokenizer, tmp_path: Path) -> None:
    """The code stands before the source, as transformers' tokenizer has it, and leaves no trace in a target."""
    model = copy_with(tiny, tmp_path / "m", ["eng", "fra"])
    ours = Tokenizer(model)
    reference = MarianTokenizer.from_pretrained(model.folder)
    assert ours.target == "eng"
    assert ours.encode(["Das ist ein Haus."]) == [tuple(reference(">>eng<< Das ist ein Haus.").input_ids)]
    french = Tokenizer(model, target="fra").encode(["Ja."])[0]
    assert french == tuple(reference(">>fra<< Ja.").input_ids)
    assert ours.decode(french[:-1]) == tokenizer.decode(tokenizer.encode(["Ja."])[0][:-1])
    assert tokenizer.target == ""


def test_a_target_that_is_not_there_is_named(tiny: Model, tmp_path: Path) -> None:
    """With those that are; also where none of them is English."""
    model = copy_with(tiny, tmp_path / "m", ["dan", "swe"])
    for wanted in (None, "fra"):
        with pytest.raises(ModelError) as error:
            Tokenizer(model, target=wanted)
        assert "dan, swe" in error.value.hint
    with pytest.raises(ModelError, match="cannot be told to translate into 'fra'"):
        Tokenizer(tiny, target="fra")


def test_command_takes_the_target(tiny: Model, translate: Command, tmp_path: Path) -> None:
    """It is part of the signature; a model with one target refuses it."""
    copy_with(tiny, tmp_path / "m", ["eng", "fra"])
    (tmp_path / "a.txt").write_text("Guten Tag.", encoding="utf-8")
    done = translate("a.txt", "--model", "./m", "--engine", "echo", "--target-language", "fra")
    assert done.returncode == 0, done.stderr
    assert "|target:fra|" in (tmp_path / "out" / "m" / "run.json").read_text(encoding="utf-8")
    other = translate("a.txt", "--model", "./m", "--engine", "echo")
    assert (other.returncode, "target fra → eng" in other.stderr) == (1, True), other.stderr
    assert translate("a.txt", "--model", "tiny-de-en", "--engine", "echo", "--target-language", "fra").returncode == 1


@pytest.mark.slow
@pytest.mark.parametrize("name", SHAPES)
def test_published_shapes_run(name: str, tiny: Model, tokenizer: Tokenizer, tmp_path: Path) -> None:
    """The engine native gives what `generate` gives, with the widths and heads of the published models."""
    shape, config = SHAPES[name], json.loads((tiny.folder / "config.json").read_text(encoding="utf-8"))
    config |= {"d_model": shape["d_model"], "activation_function": shape["activation_function"], "dtype": "float32"}
    for side in ("encoder", "decoder"):
        config |= {f"{side}_layers": 2, f"{side}_ffn_dim": shape["ffn"], f"{side}_attention_heads": shape["heads"]}
    config.pop("decoder_vocab_size")
    torch.manual_seed(3)
    weights = MarianMTModel(MarianConfig(**{**config, "init_std": 0.05})).eval()
    shutil.copytree(tiny.folder, tmp_path / "m", ignore=shutil.ignore_patterns("*.safetensors", "canary.json"))
    weights.save_pretrained(tmp_path / "m")
    shutil.copy(tiny.folder / "generation_config.json", tmp_path / "m")
    model = Model("m", tmp_path / "m", None, fingerprint(tmp_path / "m"))
    requests = [
        Request(i, ids)
        for i, ids in enumerate(tokenizer.encode(["Das ist ein Haus.", "Ja.", "Wo ist die alte Brücke?"]))
    ]
    found = {}
    for engine in ("native", "transformers"):
        chosen = choose_engine(model, Settings(engine=engine, device="cpu", dtype="float32", beams=1)).engine
        found[engine] = sorted((h.number, h.target[:12]) for h in chosen.translate(requests))
    assert found["native"] == found["transformers"]
