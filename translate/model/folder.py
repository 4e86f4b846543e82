"""A model's folder: the files of a Marian model in transformers' format, whether they are there, and their fingerprint."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from translate.records import ModelError

SMALL_FILES = (
    "config.json",
    "generation_config.json",
    "source.spm",
    "target.spm",
    "vocab.json",
    "tokenizer_config.json",
)
OPTIONAL_FILES = frozenset({"generation_config.json", "tokenizer_config.json"})
CANARY_FILE = "canary.json"
"""In a bundled model's folder: its fingerprint, and number of beams → what it answers to a few fixed sentences."""
WEIGHT_FILES = ("model.safetensors", "pytorch_model.bin")
"""In order of preference: safetensors cannot hold code."""


def fingerprint(folder: Path) -> str:
    """The sha256, in hexadecimal, over all files of a model folder that can change a translation.

    Raises ModelError if a needed file is missing or is not a Marian model's.
    """
    check_folder(folder)
    digest = hashlib.sha256()
    for name in (weight_file(folder).name, *SMALL_FILES):
        if name != "tokenizer_config.json" and (folder / name).is_file():
            with (folder / name).open("rb") as file:
                digest.update(name.encode() + b"\0" + hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def weight_file(folder: Path) -> Path:
    """The folder's weights: safetensors if there are any. Raises ModelError if there are none."""
    for name in WEIGHT_FILES:
        if (folder / name).is_file():
            return folder / name
    raise ModelError(f"no weights in '{folder}'", f"a model folder holds {' or '.join(WEIGHT_FILES)}")


def check_folder(folder: Path) -> None:
    """Raise ModelError unless the folder holds the files of a Marian model in transformers' format."""
    for name in SMALL_FILES:
        if name not in OPTIONAL_FILES and not (folder / name).is_file():
            hint = "a model folder is one that MarianMTModel.save_pretrained and MarianTokenizer.save_pretrained wrote"
            raise ModelError(f"'{folder}' holds no {name}", hint)
    kind = read_object(folder / "config.json").get("model_type")
    if kind != "marian":
        raise ModelError(
            f"'{folder}' is a model of type '{kind}'", "only Marian models (Helsinki-NLP/opus-mt-*) are known here"
        )


def read_object(path: Path) -> dict[str, Any]:
    """A model's file that holds one JSON object. Raises ModelError."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"cannot read '{path}': {str(error)[:200]}", "download the model again") from error
    if not isinstance(found, dict):
        raise ModelError(f"'{path}' holds no JSON object", "download the model again")
    return found


def stored_fingerprint(folder: Path) -> str:
    """What a bundled model's fingerprint was when it was bundled. Raises ModelError."""
    found = read_object(folder / CANARY_FILE).get("fingerprint")
    if not isinstance(found, str):
        raise ModelError(f"'{folder / CANARY_FILE}' holds no fingerprint", "run training/canary.py on the folder")
    return found
