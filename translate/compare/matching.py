"""The rows of several runs → rows side by side: documents matched by their names, the sentences of each by `alignment`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from translate.compare.alignment import Group, align_rows
from translate.compare.findings import Cell, ComparedRow
from translate.compare.inputs import RowsByDocument, Run
from translate.records import Flag, Row


def match_documents(runs: Sequence[Run]) -> tuple[list[tuple[str | None, ...]], list[str]]:
    """For each document its name in each run, None where a run does not have it; and what a reader should know.

    Documents are matched by name; else by the last part of the name, where only one of each run has it; else, where
    every run has only one document, to each other.
    """
    if all(len(run.documents) == 1 for run in runs):
        names = tuple(next(iter(run.documents)) for run in runs)
        shown = " = ".join(f"'{name}'" for name in dict.fromkeys(names))
        return [names], [f"documents of different names are compared: {shown}"] if len(set(names)) > 1 else []
    matched: dict[str, dict[int, str]] = {}
    for k, run in enumerate(runs):
        for name in run.documents:
            key = name if name in matched else _same_file(name, run, runs, matched)
            matched.setdefault(key, {})[k] = name
    found = [tuple(names.get(k) for k in range(len(runs))) for names in matched.values()]
    missing = [
        f"{run.key} has no document '{name}': its rows are listed without a partner"
        for k, run in enumerate(runs)
        for name, names in matched.items()
        if k not in names
    ]
    return found, missing


def _same_file(name: str, run: Run, runs: Sequence[Run], matched: Mapping[str, Mapping[int, str]]) -> str:
    """The matched document with the same last part of its name, if that is unique everywhere; else the name itself."""
    last = Path(name).name
    alike = [key for key in matched if Path(key).name == last and key not in run.documents]
    unique = all(sum(Path(other).name == last for other in each.documents) <= 1 for each in runs)
    return alike[0] if len(alike) == 1 and unique else name


def build_rows(
    runs: Sequence[Run], documents: Sequence[tuple[str | None, ...]], reference: RowsByDocument | None
) -> Iterator[ComparedRow]:
    """The rows that say the same side by side, still without differences; numbers count over all documents."""
    number = 0
    for names in documents:
        columns = [run.documents[name] if name else () for run, name in zip(runs, names, strict=True)]
        known = [name for name in names if name]
        if reference is not None:
            one = next(iter(reference)) if len(reference) == len(documents) == 1 else None
            found = next((name for name in known if name in reference), one)
            columns.append(reference[found] if found is not None else ())
        for group in align_rows(columns):
            number += 1
            yield _build_row(number, known[0], group, with_reference=reference is not None)


def _build_row(number: int, doc: str, group: Group, *, with_reference: bool) -> ComparedRow:
    rows, references = (group[:-1], group[-1]) if with_reference else (group, ())
    sources = [_join(row.source for row in part) for part in rows]
    source = next((text for text in sources if text), _join(row.source for row in references))
    cells = tuple(
        _build_cell(part, text if text and text.split() != source.split() else None) if part else None
        for part, text in zip(rows, sources, strict=True)
    )
    shown = source or next((cell.text for cell in cells if cell), "")
    reference = _join(row.target for row in references) if references else None
    return ComparedRow(number, doc, source, len(shown.split()), cells, {}, reference)


def _join(texts: Iterator[str]) -> str:
    return " ".join(text for text in texts if text)


def _build_cell(rows: Sequence[Row], source: str | None) -> Cell:
    scores = [row.score for row in rows if row.score is not None]
    flags = tuple(flag for flag in Flag if any(flag in row.flags for row in rows))
    mean = sum(scores) / len(scores) if scores else None
    return Cell(tuple(row.sentence for row in rows), _join(row.target for row in rows), mean, flags, source)
