"""Figures → charts as SVG: no script, no reference to anything outside, and the same bytes whenever the figures are the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

SVG = "http://www.w3.org/2000/svg"
ElementTree.register_namespace("", SVG)


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours, as CSS has them: what is written and drawn with, what only helps the eye, what lies under it, and a line or bar each."""

    ink: str
    dim: str
    paper: str
    series: Sequence[str]


def new_chart(kind: str, palette: Palette, *, size: tuple[int, int], **style: object) -> Any:
    """An empty chart of pygal's, such as `Bar`: width and height in pixels, its legend below, labels at full length."""
    import pygal
    from pygal.style import Style

    colours = {
        "background": palette.paper,
        "plot_background": palette.paper,
        "foreground": palette.ink,
        "foreground_strong": palette.ink,
        "foreground_subtle": palette.dim,
        "colors": tuple(palette.series),
    }
    sizes = {"label_font_size": 13, "major_label_font_size": 13, "legend_font_size": 14}
    chart = getattr(pygal, kind)(style=Style(**colours, **sizes, **style), js=[], width=size[0], height=size[1])
    chart.config(legend_at_bottom=True, truncate_label=-1, truncate_legend=-1)
    return chart


def draw_chart(chart: Any, caption: str) -> ElementTree.Element:
    """The chart as one picture with a name, without pygal's scripts, titles and random id.

    An id would be new at each run, and a script is what a page's own policy refuses.
    """
    root = ElementTree.fromstring(chart.render(is_unicode=True))
    drawn_id = root.attrib.pop("id")
    for parent in list(root.iter()):
        for child in [child for child in parent if child.tag in (f"{{{SVG}}}script", f"{{{SVG}}}title")]:
            parent.remove(child)
        if parent.tag == f"{{{SVG}}}style":
            parent.text = (parent.text or "").replace(f"#{drawn_id}", ".pygal-chart")
    root.set("role", "img")
    root.set("aria-label", caption)
    return root
