"""How German writes numbers, dates, clock times and amounts."""

from __future__ import annotations

import re
from fractions import Fraction

from translate.run.doubts.common import Shared, beginnings, month_names
from translate.run.doubts.figures import GERMAN
from translate.run.doubts.mentions import ONE, Key, Kind, Mention, any_year, clock_keys, is_clock
from translate.run.doubts.reading import Language, Reader
from translate.run.doubts.units import GERMAN_MAGNITUDES, MINUTE, MONTH
from translate.run.doubts.units import GERMAN_UNITS as UNITS
from translate.run.doubts.words import (
    GERMAN_STEMS,
    GERMAN_TEENS,
    GERMAN_TENS,
    GERMAN_UNITS,
    german_pattern,
    read_german,
)

MONTHS = month_names(
    "januar jänner jan|februar feber feb|märz mrz|april apr|mai|juni jun|juli jul|august aug|september sept sep|oktober okt"
    "|november nov|dezember dez"
)
MONTH_WORD = "|".join(sorted(MONTHS, key=len, reverse=True))
CODES = re.compile(
    r"(?:version|kapitel|abschnitt|ziffer|artikel|release|update|build|firmware|nr|nummer|punkt|standard|norm|iso|\bv|§)[. ]*$"
)
EVENING = re.compile(r"abend|nachmittag|nacht|mittag")
BARE = {"million": 10**6, "milliard": 10**9, "billion": 10**12, "billiard": 10**15}
LOOSE = {
    "beide": 2, "paar": 2, "duo": 2, "doppel": 2, "zwilling": 2, "trio": 3, "dutzend": 12, "kein": 0, "einzig": 1,
    "jahrzehnt": 10, "jahrhundert": 100, "jahrtausend": 1000, "notruf": 911,
}  # fmt: skip
NUMBER = german_pattern()
SUFFIX_UNITS = {
    "stund": (MINUTE, 60), "stünd": (MINUTE, 60), "minut": (MINUTE, 1), "minüt": (MINUTE, 1), "tag": (MINUTE, 1440),
    "täg": (MINUTE, 1440), "woch": (MINUTE, 10080), "wöch": (MINUTE, 10080), "monat": (MONTH, 1), "jahr": (MONTH, 12),
    "jähr": (MONTH, 12),
}  # fmt: skip
ENDINGS = frozenset(["", "s", "e", "er", "en", "em", "es"])
ORDINAL = re.compile(r"s?te[nrsm]?s?")
PART = re.compile(r"(?:s?tel|el)(?=n?s?$|stund|jahr|liter|final|million|milliard)")
QUARTER_TIME = re.compile(r"(viertel|fünf|zehn|zwanzig) (vor|nach) ")


def _words(match: re.Match[str]) -> Mention | None:
    """A word that begins with a number: dreiundzwanzig, zwölfte, Drittel, zweieinhalb, dreijährig."""
    stem, rest = match["stem"], match["rest"]
    if not stem:
        return None
    amount = Fraction(read_german(stem))
    keys: set[Key] = set()
    kind = Kind.LOOSE
    if part := PART.match(rest):
        if amount < 3:
            return None
        amount, rest, kind = 1 / amount, rest[part.end() :], Kind.FRACTION
        keys |= {("share", amount), *([2 / amount] if rest.startswith("final") else [])}  # Achtelfinale: the last 16
        if rest.startswith("milli"):
            amount *= BARE["million" if rest.startswith("million") else "milliard"]  # eine Viertelmillion
            return Mention(match.start(), match.end(), frozenset([amount]), None, False, Kind.MAGNITUDE)
    elif rest.startswith("einhalb"):
        amount, rest = amount + Fraction(1, 2), rest[7:]
        if rest.startswith("tausend"):
            amount *= 1000
    elif rest.startswith("viertel") and stem == "drei":
        amount, rest = Fraction(3, 4), rest[7:]
        keys |= {("share", amount), ("parts", amount)}
    elif rest in ("", "e") and amount > 2:
        kind = Kind.LOOSE if rest and amount > 12 else Kind.CARDINAL  # Hunderttausende
    elif rest.startswith("er") and 20 <= amount < 100:
        keys |= {*map(Fraction, any_year(int(amount))), *(("decade", year) for year in any_year(int(amount)))}
    unit = next((unit for word, unit in SUFFIX_UNITS.items() if rest.startswith(word)), None)
    if unit:
        keys.add((unit[0], amount * unit[1]))
    if amount.denominator == 1 and amount <= 24:
        keys.add(("stunde", int(amount)))
    if stem == "ein" and rest != "s" and amount == 1:
        keys.add(ONE)
        return Mention(
            match.start(), match.end(), frozenset(keys), amount if rest in ENDINGS else None, False, Kind.LOOSE
        )
    counts = amount if rest in ENDINGS or kind is Kind.FRACTION else None  # einfach Millionen
    return Mention(match.start(), match.end(), frozenset([amount, *keys]), counts, firm=False, kind=kind)


def _half(match: re.Match[str]) -> Mention:
    """halb, Hälfte, anderthalb, Halbjahr."""
    amount = Fraction(3, 2) if match[0].startswith("anderthalb") else Fraction(1, 2)
    if match[0].endswith("tausend"):
        amount *= 1000
    keys: set[Key] = {amount, ("share", amount)}
    for word, (quantity, size) in SUFFIX_UNITS.items():
        if word in match[0]:
            keys.add((quantity, amount * size))
    return Mention(match.start(), match.end(), frozenset(keys), amount, firm=False, kind=Kind.LOOSE)


def _uhr(match: re.Match[str]) -> Mention | None:
    """15.30 Uhr, 17 Uhr, 20 Uhr 15."""
    hour, minute = int(match["ch"]), int(match["cm"] or match["cm2"] or 0)
    if not is_clock(hour, minute):
        return None
    return _time(match, hour, minute, firm=True)


def _time(match: re.Match[str], hour: int, minute: int, *, firm: bool) -> Mention:
    keys: set[Key] = {*clock_keys(hour, minute)}
    if hour <= 12 and (not firm or EVENING.search(match.string)):
        keys |= {*clock_keys(hour + 12, minute)}
    if not minute:
        keys |= {("hour", hour), ("hour", hour % 12 or 12)}
    parts = tuple(
        Mention(match.start(), match.end(), frozenset([Fraction(n)]), Fraction(n)) for n in (hour, minute) if n
    )
    return Mention(match.start(), match.end(), frozenset(keys), None, firm, Kind.CLOCK, parts if firm else ())


def _spoken(match: re.Match[str]) -> Mention:
    """halb acht, Viertel vor drei, zehn nach neun."""
    hour = read_german(match["sh"].removesuffix("s") if match["sh"] == "eins" else match["sh"])
    minutes = {"halb": -30, "viertel": 15, "dreiviertel": -15, "fünf": 5, "zehn": 10, "zwanzig": 20}[
        match["sm"] or match["sq"]
    ]
    total = (hour * 60 + (-minutes if match["sv"] == "vor" else minutes)) % 720
    return _time(match, total // 60, total % 60, firm=False)


def _noon(match: re.Match[str]) -> Mention:
    hour = 0 if "nacht" in match[0] else 12
    keys: set[Key] = {*clock_keys(hour, 0), ("hour", 12)}
    return Mention(match.start(), match.end(), frozenset(keys), None, False, Kind.LOOSE)


def _bare(match: re.Match[str]) -> Mention:
    """Milliarden, Millionär, without a number before it."""
    size = BARE[match["size"]]
    return Mention(match.start(), match.end(), frozenset([("bare", size)]), None, False, Kind.MAGNITUDE)


def _loose(match: re.Match[str]) -> Mention:
    amount = Fraction(LOOSE[match["word"]])
    counts = amount if match["word"] == "dutzend" else None  # ein paar Millionen are not two
    return Mention(match.start(), match.end(), frozenset([amount]), counts, False, Kind.LOOSE)


SHARED = Shared(GERMAN, CODES, MONTHS, "stunde")
OPENING = beginnings(
    *GERMAN_UNITS, *GERMAN_TEENS, *GERMAN_TENS, *GERMAN_STEMS, *MONTHS, *LOOSE, *BARE, "hundert", "tausend", "halb", "hälfte",
    "anderthalb", "mittag", "mitternacht", "multi",
)  # fmt: skip
PATTERN = re.compile(
    r"(?<!\d)(?=\d)(?:"
    rf"{Shared.ISO}|{Shared.SLASHED}|{Shared.POINTED}"
    rf"|(?P<named>(?P<nd>\d{{1,2}})\.? ?(?P<nm>{MONTH_WORD})\b\.?(?: (?P<ny>\d{{4}}))?(?!\d))"
    r"|(?P<uhr>(?P<ch>\d{1,2})(?:[.:](?P<cm>\d{2})(?::\d{2})?)?(?:[ -]?uhr|(?<=[.:]\d\d) ?h)\b(?: (?P<cm2>\d{2})(?![\d.,]))?)"
    rf"|{Shared.COLON}|{Shared.PAIR}|{Shared.FRACTION}"
    r"|(?P<decade>(?P<dy>\d{4}|\d{2})ern?\b)"
    rf"|{Shared.FIGURES})"
    rf"|(?<![^\W_])(?={OPENING})(?:"
    r"(?P<spoken>(?:(?P<sm>halb|dreiviertel)|(?P<sq>viertel|fünf|zehn|zwanzig) (?P<sv>vor|nach))"
    r" (?P<sh>eins?|zwei|drei|vier|fünf|sechs|sieben|acht|neun|zehn|elf|zwölf)\b)"
    r"|(?P<half>halb\w*|hälfte|anderthalb\w*)"
    r"|(?P<noon>mittags?|mitternachts?)\b"
    r"|(?P<bare>(?:multi)?(?P<size>million|milliard|billiard|billion(?!air))[^\W\d_]*)"
    rf"|(?P<month>{MONTH_WORD})\b"
    rf"|(?P<loose>(?P<word>{'|'.join(LOOSE)})[^\W\d_]*)"
    rf"|(?P<words>(?P<stem>{NUMBER})(?P<rest>[^\W\d_]*)))"
)
READERS: dict[str, Reader] = {
    **SHARED.readers, "uhr": _uhr, "spoken": _spoken, "half": _half, "noon": _noon, "words": _words, "bare": _bare, "loose": _loose,
}  # fmt: skip
LANGUAGE = Language(PATTERN, READERS, GERMAN_MAGNITUDES, UNITS)
