"""Where bytes lie: paths on this machine or in a store, files and folders that are complete or not there, the user's cache.

A name means a path on this machine, or one that fsspec reaches (`s3://…`, `gs://…`); those are universal-pathlib's, which
have the methods of Path that we use, and `is_remote` tells them apart. On a disk a file is written under a temporary name
in its own folder, flushed to disk, and renamed. In an object store a whole object appears at once, so a file is written
here first and put there when it is finished.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import IO, Any, cast

from translate.records import InputError, OutputError

LONGEST_NAME = 255
"""Bytes, on every common file system."""
AGAIN = "make room, or check the folder and its permissions; then run the same command again: it goes on"


class AtomicFile:
    """A file that appears under its name when `finish` is called, or not at all. Its methods raise OutputError."""

    def __init__(self, path: Path, *, binary: bool = False) -> None:
        self.path = path
        self._temporary = temporary_path(path)
        with _named_errors(self.path):
            path.parent.mkdir(parents=True, exist_ok=True)
            if len(os.fsencode(path.name)) > LONGEST_NAME:
                raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))
            self._temporary.unlink(missing_ok=True)  # and begun anew: if it is a link, nothing is written through it
            self.stream: IO[Any] = (
                self._temporary.open("xb") if binary else self._temporary.open("x", encoding="utf-8", newline="\n")
            )

    def write(self, text: str | bytes) -> None:
        """Add some text, or some bytes if it is `binary`."""
        with _named_errors(self.path):
            self.stream.write(text)

    def finish(self) -> None:
        """Flush it to disk and give it its name."""
        with _named_errors(self.path):
            self.stream.flush()
            os.fsync(self.stream.fileno())
            self.stream.close()
            self._temporary.replace(self.path)
            _flush_folder(self.path.parent)

    def discard(self) -> None:
        """Leave nothing behind. Never raises: it is called when something else has gone wrong."""
        with suppress(OSError):
            self.stream.close()
        with suppress(OSError):
            self._temporary.unlink()


def temporary_path(path: Path) -> Path:
    """Where a file is while it is written. Short and always the same: no longer than the path allows, and what a killed run
    left is written over.
    """
    name = hashlib.blake2b(path.name.encode(errors="surrogateescape"), digest_size=6).hexdigest()
    return path.with_name(f".{name}.tmp")


def is_being_written(path: Path) -> bool:
    """Whether somebody has begun to write the file, or was killed while writing it."""
    return temporary_path(path).exists()


class ObjectFile:
    """The same in an object store: written here, and put there as a whole. Its methods raise OutputError."""

    def __init__(self, path: Path, *, binary: bool = False) -> None:
        self.path = path
        mode: dict[str, str] = {} if binary else {"encoding": "utf-8", "newline": "\n"}
        self.stream: IO[Any] = tempfile.NamedTemporaryFile("wb" if binary else "w", prefix="translate-", **mode)  # type: ignore[call-overload]  # noqa: SIM115  # closed by finish or discard

    def write(self, text: str | bytes) -> None:
        """Add some text, or some bytes if it is `binary`."""
        self.stream.write(text)

    def finish(self) -> None:
        """Put it into the store under its name; there an object is whole or not there."""
        store: Any = self.path
        try:
            self.stream.flush()
            store.fs.put_file(self.stream.name, store.path)
        except Exception as error:  # each store has errors of its own
            hint = "check the address and your permissions; then run the same command again: it goes on"
            raise OutputError(f"cannot write '{self.path}': {error}", hint) from error
        self.stream.close()

    def discard(self) -> None:
        """Leave nothing behind."""
        with suppress(OSError):
            self.stream.close()


def new_file(path: Path, *, binary: bool = False) -> AtomicFile | ObjectFile:
    """A file of text, or of bytes, that appears when it is finished, wherever the path leads."""
    return ObjectFile(path, binary=binary) if is_remote(path) else AtomicFile(path, binary=binary)


@contextmanager
def write_atomically(path: Path) -> Iterator[AtomicFile | ObjectFile]:
    """A file that is finished at the end of the block, or discarded if the block fails."""
    file = new_file(path)
    try:
        yield file
        file.finish()
    except BaseException:
        file.discard()
        raise


@contextmanager
def replace_file(path: Path) -> Iterator[Path]:
    """A path for the block to write a file to; when the block has ended it is flushed to disk and gets the name `path`.

    If the block fails, nothing is left of it, and an older file stays. Raises OutputError, to the block too.
    """
    temporary = temporary_path(path)
    with _named_errors(path, "make room, or check the folder and its permissions"):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.unlink(missing_ok=True)
        try:
            yield temporary
            _flush_file(temporary)
            temporary.replace(path)
            _flush_folder(path.parent)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def write_folder(path: Path, hint: str) -> Iterator[Path]:
    """A folder for the block to make, beside `path`; it gets that name when the block has ended and all is on disk.

    If somebody else's has got the name meanwhile, that one stays; if the block fails, nothing does. Raises OutputError
    with `hint` for what the disk refuses, to the block too.
    """
    with _named_errors(path, hint):
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name[:40]}-") as temporary:
            made = Path(temporary) / "made"
            yield made
            for part in (*made.rglob("*"), made):
                _flush_folder(part) if part.is_dir() else _flush_file(part)
            try:
                made.rename(path)
            except OSError:
                if not path.is_dir():
                    raise
            _flush_folder(path.parent)


@contextmanager
def _named_errors(path: Path, hint: str = AGAIN) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            hint = f"a file name may have {LONGEST_NAME} bytes, the ending .jsonl included: rename the input"
        raise OutputError(f"cannot write '{path}': {error.strerror or error}", hint) from error


def _flush_file(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    """Make the names in it last, where the system can."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")


def as_path(text: str) -> Path:
    """The path. Raises InputError for a URL that no installed package can read."""
    if not URL.match(text):
        return Path(text)
    try:
        from upath import UPath

        path: Any = UPath(text)
        protocol = path.fs.protocol  # loads the file system's own package
    except ModuleNotFoundError as error:
        hint = "in the project's folder: pip install '.[remote]'; gs:// needs gcsfs beside it, other stores their own packages"
        raise InputError(f"'{text}' needs the package '{error.name}'", hint) from error
    except Exception as error:  # each file system has errors of its own
        raise InputError(f"cannot use '{text}': {error}", "check the address, and what its store needs") from error
    return Path(path.path) if "file" in protocol or "local" in protocol else cast(Path, path)


def is_remote(path: Path) -> bool:
    """Whether fsspec has to be asked for it."""
    return not isinstance(path, Path)


def absolute_name(path: Path) -> str:
    """What names the path from every folder, the reverse of `as_path`; links are not followed."""
    return str(path) if is_remote(path) else os.path.abspath(path)


def place_of(path: Path, folder: Path) -> str:
    """Where a path is as seen from a folder, so that both may be moved together; a remote one by its own name."""
    if is_remote(path) or is_remote(folder):
        return absolute_name(path)
    return Path(os.path.relpath(os.path.abspath(path), os.path.abspath(folder))).as_posix()


def remote_name(path: Path) -> str:
    """A remote path below its store's root, bucket first. Raises InputError if it leads upwards, as no path on a disk may."""
    name = str(cast(Any, path).path).lstrip("/")
    if ".." in PurePosixPath(name).parts:
        raise InputError(f"'{path}' has '..' in it", "rename it: its rows would be written somewhere else")
    return name


PROGRAM = "translate-batch"


def user_cache_folder() -> Path:
    """The user's cache folder for this program; it need not exist yet.

    As the system has it: XDG_CACHE_HOME where set (https://specifications.freedesktop.org/basedir-spec), else
    ~/Library/Caches on macOS, LOCALAPPDATA on Windows, ~/.cache elsewhere. Raises OutputError for a user without a home.
    """
    if given := os.environ.get("XDG_CACHE_HOME"):
        return Path(given) / PROGRAM
    try:
        home = Path.home()
    except RuntimeError as error:
        hint = "set HOME, or XDG_CACHE_HOME to a folder that can be written"
        raise OutputError("this user has no home folder to keep things in", hint) from error
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / PROGRAM
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", home / "AppData" / "Local")) / PROGRAM / "Cache"
    return home / ".cache" / PROGRAM
