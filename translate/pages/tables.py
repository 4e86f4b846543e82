"""Words and numbers → a table of text that fits a terminal, however narrow."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from unicodedata import east_asian_width

GAP = "  "
LEAST = 8
"""Columns of a terminal that a column of words keeps when it is broken over lines."""


def format_table(
    table: Sequence[Sequence[str]], width: int, *, left: int = 1, words: Sequence[int] = ()
) -> Iterator[str]:
    """Lines no wider than `width`: a line a row, the first `left` columns and those in `words` flush left, numbers flush right.

    Columns that have no room stand in a second table below, beside the first `left` columns again. A cell of words that is
    wider than there is room for is broken over lines.
    """
    widths = [max(map(columns, column)) for column in zip(*table, strict=True)]
    heads = list(range(min(left, len(widths))))
    others = [n for n in range(len(widths)) if n not in heads]
    room = width - max((widths[n] for n in others), default=0) - len(GAP) * len(heads)
    if sum(widths[n] for n in heads) > room:
        longest = max(heads, key=lambda n: widths[n])
        widths[longest] = max(LEAST, room - sum(widths[n] for n in heads if n != longest))
    used = sum(widths[n] for n in heads) + len(GAP) * (len(heads) - 1)
    for number, block in enumerate(_blocks(others, widths, used, width)):
        if number:
            yield ""
        for line in table:
            yield from _format_line(line, [*heads, *block], widths, {*heads, *words})


def columns(text: str) -> int:
    """How many columns of a terminal the text takes."""
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)


def _blocks(others: Sequence[int], widths: Sequence[int], used: int, width: int) -> Iterator[list[int]]:
    block: list[int] = []
    room = width - used
    for n in others:
        if block and room < widths[n] + len(GAP):
            yield block
            block, room = [], width - used
        block.append(n)
        room -= widths[n] + len(GAP)
    yield block


def _format_line(line: Sequence[str], chosen: Sequence[int], widths: Sequence[int], words: set[int]) -> Iterator[str]:
    cells = [_break(line[n], widths[n]) for n in chosen]
    for row in range(max(map(len, cells))):
        parts = []
        for n, cell in zip(chosen, cells, strict=True):
            text = cell[row] if row < len(cell) else ""
            fill = " " * (widths[n] - columns(text))
            parts.append(text + fill if n in words else fill + text)
        yield GAP.join(parts).rstrip()


def _break(text: str, width: int) -> list[str]:
    return [text] if columns(text) <= width else textwrap.wrap(text, width) or [""]
