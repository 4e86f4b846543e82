"""Where bytes lie: paths on this machine or in a store, files and folders that are complete or not there, the user's cache.

A name means a path on this machine, or one that fsspec reaches (`s3://…`, `gs://…`); those are universal-pathlib's, which
have the methods of Path that we use, and `is_remote` tells them apart. On a disk a file is written under a temporary name
in its own folder, flushed to disk, and renamed. In an object store a whole object appears at once, so a file is written
here first and put there when it is finished.

What comes out of a file is not believed: a name leads into the folder or nowhere (`inside`), only ordinary files are read
(`open_ordinary`), and JSON has the types of the record that it stands for (`parse_json`).
"""

from __future__ import annotations

import errno
import hashlib
import io
import json
import math
import os
import re
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePath, PurePosixPath
from typing import IO, Any, TypeVar, cast

from translate.records import InputError, OutputError

T = TypeVar("T")

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


def open_ordinary(path: Path) -> io.BufferedReader:
    """The file's bytes. Raises OSError for a pipe, a device or a folder, and does not wait for one: they may never end."""
    if is_remote(path):
        return path.open("rb")
    _check_ordinary(path.stat())  # opening a device may be enough to make it do something
    waits_not = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)
    handle = os.open(path, os.O_RDONLY | waits_not)
    try:
        _check_ordinary(os.fstat(handle))  # the name may have got another file meanwhile
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def _check_ordinary(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        kind = "a folder" if stat.S_ISDIR(status.st_mode) else "no ordinary file, but a pipe, a device or the like"
        raise OSError(errno.EINVAL, f"it is {kind}")


def read_ordinary(path: Path) -> bytes:
    """All bytes of a file. Raises OSError as `open_ordinary` does."""
    with open_ordinary(path) as file:
        return file.read()


def digest_file(path: Path) -> str:
    """The sha256 of an ordinary file, in hexadecimal. Raises OSError as `open_ordinary` does."""
    with open_ordinary(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def parse_json(data: bytes | str, kind: type[T]) -> T:
    """JSON as a record of that kind, every field of the type that it is declared with; fields of other names are left out.

    Raises ValueError that names the field.
    """
    import msgspec

    with _plain_problems():
        return msgspec.json.decode(data, type=kind)


def load_json(data: bytes) -> object:
    """JSON as Python has it; of strings also such as are no Unicode. Raises ValueError, also for a number that is not finite."""

    def finite(text: str) -> float:
        if not math.isfinite(number := float(text)):
            raise ValueError(f"the number {text} is not finite")
        return number

    with _plain_problems():
        return json.loads(data, parse_float=finite, parse_constant=finite)


def convert_json(value: object, kind: type[T]) -> T:
    """The same from what JSON has been read as."""
    import msgspec

    with _plain_problems():
        return msgspec.convert(value, type=kind)


@contextmanager
def _plain_problems() -> Iterator[None]:
    import msgspec

    try:
        yield
    except UnicodeError as error:
        raise ValueError("it is not UTF-8") from error
    except RecursionError as error:
        raise ValueError("lists or objects in it are nested too deeply") from error
    except msgspec.MsgspecError as error:
        problem, _, place = str(error).replace("`", "").partition(" - at $")
        raise ValueError(f"{place.lstrip('.')}: {problem}" if place else problem) from error


def inside(folder: Path, name: str) -> Path:
    """The path that a name from a file or a document has below the folder. Raises OutputError for one that leads elsewhere."""
    path = PurePath(name)
    if not path.parts or path.anchor or ".." in path.parts or "\0" in name:
        hint = "whatever holds that name was not written by translate: move it away"
        raise OutputError(f"'{name}' is no name of a file in '{folder}'", hint)
    return folder / name


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
    given = os.environ.get("XDG_CACHE_HOME", "")
    if Path(given).is_absolute():  # the specification has others ignored: they would be in whatever folder this is
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
