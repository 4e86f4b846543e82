"""Sentence pairs for training: reading, cleaning and weighting them, and batches of similar length.

Origins differ in worth, so each pair carries the name of its origin; `WEIGHT` says how often an origin is seen in one
pass. A pair is dropped for a named reason (`fault`), and the reasons are counted: nothing is skipped silently.
"""

import lzma
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]

# Times an origin is seen in one pass. Edited news and the outputs of the best systems are what the model is for;
# dictionary lines teach words but no sentences, program messages neither.
WEIGHT = {
    "newstest": 2.0, "onmt": 1.0, "wmtsys_en": 1.0, "wmtsys_de": 1.0, "tatoeba": 1.0, "multi30k": 0.6, "stsb": 0.8,
    "ding": 0.35, "lohelp": 0.3, "sysmo": 0.1, "gnome": 0.4, "handbook": 0.4, "wesnoth": 0.5,
}  # fmt: skip
DICTIONARIES = frozenset({"ding"})

_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_MARKUP = re.compile(r"[{}<>|\\]|\[[^\]]*$|%[sdi]\b|\$\(|https?://|_\w+_")
_PLACEHOLDER = re.compile(r"\b(?:etw|jdn|jdm|jds|jd|sth|sb|so)\.|\bone's\b|\boneself\b| / ")
_OTHER_SCRIPT = re.compile(r"[^\x00-\u024f\u0300-\u036f\u2000-\u22ff]")
# German and English quotation marks become plain ones on the English side, so that the model has one way to write them.
_PLAIN_MARKS = str.maketrans({"“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "’": "'", "‘": "'", "‚": "'", "`": "'"})
_INVISIBLE = re.compile(r"[\u200b-\u200f\u2060\ufeff\u00ad]")


class PairError(Exception):
    """A line of a file of pairs cannot be read."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A German sentence, its English translation, and where they come from."""

    origin: str
    source: str
    target: str


def open_text(path: Path) -> TextIO:
    """Open a UTF-8 text file, compressed with xz if its name ends in .xz."""
    if path.suffix == ".xz":
        return lzma.open(path, "rt", encoding="utf-8", newline="\n")
    return path.open(encoding="utf-8", newline="\n")


def read_pairs(path: Path) -> Iterator[Pair]:
    """Read origin⇥German⇥English, or German⇥English with the file's name as origin; raise PairError on other lines."""
    with open_text(path) as lines:
        for number, line in enumerate(lines, 1):
            cells = line.rstrip("\r\n").split("\t")
            if len(cells) not in (2, 3):
                raise PairError(f"{path}:{number}: {len(cells)} columns instead of 2 or 3: {line[:60]!r}")
            yield Pair(cells[0] if len(cells) == 3 else path.stem, cells[-2], cells[-1])


def tidy(pair: Pair) -> Pair:
    """Compose accents, drop invisible characters, fold white space, and write English quotation marks plainly."""
    source, target = (
        " ".join(_INVISIBLE.sub("", unicodedata.normalize("NFC", s)).split()) for s in (pair.source, pair.target)
    )
    target = target.translate(_PLAIN_MARKS).replace("…", "...")
    return Pair(pair.origin, source, target)


def _numbers(text: str) -> list[str]:
    """The numbers of a text without their separators, sorted: 10.000 and 10,000 are the same."""
    return sorted(re.sub(r"\D", "", number).lstrip("0") for number in _NUMBER.findall(text))


def fault(pair: Pair) -> str:
    """The reason why a tidy pair is no training text, or an empty string."""
    source, target = pair.source, pair.target
    both = source + " " + target
    letters = sum(c.isalpha() for c in both)
    ratio = (len(source) + 6) / (len(target) + 6)
    numbers = _numbers(source), _numbers(target)
    checks = {
        "empty": not source or not target,
        "few letters": letters < len(both) * 0.5,
        "copy": source.lower() == target.lower(),
        "markup": _MARKUP.search(both) is not None,
        "dictionary form": pair.origin in DICTIONARIES and _PLACEHOLDER.search(both) is not None,
        "other script": _OTHER_SCRIPT.search(both) is not None,
        "length ratio": not (0.4 if len(both) < 40 else 0.55) < ratio < (3 if len(both) < 40 else 2),
        "numbers": numbers[0] != numbers[1] and all(numbers),
    }
    return next((reason for reason, found in checks.items() if found), "")


def clean_pairs(pairs: Iterable[Pair], dropped: Counter[str]) -> Iterator[Pair]:
    """Yield the tidy, faultless pairs, each once; count the others by reason in `dropped`."""
    seen: set[int] = set()
    for pair in map(tidy, pairs):
        reason = fault(pair)
        key = hash((pair.source, pair.target))
        if not reason and key in seen:
            reason = "duplicate"
        if reason:
            dropped[reason] += 1
            continue
        seen.add(key)
        yield pair


@dataclass(frozen=True, slots=True)
class Corpus:
    """Pairs as token ids, end mark included, one after the other; `*_at[i]` is where pair i begins."""

    source: npt.NDArray[np.uint16]
    target: npt.NDArray[np.uint16]
    source_at: Ints
    target_at: Ints
    weight: npt.NDArray[np.float32]

    @property
    def source_lengths(self) -> Ints:
        """Tokens of each source."""
        return np.diff(self.source_at)

    @property
    def target_lengths(self) -> Ints:
        """Tokens of each target."""
        return np.diff(self.target_at)

    def save(self, path: Path) -> None:
        """Write as .npz under a name that appears only when complete."""
        beside = path.with_name(path.name + ".part.npz")
        np.savez(beside, **{name: getattr(self, name) for name in self.__slots__})
        beside.replace(path)

    @classmethod
    def load(cls, path: Path) -> "Corpus":
        """Read what `save` wrote."""
        with np.load(path) as arrays:
            return cls(**{name: arrays[name] for name in cls.__slots__})


def pack(sources: list[list[int]], targets: list[list[int]], weights: list[float], *, eos: int, longest: int) -> Corpus:
    """Put encoded pairs of at most `longest` pieces a side into one Corpus, an end mark after each."""
    keep = [i for i in range(len(sources)) if 0 < len(sources[i]) < longest and 0 < len(targets[i]) < longest]

    def flat(side: list[list[int]]) -> tuple[npt.NDArray[np.uint16], Ints]:
        ends = np.cumsum([len(side[i]) + 1 for i in keep], dtype=np.int64)
        ids = np.fromiter((t for i in keep for t in (*side[i], eos)), dtype=np.uint16, count=int(ends[-1]))
        return ids, np.concatenate([np.zeros(1, np.int64), ends])

    (source, source_at), (target, target_at) = flat(sources), flat(targets)
    weight = np.array([weights[i] for i in keep], dtype=np.float32)
    return Corpus(source, target, source_at, target_at, weight)


@dataclass(frozen=True, slots=True)
class Batch:
    """Padded ids: source [rows, source length], target [rows, target length]."""

    source: Ints
    target: Ints


def padded(ids: npt.NDArray[np.uint16], at: Ints, rows: Ints, pad: int) -> Ints:
    """The given rows of a flat array as one padded matrix [rows, longest]."""
    lengths = at[rows + 1] - at[rows]
    columns = np.arange(lengths.max())
    inside = columns < lengths[:, None]
    found = ids[np.where(inside, at[rows][:, None] + columns, 0)].astype(np.int64)
    return np.where(inside, found, pad)


def batch_of(corpus: Corpus, rows: Ints, pad: int) -> Batch:
    """One padded batch of the given pairs."""
    return Batch(padded(corpus.source, corpus.source_at, rows, pad), padded(corpus.target, corpus.target_at, rows, pad))


def _drawn(weight: npt.NDArray[np.float32], rng: np.random.Generator) -> Ints:
    """Indices in random order, each as often as its weight says (the fraction by chance)."""
    times = np.floor(weight) + (rng.random(len(weight)) < weight - np.floor(weight))
    index = np.repeat(np.arange(len(weight)), times.astype(np.int64))
    rng.shuffle(index)
    return index


POOL = 100_000  # pairs that are sorted by length together: more gives less padding, fewer gives more variety


def plan_pool(corpus: Corpus, number: int, *, seed: int, tokens: int, longest: int) -> list[Ints]:
    """Batches of pair numbers for the `number`-th pool of pairs, the same whenever asked; pools make up passes.

    Pairs of over `longest` tokens a side are left out. The pool is sorted by both lengths and cut where rows times the
    longest would exceed `tokens`, then the batches are shuffled.
    """
    pools = max(1, round(float(corpus.weight.sum()) / POOL))
    rng = np.random.default_rng([seed, number // pools])
    rows = np.array_split(_drawn(corpus.weight, rng), pools)[number % pools]
    source, target = corpus.source_lengths[rows], corpus.target_lengths[rows]
    order = np.lexsort((source, target // 2))
    order = order[np.maximum(source, target)[order] <= longest]
    batches = _cut(rows[order], np.maximum(source, target)[order], tokens)
    return [batches[i] for i in np.random.default_rng([seed, number]).permutation(len(batches))]


def _cut(rows: Ints, lengths: Ints, tokens: int) -> list[Ints]:
    """Cut sorted rows into runs whose count times longest length is at most `tokens`."""
    out: list[Ints] = []
    begin = longest = 0
    for i, length in enumerate(lengths.tolist()):
        longest = max(longest, length)
        if i > begin and longest * (i - begin + 1) > tokens:
            out.append(rows[begin:i])
            begin, longest = i, length
    return [*out, rows[begin:]] if len(rows) else []
