"""Which batch size, which engine, on this machine, for these texts: a sweep → measurements.

Every variant runs in a process of its own, which waits while another one is timed. After a pass with one sentence a
batch (what all outputs are compared with) come the rounds: each setting once a round, in random order, so that a
machine that slows down or has other work hits all alike.
"""

from __future__ import annotations

import hashlib
import os
import random
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from translate.bench.judge import Judge, stopped
from translate.bench.measurements import (
    Measurement,
    Pass,
    affordable_tokens,
    choose_budgets,
    find_noise,
    recommend,
    seconds_a_token,
    spread_evenly,
)
from translate.bench.samples import Text
from translate.bench.worker import EngineProcess, Failure, Ready, Task
from translate.machine import machine_kind
from translate.model.tokenizer import Tokenizer
from translate.records import EngineError, InputError, Model, Settings
from translate.run.advice import Batching, Recommendation, Variant

ALONE = Batching(size=1)
SEED = 2026
"""Of the order: the same command measures in the same order."""
SETTINGS = 4
"""Token budgets in a sweep that names none."""
PILOT = 8
"""Sentences that are translated first, to know how many can be afforded."""
LATE = 1.5
"""Times the seconds that were asked for, loading included: an open sweep begins no further round after that."""
LEAST_REPEATS = 5
"""Fewer have no quartiles worth the name."""

Passes = dict[tuple[Variant, Batching], list[Pass | Failure]]


@dataclass(frozen=True, slots=True)
class Sweep:
    """What to measure. No batchings and no number of sentences mean: what `seconds` allow."""

    variants: tuple[Variant, ...]
    batchings: tuple[Batching, ...] = ()
    repeats: int = LEAST_REPEATS
    sentences: int | None = None
    seconds: float = 60.0

    @property
    def open(self) -> bool:
        """Whether it is ours to say what is measured; then it has to end in time."""
        return not self.batchings and self.sentences is None


@dataclass(frozen=True, slots=True)
class Planned:
    """What will be done, and how long it will take."""

    seconds: float
    sentences: int
    passes: int
    failures: Mapping[Variant, Failure] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SweepStep:
    """So many of the passes are done."""

    done: int
    passes: int


@dataclass(frozen=True, slots=True)
class Bench:
    """What bench.json holds, but for the versions."""

    model: Model
    measurements: tuple[Measurement, ...]
    recommendations: tuple[Recommendation, ...]
    machine: Mapping[str, str | int]
    sentences: int
    sample: str
    """A digest of the sentences that were translated: figures of other sentences can't be compared."""
    load: tuple[float | None, float | None]
    """Load averages of a minute, before and after."""
    noise: str
    seconds: float


def run_bench(model: Model, text: Text, sweep: Sweep) -> Iterator[Planned | SweepStep | Bench]:
    """Measure; the Bench comes last. Raises EngineError if no variant can be loaded, InputError for too little text."""
    started, load, tokenizer = time.perf_counter(), load_average(), Tokenizer(model)
    encoded = tokenizer.encode(text.sentences)
    usable = [i for i, source in enumerate(encoded) if len(source) <= Settings().comfortable_tokens]
    if len(usable) < 2:
        raise InputError(f"{len(usable)} sentences to measure with", "give files with more text")
    with ExitStack() as stack:
        workers = {v: EngineProcess(model, _settings(v), v.threads) for v in sweep.variants}
        for worker in workers.values():
            stack.callback(worker.stop)
        ready, costs, failures = _start(workers, [encoded[i] for i in usable])
        chosen, batchings, seconds = _plan(sweep, [len(encoded[i]) for i in usable], list(costs.values()))
        sample = [encoded[usable[i]] for i in chosen]
        turns = _order(list(ready), batchings, sweep.repeats)
        yield Planned(seconds, len(sample), len(turns), failures)
        latest = started + LATE * sweep.seconds if sweep.open else float("inf")
        passes, late = yield from _take_turns(turns, sample, workers, latest)
    judge = Judge(tokenizer, sample, [text.references[usable[i]] for i in chosen] if text.references else None)
    rows = [
        judge.measure(Measurement(v, b, ready[v].dtype, ready[v].device), ready[v], passes[v, b], passes[v, ALONE][0])
        for v in ready
        for b in batchings
    ]
    rows += [Measurement(v, batchings[0], problem=failure.message) for v, failure in failures.items()]
    machine = machine_kind()
    noise = [*filter(None, (late, find_noise(rows, load, int(machine["cpus"]))))]
    loads = (load, load_average())
    found = tuple(recommend(rows, open_end=sweep.open))
    took = round(time.perf_counter() - started, 1)
    yield Bench(model, tuple(rows), found, machine, len(sample), digest(sample), loads, "; ".join(noise), took)


def _take_turns(
    turns: Sequence[Turn], sample: Sequence[tuple[int, ...]], workers: Mapping[Variant, EngineProcess], latest: float
) -> Generator[SweepStep, None, tuple[Passes, str]]:
    """Every pass, by variant and batching; and why the last rounds were left out, if `latest` came before them."""
    passes: Passes = {}
    for number, turn in enumerate(turns, 1):
        if turn.begins and turn.round > 1 and time.perf_counter() > latest:
            left_out = f"stopped after {turn.round - 1} of {turns[-1].round} rounds, which took longer than foreseen"
            return passes, left_out
        held = passes.setdefault((turn.variant, turn.batching), [])
        if not any(stopped(result) for result in held):
            held.append(workers[turn.variant].run(Task(sample, turn.batching, warm=turn.round == 0)))
        yield SweepStep(number, len(turns))
    return passes, ""


def _settings(variant: Variant) -> Settings:
    return Settings(engine=variant.engine, dtype=variant.dtype, device=variant.device, beams=variant.beams)


@dataclass(frozen=True, slots=True)
class Cost:
    """What a variant takes: seconds a source token, one sentence a batch and in batches; seconds to be loaded again."""

    alone: float
    batched: float
    reload: float = 0.0


def _start(
    workers: Mapping[Variant, EngineProcess], sources: Sequence[tuple[int, ...]]
) -> tuple[dict[Variant, Ready], dict[Variant, Cost], dict[Variant, Failure]]:
    """Load all engines at the same time, and try them one after the other. Raises EngineError if none works."""
    for worker in workers.values():
        worker.start()
    answers = {variant: worker.wait() for variant, worker in workers.items()}
    failures = {variant: answer for variant, answer in answers.items() if isinstance(answer, Failure)}
    costs = {}
    for variant in answers.keys() - failures.keys():
        match _pilot(workers[variant], sources):
            case Cost() as cost:
                costs[variant] = cost
            case Failure() as failure:
                failures[variant] = failure
    ready = {variant: answer for variant, answer in answers.items() if variant in costs and isinstance(answer, Ready)}
    if not ready:
        first = next(iter(failures.values()))
        raise EngineError(first.message, first.hint)
    return ready, costs, failures


def _pilot(worker: EngineProcess, sources: Sequence[tuple[int, ...]]) -> Cost | Failure:
    """Translate a few sentences in both ways. The first time is for loading what is loaded on use."""
    some = [sources[i] for i in spread_evenly(len(sources), PILOT)]
    tokens = sum(map(len, some))
    found: list[tuple[float, float]] = []
    for batching in (Batching(size=PILOT), Batching(size=PILOT), ALONE):
        began = time.perf_counter()
        result = worker.run(Task(some, batching))
        if isinstance(result, Failure):
            return result
        found.append((result.seconds, time.perf_counter() - began - result.seconds))
    return Cost(found[2][0] / tokens, found[1][0] / tokens, found[2][1])


def _plan(sweep: Sweep, lengths: Sequence[int], costs: Sequence[Cost]) -> tuple[list[int], list[Batching], float]:
    """Which sentences, by number, which settings, and the seconds for both: as asked for, else as there is time for."""
    count = len(sweep.batchings) or SETTINGS
    pairs = [(cost.alone, cost.batched) for cost in costs]
    mean = sum(lengths) / len(lengths)
    if (
        not sweep.batchings
        and mean * PILOT * seconds_a_token(pairs, repeats=sweep.repeats, settings=count) > sweep.seconds
    ):
        count = SETTINGS // 2
    reload = sum(cost.reload for cost in costs) * count * (sweep.repeats + 1)
    budget = max(sweep.seconds - reload, sweep.seconds / 4)
    wanted = max(PILOT, int(affordable_tokens(budget, pairs, repeats=sweep.repeats, settings=count) / mean))
    for batching in sweep.batchings:  # whatever it takes: a sample that fills the largest batch
        wanted = max(wanted, batching.size or int((batching.tokens or 0) / mean))
    chosen = spread_evenly(len(lengths), sweep.sentences or wanted)
    tokens = sum(lengths[i] for i in chosen)
    batchings = list(sweep.batchings) or choose_budgets(tokens, count)
    seconds = reload + tokens * seconds_a_token(pairs, repeats=sweep.repeats, settings=len(batchings))
    return chosen, batchings, seconds


@dataclass(frozen=True, slots=True)
class Turn:
    """A pass to come. Round -1 is one sentence a batch, round 0 the warm-up; `begins` marks the first of its round."""

    round: int
    variant: Variant
    batching: Batching
    begins: bool


def _order(variants: Sequence[Variant], batchings: Sequence[Batching], repeats: int) -> list[Turn]:
    """Every pass of the bench, each round's in an order of its own."""
    pairs = [(variant, batching) for variant in variants for batching in batchings]
    rounds = {-1: [(v, ALONE) for v in variants], 0: [(v, b) for v, b in pairs if b != ALONE]}
    shuffle = random.Random(SEED)
    for number in range(1, repeats + 1):
        rounds[number] = shuffle.sample(pairs, len(pairs))
    return [Turn(n, v, b, place == 0) for n, some in rounds.items() for place, (v, b) in enumerate(some)]


def digest(sources: Sequence[tuple[int, ...]]) -> str:
    """Which sentences were translated, in a few characters."""
    return hashlib.blake2b(repr(list(sources)).encode(), digest_size=8).hexdigest()


def load_average() -> float | None:
    """Of the last minute; None where the system does not tell."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None
