"""Datasets: a column of JSON lines, CSV, TSV or Parquet is translated, a record's cell a text; and the dataset with one more column.

Records are read as a stream, whatever the size of the file. What the other columns hold is not touched: in JSON lines the
new one is put behind the others, and each line is the rest of it as it was.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from translate.formats.base import needed_packages
from translate.formats.opening import Reading
from translate.records import Document, InputError
from translate.storage import new_file
from translate.text.documents import READ_BYTES, detect_encoding

LINES = (".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz")
TABLES = (".csv", ".tsv", ".csv.gz", ".tsv.gz")
COLUMNS = (".parquet",)
ENDINGS = (*LINES, *TABLES, *COLUMNS)
BATCH = 1000
"""Records of a Parquet file that are held at a time."""
SHOWN = 12
"""Column names in a message."""


@dataclass(frozen=True, slots=True)
class Record:
    """A record's text, and what tells it from others."""

    id: str | int
    text: str


def is_dataset(name: str) -> bool:
    """Whether a file's name is that of a dataset."""
    return name.lower().endswith(ENDINGS)


def new_column(field: str) -> str:
    """The name of the column with the English."""
    return f"{field}_en"


def open_dataset(path: Path, reading: Reading, name: str) -> Document:
    """The document that a dataset is. Raises InputError if no column is named, or the file cannot be read."""
    if reading.field is None:
        names = _try_names(path, reading, name)
        hint = f"say which with --field NAME{'; it has: ' + ', '.join(names[:SHOWN]) if names else ''}"
        raise InputError(f"'{name}' is a dataset: which column is to be translated?", hint)
    digest, size = hashlib.sha256(), 0
    try:
        with path.open("rb") as file:
            while block := file.read(READ_BYTES):
                digest.update(block)
                size += len(block)
    except OSError as error:
        raise InputError(
            f"cannot read '{name}': {error.strerror or error}", "check the path and its permissions"
        ) from error
    return Document(name, path, reading.encoding, digest.hexdigest(), size)


def read_records(path: Path, reading: Reading, name: str) -> Iterator[Record]:
    """The records in order. Raises InputError that names line and column for a record that has no text there."""
    assert reading.field is not None
    for number, (place, fields) in enumerate(_read_fields(path, reading, name)):
        for column in filter(None, (reading.field, reading.id)):
            if column not in fields:
                raise InputError(
                    f"'{name}' {place}: no column '{column}'", f"it has: {', '.join(map(str, list(fields)[:SHOWN]))}"
                )
        if new_column(reading.field) in fields:
            raise InputError(
                f"'{name}' has a column '{new_column(reading.field)}' already", "rename it, or translate another column"
            )
        text, key = fields[reading.field], fields[reading.id] if reading.id else number
        if text is not None and not isinstance(text, str):
            raise InputError(
                f"'{name}' {place}: '{reading.field}' is {json.dumps(text, default=str)[:60]}, no text",
                "name a column of texts",
            )
        if not isinstance(key, str | int) or isinstance(key, bool):
            raise InputError(
                f"'{name}' {place}: the id is {json.dumps(key, default=str)[:60]}", "an id is a text or a whole number"
            )
        yield Record(key, text or "")


def _try_names(path: Path, reading: Reading, name: str) -> list[str]:
    try:
        return [str(column) for _, fields in _first(_read_fields(path, reading, name)) for column in fields]
    except InputError:
        return []


def _first(rows: Iterator[tuple[str, dict[str, Any]]]) -> Iterator[tuple[str, dict[str, Any]]]:
    row = next(rows, None)
    return iter([row] if row else [])


def _read_fields(path: Path, reading: Reading, name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """(where it stands, column → value) of each record."""
    kind = name.lower()
    try:
        if kind.endswith(COLUMNS):
            yield from _read_parquet(path, name)
            return
        with _open_lines(path, reading, name) as lines:
            yield from _read_json(lines, name) if kind.endswith(LINES) else _read_table(lines, name)
    except UnicodeError as error:
        raise InputError(
            f"'{name}' is not {reading.encoding}: {error}", "say --encoding windows-1252, or what it is"
        ) from error
    except (OSError, EOFError) as error:
        raise InputError(f"cannot read '{name}': {error}", "check the file; make it anew if it is damaged") from error


@contextmanager
def _open_lines(path: Path, reading: Reading, name: str) -> Iterator[IO[str]]:
    with path.open("rb") as raw:
        packed: Any = gzip.GzipFile(fileobj=raw) if name.lower().endswith(".gz") else raw
        buffered = io.BufferedReader(packed)
        encoding = detect_encoding(_Peeking(buffered), reading.encoding)  # type: ignore[arg-type]  # what it asks for, it has
        with io.TextIOWrapper(buffered, encoding=encoding, newline="") as text:
            yield text


class _Peeking:
    """The beginning of a stream, without taking it."""

    def __init__(self, stream: io.BufferedReader) -> None:
        self._stream = stream

    def read(self, size: int) -> bytes:
        return self._stream.peek(size)[:size]

    def seek(self, *_: int) -> int:
        return 0


def _read_json(lines: IO[str], name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield f"line {number}", _parse_object(line, name, number)


def _parse_object(line: str, name: str, number: int) -> dict[str, Any]:
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"'{name}' line {number}: {error}", "each line of JSON lines is an object by itself"
        ) from error
    if not isinstance(fields, dict):
        raise InputError(
            f"'{name}' line {number} is no object: {line.strip()[:60]}",
            "each line of JSON lines is an object by itself",
        )
    return fields


def _find_delimiter(name: str, head: str) -> str:
    """The tab of TSV; of CSV whatever stands most often in the first line."""
    if ".tsv" in name.lower():
        return "\t"
    return max(",;\t|", key=head.count)


def _rows(lines: IO[str], name: str) -> tuple[Iterator[tuple[int, list[str]]], str]:
    """(line, cells) of each row, the names first, and the delimiter."""
    csv.field_size_limit(1 << 30)
    head = lines.readline()
    delimiter = _find_delimiter(name, head)

    def rows() -> Iterator[tuple[int, list[str]]]:
        reader = csv.reader(_chain(head, lines), delimiter=delimiter, strict=True)
        try:
            for row in reader:
                if row:
                    yield reader.line_num, row
        except csv.Error as error:
            hint = "put cells with quotation marks into quotation marks, and double those within"
            raise InputError(f"'{name}' line {reader.line_num}: {error}", hint) from error

    return rows(), delimiter


def _chain(head: str, lines: IO[str]) -> Iterator[str]:
    if head:
        yield head
    yield from lines


def _read_table(lines: IO[str], name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    rows, _ = _rows(lines, name)
    names: list[str] | None = None
    for number, row in rows:
        if names is None:
            names = row
            if len(set(names)) != len(names):
                raise InputError(f"'{name}' line {number}: two columns have one name", "name each column otherwise")
            continue
        if len(row) != len(names):
            raise InputError(
                f"'{name}' line {number} has {len(row)} cells, not {len(names)}",
                "correct the line, or the quotation marks before it",
            )
        yield f"line {number}", dict(zip(names, row, strict=True))


def _read_parquet(path: Path, name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    with needed_packages(name):
        import pyarrow as pa
        import pyarrow.parquet as pq
    try:
        with path.open("rb") as file:
            number = 0
            for batch in pq.ParquetFile(file).iter_batches(batch_size=BATCH):
                for fields in batch.to_pylist():
                    yield f"record {number}", fields
                    number += 1
    except pa.ArrowInvalid as error:
        raise InputError(f"'{name}' is no Parquet file: {str(error)[:200]}", "write it again") from error


class ColumnWriter:
    """The dataset once more, with the English in a column of its own, a record at a time. Appears when it is finished."""

    def __init__(self, document: Document, reading: Reading, path: Path) -> None:
        assert document.path is not None
        assert reading.field is not None
        self._file = new_file(path, binary=True)
        kind = document.name.lower()
        make = _add_to_parquet if kind.endswith(COLUMNS) else _add_to_lines if kind.endswith(LINES) else _add_to_table
        self._adding: Generator[None] = make(document.path, reading, document.name, self._file, self._take)
        self._next, self._begun = "", False

    def write(self, english: str) -> None:
        """The next record's English."""
        self._begin()
        self._next = english
        next(self._adding)

    def finish(self) -> None:
        """Write what is left, and give the file its name."""
        self._begin()
        self._adding.close()
        self._file.finish()

    def _begin(self) -> None:
        """Not before a record has been read without an error."""
        if not self._begun:
            self._begun = True
            next(self._adding)

    def discard(self) -> None:
        """Leave nothing behind."""
        with suppress(Exception):  # whatever it is, something else has gone wrong before
            self._adding.close()
        self._file.discard()

    def _take(self) -> str:
        return self._next


def _packed(name: str, file: Any) -> Any:
    return (
        gzip.GzipFile(fileobj=file.stream, mode="wb", mtime=0, filename="")
        if name.lower().endswith(".gz")
        else file.stream
    )


def _add_to_lines(path: Path, reading: Reading, name: str, file: Any, take: Callable[[], str]) -> Generator[None]:
    """Each line with the new field before its last brace."""
    out = _packed(name, file)
    column = json.dumps(new_column(str(reading.field)), ensure_ascii=False)
    with _open_lines(path, reading, name) as lines:
        try:
            yield
            for line in lines:
                if not line.strip():
                    continue
                body, _, _ = line.rstrip().rpartition("}")
                out.write(f"{body.rstrip()}, {column}: {json.dumps(take(), ensure_ascii=False)}}}\n".encode())
                yield
        finally:
            _close(out, file)


def _add_to_table(path: Path, reading: Reading, name: str, file: Any, take: Callable[[], str]) -> Generator[None]:
    """Each row with one more cell, delimited as before."""
    out = _packed(name, file)
    text = io.StringIO(newline="")
    with _open_lines(path, reading, name) as lines:
        rows, delimiter = _rows(lines, name)
        writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")

        def put(cells: Sequence[str]) -> None:
            writer.writerow(cells)
            out.write(text.getvalue().encode())
            text.seek(0)
            text.truncate()

        try:
            for _, names in rows:
                put([*names, new_column(str(reading.field))])
                break
            yield
            for _, row in rows:
                put([*row, take()])
                yield
        finally:
            _close(out, file)


def _add_to_parquet(path: Path, reading: Reading, name: str, file: Any, take: Callable[[], str]) -> Generator[None]:
    """Batch by batch, with one more column of texts."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with path.open("rb") as raw:
        source = pq.ParquetFile(raw)
        schema = source.schema_arrow.append(pa.field(new_column(str(reading.field)), pa.string()))
        with pq.ParquetWriter(file.stream, schema) as writer:
            yield
            for batch in source.iter_batches(batch_size=BATCH):
                english = []
                for _ in range(batch.num_rows):
                    english.append(take())
                    if len(english) == batch.num_rows:
                        columns = [*batch.columns, pa.array(english, pa.string())]
                        writer.write_batch(pa.record_batch(columns, schema=schema))
                    yield


def _close(out: Any, file: Any) -> None:
    if out is not file.stream:
        out.close()
