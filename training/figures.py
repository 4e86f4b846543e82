"""Numbers, dates, clock times and units in pairs of sentences, changed on both sides at once.

German and English write them differently (1.234,5 and 1,234.5; 3.5.2020 and May 3, 2020; 14.30 Uhr and 2:30 p.m.), and
lists of sentences hold too few of them. What a pair has is found on both sides and replaced by another of its kind.
"""

import re
from collections import Counter
from random import Random

from frames import with_texts
from pairs import Pair

_GERMAN_NUMBER = re.compile(r"(?<![\w.,:/§#$€-])(?:\d{1,3}(?:\.\d{3})+|\d+)(?:,\d+)?(?![\w:/-]|[.,]\d|\.| Uhr| \d)")
_ENGLISH_NUMBER = re.compile(r"(?<![\w.,:/#-])\d[\d,]*(?:\.\d+)?(?![\w:/-]|[.,]\d)")
MONTHS = "Januar Februar März April Mai Juni Juli August September Oktober November Dezember".split()
ENGLISH_MONTHS = "January February March April May June July August September October November December".split()
_MONTH, _ENGLISH_MONTH = "|".join(MONTHS), "|".join(ENGLISH_MONTHS)
_GERMAN_DATE = re.compile(rf"(?<![\d.])(\d{{1,2}})\. ({_MONTH})(?: (\d{{4}}))?(?!\w)")
_MONTH_FIRST = re.compile(rf"\b({_ENGLISH_MONTH}) (\d{{1,2}})(?:st|nd|rd|th)?(?:,? (\d{{4}}))?(?!\w)")
_DAY_FIRST = re.compile(rf"(?<!\d)(\d{{1,2}})(?:st|nd|rd|th)? (?:of )?({_ENGLISH_MONTH})(?:,? (\d{{4}}))?(?!\w)")
_GERMAN_CLOCK = re.compile(
    r"(?<![\d.:])(\d{1,2})(?:[.:](\d\d))? Uhr(?! (?:morgens|abends|nachts|früh|nachmittags|mittags))"
)
_ENGLISH_CLOCK = re.compile(r"(?<![\d.:])(\d{1,2})(?:[:.](\d\d))?( ?[ap]\.?m\b\.?)?(?![\d:]|\.\d)")
_UNIT = re.compile(
    r"(?<![\w.,-])(\d[\d.]*(?:,\d+)?) ?(Prozent|Euro|Dollar|Kilometern?|Metern?|Kilogramm|Gramm|Grad(?: Celsius)?|"
    r"Quadratmetern?|%|€|km|m²|kg)(?![\w/-])"
)
_ENGLISH_UNIT = re.compile(
    r"(?<![\w.,-])[€$]?(\d[\d,]*(?:\.\d+)?) ?(?:percent|per cent|%|euros?|dollars?|kilomet(?:er|re)s?|met(?:er|re)s?|"
    r"kilograms?|grams?|degrees(?: Celsius)?|square met(?:er|re)s?|km|m²|kg|(?<=[€$]\d)|(?<=[€$]\d\d)|(?<=[€$]\d\d\d))"
    r"(?![\w/-])"
)
_LENGTH = (("{} km", "{} km"), ("{} m", "{} m"), ("{} cm", "{} cm"), ("{} mm", "{} mm"), ("{} µm", "{} µm"))
_WEIGHT = (("{} kg", "{} kg"), ("{} g", "{} g"), ("{} mg", "{} mg"), ("{} µg", "{} µg"))
_SIGNS = {
    "P": (("{} %", "{}%"), ("{}%", "{}%"), ("{} Prozent", "{} percent"), ("{} ‰", "{}‰")),
    "%": (("{} %", "{}%"), ("{}%", "{}%"), ("{} Prozent", "{} percent")),
    "E": (("{} €", "€{}"), ("{} Euro", "{} euros"), ("€ {}", "€{}"), ("{} Mio. €", "€{} million")),
    "€": (("{} €", "€{}"), ("{} Euro", "{} euros"), ("{} Mrd. €", "€{} billion")),
    "D": (("{} $", "${}"), ("{} Dollar", "${}"), ("{} Mio. $", "${} million"), ("{} US-Dollar", "${}")),
    "M": _LENGTH, "k": _LENGTH, "K": _LENGTH,
    "G": _WEIGHT, "Grad": (("{} °C", "{}°C"), ("{} °", "{}°"), ("{}°C", "{}°C")),
    "Q": (("{} m²", "{} m²"), ("{} km²", "{} km²"), ("{} cm²", "{} cm²"), ("{} m³", "{} m³"), ("{} ha", "{} ha")),
    "m": (("{} m²", "{} m²"), ("{} m³", "{} m³")), "kg": _WEIGHT, "Kilogramm": _WEIGHT,
}  # fmt: skip


def group(digits: str, mark: str) -> str:
    """Digits in groups of three from the right."""
    head = len(digits) % 3 or 3
    return mark.join([digits[:head], *(digits[i : i + 3] for i in range(head, len(digits), 3))])


def draw_number(rng: Random) -> tuple[str, str]:
    """A number as German and English write it."""
    length = rng.choice((1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 7, 8))
    digits = str(rng.randint(10 ** (length - 1), 10**length - 1))
    decimals = "".join(str(rng.randint(0, 9)) for _ in range(rng.choice((1, 1, 2, 2, 3))))
    if len(digits) <= 3 and rng.random() < 0.6:
        whole = rng.choice((digits, "0"))
        return f"{whole},{decimals}", f"{whole}.{decimals}"
    if len(digits) == 4 and rng.random() < 0.3:
        return digits, digits
    mark = " " if len(digits) > 4 and rng.random() < 0.1 else "."
    ends = (f",{decimals}", f".{decimals}") if len(digits) < 7 and mark == "." and rng.random() < 0.2 else ("", "")
    return group(digits, mark) + ends[0], group(digits, ",") + ends[1]


def _put(pair: Pair, found: tuple[re.Match[str], re.Match[str]], german: str, english: str) -> Pair:
    """The pair with other texts in the places of two matches."""
    (a, b), (c, d) = found[0].span(), found[1].span()
    source = pair.source[:a] + german + pair.source[b:]
    return with_texts(pair, source, pair.target[:c] + english + pair.target[d:])


def _only(matches: list[re.Match[str]]) -> re.Match[str] | None:
    return matches[0] if len(matches) == 1 else None


def numbers(pair: Pair, rng: Random) -> Pair | None:
    """A pair with another number in the place of one that both sides have once; years stay."""
    theirs = [(m.group().replace(",", ""), m) for m in _ENGLISH_NUMBER.finditer(pair.target)]
    for match in _GERMAN_NUMBER.finditer(pair.source):
        value = match.group().replace(".", "").replace(",", ".")
        same = _only([m for text, m in theirs if text == value])
        if same and value != "1" and not re.fullmatch(r"1[5-9]\d\d|20\d\d", value):
            return _put(pair, (match, same), *draw_number(rng))
    return None


def _ordinal(day: int) -> str:
    return f"{day}{'th' if 10 < day < 20 else {1: 'st', 2: 'nd', 3: 'rd'}.get(day % 10, 'th')}"


def _german_date(day: int, month: int, year: str, rng: Random) -> str:
    """A date as German text writes it; `year` may be empty."""
    forms = [f"{day}. {MONTHS[month - 1]}{' ' + year if year else ''}"] * 3
    if year:
        forms += [f"{day:02}.{month:02}.{year}"] * 2 + [f"{day}.{month}.{year}", f"{day}. {month}. {year}"]
    else:
        forms += [f"{day:02}.{month:02}.", f"{day}.{month}."]
    return rng.choice(forms)


def _english_date(found: str, day: int, month: int, year: str) -> str:
    """A date in the way in which another one is written."""
    number = _ordinal(day) if re.search(r"\d(?:st|nd|rd|th)", found) else str(day)
    name = ENGLISH_MONTHS[month - 1]
    if found[0].isdigit():
        return f"{number}{' of' if ' of ' in found else ''} {name}{' ' + year if year else ''}"
    return f"{name} {number}{', ' + year if year else ''}"


def dates(pair: Pair, rng: Random) -> Pair | None:
    """A pair with another date in the place of the one that it has."""
    german = _only([*_GERMAN_DATE.finditer(pair.source)])
    first, second = (_only([*pattern.finditer(pair.target)]) for pattern in (_DAY_FIRST, _MONTH_FIRST))
    english = first or second
    if not german or not english or (first and second and first.start() < second.start() < first.end()):
        return None
    if bool(german[3]) != bool(english[3]) or german[1] not in re.findall(r"\d+", english.group()):
        return None
    day, month = rng.randint(1, 31), rng.randint(1, 12)
    year = str(rng.randint(*rng.choice(((1900, 2035), (1990, 2030), (1500, 1900))))) if german[3] else ""
    theirs = _english_date(english.group(), day, month, year)
    return _put(pair, (german, english), _german_date(day, month, year, rng), theirs)


def clock_times(pair: Pair, rng: Random) -> Pair | None:
    """A pair with another clock time in the place of the one that it has."""
    german = _only([*_GERMAN_CLOCK.finditer(pair.source)])
    if german is None or re.search(r"\b(?:half|quarter|o'clock|past|morning|evening|afternoon|night)\b", pair.target):
        return None
    minutes = int(german[1]) % 12, int(german[2] or 0)
    theirs = _ENGLISH_CLOCK.finditer(pair.target)
    english = _only([m for m in theirs if (int(m[1]) % 12, int(m[2] or 0)) == minutes and (m[2] or m[3])])
    if english is None:
        return None
    hour, minute = rng.randint(0, 23), rng.choice((0, 15, 30, 45, rng.randint(0, 59), rng.randint(0, 59)))
    mine = f"{hour}{rng.choice('.:')}{minute:02} Uhr" if minute or rng.random() < 0.4 else f"{hour} Uhr"
    if not english[3]:
        return _put(pair, (german, english), mine, f"{hour}:{minute:02}")
    half = english[3].replace("p", "a") if hour < 12 else english[3].replace("a", "p")
    tail = f":{minute:02}" if minute else ""
    return _put(pair, (german, english), mine, f"{hour % 12 or 12}{tail}{half}")


def units(pair: Pair, rng: Random) -> Pair | None:
    """A pair with a number and a unit, written short, in the place of those that it has."""
    german, english = _only([*_UNIT.finditer(pair.source)]), _only([*_ENGLISH_UNIT.finditer(pair.target)])
    if not german or not english or german[1].replace(".", "").replace(",", ".") != english[1].replace(",", ""):
        return None
    forms = _SIGNS.get(german[2]) or _SIGNS.get(german[2][:4]) or _SIGNS[german[2][0]]
    mine, theirs = rng.choice(forms)
    value = draw_number(rng)
    if rng.random() < 0.12:
        whole = rng.choice(("", str(rng.randint(1, 40)))) + rng.choice("½¼¾")
        value = whole, whole
    return _put(pair, (german, english), mine.format(value[0]), theirs.format(value[1]))


def english_numbers(text: str) -> Counter[str]:
    """The numbers of an English text as they are written; single digits may be words elsewhere and are left out."""
    return Counter(n for n in re.findall(r"\d(?:[\d.,]*\d)?", text) if len(n) > 1)


def english_dates(text: str) -> set[tuple[int, str, str]]:
    """The dates of an English text, in whatever order it writes them: day, month, year."""
    first = {(int(m[1]), m[2], m[3] or "") for m in _DAY_FIRST.finditer(text)}
    rest = _DAY_FIRST.sub(" ", text)
    return first | {(int(m[2]), m[1], m[3] or "") for m in _MONTH_FIRST.finditer(rest)}


def clock_minutes(text: str) -> set[int]:
    """The clock times of an English text in minutes after twelve; 14:30 and 2:30 p.m. are the same."""
    found = [m for m in _ENGLISH_CLOCK.finditer(text) if m[2] or m[3]]
    return {int(m[1]) % 12 * 60 + int(m[2] or 0) for m in found}
