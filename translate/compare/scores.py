"""sacreBLEU's metrics, their intervals and significance, from statistics that are taken once a row.

Every figure is the one that sacreBLEU's own command gives on the same lines: the same statistics, the same resamples
(its seed is 12345, or the environment variable SACREBLEU_SEED), added up for all systems together.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import cache
from multiprocessing import get_context
from typing import Any

import numpy as np
from numpy.typing import NDArray

Statistics = NDArray[np.float64]
"""Rows x the metric's counts (n-gram matches, lengths, edits)."""
Scores = NDArray[np.float64]

SACREBLEU = ("bleu", "chrf", "chrf++", "ter")
METRICS = ("bleu", "chrf++", "ter")
"""Against a reference. Between two runs: bleu and chrf."""

RESAMPLES = 1000
"""Of the bootstrap; as sacreBLEU."""
TRIALS = 10_000
"""Of approximate randomization; as sacreBLEU."""
DRAWN_AT_ONCE = 1 << 22
"""Random numbers at a time: 32 MiB as float64."""
ROWS_A_TASK = 250
FEWEST_TASKS = 6
"""Fewer are computed here: starting other processes takes a second or two."""


@dataclass(frozen=True, slots=True)
class Interval:
    """95 % of the bootstrapped scores, and their mean. sacreBLEU prints it as mean ± half the width."""

    mean: float
    low: float
    high: float


@cache
def load_metric(name: str) -> Any:
    """sacreBLEU's metric, ready to give its signature."""
    from sacrebleu.metrics import BLEU, CHRF, TER

    metric = {"bleu": BLEU, "chrf": CHRF, "chrf++": lambda: CHRF(word_order=2), "ter": TER}[name]()
    metric.corpus_score(["a"], [["a"]])  # without a reference seen, there is no signature
    return metric


def describe(name: str, **extra: int | str) -> str:
    """sacreBLEU's signature, with the names and values of a test or interval where there is one."""
    signature = load_metric(name).get_signature()
    for key, value in extra.items():
        signature.update(key, value)
    return str(signature)


def collect_statistics(name: str, hypotheses: Sequence[str], references: Sequence[str]) -> Statistics:
    """Each row's statistics; equal pairs are counted once, many rows by all cores."""
    pairs = list(zip(hypotheses, references, strict=True))
    unique = list(dict.fromkeys(pairs))
    tasks = [unique[i : i + ROWS_A_TASK] for i in range(0, len(unique), ROWS_A_TASK)]
    if len(tasks) < FEWEST_TASKS or (os.cpu_count() or 1) < 2:
        counted = [_count(name, task) for task in tasks]
    else:
        try:
            with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
                counted = list(pool.map(_count, [name] * len(tasks), tasks))
        except (BrokenProcessPool, OSError):  # one was killed, or the system lets us have no more: slower, and the same
            counted = [_count(name, task) for task in tasks]
    counts = dict(zip(unique, (row for rows in counted for row in rows), strict=True))
    return np.array([counts[pair] for pair in pairs], dtype=np.float64)


def _count(name: str, pairs: Sequence[tuple[str, str]]) -> list[list[float]]:
    """A task's statistics. sacreBLEU has no public way to them; its own tests of significance begin so."""
    hypotheses, references = zip(*pairs, strict=True)
    rows: list[list[float]] = load_metric(name)._extract_corpus_statistics(hypotheses, [references])
    return rows


def score(name: str, statistics: Statistics) -> float:
    """The corpus score of all these rows."""
    return _score_total(name, statistics.sum(0)) if len(statistics) else 0.0


def score_rows(name: str, statistics: Statistics) -> list[float]:
    """The score of each row alone."""
    return [_score_total(name, row) for row in statistics]


def mean_statistics(values: Sequence[float]) -> Statistics:
    """Statistics of a metric that another program computed: its score over some rows is their mean."""
    return np.column_stack([np.asarray(values, np.float64), np.ones(len(values))])


def _score_total(name: str, total: NDArray[np.float64]) -> float:
    if name not in SACREBLEU:
        return float(total[0] / total[1])
    return float(load_metric(name)._compute_score_from_stats(total.tolist()).score)


def _score_totals(name: str, totals: Iterable[NDArray[np.float64]]) -> Scores:
    return np.array([_score_total(name, total) for total in totals])


def seed() -> int | None:
    """The seed that sacreBLEU would use."""
    value = os.environ.get("SACREBLEU_SEED", "12345").lower()
    return None if value == "none" else int(value)


def bootstrap(name: str, systems: Sequence[Statistics]) -> list[Scores]:
    """Each system's scores on the same `RESAMPLES` resamples of the rows, drawn with replacement."""
    rows = len(systems[0])
    rng = np.random.default_rng(seed())
    totals: list[list[NDArray[np.float64]]] = [[] for _ in systems]
    for size in _blocks(RESAMPLES, max(1, DRAWN_AT_ONCE // rows)):
        for drawn in rng.choice(rows, size=(size, rows), replace=True):
            weights = np.bincount(drawn, minlength=rows).astype(np.float64)
            for total, statistics in zip(totals, systems, strict=True):
                total.append(weights @ statistics)
    return [_score_totals(name, total) for total in totals]


def estimate_interval(samples: Scores) -> Interval:
    """The middle 95 % of bootstrapped scores, by sorting: scores need not be normally distributed (Koehn 2004)."""
    ordered = np.sort(samples)
    cut = len(ordered) // 40
    return Interval(float(ordered.mean()), float(ordered[cut]), float(ordered[-cut - 1]))


def paired_bootstrap(difference: float, first: Scores, second: Scores) -> float:
    """p of the null hypothesis that the two systems are equally good (Koehn 2004), from the same resamples of both."""
    samples = np.abs(second - first)
    return _p_value(samples - samples.mean(), abs(difference))


def shuffle(systems: Sequence[Statistics]) -> list[NDArray[np.float64]]:
    """For each system the totals of the rows that stay in place, in each of `TRIALS` trials; the others are swapped."""
    rows = len(systems[0])
    rng = np.random.default_rng(seed())
    parts: list[list[NDArray[np.float64]]] = [[] for _ in systems]
    # numpy draws booleans 32 at a time: with multiples of 32 trials a block, the blocks are what one draw would be
    for size in _blocks(TRIALS, max(32, DRAWN_AT_ONCE // rows // 32 * 32)):
        stays = rng.integers(2, size=(size, rows), dtype=bool).astype(np.float64)
        for part, statistics in zip(parts, systems, strict=True):
            part.append(stays @ statistics)
    return [np.concatenate(part) for part in parts]


def randomize(
    name: str, first: tuple[Statistics, NDArray[np.float64]], second: tuple[Statistics, NDArray[np.float64]]
) -> float:
    """p by approximate randomization (Riezler and Maxwell 2005); a system is its statistics and its `shuffle`."""
    (statistics, stays), (other, other_stays) = first, second
    one = _score_totals(name, stays + other.sum(0) - other_stays)
    two = _score_totals(name, statistics.sum(0) - stays + other_stays)
    return _p_value(np.abs(one - two), abs(score(name, statistics) - score(name, other)))


def _p_value(samples: Scores, difference: float) -> float:
    """Share of the samples beyond the difference; never 0, as sacreBLEU has it."""
    return (int(np.sum(samples > difference)) + 1) / (len(samples) + 1)


def _blocks(total: int, size: int) -> Iterator[int]:
    for start in range(0, total, size):
        yield min(size, total - start)
