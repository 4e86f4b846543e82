"""Rows of a document → its English as an HTML page, each sentence with what is known of it as attributes."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from itertools import groupby
from pathlib import Path

from translate.exchange.about import About
from translate.records import Row


def write(rows: Iterable[Row], about: About, path: Path) -> None:
    """Write the page. Raises OSError."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        begun = False
        for paragraph, sentences in groupby(rows, key=lambda row: row.paragraph):
            end = None
            for row in sentences:
                if not begun:
                    file.write(_head(row.doc, about))
                    begun = True
                file.write(f'<p id="p{paragraph}">' if end is None else " " if row.start > end else "")
                file.write(_sentence(row))
                end = row.end
            file.write("</p>\n")
        file.write(
            "</article>\n</body>\n</html>\n" if begun else _head(path.stem, about) + "</article></body></html>\n"
        )


def _head(title: str, about: About) -> str:
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="generator" content="translate-batch {escape(about.version)}, {escape(about.model)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n"
        "<style>body { max-width: 42rem; margin: 2rem auto; padding: 0 1rem; font: 1.05rem/1.5 Georgia, serif; }</style>\n"
        "</head>\n<body>\n<article>\n"
    )


def _sentence(row: Row) -> str:
    attributes = f' data-sentence="{row.sentence}"'
    if row.score is not None:
        attributes += f' data-score="{row.score:.4f}"'
    if row.flags:
        attributes += f' data-flags="{" ".join(row.flags)}"'
    if row.origin:
        attributes += f' data-origin="{row.origin}"'
    return f"<span{attributes}>{escape(row.target, quote=False)}</span>"
