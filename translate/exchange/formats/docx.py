"""Rows of a document → its English as a Word file. Sentences with a flag are marked, with a comment that says why. Needs python-docx."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from pathlib import Path
from typing import Any

import docx
from docx.enum.text import WD_COLOR_INDEX

from translate.exchange.about import About
from translate.exchange.formats.xml import ILLEGAL
from translate.records import Flag, Row

AUTHOR, INITIALS = "translate", "tr"
MOST_COMMENTS = 2000
"""In a file: each makes the next slower to add. Sentences with a flag behind them are marked only."""


def write(rows: Iterable[Row], about: About, path: Path) -> None:
    """Write the file. Raises OSError."""
    document = docx.Document()
    document.core_properties.author = f"translate-batch {about.version}"
    document.core_properties.comments = about.model
    comments = 0
    for _, sentences in groupby(rows, key=lambda row: row.paragraph):
        paragraph, end = document.add_paragraph(), None
        waiting = ""  # what needs no mark is one piece, as if somebody had typed it
        for row in sentences:
            waiting += " " if end is not None and row.start > end else ""
            end = row.end
            if doubts := [flag for flag in row.flags if flag != Flag.PASSTHROUGH]:
                paragraph.add_run(_clean(waiting))
                run = paragraph.add_run(_clean(row.target))
                run.font.highlight_color = WD_COLOR_INDEX.YELLOW
                waiting = ""
                if comments < MOST_COMMENTS:
                    comments += 1
                    _comment(document, run, doubts, row.source)
            else:
                waiting += row.target
        paragraph.add_run(_clean(waiting))
    document.save(str(path))


def _comment(document: Any, run: Any, doubts: Iterable[Flag], source: str) -> None:
    said = "; ".join(f"{flag}: {flag.meaning}" for flag in doubts)
    document.add_comment(run, f"{said}\n{_clean(source)}", author=AUTHOR, initials=INITIALS)


def _clean(text: str) -> str:
    """The text without what XML cannot hold."""
    return ILLEGAL.sub("\ufffd", text)
