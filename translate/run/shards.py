"""Which documents of a whole list are one machine's: shard 3/16 has every 16th, beginning with the third.

A document's shard is decided by its place in the list sorted by name, so every machine that is given the same files
comes to the same answer. No machine needs to know of another.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from translate.records import InputError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Shard:
    """One of `count` parts, counted from 1."""

    number: int
    count: int

    @property
    def suffix(self) -> str:
        """What sets this part's own files apart: `-3-of-16`."""
        return f"-{self.number}-of-{self.count}"

    def choose(self, documents: Mapping[str, T]) -> dict[str, T]:
        """This part's documents (by name), in the order of their names."""
        names = sorted(documents)[self.number - 1 :: self.count]
        return {name: documents[name] for name in names}


def parse_shard(text: str) -> Shard:
    """`3/16` → a shard. Raises InputError for anything else."""
    found = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", text)
    if found is None or not 1 <= int(found[1]) <= int(found[2]):
        raise InputError(f"'{text}' is no part of a whole", "write 1/16, 2/16 … 16/16: the part, and of how many")
    return Shard(int(found[1]), int(found[2]))
