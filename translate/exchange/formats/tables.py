"""Rows ↔ CSV and TSV: a line a row, for spreadsheets.

A spreadsheet takes a cell that begins with =, +, - or @ for a formula, and runs it. Such a text gets an apostrophe in front
(https://owasp.org/www-community/attacks/CSV_Injection), which is taken away again when the file comes back.
"""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import TextIO

from translate.exchange.about import About
from translate.human.pairs import Pair, parse_sentence
from translate.records import InputError, Row

COLUMNS = "doc paragraph sentence start end source target score flags origin model".split()
RISKY = ("=", "+", "-", "@", "\t", "\r", "\n", "'", "＝", "＋", "－", "＠")
"""How a text begins that gets an apostrophe; one of its own among them, so that none is lost."""
LONGEST_CELL = 1 << 26
"""Characters."""


def write_csv(rows: Iterable[Row], about: About, path: Path) -> None:
    """With commas, and the mark by which Excel knows UTF-8. Raises OSError."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        _write(rows, about, file, delimiter=",")


def write_tsv(rows: Iterable[Row], about: About, path: Path) -> None:
    """With tabs. Raises OSError."""
    with path.open("w", encoding="utf-8", newline="") as file:
        _write(rows, about, file, delimiter="\t")


def _write(rows: Iterable[Row], about: About, file: TextIO, *, delimiter: str) -> None:
    writer = csv.writer(file, delimiter=delimiter, lineterminator="\r\n")  # else a \r in a cell would not be quoted
    writer.writerow(COLUMNS)
    for row in rows:
        score = "" if row.score is None else round(row.score, 4)
        texts = map(defuse, (row.source, row.target))
        place = (defuse(row.doc), row.paragraph, row.sentence, row.start, row.end)
        writer.writerow((*place, *texts, score, " ".join(row.flags), row.origin or "", defuse(about.model)))


def defuse(text: str) -> str:
    """The text such that no spreadsheet takes it for a formula."""
    return f"'{text}" if text.startswith(RISKY) else text


def restore(cell: str) -> str:
    """The reverse of `defuse`."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(RISKY) else cell


def read(path: Path, encoding: str = "utf-8") -> Iterator[Pair]:
    """Its pairs, from the columns `source` and `target`, and `doc` and `sentence` where it has them.

    Commas, semicolons (as Excel writes in Germany) and tabs are told by the first line. Raises InputError.
    """
    try:
        with path.open("rb") as raw:
            mark = raw.read(4)
        if mark.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            encoding = "utf-16"
        elif mark.startswith(codecs.BOM_UTF8):
            encoding = "utf-8-sig"
        csv.field_size_limit(LONGEST_CELL)
        with path.open(encoding=encoding, newline="") as file:
            yield from _read(path, file)
    except UnicodeError as error:
        hint = "save it as 'CSV UTF-8', or name what it is, such as --encoding windows-1252"
        raise InputError(f"'{path}' is no {encoding}: {error}", hint) from error
    except csv.Error as error:
        raise InputError(f"'{path}' is no table: {error}", "save it as CSV or TSV again") from error
    except OSError as error:
        raise InputError(f"cannot read '{path}': {error.strerror or error}", "check the file") from error


def _read(path: Path, file: TextIO) -> Iterator[Pair]:
    head = file.readline()
    delimiter = max(",;\t", key=head.count)
    names = [name.strip().lower() for name in next(csv.reader([head], delimiter=delimiter), [])]
    if not {"source", "target"} <= set(names):
        hint = "the first line has to name the columns, source and target among them"
        raise InputError(f"'{path}' has no columns 'source' and 'target'", hint)
    lines = csv.reader(file, delimiter=delimiter, strict=True)
    for cells in lines:
        if not any(cells):
            continue
        if len(cells) < len(names):
            cells += [""] * (len(names) - len(cells))
        of = partial(_cell, dict(zip(names, cells, strict=False)))
        sentence = of("sentence")
        yield Pair(
            of("source"),
            of("target"),
            f"line {lines.line_num + 1}",
            of("doc") or None,
            parse_sentence(sentence),
        )


def _cell(cells: dict[str, str], name: str) -> str:
    return restore(cells.get(name, "").replace("\r\n", "\n").strip())
