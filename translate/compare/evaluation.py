"""A comparison and a reference → scores, intervals, significance and buckets, over the rows that all of them have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from translate.compare.findings import (
    Bucket,
    ComparedRow,
    CompareError,
    Comparison,
    Evaluation,
    Quality,
    Significance,
)
from translate.compare.scores import (
    RESAMPLES,
    TRIALS,
    Statistics,
    bootstrap,
    collect_statistics,
    describe,
    estimate_interval,
    paired_bootstrap,
    randomize,
    score,
    score_rows,
    seed,
    shuffle,
)
from translate.records import Flag

LENGTHS = ((0, 9), (10, 19), (20, 29), (30, 39), (40, 10**9))
"""Words of the source."""

ROW_METRIC = "chrf++"
"""The one that says something of a single sentence."""


@dataclass(frozen=True, slots=True)
class _Material:
    """The rows that count, and for each metric the statistics of each system."""

    keys: tuple[str, ...]
    rows: Sequence[ComparedRow]
    statistics: Mapping[str, Sequence[Statistics]]


def evaluate(comparison: Comparison, path: str, metrics: Sequence[str]) -> Comparison:
    """The comparison with its evaluation, and with each cell's own score. Raises CompareError if nothing has both."""
    rows = [row for row in comparison.rows if row.is_paired and row.reference is not None]
    if not rows:
        raise CompareError(f"no row of all runs has a reference in '{path}'", "check that it belongs to these texts")
    references = [row.reference or "" for row in rows]
    texts = [[cell.text for row in rows if (cell := row.cells[k])] for k in range(len(comparison.systems))]
    keys = tuple(system.key for system in comparison.systems)
    material = _Material(
        keys, rows, {name: [collect_statistics(name, text, references) for text in texts] for name in metrics}
    )
    qualities, tests = _score_systems(material)
    evaluation = Evaluation(
        path=path,
        rows=len(rows),
        metrics=tuple(metrics),
        signatures=_signatures(metrics),
        qualities=tuple(qualities),
        tests=tuple(tests),
        buckets=tuple(_fill_buckets(material)),
    )
    return replace(comparison, rows=tuple(_add_qualities(comparison, material)), evaluation=evaluation)


def _signatures(metrics: Sequence[str]) -> dict[str, str]:
    used = str(seed()).lower()
    signatures = {}
    for name in metrics:
        signatures[name] = describe(name, bs=RESAMPLES, seed=used)
        signatures[f"{name} bootstrap"] = describe(name, bs=RESAMPLES, seed=used)
        signatures[f"{name} randomization"] = describe(name, ar=TRIALS, seed=used)
    return signatures


def _score_systems(material: _Material) -> tuple[list[Quality], list[Significance]]:
    qualities: list[Quality] = []
    tests: list[Significance] = []
    shuffled = {name: shuffle(systems) for name, systems in material.statistics.items()}
    for name, systems in material.statistics.items():
        samples = bootstrap(name, systems)
        scores = [score(name, statistics) for statistics in systems]
        for key, value, sample in zip(material.keys, scores, samples, strict=True):
            qualities.append(Quality(key, name, value, estimate_interval(sample)))
        for i, j in combinations(range(len(systems)), 2):
            difference = scores[j] - scores[i]
            tests.append(
                Significance(
                    material.keys[i],
                    material.keys[j],
                    name,
                    difference,
                    paired_bootstrap(difference, samples[i], samples[j]),
                    randomize(name, (systems[i], shuffled[name][i]), (systems[j], shuffled[name][j])),
                )
            )
    return qualities, tests


def _fill_buckets(material: _Material) -> Iterator[Bucket]:
    rows = material.rows
    for low, high in LENGTHS:
        name = f"{low or 1}–{high}" if high < 10**9 else f"{low}+"
        yield from _bucket(material, "length", name, [low <= row.words <= high for row in rows])
    for doc in dict.fromkeys(row.doc for row in rows):
        yield from _bucket(material, "document", doc, [row.doc == doc for row in rows])
    for flag in Flag:
        yield from _bucket(material, "flag", flag.value, [_has_flag(row, flag) for row in rows])
    if any(cell.flags for row in rows for cell in row.cells if cell):
        unflagged = [not any(cell.flags for cell in row.cells if cell) for row in rows]
        yield from _bucket(material, "flag", "none", unflagged)


def _has_flag(row: ComparedRow, flag: Flag) -> bool:
    return any(flag in cell.flags for cell in row.cells if cell)


def _bucket(material: _Material, kind: str, name: str, chosen: Sequence[bool]) -> Iterator[Bucket]:
    """The bucket, unless it is empty."""
    places = [place for place, is_in in enumerate(chosen) if is_in]
    if places:
        scores = {
            key: {metric: score(metric, systems[k][places]) for metric, systems in material.statistics.items()}
            for k, key in enumerate(material.keys)
        }
        yield Bucket(kind, name, len(places), scores)


def _add_qualities(comparison: Comparison, material: _Material) -> Iterator[ComparedRow]:
    """The rows, each cell with its sentence score."""
    if ROW_METRIC not in material.statistics:
        yield from comparison.rows
        return
    columns = [score_rows(ROW_METRIC, statistics) for statistics in material.statistics[ROW_METRIC]]
    scored = {row.number: scores for row, scores in zip(material.rows, zip(*columns, strict=True), strict=True)}
    for row in comparison.rows:
        cells = tuple(
            replace(cell, quality={ROW_METRIC: value}) if cell else None
            for cell, value in zip(row.cells, scored.get(row.number, ()), strict=False)
        )
        yield replace(row, cells=cells) if row.number in scored else row
