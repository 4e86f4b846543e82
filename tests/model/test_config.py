"""What a config.json may say, and that the weights' own header agrees, before anything is built."""

from __future__ import annotations

import json
import shutil
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import MarianConfig

from translate.engines.base import load_engine
from translate.model.config import Stack
from translate.model.folder import read_config, weight_file
from translate.model.weights import check_weights, expected_shapes, stored_shapes
from translate.records import Model, ModelError, Settings

WRONG: list[tuple[str, Any]] = [
    ("d_model", 0),
    ("d_model", -256),
    ("d_model", True),
    ("d_model", "256"),
    ("d_model", 256.0),
    ("d_model", [256]),
    ("encoder_layers", 0),
    ("encoder_layers", 257),
    ("encoder_layers", 10**6),
    ("decoder_layers", -1),
    ("max_position_embeddings", 3 * 10**6),
    ("max_position_embeddings", 65_537),
    ("max_position_embeddings", 2),
    ("encoder_attention_heads", 0),
    ("encoder_attention_heads", -8),
    ("decoder_attention_heads", 3),
    ("decoder_attention_heads", 512),
    ("encoder_ffn_dim", 0),
    ("decoder_ffn_dim", 10**9),
    ("vocab_size", 10**12),
    ("decoder_vocab_size", -1),
    ("activation_function", 3),
    ("scale_embedding", "no"),
    ("pad_token_id", 8047),
    ("decoder_start_token_id", -1),
    ("eos_token_id", "end"),
    ("num_attention_heads", 4),
    ("hidden_size", 512),
]


@pytest.fixture
def folder(tiny: Model, tmp_path: Path) -> Path:
    """The bundled model's, to be changed."""
    return shutil.copytree(tiny.folder, tmp_path / "m", copy_function=shutil.copy)


def change(folder: Path, **changes: Any) -> None:
    """Write other settings into config.json; None takes one out."""
    config = json.loads((folder / "config.json").read_text()) | changes
    (folder / "config.json").write_text(json.dumps({name: v for name, v in config.items() if v is not None}))


@pytest.mark.parametrize("engine", ["transformers", "native", "ctranslate2"])
@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_wrong_setting_is_named_at_once(name: str, value: Any, engine: str, folder: Path) -> None:
    """By every engine: the file, the setting, the value, what it has to be; nothing is built, and no memory is blamed."""
    change(folder, **{name: value})
    started = time.perf_counter()
    with pytest.raises(ModelError) as caught:
        load_engine(Model("m", folder, None, ""), Settings(engine=engine, device="cpu", dtype="float32"))
    assert time.perf_counter() - started < 10
    assert f"config.json' says {name}: {json.dumps(value)}" in caught.value.message
    assert "memory" not in caught.value.message + caught.value.hint
    assert caught.value.hint


@pytest.mark.parametrize("name", ["d_model", "vocab_size", "encoder_layers", "decoder_ffn_dim"])
def test_a_size_that_is_missing_is_named(name: str, folder: Path) -> None:
    """What transformers would take instead are the sizes of another model."""
    change(folder, **{name: None})
    with pytest.raises(ModelError, match=f"does not say {name}"):
        read_config(folder)


def test_what_may_be_left_out_is_as_in_transformers(folder: Path) -> None:
    """Where the file says nothing."""
    reference = MarianConfig()
    change(folder, max_position_embeddings=None, scale_embedding=None, tie_word_embeddings=None, eos_token_id=None)
    change(folder, activation_function=None, share_encoder_decoder_embeddings=None, decoder_vocab_size=None)
    found = read_config(folder)
    assert found.max_position_embeddings == reference.max_position_embeddings
    assert found.scale_embedding == reference.scale_embedding
    assert found.tie_word_embeddings == reference.tie_word_embeddings
    assert found.share_encoder_decoder_embeddings == reference.share_encoder_decoder_embeddings
    assert found.activation_function == reference.activation_function
    assert found.eos_token_ids == (reference.eos_token_id,)
    assert (found.vocab_size, found.target_vocab_size) == (8047, 8047)
    assert (found.encoder, found.decoder) == (Stack(6, 8, 1024), Stack(2, 8, 1024))
    change(folder, decoder_start_token_id=None)  # 58100 is no token of this vocabulary
    with pytest.raises(ModelError, match="does not say decoder_start_token_id"):
        read_config(folder)


def test_the_header_names_the_tensors_of_the_model(tiny: Model) -> None:
    """All that transformers expects of such a config, but what is computed and what one table stands for."""
    found = stored_shapes(weight_file(tiny.folder))
    expected = expected_shapes(read_config(tiny.folder))
    assert all(expected.get(name, shape) == shape for name, shape in found.items())
    assert len(found.keys() & expected.keys()) > 100


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"encoder_layers": 256}, r"missing model\.encoder\.layers\.1\d*\."),
        ({"encoder_layers": 5}, r"unexpected model\.encoder\.layers\.5"),
        ({"d_model": 512}, "256"),
        ({"decoder_ffn_dim": 2048}, "1024"),
        ({"vocab_size": 8046, "decoder_vocab_size": 8046, "decoder_start_token_id": 5, "pad_token_id": 5}, "8047"),
    ],
)
@pytest.mark.parametrize("engine", ["transformers", "native"])
def test_weights_of_another_shape_are_told_by_their_header(
    changes: dict[str, int], message: str, engine: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before a number of them is read."""
    change(folder, **changes)
    (folder / "generation_config.json").unlink()
    for library in ("safetensors.torch.load_file", "transformers.MarianMTModel.from_pretrained"):
        monkeypatch.setattr(library, lambda *_, **__: pytest.fail("the weights were read"))
    with pytest.raises(ModelError, match=message) as caught:
        load_engine(Model("m", folder, None, ""), Settings(engine=engine, device="cpu", dtype="float32"))
    assert "does not fit its config.json" in caught.value.message


def rewrite(path: Path, edit: Callable[[dict[str, Any]], None]) -> None:
    """Change the header of a safetensors file."""
    data = path.read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + size])
    edit(header)
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data[8 + size :])


def integers(header: dict[str, Any]) -> None:
    header["model.encoder.layers.0.fc1.bias"]["dtype"] = "I8"


def no_shape(header: dict[str, Any]) -> None:
    del header["model.encoder.layers.0.fc1.bias"]["shape"]


def a_list(header: dict[str, Any]) -> None:
    header["model.encoder.layers.0.fc1.bias"] = []


@pytest.mark.parametrize("edit", [integers, no_shape, a_list])
def test_a_header_that_is_none_is_named(edit: Callable[[dict[str, Any]], None], folder: Path) -> None:
    """And numbers that are no weights."""
    rewrite(folder / "model.safetensors", edit)
    with pytest.raises(ModelError, match="cannot load"):
        check_weights(folder / "model.safetensors", read_config(folder))


@pytest.mark.parametrize("data", [b"", b"\0" * 5000, b"\xff" * 16, b"\x10" + b"\0" * 7 + b"[" * 16])
def test_a_file_without_header_is_named(data: bytes, folder: Path) -> None:
    """Cut off, empty, or of another kind."""
    (folder / "model.safetensors").write_bytes(data)
    with pytest.raises(ModelError, match="cannot load"):
        check_weights(folder / "model.safetensors", read_config(folder))


def test_torch_s_format_has_to_be_large_enough(folder: Path) -> None:
    """It has no header to read; unpickling a large file takes long."""
    path = folder / "pytorch_model.bin"
    torch.save({"a": torch.zeros(4)}, path)
    with pytest.raises(ModelError, match="too small for"):
        check_weights(path, read_config(folder))
