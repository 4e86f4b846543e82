"""Where the files of documents go: no two in one place, none through a link, none into a folder that has gone away."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from translate.output import rows_path, text_path
from translate.records import InputError, OutputError
from translate.storage import LONGEST_NAME, is_remote


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
            ending = ".en.txt" if text else ".jsonl"
            hint = f"a file name may have {LONGEST_NAME} bytes, the ending {ending} included: rename the input"
            yield name, InputError(f"'{place.name}' would be a name of {size} bytes", hint)


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
