"""A Comparison → charts of it for the page, in the page's colours."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

from translate.compare.changes import Change
from translate.compare.findings import LABELS, Comparison, Evaluation
from translate.pages.charts import Palette, draw_chart, new_chart

PALETTE = Palette("var(--ink)", "var(--dim)", "transparent", [f"var(--series-{n})" for n in range(8)])
"""The page defines these colours; more systems than series begin again."""
BIN = 10
"""Points of chrF."""


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
        yield _draw_lengths(comparison, comparison.evaluation)


def _draw_changes(comparison: Comparison) -> Plot:
    found = [change for change in Change if any(pair.changes.get(change) for pair in comparison.pairs)]
    chart = _chart("HorizontalBar", height=90 + (12 + 11 * len(comparison.pairs)) * len(found))
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
    chart = _chart("Bar", value=lambda value: f"{value:.1f}")
    chart.config(show_legend=False, print_values_position="center")
    chart.x_labels = [system.key for system in comparison.systems]
    found = [quality for quality in evaluation.qualities if quality.metric == metric]
    bars = [
        {"value": quality.score, "ci": {"low": quality.interval.low, "high": quality.interval.high}}
        for quality in found
    ]
    chart.range = (0, 1.05 * max(quality.interval.high for quality in found) or 1)  # pygal forgets the intervals
    chart.add(LABELS[metric], bars)
    return _plot(f"{LABELS[metric]} against the reference, with 95 % intervals", chart)


def _draw_lengths(comparison: Comparison, evaluation: Evaluation) -> Plot:
    buckets = [bucket for bucket in evaluation.buckets if bucket.kind == "length"]
    metric = "chrf++" if "chrf++" in evaluation.metrics else evaluation.metrics[0]
    chart = _chart("Bar", value=lambda value: f"{value:.0f}")
    chart.x_labels = [bucket.name for bucket in buckets]
    for system in comparison.systems:
        chart.add(system.key, [bucket.scores[system.key][metric] for bucket in buckets])
    return _plot(f"{LABELS[metric]} by words of the source", chart)


def _chart(kind: str, *, height: int = 300, value: Callable[[float], str] = lambda value: f"{value:,.0f}") -> Any:
    """An empty chart in the page's colours."""
    ink = (PALETTE.ink,) * len(PALETTE.series)
    chart = new_chart(
        kind,
        PALETTE,
        size=(480, height),
        value_colors=ink,
        ci_colors=ink,
        font_family="inherit",
        value_font_size=12,
        opacity="0.9",
    )
    chart.config(print_values=True, print_zeroes=False, print_values_position="top", value_formatter=value)
    chart.config(explicit_size=False, show_y_guides=True, margin=8, min_scale=3)
    return chart


def _plot(caption: str, chart: Any) -> Plot:
    return Plot(caption, ElementTree.tostring(draw_chart(chart, caption), encoding="unicode"))
