"""Files → the sentences to measure with, and their references; and which of them an engine gets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from translate.records import InputError
from translate.run.checks import needs_model
from translate.run.plan import find_documents
from translate.text.documents import open_document, read_lines, read_paragraphs
from translate.text.sentences import split_sentences

STRATA = 4
"""Lengths at which a sample has its sentences."""


@dataclass(frozen=True, slots=True)
class Text:
    """The sentences to translate, each with its reference if there are any."""

    sentences: tuple[str, ...]
    references: tuple[str, ...] | None = None


def read_text(files: Sequence[str], references: Sequence[Path], encoding: str) -> Text:
    """The different sentences of the files that a model has to translate; with references, their lines as they are.

    Raises InputError for a file that cannot be read, or if files and references have not the same number of lines.
    """
    paths, failures = find_documents(files)
    if failures:
        raise failures[0].error
    if not references:
        documents = (open_document(path, encoding) for path in paths.values())
        texts = (s.text for document in documents for s in split_sentences(read_paragraphs(document)))
        return Text(tuple(dict.fromkeys(filter(needs_model, texts))))
    sources = [line.text for path in paths.values() for line in read_lines(path, encoding)]
    targets = [line.text for path in references for line in read_lines(path, encoding)]
    if len(sources) != len(targets):
        hint = "give a reference for each file, in the same order, that translates it line by line"
        raise InputError(f"{len(sources)} lines to translate, {len(targets)} lines of reference", hint)
    pairs = [pair for pair in zip(sources, targets, strict=True) if needs_model(pair[0])]
    return Text(tuple(source for source, _ in pairs), tuple(target for _, target in pairs))


def split_in_two(lengths: Sequence[int]) -> tuple[list[int], list[int]]:
    """Sentences to measure with, and fresh ones to prove the result on: by number, shortest first, alike in length."""
    ranked = sorted(range(len(lengths)), key=lambda i: lengths[i])
    return ranked[0::2], ranked[1::2]


def choose_sample(ranked: Sequence[int], lengths: Sequence[int], wanted: int) -> list[int]:
    """`wanted` of the sentences in `ranked` (by number, shortest first), in `STRATA` runs of neighbours in length.

    The runs lie where their share of all tokens lies. A run sorts the sentences of thousands by length before it makes
    batches, so that those of a batch are alike; a few sentences spread over all lengths would be padded as no run pads.
    """
    wanted = min(wanted, len(ranked))
    if wanted == len(ranked):
        return sorted(ranked)
    ends = list(accumulate(lengths[i] for i in ranked))
    chosen: list[int] = []
    begin = 0
    for stratum in range(STRATA):
        size = (wanted * (stratum + 1)) // STRATA - (wanted * stratum) // STRATA
        middle = next(place for place, end in enumerate(ends) if end * 2 * STRATA >= ends[-1] * (2 * stratum + 1))
        still = wanted - len(chosen)
        begin = max(begin, min(middle - size // 2, len(ranked) - still))
        chosen += ranked[begin : begin + size]
        begin += size
    return sorted(chosen)


def spread_evenly(count: int, wanted: int) -> list[int]:
    """`wanted` of the numbers below `count`, in order and evenly spaced; all of them if there are no more."""
    wanted = min(count, wanted)
    return [position * count // wanted for position in range(wanted)]
