"""A bench → pictures to stand in a report: throughput by batch with its spread, latency against throughput, memory where it
differs; and the rates of several benches over time. Light or dark as the reader's system is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from translate.bench.history import Entry, comparable
from translate.bench.measurements import Measurement
from translate.bench.sweep import Bench
from translate.pages.charts import SVG, Palette, draw_chart, new_chart
from translate.run.advice import Variant
from translate.storage import write_atomically

WIDTH, HEIGHT, GAP, TOP = 620, 420, 16, 84
"""Pixels: of a panel, between two, and above them for the title."""
OKABE_ITO = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000", "#999999")
"""Okabe and Ito's, which colour-blind readers can tell apart: https://jfly.uni-koeln.de/color/"""
PALETTE = Palette("#222222", "#cccccc", "#ffffff", OKABE_ITO)
GUIDES = {"dasharray": "none", "color": "#e2e2e2"}
FONT = "Helvetica, Arial, sans-serif"
DARK = """@media (prefers-color-scheme: dark) {
.paper, .pygal-chart .background, .pygal-chart .plot_background { fill: #14181d !important }
svg text, .pygal-chart .title { fill: #e4e8ec !important }
.pygal-chart .axis .guides .guide.line, .pygal-chart .guide.line { stroke: #363e48 !important }
.pygal-chart .axis .line { stroke: #a0aab4 !important }
.pygal-chart .ci, .pygal-chart [class*=ci] line { stroke: #e4e8ec !important }
.pygal-chart .color-6 { stroke: #ffffff !important; fill: #ffffff !important }
}"""
"""Viewers that know no such rules show the light picture."""
ROOM = 1.15
"""Above and below what is drawn on an axis of powers: times the largest, over the smallest."""
DIFFERS = 1.1
"""Memory is worth a panel if one row takes a tenth more than another of the same variant."""
Point = dict[str, Any]


def write_plot(bench: Bench, path: Path) -> None:
    """Write the panels as one SVG. Raises OutputError."""
    with write_atomically(path) as file:
        file.write(draw(bench) + "\n")


def write_history_plot(entries: Sequence[Entry], path: Path) -> None:
    """Write the rates of the newest entry's model and machine over time as SVG. Raises OutputError."""
    with write_atomically(path) as file:
        file.write(draw_history(comparable(list(entries))) + "\n")


def draw(bench: Bench) -> str:
    """The panels two by two under one title, as SVG without scripts or references."""
    panels = [_throughput(bench), _latency(bench)]
    memory = {
        "Memory: MiB resident at most, weights included": lambda row: row.memory / 2**20,
        "GPU memory: MiB held at most": lambda row: (row.cuda_memory or 0) / 2**20,
    }
    panels += [_by_batch(bench, title, figure) for title, figure in memory.items() if _differs(bench, figure)]
    kind = bench.machine.get("graphics") or bench.machine.get("processor") or bench.machine.get("machine")
    lines = [f"{kind}, {bench.machine.get('cpus')} processors", f"noisy: {bench.noise}" if bench.noise else ""]
    return _arrange(panels, f"{bench.model.short_name}, up to {bench.sentences:,} sentences", lines)


def _arrange(panels: Sequence[ElementTree.Element], title: str, lines: Sequence[str]) -> str:
    """Panels side by side under a title and small lines."""
    columns = min(2, len(panels))
    width = columns * WIDTH + (columns - 1) * GAP
    height = TOP + math.ceil(len(panels) / columns) * (HEIGHT + GAP)
    root = ElementTree.Element(f"{{{SVG}}}svg", viewBox=f"0 0 {width} {height}", width=str(width), height=str(height))
    ElementTree.SubElement(root, f"{{{SVG}}}style").text = DARK
    ElementTree.SubElement(
        root, f"{{{SVG}}}rect", {"class": "paper", "width": "100%", "height": "100%", "fill": PALETTE.paper}
    )
    for y, text, size in ((28, title, 20), (50, lines[0], 13), (70, lines[1], 11)):
        attributes = {"x": "20", "y": str(y), "font-family": FONT, "font-size": str(size), "fill": PALETTE.ink}
        ElementTree.SubElement(root, f"{{{SVG}}}text", attributes).text = text
    for number, panel in enumerate(panels):
        panel.set("x", str(number % columns * (WIDTH + GAP)))
        panel.set("y", str(TOP + number // columns * (HEIGHT + GAP)))
        root.append(panel)
    return ElementTree.tostring(root, encoding="unicode")


def _variants(bench: Bench) -> dict[Variant, list[Measurement]]:
    """The rows with figures of each variant, smallest batches first."""
    rows: dict[Variant, list[Measurement]] = {row.variant: [] for row in bench.measurements}
    for row in bench.measurements:
        if not row.problem:
            rows[row.variant].append(row)
    return {variant: sorted(some, key=_batch_size) for variant, some in rows.items()}


def _batch_size(row: Measurement) -> float:
    """Padded source tokens a batch; of a batch of so many sentences as many tokens as they have on average."""
    return row.batching.tokens or (row.batching.size or 1) * row.source_tokens / row.sentences


def _name(row: Measurement) -> str:
    return f"{row.batching}{' (default)' if row.default else ''}"


def _throughput(bench: Bench) -> ElementTree.Element:
    """Sentences a second by batch: a line through the medians, a stroke over the middle half, a large dot where to stay."""
    title = "Throughput: source sentences a second (median and middle half)"
    rows = _variants(bench)
    chosen = {(found.variant, found.batching) for found in bench.recommendations}

    def point(row: Measurement) -> Point:
        is_chosen = (row.variant, row.batching) in chosen
        interval = {"low": row.rate.low, "high": row.rate.high}
        return {"value": row.rate.median, "ci": interval, "label": _name(row), "node": {"r": 8 if is_chosen else 3}}

    chart = _along_batches(title, rows, point)
    _set_range(chart, [value for some in rows.values() for row in some for value in (row.rate.low, row.rate.high)])
    return draw_chart(chart, f"{title}; a large dot marks the batch to use")


def _along_batches(
    title: str, rows: Mapping[Variant, Sequence[Measurement]], point: Callable[[Measurement], Point | float]
) -> Any:
    """A line a variant over the sizes of batch, and the powers of 2 between them: equal steps are equal factors."""
    chart = _chart("Line", title, "padded source tokens a batch")
    sizes = {round(_batch_size(row)) for some in rows.values() for row in some}
    powers = range(math.ceil(math.log2(min(sizes))), math.floor(math.log2(max(sizes))) + 1) if sizes else ()
    places = sorted({*sizes, *(2**power for power in powers)})
    chart.x_labels = [f"{place:,}" for place in places]
    chart.config(logarithmic=True)
    for variant, some in rows.items():
        found = {round(_batch_size(row)): point(row) for row in some}
        chart.add(str(variant), [found.get(place) for place in places])
    return chart


def _latency(bench: Bench) -> ElementTree.Element:
    """Throughput by the time that a batch takes; a line joins the settings that no other one beats in both."""
    title = "Latency against throughput; dashed: what no other beats"
    chart = _chart("XY", title, "seconds a batch (median)")
    rows = [row for some in _variants(bench).values() for row in some if row.batch_p50 > 0]
    _set_powers(chart, [row.rate.median for row in rows], [row.batch_p50 for row in rows])
    for variant, some in _variants(bench).items():
        points = [_point(row) for row in some if row.batch_p50 > 0]
        chart.add(str(variant), points, stroke=False)
    front = find_front(rows)
    chart.add("best of all", [{**_point(row), "node": {"r": 0}} for row in front], stroke_style={"dasharray": "4, 4"})
    return draw_chart(chart, title)


def _point(row: Measurement) -> Point:
    return {"value": (row.batch_p50, row.rate.median), "label": _name(row), "node": {"r": 5}}


def find_front(rows: Sequence[Measurement]) -> list[Measurement]:
    """Those that no other one beats in both latency and throughput (the Pareto front), the shortest latency first."""
    front: list[Measurement] = []
    for row in sorted(rows, key=lambda row: (row.batch_p50, -row.rate.median)):
        if not front or row.rate.median > front[-1].rate.median:
            front.append(row)
    return front


def _differs(bench: Bench, figure: Callable[[Measurement], float]) -> bool:
    """Whether some variant's rows differ in it by so much that there is something to see."""
    known = [[figure(row) for row in some if figure(row)] for some in _variants(bench).values()]
    return any(max(values) >= DIFFERS * min(values) for values in known if values)


def _by_batch(bench: Bench, title: str, figure: Callable[[Measurement], float]) -> ElementTree.Element:
    rows = {variant: [row for row in some if figure(row)] for variant, some in _variants(bench).items()}
    chart = _along_batches(title, rows, figure)
    _set_range(chart, [figure(row) for some in rows.values() for row in some])
    return draw_chart(chart, title)


def draw_history(entries: Sequence[Entry]) -> str:
    """Each variant's rate in each bench, with the middle half of its rounds, as SVG."""
    title = "Source tokens a second (median and middle half), bench by bench"
    chart = _chart("Line", title, "")
    chart.config(logarithmic=True, x_label_rotation=30)
    chart.x_labels = [f"{entry.time:%Y-%m-%d %H:%M}, {entry.version}" for entry in entries]
    values = [v for entry in entries for rate in entry.rates.values() for v in (rate.low, rate.high)]
    _set_range(chart, values)
    for name in dict.fromkeys(name for entry in entries for name in entry.rates):
        held = [entry.rates.get(name) for entry in entries]
        chart.add(name, [rate and {"value": rate.median, "ci": {"low": rate.low, "high": rate.high}} for rate in held])
    noisy = sum(bool(entry.noise) for entry in entries)
    newest = entries[-1]
    note = f"{noisy} of {len(entries)} benches were noisy" if noisy else ""
    return _arrange([draw_chart(chart, title)], newest.model, [str(newest.machine.get("processor", "")), note])


def _set_powers(chart: Any, values: Sequence[float], places: Sequence[float]) -> None:
    """Both axes by powers, with round numbers at them."""
    _set_range(chart, values)
    if places:
        low, high = min(places) / ROOM, max(places) * ROOM
        chart.config(xrange=(low, high), x_labels=_round_numbers(low, high), logarithmic=True)
    chart.x_value_formatter = lambda seconds: f"{seconds:.2g}"


def _set_range(chart: Any, values: Sequence[float]) -> None:
    if values:
        chart.range = (min(values) / ROOM, max(values) * ROOM)
        chart.y_labels = _round_numbers(min(values) / ROOM, max(values) * ROOM)


def _round_numbers(low: float, high: float) -> list[float]:
    """1, 2, 5, 10, … between the two; the ends themselves where there are less than two of them."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    found = [m * 10.0**p for p in powers for m in (1, 2, 5) if low <= m * 10.0**p <= high]
    return found if len(found) >= 2 else [float(f"{value:.2g}") for value in (low, (low * high) ** 0.5, high)]


def _chart(kind: str, title: str, along: str) -> Any:
    lines = {f"{way}guide_stroke_{what}": value for way in ("", "major_") for what, value in GUIDES.items()}
    inks = (PALETTE.ink,) * 8
    chart = new_chart(
        kind, PALETTE, size=(WIDTH, HEIGHT), font_family=FONT, title_font_size=15, ci_colors=inks, **lines
    )
    chart.config(title=title, explicit_size=True, show_minor_y_labels=True, dots_size=4, show_x_guides=False)
    chart.config(x_title=along, margin=12, margin_right=36, stroke_style={"width": 2.5})
    chart.value_formatter = lambda value: f"{value:,.0f}" if value >= 10 else f"{value:.2g}"
    return chart
