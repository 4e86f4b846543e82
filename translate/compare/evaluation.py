"""A comparison and a reference, or figures from elsewhere → scores, intervals, significance and buckets, over the rows that all of them have."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, combinations

from translate.compare.evidence.words import Line, find_gains, find_rarities, thin_out
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
    METRICS,
    RESAMPLES,
    TRIALS,
    Statistics,
    bootstrap,
    collect_statistics,
    describe,
    estimate_interval,
    mean_statistics,
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


@dataclass(frozen=True, slots=True)
class RowFigures:
    """A metric from elsewhere: for each row of the comparison a figure a system, None where it has none."""

    name: str
    lower_is_better: bool
    values: Sequence[Sequence[float | None]]


def evaluate(
    comparison: Comparison, path: str, metrics: Sequence[str], figures: Sequence[RowFigures] = ()
) -> Comparison:
    """The comparison with its evaluation, and with each cell's own scores. No path means no reference.

    Raises CompareError if no row has all that a metric needs.
    """
    keys = tuple(system.key for system in comparison.systems)
    materials = [_by_reference(comparison, keys, path, metrics)] if path else []
    materials += [_by_figures(comparison, keys, figure) for figure in figures]
    qualities, tests = map(list, zip(*map(_score_systems, materials), strict=True))
    own = materials[0] if path else None
    lines = thin_out([_line(row) for row in own.rows]) if own else []
    evaluation = Evaluation(
        path=path,
        rows=len(materials[0].rows),
        metrics=tuple(name for material in materials for name in material.statistics),
        signatures=_signatures(metrics if path else ()),
        qualities=tuple(chain.from_iterable(qualities)),
        tests=tuple(chain.from_iterable(tests)),
        buckets=tuple(_fill_buckets(materials)),
        counts={name: len(m.rows) for m in materials for name in m.statistics if len(m.rows) != len(materials[0].rows)},
        lower=("ter", *(figure.name for figure in figures if figure.lower_is_better)),
        gains=tuple(find_gains(lines, keys)) if lines else (),
        rarities=tuple(find_rarities(lines, keys)) if lines else (),
    )
    for material in materials:
        comparison = replace(comparison, rows=tuple(_add_qualities(comparison, material)))
    return replace(comparison, evaluation=evaluation)


def _by_reference(comparison: Comparison, keys: tuple[str, ...], path: str, metrics: Sequence[str]) -> _Material:
    rows = [row for row in comparison.rows if row.is_paired and row.reference is not None]
    if not rows:
        hint = "check that it belongs to these texts, line by line; for lines of a text that was cut into many, give --source FILE too"
        raise CompareError(f"no row of all runs has a reference in '{path}'", hint)
    references = [row.reference or "" for row in rows]
    texts = [[cell.text for row in rows if (cell := row.cells[k])] for k in range(len(keys))]
    return _Material(
        keys, rows, {name: [collect_statistics(name, text, references) for text in texts] for name in metrics}
    )


def _by_figures(comparison: Comparison, keys: tuple[str, ...], figures: RowFigures) -> _Material:
    """Over the rows for which every system has a figure."""
    held = [(row, values) for row, values in zip(comparison.rows, figures.values, strict=True) if None not in values]
    if not held:
        hint = "give figures for rows that all of these runs have"
        raise CompareError(f"no row has a figure of '{figures.name}' for every run", hint)
    columns = zip(*(values for _, values in held), strict=True)
    statistics = [mean_statistics([value for value in column if value is not None]) for column in columns]
    return _Material(keys, [row for row, _ in held], {figures.name: statistics})


def _line(row: ComparedRow) -> Line:
    return Line(row.source, row.reference or "", tuple(cell.text for cell in row.cells if cell))


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
                    estimate_interval(samples[j] - samples[i]),
                )
            )
    return qualities, tests


def _fill_buckets(materials: Sequence[_Material]) -> Iterator[Bucket]:
    rows = materials[0].rows
    for low, high in LENGTHS:
        name = f"{low or 1}–{high}" if high < 10**9 else f"{low}+"
        yield from _bucket(materials, "length", name, partial(_is_long, low, high))
    for doc in dict.fromkeys(row.doc for row in rows):
        yield from _bucket(materials, "document", doc, partial(_is_of, doc))
    for flag in Flag:
        yield from _bucket(materials, "flag", flag.value, partial(_has_flag, flag))
    if any(cell.flags for row in rows for cell in row.cells if cell):
        yield from _bucket(materials, "flag", "none", lambda row: not any(c.flags for c in row.cells if c))


def _is_long(low: int, high: int, row: ComparedRow) -> bool:
    return low <= row.words <= high


def _is_of(doc: str, row: ComparedRow) -> bool:
    return row.doc == doc


def _has_flag(flag: Flag, row: ComparedRow) -> bool:
    return any(flag in cell.flags for cell in row.cells if cell)


def _bucket(
    materials: Sequence[_Material], kind: str, name: str, is_in: Callable[[ComparedRow], bool]
) -> Iterator[Bucket]:
    """The bucket, unless it is empty; without a metric that none of its rows has."""
    scores: dict[str, dict[str, float]] = {key: {} for key in materials[0].keys}
    count = 0
    for number, material in enumerate(materials):
        places = [place for place, row in enumerate(material.rows) if is_in(row)]
        count = count or len(places) * (number == 0)
        for metric, systems in material.statistics.items() if places else ():
            for key, statistics in zip(material.keys, systems, strict=True):
                scores[key][metric] = score(metric, statistics[places])
    if count:
        yield Bucket(kind, name, count, scores)


def _add_qualities(comparison: Comparison, material: _Material) -> Iterator[ComparedRow]:
    """The rows, each cell with its sentence score, if the metric says something of a single sentence."""
    metric = next((name for name in material.statistics if name == ROW_METRIC or name not in METRICS), None)
    if metric is None:
        yield from comparison.rows
        return
    columns = [score_rows(metric, statistics) for statistics in material.statistics[metric]]
    scored = {row.number: scores for row, scores in zip(material.rows, zip(*columns, strict=True), strict=True)}
    for row in comparison.rows:
        cells = tuple(
            replace(cell, quality={**cell.quality, metric: value}) if cell else None
            for cell, value in zip(row.cells, scored.get(row.number, ()), strict=False)
        )
        yield replace(row, cells=cells) if row.number in scored else row
