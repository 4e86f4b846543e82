"""One output folder of one model: who may write into it, which run it holds, and the files of that run."""

from __future__ import annotations

import dataclasses
import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from translate.formats.opening import Reading
from translate.formats.sinks import Sink, make_sink
from translate.records import Document, Flag, Origin, OutputError, Row, format_signature
from translate.run.events import DocumentDone
from translate.run.record import (
    RUN_FILE,
    DocumentRecord,
    RunRecord,
    Shard,
    check_signature,
    find_run_files,
    read_records,
    read_run,
    remove_rows,
    write_run,
)
from translate.run.rows import count_flags, count_origins, format_row, rows_path, write_card
from translate.storage import is_remote, new_file, place_of

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
        reading: Reading | None = None,
    ) -> None:
        self.folder, self._text, self._reading = folder, text, reading or Reading()
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
                    self._failed = dict(record.failed)
                    self._record = dataclasses.replace(record, documents=self._documents)
                    write_run(folder, self._record, self._name)
                    write_card(folder, str(record.model.get("name", "")), format_signature(record.signature))
                    _remove_others(folder, self._name, shard)
                except BaseException:
                    self._lock.release()
                    raise
        self._writer: DocumentWriter | None = None

    def __enter__(self) -> RunFolder:
        return self

    def __exit__(self, *_: object) -> None:
        self.discard()
        self._lock.release()

    def begin(self, document: Document) -> None:
        """Start the document's files."""
        rows = rows_path(self.folder, document.name)
        self._guard.check(rows.parent)
        self._writer = DocumentWriter(rows, make_sink(self.folder, document, self._reading, text=self._text))

    def write(self, row: Row, space: str) -> None:
        """Add a row, and the white space before it, to the document that was begun."""
        self._begun().write(row, space)

    def end(self, document: Document, space: str) -> DocumentDone:
        """Give the document's files their names; `space` is the white space behind its last sentence."""
        writer = self._begun()
        self._guard.check(writer.path.parent)
        writer.finish(space)
        self._writer = None
        where = place_of(document.path, self.folder) if document.path is not None else ""
        self._documents[document.name] = DocumentRecord(
            document.sha256, writer.rows, count_flags(writer.flags), count_origins(writer.origins), where
        )
        return DocumentDone(document.name, writer.path, writer.rows)

    def fail(self, name: str, reason: str) -> None:
        """Note that a document could not be read, and forget it if it was begun."""
        self.discard()
        self._failed[name] = reason

    def end_record(self, space: str) -> None:
        """The dataset's next record begins; `space` is the white space behind the last sentence of this one."""
        self._begun().end_record(space)

    def check_inputs(self, paths: Mapping[str, Path]) -> None:
        """Raise OutputError if a document that the folder holds was another file then, with another text.

        Files outside the working folder go by their bare names, and two of them may have one.
        """
        for name, path in paths.items():
            held = self._documents.get(name)
            if held is None or "/" in name or held.path in ("", place_of(path, self.folder)):
                continue
            with suppress(OSError), path.open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != held.sha256:
                    hint = "give this one another --output, rename it, or replace the other one's rows with --overwrite"
                    raise OutputError(
                        f"'{self.folder}' holds the rows of another '{name}': it was '{held.path}' (from there), not '{path}'",
                        hint,
                    )

    def discard(self) -> None:
        """Forget the document that was begun, if there is one."""
        if self._writer is not None:
            self._writer.discard()
            self._writer = None

    def _begun(self) -> DocumentWriter:
        if self._writer is None:
            raise ValueError("no document was begun")
        return self._writer

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
        write_run(
            self.folder,
            dataclasses.replace(self._record, finished=True, failed=self._failed, timings=timings),
            self._name,
        )


class DocumentWriter:
    """The files of a document: its rows, and what the sink makes of its English. They appear together, or not at all."""

    def __init__(self, path: Path, sink: Sink) -> None:
        self.path = path
        self.rows = 0
        self.flags: Counter[Flag] = Counter()
        self._sink = sink
        self.origins: Counter[Origin] = Counter()
        try:
            self._rows = new_file(path)
        except BaseException:
            sink.discard()
            raise

    def write(self, row: Row, space: str) -> None:
        """Add a row, and the white space between it and the row before it."""
        self._rows.write(format_row(row) + "\n")
        self._sink.write(space + row.target)
        self.rows += 1
        self.flags.update(row.flags)
        self.origins.update([row.origin] if row.origin is not None else [])

    def end_record(self, space: str) -> None:
        """A dataset's record ends."""
        self._sink.write(space)
        self._sink.end_record()

    def finish(self, space: str) -> None:
        """Give the files their names, the rows last: where they are, all is. `space` is what stands behind the last row."""
        self._sink.write(space)
        self._sink.finish()
        self._rows.finish()

    def discard(self) -> None:
        """Leave nothing behind."""
        self._sink.discard()
        self._rows.discard()


@contextmanager
def _named_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except Timeout:
        raise _busy(folder) from None
    except OSError as error:
        hint = "give --output a folder that can be written"
        raise OutputError(f"cannot write into '{folder}': {error.strerror or error}", hint) from error


def is_busy(folder: Path, locks: Path | None = None) -> bool:
    """Whether a run is writing into the folder, as its locks say. Nobody is kept from going in by the question."""
    locks = locks or folder
    held = [path for path in _lock_files(locks) if path.is_file()]
    try:
        with FileLock(locks / JOINING_FILE, timeout=JOINING_SECONDS):
            for path in held:
                FileLock(path, timeout=0).acquire().lock.release()
    except Timeout:
        return True
    except OSError:  # nobody can hold a lock in a folder that cannot be written
        return False
    return False


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


def check_no_link(path: Path) -> None:
    """Raise OutputError if the path is a link: what is written to it would land elsewhere."""
    if not is_remote(path) and path.is_symlink():
        hint = "remove the link; --output says where a run is to be written"
        raise OutputError(f"'{path}' is a link to '{path.readlink()}'", hint)


class Guard:
    """Holds a run to the folder that it has locked: the one of that name may be deleted, and made anew.

    A lock file that is held keeps its inode, so that another of its name has another. In an object store there are
    neither links nor inodes.
    """

    def __init__(self, folder: Path, lock: Path) -> None:
        self._folder, self._lock = folder, lock
        self._real = None if is_remote(folder) else folder.resolve()
        self._identity = self._identify()

    def check(self, place: Path) -> None:
        """Raise OutputError if the folder is no longer the one that was locked, or a link leads from it to `place`."""
        if self._identify() != self._identity:
            hint = "run the same command again, when nothing else moves or deletes the folder"
            raise OutputError(f"'{self._folder}' was deleted or replaced while this run was writing into it", hint)
        if self._real is not None and place.resolve() != self._real / place.relative_to(self._folder):
            hint = "remove the link; --output says where a run is to be written"
            raise OutputError(f"'{place}' leads to '{place.resolve()}'", hint)

    def _identify(self) -> list[tuple[int, int] | None]:
        """What tells the lock, and the folder if it is on a disk, from others of the same name."""
        paths = [self._lock] if self._real is None else [self._lock, self._folder]
        return [_inode(path) for path in paths]


def _inode(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
