"""One output folder of one model: who may write into it, which run it holds, and the files of that run."""

from __future__ import annotations

import dataclasses
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from filelock import FileLock, Timeout

from translate.output import (
    LONGEST_NAME,
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
from translate.records import Document, Flag, InputError, OutputError, Row

LOCK_FILE = ".lock"


def check_places(folder: Path, names: Mapping[str, Path], *, text: bool = False) -> None:
    """Raise OutputError if two of the documents (name → input) would be written to one file, or one's file would have to
    be another's folder.
    """
    taken: dict[Path, str] = {}
    for name in names:
        place = rows_path(folder, name)
        if place in taken:
            raise _collision(taken[place], name, f"would both be written to '{place}'")
        taken[place] = name
        if text:
            taken[text_path(folder, name)] = name
    for name in names:
        for parent in rows_path(folder, name).parents:
            if parent in taken:
                raise _collision(taken[parent], name, f"would need '{parent}' as a file and as a folder")


def _collision(first: str, second: str, what: str) -> OutputError:
    hint = "translate them one after the other, each with its own --output; or rename one"
    return OutputError(f"'{first}' and '{second}' {what}", hint)


def leave_out_unwritable(names: dict[str, Path], *, text: bool) -> Iterator[tuple[str, InputError]]:
    """Take the documents out whose files no file system could name, and tell which and why."""
    for name in list(names):
        place = text_path(Path(), name) if text else rows_path(Path(), name)
        size = len(os.fsencode(place.name))
        if size > LONGEST_NAME:
            del names[name]
            hint = f"a file name may have {LONGEST_NAME} bytes, the ending {''.join(place.suffixes)} included: rename the input"
            yield name, InputError(f"'{place.name}' would be a name of {size} bytes", hint)


def check_no_link(path: Path) -> None:
    """Raise OutputError if the path is a link: what is written to it would land elsewhere."""
    if path.is_symlink():
        hint = "remove the link; --output says where a run is to be written"
        raise OutputError(f"'{path}' is a link to '{path.readlink()}'", hint)


class RunFolder:
    """The folder, locked for this run. Use as a context manager; what is not finished then leaves no file.

    Nothing is written through a link in it, and all stays under the lock. Raises OutputError if another run is writing
    there, if the folder goes away, or if it holds a run with another signature and `overwrite` does not say to replace it.
    """

    def __init__(self, folder: Path, record: RunRecord, *, overwrite: bool = False, text: bool = False) -> None:
        self.folder, self._text = folder, text
        check_no_link(folder)
        self._lock = _lock(folder)
        try:
            self._identity = self._identify()
            self._real = folder.resolve()
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
        place = rows_path(self.folder, document.name)
        self._check_place(place.parent)
        self._file = AtomicFile(place)
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
        self._check_place(self._file.path.parent)
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
        self._check_place(self.folder)
        write_run(self.folder, dataclasses.replace(self._record, finished=True, timings=timings))

    def _identify(self) -> tuple[int, int] | None:
        """What tells the lock's file from another of that name; None if it is gone."""
        try:
            status = (self.folder / LOCK_FILE).stat()
        except OSError:
            return None
        return status.st_dev, status.st_ino

    def _check_place(self, place: Path) -> None:
        """Raise OutputError if the folder is no longer the one that was locked, or a link leads away from it."""
        if self._identify() != self._identity:
            hint = "run the same command again, when nothing else moves or deletes the folder"
            raise OutputError(f"'{self.folder}' was deleted or replaced while this run was writing into it", hint)
        if place.resolve() != self._real / place.relative_to(self.folder):
            hint = "remove the link; --output says where a run is to be written"
            raise OutputError(f"'{place}' leads to '{place.resolve()}'", hint)


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
