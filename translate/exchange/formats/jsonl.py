"""Rows as `translate` writes them, and as its page gives corrections → pairs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from translate.human.pairs import Pair
from translate.records import InputError
from translate.run.rows import read_rows


def read(path: Path) -> Iterator[Pair]:
    """Its pairs. Raises InputError, or OutputError where a line is no row."""
    try:
        for number, row in enumerate(read_rows(path), 1):
            yield Pair(row.source, row.target.strip(), f"line {number}", row.doc, row.sentence)
    except UnicodeError as error:
        raise InputError(f"'{path}' is no UTF-8: {error}", "rows are UTF-8: save it as that") from error
    except OSError as error:
        raise InputError(f"cannot read '{path}': {error.strerror or error}", "check the file") from error
