"""Whether punctuation is normalised is told by what a model is made from, not by what its folder is called."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import pytest
from transformers import MarianMTModel, MarianTokenizer

from translate.model.folder import fingerprint
from translate.model.tokenizer import Tokenizer
from translate.records import Model, ModelError

OPUS_CARD = """---
language: [de, en]
---
### opus-mt-de-en
* dataset: opus
* model: transformer-align
* pre-processing: normalization + SentencePiece
"""
TRAINER_CARD = """---
license: apache-2.0
base_model:
- Helsinki-NLP/opus-mt-de-en
tags: [translation]
---
# news-de-en
"""
OLD_TRAINER_CARD = (
    "# news\nThis model is a fine-tuned version of [Helsinki-NLP/opus-mt-de-en](https://example.org) on news."
)
OTHER_CARD = (
    "---\nbase_model: somebody/tiny\n---\nIt is not opus-mt-de-en, and compared with Helsinki-NLP/opus-mt-de-en.\n"
)

CASES: list[tuple[str, dict[str, object], dict[str, object], str, str]] = [
    # what it is, config.json, tokenizer_config.json, README.md, normalization
    ("nothing is said", {}, {}, "", "none"),
    ("tuned with transformers 4", {"_name_or_path": "Helsinki-NLP/opus-mt-de-en"}, {}, "", "moses"),
    ("a converter's path", {"_name_or_path": "/tmp/Helsinki-NLP/opus-mt-de-en"}, {}, "", "moses"),
    ("from the cache", {"_name_or_path": "/c/models--Helsinki-NLP--opus-mt-de-en/snapshots/6f6b"}, {}, "", "moses"),
    ("a folder of that name", {"_name_or_path": "out/opus-mt-like"}, {}, "", "none"),
    ("another model", {"_name_or_path": "somebody/news-de-en"}, {"name_or_path": "somebody/x"}, "", "none"),
    ("its tokenizer", {}, {"name_or_path": "Helsinki-NLP/opus-mt-de-en"}, "", "moses"),
    ("OPUS-MT's card", {}, {}, OPUS_CARD, "moses"),
    ("a tuned model's card", {}, {}, TRAINER_CARD, "moses"),
    ("an older card", {}, {}, OLD_TRAINER_CARD, "moses"),
    ("a card that only speaks of it", {}, {}, OTHER_CARD, "none"),
    ("converted from Marian", {"normalize_embedding": False}, {}, "", "moses"),
    ("said outright", {"normalize_embedding": False}, {"normalization": "none"}, OPUS_CARD, "none"),
    ("said outright, too", {}, {"normalization": "moses"}, "", "moses"),
]


def copy(tiny: Model, folder: Path) -> Path:
    return shutil.copytree(tiny.folder, folder, copy_function=shutil.copy)


def add(path: Path, fields: dict[str, object]) -> None:
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | fields), encoding="utf-8")


@pytest.mark.parametrize("called", ["m", "opus-mt-de-en"])
@pytest.mark.parametrize(("_", "config", "tokenizer", "card", "expected"), CASES, ids=[case[0] for case in CASES])
def test_normalization_follows_the_files(
    _: str,  # what the case is
    config: dict[str, object],
    tokenizer: dict[str, object],
    card: str,
    expected: str,
    called: str,
    tiny: Model,
    tmp_path: Path,
) -> None:
    """Whatever the folder is called."""
    folder = copy(tiny, tmp_path / called)
    add(folder / "config.json", config)
    add(folder / "tokenizer_config.json", tokenizer)
    if card:
        (folder / "README.md").write_text(card, encoding="utf-8")
    assert Tokenizer(Model(called, folder, None, "")).normalization == expected


def test_a_repository_of_the_hub_is_known_by_its_name(tiny: Model) -> None:
    """A folder of the working folder is none, even if it is called like one."""
    named = dataclasses.replace(tiny, name="somebody/opus-mt-de-en", revision="6f6b23ef")
    assert Tokenizer(named).normalization == "moses"
    assert Tokenizer(dataclasses.replace(named, revision=None)).normalization == "none"
    assert Tokenizer(dataclasses.replace(named, name="somebody/news")).normalization == "none"


def test_a_tuned_model_keeps_it(tiny: Model, tmp_path: Path) -> None:
    """Through transformers' own saving, into a folder of another name: of a converted model, and of one that says so."""
    marks: dict[str, dict[str, object]] = {
        "config.json": {"normalize_embedding": False},
        "tokenizer_config.json": {"normalization": "moses"},
    }
    for name, fields in marks.items():
        folder = copy(tiny, tmp_path / f"from-{name}")
        add(folder / name, fields)
        tuned = tmp_path / f"tuned-{name}"
        MarianMTModel.from_pretrained(folder).save_pretrained(tuned)
        MarianTokenizer.from_pretrained(folder).save_pretrained(tuned)
        assert Tokenizer(Model("tuned", tuned, None, "")).normalization == "moses"


def test_a_wrong_word_is_named(tiny: Model, tmp_path: Path) -> None:
    """With the choices."""
    folder = copy(tiny, tmp_path / "m")
    add(folder / "tokenizer_config.json", {"normalization": "mooses"})
    with pytest.raises(ModelError, match=r'mooses.* "moses" or "none"'):
        Tokenizer(Model("m", folder, None, ""))


def test_what_is_written_about_a_model_is_not_in_its_fingerprint(tiny: Model, tmp_path: Path) -> None:
    """A card that is mended does not begin another run; the signature names the normalisation itself."""
    folder = copy(tiny, tmp_path / "m")
    (folder / "README.md").write_text("a card", encoding="utf-8")
    add(folder / "tokenizer_config.json", {"normalization": "none"})
    assert fingerprint(folder) == tiny.fingerprint
