"""A Question → a Comparison: composes `inputs`, `matching`, `changes` and `evaluation`, and sums up each pair of systems."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from pathlib import Path

from translate.compare.changes import MEANING, Change, classify, count_words, tokenize
from translate.compare.evaluation import RowFigures, evaluate
from translate.compare.evidence.external import ExternalMetric, read_metrics
from translate.compare.findings import (
    Cell,
    CompareError,
    Comparison,
    Difference,
    FlagChange,
    Pair,
    System,
)
from translate.compare.inputs import RowsByDocument, Run, read_reference, read_runs
from translate.compare.matching import build_rows, match_documents
from translate.compare.scores import METRICS, collect_statistics, describe, score, score_rows
from translate.records import Flag, Signature
from translate.run.rows import count_flags

LOG = logging.getLogger(__name__)
MEANING_POINTS = 10
"""Added to a row's disagreement for each class of change that touches the meaning."""
LONG_ENOUGH = 8
"""Words; 100 - chrF counts less in shorter rows, where one synonym (`Hello!`, `Good day!`) makes it nearly 100."""

FOLLOWS = {
    "weights": ("model",),
    "kernels": ("dtype", "engine", "device"),
    "torch": ("engine",),
    "parts": ("engine",),
}
"""Field of a signature → what brings it along: where one of these differs, too, it is no cause of its own."""
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
    figures: Mapping[str, tuple[Path, ...]] = field(default_factory=dict)
    """Metrics from elsewhere: name → files, one a run."""


def compare(question: Question) -> Comparison:
    """Read the runs and compare them. Raises InputError, OutputError or CompareError."""
    if len(question.runs) < 2:
        raise CompareError("one run alone cannot be compared", "give two or more folders or files")
    LOG.info("reading the runs")
    runs = read_runs(question.runs, question.source, question.encoding)
    if not any(run.documents for run in runs):
        raise CompareError("there is nothing to compare: no run has a row", "check that these are the right files")
    documents, notices = match_documents(runs)
    reference: RowsByDocument | None = None
    if question.reference is not None:
        reference, said = read_reference(question.reference, runs, question.source, question.encoding)
        notices += said
    LOG.info("matching rows")
    rows = list(build_rows(runs, documents, reference))
    LOG.info("looking for differences")
    between = [
        _look_between(runs[i], runs[j], [(row.cells[i], row.cells[j]) for row in rows])
        for i, j in combinations(range(len(runs)), 2)
    ]
    comparison = Comparison(
        systems=tuple(map(_describe_system, runs)),
        pairs=tuple(map(_summarize_pair, between)),
        rows=tuple(
            replace(row, differences={(pair.first.key, pair.second.key): pair.differences[n] for pair in between})
            for n, row in enumerate(rows)
        ),
    )
    figures = [_place(metric, comparison, documents) for metric in read_metrics(question.figures, runs)]
    if question.reference is not None or figures:
        LOG.info("scoring against %s", question.reference or ", ".join(question.figures))
        comparison = evaluate(comparison, str(question.reference or ""), question.metrics, figures)
    return replace(comparison, notices=(*notices, *_notices(runs, comparison)))


def _place(metric: ExternalMetric, comparison: Comparison, documents: Sequence[tuple[str | None, ...]]) -> RowFigures:
    """The metric's figures row by row; of several sentences that are compared as one, the mean."""
    names = {next(name for name in known if name): known for known in documents}
    rows = []
    for row in comparison.rows:
        figures = []
        for cell, doc, values in zip(row.cells, names[row.doc], metric.values, strict=True):
            found = [values.get((doc or "", sentence)) for sentence in cell.sentences] if cell else []
            known = [value for value in found if value is not None]
            figures.append(sum(known) / len(known) if known and len(known) == len(found) else None)
        rows.append(figures)
    return RowFigures(metric.name, metric.lower_is_better, rows)


@dataclass(frozen=True, slots=True)
class _Between:
    """Two runs, row by row: what each has, and the difference; and the second's scores against the first."""

    first: Run
    second: Run
    cells: Sequence[tuple[Cell | None, Cell | None]]
    differences: Sequence[Difference | None]
    bleu: float
    chrf: float


def _look_between(first: Run, second: Run, cells: Sequence[tuple[Cell | None, Cell | None]]) -> _Between:
    both = [(a.text, b.text) for a, b in cells if a and b]
    if not both:
        return _Between(first, second, cells, [_find_difference(a, b, 0.0) for a, b in cells], 0.0, 0.0)
    firsts, seconds = zip(*both, strict=True)
    chrf = collect_statistics("chrf", seconds, firsts)
    bleu = collect_statistics("bleu", seconds, firsts)
    chrfs = iter(score_rows("chrf", chrf))
    differences = [_find_difference(a, b, next(chrfs) if a and b else 0.0) for a, b in cells]
    return _Between(first, second, cells, differences, score("bleu", bleu), score("chrf", chrf))


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


def _summarize_pair(between: _Between) -> Pair:
    """All figures of two systems."""
    one, other, cells = between.first, between.second, between.cells
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
    """The fields in which two signatures differ, as `name first → second`; with each what it brings along."""
    if one is None or other is None:
        return
    differing = [name for name in dict.fromkeys((*one, *other)) if one.get(name) != other.get(name)]
    for name in differing:
        if not any(cause in differing for cause in FOLLOWS.get(name, ())):
            brought = [f for f in differing if name in FOLLOWS.get(f, ()) and f != "weights"]
            with_it = "".join(f", with it {_change(follower, one, other)}" for follower in brought)
            yield _change(name, one, other) + with_it


def _change(name: str, one: Signature, other: Signature) -> str:
    return f"{name} {one.get(name, NOT_THERE)} → {other.get(name, NOT_THERE)}"


def _is_cause(setting: str) -> bool:
    """Whether a difference stands for itself: a field that only one has comes with another one."""
    return NOT_THERE not in setting.partition(", with it ")[0]


def _notices(runs: Sequence[Run], comparison: Comparison) -> Iterator[str]:
    for run in runs:
        if not run.finished:
            yield f"{run.key} ({run.label}) was not finished: rows may be missing"
    for pair in comparison.pairs:
        causes = [setting for setting in pair.settings if _is_cause(setting)]
        if len(causes) > 1:
            yield (
                f"{pair.first} and {pair.second} differ in {len(causes)} settings ({'; '.join(causes)}): "
                "what differs between them has no single cause"
            )
        if comparison.evaluation and comparison.evaluation.path and pair.rows - pair.identical < FEW_CHANGES:
            yield (
                f"{pair.first} and {pair.second} differ in {pair.rows - pair.identical} rows only, where p by "
                "approximate randomization is far too small: like sacreBLEU it leaves ties out"
            )
        if pair.other_source:
            yield f"{pair.first} and {pair.second} were given different source texts in {pair.other_source:,} rows"
    if unpaired := len(comparison.unpaired()):
        yield f"{unpaired:,} of {len(comparison.rows):,} rows have no partner in some run; no score counts them"
    if (
        comparison.evaluation
        and comparison.evaluation.path
        and (left := len(comparison.rows) - unpaired - comparison.evaluation.rows)
    ):
        yield f"{left:,} rows have no reference; the scores are over the {comparison.evaluation.rows:,} that have one"
