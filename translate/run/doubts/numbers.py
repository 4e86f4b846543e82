"""Two sentences → what of their numbers stands on one side only, in words."""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from translate.run.doubts.english import LANGUAGE as ENGLISH
from translate.run.doubts.german import LANGUAGE as GERMAN
from translate.run.doubts.mentions import Key, Kind, Mention
from translate.run.doubts.reading import Language, plain
from translate.run.doubts.words import read_german, read_roman

GERMAN_MINUS = re.compile(
    r"minus|unter (?:null|dem gefrier)|frost|rückg|gesunk|sank|sink|fiel|fällt|verl|einbu|weniger|rabatt|reduz|nachlass|negativ|gefallen|tiefer"
)
ENGLISH_MINUS = re.compile(
    r"minus|below|sub-?zero|negative|down|f[ae]ll|los[st]|declin|drop|lower|decreas|less|short|off\b|discount|reduc|sav|cut|cheap|behind|under|deficit"
)
"""Words that say in another way what a minus says."""
ROMAN = re.compile(r"\b(?=[IVXLCM]{2}|[VX]\b|I\.)M{0,3}(?:C[MD]|D?C{0,3})(?:X[CL]|L?X{0,3})(?:IX|IV|V?I{0,3})\b")
COMPOUND = re.compile(r"[a-zäöüß]{3}(zweit|dritt|viert|fünft|sechst|siebt|acht|neunt|zehnt)(?:e[nrsm]?|plat\w+)\b")
"""Tabellenvierter"""
AROUND_THE_CLOCK = re.compile(r"rund um die uhr")
TIMES = {10: "ten times", 100: "a hundred times", 1000: "a thousand times", 10**6: "a million times"}
CONTRADICTING = (Kind.CARDINAL, Kind.FRACTION, Kind.MAGNITUDE, Kind.MONTH)


@dataclass(slots=True)
class _Side:
    """One sentence, its mentions, and those of them that the other has not answered yet."""

    original: str
    text: str
    """As `plain` gives it."""
    mentions: list[Mention]
    open: list[Mention]
    soft: frozenset[Key]
    """All that its words may mean."""

    @classmethod
    def read(cls, original: str, language: Language) -> _Side:
        text = plain(original)
        mentions = language.read(text)
        soft = frozenset(key for mention in mentions if not mention.firm for key in mention.keys)
        return cls(original, text, mentions, [mention for mention in mentions if mention.firm], soft)


def find_number_mismatch(source: str, target: str) -> str:
    """What is wrong with the numbers of an English translation of a German sentence; empty if nothing is."""
    left, right = _Side.read(source, GERMAN), _Side.read(target, ENGLISH)
    if left.open or right.open:
        left.open, right.open = _pair(left.open, right.open)
        left.open, right.open = _close(left, right.soft, whole=True), _close(right, left.soft, whole=True)
        _take_apart(left, right)
        _settle(left, right)
        _forgive(left, right)
        if left.open or right.open:
            return _describe(left, right)
    return _contradict(left, right)


def _settle(left: _Side, right: _Side) -> None:
    """Close what is on both sides: each mention answers one, words answer any number."""
    left.open, right.open = _pair(left.open, right.open)
    left.open, right.open = _close(left, right.soft), _close(right, left.soft)


def _close(side: _Side, soft: frozenset[Key], *, whole: bool = False) -> list[Mention]:
    """What words of the other side do not answer; with `whole`, what has no parts waits for those of the other side."""
    return [m for m in side.open if (whole and not m.parts) or soft.isdisjoint(m.keys)]


def _pair(left: Sequence[Mention], right: Sequence[Mention]) -> tuple[list[Mention], list[Mention]]:
    """Those of either side that have no partner on the other. Equal ones are paired first."""
    same = Counter(mention.keys for mention in left) & Counter(mention.keys for mention in right)
    left, right = _without(left, Counter(same)), _without(right, Counter(same))
    if not left or not right:
        return list(left), list(right)
    places: dict[Key, deque[int]] = {}
    for i, mention in enumerate(right):
        for key in mention.keys:
            places.setdefault(key, deque()).append(i)
    taken: set[int] = set()
    rest = []
    for mention in left:
        free = (_first_free(places.get(key), taken) for key in mention.keys)
        partner = min((place for place in free if place is not None), default=None)
        if partner is None:
            rest.append(mention)
        else:
            taken.add(partner)
    return rest, [mention for i, mention in enumerate(right) if i not in taken]


def _first_free(places: deque[int] | None, taken: set[int]) -> int | None:
    """The first of the places that is not taken; those before it are given up, so that many alike take linear time."""
    while places and places[0] in taken:
        places.popleft()
    return places[0] if places else None


def _without(mentions: Iterable[Mention], paired: Counter[frozenset[Key]]) -> list[Mention]:
    rest = []
    for mention in mentions:
        if paired[mention.keys]:
            paired[mention.keys] -= 1
        else:
            rest.append(mention)
    return rest


def _take_apart(left: _Side, right: _Side) -> None:
    """Into their parts, what is written piece by piece on one side at least."""
    for side in (left, right):
        parts = [part for mention in side.open for part in (mention.parts or (mention,))]
        side.open = [part for part in parts if part.firm]
        side.soft |= {key for part in parts if not part.firm for key in part.keys}
        side.mentions = [m for m in side.mentions if not m.parts] + [part for part in parts if not part.firm]


def _forgive(left: _Side, right: _Side) -> None:
    """What the texts say in another way: a minus in words, figures in other groups, round the clock."""
    if any((mention.amount or 0) < 0 for mention in (*left.open, *right.open)):
        for side, other, words in ((left, right, ENGLISH_MINUS), (right, left, GERMAN_MINUS)):
            if words.search(other.text):
                side.open = [_positive(mention) for mention in side.open]
        _settle(left, right)
    if len(left.open) == len(right.open) and all(map(_converted, left.open, right.open)):
        left.open, right.open = [], []
    if left.open and right.open and _same_digits(left, right):
        left.open, right.open = [], []
    for side, other in ((left, right), (right, left)):
        if side.open and (numerals := ROMAN.findall(other.original)):
            values = {Fraction(read_roman(numeral)) for numeral in numerals if numeral}
            side.open = [mention for mention in side.open if values.isdisjoint(mention.keys)]
    if right.open and (ordinals := COMPOUND.findall(left.text)):
        values = {Fraction(read_german(ordinal.removesuffix("t")) or read_german(ordinal)) for ordinal in ordinals}
        right.open = [mention for mention in right.open if values.isdisjoint(mention.keys)]
    if right.open and AROUND_THE_CLOCK.search(left.text):
        right.open = [mention for mention in right.open if mention.amount not in (24, 7)]


def _positive(mention: Mention) -> Mention:
    if mention.amount is None or mention.amount >= 0:
        return mention
    keys = frozenset(abs(key) if isinstance(key, Fraction) else key for key in mention.keys)
    return replace(mention, keys=keys, amount=-mention.amount)


def _converted(german: Mention, english: Mention) -> bool:
    """Whether it is the same length or weight: 8 Kilometer, five miles."""
    mine, other = dict(_sizes(german)), dict(_sizes(english))
    return any(0.85 <= other.get(quantity, 0) / size <= 1.15 for quantity, size in mine.items() if size)


def _sizes(mention: Mention) -> Iterator[tuple[str, Fraction]]:
    for key in mention.keys:
        if isinstance(key, tuple) and key[0] in ("metres", "grams") and isinstance(key[1], Fraction):
            yield str(key[0]), key[1]


def _same_digits(left: _Side, right: _Side) -> bool:
    """Whether both have one long number, in other groups: 030/12 34 56 and 030 123456, or +49 30 123456."""
    mine, other = _digits(left), _digits(right)
    if "+49" in right.text and other.startswith("49"):
        return mine.lstrip("0") == other[2:].lstrip("0")
    return mine == other and len(mine) >= 5 and max(len(left.open), len(right.open)) > 1


def _digits(side: _Side) -> str:
    return "".join(c for mention in side.open for c in side.text[mention.start : mention.end] if c.isdecimal())


def _contradict(left: _Side, right: _Side) -> str:
    """Words of one kind that are on one side only, some on either: drei Milliarden → three million; Mai → June."""
    found = {mention.kind for mention in left.mentions} & {mention.kind for mention in right.mentions}
    for kind in CONTRADICTING:
        if kind not in found:
            continue
        mine = [m for m in left.mentions if m.kind is kind and (m.amount or 0) >= 0 and _alone(m, right)]
        other = [m for m in right.mentions if m.kind is kind and (m.amount or 0) >= 0 and _alone(m, left)]
        if mine and other and not _converted(mine[0], other[0]):
            return f"source has {_quote(left, mine[:1])}, target has {_quote(right, other[:1])}"
    return ""


def _alone(mention: Mention, other: _Side) -> bool:
    keys = mention.keys
    return other.soft.isdisjoint(keys) and all(keys.isdisjoint(theirs.keys) for theirs in other.mentions)


def _describe(left: _Side, right: _Side) -> str:
    if not right.open:
        return f"source has {_quote(left, left.open)}, which the target does not have"
    if not left.open:
        return f"target has {_quote(right, right.open)}, which the source does not have"
    told = f"source has {_quote(left, left.open)}, target has {_quote(right, right.open)}"
    if len(left.open) == len(right.open) == 1:
        told += _explain(left.open[0].amount, right.open[0].amount)
    return told


def _explain(source: Fraction | None, target: Fraction | None) -> str:
    """How the two amounts differ, where it has a name."""
    if not source or not target:
        return ""
    if source == -target:
        return ": the sign is lost" if source < 0 else ": a sign is added"
    for times, name in TIMES.items():
        if source == target * times:
            return f": {name} less"
        if target == source * times:
            return f": {name} more"
    return ""


def _quote(side: _Side, mentions: Sequence[Mention]) -> str:
    """The mentions as they stand in the text, each place once."""
    places = dict.fromkeys((mention.start, mention.end) for mention in mentions)
    text = side.original if len(side.original) == len(side.text) else side.text
    return ", ".join(text[start:end].rstrip(".") for start, end in places)
