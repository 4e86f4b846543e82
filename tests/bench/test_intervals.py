"""What an interval promises: known quantiles, and few false alarms among settings that are the same, however often one looks."""

from __future__ import annotations

import math
import random

import pytest

from translate.bench.intervals import ALPHA, LOOKS, UNKNOWN, Ratio, compare_apart, compare_rounds, t_quantile


@pytest.mark.parametrize(
    ("alpha", "freedom", "expected"),
    [(0.05, 4, 2.7764), (0.01, 9, 3.2498), (0.001, 4, 8.6103), (0.0001, 4, 15.5441), (0.05, 39, 2.0227)],
)
def test_quantiles_of_student(alpha: float, freedom: float, expected: float) -> None:
    """As the tables have them."""
    assert t_quantile(alpha, freedom) == pytest.approx(expected, abs=2e-4)


def test_four_rounds_say_nothing() -> None:
    """And what is unknown is neither faster nor slower nor narrow."""
    assert compare_rounds([2.0] * 4, [1.0] * 4) == UNKNOWN
    assert compare_apart([2.0] * 4, [1.0] * 9) == UNKNOWN
    assert not UNKNOWN.is_faster
    assert not UNKNOWN.is_slower
    assert not UNKNOWN.is_narrow


def test_a_true_difference_is_found() -> None:
    """Ten percent, with three percent of noise in each of ten rounds; and the interval holds it."""
    draw = random.Random(5)
    first = [1.1 * math.exp(draw.gauss(0, 0.02)) for _ in range(10)]
    second = [math.exp(draw.gauss(0, 0.02)) for _ in range(10)]
    ratio = compare_rounds(first, second, comparisons=4)
    assert ratio.is_faster
    assert ratio.low < 1.1 < ratio.high
    assert compare_rounds(second, first, comparisons=4).is_slower


def test_what_slows_a_round_down_cancels() -> None:
    """Rounds of which every other one takes five times as long."""
    first = [1.1 / (5 if n % 2 else 1) * (1 + n / 1000) for n in range(7)]
    second = [1 / (5 if n % 2 else 1) for n in range(7)]
    assert compare_rounds(first, second).is_faster
    assert not compare_apart(first, second).is_faster


def draw_rates(draw: random.Random, kind: str, rounds: int) -> list[list[float]]:
    """Rates of five settings that are the same, each round in an order of its own, on a machine with other work."""
    settings: list[list[float]] = [[] for _ in range(5)]
    busy = False
    for _ in range(rounds):
        speed = math.exp(draw.gauss(0, 0.2))
        for setting in draw.sample(settings, 5):
            noise = draw.gauss(0, 0.05)
            if kind == "bursts":  # other work comes and goes, and stays for some passes
                busy = draw.random() < (0.8 if busy else 0.1)
                noise -= 0.7 * busy
            elif kind == "spikes":
                noise -= draw.paretovariate(2) * 0.1
            setting.append(speed * math.exp(noise))
    return settings


@pytest.mark.parametrize("kind", ["even", "bursts", "spikes"])
def test_few_false_alarms_however_often_one_looks(kind: str) -> None:
    """Of 1,500 benches of five equal settings, looked at seven times each, fewer than the share that is promised has any."""
    draw, alarms = random.Random(11), 0
    for _ in range(1500):
        default, *others = draw_rates(draw, kind, LOOKS[-1])
        alarms += any(
            ratio.is_faster or ratio.is_slower
            for look in LOOKS
            for other in others
            for ratio in [compare_rounds(other[:look], default[:look], comparisons=4)]
        )
    assert alarms <= 1500 * ALPHA


def test_words() -> None:
    """The ratio and its interval."""
    assert str(Ratio(1.124, 1.051, 1.2)) == "1.12 x [1.05, 1.20]"
