"""tests/data/cases.jsonl: small inputs, each made after a public report, with what a user rightly expects.

Each line has `kind`, `input`, `expected` and `got` (what a version of long ago gave); some `engine` or `note`. A case is
known by its number, counted from 0.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DATA = Path(__file__).resolve().parents[1] / "data"


@dataclass(frozen=True, slots=True)
class Case:
    """One line of the file."""

    number: int
    kind: str
    input: Any
    expected: Any


def read_cases(*kinds: str) -> list[Case]:
    """The cases whose kind begins with one of these words ("seg", "number", "chars" …), in order."""
    with (DATA / "cases.jsonl").open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    cases = [Case(number, row["kind"], row["input"], row["expected"]) for number, row in enumerate(rows)]
    return [case for case in cases if case.kind.startswith(kinds)]
