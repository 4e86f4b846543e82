"""Which batch size, which engine, on this machine, for these texts: a sweep → measurements.

Every variant runs in a process of its own, which waits while another one is timed. After a pass with one sentence a
batch (what all outputs are compared with) come the rounds: each setting once a round, in random order, so that a
machine that slows down or has other work hits all alike.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import chain

from translate.bench.measurements import (
    Measurement,
    Pass,
    affordable_tokens,
    choose_budgets,
    find_noise,
    percentile,
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
from translate.run.windows import make_batches, padding_share

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
    late = ""
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
        passes: dict[tuple[Variant, Batching], list[Pass | Failure]] = {}
        for number, turn in enumerate(turns, 1):
            if turn.begins and turn.round > 1 and time.perf_counter() > latest:
                late = f"stopped after {turn.round - 1} of {sweep.repeats} rounds, which took longer than foreseen"
                break
            held = passes.setdefault((turn.variant, turn.batching), [])
            if not any(_stopped(result) for result in held):
                held.append(workers[turn.variant].run(Task(sample, turn.batching, warm=turn.round == 0)))
            yield SweepStep(number, len(turns))
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


def _stopped(result: Pass | Failure) -> bool:
    """Whether a setting is not worth another pass."""
    return isinstance(result, Failure) or bool(result.problem)


@dataclass(frozen=True, slots=True)
class Judge:
    """Passes → a row: what has to be known of the text to tell what they are worth."""

    tokenizer: Tokenizer
    sources: Sequence[tuple[int, ...]]
    references: Sequence[str] | None

    def measure(
        self, row: Measurement, ready: Ready, results: Sequence[Pass | Failure], alone: Pass | Failure
    ) -> Measurement:
        """The row filled in; without figures if it ran out of memory. The first of the passes was for warming up."""
        wrong = next((result for result in results if _stopped(result)), None)
        if wrong is not None:
            return dataclasses.replace(row, problem=wrong.message if isinstance(wrong, Failure) else wrong.problem)
        passes = [result for result in results[1:] if isinstance(result, Pass)]
        targets = passes[-1].targets
        row = self._add_figures(row, passes, batched=not ready.batch_independent)
        if isinstance(alone, Pass):
            same = sum(a == b for a, b in zip(targets, alone.targets, strict=True))
            row = dataclasses.replace(row, identical=same)
        return self._add_scores(row, targets)

    def _add_figures(self, row: Measurement, passes: Sequence[Pass], *, batched: bool) -> Measurement:
        lengths = [len(source) for source in self.sources]
        written = [len(target) + 1 for target in passes[-1].targets]
        batches = make_batches(lengths, tokens=row.batching.tokens, size=row.batching.size)
        seconds = list(chain.from_iterable(result.batches for result in passes))
        return dataclasses.replace(
            row,
            signature=passes[-1].signature,
            sentences=len(lengths),
            batches=len(batches),
            source_tokens=sum(lengths),
            target_tokens=sum(written),
            seconds=tuple(round(result.seconds, 6) for result in passes),
            batch_p50=round(percentile(seconds, 0.5), 6),
            batch_p95=round(percentile(seconds, 0.95), 6),
            source_padding=round(padding_share(lengths, batches), 4) if batched else None,
            target_padding=round(padding_share(written, batches), 4) if batched else None,
            memory=max(result.memory for result in passes),
            cuda_memory=max((result.cuda_memory for result in passes if result.cuda_memory is not None), default=None),
        )

    def _add_scores(self, row: Measurement, targets: Sequence[tuple[int, ...]]) -> Measurement:
        """BLEU and chrF as sacreBLEU has them by default; the row as it is if there are no references."""
        if self.references is None:
            return row
        from sacrebleu.metrics import BLEU, CHRF

        texts = [self.tokenizer.decode(target) for target in targets]
        bleu, chrf = (metric.corpus_score(texts, [list(self.references)]).score for metric in (BLEU(), CHRF()))
        return dataclasses.replace(row, bleu=round(float(bleu), 2), chrf=round(float(chrf), 2))


def digest(sources: Sequence[tuple[int, ...]]) -> str:
    """Which sentences were translated, in a few characters."""
    return hashlib.blake2b(repr(list(sources)).encode(), digest_size=8).hexdigest()


def load_average() -> float | None:
    """Of the last minute; None where the system does not tell."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None
