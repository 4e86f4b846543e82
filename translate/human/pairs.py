"""A sentence as a person has translated it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pair:
    """A German sentence and its English, and which row of a run it is, as far as its file says."""

    source: str
    target: str
    where: str
    """Where in its file it stands, for messages: `line 12`."""
    document: str | None = None
    sentence: int | None = None
    """The row's `doc` and `sentence`."""


def parse_sentence(text: str) -> int | None:
    """A sentence's number as a file has it; None for anything else."""
    return int(text) if text.isdecimal() and len(text) < 10 else None
