"""What a sentence says once in figures or words: the values that it can mean, as keys that both languages share.

Two mentions agree when they have a key in common. So what can be read in several ways (`3.2.`: a date or a chapter) has
several keys, and what is written shorter than it is meant (`90s`) has those of all that it can stand for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction

Key = Fraction | tuple[str | int | Fraction | None, ...]
"""An amount, or a kind of value and what it is: `("clock", 15, 30)`."""


ONE: Key = ("one",)
"""What `a` may stand for: a 1 that stands alone, and not that of a score."""


class Kind(Enum):
    """How it is said. Two of one kind in words that are on one side only, one on either, contradict each other."""

    FIGURES = "figures"
    CLOCK = "clock"
    CARDINAL = "cardinal"
    FRACTION = "fraction"
    MAGNITUDE = "magnitude"
    MONTH = "month"
    LOOSE = "loose"
    """It may explain a number of the other side, but says nothing by itself: `a`, `both`."""


@dataclass(frozen=True, slots=True)
class Mention:
    """One mention, `text[start:end]` of the text as `reading.plain` gives it."""

    start: int
    end: int
    keys: frozenset[Key]
    amount: Fraction | None = None
    firm: bool = True
    """Whether it has to be on the other side. Words do not: `one`, `both` and `zwei` come and go."""
    kind: Kind = Kind.FIGURES
    parts: tuple[Mention, ...] = ()
    """What it is made of, for a translation that writes it piece by piece: the 24 and the 12 of 24.12."""
    size: int = 1
    """The magnitude behind it, which a number before it may share: 10 to 15 million."""


def any_year(year: int) -> tuple[int, ...]:
    """What a year can mean: 20 is 1920, 2020 and more."""
    return (year,) if year > 99 else tuple(century * 100 + year for century in (17, 18, 19, 20))


def make_date(start: int, end: int, day: int, month: int, year: int | None = None) -> Mention:
    """A day of a month, with or without its year."""
    full = any_year(year) if year is not None else (None,)
    keys: list[Key] = [("date", day, month, one) for one in full]
    parts = [
        Mention(start, end, frozenset([Fraction(day)]), Fraction(day)),
        Mention(start, end, frozenset([("month", month)]), firm=False, kind=Kind.MONTH),
    ]
    if year is not None:
        parts.append(Mention(start, end, frozenset([Fraction(one) for one in {year, *full} if one]), Fraction(year)))
    return Mention(start, end, frozenset(keys), parts=tuple(parts))


def clock_keys(hour: int, minute: int) -> Iterator[Key]:
    """A time of the 24-hour clock (midnight is 0:00), and the same where nobody says which half of the day is meant."""
    yield ("clock", hour % 24, minute)
    yield ("twelve", hour % 12, minute)


def is_date(day: int, month: int) -> bool:
    """Whether there can be such a day."""
    return 1 <= day <= 31 and 1 <= month <= 12


def is_clock(hour: int, minute: int) -> bool:
    """Whether there can be such a time."""
    return hour <= 24 and minute < 60
