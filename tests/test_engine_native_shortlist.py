"""The short-list in the engine in C: rows choose among their own candidates, whatever shares their batch."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest

from test_engine_native import TEXTS, ask, native
from test_engine_native_compiled import options_for
from translate import engine_native_compiled as compiled
from translate.records import Hypothesis, Model
from translate.shortlist import Shortlist, write_shortlist
from translate.tokens import Tokenizer

pytestmark = pytest.mark.skipif(compiled.load_library() is None, reason="no C compiler here")

VOCABULARY = 8047


def table(model: Model, folder: Path, lists: Mapping[int, Sequence[int]], always: Sequence[int]) -> str:
    """The file of a short-list."""
    tokens = [*(lists.get(piece, []) for piece in range(VOCABULARY)), always]
    starts = np.cumsum([0, *map(len, tokens)])
    path = folder / "table.npz"
    write_shortlist(Shortlist(model.fingerprint, starts, np.concatenate(tokens).astype(np.int32)), path)
    return str(path)


def random_table(model: Model, folder: Path, each: int) -> str:
    """So many pieces at random for each piece, a few for every source."""
    draw = random.Random(4).sample
    lists = {piece: sorted(draw(range(VOCABULARY), each)) for piece in range(VOCABULARY)}
    return table(model, folder, lists, sorted(draw(range(1000), 300)))


@pytest.fixture(scope="module")
def sources(tokenizer: Tokenizer) -> list[tuple[int, ...]]:
    """Ordinary ones, odd ones, and some of different lengths."""
    generator, words = random.Random(5), " ".join(TEXTS).split()
    texts = [" ".join(generator.choices(words, k=generator.randint(1, 16))) for _ in range(30)]
    return [*tokenizer.encode([*TEXTS, *texts]), (0,), (5, 0), (tokenizer.unknown, 0)]


def bits(answers: Sequence[Hypothesis]) -> list[tuple[tuple[int, ...], float]]:
    return [(answer.target, answer.score) for answer in answers]


@pytest.mark.parametrize("each", [40, 500])
@pytest.mark.parametrize(
    ("dtype", "beams"), [("float32", 1), ("int8", 1), ("bfloat16", 1), ("float32", 3), ("int8", 3)]
)
def test_rows_do_not_depend_on_the_batch(
    tiny: Model, sources: list[tuple[int, ...]], tmp_path: Path, dtype: str, beams: int, each: int
) -> None:
    """Ids and scores to the last bit. Of the large lists, a few sources want most of the vocabulary: then all is computed."""
    path = random_table(tiny, tmp_path, each)
    expected = bits(ask(native(tiny, dtype=dtype, beams=beams, shortlist=path, batch_size=1), sources))
    for size in (3, 16, 256):
        order = random.Random(size).sample(range(len(sources)), len(sources))
        engine = native(tiny, dtype=dtype, beams=beams, shortlist=path, batch_size=size)
        assert bits(ask(engine, [sources[i] for i in order])) == [expected[i] for i in order]


@pytest.mark.parametrize("name", ["no tiles", "avx512", "avx2", "any"])
def test_rows_do_not_depend_on_the_batch_on_other_processors(
    name: str, tiny: Model, sources: list[tuple[int, ...]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The three number types, compiled for it."""
    library = compiled.load_library(("-O2", "-shared", "-fPIC", *options_for(name)))
    assert library is not None
    monkeypatch.setattr(compiled, "load_library", lambda: library)
    path = random_table(tiny, tmp_path, 40)
    for dtype in compiled.TYPES:
        engine = native(tiny, dtype=dtype, shortlist=path)
        assert [bits(ask(engine, [source])) for source in sources[:4]] == [
            [one] for one in bits(ask(engine, sources[:8]))[:4]
        ]


@pytest.mark.parametrize("ngram", [0, 2])
@pytest.mark.parametrize(("dtype", "beams"), [("float32", 1), ("int8", 1), ("float32", 3)])
def test_the_whole_vocabulary_gives_what_none_gives(
    tiny: Model, sources: list[tuple[int, ...]], tmp_path: Path, dtype: str, beams: int, ngram: int
) -> None:
    """To the last bit, whether the table has all for every source or for one piece; with n-grams barred, too."""
    everything = range(VOCABULARY)
    without = native(tiny, dtype=dtype, beams=beams)
    without._rules = replace(without._rules, ngram=ngram)
    expected = bits(ask(without, sources))
    for lists, always in (({}, everything), ({0: everything}, [])):
        engine = native(tiny, dtype=dtype, beams=beams, shortlist=table(tiny, tmp_path, lists, always))
        engine._rules = replace(engine._rules, ngram=ngram)
        assert bits(ask(engine, sources)) == expected


@pytest.mark.parametrize("beams", [1, 4])
def test_rows_keep_to_their_candidates(tiny: Model, sources: list[tuple[int, ...]], tmp_path: Path, beams: int) -> None:
    """Those of their pieces, the pieces themselves, those of every source; no sequence twice where that is barred."""
    lists = {piece: [(7 * piece + i) % VOCABULARY for i in range(30)] for piece in range(VOCABULARY)}
    engine = native(tiny, beams=beams, shortlist=table(tiny, tmp_path, lists, range(10, 60)))
    engine._rules = replace(engine._rules, ngram=2)
    for source, answer in zip(sources, ask(engine, sources), strict=True):
        assert set(answer.target) <= {*source, *range(10, 60), *(token for piece in source for token in lists[piece])}
        pairs = list(zip(answer.target, answer.target[1:], strict=False))
        assert len(pairs) == len(set(pairs))


def test_what_stands_in_the_source_can_be_copied(tiny: Model, tokenizer: Tokenizer, tmp_path: Path) -> None:
    """Even where the table is empty; a row of fewer candidates than its beams ask for ends, too."""
    source, short = (*tokenizer.encode(["Berlin 2030"]), (0,))
    for beams in (1, 4):
        engine = native(tiny, beams=beams, shortlist=table(tiny, tmp_path, {}, []))
        answer, nothing = ask(engine, [source, short])
        assert tokenizer.decode(answer.target).startswith("Berlin")
        assert set(answer.target) <= set(source)
        assert set(nothing.target) <= {0}


def test_second_tries_have_the_whole_vocabulary(tiny: Model, sources: list[tuple[int, ...]], tmp_path: Path) -> None:
    """A row that went wrong may have gone wrong for want of a piece."""
    engine = native(tiny, shortlist=table(tiny, tmp_path, {}, []))
    assert bits(ask(engine, sources, safer=True)) == bits(ask(native(tiny), sources, safer=True))


def test_a_table_of_another_size_never_reaches_the_engine(tiny: Model, tmp_path: Path) -> None:
    """It would read what stands behind it."""
    path = tmp_path / "small.npz"
    write_shortlist(Shortlist(tiny.fingerprint, np.array([0, 0, 1]), np.array([0], dtype=np.int32)), path)
    with pytest.raises(ValueError, match="a short-list of 1 tokens"):
        ask(native(tiny, shortlist=str(path)), [(5, 0)])


@pytest.mark.slow
def test_memory_does_not_grow(tiny: Model, tokenizer: Tokenizer, tmp_path: Path) -> None:
    """Over 20,000 sentences, once the buffers are there."""
    engine = native(tiny, dtype="int8", shortlist=random_table(tiny, tmp_path, 40))
    rows = tokenizer.encode(["Ja.", "Nein.", "Guten Morgen!", "Danke."] * 1250)
    process = psutil.Process()
    ask(engine, rows)
    before = process.memory_info().rss
    for _ in range(4):
        ask(engine, rows)
    assert process.memory_info().rss - before < 30e6
