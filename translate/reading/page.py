"""A run → one HTML page to read and correct it offline: articles side by side by paragraph, doubts in place, edits to take away."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from markupsafe import Markup

from translate.pages.page import embed, write_page
from translate.reading.articles import Run
from translate.reading.text import reasons
from translate.records import Flag, Origin, Row

FLAGS, ORIGINS = tuple(Flag), tuple(Origin)


def write_reading_page(run: Run, path: Path) -> None:
    """Write the page, a document at a time. Raises OutputError."""
    about = {
        "flags": [[flag.value, flag.meaning] for flag in FLAGS],
        "passthrough": FLAGS.index(Flag.PASSTHROUGH),
        "origins": ["corrected by a person", "from the translation memory"],
        # What is typed is kept in the browser under this name until it has been taken away.
        "key": hashlib.sha256(f"{run.place.absolute()}|{run.signature}".encode()).hexdigest()[:16],
        "command": f"translate corrections corrections.jsonl --output {shlex.quote(str(run.place))}",
    }
    title = f"{run.model or run.place.stem}: {run.place}"
    write_page(path, "translate.reading", "show", title=title, about=embed(about), documents=_documents(run))


def _documents(run: Run) -> Iterator[Markup]:
    for article in run.articles():
        yield embed([article.name, str(article.path), [_row(row) for row in article.rows]])


def _row(row: Row) -> list[Any]:
    """Paragraph, sentence, start, end, source, target, score, flags, origin, reasons: lists, so that 50,000 rows load in a moment.

    A flag's reason stands there if the row has one of its own.
    """
    flags = [FLAGS.index(flag) for flag in row.flags]
    origin = None if row.origin is None else ORIGINS.index(row.origin)
    score = None if row.score is None else round(row.score, 4)
    own = {FLAGS.index(flag): reason for flag, reason in reasons(row).items() if reason != flag.meaning}
    return [row.paragraph, row.sentence, row.start, row.end, row.source, row.target, score, flags, origin, own]
