"""What a file says of the run that its rows are from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class About:
    """The model, everything that can change its rows, and the version of this program."""

    model: str
    signature: str
    version: str
