"""corrections.sqlite: pairs of sentences that go before what a model makes. It outlives runs, and a change of model.

A correction belongs to a place: a document, and the how-manieth time the source stands in it, so that it finds its sentence
again when others come before it. Where a place has none of its own, the latest of the same source holds.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from translate.human.pairs import Pair
from translate.records import OutputError

CORRECTIONS_FILE = "corrections.sqlite"
CORRECTIONS_FORMAT = 1
"""SQLite's user_version of the file."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS correction (
    id INTEGER PRIMARY KEY,  -- the larger, the later
    source TEXT NOT NULL,
    document TEXT NOT NULL,  -- empty: wherever the source stands
    occurrence INTEGER NOT NULL,  -- from 0
    target TEXT NOT NULL,
    kept INTEGER NOT NULL,  -- 1: the model's own, which stays here although the same source was corrected elsewhere
    UNIQUE (source, document, occurrence)
)
"""


@dataclass(frozen=True, slots=True)
class Place:
    """The `occurrence`th sentence of its text in a document, from 0."""

    document: str
    occurrence: int


ANYWHERE = Place("", 0)
"""The place of a pair that belongs to no document."""


class Corrections:
    """The file. Use as a context manager. Raises OutputError when it cannot be opened, read or written, or is another file.

    What is added is in the file when `commit` was called, or not at all. A path of None is a database of this process alone.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        with self._named_errors():
            # An empty name is SQLite's for a database that goes to a temporary file when it is large.
            self._database = sqlite3.connect(path or "", timeout=30, isolation_level=None, check_same_thread=False)
            version = self._database.execute("PRAGMA user_version").fetchone()[0]
            if version not in (0, CORRECTIONS_FORMAT):
                raise OutputError(f"'{path}' has format {version}, not {CORRECTIONS_FORMAT}", "use a newer version")
            if version == 0:
                self._database.execute(SCHEMA)
                self._database.execute(f"PRAGMA user_version = {CORRECTIONS_FORMAT}")

    def __enter__(self) -> Corrections:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    def count(self) -> int:
        """How many sentences people have corrected."""
        with self._named_errors():
            return int(self._database.execute("SELECT count(*) FROM correction WHERE kept = 0").fetchone()[0])

    def add(self, source: str, target: str, place: Place, *, kept: bool = False) -> None:
        """Keep the pair for this place, instead of the one that it had."""
        self.add_all([(source, target, place)], kept=kept)

    def add_all(self, pairs: Iterable[tuple[str, str, Place]], *, kept: bool = False) -> None:
        """The same for many."""
        rows = ((source, place.document, place.occurrence, target, kept) for source, target, place in pairs)
        with self._named_errors():
            if not self._database.in_transaction:
                self._database.execute("BEGIN IMMEDIATE")
            self._database.executemany(
                "INSERT OR REPLACE INTO correction (source, document, occurrence, target, kept) VALUES (?, ?, ?, ?, ?)",
                rows,
            )

    def commit(self) -> None:
        """Write what was added."""
        with self._named_errors():
            if self._database.in_transaction:
                self._database.execute("COMMIT")

    def find(self, source: str, place: Place = ANYWHERE) -> str | None:
        """What a person wrote for the sentence at this place; None if it was never corrected."""
        latest = None
        with self._named_errors():
            query = "SELECT document, occurrence, target, kept FROM correction WHERE source = ? ORDER BY id DESC"
            for document, occurrence, target, kept in self._database.execute(query, (source,)):
                if (document, occurrence) == (place.document, place.occurrence):
                    return str(target)
                if latest is None and not kept:
                    latest = str(target)
        return latest

    def has(self, source: str, place: Place | None = None) -> bool:
        """Whether there is anything for this source: at this place, or at any."""
        query = "SELECT 1 FROM correction WHERE source = ?"
        values: tuple[object, ...] = (source,)
        if place is not None:
            query, values = f"{query} AND document = ? AND occurrence = ?", (source, place.document, place.occurrence)
        with self._named_errors():
            return self._database.execute(f"{query} LIMIT 1", values).fetchone() is not None

    def copy(self) -> Corrections:
        """The corrections as they are now, of this process alone."""
        copy = Corrections(None)
        with self._named_errors():
            self._database.backup(copy._database)
        return copy

    @contextmanager
    def _named_errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            hint = "check the folder's permissions and disk; if the file is damaged, move it away"
            if "locked" in str(error):
                hint = "another program is writing into it; run the same command again when it has ended"
            raise OutputError(f"the corrections '{self.path}': {error}", hint) from error


def collect_pairs(pairs: Iterable[Pair]) -> Corrections:
    """The pairs, to be found wherever their source stands; of two with one source, the later. Pairs without English are left out."""
    collected = Corrections(None)
    collected.add_all((pair.source, pair.target, ANYWHERE) for pair in pairs if pair.target)
    collected.commit()
    return collected
