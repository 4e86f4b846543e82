"""Pure: paired timings → how many times as fast one setting is as another, with an interval that may be looked at repeatedly.

Two settings are timed in the same round, in an order that is drawn anew for each. What a round gives is the logarithm of the
ratio of their rates; whatever slows the whole machine down is in both and cancels. Student's t gives an interval of the mean.
A bench looks at the intervals while it measures and stops as soon as they are narrow, which would make chance findings likelier
with each look. So the probability of error is shared out evenly among the looks and among the comparisons (Bonferroni).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from statistics import fmean, stdev

import numpy as np

ALPHA = 0.01
"""Probability that a bench calls anything faster or slower that is not, over all its comparisons and looks."""
LEAST_ROUNDS = 5
"""Fewer give no interval worth the name."""
LOOKS = (5, 7, 10, 14, 20, 28, 40)
"""Rounds after which the intervals are looked at; an end in between, where time is up, takes the next look's place."""
ALPHA_A_LOOK = ALPHA / len(LOOKS)
NARROW = 0.02
"""An interval is narrow enough if it reaches no further than 2 % from its middle."""
LEAST_DEVIATION = 1e-3
"""Of log ratios: rounds that agree more closely than the clock can tell agree by chance."""
STEPS = 20_001


@dataclass(frozen=True, slots=True)
class Ratio:
    """How many times as fast the first is as the second: the mean over the rounds, and the interval around it."""

    value: float
    low: float
    high: float
    rounds: int = 0

    @property
    def is_faster(self) -> bool:
        """Whether the whole interval lies above 1."""
        return self.low > 1

    @property
    def is_slower(self) -> bool:
        """Whether the whole interval lies below 1."""
        return self.high < 1

    @property
    def is_narrow(self) -> bool:
        """Whether more rounds would tell little more."""
        return self.high <= self.low * math.exp(2 * NARROW)

    def __str__(self) -> str:
        return f"{self.value:.2f} x [{self.low:.2f}, {self.high:.2f}]"


UNKNOWN = Ratio(1.0, 0.0, math.inf)
"""What too few rounds say."""


def compare_rounds(first: Sequence[float], second: Sequence[float], *, comparisons: int = 1) -> Ratio:
    """Rates of the same rounds → their ratio, as one of so many comparisons; `UNKNOWN` after less than `LEAST_ROUNDS`."""
    logs = [math.log(a / b) for a, b in zip(first, second, strict=False)]
    if len(logs) < LEAST_ROUNDS:
        return UNKNOWN
    mean, deviation = fmean(logs), max(stdev(logs), LEAST_DEVIATION)
    reach = t_quantile(ALPHA_A_LOOK / comparisons, len(logs) - 1) * deviation / math.sqrt(len(logs))
    return Ratio(math.exp(mean), math.exp(mean - reach), math.exp(min(mean + reach, 700)), len(logs))


def compare_apart(first: Sequence[float], second: Sequence[float], *, comparisons: int = 1) -> Ratio:
    """Rates that were not taken in the same rounds → their ratio, by Welch's interval."""
    if min(len(first), len(second)) < LEAST_ROUNDS:
        return UNKNOWN
    logs = [[math.log(rate) for rate in rates] for rates in (first, second)]
    mean = fmean(logs[0]) - fmean(logs[1])
    parts = [max(stdev(some), LEAST_DEVIATION) ** 2 / len(some) for some in logs]
    freedom = sum(parts) ** 2 / sum(part**2 / (len(some) - 1) for part, some in zip(parts, logs, strict=True))
    reach = t_quantile(ALPHA_A_LOOK / comparisons, round(freedom, 1)) * math.sqrt(sum(parts))
    return Ratio(math.exp(mean), math.exp(mean - reach), math.exp(min(mean + reach, 700)), min(map(len, logs)))


@cache
def t_quantile(alpha: float, freedom: float) -> float:
    """What Student's t exceeds, in either direction, with probability `alpha`; by the trapezoidal rule and bisection.

    With t = sinh(u) the density falls off evenly, so that a few thousand steps give six digits.
    """
    log_scale = math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2) - 0.5 * math.log(freedom * math.pi)
    u = np.linspace(0.0, 25.0, STEPS)
    t = np.sinh(u)
    density = np.exp(log_scale - (freedom + 1) / 2 * np.log1p(t * t / freedom)) * np.cosh(u)
    pieces = (density[1:] + density[:-1]) / 2 * (u[1] - u[0])
    tail = np.append(np.cumsum(pieces[::-1])[::-1], 0.0)  # from each step to the end: half of what both sides have
    return float(np.interp(-alpha / 2, -tail, t))
