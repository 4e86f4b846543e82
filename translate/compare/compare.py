"""The rows of several runs → a Comparison: rows matched, differences classed, systems scored.

Composes `alignment` (which rows say the same), `changes` (what differs) and `evaluation` (scores against a reference).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path

from translate.compare.alignment import Group, align_rows
from translate.compare.changes import MEANING, Change, classify, count_words, tokenize
from translate.compare.evaluation import evaluate
from translate.compare.findings import (
    Cell,
    ComparedRow,
    CompareError,
    Comparison,
    Difference,
    FlagChange,
    Pair,
    System,
)
from translate.compare.inputs import RowsByDocument, Run, read_reference, read_runs
from translate.compare.scores import METRICS, collect_statistics, describe, score, score_rows
from translate.records import Flag, Row, Signature
from translate.run.rows import count_flags

MEANING_POINTS = 10
"""Added to a row's disagreement for each class of change that touches the meaning."""
LONG_ENOUGH = 8
"""Words; 100 - chrF counts less in shorter rows, where one synonym (`Hello!`, `Good day!`) makes it nearly 100."""

ONE_CAUSE = ({"model", "weights"},)
"""Fields of a signature that change together and count as one."""
FEW_CHANGES = 10
"""Rows. Of n changed rows one trial in 2 ** (n - 1) ties with the difference, which sacreBLEU counts as none."""
NOT_THERE = "(none)"
"""A field that one signature lacks: it comes with another (the batch with bfloat16), and is told, but is no cause."""


@dataclass(frozen=True, slots=True)
class Question:
    """What to compare, and with what."""

    runs: tuple[Path, ...]
    reference: Path | None = None
    source: Path | None = None
    encoding: str = "utf-8"
    metrics: tuple[str, ...] = METRICS


def compare(question: Question) -> Comparison:
    """Read the runs and compare them. Raises InputError, OutputError or CompareError."""
    if len(question.runs) < 2:
        raise CompareError("one run alone cannot be compared", "give two or more folders or files")
    runs = read_runs(question.runs, question.source, question.encoding)
    if not any(run.documents for run in runs):
        raise CompareError("there is nothing to compare: no run has a row", "check that these are the right files")
    documents, notices = match_documents(runs)
    reference: RowsByDocument | None = None
    if question.reference is not None:
        reference = read_reference(question.reference, runs, question.source, question.encoding)
    rows = list(_build_rows(runs, documents, reference))
    pairs = list(combinations(range(len(runs)), 2))
    between = [_look_between(rows, i, j) for i, j in pairs]
    keys = [(runs[i].key, runs[j].key) for i, j in pairs]
    differences = zip(*(found.differences for found in between), strict=True)
    rows = [
        replace(row, differences=dict(zip(keys, found, strict=True)))
        for row, found in zip(rows, differences, strict=True)
    ]
    comparison = Comparison(
        systems=tuple(_describe_system(run) for run in runs),
        pairs=tuple(
            _summarize_pair(runs[i], runs[j], [(row.cells[i], row.cells[j]) for row in rows], found)
            for (i, j), found in zip(pairs, between, strict=True)
        ),
        rows=tuple(rows),
    )
    if question.reference is not None:
        comparison = evaluate(comparison, str(question.reference), question.metrics)
    return replace(comparison, notices=(*notices, *_notices(runs, comparison)))


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


def _build_rows(
    runs: Sequence[Run], documents: Sequence[tuple[str | None, ...]], reference: RowsByDocument | None
) -> Iterator[ComparedRow]:
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


@dataclass(frozen=True, slots=True)
class _Between:
    """What the texts of two systems tell: a difference for each row, and the second's scores against the first."""

    differences: list[Difference | None]
    bleu: float
    chrf: float


def _look_between(rows: Sequence[ComparedRow], i: int, j: int) -> _Between:
    """From system i to system j."""
    both = [(a.text, b.text) for row in rows for a, b in [(row.cells[i], row.cells[j])] if a and b]
    if not both:
        return _Between([_find_difference(row.cells[i], row.cells[j], 0.0) for row in rows], 0.0, 0.0)
    firsts, seconds = zip(*both, strict=True)
    chrf = collect_statistics("chrf", seconds, firsts)
    bleu = collect_statistics("bleu", seconds, firsts)
    chrfs = iter(score_rows("chrf", chrf))
    differences = [
        _find_difference(a, b, next(chrfs) if a and b else 0.0)
        for a, b in ((row.cells[i], row.cells[j]) for row in rows)
    ]
    return _Between(differences, score("bleu", bleu), score("chrf", chrf))


def _find_difference(first: Cell | None, second: Cell | None, chrf: float) -> Difference | None:
    if first is None or second is None:
        alone = first or second
        return Difference((Change.UNPAIRED,), count_words(alone.text), 0.0, 100.0) if alone else None
    changes, edits = classify(first.text, second.text)
    chrf = 100.0 if changes == (Change.IDENTICAL,) else chrf  # also of two empty texts
    weight = min(1.0, max(count_words(first.text), count_words(second.text)) / LONG_ENOUGH)
    disagreement = weight * (100 - chrf) + MEANING_POINTS * len(MEANING.intersection(changes))
    if first.source != second.source:
        changes = (*changes, Change.SOURCE)
    return Difference(changes, edits.count, chrf, disagreement, edits.removed, edits.added)


def _describe_system(run: Run) -> System:
    rows = [row for rows in run.documents.values() for row in rows]
    scores = [row.score for row in rows if row.score is not None]
    return System(
        key=run.key,
        label=run.label,
        path=str(run.path),
        signature=run.signature,
        documents=len(run.documents),
        rows=len(rows),
        score=sum(scores) / len(scores) if scores else None,
        flags=count_flags(flag for row in rows for flag in row.flags),
    )


def _summarize_pair(one: Run, other: Run, cells: Sequence[tuple[Cell | None, Cell | None]], between: _Between) -> Pair:
    """All figures of two systems."""
    paired = [(a, b) for a, b in cells if a and b]
    found = [difference for difference in between.differences if difference]
    changes = Counter(change for difference in found for change in difference.changes)
    scores = [(a.score, b.score) for a, b in paired if a.score is not None and b.score is not None]
    return Pair(
        first=one.key,
        second=other.key,
        rows=len(paired),
        only_first=sum(b is None for a, b in cells if a),
        only_second=sum(a is None for a, b in cells if b),
        other_source=changes[Change.SOURCE],
        identical=changes[Change.IDENTICAL],
        bleu=between.bleu,
        chrf=between.chrf,
        signatures={name: describe(name) for name in ("bleu", "chrf")},
        edits=sum(difference.edits for difference in found if Change.UNPAIRED not in difference.changes),
        tokens=sum(len(tokenize(a.text)) for a, _ in paired),
        length_ratio=sum(len(b.text) for _, b in paired) / max(1, sum(len(a.text) for a, _ in paired)),
        score_difference=sum(b - a for a, b in scores) / len(scores) if scores else None,
        changes={change: changes[change] for change in Change if changes[change]},
        flags=tuple(_compare_flags(paired)),
        settings=tuple(find_settings(one.signature, other.signature)),
    )


def _compare_flags(paired: Sequence[tuple[Cell, Cell]]) -> Iterator[FlagChange]:
    for flag in Flag:
        counts = Counter((flag in a.flags, flag in b.flags) for a, b in paired)
        change = FlagChange(flag, counts[False, True], counts[True, False], counts[True, True])
        if change.won or change.lost or change.both:
            yield change


def find_settings(one: Signature | None, other: Signature | None) -> Iterator[str]:
    """The fields in which two signatures differ, as `name first → second`; fields that change together as one."""
    if one is None or other is None:
        return
    told: set[str] = set()
    for name in dict.fromkeys((*one, *other)):
        if name in told or one.get(name) == other.get(name):
            continue
        told |= next((cause for cause in ONE_CAUSE if name in cause), {name})
        yield f"{name} {one.get(name, NOT_THERE)} → {other.get(name, NOT_THERE)}"


def _notices(runs: Sequence[Run], comparison: Comparison) -> Iterator[str]:
    for run in runs:
        if not run.finished:
            yield f"{run.key} ({run.label}) was not finished: rows may be missing"
    for pair in comparison.pairs:
        causes = [setting for setting in pair.settings if NOT_THERE not in setting]
        if len(causes) > 1:
            yield (
                f"{pair.first} and {pair.second} differ in {len(causes)} settings ({'; '.join(causes)}): "
                "what differs between them has no single cause"
            )
        if comparison.evaluation and pair.rows - pair.identical < FEW_CHANGES:
            yield (
                f"{pair.first} and {pair.second} differ in {pair.rows - pair.identical} rows only, where p by "
                "approximate randomization is far too small: like sacreBLEU it leaves ties out"
            )
        if pair.other_source:
            yield f"{pair.first} and {pair.second} were given different source texts in {pair.other_source:,} rows"
    if unpaired := len(comparison.unpaired()):
        yield f"{unpaired:,} of {len(comparison.rows):,} rows have no partner in some run; no score counts them"
    if comparison.evaluation and (left := len(comparison.rows) - unpaired - comparison.evaluation.rows):
        yield f"{left:,} rows have no reference; the scores are over the {comparison.evaluation.rows:,} that have one"
