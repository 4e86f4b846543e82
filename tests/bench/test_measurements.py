"""What the figures of a bench mean, on timings made up so that the answers are known."""

from __future__ import annotations

import pytest

from translate.bench.measurements import (
    Measurement,
    Quartiles,
    affordable_tokens,
    choose_budgets,
    compare_rows,
    find_noise,
    percentile,
    quartiles,
    recommend,
    spread_evenly,
)
from translate.run.advice import Batching, Variant

HF, OURS = Variant("transformers"), Variant("native")


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


def test_the_smallest_setting_within_three_percent() -> None:
    """98 of 100 sentences/s is near enough, 96 is not."""
    rows = [row(250, 100 / 96), row(500, 100 / 98), row(1000, 1.0), row(2000, 100 / 99)]
    (found,) = recommend(rows)
    assert found.batching == Batching(tokens=500)
    assert found.rate == pytest.approx(98)
    assert "within 3 %" in found.reason
    assert "1000 tokens" in found.reason


def test_what_ran_out_of_memory_is_not_recommended() -> None:
    """Not even as the fastest; a variant without any figures has no recommendation."""
    rows = [row(500, 2.0), row(1000, problem="out of memory"), row(500, variant=OURS, problem="out of memory")]
    (found,) = recommend(rows)
    assert found.batching == Batching(tokens=500)
    assert found.reason == "the fastest, 50.0 sentences/s"


def test_the_fastest_variant_comes_first() -> None:
    """Each with its own best setting."""
    found = recommend([row(500, 2.0), row(1000, 1.0), row(500, 0.5, variant=OURS)])
    assert [(r.variant.engine, r.batching.tokens) for r in found] == [("native", 500), ("transformers", 1000)]


@pytest.mark.parametrize(
    ("seconds", "open_end", "capped"), [(1.0, True, True), (1.0, False, False), (2.5, True, False)]
)
def test_a_sweep_that_ends_for_lack_of_time(seconds: float, open_end: bool, capped: bool) -> None:
    """Where the largest setting of an open sweep is the best, larger ones may be better still."""
    (found,) = recommend([row(500, 2.0), row(1000, seconds)], open_end=open_end)
    assert found.capped == capped
    assert ("not tried" in found.reason) == capped


def test_differences_are_real_where_intervals_are_apart() -> None:
    """Faster, slower, within the noise; rows that only one has are not compared."""
    old = [row(100, 10, 11, 12), row(200, 10, 11, 12), row(300, 10, 11, 12), row(400, 10)]
    new = [row(100, 5, 5.5, 6), row(200, 20, 22, 24), row(300, 10.4, 11.4, 12.4), row(500, 10)]
    found = {batching.tokens: difference for (_, batching), difference in compare_rows(new, old).items()}
    assert {tokens: (round(d.ratio, 2), d.real) for tokens, d in found.items()} == {
        100: (2.0, True),
        200: (0.5, True),
        300: (0.96, False),
    }
    assert [str(found[tokens]) for tokens in (100, 200, 300)] == [
        "2.00 x, faster",
        "0.50 x, slower",
        "0.96 x, within the noise",
    ]


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


def test_budgets_fit_the_sample() -> None:
    """Powers of two, the largest no larger than the sample."""
    assert [b.tokens for b in choose_budgets(5000)] == [512, 1024, 2048, 4096]
    assert [b.tokens for b in choose_budgets(130)] == [32, 64, 128]
    assert choose_budgets(10) == [Batching(tokens=32), Batching(tokens=64)]


def test_affordable_tokens() -> None:
    """One variant: 1 ms alone, 0.1 ms batched, 4 settings, 5 repeats and half a one: 3.2 ms a token."""
    assert affordable_tokens(32, [(0.001, 0.0001)], repeats=5, settings=4) in (9999, 10_000)


def test_spread_evenly() -> None:
    """In order, no number twice, all of them if there are no more."""
    assert spread_evenly(10, 3) == [0, 3, 6]
    assert spread_evenly(3, 10) == [0, 1, 2]
