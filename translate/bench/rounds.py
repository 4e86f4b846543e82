"""The rounds of a bench, and the proof of what it recommends: passes in random order until enough is known."""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from translate.bench.intervals import LEAST_ROUNDS, LOOKS, compare_rounds
from translate.bench.judge import Judge, stopped
from translate.bench.measurements import Measurement, Pass, Proof
from translate.bench.planning import Plan
from translate.bench.verdicts import is_decided
from translate.bench.worker import EngineProcess, Failure, Ready, Task
from translate.run.advice import Batching, Variant

ALONE = Batching(size=1)
SEED = 2026
"""Of the order: the same command measures in the same order."""
YARDSTICK = 384
"""Rows and columns of the matrices that the machine's own speed is told by: a few thousandths of a second a product."""

Sources = Sequence[tuple[int, ...]]
Passes = dict[tuple[Variant, Batching], list[Pass | Failure]]


@dataclass(frozen=True, slots=True)
class SweepStep:
    """So many of the passes are done; of how many there are at least."""

    done: int
    passes: int


@dataclass(frozen=True, slots=True)
class Limits:
    """When the rounds end: after so many (None: when enough is known), when there is enough of them, at the latest."""

    rounds: int | None
    enough: float
    """On the clock of time.perf_counter: no round more than necessary begins after this."""
    latest: float
    """Not even a necessary one begins after this."""


@dataclass
class Race:
    """All variants with all their batches, and what they have done so far."""

    workers: Mapping[Variant, EngineProcess]
    plans: Mapping[Variant, Plan]
    samples: Mapping[Variant, Sources]
    judges: Mapping[Variant, Judge]
    ready: Mapping[Variant, Ready]
    comparisons: int
    yardstick: list[float] = field(default_factory=list)
    _passes: Passes = field(default_factory=dict)
    _done: int = 0

    @property
    def pairs(self) -> list[tuple[Variant, Batching]]:
        """Every setting of every variant."""
        return [(variant, batching) for variant, plan in self.plans.items() for batching in plan.batchings]

    @property
    def least(self) -> int:
        """Passes, if no more rounds are needed than the least."""
        return len(self.plans) + len(self.pairs) * (LEAST_ROUNDS + 1) - sum(b == ALONE for _, b in self.pairs)

    def run(self, limits: Limits) -> Generator[SweepStep, None, tuple[list[Measurement], str]]:
        """Every row; and why the last rounds were left out, if time was up before the least of them were done."""
        yield from self._take((variant, ALONE, False) for variant in self.plans)
        yield from self._take((variant, batching, True) for variant, batching in self.pairs if batching != ALONE)
        order, late = random.Random(SEED), ""
        least, most = (limits.rounds, limits.rounds) if limits.rounds else (LEAST_ROUNDS, LOOKS[-1])
        running = set(self.plans)
        for number in range(1, most + 1):
            now = time.perf_counter()
            if number > 1 and now > limits.latest:
                if number <= least:
                    late = f"stopped after {number - 1} of {least} rounds, which took longer than foreseen"
                break
            if number > least and limits.rounds is None and (now > limits.enough or not running):
                break
            pairs = [(variant, batching) for variant, batching in self.pairs if variant in running]
            yield from self._take((v, b, False) for v, b in order.sample(pairs, len(pairs)))
            if number in LOOKS and limits.rounds is None:
                running = {v for v in running if not is_decided(self._rows(v, final=False), self.comparisons)}
        return [row for variant in self.plans for row in self._rows(variant)], late

    def _take(self, turns: Iterable[tuple[Variant, Batching, bool]]) -> Generator[SweepStep, None, None]:
        """Do these passes, one after the other; those for warming up are told by the last field."""
        for variant, batching, warm in turns:
            held = self._passes.setdefault((variant, batching), [])
            if not warm:
                self.yardstick.append(measure_yardstick())
            if not any(map(stopped, held)):
                held.append(self.workers[variant].run(Task(self.samples[variant], batching, warm=warm)))
            self._done += 1
            yield SweepStep(self._done, max(self.least, self._done))

    def _rows(self, variant: Variant, *, final: bool = True) -> list[Measurement]:
        """With what is known so far; only the final ones tell what became of the texts."""
        plan, ready, sample = self.plans[variant], self.ready[variant], self.samples[variant]
        mean = sum(map(len, sample)) / len(sample)
        alone = self._passes[variant, ALONE][0] if final else None
        rows = []
        for batching in plan.batchings:
            row = Measurement(
                variant,
                batching,
                ready.dtype,
                ready.device,
                default=batching == plan.default,
                filled=plan.fills(batching, mean),
                sample=digest(sample),
            )
            rows.append(self.judges[variant].measure(row, ready, self._passes[variant, batching], alone))
        return rows


def prove(
    worker: EngineProcess, default: Batching, chosen: Measurement, fresh: Sources, seconds: float
) -> Proof | None:
    """The chosen batches and the default by turns, which of them first by turns too, until the two are told apart.

    At least `LEAST_ROUNDS` times, then as long as there are seconds. None if either fails.
    """
    ends = time.perf_counter() + seconds
    order = random.Random(SEED + 1)
    passes: dict[Batching, list[Pass]] = {default: [], chosen.batching: []}
    for batching in passes:
        worker.run(Task(fresh, batching, warm=True))
    for number in range(1, LOOKS[-1] + 1):
        for batching in order.sample(list(passes), 2):
            result = worker.run(Task(fresh, batching))
            if isinstance(result, Failure) or result.problem:
                return None
            passes[batching].append(result)
        rates = [[1 / result.seconds for result in passes[batching]] for batching in (chosen.batching, default)]
        speed = compare_rounds(rates[0], rates[1])
        if number in LOOKS and (speed.is_faster or speed.is_slower or speed.is_narrow):
            break
        if number >= LEAST_ROUNDS and time.perf_counter() > ends:
            break
    costs = [[max(result.cpu_seconds, 1e-6) for result in passes[batching]] for batching in (chosen.batching, default)]
    return Proof(chosen.variant, chosen.batching, len(fresh), speed, compare_rounds(costs[0], costs[1]))


def measure_yardstick() -> float:
    """Seconds of a computation that is the same in every bench of every version: what the machine itself is doing now."""
    matrix = np.full((YARDSTICK, YARDSTICK), 0.5, np.float32)
    began = time.perf_counter()
    for _ in range(5):
        matrix = matrix @ matrix * np.float32(1 / YARDSTICK)
    return time.perf_counter() - began


def digest(sources: Sources) -> str:
    """Which sentences were translated, in a few characters."""
    return hashlib.blake2b(repr(list(sources)).encode(), digest_size=8).hexdigest()
