"""Which batch size, which engine, on this machine, for these texts: a sweep → measurements, and what they prove.

Every variant runs in a process of its own, which waits while another one is timed, and gets as many sentences as its own
speed allows. After a pass with one sentence a batch (what all outputs are compared with) come the rounds: each setting
once a round, in random order, so that a machine that slows down or has other work hits all alike. Rounds go on until
the settings that matter are told apart, or as near to each other as anyone cares, or the time is up. What is then
recommended is held against the default once more, on sentences that nobody has looked at.
"""

from __future__ import annotations

import os
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from translate.bench.intervals import Ratio
from translate.bench.judge import Judge
from translate.bench.measurements import Measurement, Proof, find_noise
from translate.bench.planning import (
    LEAST_SENTENCES,
    Cost,
    Plan,
    Wishes,
    count_comparisons,
    make_plan,
    share_seconds,
)
from translate.bench.rounds import Limits, Race, SweepStep, prove
from translate.bench.samples import Text, choose_sample, split_in_two, spread_evenly
from translate.bench.verdicts import Answer, Findings, Key, choose, compare_engines, compare_with_default, recommend
from translate.bench.worker import EngineProcess, Failure, Ready, Task
from translate.machine import machine_kind
from translate.model.tokenizer import Tokenizer
from translate.records import EngineError, InputError, Model, Settings
from translate.run.advice import Batching, Recommendation, Variant

ALONE = Batching(size=1)
PILOT_SECONDS = 0.3
"""A pilot that took less is repeated with more sentences: engines are faster when there is more to do."""
MOST_PILOT = 256
PROOF_SECONDS = 0.3
"""Of the seconds for measuring."""
LATE = 1.5
"""Times the seconds that were asked for: an open sweep begins no further round after that."""


@dataclass(frozen=True, slots=True)
class Sweep:
    """What to measure. No batchings and no numbers of sentences mean: what `seconds` allow."""

    variants: tuple[Variant, ...]
    batchings: tuple[Batching, ...] = ()
    repeats: int | None = None
    """Rounds; None: from `LEAST_ROUNDS` on as many as are needed, as far as `seconds` go."""
    sentences: int | None = None
    seconds: float = 60.0
    counts: Mapping[Variant, int] = field(default_factory=dict)
    """Sentences for single variants, as an older bench had them."""

    @property
    def open(self) -> bool:
        """Whether it is ours to say what is measured; then it has to end in time."""
        return not self.batchings and self.sentences is None and not self.counts


@dataclass(frozen=True, slots=True)
class Planned:
    """What will be done, and how long it will take."""

    seconds: float
    sentences: Mapping[Variant, int]
    passes: int
    failures: Mapping[Variant, Failure] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Bench:
    """What bench.json holds, but for the versions."""

    model: Model
    measurements: tuple[Measurement, ...]
    answers: tuple[Answer, ...]
    ratios: Mapping[Key, Ratio]
    """How many times as fast as the default of its variant each other setting is."""
    proofs: Mapping[Variant, Proof | None]
    machine: Mapping[str, str | int]
    available: int
    """Sentences that there were to choose from."""
    yardstick: tuple[float, ...]
    """Seconds of the same small computation before each pass: what the machine itself did."""
    load: tuple[float | None, float | None]
    """Load averages of a minute, before and after."""
    noise: str
    seconds: float

    @property
    def recommendations(self) -> list[Recommendation]:
        """The fastest variant's first."""
        return [answer.recommendation for answer in self.answers]

    @property
    def sentences(self) -> int:
        """Most that a variant was measured with."""
        return max((row.sentences for row in self.measurements), default=0)

    @property
    def sample(self) -> str:
        """The digest of these."""
        return next((row.sample for row in self.measurements if row.sentences == self.sentences), "")


@dataclass(frozen=True, slots=True)
class _Sources:
    """The sentences by number, as the tokenizer has them, and in two halves: to choose on, and to prove on."""

    encoded: Sequence[tuple[int, ...]]
    first: Sequence[int]
    second: Sequence[int]

    def take(self, ranked: Sequence[int], wanted: int) -> tuple[int, ...]:
        return tuple(choose_sample(ranked, [len(source) for source in self.encoded], wanted))

    def chosen(self, wanted: int) -> tuple[int, ...]:
        """To measure with; of both halves, if one is too small."""
        enough = wanted <= len(self.first)
        return self.take(self.first if enough else sorted({*self.first, *self.second}, key=self._length), wanted)

    def fresh(self, wanted: int) -> tuple[int, ...]:
        """To prove on; none if the others needed both halves."""
        return self.take(self.second, wanted) if wanted <= min(len(self.first), len(self.second)) else ()

    def _length(self, number: int) -> int:
        return len(self.encoded[number])


def run_bench(model: Model, text: Text, sweep: Sweep) -> Iterator[Planned | SweepStep | Bench]:
    """Measure; the Bench comes last. Raises EngineError if no variant can be loaded, InputError for too little text."""
    started, load, tokenizer = time.perf_counter(), load_average(), Tokenizer(model)
    encoded = tokenizer.encode(text.sentences)
    usable = [i for i, source in enumerate(encoded) if len(source) <= Settings().comfortable_tokens]
    if len(usable) < 2:
        raise InputError(f"{len(usable)} sentences to measure with", "give files with more text")
    halves = split_in_two([len(encoded[i]) for i in usable])
    sources = _Sources([encoded[i] for i in usable], *halves)
    with ExitStack() as stack:
        workers = {v: EngineProcess(model, _settings(v), v.threads) for v in sweep.variants}
        for worker in workers.values():
            stack.callback(worker.stop)
        ready, costs, failures = _start(workers, sources.encoded)
        plans = _plan(sweep, sources, ready, costs)
        samples = {v: sources.chosen(plan.sentences) for v, plan in plans.items()}
        comparisons = count_comparisons([len(plan.batchings) for plan in plans.values()])
        race = Race(
            workers=workers,
            plans=plans,
            samples={v: [sources.encoded[i] for i in chosen] for v, chosen in samples.items()},
            judges={v: _judge(tokenizer, sources, text, usable, chosen) for v, chosen in samples.items()},
            ready=ready,
            comparisons=comparisons,
        )
        yield Planned(
            sum(p.seconds for p in plans.values()), {v: len(s) for v, s in samples.items()}, race.least, failures
        )
        rows, late = yield from race.run(_limits(sweep))
        ratios = compare_with_default(rows, comparisons)
        proofs = yield from _prove(race, rows, ratios, sources, sweep)
    rows += [Measurement(v, ALONE, problem=failure.message) for v, failure in failures.items()]
    machine = machine_kind()
    noise = [*filter(None, (late, find_noise(rows, load, int(machine["cpus"]))))]
    needed = {variant: plan.needed for variant, plan in plans.items()}
    answers = recommend(rows, Findings(ratios, proofs, compare_engines(rows, comparisons), needed))
    yield Bench(
        model=model,
        measurements=tuple(rows),
        answers=tuple(answers),
        ratios=ratios,
        proofs=proofs,
        machine=machine,
        available=len(usable),
        yardstick=tuple(race.yardstick),
        load=(load, load_average()),
        noise="; ".join(noise),
        seconds=round(time.perf_counter() - started, 1),
    )


def _limits(sweep: Sweep) -> Limits:
    """When the rounds end."""
    now = time.perf_counter()
    return Limits(
        rounds=sweep.repeats,
        enough=now + (1 - PROOF_SECONDS) * sweep.seconds,
        latest=now + LATE * sweep.seconds if sweep.open else float("inf"),
    )


def _judge(tokenizer: Tokenizer, sources: _Sources, text: Text, usable: Sequence[int], chosen: Sequence[int]) -> Judge:
    references = [text.references[usable[i]] for i in chosen] if text.references else None
    return Judge(tokenizer, [sources.encoded[i] for i in chosen], references)


def _prove(
    race: Race, rows: Sequence[Measurement], ratios: Mapping[Key, Ratio], sources: _Sources, sweep: Sweep
) -> Generator[SweepStep, None, dict[Variant, Proof | None]]:
    """Each variant's choice against its default on fresh sentences; None where there are none left."""
    choices = [
        chosen for v in race.plans if (chosen := choose([row for row in rows if row.variant == v], ratios)) is not None
    ]
    proofs: dict[Variant, Proof | None] = {}
    for number, chosen in enumerate(choices):
        fresh = [sources.encoded[i] for i in sources.fresh(chosen.sentences)]
        seconds = PROOF_SECONDS * sweep.seconds / (len(choices) - number)
        proof = None
        if fresh:
            proof = prove(race.workers[chosen.variant], race.plans[chosen.variant].default, chosen, fresh, seconds)
        proofs[chosen.variant] = proof
        yield SweepStep(race.least, race.least)
    return proofs


def _settings(variant: Variant) -> Settings:
    return Settings(engine=variant.engine, dtype=variant.dtype, device=variant.device, beams=variant.beams)


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
    return ready, {variant: costs[variant] for variant in ready}, failures


def _pilot(worker: EngineProcess, sources: Sequence[tuple[int, ...]]) -> Cost | Failure:
    """Translate a few sentences in both ways, and more if that takes no time. The first time loads what is loaded on use."""
    size = LEAST_SENTENCES
    some = [sources[i] for i in spread_evenly(len(sources), size)]
    tokens = sum(map(len, some))
    found: list[tuple[float, float]] = []
    for batching in (Batching(size=size), Batching(size=size), ALONE):
        began = time.perf_counter()
        result = worker.run(Task(some, batching))
        if isinstance(result, Failure):
            return result
        found.append((result.seconds, time.perf_counter() - began - result.seconds))
    batched, seconds = found[1][0] / tokens, found[1][0]
    while seconds < PILOT_SECONDS and size < min(MOST_PILOT, len(sources)):
        size *= 4
        some = [sources[i] for i in spread_evenly(len(sources), size)]
        result = worker.run(Task(some, Batching(size=size)))
        if isinstance(result, Failure):
            break
        seconds = result.seconds
        batched = seconds / sum(map(len, some))
    return Cost(found[2][0] / tokens, batched, found[2][1])


def _plan(
    sweep: Sweep, sources: _Sources, ready: Mapping[Variant, Ready], costs: Mapping[Variant, Cost]
) -> dict[Variant, Plan]:
    """For each variant its share of the time, and what it is measured with."""
    count = len(sources.encoded)
    mean = sum(map(len, sources.encoded)) / count
    shares = share_seconds(sweep.seconds, costs, ready, mean)
    plans = {}
    for variant, answer in ready.items():
        sentences = sweep.counts.get(variant, sweep.sentences)
        wishes = Wishes(sweep.batchings, sentences, shares[variant])
        # half of the text is kept for the proof, unless the user asks for more, or there is hardly any
        half = count if sentences or count < 2 * LEAST_SENTENCES else len(sources.first)
        plans[variant] = make_plan(costs[variant], answer, wishes, mean=mean, available=half)
    return plans


def load_average() -> float | None:
    """Of the last minute; None where the system does not tell."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None
