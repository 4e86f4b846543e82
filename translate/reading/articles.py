"""The rows of a run as articles: documents with their paragraphs, in the order of the run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from translate.records import InputError, Row
from translate.run.record import find_rows, find_run, read_run
from translate.run.rows import read_rows


@dataclass(frozen=True, slots=True)
class Article:
    """A document's rows, and the file that holds them: a row a line, from line 1."""

    name: str
    path: Path
    rows: tuple[Row, ...]

    def paragraphs(self) -> Iterator[Sequence[tuple[int, Row]]]:
        """The rows of each paragraph, with their lines in the file."""
        for _, rows in groupby(enumerate(self.rows, 1), key=lambda numbered: numbered[1].paragraph):
            yield list(rows)


@dataclass(frozen=True, slots=True)
class Run:
    """What there is to read: the folder (or the file, if one was named), the model, and each document's file of rows."""

    place: Path
    model: str
    signature: str
    files: tuple[Path, ...]

    def articles(self) -> Iterator[Article]:
        """One after the other. Raises OutputError where a line is no row."""
        for path in self.files:
            rows = tuple(read_rows(path))
            yield Article(rows[0].doc if rows else path.stem, path, rows)


def open_run(out: Path) -> Run:
    """What `out` means: a run's folder, the one folder with a run in it, or one file of rows.

    Raises InputError if it holds no rows, or the runs of several models.
    """
    if out.is_file():
        return Run(out, "", "", (out,))
    folder = find_run(out)
    record = read_run(folder)
    files = tuple(find_rows(folder, record).values()) if record else ()
    if record is None or not files:
        raise InputError(f"no document is done in '{folder}'", f"see translate status {folder}")
    signature = "|".join(f"{key}:{value}" for key, value in record.signature.items())
    return Run(folder, str(record.model.get("name", folder.name)), signature, files)


def join_sentences(rows: Sequence[Row], texts: Sequence[str]) -> str:
    """The texts of a paragraph's rows as one, with a blank where there was white space between them."""
    parts = [texts[0]] if texts else []
    for before, row, text in zip(rows, rows[1:], texts[1:], strict=False):
        parts.append((" " if row.start > before.end else "") + text)
    return "".join(parts)
