"""Pure: rows with a reference → the words and n-grams that one run gets right and another does not, and how often rare words are right.

Right is what stands in the reference and in the run's row, as often as in both. Which source word a word of the reference stands for is
guessed from the texts themselves: the one that it most often comes together with (Dice's coefficient).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from translate.compare.changes import tokenize

LONGEST = 4
"""Words of an n-gram."""
LEAST = 2
"""Rows more in which one run has it than the other: once is nothing."""
MOST = 12
"""N-grams that are listed for each of two runs."""
MOST_ROWS = 10_000
"""Rows that are looked at; of more as many, evenly spread."""
CLASSES = (
    (1, 1, "once"),
    (2, 4, "2–4 times"),
    (5, 19, "5–19 times"),
    (20, 99, "20–99 times"),
    (100, 1 << 60, "100 times or more"),
)
"""How often a source word stands in the texts."""
MOST_EXAMPLES = 6

Words = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """A row's source, its reference, and each run's text."""

    source: str
    reference: str
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Gain:
    """An n-gram of the reference, and how often it is right in the first run only and in the second only."""

    text: str
    first: int
    second: int


@dataclass(frozen=True, slots=True)
class Gains:
    """What each of two runs gets right more often than the other, the greatest difference first."""

    first: str
    second: str
    of_first: tuple[Gain, ...]
    of_second: tuple[Gain, ...]


@dataclass(frozen=True, slots=True)
class Rarity:
    """Words of the reference whose source word stands in the texts so often: how many, and how many each run gets right.

    `examples` are words that one run of a pair gets right more often than the other, by the letter of the better one.
    """

    name: str
    words: int
    right: Mapping[str, int]
    examples: Mapping[str, tuple[str, ...]]


def thin_out(lines: Sequence[Line]) -> Sequence[Line]:
    """At most `MOST_ROWS` of them."""
    count = min(len(lines), MOST_ROWS)
    return [lines[i * len(lines) // count] for i in range(count)]


def find_gains(lines: Sequence[Line], keys: Sequence[str]) -> Iterator[Gains]:
    """For each two runs the n-grams that one of them gets right more often."""
    pairs = list(combinations(range(len(keys)), 2))
    counts: dict[tuple[int, int], tuple[Counter[Words], Counter[Words]]] = {p: (Counter(), Counter()) for p in pairs}
    for line in lines:
        wanted = _ngrams(line.reference)
        matches = [_ngrams(text) & wanted for text in line.texts]
        for i, j in pairs:
            if line.texts[i] != line.texts[j]:
                counts[i, j][0].update(matches[i] - matches[j])
                counts[i, j][1].update(matches[j] - matches[i])
    for i, j in pairs:
        first, second = counts[i, j]
        found = [Gain(" ".join(words), first[words], second[words]) for words in first.keys() | second.keys()]
        yield Gains(
            keys[i],
            keys[j],
            tuple(_best(found, lambda gain: gain.first - gain.second)),
            tuple(_best(found, lambda gain: gain.second - gain.first)),
        )


def _ngrams(text: str) -> Counter[Words]:
    words = [token.text for token in tokenize(text) if token.is_word]
    return Counter(tuple(words[i : i + n]) for n in range(1, LONGEST + 1) for i in range(len(words) - n + 1))


def _best(found: Sequence[Gain], lead: Callable[[Gain], int]) -> Iterator[Gain]:
    """The greatest leads; of equal ones the longest, and none that is a part of one already given with the same numbers."""
    given: list[Gain] = []
    for gain in sorted(found, key=lambda gain: (-lead(gain), -len(gain.text.split()), gain.text)):
        if lead(gain) < LEAST or len(given) == MOST:
            return
        counts = gain.first, gain.second
        if any(f" {gain.text} " in f" {other.text} " and counts == (other.first, other.second) for other in given):
            continue
        given.append(gain)
        yield gain


def find_rarities(lines: Sequence[Line], keys: Sequence[str]) -> Iterator[Rarity]:
    """The classes of how often the source word occurs that have any words, the rarest first."""
    rows = [(_words(line.source), _words(line.reference), [set(_words(text)) for text in line.texts]) for line in lines]
    frequency = Counter(word for source, _, _ in rows for word in source)
    align = _Aligner([(source, reference) for source, reference, _ in rows])
    totals = dict.fromkeys(range(len(CLASSES)), 0)
    right = {(c, k): 0 for c in totals for k in range(len(keys))}
    leads: dict[tuple[int, int], Counter[str]] = {place: Counter() for place in right}
    for source, reference, texts in rows:
        for word in dict.fromkeys(reference):
            origin = align.find(word, source)
            if origin is None:
                continue
            c = next(n for n, (low, high, _) in enumerate(CLASSES) if low <= frequency[origin] <= high)
            totals[c] += 1
            hits = [word in text for text in texts]
            for k, hit in enumerate(hits):
                right[c, k] += hit
                leads[c, k][word] += hit and not all(hits)
                leads[c, k][word] -= not hit and any(hits)
    for c, total in totals.items():
        if total:
            yield Rarity(
                CLASSES[c][2],
                total,
                {key: right[c, k] for k, key in enumerate(keys)},
                {key: tuple(_examples(leads[c, k])) for k, key in enumerate(keys)},
            )


def _words(text: str) -> list[str]:
    return [token.text.casefold() for token in tokenize(text) if token.is_word]


def _examples(leads: Counter[str]) -> Iterator[str]:
    """Words with the greatest lead over some other run."""
    ordered = sorted(leads.items(), key=lambda item: (-item[1], item[0]))
    yield from (word for word, lead in ordered[:MOST_EXAMPLES] if lead >= LEAST - 1)


class _Aligner:
    """Which source word a word of the reference most likely stands for."""

    def __init__(self, rows: Sequence[tuple[list[str], list[str]]]) -> None:
        self._source: Counter[str] = Counter()
        self._reference: Counter[str] = Counter()
        self._both: Counter[tuple[str, str]] = Counter()
        for source, reference in rows:
            here, there = set(source), set(reference)
            self._source.update(here)
            self._reference.update(there)
            self._both.update((word, origin) for word in there for origin in here)

    def find(self, word: str, source: Sequence[str]) -> str | None:
        """Of the row's source words; None if there are none."""
        if word in source:  # a name, a number
            return word
        return max(source, key=lambda origin: self._dice(word, origin), default=None)

    def _dice(self, word: str, origin: str) -> float:
        return 2 * self._both[word, origin] / (self._reference[word] + self._source[origin])
