"""A sentence → its mentions: what both languages do alike. `german` and `english` say how each writes things."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from translate.run.doubts.mentions import Key, Kind, Mention, clock_keys, is_clock
from translate.run.doubts.units import UNSURE_MAGNITUDES, Unit

Reader = Callable[["re.Match[str]"], "Mention | None"]

SAME = str.maketrans(
    {**dict.fromkeys("\u00a0\u202f\u2009\u2007\u2002\u2003\t\n\r", " "), **dict.fromkeys("−‑‐", "-"), "’": "'"}
)
RARE = re.compile(r"[\u00bc-\u00be\u2150-\u215e\u2189\u00b2\u00b3\u00b9\u2070-\u209c\uff01-\uff5e\u0300-\u0308]")
VULGAR = re.compile(r"(\d?)([\u00bc-\u00be\u2150-\u215e\u2189])")
RAISED = str.maketrans({char: f"^{n}" for n, char in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")})
POWER = re.compile(r"(?<=\d)\^(\d)\b")
OTHER_POWER = re.compile(r"\^\d")
AREA = re.compile(r"\b((?:k|c|m|d|h)?m|ft|in|(?<=/)s)[23]\b")
NAMES = re.compile(r"\b(?:covid|sars-cov|cov)[- ]?(?:19|2)\b")
"""Names with a figure that the other side may call by another name."""

SIGN = re.compile(r"(?:^|[\s(„\"“])[-–]$|\b(?<!plus/)(?<!plus or )(?<!plus oder )minus $")
RANGE = re.compile(r" ?(?:-|–|/|bis|und|oder|to|and|or) ?| bis zu ")
MOST_MAGNITUDES = 3
"""Words behind a number that are looked at: two hundred thousand million, and a unit."""
FOLLOWING = re.compile(r"[ -]?(%|[a-zäöüß]+\.?)")


def plain(text: str) -> str:
    """The text in small letters, with one kind of blank and minus, and figures for ½ and ₂."""
    text = text.lower().translate(SAME)
    if RARE.search(text):
        text = VULGAR.sub(lambda found: f"{found[1]} {unicodedata.normalize('NFKC', found[2])}", text).translate(RAISED)
        text = unicodedata.normalize("NFKC", text).replace("\u2044", "/")
        text = OTHER_POWER.sub("", POWER.sub(r"~\1", text)).replace("~", "^")
    return NAMES.sub("", AREA.sub(r"\1", text))


@dataclass(frozen=True, slots=True)
class Language:
    """How a language writes numbers."""

    pattern: re.Pattern[str]
    """A group for each way of writing, tried in their order."""
    readers: Mapping[str, Reader]
    """Group → what it says."""
    magnitudes: Mapping[str, int]
    units: Mapping[str, Unit]

    def read(self, text: str) -> list[Mention]:
        """The mentions of a text that `plain` has given, in their order."""
        found: list[Mention] = []
        end = 0
        for match in self.pattern.finditer(text):
            if match.start() < end:
                continue  # the million of 3 million
            mention = self.readers[match.lastgroup or ""](match)
            if mention is not None:
                mention = self._extend(_sign(mention, text), text)
                end = mention.end
                found[-1:] = _join(found[-1], mention, text) if found else [mention]
        return found

    def _extend(self, mention: Mention, text: str) -> Mention:
        """With what the words behind it make of it: a magnitude, then a unit."""
        if mention.amount is None:
            return mention
        for _ in range(MOST_MAGNITUDES):
            following = FOLLOWING.match(text, mention.end)
            if following is None:
                break
            word = following[1]
            size = self.magnitudes.get(word) or self.magnitudes.get(word.rstrip("."))
            if size is None:
                unit = self.units.get(word) or self.units.get(word.rstrip("."))
                return _measure(mention, unit) if unit else mention
            sure = word.rstrip(".") not in UNSURE_MAGNITUDES or _is_money(text, mention.start)
            mention = _multiply(mention, size, following.end(), sure=sure)
        return mention


def _is_money(text: str, start: int) -> bool:
    """Whether the sign of a currency stands before it: £5m."""
    return text[max(0, start - 2) : start].rstrip()[-1:] in ("€", "$", "£", "¥")


def _multiply(mention: Mention, size: int, end: int, *, sure: bool) -> Mention:
    """3 | million."""
    before = mention.amount or Fraction(0)
    keys: set[Key] = {before * size, *(() if sure else mention.keys)}
    kind, firm = mention.kind, mention.firm
    if sure and size >= 10**6:
        if before == 1:
            keys.add(("bare", size))
        if not firm:
            kind, firm = Kind.MAGNITUDE, before > 1
    return replace(
        mention, end=end, keys=frozenset(keys), amount=before * size, kind=kind, firm=firm, size=mention.size * size
    )


def _measure(mention: Mention, unit: Unit) -> Mention:
    """90 | minutes."""
    quantity, size = unit
    amount = (mention.amount or 0) * size
    keys: set[Key] = {*mention.keys, (quantity, amount)}
    if quantity == "money":
        keys.add(amount)
    return replace(mention, keys=frozenset(keys))


def _sign(mention: Mention, text: str) -> Mention:
    """With the minus before it, if there is one that is no dash."""
    if not mention.amount or not SIGN.search(text, max(0, mention.start - 18), mention.start):
        return mention
    if text[max(0, mention.start - 18) : mention.start].rstrip("–- ").removesuffix("minus").rstrip()[-1:].isdecimal():
        return mention  # 5 - 3
    keys = frozenset(-key for key in mention.keys if isinstance(key, Fraction))
    return replace(mention, keys=keys or mention.keys, amount=-mention.amount)


def _times(count: Mention, part: Mention) -> Mention:
    """three | quarters"""
    number = count.amount or Fraction(1)
    amount = number * (part.amount or 1)
    keys: set[Key] = {amount, ("share", amount), ("parts", amount), *(count.keys if count.firm else ())}
    for key in part.keys:
        if isinstance(key, tuple) and isinstance(key[1], Fraction):
            keys.add((key[0], number * key[1]))
    return replace(part, start=count.start, keys=frozenset(keys), amount=amount, firm=False)


def _join(before: Mention, mention: Mention, text: str) -> list[Mention]:
    """Two neighbours, as they read together: three | quarters; 10 to | 15 million; 9 to | 17 o'clock."""
    gap = text[before.end : mention.start]
    number = before.amount
    if number is None or len(gap) > 8:
        return [before, mention]
    if mention.kind is Kind.FRACTION and gap in ("", " ", "-") and before.kind is not Kind.FRACTION:
        return [_times(before, mention)]
    if RANGE.fullmatch(gap):
        if mention.size > before.size:
            before = replace(before, keys=before.keys | {number * mention.size})
        elif mention.kind is Kind.CLOCK and number.denominator == 1 and is_clock(hour := int(number), 0):
            hours: set[Key] = {*clock_keys(hour, 0), ("hour", hour), ("hour", hour % 12)}
            before = replace(before, keys=before.keys | hours)
    return [before, mention]
