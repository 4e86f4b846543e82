"""Pure arithmetic of batches: windows of a stream, and lengths → batches under a padded-token budget."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

T = TypeVar("T")


def make_chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Consecutive lists of `size` items, the last one shorter. Raises ValueError if size < 1."""
    if size < 1:
        raise ValueError(f"a chunk of {size} items")
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk


def make_batches(lengths: Sequence[int], *, tokens: int | None = None, size: int | None = None) -> list[list[int]]:
    """Indices of `lengths` in batches, longest first, so that what is padded is little and memory runs out early if at all.

    A batch holds at most `size` items, and items × longest length is at most `tokens`; an item longer than the budget
    is a batch of its own. Items of one length keep their order. Every index is in exactly one batch.
    Raises ValueError if a limit is below 1.
    """
    if (tokens is not None and tokens < 1) or (size is not None and size < 1):
        raise ValueError(f"a batch of {size} items, {tokens} tokens")
    batches: list[list[int]] = []
    for index in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        if batches and _fits(len(batches[-1]) + 1, lengths[batches[-1][0]], tokens, size):
            batches[-1].append(index)
        else:
            batches.append([index])
    return batches


def _fits(count: int, longest: int, tokens: int | None, size: int | None) -> bool:
    return (size is None or count <= size) and (tokens is None or count * longest <= tokens)


def padding_share(lengths: Sequence[int], batches: Iterable[Sequence[int]]) -> float:
    """The part of the padded tokens that are padding, 0 to 1."""
    padded = real = 0
    for batch in batches:
        padded += len(batch) * max(lengths[i] for i in batch)
        real += sum(lengths[i] for i in batch)
    return 1 - real / padded if padded else 0.0
