"""Figures with their separators → amounts, as each language writes them: German 1.234,5 is English 1,234.5."""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from translate.run.doubts.mentions import Key, clock_keys, is_clock

FIGURES = r"[1-9]\d{0,2}(?: \d{3})+(?!\d)(?:[.,]\d+)?|\d+(?:[.,'’]\d+)*"
"""Figures in one piece; thousands may stand apart."""

LONGEST = 40
"""Characters of an amount; Python reads no number of more than some thousands."""

SHORT_CLOCK = re.compile(r"(\d{1,2})\.(\d{2})")
ENUMERATED = re.compile(r"[,'’ ]")


class Figures(NamedTuple):
    """What figures can mean. `amount` is what a magnitude behind them multiplies, None where there is no one amount."""

    keys: frozenset[Key]
    amount: Fraction | None
    pieces: tuple[str, ...] = ()
    """The numbers of an enumeration without blanks: 3,5,7."""


class Writing:
    """How a language separates thousands and decimals."""

    def __init__(self, group: str, decimal: str) -> None:
        g, d = re.escape(group), re.escape(decimal)
        self.point_groups = group == "."
        self._grouped = re.compile(rf"[1-9]\d{{0,2}}(?:[{g}'’ ]\d{{3}})+(?:{d}(\d+))?")
        self._foreign = re.compile(rf"[1-9]\d{{0,2}}(?:(?:{d}\d{{3}}){{2,}}|(?:{d}\d{{3}})+{g}(\d+))")
        self._decimal = re.compile(rf"\d+{d}(\d+)")
        self._foreign_decimal = re.compile(rf"\d+{g}(\d+)")

    def read(self, token: str) -> Figures:
        """What the figures mean in this language. What is longer than any amount is a code."""
        return self._read(token) if len(token) <= LONGEST else Figures(frozenset([("code", token)]), None)

    @lru_cache(4096)  # noqa: B019  # there are two of this class
    def _read(self, token: str) -> Figures:
        if token.isdecimal():
            return _read_plain(token)
        if (found := self._grouped.fullmatch(token)) or (found := self._foreign.fullmatch(token)):
            amount = _amount(token, found[1])
            several = token.count(".") > 1 and found[1] is None
            return Figures(frozenset([amount, ("points", token)] if several else [amount]), amount)
        if found := self._decimal.fullmatch(token):
            amount = _amount(token, found[1])
            # 10,000 in German is more often an English ten thousand than a ten to three places.
            thousands = [amount * 1000] if self.point_groups and found[1] == "000" and amount else []
            return Figures(frozenset([amount, *thousands, *_point_keys(token)]), amount)
        if found := self._foreign_decimal.fullmatch(token):
            amount = _amount(token, found[1])
            # 2.5 in German stays 2.5, which is no 2.50: it may be a chapter or a version.
            pieces = () if self.point_groups else tuple(token.split(","))
            return Figures(frozenset(_point_keys(token) if self.point_groups else [amount]), amount, pieces)
        if ENUMERATED.search(token):
            return Figures(frozenset(), None, tuple(re.findall(r"\d+", token)))
        return Figures(frozenset(_point_keys(token)), None)


def _read_plain(token: str) -> Figures:
    """A number without separators. With zeros in front it is a code, which another with fewer of them is not."""
    amount = Fraction(int(token))
    if token[0] == "0" and len(token) > 2:
        return Figures(frozenset([("code", token)]), amount)
    return Figures(frozenset([amount]), amount)


def _amount(token: str, decimals: str | None) -> Fraction:
    digits = "".join(filter(str.isdigit, token))
    return Fraction(int(digits), 10 ** len(decimals or ""))


def _point_keys(token: str) -> list[Key]:
    """A number with points as it stands, and the clock time that it may be."""
    if "." not in token:
        return []
    keys: list[Key] = [("points", token)]
    if (found := SHORT_CLOCK.fullmatch(token)) and is_clock(int(found[1]), int(found[2])):
        keys += clock_keys(int(found[1]), int(found[2]))
    return keys


GERMAN = Writing(".", ",")
ENGLISH = Writing(",", ".")
