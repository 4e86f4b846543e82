"""A model's folder: the files of a Marian model in transformers' format, whether they are there, their fingerprint, and what
its JSON files say. No other module reads these.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from translate.model.config import ModelConfig, parse_config
from translate.model.fields import HINT, Fields
from translate.model.generation import GenerationSettings, apply_user_settings, parse_generation
from translate.model.origin import CARD_CHARACTERS, Origin, parse_origin
from translate.records import ModelError, Settings

CONFIG_FILE = "config.json"
GENERATION_FILE = "generation_config.json"
VOCABULARY_FILE = "vocab.json"
TOKENIZER_FILE = "tokenizer_config.json"
CARD_FILE = "README.md"
SMALL_FILES = (
    CONFIG_FILE,
    GENERATION_FILE,
    "source.spm",
    "target.spm",
    VOCABULARY_FILE,
    TOKENIZER_FILE,
    CARD_FILE,
)
ABOUT = frozenset((TOKENIZER_FILE, CARD_FILE))
"""They tell what a model is, and change no row but by `normalize`, which the signature names."""
OPTIONAL_FILES = frozenset((GENERATION_FILE, *ABOUT))
CANARY_FILE = "canary.json"
"""In a bundled model's folder: its fingerprint, and number of beams → what it answers to a few fixed sentences."""
WEIGHT_FILES = ("model.safetensors", "pytorch_model.bin")
"""In order of preference: safetensors cannot hold code."""

MOST_SPARE = 127
"""Rows of the embeddings without a piece: a model may have its size rounded up, to a multiple of 128 at most."""


@dataclass(frozen=True, slots=True)
class Canary:
    """What a bundled model was when it was bundled."""

    fingerprint: str
    answers: Mapping[str, tuple[tuple[int, ...], ...]]
    """Number of beams → the target ids of a few fixed sentences."""


def fingerprint(folder: Path) -> str:
    """The sha256, in hexadecimal, over all files of a model folder that can change a translation.

    Raises ModelError if a needed file is missing or is not a Marian model's.
    """
    check_folder(folder)
    digest = hashlib.sha256()
    for name in (weight_file(folder).name, *SMALL_FILES):
        if name not in ABOUT and (folder / name).is_file():
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
    kind = _read_fields(folder / CONFIG_FILE).get("model_type")
    if kind != "marian":
        raise ModelError(
            f"'{folder}' is a model of type '{kind}'", "only Marian models (Helsinki-NLP/opus-mt-*) are known here"
        )


def read_config(folder: Path) -> ModelConfig:
    """The model's shape and special tokens. Raises ModelError that names the setting."""
    return parse_config(_read_fields(folder / CONFIG_FILE))


def read_generation(folder: Path, settings: Settings) -> GenerationSettings:
    """How to decode: what the model asks for, with what the user set in its place; translate.model.generation says how.

    Raises ModelError that names the setting.
    """
    path = folder / GENERATION_FILE
    fields = _read_fields(path if path.is_file() else folder / CONFIG_FILE)
    return apply_user_settings(parse_generation(fields, read_config(folder)), settings)


def read_vocabulary(folder: Path) -> Mapping[str, int]:
    """Piece → id: each id is a row of the model's embeddings, and of one piece; hardly a row has none. Raises ModelError."""
    path, size = folder / VOCABULARY_FILE, read_config(folder).vocab_size
    ids = _read_fields(path).said
    wrong = next((number for number in ids.values() if type(number) is not int or not 0 <= number < size), None)
    reason = ""
    if wrong is not None:
        reason = f"it has the id {wrong!r:.60}, the model has {size}"
    elif len(set(ids.values())) != len(ids):
        reason = "two pieces have one id"
    elif size - len(ids) > MOST_SPARE:
        reason = f"it has {len(ids)} pieces, the model has {size}"
    if reason:
        raise ModelError(f"cannot read the vocabulary in '{path}': {reason}", HINT)
    return ids


def read_origin(folder: Path) -> Origin:
    """What the folder says about where its model comes from. Raises ModelError."""
    tokenizer, card = folder / TOKENIZER_FILE, ""
    with suppress(OSError), (folder / CARD_FILE).open(encoding="utf-8", errors="replace") as file:
        card = file.read(CARD_CHARACTERS)
    told = _read_fields(tokenizer) if tokenizer.is_file() else Fields(tokenizer, {})
    return parse_origin(_read_fields(folder / CONFIG_FILE), told, card)


def read_canary(folder: Path) -> Canary:
    """What is stored with a bundled model. Raises ModelError."""
    fields = _read_fields(folder / CANARY_FILE)
    hint = "run training/canary.py on the folder"
    try:
        answers = {key: tuple(map(tuple, value)) for key, value in fields.said.items() if key != "fingerprint"}
    except TypeError as error:
        raise ModelError(f"'{fields.path}' holds something else than lists of token ids", hint) from error
    if not isinstance(fields.get("fingerprint"), str):
        raise ModelError(f"'{fields.path}' holds no fingerprint", hint)
    return Canary(fields.text("fingerprint", default=""), answers)


def _read_fields(path: Path) -> Fields:
    """A model's file that holds one JSON object. Raises ModelError."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"cannot read '{path}': {str(error)[:200]}", "download the model again") from error
    if not isinstance(found, dict):
        raise ModelError(f"'{path}' holds no JSON object", "download the model again")
    return Fields(path, found)
