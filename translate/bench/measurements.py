"""Pure: what a bench measures, and what the figures mean. No clock, no file, no model in here.

A Variant (engine, dtype, beams, threads) is loaded once; with each Batching it translates the same sentences several
times over. Every pass's seconds are kept; medians and quartiles come out of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import quantiles

from translate.run.advice import Batching, Recommendation, Variant

NEARLY_BEST = 0.97
"""A setting is as good as the best if its median rate is within 3 % of it."""
NOISY_SPREAD = 0.1
"""Interquartile range over median: passes that spread wider have been disturbed."""
NOISY_SHARE = 0.25
"""A bench is noisy if more than this part of its rows spread too wide."""
BUSY = 0.5
"""Load average over processors, before the bench begins: above it the machine has other work."""


@dataclass(frozen=True, slots=True)
class Pass:
    """One time through the sentences. Seconds in all and of each batch; bytes at their highest during the pass."""

    seconds: float
    batches: tuple[float, ...]
    targets: tuple[tuple[int, ...], ...]
    """Target ids, in the order of the sentences."""
    memory: int
    cuda_memory: int | None = None
    signature: str = ""
    problem: str = ""
    """What went wrong though the pass came to its end: memory ran out, and a batch was halved."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """A row: one variant with one batching. `problem` says why there are no figures, if there are none."""

    variant: Variant
    batching: Batching
    dtype: str = ""
    """The dtype and device that the engine chose."""
    device: str = ""
    signature: str = ""
    sentences: int = 0
    batches: int = 0
    source_tokens: int = 0
    target_tokens: int = 0
    seconds: tuple[float, ...] = ()
    """One a repeat, in the order of their being taken."""
    batch_p50: float = 0.0
    batch_p95: float = 0.0
    source_padding: float | None = None
    target_padding: float | None = None
    """Share of the padded tokens, 0 to 1; None for an engine that makes its own batches."""
    memory: int = 0
    cuda_memory: int | None = None
    identical: int | None = None
    """Outputs that are the same as with one sentence a batch."""
    bleu: float | None = None
    chrf: float | None = None
    problem: str = ""

    @property
    def rate(self) -> Quartiles:
        """Source sentences a second."""
        return quartiles([self.sentences / seconds for seconds in self.seconds])


@dataclass(frozen=True, slots=True)
class Quartiles:
    """The median, and the interval that the middle half lies in."""

    low: float
    median: float
    high: float

    @property
    def spread(self) -> float:
        """The interquartile range over the median."""
        return (self.high - self.low) / self.median if self.median else 0.0

    def overlaps(self, other: Quartiles) -> bool:
        """Whether the two intervals have a point in common."""
        return self.low <= other.high and other.low <= self.high


@dataclass(frozen=True, slots=True)
class SpeedChange:
    """A row against the same row of an older bench: how many times as fast, and whether the intervals are apart."""

    ratio: float
    real: bool

    def __str__(self) -> str:
        if not self.real:
            return f"{self.ratio:.2f} x, within the noise"
        return f"{self.ratio:.2f} x, {'faster' if self.ratio > 1 else 'slower'}"


def quartiles(values: Sequence[float]) -> Quartiles:
    """Of at least one value; between two values linearly (R's type 7, numpy's default)."""
    if len(values) == 1:
        return Quartiles(values[0], values[0], values[0])
    low, median, high = quantiles(values, n=4, method="inclusive")
    return Quartiles(low, median, high)


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` (0 to 1) of the values lie under, linearly between two. Raises ValueError for none."""
    if not values:
        raise ValueError("no values")
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def find_noise(measurements: Iterable[Measurement], load: float | None, processors: int) -> str:
    """Why the figures are not to be trusted too far; empty if nothing speaks against them.

    `load` is the load average before the bench began, None where the system does not tell.
    """
    rates = [measurement.rate for measurement in measurements if not measurement.problem]
    wide = sum(rate.spread > NOISY_SPREAD for rate in rates)
    reasons = []
    if load is not None and load > BUSY * processors:
        reasons.append(f"the machine had other work (load average {load:.1f}, {processors} processors)")
    if wide > NOISY_SHARE * len(rates):
        reasons.append(f"in {wide} of {len(rates)} rows the passes spread over more than {100 * NOISY_SPREAD:.0f} %")
    return "; ".join(reasons)


def recommend(measurements: Iterable[Measurement], *, open_end: bool = False) -> list[Recommendation]:
    """For each variant the smallest setting within 3 % of its best that fits in memory; the fastest variant first.

    `open_end` says that only time kept the settings from being larger.
    """
    variants: dict[Variant, list[Measurement]] = {}
    for measurement in measurements:
        if not measurement.problem:
            variants.setdefault(measurement.variant, []).append(measurement)
    found = [_recommend_one(rows, open_end=open_end) for rows in variants.values()]
    return sorted(found, key=lambda recommendation: -recommendation.rate)


def _recommend_one(rows: Sequence[Measurement], *, open_end: bool) -> Recommendation:
    best = max(rows, key=lambda row: row.rate.median)
    good = [row for row in rows if row.rate.median >= NEARLY_BEST * best.rate.median]
    chosen = max(good, key=lambda row: row.batches)  # most batches: the smallest ones
    reason = f"the fastest, {best.rate.median:.1f} sentences/s"
    if chosen is not best:
        reason = (
            f"{chosen.rate.median:.1f} sentences/s, within {100 * (1 - NEARLY_BEST):.0f} % of the fastest "
            f"({best.batching}, {best.rate.median:.1f}), in smaller batches"
        )
    capped = open_end and chosen.batches == min(row.batches for row in rows)
    if capped:
        reason += "; larger ones were not tried, so the engine's own size stays"
    rate = round(chosen.rate.median, 3)
    return Recommendation(chosen.variant, chosen.batching, chosen.dtype, chosen.device, rate, reason, capped)


def compare_rows(
    rows: Iterable[Measurement], baseline: Iterable[Measurement]
) -> Mapping[tuple[Variant, Batching], SpeedChange]:
    """The rows that both have, by variant and batching. A difference is real if the interquartile intervals are apart."""
    old = {(row.variant, row.batching): row.rate for row in baseline if not row.problem}
    differences = {}
    for row in rows:
        before = old.get((row.variant, row.batching))
        if before is not None and not row.problem:
            rate = row.rate
            differences[row.variant, row.batching] = SpeedChange(rate.median / before.median, not rate.overlaps(before))
    return differences


def choose_budgets(tokens: int, count: int = 4) -> list[Batching]:
    """Token budgets that a sample of so many source tokens can tell apart: powers of two, the largest one or two batches."""
    largest = 64
    while largest * 2 <= min(tokens, 32_768):
        largest *= 2
    return [Batching(tokens=largest >> step) for step in reversed(range(count)) if largest >> step >= 32]


def seconds_a_token(costs: Iterable[tuple[float, float]], *, repeats: int, settings: int) -> float:
    """What the whole bench takes for a source token more in the sample.

    `costs` are seconds a token of each variant, with one sentence a batch (one pass) and in batches (one pass a setting
    and repeat, and a part of one to warm up).
    """
    return sum(alone + batched * settings * (repeats + 0.5) for alone, batched in costs)


def affordable_tokens(seconds: float, costs: Iterable[tuple[float, float]], *, repeats: int, settings: int) -> int:
    """How many source tokens a sample may have for the bench to end in `seconds`."""
    each = seconds_a_token(costs, repeats=repeats, settings=settings)
    return int(seconds / each) if each else 1 << 30


def spread_evenly(count: int, wanted: int) -> list[int]:
    """`wanted` of the numbers below `count`, in order and evenly spaced; all of them if there are no more."""
    wanted = min(count, wanted)
    return [position * count // wanted for position in range(wanted)]
