"""One output folder of one model: who may write into it, which run it holds, and the files of that run."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from filelock import FileLock, Timeout

from translate.output import (
    AtomicFile,
    DocumentRecord,
    RunRecord,
    check_signature,
    count_flags,
    format_row,
    read_rows,
    read_run,
    remove_rows,
    rows_path,
    text_path,
    write_run,
    write_text,
)
from translate.records import Document, Flag, OutputError, Row

LOCK_FILE = ".lock"


def check_places(folder: Path, names: Mapping[str, Path]) -> None:
    """Raise OutputError if two of the documents (name → input) would be written to one file."""
    taken: dict[Path, str] = {}
    for name in names:
        place = rows_path(folder, name)
        if place in taken:
            hint = "translate them one after the other, each with its own --output; or rename one"
            raise OutputError(f"'{taken[place]}' and '{name}' would both be written to '{place}'", hint)
        taken[place] = name


class RunFolder:
    """The folder, locked for this run. Use as a context manager; what is not finished then leaves no file.

    Raises OutputError if another run is writing there, or the folder holds a run with another signature and
    `overwrite` does not say to replace it.
    """

    def __init__(self, folder: Path, record: RunRecord, *, overwrite: bool = False, text: bool = False) -> None:
        self.folder, self._text = folder, text
        self._lock = _lock(folder)
        try:
            held = read_run(folder) if overwrite else check_signature(folder, record.signature)
            if held is not None and held.signature != record.signature:
                remove_rows(folder, held)
                held = None
            self._documents = dict(held.documents) if held else {}
            self._record = dataclasses.replace(record, documents=self._documents)
            write_run(folder, self._record)
        except BaseException:
            self._lock.release()
            raise
        self._file: AtomicFile | None = None
        self._rows = 0
        self._flags: Counter[Flag] = Counter()

    def __enter__(self) -> RunFolder:
        return self

    def __exit__(self, *_: object) -> None:
        self.discard()
        self._lock.release()

    def begin(self, document: Document) -> None:
        """Start the document's file."""
        self._file = AtomicFile(rows_path(self.folder, document.name))
        self._rows, self._flags = 0, Counter()

    def write(self, row: Row) -> None:
        """Add a row to the document that was begun."""
        if self._file is None:
            raise ValueError("no document was begun")
        self._file.write(format_row(row) + "\n")
        self._rows += 1
        self._flags.update(row.flags)

    def end(self, document: Document) -> int:
        """Give the document's file its name, write its English text if asked for, and tell the number of rows."""
        if self._file is None:
            raise ValueError("no document was begun")
        self._file.finish()
        self._file = None
        if self._text:
            write_text(
                document, read_rows(rows_path(self.folder, document.name)), text_path(self.folder, document.name)
            )
        self._documents[document.name] = DocumentRecord(document.sha256, self._rows, count_flags(self._flags))
        return self._rows

    def discard(self) -> None:
        """Forget the document that was begun, if there is one."""
        if self._file is not None:
            self._file.discard()
            self._file = None

    def finish(self, timings: Mapping[str, float]) -> None:
        """Write run.json for the last time."""
        write_run(self.folder, dataclasses.replace(self._record, finished=True, timings=timings))


def _lock(folder: Path) -> FileLock:
    """A lock that the system lets go when its process dies, however it dies. Raises OutputError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / LOCK_FILE)
        lock.acquire(timeout=0)
    except Timeout:
        hint = "wait until it has ended, or give this run another --output"
        raise OutputError(f"another run is writing into '{folder}'", hint) from None
    except OSError as error:
        hint = "give --output a folder that can be written"
        raise OutputError(f"cannot write into '{folder}': {error.strerror or error}", hint) from error
    return lock
