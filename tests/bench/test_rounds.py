"""Rounds and the proof, with engines whose speed is known: when they stop, what they find, what they refuse."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from translate.bench.judge import Judge
from translate.bench.measurements import Measurement, Pass
from translate.bench.planning import Plan
from translate.bench.rounds import ALONE, Limits, Race, SweepStep, prove
from translate.bench.verdicts import choose, compare_with_default
from translate.bench.worker import EngineProcess, Failure, Ready, Task
from translate.model.tokenizer import Tokenizer
from translate.run.advice import Batching, Variant

DEFAULT, SMALL = Batching(tokens=4000), Batching(tokens=500)
VARIANT = Variant("made-up")
SAMPLE = [(n % 40 + 2,) * (n % 40 + 2) for n in range(60)]
FOREVER = float("inf")


class MadeUp(EngineProcess):
    """An engine that takes so many seconds with each batching, give or take, and fails where it is told to."""

    def __init__(self, seconds: dict[Batching, float], noise: float, fails: Batching | None = None) -> None:
        self.seconds, self.noise, self.fails = seconds, noise, fails
        self.draw = random.Random(4)
        self.tasks: list[Batching] = []

    def run(self, task: Task) -> Pass | Failure:
        self.tasks.append(task.batching)
        if task.batching == self.fails:
            return Failure("out of memory: made up")
        seconds = self.seconds.get(task.batching, 1.0) * (1 + self.noise * self.draw.uniform(-1, 1))
        return Pass(seconds, seconds, (seconds,), () if task.warm else tuple((1,) for _ in task.sources), 1 << 28)


def race(worker: MadeUp, tokenizer: Tokenizer) -> Race:
    """Two batchings of one variant."""
    plan = Plan(len(SAMPLE), (SMALL, DEFAULT), DEFAULT, 8, 1.0)
    ready = Ready("float32", "cpu", False, 4000, 8)
    return Race(
        {VARIANT: worker},
        {VARIANT: plan},
        {VARIANT: SAMPLE},
        {VARIANT: Judge(tokenizer, SAMPLE, None)},
        {VARIANT: ready},
        1,
    )


def run(made: Race, limits: Limits) -> tuple[list[Measurement], str, list[SweepStep]]:
    """To the end: the rows, why it was too late, the steps."""
    steps: list[SweepStep] = []
    running: Any = made.run(limits)
    while True:
        try:
            steps.append(next(running))
        except StopIteration as end:
            rows, late = end.value
            return rows, late, steps


@pytest.mark.parametrize(
    ("small", "noise", "rounds"),
    [(0.5, 0.01, {5}), (1.0, 0.001, {5}), (0.97, 0.15, {10, 14, 20, 28, 40}), (1.0, 0.3, {40})],
)
def test_rounds_end_when_enough_is_known(small: float, noise: float, rounds: set[int], tokenizer: Tokenizer) -> None:
    """At once where the difference is plain or there is plainly none; late, or never, where the machine is noisy."""
    rows, late, steps = run(
        race(MadeUp({SMALL: small, DEFAULT: 1.0}, noise), tokenizer), Limits(None, FOREVER, FOREVER)
    )
    assert {len(row.seconds) for row in rows} <= rounds
    assert not late
    assert all(step.done <= step.passes for step in steps)
    assert [row.default for row in rows] == [False, True]


def test_rounds_that_are_named_are_done(tokenizer: Tokenizer) -> None:
    """Neither more nor less, and each setting once a round, in changing order."""
    worker = MadeUp({SMALL: 0.5}, 0.01)
    rows, _, _ = run(race(worker, tokenizer), Limits(12, FOREVER, FOREVER))
    assert {len(row.seconds) for row in rows} == {12}
    rounds = list(batched(worker.tasks[3:], 2))  # alone, and each warmed up
    assert worker.tasks[:3] == [ALONE, SMALL, DEFAULT]
    assert all(set(one) == {SMALL, DEFAULT} for one in rounds)
    assert len(set(rounds)) == 2


def batched(values: Sequence[Batching], size: int) -> Iterator[tuple[Batching, ...]]:
    """As itertools.batched of later Pythons."""
    iterator = iter(values)
    while some := tuple(itertools.islice(iterator, size)):
        yield some


def test_time_that_is_up_ends_it(tokenizer: Tokenizer) -> None:
    """After the least number of rounds; before that only where it is very late, which is said."""
    made = race(MadeUp({}, 0.3), tokenizer)
    rows, late, _ = run(made, Limits(None, 0.0, FOREVER))
    assert {len(row.seconds) for row in rows} == {5}
    assert not late
    rows, late, _ = run(race(MadeUp({}, 0.3), tokenizer), Limits(None, 0.0, 0.0))
    assert {len(row.seconds) for row in rows} == {1}
    assert late.startswith("stopped after 1 of 5 rounds")


def test_what_fails_is_not_tried_again(tokenizer: Tokenizer) -> None:
    """A row without figures, and the other one measured to the end."""
    worker = MadeUp({}, 0.01, fails=SMALL)
    rows, _, _ = run(race(worker, tokenizer), Limits(None, FOREVER, FOREVER))
    assert rows[0].problem == "out of memory: made up"
    assert worker.tasks.count(SMALL) == 1
    assert len(rows[1].seconds) == 5


def test_the_proof_says_how_much(tokenizer: Tokenizer) -> None:
    """Faster, not faster, or nothing if a pass fails; each turn has both."""
    rows, _, _ = run(race(MadeUp({SMALL: 0.5}, 0.01), tokenizer), Limits(None, FOREVER, FOREVER))
    chosen = choose(rows, compare_with_default(rows, 1))
    assert chosen is not None
    assert chosen.batching == SMALL
    worker = MadeUp({SMALL: 0.5}, 0.02)
    proof = prove(worker, DEFAULT, chosen, SAMPLE, 60)
    assert proof is not None
    assert proof.speed.low < 2 < proof.speed.high
    assert proof.speed.is_faster
    assert proof.cpu.is_slower  # less of it
    assert all(set(turn) == {SMALL, DEFAULT} for turn in batched(worker.tasks, 2))
    unproved = prove(MadeUp({}, 0.2), DEFAULT, chosen, SAMPLE, 0)
    assert unproved is not None
    assert not unproved.speed.is_faster
    assert unproved.speed.rounds == 5
    assert prove(MadeUp({}, 0.2, fails=DEFAULT), DEFAULT, chosen, SAMPLE, 0) is None
