"""Where pairs come from: a TSV, the rows of finished runs of `translate`, its translation memory."""

import lzma
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TextIO

from pairs import Pair, PairError
from translate.records import TranslateError
from translate.run.rows import read_rows

TABLES = ("*.tsv", "*.tsv.xz")


def read_pairs(path: Path) -> Iterator[Pair]:
    """The pairs of a file or folder: rows (*.jsonl), a memory (*.sqlite), else a TSV.

    A folder gives all TSVs that stand in it, sorted by name, or if there is none the rows at any depth of it.
    Raises PairError for what is none of them.
    """
    if path.is_dir():
        tables = sorted(file for pattern in TABLES for file in path.glob(pattern))
        files = tables or sorted(path.rglob("*.jsonl"))
        if not files:
            raise PairError(f"{path}: neither TSVs ({', '.join(TABLES)}) nor rows (*.jsonl) in this folder")
        for file in files:
            yield from _read_tsv(file) if tables else _read_rows(file)
    elif path.suffix == ".jsonl":
        yield from _read_rows(path)
    elif path.suffix == ".sqlite":
        yield from _read_memory(path)
    else:
        yield from _read_tsv(path)


def _open_text(path: Path) -> TextIO:
    """A UTF-8 text file, compressed with xz if its name ends in .xz."""
    if path.suffix == ".xz":
        return lzma.open(path, "rt", encoding="utf-8", newline="\n")
    return path.open(encoding="utf-8", newline="\n")


def _read_tsv(path: Path) -> Iterator[Pair]:
    """Lines of origin⇥German⇥English, or of German⇥English with the file's name as origin."""
    with _open_text(path) as lines:
        for number, line in enumerate(lines, 1):
            cells = line.rstrip("\r\n").split("\t")
            if len(cells) not in (2, 3):
                raise PairError(f"{path}:{number}: {len(cells)} columns instead of 2 or 3: {line[:60]!r}")
            yield Pair(cells[0] if len(cells) == 3 else path.stem, cells[-2], cells[-1])


def _read_rows(path: Path) -> Iterator[Pair]:
    """A run's rows, as they are or with targets that somebody has corrected (and whose flags they have emptied)."""
    try:
        for row in read_rows(path):
            yield Pair("rows", row.source, row.target, bool(row.flags))
    except TranslateError as error:
        raise PairError(f"{error.message}; {error.hint}") from error


def _read_memory(path: Path) -> Iterator[Pair]:
    """The entries of memory.sqlite, of every signature, in the order in which they were finished."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
            for source, target, flags in database.execute(
                "SELECT source, target, flags FROM translation ORDER BY rowid"
            ):
                yield Pair("memory", source, target, bool(flags))
    except sqlite3.Error as error:
        raise PairError(f"{path}: no translation memory that can be read ({error})") from error
