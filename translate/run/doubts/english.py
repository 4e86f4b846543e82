"""How English writes numbers, dates, clock times and amounts."""

from __future__ import annotations

import re
from fractions import Fraction

from translate.run.doubts.common import Shared, beginnings, month_names
from translate.run.doubts.figures import ENGLISH
from translate.run.doubts.mentions import ONE, Key, Kind, Mention, clock_keys, is_clock, make_date
from translate.run.doubts.reading import Language, Reader
from translate.run.doubts.units import ENGLISH_MAGNITUDES, ENGLISH_UNITS
from translate.run.doubts.words import ENGLISH_WORDS, english_counts, english_pattern, is_english_ordinal, read_english

MONTHS = month_names(
    "january jan|february feb|march mar|april apr|may|june jun|july jul|august aug|september sept sep|october oct"
    "|november nov|december dec"
)
MONTH_WORD = "|".join(sorted(MONTHS, key=len, reverse=True))
CODES = re.compile(
    r"(?:version|chapter|section|paragraph|article|release|update|build|firmware|no|number|point|standard|iso|\bv|§)[. ]*$"
)
BARE = {"million": 10**6, "billion": 10**9, "trillion": 10**12, "quadrillion": 10**15}
LOOSE = {
    "a": 1, "an": 1, "once": 1, "single": 1, "alone": 1, "only": 1, "twice": 2, "both": 2, "couple": 2, "pair": 2, "double": 2,
    "dual": 2, "twin": 2, "duo": 2, "thrice": 3, "triple": 3, "trio": 3, "quadruple": 4, "dozen": 12, "score": 20, "no": 0,
    "none": 0, "nil": 0, "null": 0, "decade": 10, "century": 100, "centenary": 100,
    "centennial": 100, "bicentenary": 200, "bicentennial": 200,
}  # fmt: skip
PARTS = {
    "half": 2, "halves": 2, "third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8, "ninth": 9,
    "tenth": 10, "twelfth": 12, "twentieth": 20, "hundredth": 100, "thousandth": 1000,
}  # fmt: skip
NUMBER, COUNTS = english_pattern(), english_counts()
HOUR = "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve"
AND_PART = r"(?:[- ]and[- ](?P<{}>(?:a|one|three)[- ](?:half|quarters?|third)))?"
"""two and a half"""


def _part(text: str | None) -> Fraction:
    """`a half`, `three quarters`; 0 if there is none."""
    if not text:
        return Fraction(0)
    count, _, part = text.replace("-", " ").rpartition(" ")
    return Fraction(read_english(count) or 1, PARTS.get(part, 0) or PARTS[part.removesuffix("s")])


def _words(match: re.Match[str]) -> Mention | None:
    """twenty-three, two and a half, nineteen ninety."""
    words = match["number"]
    if not words:
        return None
    amount = Fraction(read_english(words)) + _part(match["np"])
    keys: set[Key] = {amount}
    if amount.denominator == 1 and amount <= 24:
        keys.add(("hour", int(amount)))
    if match["year"]:
        keys = {Fraction(int(amount) * 100 + read_english(match["year"]))}
    kind = Kind.LOOSE if amount <= 2 or is_english_ordinal(words) or amount.denominator > 1 else Kind.CARDINAL
    return Mention(match.start(), match.end(), frozenset(keys), amount, firm=False, kind=kind)


def _tens(match: re.Match[str]) -> Mention | None:
    """The nineties."""
    tens = read_english(match["tens"].removesuffix("ies") + "y")
    keys: set[Key] = {Fraction(tens), *(("decade", century * 100 + tens) for century in (17, 18, 19, 20))}
    keys |= {Fraction(century * 100 + tens) for century in (17, 18, 19, 20)}
    return Mention(match.start(), match.end(), frozenset(keys), Fraction(tens), firm=False, kind=Kind.LOOSE)


def _share(match: re.Match[str]) -> Mention | None:
    """half, a third, two thirds, three-quarters; a third may be the third, too."""
    count = match["pc"]
    part = match["part"].partition(" ")[0]
    under = PARTS.get(part) or PARTS[part.removesuffix("s")]
    if count and is_english_ordinal(count):  # the second half
        either: set[Key] = {Fraction(read_english(count)), Fraction(1, under)}
        return Mention(match.start(), match.end(), frozenset(either), Fraction(1, under), False, Kind.LOOSE)
    amount = Fraction(read_english(count) if count and count not in ("a", "an") else 1, under)
    keys: set[Key] = {amount, ("share", amount)}
    if not part.endswith("s") and under > 2:
        keys |= {Fraction(under), *([Fraction(read_english(count))] if count else [])}
    if count:
        keys.add(("parts", amount))
    return Mention(match.start(), match.end(), frozenset(keys), amount, False, Kind.FRACTION if count else Kind.LOOSE)


def _half_day(match: re.Match[str]) -> Mention | None:
    """5 p.m., 3.30 pm, 8 in the evening, nine o'clock."""
    hour, minute = int(match["ah"]), int(match["am"] or 0)
    half = match["half"].replace(".", "").replace(" ", "")
    if not is_clock(hour, minute):
        return None
    keys: set[Key] = {("stunde", hour)} if not minute else set()
    if half == "o'clock":
        keys |= {*clock_keys(hour, minute), ("hour", hour)}
    else:
        late = half in ("pm", "noon", "intheafternoon", "intheevening") or (half == "atnight" and hour > 5)
        full = hour % 12 + 12 * late if hour <= 12 else hour
        keys.add(("clock", full % 24, minute))
        if not minute:
            keys.add(("stunde", full))
        if half == "intheafternoon" and hour == 12:
            keys.add(("clock", 12, minute))
    return Mention(match.start(), match.end(), frozenset(keys), None, kind=Kind.CLOCK)


def _spoken(match: re.Match[str]) -> Mention | None:
    """half past seven, a quarter to three, ten past nine."""
    minutes = {"half": 30, "quarter": 15, "five": 5, "ten": 10, "twenty": 20}[match["sm"]]
    hour = int(match["sh"]) if match["sh"].isdecimal() else read_english(match["sh"])
    total = (hour * 60 + (minutes if match["sv"] in ("past", "after") else -minutes)) % 720
    keys: set[Key] = {*clock_keys(total // 60, total % 60), *clock_keys(total // 60 + 12, total % 60)}
    if match["sv"] in ("to", "of"):
        keys |= {Fraction(minutes), Fraction(hour)}  # ten to twelve days
    return Mention(match.start(), match.end(), frozenset(keys), None, False, Kind.CLOCK)


def _noon(match: re.Match[str]) -> Mention | None:
    hour = 0 if match[0] == "midnight" else 12
    keys: set[Key] = {("clock", hour, 0), ("stunde", 12)}
    return Mention(match.start(), match.end(), frozenset(keys), None, False, Kind.LOOSE)


def _unit_and_half(match: re.Match[str]) -> Mention | None:
    """A year and a half."""
    amount = Fraction(3, 2)
    quantity, size = ENGLISH_UNITS.get(match["unit"], ("", Fraction(ENGLISH_MAGNITUDES.get(match["unit"], 1))))
    keys: set[Key] = {amount, amount * size, (quantity, amount * size)}
    return Mention(match.start(), match.end(), frozenset(keys), None, False, Kind.LOOSE)


def _tens_of(match: re.Match[str]) -> Mention | None:
    """Tens of thousands, hundreds of millions."""
    size = {"thousands": 1000, "millions": 10**6, "billions": 10**9, "trillions": 10**12}[match["of"]]
    amount = Fraction((10 if match["many"] == "tens" else 100) * size)
    keys: set[Key] = {amount, ("bare", size)}
    return Mention(
        match.start(), match.end(), frozenset(keys), None, False, Kind.MAGNITUDE if size > 1000 else Kind.LOOSE
    )


def _bare(match: re.Match[str]) -> Mention | None:
    """billions, billionaire, without a number before it."""
    size = BARE[match["size"]]
    return Mention(match.start(), match.end(), frozenset([("bare", size)]), None, False, Kind.MAGNITUDE)


def _loose(match: re.Match[str]) -> Mention | None:
    amount = Fraction(LOOSE[match["word"]])
    keys: set[Key] = {ONE if amount == 1 and match["word"] != "once" else amount}
    counts = amount if amount in (1, 12) else None
    return Mention(match.start(), match.end(), frozenset(keys), counts, False, Kind.LOOSE)


SHARED = Shared(ENGLISH, CODES, MONTHS, "hour")
PART_WORD = "halves|half(?: an?(?= ))?|(?:third|quarter|fourth|fifth|sixth|seventh|eighth|ninth|tenth|twelfth|twentieth|hundredth|thousandth)s?"
OPENING = beginnings(
    *ENGLISH_WORDS, *MONTHS, *LOOSE, *BARE, *PARTS, "noon", "midday", "midnight", "tens", "twenties", "thirties", "forties",
    "fifties", "multi",
)  # fmt: skip
PATTERN = re.compile(
    r"(?<!\d)(?=[\d.])(?:"
    rf"{Shared.ISO}|{Shared.SLASHED}|{Shared.POINTED}"
    rf"|(?P<named>(?P<nd>\d{{1,2}})(?:st|nd|rd|th)?(?: of)? (?P<nm>{MONTH_WORD})\b\.?(?:,? (?P<ny>\d{{4}})(?!\d))?)"
    r"|(?P<half_day>(?:(?P<ah>\d{1,2})(?:[.:](?P<am>\d{2}))?)[ -]?"
    r"(?P<half>[ap]\.? ?m\b\.?|noon|o'clock|in the (?:morning|afternoon|evening)|at night))"
    rf"|{Shared.COLON}|{Shared.PAIR}|{Shared.FRACTION}"
    r"|(?P<decade>(?P<dy>\d{3}0|\d0)'?s\b)"
    rf"|{Shared.FIGURES}|(?P<decimals>(?<![\w.])\.\d+))"
    rf"|(?<![^\W_])(?={OPENING})(?:"
    rf"(?P<first>(?P<fm>{MONTH_WORD})\.? (?:the )?(?P<fday>\d{{1,2}})(?:st|nd|rd|th)?(?!\d|[.,:]\d)(?:,? (?P<fy>\d{{4}})(?!\d))?)"
    r"|(?P<unit_and_half>(?:an?|one) (?P<unit>[a-z]+) and a half\b)"
    rf"|(?P<spoken>(?:an? )?(?P<sm>half|quarter|five|ten|twenty) (?P<sv>past|to|before|after|of) (?P<sh>{HOUR}|1[0-2]|[1-9])(?![\w%]| hundred| thousand))"
    r"|(?P<noon>noon|midday|midnight)\b"
    r"|(?P<tens_of>(?P<many>tens|hundreds) of (?P<of>thousands|millions|billions|trillions)\b)"
    r"|(?P<tens>twenties|thirties|forties|fifties|sixties|seventies|eighties|nineties)\b"
    rf"|(?P<share>(?:(?P<pc>an?|{COUNTS})[- ])?(?P<part>{PART_WORD})\b(?: of an? (?=[mbt]r?illion))?)"
    r"|(?P<bare>(?:multi-?)?(?P<size>million|billion|trillion|quadrillion)[a-z]*)"
    rf"|(?P<month>{'|'.join(name for name in sorted(MONTHS, key=len, reverse=True) if name not in ('may', 'march', 'mar', 'sep', 'dec', 'jan'))}"
    r"|(?<=in )(?:may|march)|(?<=since )(?:may|march))\b"
    rf"|(?P<loose>(?!an?(?:[- ](?:hundred|thousand)|[^ \w]|$))(?P<word>{'|'.join(sorted(LOOSE, key=len, reverse=True))})(?:(?<=[a-z]{{3}})(?:s|ed))?\b)"
    rf"|(?P<words>(?P<number>{NUMBER})(?![a-z]){AND_PART.format('np')}"
    r"(?P<year>(?<=teen|enty)[- ](?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)(?:-(?:one|two|three|four|five|six|seven|eight|nine))?\b)?))"
)


def _decimals(match: re.Match[str]) -> Mention | None:
    """.05"""
    return SHARED.read_amount(match, "0" + match[0])


def _first(match: re.Match[str]) -> Mention | None:
    year = int(match["fy"]) if match["fy"] else None
    return make_date(match.start(), match.end(), int(match["fday"]), MONTHS[match["fm"]], year)


READERS: dict[str, Reader] = {
    **SHARED.readers, "half_day": _half_day, "first": _first, "decimals": _decimals, "spoken": _spoken, "noon": _noon, "tens": _tens, "tens_of": _tens_of, "unit_and_half": _unit_and_half, "share": _share,
    "words": _words, "bare": _bare, "loose": _loose,
}  # fmt: skip
LANGUAGE = Language(PATTERN, READERS, ENGLISH_MAGNITUDES, ENGLISH_UNITS)
