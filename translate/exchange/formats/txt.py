"""Rows of a document → its English as plain text, a line a paragraph."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

from translate.exchange.about import About
from translate.records import Row


def write(rows: Iterable[Row], _: About, path: Path) -> None:
    """Write the text. Raises OSError."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for _number, sentences in groupby(rows, key=lambda row: row.paragraph):
            end = None
            for row in sentences:
                file.write((" " if end is not None and row.start > end else "") + row.target)
                end = row.end
            file.write("\n")
