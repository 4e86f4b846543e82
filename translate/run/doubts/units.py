"""Words behind a number that say how much it is of: a million, a dozen, days, kilometres, a percentage, cents."""

from __future__ import annotations

from fractions import Fraction

Unit = tuple[str, Fraction]
"""A kind of quantity, and how much of its smallest unit this is."""


def _table(rows: dict[tuple[str, int | Fraction], str]) -> dict[str, Unit]:
    return {word: (kind, Fraction(size)) for (kind, size), words in rows.items() for word in words.split()}


GERMAN_MAGNITUDES = {
    **dict.fromkeys("hundert".split(), 100),
    **dict.fromkeys("tausend tsd tsd. k".split(), 1000),
    **dict.fromkeys("million millionen mio mio. mill mill.".split(), 10**6),
    **dict.fromkeys("milliarde milliarden mrd mrd.".split(), 10**9),
    **dict.fromkeys("billion billionen bio bio.".split(), 10**12),
    **dict.fromkeys("billiarde billiarden".split(), 10**15),
    "dutzend": 12,
}
ENGLISH_MAGNITUDES = {
    "hundred": 100,
    **dict.fromkeys("thousand k".split(), 1000),
    **dict.fromkeys("million mn mln mil m".split(), 10**6),
    **dict.fromkeys("billion bn bln b".split(), 10**9),
    **dict.fromkeys("trillion tn trn".split(), 10**12),
    "quadrillion": 10**15,
    "dozen": 12,
}
UNSURE_MAGNITUDES = frozenset("k m b mil bio hundert hundred".split())
"""Which may also be metres, bytes, or a word of their own."""

PERCENT, CENT = Fraction(1, 100), Fraction(1, 100)
MINUTE, MONTH = "minutes", "months"

GERMAN_UNITS = _table(
    {
        (MINUTE, 1): "minute minuten min min. minütige minütigen minütiger minütiges",
        (MINUTE, 60): "stunde stunden std std. h stündige stündigen stündiger stündiges",
        (MINUTE, 1440): "tag tage tagen tages tägige tägigen tägiger tägiges",
        (MINUTE, 10080): "woche wochen wöchige wöchigen wöchiger wöchiges",
        (MONTH, 1): "monat monate monaten monats monatige monatigen monatiger monatiges",
        (MONTH, 3): "vierteljahr quartal quartale",
        (MONTH, 6): "halbjahr halbjahre",
        (MONTH, 12): "jahr jahre jahren jahres jährige jährigen jähriger jähriges",
        (MONTH, 120): "jahrzehnt jahrzehnte jahrzehnten",
        (MONTH, 1200): "jahrhundert jahrhunderte jahrhunderten",
        ("metres", Fraction(1, 1000)): "mm millimeter millimetern",
        ("metres", Fraction(1, 100)): "cm zentimeter zentimetern",
        ("metres", 1): "m meter metern metres",
        ("metres", 1000): "km kilometer kilometern km/h stundenkilometer stundenkilometern",
        ("grams", 1): "g gramm",
        ("grams", 500): "pfund",
        ("grams", 1000): "kg kilo kilos kilogramm",
        ("grams", 10**6): "t tonne tonnen",
        ("share", PERCENT): "% prozent prozentige prozentigen prozentiger prozentiges",
        ("money", CENT): "cent cents ct ct.",
    }
)
ENGLISH_UNITS = _table(
    {
        (MINUTE, 1): "minute minutes min min. mins",
        (MINUTE, 60): "hour hours h hr hrs",
        (MINUTE, 1440): "day days",
        (MINUTE, 10080): "week weeks",
        (MINUTE, 20160): "fortnight fortnights",
        (MONTH, 1): "month months",
        (MONTH, 3): "quarter quarters",
        (MONTH, 12): "year years yr yrs",
        (MONTH, 120): "decade decades",
        (MONTH, 1200): "century centuries",
        ("metres", Fraction(1, 1000)): "mm millimetre millimetres millimeter millimeters",
        ("metres", Fraction(1, 100)): "cm centimetre centimetres centimeter centimeters",
        ("metres", 1): "m metre metres meter meters",
        ("metres", 1000): "km kilometre kilometres kilometer kilometers",
        ("metres", Fraction(254, 10000)): "inch inches",
        ("metres", Fraction(3048, 10000)): "foot feet ft",
        ("metres", Fraction(9144, 10000)): "yard yards",
        ("metres", 1609): "mile miles mph",
        ("grams", Fraction(2835, 100)): "ounce ounces",
        ("grams", 454): "pound pounds lb lbs",
        ("grams", 1): "g gram grams gramme grammes",
        ("grams", 1000): "kg kilo kilos kilogram kilograms kilogrammes",
        ("grams", 10**6): "t ton tons tonne tonnes",
        ("share", PERCENT): "% percent pct percentage per",
        ("money", CENT): "cent cents p pence",
    }
)
