"""Rows: one sentence a line of JSON, and where they are written. The only module that reads and writes rows."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from translate.records import Flag, OutputError, Row, Sentence
from translate.storage import inside, open_ordinary, parse_json

LINE_BREAKS = str.maketrans({"\u2028": "\\u2028", "\u2029": "\\u2029", "\x85": "\\u0085"})
"""Legal inside a JSON string, but line ends to str.splitlines and to some readers of JSON lines."""


LARGEST_NUMBER = 2**53 - 1
"""Of a place in a text: what every reader of JSON knows exactly."""


def format_row(row: Row) -> str:
    """The row as one line of JSON, without its line end."""
    score = None if row.score is None else round(row.score, 4)
    fields = {"doc": row.doc, "paragraph": row.paragraph, "sentence": row.sentence, "start": row.start, "end": row.end}
    fields |= {"source": row.source, "target": row.target, "score": score, "flags": list(row.flags)}
    line = json.dumps(fields, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return line.translate(LINE_BREAKS)


def parse_row(line: str | bytes) -> Row:
    """The reverse of `format_row`. Raises ValueError, which names the field, if the line is no row."""
    row = parse_json(line, Row)
    for name in ("paragraph", "sentence", "start", "end"):
        if not 0 <= getattr(row, name) <= LARGEST_NUMBER:
            raise ValueError(f"{name}: it has to be from 0 to {LARGEST_NUMBER}")
    if row.start > row.end:
        raise ValueError("start: it is behind end")
    return row


def read_rows(path: Path) -> Iterator[Row]:
    """The rows of a file. Raises OutputError that names file, line and field where one is no row."""
    hint = "give a file that translate wrote"
    try:
        with open_ordinary(path) as lines:
            for number, line in enumerate(lines, 1):
                try:
                    yield parse_row(line)
                except ValueError as error:
                    raise OutputError(f"'{path}' line {number}: not a row: {error}", hint) from error
    except OSError as error:
        raise OutputError(f"cannot read '{path}': {error.strerror or error}", hint) from error


def format_span(document: str, sentence: Sentence) -> str:
    """A sentence without a translation, as `translate segment` shows it."""
    fields = {"doc": document, **dataclasses.asdict(sentence)}
    fields["source"], fields["sentence"] = fields.pop("text"), fields.pop("number")
    order = ("doc", "paragraph", "sentence", "start", "end", "source")
    return json.dumps({name: fields[name] for name in order}, ensure_ascii=False, separators=(",", ":")).translate(
        LINE_BREAKS
    )


def rows_path(folder: Path, document: str) -> Path:
    """Where a document's rows go: `.txt` becomes `.jsonl`, another ending is kept before it. Raises OutputError as `inside` does."""
    return inside(folder, f"{document.removesuffix('.txt')}.jsonl")


def text_path(folder: Path, document: str) -> Path:
    """Where a document's English text goes. Raises OutputError as `inside` does."""
    return inside(folder, f"{document.removesuffix('.txt')}.en.txt")


def count_flags(flags: Iterable[Flag]) -> dict[str, int]:
    """How often each flag stands, in the order of `Flag`; those that never do are left out."""
    counts = Counter(flags)
    return {flag.value: counts[flag] for flag in Flag if counts[flag]}
