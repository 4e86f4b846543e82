"""Model folders that must not be used."""

from __future__ import annotations

import json
import pickle
import struct
from pathlib import Path


def damage(folder: Path, what: str) -> None:
    """Make a model folder one that must not be used."""
    weights = folder / "model.safetensors"
    if what == "truncated":
        weights.write_bytes(weights.read_bytes()[:-1000])
    elif what == "noise":
        weights.write_bytes(b"\x00" * 5000)
    elif what == "other shape":
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps({**config, "encoder_ffn_dim": 512}))
    elif what == "fewer weights":
        data = weights.read_bytes()
        size = struct.unpack("<Q", data[:8])[0]
        header = json.loads(data[8 : 8 + size])
        del header["model.encoder.layers.0.fc1.weight"]
        text = json.dumps(header).encode()
        weights.write_bytes(struct.pack("<Q", len(text)) + text + data[8 + size :])
    elif what == "a pickle that runs code":
        weights.unlink()
        (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Bomb(folder / "exploded")))


class Bomb:
    """What a malicious weights file would hold."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, (self.mark,)  # type: ignore[return-value]
