"""Tables of text: never wider than the terminal, and nothing of them lost."""

from __future__ import annotations

import pytest

from translate.pages.tables import columns, format_table

TABLE = [
    ["", "run", *(f"metric {n}" for n in range(8))],
    ["A", "a long name of a system", *map(str, range(8))],
    ["B", "表" * 12, *"abcdefgh"],
]


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_tables_fit(width: int) -> None:
    """Columns without room stand below, beside the names again."""
    lines = list(format_table(TABLE, width, left=2))
    assert max(map(columns, lines)) <= width
    together = " ".join(lines)
    assert all(f"metric {n}" in together for n in range(8))
    assert together.count("表") == 12 * len([line for line in lines if "metric" in line])


def test_a_wide_terminal_has_one_table() -> None:
    """Words flush left, numbers flush right."""
    lines = list(format_table([["", "n"], ["one", "1"], ["three", "333"]], 80))
    assert lines == ["         n", "one      1", "three  333"]
