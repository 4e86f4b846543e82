"""Rows, run.json, and files that are complete whenever they have their final name. The only place that knows JSON rows.

A file is written under a temporary name in its own folder, flushed to disk, and renamed.
"""

from __future__ import annotations

import dataclasses
import errno
import hashlib
import io
import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from translate.records import Document, Flag, OutputError, Row, Sentence, Signature, format_signature, parse_signature

RUN_FILE = "run.json"
MEMORY_FILE = "memory.sqlite"
LINE_BREAKS = str.maketrans({"\u2028": "\\u2028", "\u2029": "\\u2029", "\x85": "\\u0085"})
"""Legal inside a JSON string, but line ends to str.splitlines and to some readers of JSON lines."""


LONGEST_NAME = 255
"""Bytes, on every common file system."""


def format_row(row: Row) -> str:
    """The row as one line of JSON, without its line end."""
    score = None if row.score is None else round(row.score, 4)
    fields = {"doc": row.doc, "paragraph": row.paragraph, "sentence": row.sentence, "start": row.start, "end": row.end}
    fields |= {"source": row.source, "target": row.target, "score": score, "flags": list(row.flags)}
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
    """Where a document's English text goes."""
    return folder / f"{document.removesuffix('.txt')}.en.txt"


class AtomicFile:
    """A text file that appears under its name when `finish` is called, or not at all. Its methods raise OutputError."""

    def __init__(self, path: Path) -> None:
        self.path = path
        # Short and always the same: no longer than the path allows, and what a killed run left is written over.
        name = hashlib.blake2b(path.name.encode(errors="surrogateescape"), digest_size=6).hexdigest()
        self._temporary = path.with_name(f".{name}.tmp")
        with self._named_errors():
            path.parent.mkdir(parents=True, exist_ok=True)
            if len(os.fsencode(path.name)) > LONGEST_NAME:
                raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))
            self._temporary.unlink(missing_ok=True)  # and begun anew: if it is a link, nothing is written through it
            self._file = self._temporary.open("x", encoding="utf-8", newline="\n")

    def write(self, text: str) -> None:
        """Add some text."""
        with self._named_errors():
            self._file.write(text)

    def finish(self) -> None:
        """Flush it to disk and give it its name."""
        with self._named_errors():
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            self._temporary.replace(self.path)
            _flush_folder(self.path.parent)

    def discard(self) -> None:
        """Leave nothing behind. Never raises: it is called when something else has gone wrong."""
        with suppress(OSError):
            self._file.close()
        with suppress(OSError):
            self._temporary.unlink()

    @contextmanager
    def _named_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            hint = "make room, or check the folder and its permissions; then run the same command again: it goes on"
            if error.errno == errno.ENAMETOOLONG:
                hint = f"a file name may have {LONGEST_NAME} bytes, the ending .jsonl included: rename the input"
            raise OutputError(f"cannot write '{self.path}': {error.strerror or error}", hint) from error


@contextmanager
def write_atomically(path: Path) -> Iterator[AtomicFile]:
    """An AtomicFile that is finished at the end of the block, or discarded if the block fails."""
    file = AtomicFile(path)
    try:
        yield file
        file.finish()
    except BaseException:
        file.discard()
        raise


def _flush_folder(folder: Path) -> None:
    """Make the renaming itself last, where the system can."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def write_text(document: Document, rows: Iterable[Row], path: Path) -> None:
    """The document with each sentence replaced by its translation, and all white space between them as it was."""
    if document.path is None:
        raise ValueError("standard input cannot be read twice")
    with (
        io.TextIOWrapper(document.path.open("rb"), encoding=document.encoding, newline="") as source,
        write_atomically(path) as target,
    ):
        position = 0
        for row in rows:
            target.write(source.read(row.start - position))
            if source.read(row.end - row.start) != row.source:
                raise OutputError(
                    f"'{document.name}' has changed since it was translated", "run the same command again"
                )
            target.write(row.target)
            position = row.end
        target.write(source.read())


@dataclass(frozen=True, slots=True)
class DocumentRecord:
    """What run.json keeps of one document."""

    sha256: str
    rows: int
    flags: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RunRecord:
    """run.json: what was run, on what, with what. Everything that a reader of the rows may want to know later."""

    signature: Signature
    model: Mapping[str, Any]
    settings: Mapping[str, Any]
    versions: Mapping[str, str]
    machine: Mapping[str, Any]
    documents: Mapping[str, DocumentRecord] = field(default_factory=dict)
    timings: Mapping[str, float] = field(default_factory=dict)
    finished: bool = False


def write_run(folder: Path, record: RunRecord) -> None:
    """Write run.json. Raises OutputError."""
    fields = {**dataclasses.asdict(record), "signature": format_signature(record.signature)}
    with write_atomically(folder / RUN_FILE) as file:
        file.write(json.dumps(fields, ensure_ascii=False, indent=1) + "\n")


def read_run(folder: Path) -> RunRecord | None:
    """The folder's run.json, None if there is none. Raises OutputError if it cannot be understood."""
    path = folder / RUN_FILE
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        fields["signature"] = parse_signature(fields["signature"])
        fields["documents"] = {name: DocumentRecord(**record) for name, record in fields["documents"].items()}
        return RunRecord(**fields)
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OSError) as error:
        raise OutputError(f"cannot read '{path}': {error}", "move the file away, or use another --output") from error


def check_signature(folder: Path, signature: Signature) -> RunRecord | None:
    """The record of the run that the folder holds, None if it holds none.

    Raises OutputError that names what differs if that run has another signature.
    """
    record = read_run(folder)
    if record is None or record.signature == signature:
        return record
    names = [*record.signature, *(name for name in signature if name not in record.signature)]
    differences = [
        f"{name} {record.signature.get(name, '(none)')} → {signature.get(name, '(none)')}"
        for name in names
        if record.signature.get(name) != signature.get(name)
    ]
    hint = "--output DIR for a second run (to compare the two), or --overwrite to replace the first"
    raise OutputError(f"'{folder}' holds a run with other settings: {'; '.join(differences)}", hint)


def remove_rows(folder: Path, record: RunRecord) -> None:
    """Delete the files that a run wrote, except its memory. Raises OutputError."""
    try:
        for name in record.documents:
            rows_path(folder, name).unlink(missing_ok=True)
            text_path(folder, name).unlink(missing_ok=True)
        (folder / RUN_FILE).unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"cannot replace the run in '{folder}': {error}", "check the folder's permissions") from error


def count_flags(flags: Iterable[Flag]) -> dict[str, int]:
    """How often each flag stands, in the order of `Flag`; those that never do are left out."""
    counts = Counter(flags)
    return {flag.value: counts[flag] for flag in Flag if counts[flag]}


def summary_line(fields: Mapping[str, Any]) -> str:
    """The object that `--json` prints last."""
    return json.dumps(fields, ensure_ascii=False)
