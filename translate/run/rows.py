"""Rows: one sentence a line of JSON, and where they are written. The only module that reads and writes rows."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from translate.formats.base import english_name, has_format
from translate.records import Flag, Origin, OutputError, Row, Sentence
from translate.storage import write_atomically

CARD_FILE = "README.md"
CARD_MARK = (
    "<!-- Written by translate, anew with each run. Take this line away to keep the file as you have made it. -->"
)

COLUMNS = {
    "doc": "string",
    "paragraph": "int64",
    "sentence": "int64",
    "start": "int64",
    "end": "int64",
    "source": "string",
    "target": "string",
    "score": "float64",
    "flags": "list of string",
    "origin": "string",
    "id": "string",
}
"""Field of a row → its type as data tools have it. Without being told, they guess it from the first rows, where each list of
flags may be empty and each score null.
"""

LINE_BREAKS = str.maketrans({"\u2028": "\\u2028", "\u2029": "\\u2029", "\x85": "\\u0085"})
"""Legal inside a JSON string, but line ends to str.splitlines and to some readers of JSON lines."""


def format_row(row: Row) -> str:
    """The row as one line of JSON, without its line end."""
    score = None if row.score is None else round(row.score, 4)
    fields = {"doc": row.doc, "paragraph": row.paragraph, "sentence": row.sentence, "start": row.start, "end": row.end}
    fields |= {"source": row.source, "target": row.target, "score": score, "flags": list(row.flags)}
    if row.origin is not None:
        fields["origin"] = row.origin
    if row.id is not None:
        fields["id"] = row.id
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).translate(LINE_BREAKS)


def parse_row(line: str) -> Row:
    """The reverse of `format_row`. Raises ValueError if the line is no row."""
    try:
        fields = json.loads(line)
        origin = fields.get("origin")
        flags = tuple(map(Flag, fields["flags"]))
        row = Row(**{**fields, "flags": flags, "origin": None if origin is None else Origin(origin)})
    except (TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError(f"not a row: {line[:80]!r}") from error
    texts, numbers = (row.doc, row.source, row.target), (row.paragraph, row.sentence, row.start, row.end)
    if not (
        all(isinstance(text, str) for text in texts)
        and all(isinstance(number, int) for number in numbers)
        and isinstance(row.score, float | int | None)
    ):
        raise ValueError(f"not a row, by the kinds of its values: {line[:80]!r}")
    return row


def read_rows(path: Path) -> Iterator[Row]:
    """The rows of a file. Raises OutputError that names file and line where one is no row."""
    with path.open(encoding="utf-8-sig", newline="\n") as lines:  # an editor may have put a mark there
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


def count_origins(origins: Iterable[Origin]) -> dict[str, int]:
    """How often each origin stands, in the order of `Origin`; those that never do are left out."""
    counts = Counter(origins)
    return {origin.value: counts[origin] for origin in Origin if counts[origin]}


def write_card(folder: Path, model: str, signature: str) -> None:
    """Write README.md, by which the library `datasets` loads the folder, unless somebody has put another there. Raises OutputError."""
    path = folder / CARD_FILE
    try:
        theirs = path.exists() and CARD_MARK not in path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        theirs = True
    if theirs:
        return
    with write_atomically(path) as file:
        file.write(format_card(model, signature))


def format_card(model: str, signature: str) -> str:
    """A dataset card (https://huggingface.co/docs/hub/datasets-cards): which files are rows, and the type of each field."""
    features = "".join(f"  - name: {name}\n    {_card_type(kind)}\n" for name, kind in COLUMNS.items())
    return (
        "---\nlanguage:\n- de\n- en\nconfigs:\n- config_name: default\n  data_files:\n  - split: train\n"
        f'    path: "**/*.jsonl"\ndataset_info:\n  features:\n{features}---\n\n{CARD_MARK}\n\n'
        f"# German sentences and their English\n\nTranslated by `{model}`. A line of each `.jsonl` file is a sentence.\n"
        "`load_dataset` of the library datasets, given this folder, loads them all.\n\n"
        f"Everything that can change a row: `{signature}`\n"
    )


def _card_type(kind: str) -> str:
    """A column's type as a card has it."""
    return f"dtype: {kind}" if not kind.startswith("list of ") else f"list: {kind.removeprefix('list of ')}"
