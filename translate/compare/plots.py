"""A Comparison → charts of it for the page, in the page's colours."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

from translate.compare.changes import Change
from translate.compare.findings import Comparison, Evaluation, label
from translate.pages.charts import Palette, draw_chart, new_chart

PALETTE = Palette("var(--ink)", "var(--dim)", "transparent", [f"var(--series-{n})" for n in range(8)])
"""The page defines these colours; more systems than series begin again."""
BIN = 10
"""Points of chrF."""
MOST_POINTS = 200
"""Of a curve."""
DASHES = ("none", "8, 3", "3, 3", "10, 3, 2, 3", "1, 3", "14, 4")
"""Lines that lie on each other are told apart by more than their colour."""


@dataclass(frozen=True, slots=True)
class Plot:
    """A figure with its caption; the tables of the page give the same numbers in words."""

    caption: str
    svg: str


def draw_plots(comparison: Comparison) -> Iterator[Plot]:
    """The plots that the comparison has something for."""
    yield _draw_changes(comparison)
    yield _draw_agreement(comparison)
    if comparison.evaluation:
        for metric in comparison.evaluation.metrics:
            yield _draw_scores(comparison, comparison.evaluation, metric)
        if any(bucket.kind == "length" for bucket in comparison.evaluation.buckets):
            yield _draw_lengths(comparison, comparison.evaluation)
        for metric in comparison.evaluation.row_metrics:
            yield _draw_differences(comparison, metric)


def _draw_changes(comparison: Comparison) -> Plot:
    found = [change for change in Change if any(pair.changes.get(change) for pair in comparison.pairs)]
    chart = _chart("HorizontalBar", height=90 + (14 + 15 * len(comparison.pairs)) * len(found))
    chart.x_labels = [change.value for change in reversed(found)]
    most = max((pair.changes.get(change, 0) for pair in comparison.pairs for change in found), default=0)
    chart.config(range=(0, 1.15 * most or 1), max_scale=6)  # room for the number behind the longest bar
    for pair in comparison.pairs:
        chart.add(f"{pair.first} → {pair.second}", [pair.changes.get(change, 0) for change in reversed(found)])
    return _plot("Rows by class of change; a row may be of several", chart)


def _draw_agreement(comparison: Comparison) -> Plot:
    chart = _chart("Bar")
    chart.config(print_values=len(comparison.pairs) == 1)  # those of several would lie on each other
    chart.x_labels = [*(str(low) for low in range(0, 100, BIN)), "same"]
    for pair in comparison.pairs:
        bins = [0] * (100 // BIN + 1)
        for row in comparison.rows:
            difference = row.differences[pair.key]
            if difference and Change.UNPAIRED not in difference.changes:
                same = Change.IDENTICAL in difference.changes
                bins[-1 if same else min(int(difference.chrf / BIN), 100 // BIN - 1)] += 1
        chart.add(f"{pair.first} → {pair.second}", bins)
    return _plot(f"Rows by agreement: chrF of the second against the first, in steps of {BIN}", chart)


def _draw_scores(comparison: Comparison, evaluation: Evaluation, metric: str) -> Plot:
    chart = _chart("Bar", value=_write, value_ink="var(--paper)")  # inside the bars
    chart.config(show_legend=False, print_values_position="center")
    chart.x_labels = [system.key for system in comparison.systems]
    found = [quality for quality in evaluation.qualities if quality.metric == metric]
    bars = [
        {"value": quality.score, "ci": {"low": quality.interval.low, "high": quality.interval.high}}
        for quality in found
    ]
    chart.range = (0, 1.05 * max(quality.interval.high for quality in found) or 1)  # pygal forgets the intervals
    chart.add(label(metric), bars)
    return _plot(f"{label(metric)} against the reference, with 95 % intervals", chart)


def _draw_lengths(comparison: Comparison, evaluation: Evaluation) -> Plot:
    buckets = [bucket for bucket in evaluation.buckets if bucket.kind == "length"]
    metric = "chrf++" if "chrf++" in evaluation.metrics else evaluation.metrics[0]
    chart = _chart("Bar", value=_write)
    chart.config(print_values=len(comparison.systems) <= 2)
    chart.x_labels = [bucket.name for bucket in buckets]
    for system in comparison.systems:
        chart.add(system.key, [bucket.scores[system.key].get(metric) for bucket in buckets])
    return _plot(f"{label(metric)} by words of the source", chart)


def _draw_differences(comparison: Comparison, metric: str) -> Plot:
    """Each pair's rows by their difference, the greatest loss of the second first: how many win, how many lose, and how much."""
    chart = _chart("XY", value=_write)
    chart.config(
        print_values=False,
        dots_size=1,
        show_dots=False,
        x_title="percent of the rows",
        include_x_axis=True,
        max_scale=6,
    )
    chart.x_value_formatter = lambda value: f"{value:.0f}"
    chart.x_labels = [0, 25, 50, 75, 100]
    for number, pair in enumerate(comparison.pairs):
        first, second = (next(n for n, s in enumerate(comparison.systems) if s.key == key) for key in pair.key)
        differences = sorted(
            b.quality[metric] - a.quality[metric]
            for row in comparison.rows
            if (a := row.cells[first]) and (b := row.cells[second]) and metric in a.quality and metric in b.quality
        )
        last = len(differences) - 1
        places = sorted({i * last // MOST_POINTS for i in range(MOST_POINTS + 1)}) if differences else []
        points = [(100 * i / max(1, last), differences[i]) for i in places]
        dashes = {"dasharray": DASHES[number % len(DASHES)]}
        chart.add(f"{pair.first} → {pair.second}", points, stroke_style={"width": 2, **dashes})
    return _plot(f"Rows sorted by {label(metric)} of the second − the first: below 0 the second lost", chart)


def _chart(
    kind: str,
    *,
    height: int = 300,
    value: Callable[[float], str] = lambda value: f"{value:,.0f}",
    value_ink: str = PALETTE.ink,
) -> Any:
    """An empty chart in the page's colours."""
    inks = (PALETTE.ink,) * len(PALETTE.series)
    chart = new_chart(
        kind,
        PALETTE,
        size=(480, height),
        value_colors=(value_ink,) * len(PALETTE.series),
        ci_colors=inks,
        font_family="inherit",
        value_font_size=12,
        opacity="0.9",
    )
    chart.config(print_values=True, print_zeroes=False, print_values_position="top", value_formatter=value)
    chart.config(explicit_size=False, show_y_guides=True, margin=8, min_scale=3)
    return chart


def _write(value: float) -> str:
    """A score, which may lie between 0 and 1 if another program computed it."""
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.3g}"


def _plot(caption: str, chart: Any) -> Plot:
    return Plot(caption, ElementTree.tostring(draw_chart(chart, caption), encoding="unicode"))
