"""The short-list is learned from translations: what goes with what, by IBM model 1."""

from __future__ import annotations

import numpy as np
import pytest

from translate import lexicon
from translate.lexicon import align, encode_texts, learn, translate_pairs
from translate.records import InputError, Model

DAS, HAUS, BUCH, EIN, END = 1, 2, 3, 4, 0
THE, HOUSE, BOOK, A = 5, 6, 7, 8
PAIRS = [((DAS, HAUS, END), (THE, HOUSE)), ((DAS, BUCH, END), (THE, BOOK)), ((EIN, BUCH, END), (A, BOOK))]
"""The example of Koehn, Statistical Machine Translation, chapter 4."""


def test_pieces_are_aligned() -> None:
    """The more probable piece is the right one; probabilities are of each source piece, and only of what occurs with it."""
    sources, targets, probabilities = align(PAIRS, 9)
    best = {s: targets[sources == s][probabilities[sources == s].argmax()] for s in (DAS, HAUS, BUCH, EIN)}
    assert best == {DAS: THE, HAUS: HOUSE, BUCH: BOOK, EIN: A}
    assert np.bincount(sources, probabilities)[: END + 5] == pytest.approx([1] * 5)
    assert sorted(targets[sources == HAUS]) == [THE, HOUSE]


def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted together or one sentence at a time; sentences without a target count for nothing."""
    whole = align(PAIRS, 9)
    monkeypatch.setattr(lexicon, "CHUNK", 1)
    for found, expected in zip(align([((DAS, END), ()), *PAIRS], 9), whole, strict=True):
        assert found == pytest.approx(expected)


def test_the_best_are_kept(tiny: Model) -> None:
    """Of each piece, without those that every source has anyway, which come last; lists rise."""
    found = learn(tiny, PAIRS, best=1, frequent=1)
    lists = np.split(found.tokens, found.starts[1:-1])
    assert found.fingerprint == tiny.fingerprint
    assert len(lists) == 8047 + 1
    assert lists[-1].tolist() == [THE]  # as frequent as BOOK, and the first
    assert {i: some.tolist() for i, some in enumerate(lists[:-1]) if len(some)} == {
        END: [BOOK], DAS: [HOUSE], HAUS: [HOUSE], BUCH: [BOOK], EIN: [A],
    }  # fmt: skip
    more = learn(tiny, PAIRS, best=5, frequent=9)
    assert np.split(more.tokens, more.starts[1:-1])[-1].tolist() == [THE, HOUSE, BOOK, A]
    assert len(more.tokens) == 4


def test_texts_are_translated_whole(tiny: Model) -> None:
    """Each once; what a run would split is left out, and nothing at all is an error."""
    sources = encode_texts(tiny, ["Das ist ein Haus.", "ha " * 300, "x" * 5000, "Ja."])
    assert len(sources) == 2
    assert {source for source, target in translate_pairs(tiny, sources, "float32") if target} == set(sources)
    with pytest.raises(InputError, match="no sentence"):
        encode_texts(tiny, ["ha " * 300])
