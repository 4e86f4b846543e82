"""What an engine does with a batch that memory cannot hold: it is halved, and each half tried again."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from translate.records import EngineError, Hypothesis, Request

log = logging.getLogger(__name__)


def _nothing() -> None:
    """Nothing to give back."""


@dataclass(frozen=True, slots=True)
class BatchMemory:
    """The memory that batches are decoded in."""

    device: str
    hint: str
    """What a user can do about one sentence that it cannot hold."""
    is_full: Callable[[BaseException], bool]
    """Whether an error says so."""
    give_back: Callable[[], None] = _nothing
    """Free what the failed batch has left."""


def decode_or_halve(
    requests: Sequence[Request], decode: Callable[[Sequence[Request]], list[Hypothesis]], memory: BatchMemory
) -> Iterator[Hypothesis]:
    """One hypothesis for each request, by `decode`, in as few batches as memory allows; those of a divided one are marked.

    A warning tells how many rows were decoded in other company than the signature says: the last digits of their sums, and
    now and then a word, may be others than in a run with more memory. Raises EngineError if one sentence is too much.
    """
    try:
        hypotheses = decode(requests)
    except (MemoryError, RuntimeError) as error:
        if not memory.is_full(error):
            raise
        if len(requests) == 1:
            tokens = len(requests[0].source)
            message = f"one sentence of {tokens} tokens does not fit in the memory of '{memory.device}'"
            raise EngineError(message, memory.hint) from error
        hypotheses = None
    if hypotheses is not None:
        yield from hypotheses
        return
    memory.give_back()  # outside the handler: the error's traceback holds the tensors that have to go first
    half = len(requests) // 2
    log.warning(
        "out of memory with %d sentences; going on with %d and %d: these %d rows may differ slightly from those of a run"
        " with more memory or smaller batches",
        *(len(requests), len(requests) - half, half, len(requests)),
    )
    for part in (requests[:-half], requests[-half:]):
        for hypothesis in decode_or_halve(part, decode, memory):
            yield replace(hypothesis, halved=True)
