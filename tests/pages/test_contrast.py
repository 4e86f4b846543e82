"""Colours that people can read: contrast as WCAG 2 counts it, in light and dark, of every text on what lies under it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from translate import pages
from translate.bench import plot

BASE = (Path(pages.__file__).parent / "templates" / "base.css").read_text(encoding="utf-8")
COMPARE = (Path(pages.__file__).parents[1] / "compare" / "templates" / "compare.css").read_text(encoding="utf-8")
TEXT = 4.5
"""Of text to its ground, level AA."""
GRAPHIC = 3.0
"""Of lines, bars and edges that carry meaning."""
PAIRS = [
    *[(ink, ground, TEXT) for ink in ("ink", "dim", "accent") for ground in ("paper", "raised")],
    ("ink", "note", TEXT),
    ("paper", "accent", TEXT),
    ("paper", "series-0", TEXT),  # figures inside of bars
    ("del-ink", "del-paper", TEXT),
    ("ins-ink", "ins-paper", TEXT),
    ("error", "paper", TEXT),
    ("error", "raised", TEXT),
    ("dim", "paper", GRAPHIC),
]


def luminance(colour: str) -> float:
    """Relative luminance of #rrggbb, by WCAG 2."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """1 to 21."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def colours(theme: str) -> dict[str, str]:
    """The variables of a theme; the dark one has those of the light one that it does not set."""
    found: dict[str, str] = {}
    for selector, body in re.findall(r"(:root[^{]*)\{([^}]*)\}", BASE + COMPARE.partition("@media")[0]):
        if "dark" not in selector or theme == "dark":
            found |= dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", body))
    return found


def test_contrast_is_counted_right() -> None:
    """The known values: black on white, and a grey that just fails."""
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("ink", "ground", "least"), PAIRS)
def test_text_on_its_ground(theme: str, ink: str, ground: str, least: float) -> None:
    """Level AA."""
    found = colours(theme)
    assert contrast(found[ink], found[ground]) >= least, (found[ink], found[ground])


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_bench_can_be_read(theme: str) -> None:
    """The letters of its plots on the ground of the theme."""
    ground = plot.PALETTE.paper if theme == "light" else "#14181d"
    ink = plot.PALETTE.ink if theme == "light" else "#e4e8ec"
    assert ground in plot.DARK or theme == "light"
    assert ink in plot.DARK or theme == "light"
    assert contrast(ink, ground) >= TEXT
