"""Rows of a document → its English as a Word file, with a comment on each sentence that has a flag. Needs python-docx."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

import docx

from translate.exchange.about import About
from translate.exchange.formats.xml import ILLEGAL
from translate.records import Flag, Row

AUTHOR, INITIALS = "translate", "tr"
MOST_COMMENTS = 2000
"""In a file: Word takes no pleasure in more, and each one makes the next slower to add."""


def write(rows: Iterable[Row], about: About, path: Path) -> None:
    """Write the file. Raises OSError."""
    document = docx.Document()
    document.core_properties.author = f"translate-batch {about.version}"
    document.core_properties.comments = about.model
    comments = 0
    for _, sentences in groupby(rows, key=lambda row: row.paragraph):
        paragraph, end = document.add_paragraph(), None
        for row in sentences:
            if end is not None and row.start > end:
                paragraph.add_run(" ")
            run = paragraph.add_run(ILLEGAL.sub("\ufffd", row.target))
            end = row.end
            doubts = [flag for flag in row.flags if flag != Flag.PASSTHROUGH]
            if doubts and comments < MOST_COMMENTS:
                comments += 1
                said = "; ".join(f"{flag}: {flag.meaning}" for flag in doubts)
                source = ILLEGAL.sub("\ufffd", row.source)
                document.add_comment(run, f"{said}\n{source}", author=AUTHOR, initials=INITIALS)
    document.save(str(path))
