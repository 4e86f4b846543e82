"""The translation memory: (signature, source sentence) → translation, in one SQLite file. It is also the journal.

A batch is committed at once, so a killed run loses the batch that was running and nothing else. Each entry carries the
number of the window that it was translated in: a resumed run needs it to build the very batches of the unbroken run.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from translate.human.corrections import ANYWHERE, Corrections, Place
from translate.records import Document, Flag, Origin, OutputError, Translation
from translate.run.checks import check_target
from translate.run.events import Loaded

MEMORY_FORMAT = 1
"""SQLite's user_version of the file."""

NO_WINDOW = 0
"""The window of an entry that would be the same in any."""

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


class Remembering(Protocol):
    """What a translator wants of a memory."""

    def find(self, sources: Iterable[str]) -> dict[str, Remembered]:
        """Those of the sources that are known, each with its entry."""
        ...

    def add(self, window: int, translations: Sequence[tuple[str, Translation]]) -> None:
        """Keep these (source, translation) pairs, all or none of them."""
        ...


class Oblivion:
    """A memory that keeps nothing."""

    def find(self, sources: Iterable[str]) -> dict[str, Remembered]:
        """Nothing is known."""
        return {}

    def add(self, window: int, translations: Sequence[tuple[str, Translation]]) -> None:
        """Nothing is kept."""


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


class People:
    """What people have translated, for one run: corrections go before a translation memory, and both before the model.

    A correction was decided on by somebody who saw the sentence, so it has no flags; an exact match was made for another text.
    """

    def __init__(
        self, corrections: Corrections | None = None, matches: Corrections | None = None, digest: str = ""
    ) -> None:
        self._corrections, self._matches, self._digest = corrections, matches, digest
        self._document = ""
        self._occurrences: Counter[str] = Counter()

    def sign(self, loaded: Loaded) -> Loaded:
        """What was loaded, the translation memory in its signature: with another file other rows come out.

        Corrections are no part of it: they may be added to a run, and each says in its row what it is.
        """
        if self._matches is None:
            return loaded
        return replace(loaded, signature={**loaded.signature, "translation-memory": self._digest[:12]})

    def find(self, source: str, place: Place = ANYWHERE) -> Translation | None:
        """The translation for this place, if there is one."""
        if self._corrections is not None and (target := self._corrections.find(source, place)) is not None:
            return Translation(target, None, (), Origin.HUMAN)
        if self._matches is not None and (target := self._matches.find(source)) is not None:
            return Translation(target, None, check_target(source, target), Origin.TRANSLATION_MEMORY)
        return None

    def begin(self, document: Document) -> None:
        """Sentences of this document come next."""
        self._document = document.name
        self._occurrences.clear()

    def find_next(self, source: str) -> Translation | None:
        """The translation for the document's next sentence."""
        place = Place(self._document, self._occurrences[source])
        if self._corrections is not None and self._corrections.has(
            source
        ):  # of the many that nobody has touched, none is counted
            self._occurrences[source] += 1
        return self.find(source, place)


class PeopleFirst:
    """A memory that asks people's translations first, so that no engine does again what a person has done."""

    def __init__(self, people: People, memory: Remembering) -> None:
        self._people, self._memory = people, memory

    def find(self, sources: Iterable[str]) -> dict[str, Remembered]:
        """Those of the sources that are known, each with its entry."""
        asked = list(sources)
        theirs = {source: Remembered(found, NO_WINDOW) for source in asked if (found := self._people.find(source))}
        return theirs | self._memory.find(source for source in asked if source not in theirs)

    def add(self, window: int, translations: Sequence[tuple[str, Translation]]) -> None:
        """Keep these (source, translation) pairs, all or none of them."""
        self._memory.add(window, translations)
