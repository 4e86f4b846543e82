"""Files that people have edited → the corrections beside a run: every pair that is not what the run already says.

A pair that is as in the run says nothing against what somebody else has corrected there: two may work on copies of one export.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from translate.exchange.formats import jsonl, tables, xliff
from translate.human.corrections import ANYWHERE, Corrections, Place
from translate.human.pairs import Pair
from translate.human.tmx import read_tmx
from translate.records import InputError, OutputError, Row, format_signature
from translate.run.checks import needs_model
from translate.run.memory import Memory
from translate.run.plan import corrections_path
from translate.run.record import RunRecord, accept_rows, find_rows, find_run, read_run
from translate.run.rows import read_rows

Reader = Callable[[Path, str], Iterator[Pair]]

READERS: dict[str, Reader] = {
    ".jsonl": lambda path, _: jsonl.read(path),
    ".tmx": lambda path, _: read_tmx(path),
    ".xlf": lambda path, _: xliff.read(path),
    ".xliff": lambda path, _: xliff.read(path),
    ".csv": tables.read,
    ".tsv": tables.read,
}
"""By the ending of the file's name; a table may have an encoding of its own."""

TOLD_EVERY = 500
"""Pairs between two looks at how far it is."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a file's pairs."""

    path: str
    """Where the corrections are kept."""
    corrected: int
    """Pairs that differ from the run, and are kept."""
    kept: int
    """Pairs that are as in the run, and are kept so, because the same sentence was corrected elsewhere."""
    unchanged: int
    """Pairs that are as in the run."""
    empty: int
    """Pairs without English: no translation."""
    foreign: int
    """Of those corrected, pairs whose German stands nowhere in the run; they wait for a text in which it does."""
    command: tuple[str, ...]
    """The words of the command that writes them into the rows."""


def take_in(file: Path, out: Path, encoding: str = "utf-8", told: Callable[[int], None] = lambda _: None) -> Taken:
    """Keep what a person has changed in the file. All of it is kept, or nothing.

    `told` hears now and then how many pairs were read. Raises InputError for a file of an unknown kind or that cannot be
    understood, and if `out` means no run; OutputError if the corrections cannot be written.
    """
    reader = READERS.get(file.suffix.lower())
    if not file.is_file():
        raise InputError(f"no file '{file}'", "give the file that was edited: rows, TMX, XLIFF, CSV or TSV")
    if reader is None:
        raise InputError(
            f"'{file}' has none of the endings {', '.join(READERS)}", "rename it, or export it as one of these"
        )
    folder = find_run(out)
    record = read_run(folder)
    if record is None:
        raise ValueError(f"{folder} has no record")
    path = corrections_path(folder.parent)
    path.parent.mkdir(parents=True, exist_ok=True)
    counts: Counter[str] = Counter()
    with ExitStack() as stack:
        corrections = stack.enter_context(Corrections(path))
        run = _RowsOfRun(folder, record)
        if file.resolve().is_relative_to(folder.resolve()):
            run = _OwnRows(folder, record, corrections, stack)
        intake = _Intake(run, corrections)
        for number, pair in enumerate(_read(reader, file, encoding), 1):
            counts[intake.take(pair)] += 1
            if number % TOLD_EVERY == 0:
                told(number)
        if counts["corrected"]:
            for pair in _read(reader, file, encoding):
                counts["kept"] += intake.keep(pair)
        corrections.commit()
    if file.resolve().is_relative_to(folder.resolve()):
        accept_rows(folder, file)
    return Taken(
        str(path),
        corrected=counts["corrected"] + counts["foreign"],
        kept=counts["kept"],
        unchanged=counts["unchanged"] - counts["kept"],
        empty=counts["empty"],
        foreign=counts["foreign"],
        command=tuple(record.command),
    )


def _read(reader: Reader, file: Path, encoding: str) -> Iterator[Pair]:
    for pair in reader(file, encoding):
        yield replace(pair, source=_plain(pair.source), target=_plain(pair.target))


@dataclass(frozen=True, slots=True)
class _Found:
    """What the run says of a pair: its place (anywhere, if the pair names no document), and the English that it has."""

    source: str
    """As the rows have it: in a file, line ends may have changed."""
    place: Place
    targets: frozenset[str]


class _Intake:
    """Sorts a file's pairs."""

    def __init__(self, run: _RowsOfRun, corrections: Corrections) -> None:
        self._run, self._corrections = run, corrections
        self._corrected: set[str] = set()

    def take(self, pair: Pair) -> str:
        """Keep the pair if a person has changed it, and say what it was."""
        if not pair.target or not pair.source:
            return "empty"
        found = self._run.find(pair)
        if found is None:
            self._corrections.add(pair.source, pair.target, ANYWHERE)
            return "foreign"
        if pair.target in found.targets:
            return "unchanged"
        self._corrections.add(found.source, pair.target, found.place)
        self._corrected.add(pair.source)
        return "corrected"

    def keep(self, pair: Pair) -> bool:
        """Whether an unchanged pair has to be kept too: because a correction of the same sentence would change it."""
        if pair.source not in self._corrected or not pair.target:
            return False
        found = self._run.find(pair)
        if found is None or found.place == ANYWHERE or pair.target not in found.targets:
            return False
        if self._corrections.has(found.source, found.place):
            return False
        self._corrections.add(found.source, pair.target, found.place, kept=True)
        return True


class _RowsOfRun:
    """Finds the rows that pairs belong to: by document and sentence where a pair names them, else by its German."""

    def __init__(self, folder: Path, record: RunRecord) -> None:
        self._files = find_rows(folder, record)
        self._document: str | None = None
        self._rows: dict[int, tuple[Row, int]] = {}
        self._by_source: dict[str, _Found] | None = None

    def find(self, pair: Pair) -> _Found | None:
        """The row's place and English; None if no row has this German."""
        if pair.document is not None and pair.document in self._files:
            placed = self._find_in_document(pair)
            if placed is not None:
                row, occurrence = placed
                return _Found(row.source, Place(row.doc, occurrence), self.targets_of(row, occurrence))
        return self._index().get(pair.source)

    def targets_of(self, row: Row, occurrence: int) -> frozenset[str]:
        """The English that is no correction: what the row has."""
        return frozenset((_plain(row.target),))

    def _find_in_document(self, pair: Pair) -> tuple[Row, int] | None:
        """The row with the pair's number if it has its German, else the first that has."""
        if self._document != pair.document and pair.document is not None:
            self._document, self._rows = pair.document, _number(self._files[pair.document])
        found = self._rows.get(pair.sentence if pair.sentence is not None else -1)
        if found is not None and _plain(found[0].source) == pair.source:
            return found
        return next((entry for entry in self._rows.values() if _plain(entry[0].source) == pair.source), None)

    def _index(self) -> dict[str, _Found]:
        if self._by_source is None:
            self._by_source = {}
            for path in self._files.values():
                for row in read_rows(path):
                    key, target = _plain(row.source), _plain(row.target)
                    found = self._by_source.setdefault(key, _Found(row.source, ANYWHERE, frozenset()))
                    if target not in found.targets:
                        self._by_source[key] = replace(found, targets=found.targets | {target})
        return self._by_source


def _number(path: Path) -> dict[int, tuple[Row, int]]:
    """Sentence → row, and the how-manieth of its German it is in the document."""
    rows: dict[int, tuple[Row, int]] = {}
    seen: Counter[str] = Counter()
    for row in read_rows(path):
        rows[row.sentence] = row, seen[row.source]
        seen[row.source] += 1
    return rows


def _plain(text: str) -> str:
    """The text as spreadsheets and readers of XML give it back."""
    return text.replace("\r\n", "\n").strip()


class _OwnRows(_RowsOfRun):
    """The same for a file of the run itself that was edited in its place: what it had said is in the memory."""

    def __init__(self, folder: Path, record: RunRecord, corrections: Corrections, stack: ExitStack) -> None:
        super().__init__(folder, record)
        self._before = stack.enter_context(corrections.copy())
        signature = format_signature(record.signature)
        paths = sorted(folder.glob("memory*.sqlite"))
        if not paths:
            hint = "copy the file elsewhere, run translate once more with --overwrite, then give the copy to translate corrections"
            raise OutputError(f"'{folder}' has no memory that says which rows were edited", hint)
        self._memories = [stack.enter_context(Memory(path, signature)) for path in paths]

    def targets_of(self, row: Row, occurrence: int) -> frozenset[str]:
        """What the run would write here. The row itself if nobody knows, as with a match of a translation memory."""
        corrected = self._before.find(row.source, Place(row.doc, occurrence))
        if corrected is not None:
            return frozenset((_plain(corrected),))
        if not needs_model(row.source):
            return frozenset((_plain(row.source),))
        known = [found for memory in self._memories if (found := memory.find([row.source]).get(row.source))]
        return frozenset((_plain(known[0].translation.target if known else row.target),))
