"""Pure: the records of what a bench measures. No clock, no file, no model in here.

A Variant (engine, dtype, beams, threads) is loaded once; with each Batching it translates the same sentences several
times over. Every pass's seconds are kept; medians and quartiles come out of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import quantiles

from translate.bench.intervals import Ratio
from translate.run.advice import Batching, Variant

NOISY_SPREAD = 0.1
"""Interquartile range over median: passes that spread wider have been disturbed."""
NOISY_SHARE = 0.25
"""A bench is noisy if more than this part of its rows spread too wide."""
BUSY = 0.5
"""Load average over processors, before the bench begins: above it the machine has other work."""


@dataclass(frozen=True, slots=True)
class Pass:
    """One time through the sentences. Seconds in all, of all processors, and of each batch; bytes at their highest."""

    seconds: float
    cpu_seconds: float
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
    """One a round, in the order of their being taken."""
    cpu_seconds: tuple[float, ...] = ()
    """Of all processors together, one a round."""
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
    default: bool = False
    """Whether these are the batches that the engine makes where nobody says otherwise."""
    filled: bool = True
    """Whether the sentences fill the batch several times; figures of a batch that is not full say little about it."""
    sample: str = ""
    """A digest of the sentences that were translated: figures of other sentences can't be compared."""

    @property
    def rates(self) -> list[float]:
        """Source sentences a second, one a round."""
        return [self.sentences / seconds for seconds in self.seconds]

    @property
    def token_rates(self) -> list[float]:
        """Source tokens a second, one a round."""
        return [self.source_tokens / seconds for seconds in self.seconds]

    @property
    def cpu_milliseconds(self) -> float | None:
        """Of all processors, a sentence (median); None in a file that does not tell."""
        if not self.cpu_seconds:
            return None
        return 1000 * quartiles(self.cpu_seconds).median / self.sentences

    @property
    def rate(self) -> Quartiles:
        """Source sentences a second."""
        return quartiles(self.rates)


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


@dataclass(frozen=True, slots=True)
class Proof:
    """The recommended setting against the default, alternately, on sentences that had no part in choosing it."""

    variant: Variant
    batching: Batching
    sentences: int
    speed: Ratio
    """How many times as fast as the default."""
    cpu: Ratio
    """How many times the default's processor seconds."""


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
