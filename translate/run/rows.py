"""Rows: one sentence a line of JSON, and where they are written. The only module that reads and writes rows."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from translate.formats.base import english_name, has_format
from translate.records import Flag, OutputError, Row, Sentence

LINE_BREAKS = str.maketrans({"\u2028": "\\u2028", "\u2029": "\\u2029", "\x85": "\\u0085"})
"""Legal inside a JSON string, but line ends to str.splitlines and to some readers of JSON lines."""


def format_row(row: Row) -> str:
    """The row as one line of JSON, without its line end."""
    score = None if row.score is None else round(row.score, 4)
    fields = {"doc": row.doc, "paragraph": row.paragraph, "sentence": row.sentence, "start": row.start, "end": row.end}
    fields |= {"source": row.source, "target": row.target, "score": score, "flags": list(row.flags)}
    if row.id is not None:
        fields["id"] = row.id
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).translate(LINE_BREAKS)


def parse_row(line: str) -> Row:
    """The reverse of `format_row`. Raises ValueError if the line is no row."""
    try:
        fields = json.loads(line)
        return Row(**{**fields, "flags": tuple(map(Flag, fields["flags"]))})
    except (TypeError, KeyError, RecursionError) as error:
        raise ValueError(f"not a row: {line[:80]!r}") from error


def read_rows(path: Path) -> Iterator[Row]:
    """The rows of a file. Raises OutputError that names file and line where one is no row."""
    with path.open(encoding="utf-8", newline="\n") as lines:
        for number, line in enumerate(lines, 1):
            try:
                yield parse_row(line)
            except ValueError as error:
                raise OutputError(f"'{path}' line {number}: {error}", "give a file that translate wrote") from error


def format_span(document: str, sentence: Sentence) -> str:
    """A sentence without a translation, as `translate segment` shows it."""
    fields = {"doc": document, **dataclasses.asdict(sentence)}
    fields["source"], fields["sentence"] = fields.pop("text"), fields.pop("number")
    order = ("doc", "paragraph", "sentence", "start", "end", "source")
    return json.dumps({name: fields[name] for name in order}, ensure_ascii=False, separators=(",", ":")).translate(
        LINE_BREAKS
    )


def rows_path(folder: Path, document: str) -> Path:
    """Where a document's rows go: `.txt` becomes `.jsonl`, another ending is kept before it."""
    return folder / f"{document.removesuffix('.txt')}.jsonl"


def text_path(folder: Path, document: str) -> Path:
    """Where a document's English goes: text, or a file of the document's own kind."""
    return folder / english_name(document)


def source_path(folder: Path, document: str) -> Path | None:
    """Where the text goes that was taken out of a document, and that offsets count in; None for plain text and datasets."""
    return folder / f"{document}.source.txt" if has_format(document) else None


def written_paths(folder: Path, document: str, *, text: bool) -> list[Path]:
    """The files of a document: its rows, its English if that is wanted or the document is no plain text, its source's text."""
    source = source_path(folder, document)
    english = [text_path(folder, document)] if text or source else []
    return [rows_path(folder, document), *english, *([source] if source else [])]


def count_flags(flags: Iterable[Flag]) -> dict[str, int]:
    """How often each flag stands, in the order of `Flag`; those that never do are left out."""
    counts = Counter(flags)
    return {flag.value: counts[flag] for flag in Flag if counts[flag]}
