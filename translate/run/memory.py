"""The translation memory: (signature, source sentence) → translation, in one SQLite file. It is also the journal.

A batch is committed at once, so a killed run loses the batch that was running and nothing else. Each entry carries the
number of the window that it was translated in: a resumed run needs it to build the very batches of the unbroken run.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from translate.records import Flag, OutputError, Translation

MEMORY_FORMAT = 1
"""SQLite's user_version of the file."""

LOOKUP = 500
"""Keys a query; SQLite allows 999 in its oldest versions."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS signature (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS translation (
    key BLOB NOT NULL UNIQUE,  -- blake2b-128 of signature id and source
    signature INTEGER NOT NULL REFERENCES signature (id),
    window INTEGER NOT NULL,
    source TEXT NOT NULL,
    target TEXT NOT NULL,
    score REAL,
    flags TEXT NOT NULL  -- separated by blanks
);
"""


@dataclass(frozen=True, slots=True)
class Remembered:
    """An entry: the translation, and the window that it was translated in."""

    translation: Translation
    window: int


class Memory:
    """The memory file, for one signature. Use as a context manager.

    `alone` keeps every other program out of the file for as long as it is open: without it, SQLite needs memory that
    programs share, which a disk shared by machines does not offer (https://www.sqlite.org/wal.html, section 8).
    Raises OutputError when the file cannot be opened, read or written, or is no memory file.
    """

    def __init__(self, path: Path, signature: str, *, alone: bool = False) -> None:
        self.path = path
        with self._named_errors():
            # One thread at a time uses it; that thread need not be the one that opened it.
            self._database = sqlite3.connect(path, timeout=10, isolation_level=None, check_same_thread=False)
            if alone:
                self._database.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute(
                "PRAGMA synchronous = NORMAL"
            )  # a power cut may cost the last batches, never the file
            version = self._database.execute("PRAGMA user_version").fetchone()[0]
            if version not in (0, MEMORY_FORMAT):
                raise OutputError(
                    f"'{path}' is a memory of format {version}, not {MEMORY_FORMAT}",
                    "use another --output, or a newer version",
                )
            self._database.executescript(SCHEMA)
            self._database.execute(f"PRAGMA user_version = {MEMORY_FORMAT}")
            self._database.execute("INSERT OR IGNORE INTO signature (text) VALUES (?)", (signature,))
            row = self._database.execute("SELECT id FROM signature WHERE text = ?", (signature,)).fetchone()
            self._signature: int = row[0]

    def __enter__(self) -> Memory:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def find(self, sources: Iterable[str]) -> dict[str, Remembered]:
        """Those of the sources that are known, each with its entry."""
        found, asked = {}, list(sources)
        with self._named_errors():
            for begin in range(0, len(asked), LOOKUP):
                some = asked[begin : begin + LOOKUP]
                marks = ",".join("?" * len(some))
                query = f"SELECT source, target, score, flags, window FROM translation WHERE key IN ({marks})"
                for source, target, score, flags, window in self._database.execute(query, [self._key(s) for s in some]):
                    translation = Translation(target, score, tuple(map(Flag, flags.split())))
                    found[source] = Remembered(translation, window)
        return found

    def add(self, window: int, translations: Sequence[tuple[str, Translation]]) -> None:
        """Keep these (source, translation) pairs, all or none of them."""
        rows = [
            (
                self._key(source),
                self._signature,
                window,
                source,
                translation.target,
                translation.score,
                " ".join(translation.flags),
            )
            for source, translation in translations
        ]
        with self._named_errors():
            self._database.execute("BEGIN IMMEDIATE")
            try:
                self._database.executemany("INSERT OR REPLACE INTO translation VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
                self._database.execute("COMMIT")
            except BaseException:
                if self._database.in_transaction:
                    self._database.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """Fold the write-ahead log into the file and close it."""
        self._database.close()

    def _key(self, source: str) -> bytes:
        return hashlib.blake2b(f"{self._signature}\0{source}".encode(), digest_size=16).digest()

    @contextmanager
    def _named_errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            if "full" in str(error):
                hint = "make room and run the same command again: what is in the memory is not translated twice"
            elif "locked" in str(error):
                hint = "another program holds the file; run the same command again when it has ended"
            else:
                hint = "check the folder's permissions and disk; if the file is damaged, move it away and start again"
            raise OutputError(f"the memory '{self.path}': {error}", hint) from error


def window_key(sources: Iterable[str]) -> int:
    """A number for the window that holds these sentences in this order, within SQLite's 64 bits."""
    digest = hashlib.blake2b(digest_size=8)
    for source in sources:
        digest.update(source.encode() + b"\0")
    return int.from_bytes(digest.digest(), "big", signed=True)
