"""Charts are pictures and nothing else."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from translate.pages.charts import SVG, Palette, draw_chart, new_chart

PALETTE = Palette("#000000", "#cccccc", "#ffffff", ["#0072b2", "#d55e00"])


def draw(kind: str) -> str:
    """Two series, one of them with a name that is markup."""
    chart = new_chart(kind, PALETTE, size=(300, 200))
    chart.x_labels = ["a", "b"]
    chart.add("<script>alert(1)</script>", [1, 2])
    chart.add("plain", [2, None])
    return ElementTree.tostring(draw_chart(chart, "what it shows"), encoding="unicode")


@pytest.mark.parametrize("kind", ["Bar", "HorizontalBar", "Line"])
def test_a_chart_is_a_picture_with_a_name(kind: str) -> None:
    """No script, no address, no id of its own; its labels are text."""
    svg = draw(kind)
    root = ElementTree.fromstring(svg)
    assert (root.get("role"), root.get("aria-label"), root.get("id")) == ("img", "what it shows", None)
    assert not list(root.iter(f"{{{SVG}}}script"))
    assert "href" not in svg.replace("http://www.w3.org/1999/xlink", "")
    assert "<script>alert(1)</script>" in "".join(root.itertext())


def test_the_same_figures_make_the_same_bytes() -> None:
    """So that a page can be compared with an older one."""
    assert draw("Bar") == draw("Bar")
