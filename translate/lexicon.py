"""Texts → a short-list: which target pieces a model writes for which source piece, learned from its own translations.

It takes no more than text in the source language. The model translates it, greedily and with its whole vocabulary; IBM
model 1 tells from which source piece each target piece comes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from translate.engine import load_engine
from translate.modelfolder import read_object
from translate.records import InputError, Model, Request, Settings
from translate.shortlist import Shortlist
from translate.tokens import CHARACTERS_PER_TOKEN, Tokenizer
from translate.translator import refusals_of

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Pair = tuple[Sequence[int], Sequence[int]]
"""Source and target ids of a sentence."""

ROUNDS = 5
"""Of expectation maximisation: after a few, the order of a source piece's candidates hardly changes."""
CHUNK = 1 << 21
"""Pairs of a source and a target token that are counted at once."""


def encode_texts(model: Model, texts: Sequence[str]) -> list[tuple[int, ...]]:
    """The texts' ids, without those that a run would split. Raises InputError if nothing is left."""
    longest = Settings().comfortable_tokens
    encoded = Tokenizer(model).encode([text for text in texts if len(text) <= longest * CHARACTERS_PER_TOKEN])
    sources = [source for source in encoded if len(source) <= longest]
    if not sources:
        raise InputError("no sentence to learn from", "give files with more text")
    return sources


def translate_pairs(model: Model, sources: Sequence[tuple[int, ...]], dtype: str) -> Iterator[Pair]:
    """Each source with its translation, as they are ready. Raises EngineError and ModelError as the engine does."""
    with refusals_of(model):
        engine = load_engine(model, Settings(engine="native", dtype=dtype, beams=1))
    for hypothesis in engine.translate(Request(number, source) for number, source in enumerate(sources)):
        yield sources[hypothesis.number], hypothesis.target


def learn(model: Model, pairs: Sequence[Pair], *, best: int, frequent: int) -> Shortlist:
    """The `frequent` target pieces for every source, and of the others the `best` for each source piece.

    The end is in no list: a source has it, and its own pieces are always candidates.
    """
    vocabulary = int(read_object(model.folder / "config.json")["vocab_size"])
    counts = np.bincount([token for _, target in pairs for token in target], minlength=vocabulary)
    always = np.sort(np.argsort(-counts, kind="stable")[: min(frequent, np.count_nonzero(counts))])
    sources, targets, probabilities = align(pairs, vocabulary)
    others = ~np.isin(targets, always)
    sources, targets, probabilities = sources[others], targets[others], probabilities[others]
    firsts = np.searchsorted(sources, np.arange(vocabulary + 1))
    ranked = np.lexsort((-probabilities, sources))
    kept = np.sort(ranked[np.arange(len(ranked)) - firsts[sources[ranked]] < best])
    starts = np.searchsorted(sources[kept], np.arange(vocabulary + 1))
    tokens = np.concatenate([targets[kept], always])
    return Shortlist(model.fingerprint, np.append(starts, len(tokens)), tokens.astype(np.int32))


def align(pairs: Sequence[Pair], vocabulary: int) -> tuple[Ints, Ints, Floats]:
    """IBM model 1 (Brown et al. 1993, https://aclanthology.org/J93-2003): source pieces, target pieces, p(target | source).

    Of all pairs of pieces that occur, in rising order. The source's end stands for the empty word.
    """
    chunks = [_count(some, vocabulary) for some in _chunks(pairs)]
    keys = np.unique(np.concatenate([np.empty(0, np.int64), *(chunk.keys for chunk in chunks)]))
    sources, targets = np.divmod(keys, vocabulary)
    places = [np.searchsorted(keys, chunk.keys) for chunk in chunks]
    probabilities = np.ones(len(keys))
    for _ in range(ROUNDS):
        expected = np.zeros(len(keys))
        for chunk, place in zip(chunks, places, strict=True):
            expected[place] += chunk.expect(probabilities[place])
        probabilities = expected / np.bincount(sources, expected, minlength=vocabulary)[sources]
    return sources, targets, probabilities


@dataclass(frozen=True, slots=True)
class _Chunk:
    """The pairs of tokens of some sentences; those of one target token stand together."""

    keys: Ints
    """source · vocabulary + target, each once, in rising order."""
    inverse: NDArray[np.int32]
    """[pairs of tokens]: which key each has."""
    lengths: Ints
    """[target tokens]: how many source tokens each may come from."""

    def expect(self, probabilities: Floats) -> Floats:
        """How often, under these probabilities, each key's source piece is expected to have given its target piece."""
        each = probabilities[self.inverse]
        sums = np.add.reduceat(each, np.cumsum(self.lengths) - self.lengths)
        shares = each / np.repeat(sums, self.lengths)
        return np.bincount(self.inverse, shares, minlength=len(self.keys)).astype(np.float64, copy=False)


def _count(pairs: Sequence[Pair], vocabulary: int) -> _Chunk:
    sources = np.concatenate([np.tile(source, len(target)) for source, target in pairs])
    targets = np.concatenate([np.repeat(target, len(source)) for source, target in pairs])
    lengths = np.concatenate([np.full(len(target), len(source)) for source, target in pairs])
    keys, inverse = np.unique(sources * vocabulary + targets, return_inverse=True)
    return _Chunk(keys, inverse.astype(np.int32), lengths)


def _chunks(pairs: Sequence[Pair]) -> Iterator[list[Pair]]:
    """CHUNK pairs of tokens at a time, or a little more."""
    some: list[Pair] = []
    size = 0
    for source, target in pairs:
        if source and target:
            some.append((source, target))
            size += len(source) * len(target)
        if size >= CHUNK:
            yield some
            some, size = [], 0
    if some:
        yield some
