"""What the figures of a bench mean, on timings made up so that the answers are known."""

from __future__ import annotations

import pytest

from translate.bench.measurements import (
    Measurement,
    Quartiles,
    find_noise,
    percentile,
    quartiles,
)
from translate.run.advice import Batching, Variant

HF = Variant("transformers")


def row(tokens: int, *seconds: float, variant: Variant = HF, problem: str = "") -> Measurement:
    """100 sentences in as many batches as the budget leaves."""
    return Measurement(
        variant, Batching(tokens=tokens), sentences=100, batches=10_000 // tokens, seconds=seconds, problem=problem
    )


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([4.0], Quartiles(4, 4, 4)),
        ([1.0, 2.0], Quartiles(1.25, 1.5, 1.75)),
        ([5.0, 1.0, 4.0, 2.0, 3.0], Quartiles(2, 3, 4)),
    ],
)
def test_quartiles(values: list[float], expected: Quartiles) -> None:
    """As numpy.percentile gives them."""
    assert quartiles(values) == expected


@pytest.mark.parametrize(("share", "expected"), [(0, 1), (0.5, 2.5), (0.95, 3.85), (1, 4)])
def test_percentile(share: float, expected: float) -> None:
    """As numpy.percentile gives them."""
    assert percentile([3.0, 1.0, 4.0, 2.0], share) == pytest.approx(expected)


def test_rate_is_the_median_of_the_repeats() -> None:
    """One slow pass moves neither the median nor, among five, the quartiles."""
    rate = row(1000, 10, 10, 10, 10, 99).rate
    assert rate == Quartiles(10, 10, 10)
    assert rate.spread == 0


@pytest.mark.parametrize(
    ("load", "spreads", "reasons"),
    [
        (0.2, 0, []),
        (None, 0, []),
        (3.0, 0, ["load average 3.0, 4 processors"]),
        (0.2, 1, []),
        (0.2, 2, ["2 of 4 rows"]),
        (3.0, 4, ["load average", "4 of 4 rows"]),
    ],
)
def test_noise(load: float | None, spreads: int, reasons: list[str]) -> None:
    """A busy machine, or more than a quarter of the rows with passes that spread wide."""
    rows = [row(100 * n, *((1, 1.2, 1.4) if n <= spreads else (1, 1, 1.01))) for n in range(1, 5)]
    noise = find_noise(rows, load, 4)
    assert bool(noise) == bool(reasons)
    assert all(reason in noise for reason in reasons)
