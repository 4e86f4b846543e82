"""Ways of writing numbers that both languages have, each as a group of a pattern and what reads it."""

from __future__ import annotations

import re
from fractions import Fraction

from translate.run.doubts.figures import FIGURES, Writing
from translate.run.doubts.mentions import ONE, Key, Kind, Mention, any_year, clock_keys, is_clock, is_date, make_date

FORMULA = re.compile(r"(?<![a-z])(?:co|h|no|so|ch|n|o|pm)$")
"""CO2 may be carbon dioxide."""


def month_names(text: str) -> dict[str, int]:
    """Name → number, from names separated by blanks, month by month."""
    return {name: number for number, names in enumerate(text.split("|"), 1) for name in names.split()}


def beginnings(*words: str) -> str:
    """A pattern for how these words begin: it turns down most others at once, which is half of the time."""
    heads = {
        head: sorted({word[1:3] for word in words if word[0] == head}) for head in sorted({word[0] for word in words})
    }
    return "|".join(f"{head}(?:{'|'.join(rests)})" for head, rests in heads.items())


class Shared:
    """The readers, for a language's way with separators and its names of months."""

    ISO = r"(?P<iso>(?P<iy>\d{4})-(?P<im>\d{2})-(?P<id>\d{2})(?!\d))"
    SLASHED = r"(?P<slashed>(?P<s1>\d{1,2})/(?P<s2>\d{1,2})/(?P<s3>\d{4}|\d{2})(?![\d/]))"
    POINTED = r"(?P<pointed>(?P<pd>\d{1,2})\. ?(?P<pm>\d{1,2})(?:\.(?: ?(?P<py>\d{4}|\d{2}(?!\d)))?)(?!\.?\d))"
    COLON = r"(?P<colon>(?P<kh>\d{1,2}):(?P<km>\d{2})(?::(?P<ks>\d{2}))?(?![\d:]))"
    PAIR = r"(?P<pair>(?P<ya>1\d{3}|20\d\d)[/–-]'?(?P<yb>\d{2})(?!\d|[.,:]\d))"
    FRACTION = r"(?P<fraction>(?:(?P<fw>\d+) )?(?P<fn>0[1-9]|[1-9]\d{0,3})/(?P<fd>0[1-9]|[1-9]\d{0,3})(?![/\d]))"
    FIGURES = rf"(?P<figures>{FIGURES}|\d+\^\d)"

    def __init__(self, writing: Writing, codes: re.Pattern[str], months: dict[str, int], hours: str) -> None:
        self._writing, self._codes, self._months, self._hours = writing, codes, months, hours
        self.readers = {
            "iso": self._iso,
            "slashed": self._slashed,
            "pointed": self._pointed,
            "named": self._named,
            "colon": self._colon,
            "pair": self._pair,
            "fraction": self._fraction,
            "decade": self._decade,
            "figures": self._figures,
            "month": self._month,
        }

    def _iso(self, match: re.Match[str]) -> Mention | None:
        """2023-12-24."""
        month, day = int(match["im"]), int(match["id"])
        return make_date(match.start(), match.end(), day, month, int(match["iy"])) if is_date(day, month) else None

    def _slashed(self, match: re.Match[str]) -> Mention | None:
        """24/12/2023, 12/24/2023: both orders, where both can be."""
        first, second, year = int(match["s1"]), int(match["s2"]), int(match["s3"])
        dates = [
            make_date(match.start(), match.end(), day, month, year)
            for day, month in ((first, second), (second, first))
            if is_date(day, month)
        ]
        keys: set[Key] = {("points", match[0].replace("/", ".")), *(key for date in dates for key in date.keys)}
        return Mention(match.start(), match.end(), frozenset(keys), parts=dates[0].parts if len(dates) == 1 else ())

    def _pointed(self, match: re.Match[str]) -> Mention | None:
        """24.12.2023, 24. 12., 3.2. (a chapter, too)."""
        day, month = int(match["pd"]), int(match["pm"])
        token = match[0].replace(" ", "").removesuffix(".")  # which may end the sentence
        points: Key = ("points", token)
        if not is_date(day, month):
            return Mention(match.start(), match.end(), self._writing.read(token).keys | {points})
        date = make_date(match.start(), match.end(), day, month, int(match["py"]) if match["py"] else None)
        keys = date.keys | {points} | self._writing.read(token).keys
        return Mention(match.start(), match.end(), keys, parts=date.parts)

    def _named(self, match: re.Match[str]) -> Mention | None:
        """3. Oktober 1990, October 3, 1990."""
        day, month = int(match["nd"]), self._months[match["nm"]]
        year = int(match["ny"]) if match["ny"] else None
        return make_date(match.start(), match.end(), day, month, year)

    def _colon(self, match: re.Match[str]) -> Mention | None:
        """20:15: a time of day, a score, or minutes and seconds."""
        numbers = [int(number) for number in (match["kh"], match["km"], match["ks"]) if number]
        keys: set[Key] = {("colon", *numbers)}
        if is_clock(numbers[0], numbers[1]):
            keys |= {*clock_keys(numbers[0], numbers[1])}
        if len(numbers) == 2 and not numbers[1]:
            keys |= {("hour", numbers[0]), ("hour", numbers[0] % 12 or 12)}
        parts = tuple(Mention(match.start(), match.end(), frozenset([Fraction(n)]), Fraction(n)) for n in numbers if n)
        return Mention(match.start(), match.end(), frozenset(keys), parts=parts)

    def _pair(self, match: re.Match[str]) -> Mention | None:
        """2018/19: the years 2018 and 2019."""
        first, second = int(match["ya"]), int(match["yb"])
        parts = (
            Mention(match.start(), match.end(), frozenset([Fraction(first)]), Fraction(first)),
            Mention(
                match.start(), match.end(), frozenset(map(Fraction, (second, *any_year(second)))), Fraction(second)
            ),
        )
        return Mention(match.start(), match.end(), frozenset([("pair", first, second)]), parts=parts)

    def _fraction(self, match: re.Match[str]) -> Mention | None:
        """3/4, 1 1/2, and 9/11, which is a date."""
        whole, over, under = int(match["fw"] or 0), int(match["fn"]), int(match["fd"])
        numbers = [Fraction(int(match[name])) for name in ("fw", "fn", "fd") if match[name]]
        parts = tuple(Mention(match.start(), match.end(), frozenset([n]), n) for n in numbers)
        if not under or (match["fw"] and over >= under):
            return Mention(match.start(), match.end(), frozenset(), parts=parts)
        amount = whole + Fraction(over, under)
        keys: set[Key] = {amount, ("share", amount)}
        if not match["fw"]:
            keys |= {("date", day, month, None) for day, month in ((over, under), (under, over)) if is_date(day, month)}
        return Mention(match.start(), match.end(), frozenset(keys), amount, parts=parts)

    def _decade(self, match: re.Match[str]) -> Mention | None:
        """90er, 1990s, '90s. The 1800s are the 19th century, too."""
        number = int(match["dy"])
        keys: set[Key] = {Fraction(number), *(("decade", year) for year in any_year(number))}
        if number > 99 and number % 100 == 0:
            keys.add(Fraction(number // 100 + 1))
        elif number < 100:
            keys |= set(map(Fraction, any_year(number)))
        return Mention(match.start(), match.end(), frozenset(keys), Fraction(number))

    def _figures(self, match: re.Match[str]) -> Mention | None:
        """Figures in one piece."""
        return self.read_amount(match, match[0])

    def read_amount(self, match: re.Match[str], token: str) -> Mention:
        """The figures of a match, which may be written otherwise than in the text."""
        start, end = match.start(), match.end()
        base, _, power = token.partition("^")
        if power:
            amount = Fraction(int(base) ** int(power)) if len(base) < 9 else None
            return Mention(start, end, frozenset([("power", token), *([amount] if amount else [])]), amount)
        figures = self._writing.read(token)
        parts = tuple(Mention(start, end, frozenset([Fraction(int(p))]), Fraction(int(p))) for p in figures.pieces)
        keys: set[Key] = set(figures.keys or [("list", *figures.pieces)])
        if "." in token and self._codes.search(match.string, max(0, start - 24), start):
            keys.add(("points", token))
        amount = figures.amount
        if amount is not None and amount.denominator == 1 and amount <= 24:
            keys |= {(self._hours, int(amount)), *([ONE] if amount == 1 else [])}
        if match.string[max(0, start - 1) : start] == "'" and len(token) == 2 and token.isdecimal():
            keys |= set(map(Fraction, any_year(int(token))))
        firm = not FORMULA.search(match.string, max(0, start - 3), start)
        return Mention(start, end, frozenset(keys), amount, firm, parts=parts)

    def _month(self, match: re.Match[str]) -> Mention | None:
        month: Key = ("month", self._months[match["month"]])
        return Mention(match.start(), match.end(), frozenset([month]), None, False, Kind.MONTH)
