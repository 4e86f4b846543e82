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
