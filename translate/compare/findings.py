"""Pure: the records that a comparison consists of, from its rows up to its systems and pairs. Scores are in points of 100."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from translate.compare.changes import Change, Span
from translate.compare.evidence.words import Gains, Rarity
from translate.compare.scores import Interval
from translate.records import Flag, Signature, TranslateError

LABELS = {"bleu": "BLEU", "chrf": "chrF", "chrf++": "chrF++", "ter": "TER"}
"""The metrics' names as people write them."""


def label(metric: str) -> str:
    """The metric's name as people write it."""
    return LABELS.get(metric, metric)


class CompareError(TranslateError):
    """Runs that cannot be compared as asked."""


@dataclass(frozen=True, slots=True)
class System:
    """One run: its letter, its name, and how big it is. `score` is the mean over its rows, None without any."""

    key: str
    label: str
    path: str
    signature: Signature | None
    documents: int
    rows: int
    score: float | None
    flags: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Cell:
    """What one run has for a group: its sentences' numbers, their targets joined, and what is known of them.

    `source` is set where it is another than the group's; `quality` is metric → sentence score against the reference.
    """

    sentences: tuple[int, ...]
    text: str
    score: float | None
    flags: tuple[Flag, ...]
    source: str | None = None
    quality: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Difference:
    """From the first cell of a pair to the second. `disagreement` ranks the rows that are most worth reading.

    `chrf` is 0 to 100, `edits` counts tokens, `removed` and `added` are spans of the first and the second text.
    """

    changes: tuple[Change, ...]
    edits: int
    chrf: float
    disagreement: float
    removed: tuple[Span, ...] = ()
    added: tuple[Span, ...] = ()


PairKey = tuple[str, str]
"""The letters of two systems, in their order."""


@dataclass(frozen=True, slots=True)
class ComparedRow:
    """A group of sentences that say the same: a cell for each system, a difference for each pair of systems.

    A pair of which neither has a cell has None. `words` counts the source's, or the first translation's where there is no source. Numbers start with 1.
    """

    number: int
    doc: str
    source: str
    words: int
    cells: tuple[Cell | None, ...]
    differences: Mapping[PairKey, Difference | None]
    reference: str | None = None

    @property
    def is_paired(self) -> bool:
        """Whether every system has it."""
        return None not in self.cells

    @property
    def is_identical(self) -> bool:
        """Whether no two systems differ in it."""
        return all(found and Change.IDENTICAL in found.changes for found in self.differences.values())

    @property
    def disagreement(self) -> float:
        """That of the pair that disagrees most."""
        return max((found.disagreement for found in self.differences.values() if found), default=0.0)


@dataclass(frozen=True, slots=True)
class FlagChange:
    """How many rows have a flag in the second system only (won), in the first only (lost), in both."""

    flag: Flag
    won: int
    lost: int
    both: int


@dataclass(frozen=True, slots=True)
class Pair:
    """Two systems without any reference. BLEU and chrF are the second's, with the first as reference.

    `rows` are those that both have; `length_ratio` is characters of the second over characters of the first;
    `score_difference` the mean of second minus first, where both have a score, each under its own model.
    """

    first: str
    second: str
    rows: int
    only_first: int
    only_second: int
    other_source: int
    identical: int
    bleu: float
    chrf: float
    signatures: Mapping[str, str]
    edits: int
    tokens: int
    length_ratio: float
    score_difference: float | None
    changes: Mapping[Change, int]
    flags: tuple[FlagChange, ...]
    settings: tuple[str, ...]
    """The settings that differ, as `name first → second`."""

    @property
    def key(self) -> PairKey:
        """What a row's differences are found by."""
        return self.first, self.second

    @property
    def share_identical(self) -> float:
        """Of the rows that both have, 0 to 1."""
        return self.identical / self.rows if self.rows else 0.0

    @property
    def identical_in_words(self) -> str:
        """Number and share; 100 % is said only of all."""
        percent = 100 * self.share_identical
        return f"{self.identical:,} ({percent if percent == 100 else min(percent, 99.9):.1f} %)"


@dataclass(frozen=True, slots=True)
class Quality:
    """A system's score against the reference, with its 95 % interval."""

    system: str
    metric: str
    score: float
    interval: Interval


@dataclass(frozen=True, slots=True)
class Significance:
    """Whether two systems' scores differ: second minus first with its 95 % interval, and p by both tests."""

    first: str
    second: str
    metric: str
    difference: float
    p_bootstrap: float
    p_randomization: float
    interval: Interval


@dataclass(frozen=True, slots=True)
class Bucket:
    """Scores over some of the rows. `kind` is length, document or flag; `scores` is system → metric → score."""

    kind: str
    name: str
    rows: int
    scores: Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All that a reference gives, over the rows that every system and the reference have; and figures from elsewhere.

    Without a reference `path` is empty, and `rows` counts those that have the first of the other figures.
    """

    path: str
    rows: int
    metrics: tuple[str, ...]
    signatures: Mapping[str, str]
    """Metric → that of the score; `metric bootstrap` and `metric randomization` → those of the tests."""
    qualities: tuple[Quality, ...]
    tests: tuple[Significance, ...]
    buckets: tuple[Bucket, ...]
    counts: Mapping[str, int] = field(default_factory=dict)
    """Metric → the rows that have it, where they are others than `rows`."""
    lower: tuple[str, ...] = ("ter",)
    """The metrics that count errors."""
    gains: tuple[Gains, ...] = ()
    rarities: tuple[Rarity, ...] = ()

    @property
    def row_metrics(self) -> tuple[str, ...]:
        """Those that have a figure for each row."""
        return tuple(name for name in self.metrics if name not in ("bleu", "ter"))

    def score(self, system: str, metric: str) -> float:
        """A system's score."""
        return next(q.score for q in self.qualities if (q.system, q.metric) == (system, metric))


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything. `notices` are what a reader must know before trusting a figure."""

    systems: tuple[System, ...]
    pairs: tuple[Pair, ...]
    rows: tuple[ComparedRow, ...]
    notices: tuple[str, ...] = ()
    evaluation: Evaluation | None = None

    @property
    def changed(self) -> int:
        """The rows that every system has, and not all the same."""
        return sum(row.is_paired and not row.is_identical for row in self.rows)

    def worst(self, count: int) -> list[ComparedRow]:
        """The rows most worth reading: the greatest disagreement first, of those that every system has; no row twice."""
        unique = {(row.source, *(cell and cell.text for cell in row.cells)): row for row in reversed(self.rows)}
        changed = (row for row in unique.values() if row.is_paired and not row.is_identical)
        return sorted(changed, key=lambda row: (-row.disagreement, row.number))[:count]

    def unpaired(self) -> list[ComparedRow]:
        """The rows that some system does not have."""
        return [row for row in self.rows if not row.is_paired]
