"""The translation memory: (signature, source sentence) → translation, in one SQLite file. It is also the journal.

A batch is committed at once, so a killed run loses the batch that was running and nothing else. Each entry carries the
number of the window that it was translated in: a resumed run needs it to build the very batches of the unbroken run.

Entries are not believed: each has a checksum over all that it says, the signature included. One that does not hold, because a disk or
a person changed it, is as if it were not there, is translated again, and is counted.
"""

from __future__ import annotations

import hashlib
import logging
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

LOG = logging.getLogger(__name__)

MEMORY_FORMAT = 2
"""SQLite's user_version of the file."""
WITHOUT_CHECKSUMS = 1
"""The format whose entries nothing vouches for: they stay in the file, and are not used."""

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
    flags TEXT NOT NULL,  -- separated by blanks
    checksum BLOB  -- blake2b-64 of all of it and the signature's text
);
"""
Stored = tuple[bytes, object, object, object, object, object, object]
"""An entry as it is read: key, source, target, score, flags, window, checksum."""
INSERT = """
INSERT OR REPLACE INTO translation (key, signature, window, source, target, score, flags, checksum)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
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
            self._database.execute("PRAGMA trusted_schema = OFF")
            self._database.text_factory = bytes  # what is no text is found out entry by entry
            version = self._database.execute("PRAGMA user_version").fetchone()[0]
            if version not in (0, WITHOUT_CHECKSUMS, MEMORY_FORMAT):
                raise OutputError(
                    f"'{path}' is a memory of format {version}, not {MEMORY_FORMAT}",
                    "use another --output, or a newer version",
                )
            self._database.executescript(SCHEMA)
            if version == WITHOUT_CHECKSUMS:
                self._database.execute("ALTER TABLE translation ADD COLUMN checksum BLOB")
            self._database.execute(f"PRAGMA user_version = {MEMORY_FORMAT}")
            self._database.execute("INSERT OR IGNORE INTO signature (text) VALUES (?)", (signature,))
            row = self._database.execute("SELECT id FROM signature WHERE text = ?", (signature,)).fetchone()
            if row is None or not isinstance(row[0], int):
                hint = "something in the file changes what is written: move it away and start again"
                raise OutputError(f"'{path}' does not keep the signature that it is given", hint)
            self._signature: int = row[0]
            self._signed = signature.encode()
            self._broken: set[bytes] = set()

    def __enter__(self) -> Memory:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def find(self, sources: Iterable[str]) -> dict[str, Remembered]:
        """Those of the sources that are known, each with its entry; none whose entry does not hold."""
        found, asked = {}, list(sources)
        with self._named_errors():
            for begin in range(0, len(asked), LOOKUP):
                keys = {self._key(source): source for source in asked[begin : begin + LOOKUP]}
                marks = ",".join("?" * len(keys))
                query = f"SELECT key, source, target, score, flags, window, checksum FROM translation WHERE key IN ({marks})"
                for stored in self._database.execute(query, list(keys)):
                    source = keys.get(stored[0])
                    if source is not None and (entry := self._parse(source, stored)) is not None:
                        found[source] = entry
                    elif stored[-1] is not None:
                        self._broken.add(stored[0])
        return found

    def _parse(self, asked: str, stored: Stored) -> Remembered | None:
        """The entry, if it is the one that was asked for and is what it was when it was kept."""
        _, source, target, score, flags, window, checksum = stored
        texts = isinstance(source, bytes) and isinstance(target, bytes) and isinstance(flags, bytes)
        if not texts or not isinstance(window, int) or not (score is None or isinstance(score, float)):
            return None
        assert isinstance(target, bytes)
        assert isinstance(flags, bytes)
        if source != asked.encode() or checksum != self._checksum(asked.encode(), target, score, flags, window):
            return None
        return Remembered(Translation(target.decode(), score, tuple(map(Flag, flags.decode().split()))), window)

    def _checksum(self, source: bytes, target: bytes, score: float | None, flags: bytes, window: int) -> bytes:
        """Over everything, so that no two entries run into one another."""
        head = f"{window} {score!r} {len(self._signed)} {len(source)} {len(target)} ".encode()
        return hashlib.blake2b(head + self._signed + source + target + flags, digest_size=8).digest()

    def add(self, window: int, translations: Sequence[tuple[str, Translation]]) -> None:
        """Keep these (source, translation) pairs, all or none of them."""
        rows = [self._format(window, source, translation) for source, translation in translations]
        with self._named_errors():
            self._database.execute("BEGIN IMMEDIATE")
            try:
                self._database.executemany(INSERT, rows)
                self._database.execute("COMMIT")
            except BaseException:
                if self._database.in_transaction:
                    self._database.execute("ROLLBACK")
                raise

    def _format(self, window: int, source: str, translation: Translation) -> tuple[object, ...]:
        """An entry as it is kept."""
        flags, score = " ".join(translation.flags), None if translation.score is None else float(translation.score)
        target = translation.target
        checksum = self._checksum(source.encode(), target.encode(), score, flags.encode(), window)
        return self._key(source), self._signature, window, source, target, score, flags, checksum

    def close(self) -> None:
        """Fold the write-ahead log into the file and close it. A warning tells how many entries did not hold."""
        self._database.close()
        if self._broken:
            LOG.warning(
                "%d entries of the memory '%s' were not what had been kept, and were translated again; look after the disk",
                *(len(self._broken), self.path),
            )
            self._broken.clear()

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
