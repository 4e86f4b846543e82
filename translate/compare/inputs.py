"""Arguments of `translate compare` → the rows of several runs, and of a reference.

A run is a folder of rows, one file of rows (*.jsonl), or a file of plain lines: a translation a line, as other systems
give them. Plain lines become rows by the file that they translate, line by line.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from string import ascii_uppercase

from translate.records import InputError, Row, Signature
from translate.run.record import find_run, find_run_files, find_runs_below, read_run
from translate.run.rows import read_rows
from translate.storage import inside
from translate.text.documents import Line, document_name, existing_file, read_lines

LINES_DOCUMENT = "lines"
"""The `doc` of plain lines whose source is not given."""

RowsByDocument = Mapping[str, tuple[Row, ...]]


@dataclass(frozen=True, slots=True)
class Run:
    """What one system made of the documents. `key` is a letter, `label` the shortest part of the path that tells it."""

    key: str
    label: str
    path: Path
    documents: RowsByDocument
    signature: Signature | None = None
    """None for plain lines, and for rows that have no run.json."""
    finished: bool = True


def read_runs(paths: Sequence[Path], source: Path | None = None, encoding: str = "utf-8") -> tuple[Run, ...]:
    """The runs, in the order of the arguments. Raises InputError or OutputError for what cannot be read or matched."""
    if len(paths) > len(ascii_uppercase):
        raise InputError(f"{len(paths)} runs are too many", f"compare {len(ascii_uppercase)} at most at a time")
    lines = {path: read_lines(path, encoding) for path in paths if is_plain(path)}
    runs = [
        Run(key, label, path, {}) if path in lines else _read_rows_run(key, label, path)
        for key, label, path in zip(ascii_uppercase, shorten(paths), paths, strict=False)
    ]
    frame = _frame(source, encoding, runs, lines)
    return tuple(
        replace(run, documents=frame_lines(lines[run.path], frame, run.path)) if run.path in lines else run
        for run in runs
    )


def read_reference(
    path: Path, runs: Sequence[Run], source: Path | None = None, encoding: str = "utf-8"
) -> tuple[RowsByDocument, list[str]]:
    """The reference's rows, by document, and what a reader should know. Raises InputError or OutputError.

    Rows are taken as they are. Plain lines belong to the lines of `source`, else to the paragraphs of the runs: in a folder file by
    file to the document of that name, else to all of them, one document after the other.
    """
    if path.is_dir():
        return _read_reference_folder(path, runs, encoding), []
    if not is_plain(path):
        return _by_document(read_rows(existing_file(path))), []
    frame = _frame(source, encoding, runs, {})
    rows = frame_lines(read_lines(path, encoding), frame, path)
    return rows, [f"'{path}': {frame.said}"] if frame is not None and frame.said else []


def is_plain(path: Path) -> bool:
    """Whether the argument is a file of plain lines."""
    return not path.is_dir() and path.suffix != ".jsonl"


def shorten(paths: Sequence[Path]) -> list[str]:
    """The last parts of each path, as many as tell all of them apart."""
    parts = [Path(os.path.abspath(path)).parts for path in paths]
    for count in range(1, max(map(len, parts)) + 1):
        labels = ["/".join(part[-count:]) for part in parts]
        if len(set(labels)) == len(labels):
            return labels
    return [str(path) for path in paths]


def _read_rows_run(key: str, label: str, path: Path) -> Run:
    folder = _run_folder(path)
    files = sorted(folder.rglob("*.jsonl")) if path.is_dir() else [existing_file(path)]
    if not files:
        raise InputError(f"no rows (*.jsonl) in '{path}'", "give a folder or file that translate wrote")
    record = read_run(folder)
    documents = _by_document(row for file in files for row in read_rows(file))
    return Run(key, label, path, documents, record.signature if record else None, not record or record.finished)


def _run_folder(path: Path) -> Path:
    """The folder with run.json: the argument, the one folder in it (`out` for `out/<model>`), or a folder above."""
    if not path.is_dir():
        above = [folder for folder in path.absolute().parents if find_run_files(folder)]
        return above[0] if above else path.parent
    return find_run(path) if find_runs_below(path) else path


def _by_document(rows: Iterator[Row]) -> RowsByDocument:
    documents: dict[str, list[Row]] = {}
    for row in rows:
        documents.setdefault(row.doc, []).append(row)
    return {name: tuple(sorted(rows, key=lambda row: row.start)) for name, rows in documents.items()}


@dataclass(frozen=True, slots=True)
class _Frame:
    """What plain lines belong to: a row without target for each line of the source that is not blank.

    `numbers` are the lines' numbers, blank lines counted, where they are known; `said` is what was taken for granted.
    """

    origin: str
    rows: tuple[Row, ...]
    numbers: tuple[int, ...] = ()
    lines: int = 0
    said: str = ""


def _frame(
    source: Path | None, encoding: str, runs: Sequence[Run], lines: Mapping[Path, Sequence[Line]]
) -> _Frame | None:
    """From the source file, from the paragraphs of the first run that has rows, or by counting lines."""
    with_rows = next((run for run in runs if run.documents), None)
    if source is not None:
        frame = _frame_of_source(source, encoding)
        cut = (
            with_rows is not None and len(with_rows.documents) > 1 and document_name(source) not in with_rows.documents
        )
        return _find_lines(frame, with_rows) if cut and with_rows is not None else frame
    if with_rows is not None:
        if len(with_rows.documents) == 1:
            name, rows = next(iter(with_rows.documents.items()))
            return _frame_of_rows(name, rows)
        frames = [_frame_of_rows(name, rows) for name, rows in sorted(with_rows.documents.items())]
        said = (
            f"its lines were taken to belong to the paragraphs of {len(frames):,} documents in the order of their names"
        )
        together = tuple(row for frame in frames for row in frame.rows)
        return _Frame(f"the paragraphs of all {len(frames):,} documents of '{with_rows.path}'", together, said=said)
    if not lines:
        return None
    first, count = next((path, len(found)) for path, found in lines.items())
    rows = tuple(Row(LINES_DOCUMENT, n, n, n, n + 1, "", "", None) for n in range(count))
    return _Frame(f"'{first}'", rows, tuple(range(count)), count)


def _find_lines(source: _Frame, run: Run) -> _Frame:
    """The paragraphs of the run's documents, each with the number of the line that says the same: a text that was cut into many.

    Raises InputError if hardly any paragraph is a line of it.
    """
    places: dict[str, list[int]] = {}
    for row, number in zip(reversed(source.rows), reversed(source.numbers), strict=True):
        places.setdefault(_plain(row.source), []).append(number)
    found: list[tuple[Row, int]] = []
    paragraphs = 0
    for name, rows in sorted(run.documents.items()):
        texts: dict[int, list[str]] = {}
        for row in rows:
            texts.setdefault(row.paragraph, []).append(row.source)
        for paragraph, text in zip(_frame_of_rows(name, rows).rows, texts.values(), strict=True):
            paragraphs += 1
            if alike := places.get(_plain(" ".join(text))):
                found.append((paragraph, alike.pop() if len(alike) > 1 else alike[0]))
    if len(found) * 2 < paragraphs:
        hint = "give as --source the text that was translated, line by line, before it was cut into documents"
        raise InputError(
            f"{source.origin} has only {len(found):,} of the {paragraphs:,} paragraphs of '{run.path}'", hint
        )
    left = f"{paragraphs - len(found):,} paragraphs are not in {source.origin} and have no line" * (
        paragraphs > len(found)
    )
    paragraphs_found, numbers = tuple(row for row, _ in found), tuple(number for _, number in found)
    return _Frame(source.origin, paragraphs_found, numbers, source.lines, left)


def _plain(text: str) -> str:
    """The text's letters, whatever space is between them: sentences of a paragraph come without what parted them."""
    return "".join(text.split())


def _frame_of_source(path: Path, encoding: str) -> _Frame:
    lines = read_lines(path, encoding)
    rows: list[Row] = []
    numbers: list[int] = []
    for line in lines:
        text = line.text.strip()
        if text:
            start = line.start + line.text.index(text)
            rows.append(Row(document_name(path), len(rows), len(rows), start, start + len(text), text, "", None))
            numbers.append(line.number)
    return _Frame(f"'{path}'", tuple(rows), tuple(numbers), len(lines))


def _frame_of_rows(name: str, rows: Sequence[Row]) -> _Frame:
    """One row a paragraph, without source: what it says stands in the run's own rows."""
    spans: dict[int, tuple[int, int]] = {}
    for row in rows:
        start, end = spans.get(row.paragraph, (row.start, row.end))
        spans[row.paragraph] = min(start, row.start), max(end, row.end)
    framed = (Row(name, number, i, start, end, "", "", None) for i, (number, (start, end)) in enumerate(spans.items()))
    return _Frame(f"document '{name}'", tuple(framed))


def frame_lines(lines: Sequence[Line], frame: _Frame | None, path: Path) -> RowsByDocument:
    """The lines as rows of what they translate. Raises InputError if their number does not fit."""
    if frame is None:
        hint = "give --source FILE: the text that was translated, line by line"
        raise InputError(f"'{path}' has plain lines, and nothing says which document they translate", hint)
    if frame.numbers and len(lines) == frame.lines:
        targets = [lines[number].text for number in frame.numbers]
    elif len(lines) == len(frame.rows):
        targets = [line.text for line in lines]
    else:
        targets = [line.text for line in lines if line.text.strip()]
    if len(targets) != len(frame.rows):
        hint = "each line of the source needs one line; give --source FILE, the text that was translated, if it was another or was cut"
        wanted = f"{frame.origin} has {frame.lines or len(frame.rows):,}"
        raise InputError(f"'{path}' has {len(lines):,} lines, but {wanted}", hint)
    rows = tuple(replace(row, target=target.strip()) for row, target in zip(frame.rows, targets, strict=True))
    return _by_document(iter(rows))


def _read_reference_folder(folder: Path, runs: Sequence[Run], encoding: str) -> RowsByDocument:
    """A file a document: `<doc>` itself, its rows, or `.en`; below the folder as in the run, or by its bare name."""
    found: dict[str, tuple[Row, ...]] = {}
    documents = {name: rows for run in reversed(runs) for name, rows in run.documents.items()}
    for name, rows in documents.items():
        path = next((path for path in _reference_places(folder, name) if path.is_file()), None)
        if path is None:
            continue
        if is_plain(path):
            found |= frame_lines(read_lines(path, encoding), _frame_of_rows(name, rows), path)
        else:
            found |= _by_document(read_rows(path))
    if not found:
        hint = f"name the files as the documents, such as {next(iter(documents), 'a.txt')}"
        raise InputError(f"no reference for any document in '{folder}'", hint)
    return found


def _reference_places(folder: Path, name: str) -> Iterator[Path]:
    stem = name.removesuffix(".txt")
    for base in (name, stem, Path(name).name, Path(stem).name):
        for ending in ("", ".jsonl", ".en", ".en.txt", ".txt"):
            yield inside(folder, f"{base}{ending}")
