"""A bench → one SVG file: throughput, latency and memory by batch, an engine a line, to stand in a report."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from translate.bench.measurements import Measurement
from translate.bench.sweep import Bench
from translate.pages.charts import SVG, Palette, draw_chart, new_chart
from translate.run.advice import Batching, Variant
from translate.storage import write_atomically

WIDTH, HEIGHT, GAP, TOP = 620, 400, 16, 84
"""Pixels: of a panel, between two, and above them for the title."""
OKABE_ITO = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000", "#999999")
"""Okabe and Ito's, which colour-blind readers can tell apart: https://jfly.uni-koeln.de/color/"""
PALETTE = Palette("#222222", "#cccccc", "#ffffff", OKABE_ITO)
GUIDES = {"dasharray": "none", "color": "#e2e2e2"}
FONT = "Helvetica, Arial, sans-serif"

Figure = Callable[[Measurement], float | None]

PANELS: Sequence[tuple[str, Figure]] = (
    ("Throughput: source sentences a second (median)", lambda row: round(row.rate.median, 2)),
    ("Latency: seconds a batch (median)", lambda row: round(row.batch_p50, 4)),
    ("Memory: MiB resident at most, weights included", lambda row: round(row.memory / 2**20) or None),
)
CUDA_PANEL: tuple[str, Figure] = (
    "GPU memory: MiB held at most",
    lambda row: round(row.cuda_memory / 2**20) if row.cuda_memory else None,
)


def write_plot(bench: Bench, path: Path) -> None:
    """Write the panels as one SVG. Raises OutputError."""
    with write_atomically(path) as file:
        file.write(draw(bench) + "\n")


def draw(bench: Bench) -> str:
    """The panels two by two under one title, as SVG without scripts or references."""
    panels = [*PANELS, CUDA_PANEL] if any(row.cuda_memory for row in bench.measurements) else list(PANELS)
    columns, lines = 2, (len(panels) + 1) // 2
    width, height = columns * WIDTH + GAP, TOP + lines * (HEIGHT + GAP)
    root = ElementTree.Element(f"{{{SVG}}}svg", viewBox=f"0 0 {width} {height}", width=str(width), height=str(height))
    ElementTree.SubElement(root, f"{{{SVG}}}rect", width="100%", height="100%", fill=PALETTE.paper)
    _write(root, 28, f"{bench.model.short_name}, {bench.sentences} sentences", size=20)
    kind = bench.machine.get("graphics") or bench.machine.get("processor") or bench.machine.get("machine")
    _write(root, 50, f"{kind}, {bench.machine.get('cpus')} processors", size=13)
    _write(root, 70, f"noisy: {bench.noise}" if bench.noise else "", size=11)
    for number, (title, figure) in enumerate(panels):
        panel = _draw_panel(bench, title, figure)
        panel.set("x", str(number % columns * (WIDTH + GAP)))
        panel.set("y", str(TOP + number // columns * (HEIGHT + GAP)))
        root.append(panel)
    return ElementTree.tostring(root, encoding="unicode")


def _write(root: ElementTree.Element, y: int, text: str, *, size: int) -> None:
    attributes = {"x": "20", "y": str(y), "font-family": FONT, "font-size": str(size), "fill": PALETTE.ink}
    ElementTree.SubElement(root, f"{{{SVG}}}text", attributes).text = text


def _draw_panel(bench: Bench, title: str, figure: Figure) -> ElementTree.Element:
    """One chart: a line a variant; where a setting ran out of memory, or the figure is not known, there is a gap."""
    rows: Mapping[tuple[Variant, Batching], Measurement] = {
        (row.variant, row.batching): row for row in bench.measurements if not row.problem
    }
    variants = list(dict.fromkeys(row.variant for row in bench.measurements))
    batchings = sorted({row.batching for row in bench.measurements}, key=lambda b: (b.size or 0, b.tokens or 0))
    chart = _chart(title)
    chart.x_labels = [str(batching.tokens or f"{batching.size} s.") for batching in batchings]
    for variant in variants:
        line = [rows.get((variant, batching)) for batching in batchings]
        chart.add(str(variant), [figure(row) if row else None for row in line])
    return draw_chart(chart, title)


def _chart(title: str) -> Any:
    lines = {f"{kind}guide_stroke_{what}": value for kind in ("", "major_") for what, value in GUIDES.items()}
    chart = new_chart(
        "Line", PALETTE, size=(WIDTH, HEIGHT), font_family=FONT, title_font_size=15, stroke_width="2.5", **lines
    )
    chart.config(title=title, explicit_size=True, include_x_axis=True, show_minor_y_labels=True, dots_size=4)
    chart.config(x_title="padded source tokens a batch (s.: sentences a batch)", margin=12, margin_right=36)
    chart.config(stroke_style={"width": 2.5})
    return chart
