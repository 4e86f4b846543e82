"""One output folder of one model: who may write into it, which run it holds, and the files of that run."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from translate.destinations import Guard, check_no_link
from translate.output import (
    RUN_FILE,
    DocumentRecord,
    RunRecord,
    check_signature,
    count_flags,
    find_run_files,
    format_row,
    read_records,
    read_rows,
    read_run,
    remove_rows,
    rows_path,
    text_path,
    write_run,
    write_text,
)
from translate.records import Document, Flag, OutputError, Row
from translate.shards import Shard
from translate.storage import AtomicFile, ObjectFile, is_remote, new_file

LOCK_FILE = ".lock"
JOINING_FILE = ".lock-joining"
"""Held for the moment in which a run looks who else is in the folder, and goes in."""
JOINING_SECONDS = 60.0
"""How long to wait for others that go in at the same moment."""


class RunFolder:
    """The folder, locked for this run. Use as a context manager; what is not finished then leaves no file.

    The shards of one run may be in it at once, each with a lock, a record (run-3-of-16.json) and documents of its own.
    Nothing is written through a link in it, and all stays under the lock. Raises OutputError if another run is writing
    there, if the folder goes away, or if it holds a run with another signature and `overwrite` does
    not say to replace it. `locks` is another folder for the locks, where this one can have none.
    """

    def __init__(
        self,
        folder: Path,
        record: RunRecord,
        locks: Path | None = None,
        *,
        overwrite: bool = False,
        text: bool = False,
        shard: Shard | None = None,
    ) -> None:
        self.folder, self._text = folder, text
        self._name = f"run{shard.suffix}.json" if shard else RUN_FILE
        locks = locks or folder
        check_no_link(folder)
        with _named_errors(folder):
            locks.mkdir(parents=True, exist_ok=True)
            with FileLock(locks / JOINING_FILE, timeout=JOINING_SECONDS):
                self._lock = _lock(locks, shard)
                try:
                    if not is_remote(folder):
                        folder.mkdir(parents=True, exist_ok=True)
                    self._guard = Guard(folder, _own_lock(locks, shard))
                    self._documents = self._take_over(record, shard, locks, overwrite=overwrite)
                    self._record = dataclasses.replace(record, documents=self._documents)
                    write_run(folder, self._record, self._name)
                    _remove_others(folder, self._name, shard)
                except BaseException:
                    self._lock.release()
                    raise
        self._file: AtomicFile | ObjectFile | None = None
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
        self._guard.check(place.parent)
        self._file = new_file(place)
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
        self._guard.check(self._file.path.parent)
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

    def _take_over(
        self, record: RunRecord, shard: Shard | None, locks: Path, *, overwrite: bool
    ) -> dict[str, DocumentRecord]:
        """The documents that the folder holds already and this run's record has to name.

        Not those of the other shards of the same whole, which have records of their own. A run with another signature is
        removed if `overwrite` says so, and nobody is writing it.
        """
        held = read_run(self.folder) if overwrite else check_signature(self.folder, record.signature)
        if held is not None and held.signature != record.signature:
            for path in _lock_files(locks):
                if path != _own_lock(locks, shard):
                    FileLock(path, timeout=0).acquire().lock.release()
            remove_rows(self.folder, held)
            return {}
        return {
            document: found
            for name, run in read_records(self.folder).items()
            if name == self._name or not (shard and _same_whole(name, shard))
            for document, found in run.documents.items()
        }

    def finish(self, timings: Mapping[str, float]) -> None:
        """Write run.json for the last time."""
        self._guard.check(self.folder)
        write_run(self.folder, dataclasses.replace(self._record, finished=True, timings=timings), self._name)


@contextmanager
def _named_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except Timeout:
        raise _busy(folder) from None
    except OSError as error:
        hint = "give --output a folder that can be written"
        raise OutputError(f"cannot write into '{folder}': {error.strerror or error}", hint) from error


def _busy(folder: Path) -> OutputError:
    hint = "wait until it has ended, or give this run another --output"
    return OutputError(f"another run is writing into '{folder}'", hint)


def _lock(folder: Path, shard: Shard | None) -> FileLock:
    """A lock that the system lets go when its process dies, however it dies. Raises Timeout if another run is there.

    Only shards of the same whole may be there at once. Who asks holds the lock of those who are joining.
    """
    own = _own_lock(folder, shard)
    for path in _lock_files(folder):
        if path != own and not (shard and _same_whole(path.name, shard)):
            FileLock(path, timeout=0).acquire().lock.release()
    lock = FileLock(own)
    lock.acquire(timeout=0)
    return lock


def _own_lock(folder: Path, shard: Shard | None) -> Path:
    return folder / (LOCK_FILE + shard.suffix if shard else LOCK_FILE)


def _lock_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob(f"{LOCK_FILE}*") if path.name != JOINING_FILE)


def _same_whole(name: str, shard: Shard) -> bool:
    """Whether a lock or record is that of a shard of the same whole."""
    return name.removesuffix(".json").endswith(f"-of-{shard.count}")


def _remove_others(folder: Path, own: str, shard: Shard | None) -> None:
    """Remove the records of runs that were cut otherwise: what they say is in this run's record now."""
    for path in find_run_files(folder):
        if path.name != own and not (shard and _same_whole(path.name, shard)):
            path.unlink(missing_ok=True)
