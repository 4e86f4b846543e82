"""Answers that lie: precision and recall of the flags on hostile sentences with given answers.

`hostile.jsonl` holds a source, an answer, the flags that must be raised and those that may. It was written before the
thresholds of the checks were looked at. The answers are given, so that it is the checks that are measured, not a model.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.reliability.attack import SMALL, Attack, Size, Tally
from translate.records import Flag
from translate.run.checks import check_target, needs_model

JUDGED = (Flag.LOOP, Flag.ECHO, Flag.LENGTH_RATIO, Flag.NUMBER_MISMATCH, Flag.NEGATION, Flag.EMPTY, Flag.PASSTHROUGH)
"""Flags that the two texts decide; the others tell what the engine or the vocabulary did."""
LEAST = 0.85
"""Of precision and recall, for each flag: what the tests hold the checks to."""


@dataclass(frozen=True, slots=True)
class Case:
    """One hostile sentence."""

    kind: str
    source: str
    target: str
    must: frozenset[Flag]
    may: frozenset[Flag]


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one flag."""

    right: int
    wrong: int
    missed: int

    @property
    def precision(self) -> float:
        """0 to 1; 1 if it was never raised."""
        return self.right / max(1, self.right + self.wrong) if self.right + self.wrong else 1.0

    @property
    def recall(self) -> float:
        """0 to 1; 1 if it never had to be."""
        return self.right / max(1, self.right + self.missed) if self.right + self.missed else 1.0


def read_cases() -> list[Case]:
    """All of them."""
    lines = (Path(__file__).parent / "hostile.jsonl").read_text(encoding="utf-8").split("\n")[:-1]
    cases = [json.loads(line) for line in lines]
    return [
        Case(c["kind"], c["source"], c["target"], frozenset(map(Flag, c["must"])), frozenset(map(Flag, c["may"])))
        for c in cases
    ]


def raise_flags(case: Case) -> frozenset[Flag]:
    """What the row would be flagged with."""
    if not needs_model(case.source):
        return frozenset([Flag.PASSTHROUGH])
    return frozenset(check_target(case.source, case.target))


def measure(cases: list[Case]) -> dict[Flag, Figures]:
    """Over all cases, flag by flag; what may be raised counts neither way."""
    right, wrong, missed = Counter[Flag](), Counter[Flag](), Counter[Flag]()
    for case in cases:
        found = raise_flags(case)
        right.update(found & case.must)
        wrong.update(found - case.must - case.may)
        missed.update(case.must - found)
    return {flag: Figures(right[flag], wrong[flag], missed[flag]) for flag in JUDGED}


def attacks(_: Size, __: Path) -> Iterator[Attack]:
    """The rows of this family: one for each kind of sentence."""
    cases = read_cases()
    for kind in dict.fromkeys(case.kind for case in cases):
        yield partial(judge, kind, [case for case in cases if case.kind == kind])


def judge(kind: str, cases: list[Case]) -> Tally:
    """A row is wrong if its flags are."""
    tally = Tally(f"flags: {kind}")
    for case in cases:
        found = raise_flags(case)
        missed, surplus = case.must - found, found - case.must - case.may
        told = f"missed {sorted(missed)}, surplus {sorted(surplus)}: {case.source} → {case.target}"
        tally.add(told if missed or surplus else "", wrong=int(bool(missed or surplus)))
    return tally


def render() -> str:
    """Precision and recall in Markdown."""
    lines = [
        "| flag | raised rightly | raised wrongly | missed | precision | recall |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for flag, figures in measure(read_cases()).items():
        shares = f"{figures.precision:.2f} | {figures.recall:.2f}"
        lines.append(f"| `{flag}` | {figures.right} | {figures.wrong} | {figures.missed} | {shares} |")
    return "\n".join(lines)


def test_the_flags_are_right_and_complete() -> None:
    """Of each flag, 85 in a hundred raisings at least are right, and 85 in a hundred that have to be are raised."""
    cases = read_cases()
    assert len(cases) >= 150
    assert len(list(attacks(SMALL, Path()))) >= 10
    for flag, figures in measure(cases).items():
        assert min(figures.precision, figures.recall) >= LEAST, (flag, figures)
