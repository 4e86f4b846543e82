"""Text ↔ ids, against transformers' own tokenizer; and the cutting of long sentences."""

from __future__ import annotations

import dataclasses
import shutil
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from translate.model.tokenizer import Tokenizer
from translate.records import Model, ModelError

TEXTS = [
    "Das ist ein Haus.", "„Ja“, sagte er – und ging.", "10.000 Euro", "Rindfleischetikettierung", "ÄÖÜß", "🙂 Ist", "a\tb  c", "x" * 500,
    "中文", "é e\u0301", "&amp; <b>fett</b>", "", " ",
]  # fmt: skip


@pytest.mark.slow
def test_ids_and_texts_are_those_of_transformers(tiny: Model, tokenizer: Tokenizer) -> None:
    """What MarianTokenizer makes of a text, and of ids."""
    from transformers import MarianTokenizer

    reference = MarianTokenizer.from_pretrained(tiny.folder)
    encoded = tokenizer.encode(TEXTS)
    assert encoded == [tuple(ids) for ids in reference(TEXTS).input_ids]
    for ids in encoded:
        known = [token for token in ids if token != tokenizer.unknown]
        assert tokenizer.decode(known) == reference.decode(known, skip_special_tokens=True)


def test_soft_hyphens_never_reach_the_model(tokenizer: Tokenizer) -> None:
    """They would be pieces that the vocabulary lacks."""
    assert tokenizer.encode(["Rind\u00adfleisch"]) == tokenizer.encode(["Rindfleisch"])


MOSES = [
    ("„Ja“, sagte er … und ging – fort", '"Ja", sagte er ... und ging - fort'),
    ("»Nein«", '"Nein"'),
    ("a\u00a0b \u200b c", "a b c"),
    ("Rind\u00adfleisch", "Rindfleisch"),
    ("10\u00a0%", "10%"),
    *((f"Eins{end}Zwei", "Eins Zwei") for end in "\t\v\f\x1c\x85\u2028\u2029"),
]


@pytest.mark.parametrize(("text", "normalized"), MOSES)
def test_opus_models_get_punctuation_as_they_learned_it(text: str, normalized: str, tiny: Model) -> None:
    """The Moses chain, for models that learned behind it, unless switched off; other models get the text as it is."""
    opus = dataclasses.replace(tiny, name="Helsinki-NLP/opus-mt-de-en", revision="6f6b23ef")
    plain = Tokenizer(tiny)
    assert Tokenizer(opus).encode([text]) == plain.encode([normalized])
    assert Tokenizer(opus).normalization == "moses"
    assert Tokenizer(opus, normalize=False).normalization == plain.normalization == "none"


WORDS = st.lists(
    st.sampled_from(["Haus", "und", "aber", "ging, ", "; ", "Donaudampfschiff", "x" * 900, "\u0301", "."]), max_size=300
)


@given(WORDS, st.integers(8, 60))
@settings(max_examples=60, deadline=None)
def test_a_cut_sentence_is_whole_and_its_parts_are_short(words: list[str], limit: int) -> None:
    """Nothing is lost, and no part is over the limit; a few characters may always stand."""
    tokenizer = shared_tokenizer()
    text = " ".join(words)
    parts = tokenizer.split(text, limit)
    assert "".join(parts) == text
    assert all(len(part) < limit or len(ids) <= limit for part, ids in zip(parts, tokenizer.encode(parts), strict=True))


_kept: list[Tokenizer] = []


def shared_tokenizer() -> Tokenizer:
    """One for all examples; hypothesis and fixtures do not go together."""
    if not _kept:
        from translate.model.catalog import BUNDLED

        _kept.append(Tokenizer(Model("tiny-de-en", BUNDLED / "tiny-de-en", None, "")))
    return _kept[0]


def test_a_sentence_is_cut_at_clause_ends(tokenizer: Tokenizer) -> None:
    """Semicolons before commas before blanks."""
    text = "Er kam am Abend in die Stadt; sie war, wie immer um diese Zeit, leer und still"
    assert tokenizer.split(text, 20) == [
        "Er kam am Abend in die Stadt; ",
        "sie war, wie immer um diese Zeit, leer und still",
    ]
    assert tokenizer.split("Kurz.", 20) == ["Kurz."]


def test_a_monstrous_sentence_takes_linear_time(tokenizer: Tokenizer) -> None:
    """Two megabytes without a blank or with nothing but words: some seconds, not minutes."""
    for text in ("x" * 2_000_000, "Wort und " * 220_000):
        started = time.perf_counter()
        assert "".join(tokenizer.split(text, 200)) == text
        assert time.perf_counter() - started < 60


def test_a_vocabulary_that_does_not_fit_is_named(tmp_path: Path) -> None:
    """Instead of a traceback from a library."""
    for name in ("source.spm", "target.spm"):
        (tmp_path / name).write_bytes(b"nothing of the kind")
    (tmp_path / "vocab.json").write_text("{}")
    with pytest.raises(ModelError, match="cannot read the vocabulary"):
        Tokenizer(Model("x", tmp_path, None, ""))


@pytest.mark.parametrize(
    "data",
    [
        "[]",
        "{}",
        '{"</s>": 0, "<unk>": 0}',
        '{"</s>": 0, "<unk>": 99999}',
        '{"</s>": 0, "<unk>": -1}',
        '{"</s>": 0, "<unk>": 1, "<pad>": 2}',
        '{"</s>": "0"}',
        "[" * 100_000,
    ],
)
def test_a_wrong_vocabulary_is_named(data: str, tiny: Model, tmp_path: Path) -> None:
    """Ids have to be rows of the model's embeddings, each of one piece."""
    copy = shutil.copytree(tiny.folder, tmp_path / "m")
    (copy / "vocab.json").write_text(data)
    with pytest.raises(ModelError, match=r"vocab\.json|has no </s>"):
        Tokenizer(Model("m", copy, None, ""))
