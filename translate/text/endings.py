"""Does a sentence end at this mark? General rules of German spelling, over the token before the mark and the word after it.

A full stop ends a sentence unless it belongs to an abbreviation, an ordinal number, a date, an initial or what was left
out. Of an abbreviation, translate.text.abbreviations says what may follow it. `benchmarks/segmentation.py` measures how
well all that does.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from translate.text.abbreviations import (
    COUNTED,
    FINITE,
    FUNCTION_WORDS,
    INTERJECTIONS,
    KINDS,
    KINDS_AT_START,
    KINDS_OF_PARTED,
    LEGAL_FORMS,
    LETTERED,
    MONTHS,
    MULTIPLES,
    NOT_FINITE,
    STARTERS,
    TITLES_OR_WORDS,
    TRUNCATED,
    UNTRUNCATED,
    Kind,
)

OPENERS = "\"'„“‚‘»«›‹”’([{*_–—-¿¡"
"""Signs before the first word of a sentence, or of a quotation."""

_BEGINNINGS = frozenset(':;–—•(„‚»«"')
_QUOTATION_MARKS = frozenset("\"'”“’‘»«›‹")
_NOTE = re.compile(r"[⁰¹²³⁴-⁹*†‡]|\[(?!\])")
"""A footnote sign among what closes the sentence; a bracket that opens there is one."""

_WORD = re.compile(r"\w+")
_LIST_NUMBER = re.compile(r"(?:[:;]|(?<![\d\s])\s[–-])\s\d{1,2}\.\Z")
"""A list within a line: "Ergebnis: 1. Huber – 2. Peier"; not the score "3 - 1."."""

_ENUMERATOR = re.compile(r"[(\[]?(?:(?:\d{1,3}\.){1,6}|[IVX]{1,5}\.|[A-Za-z]\.)[)\]]?")
"""Alone it is no sentence: "8. Der Mann", "A. Zweck", "12.3. Aufbau"."""

_ORDINAL = re.compile(
    r"(?:\A|\W)(?:(?i:am|beim|fürs|im|in|ins|vom|zum|zur|d(?:as|em|en|er|es|ie)|dies\w{1,2}|jede\w?|[kmds]?ein\w{0,2}"
    r"|ihr\w{0,2}|unser\w{0,2}|eu(?:er|re)\w?)(?:\s(?:insgesamt|bereits|schon|nunmehr|[a-zäöüß]{3,}(?:e|en|er|em|es)))?"
    r"|\d{1,3}\.\s(?:und|oder|bis|sowie|[/–-])|[a-zäöüß]{4,}(?:enden?|ender|igen?|ichen?|sten?))\s(?:\d{1,3}|[IVXL]{1,6})\.\Z"
)
"""What makes a number an ordinal is before it: "Zum 60. Mal", "im II. Weltkrieg", "der 57. und 9. Armee", "vorigen 3."."""

_THOUSANDTH = re.compile(r"\b(?:d(?:as|er|ie|en|em)|zum|zur|beim|vom|[ms]ein|ihr|unser)\s\d{4,}\.\Z", re.IGNORECASE)
_DAY = re.compile(r"(?<![\d.,])(?:0?[1-9]|[12]\d|3[01])\.\Z")
_MONTH_COMES = re.compile(r"(?:0?[1-9]|1[0-2])\.(?:\s?(?:\d{4}|\d\d)(?!\d|[.,]\d)|(?=[\s,;:)–-]|\Z))")
"""Behind a day: "3. 4. 2015", "1. 1. gilt"."""
_MONTH = re.compile(r"(?<![\d.,])(?:0?[1-9]|[12]\d|3[01])\.\s?(?:0?[1-9]|1[0-2])\.\Z")
_YEAR_COMES = re.compile(r"(?:\d{4}|\d\d)(?!\d)(?! Uhr)")
_CLOCK_COMES = re.compile(r"\d{1,2}(?:[.:]\d\d)? Uhr")

_SPACED_DOTS = re.compile(r"\.(?:\s|\Z)")
_PARTED = re.compile(r"(?<![\w.-])(?:[^\W\d_]{1,2}\.\s?){1,4}[^\W\d_]{1,4}\Z")
_DOMAINS = frozenset("ai at biz ch co com de eu fm fr info io it ly me net nl org to tv uk us".split())
_CLUBS = re.compile(r"(?:FF?C|FSV|FCK?|SC|SV|TV|TSV|TSG|HC|VC|EC|VfB|VfL|BC|AC|DVV|GC|HNO|US)\b")
_ROMAN = re.compile(r"[IVXLCDM]+\Z")
_AMOUNT = re.compile(
    r"(?:Euro|Dollar|Cent|Franken|Pfund|Mark|Kronen|Rubel|Yen|Yuan|Menschen|Personen|Einwohner|Leute|\W)"
)


class Place(NamedTuple):
    """Where a sentence may end."""

    left: str
    """The end of the sentence so far, up to the mark, without it; what is before a sentence's start is never in it."""
    mark: str
    """`.`, `!`, `?` or `…`."""
    closers: str
    """Closing quotation marks and brackets, and footnote signs, behind the mark."""
    right: str
    """What follows the white space; never empty."""
    whole: bool
    """Whether `left` is all of the sentence so far."""
    first: str
    """The first character of the sentence."""


def is_end(place: Place) -> bool:
    """Whether the sentence ends at a mark outside any bracket that goes on behind it."""
    right = place.right
    found = _WORD.search(right)
    word = found[0] if found and not right[: found.start()].strip(OPENERS + " ") else ""
    starts = word in STARTERS
    lower = right[0].islower()
    if place.whole and len(place.left) < 30 and _ENUMERATOR.fullmatch(place.left + place.mark + place.closers):
        return False
    if place.closers:
        return _is_end_closed(place, lower, starts)
    if place.mark in "!?":
        if place.left.endswith((" O", " o")):
            return False  # "O! Damals …"
        return not lower or not right.startswith(("und ", "oder ", "sondern ", "um "))
    return _is_end_open(place, word, lower=lower or (word[:1].islower() and right[0] in OPENERS), starts=starts)


def _is_end_closed(place: Place, lower: bool, starts: bool) -> bool:
    """With quotation marks, brackets or footnote signs behind the mark."""
    closers, left = place.closers, place.left
    if _NOTE.search(closers):
        return not lower
    if lower and (place.mark in ".…" or not _QUOTATION_MARKS.isdisjoint(closers)):
        return closers[-1] not in ")]}" and closers[-1] not in _QUOTATION_MARKS  # „Wirklich?“ fragte sie.
    if closers[-1] in ")]}" or (len(closers) > 1 and closers[0] in ")]}"):
        # The bracket is a sentence of its own, "(Er lachte.) Anna ging.", or within one: "ein(!) Satz", "(genau!) so".
        return starts or (place.first in "([" and not lower)
    token = left.rsplit(None, 1)[-1] if left.strip() else ""
    if token[:1] in _QUOTATION_MARKS or token[:1] == "„":  # one word in quotation marks: "usw."
        return starts or token[1:] not in KINDS
    return True


def _is_end_open(place: Place, word: str, *, lower: bool, starts: bool) -> bool:
    """A full stop or points of omission with nothing behind but white space."""
    left = place.left
    if not left or left[-1].isspace() or place.mark == "…" or left[-1] in ".…":
        if lower or _SPACED_DOTS.match(place.right):
            return False
        before = left.rstrip(" .…\t\u00a0").rsplit(None, 1)[-1:]
        omission = place.mark == "…" or left.endswith(("..", "…", ". "))
        if starts or not omission or not place.right[0].isalpha():
            return True
        return not (before and before[0] in FUNCTION_WORDS)
    last = _last_word(left)
    if not last:
        return True
    if last[0].isdecimal():
        return _is_end_number(place, word, lower=lower, starts=starts)
    start = len(left) - len(last)
    if (len(last) == 1 and last.isalpha()) or left[start - 1 : start] == ".":
        return _is_end_letter(place, last, word, lower=lower, starts=starts)
    initial = _starts_anew(place, left[:start])
    kind = (KINDS_AT_START if initial else KINDS).get(last)
    if kind is not None:
        kind = Kind.LEADING if initial and kind is Kind.UNIT else kind  # "Min. 3 Nächte"
        return _is_end_abbreviation(place, kind, last, word, lower=lower, starts=starts)
    if last in TITLES_OR_WORDS:
        return not lower and (starts or TITLES_OR_WORDS[last].search(left[:start]) is None)
    if lower and initial and not last.isupper():
        return len(last) > 12 or last in (
            "Ja",
            "Nein",
            "Danke",
            "Ok",
            "Okay",
            "Hallo",
            "Gut",
            "Super",
            "Schade",
            "Genau",
        )
    if len(last) > 1 and _ROMAN.match(last):
        return (
            not lower
            and not place.right[0].isdecimal()
            and (starts or not (_ORDINAL.search(left + ".") or COUNTED.match(word) or initial))
        )
    return starts or not _is_truncated(left, last, initial)


def _starts_anew(place: Place, head: str) -> bool:
    """Whether a word behind `head` starts the sentence, or stands behind a colon, dash or opening mark."""
    head = head.rstrip()
    return (place.whole and not head) or head[-1:] in _BEGINNINGS


def _last_word(left: str) -> str:
    """The letters and digits that end `left`."""
    at = len(left)
    while at and (left[at - 1].isalnum() or left[at - 1] == "_"):
        at -= 1
    return left[at:]


def _is_truncated(left: str, word: str, initial: bool) -> bool:
    """Whether an unknown word looks cut short: no vowel in it, or an ending that no German word has."""
    if len(word) > 18 or (not (initial or word.islower()) and not word.endswith(("nr", "str"))):
        return False
    if left[: -len(word)].endswith(("-", "_", "/")) and not word.endswith(("nr", "str")):
        return False
    if TRUNCATED.search(word):
        return True
    return (
        initial and word.isalpha() and not (UNTRUNCATED.search(word) or word.isupper() or word.lower() in INTERJECTIONS)
    )


def _is_end_abbreviation(place: Place, kind: Kind, last: str, word: str, *, lower: bool, starts: bool) -> bool:
    left, right = place.left, place.right
    first = right[0]
    if kind is Kind.LEADING or lower:
        return False
    if starts:
        return True
    before = left[: -len(last)].rstrip()
    counted = before[-1:].isdecimal() or before[-1:] in ".½¼¾"
    if kind is Kind.UNIT:
        if last == "Fr":
            return counted and not first.isdecimal()
        if first.isdecimal() or not first.isalpha():
            return first.isdecimal() or first in "„»“"
        if last in MULTIPLES and (_AMOUNT.match(right) or word.isupper()):
            return False
        return len(left.split()) > 3 and _starts_clause(right)
    if first.isdecimal():
        return kind is Kind.TRAILING
    if kind is Kind.TRAILING:
        return last not in ("Co", "al") or word not in LEGAL_FORMS
    if kind is Kind.DOUBLE:
        return len(word) > 1 and not _ROMAN.match(word)
    return False


def _starts_clause(right: str) -> bool:
    """Whether a noun and then a finite verb stand there: "Thomas rechnet nach"."""
    words = right.split(None, 2)[:2]
    second = words[1].rstrip(".,;:!?") if len(words) == 2 else ""
    return FINITE.match(second) is not None and NOT_FINITE.match(second) is None


def _is_end_letter(place: Place, last: str, word: str, *, lower: bool, starts: bool) -> bool:
    """One letter, or an abbreviation of several parts."""
    left, right = place.left, place.right
    first = right[0]
    head = left[: -len(last)]
    parted = _PARTED.search(left)
    if parted:
        kind = KINDS_OF_PARTED.get("".join(parted[0].lower().split()))
        if kind is None and " " not in parted[0] and last in _DOMAINS:
            return True
        if kind is None or lower:
            return False
        return starts or (kind is Kind.TRAILING and not first.isdecimal() and right[len(word) : len(word) + 1] != ".")
    if len(last) > 1:
        kind = KINDS.get(last)
        if kind is not None:
            return _is_end_abbreviation(place, kind, last, word, lower=lower, starts=starts)
        return not lower or not last.islower() or len(last) > 4
    if head[-1:] in "-'’/°&+" and head:
        return True
    if not head.strip(OPENERS + " "):
        return False
    if lower or (len(word) == 1 and right[1:2] == "."):
        return False
    before = head.split()[-1]
    if last.islower() and not before[-1].isdecimal() and not LETTERED.search(before):
        return False
    if starts:
        return True
    if before[-1].isdecimal():
        return not first.isdecimal() and word not in KINDS and not (len(word) > 2 and word[1:] != word[1:].lower())
    if LETTERED.search(before):
        return True
    return (before == "in" and last in "ABCDEFGH") or left.endswith("von A nach B")


def _is_end_number(place: Place, word: str, *, lower: bool, starts: bool) -> bool:
    left, right = place.left, place.right
    stopped = left + "."
    first = right[0]
    digits = _last_word(left)
    if first.isdecimal():
        if (_MONTH.search(stopped) and _YEAR_COMES.match(right)) or (_CLOCK_COMES.match(right) and "." in left[-4:]):
            return False
        if _DAY.search(stopped) and _MONTH_COMES.match(right):
            return False
        return not _LIST_NUMBER.search(stopped)
    if len(digits) > 3:
        return starts or not (lower or word in MONTHS or (_THOUSANDTH.search(stopped) and not word.isupper()))
    if lower:
        return False
    if word in MONTHS or _LIST_NUMBER.search(stopped):
        return False
    if first in "–-" and right[1:].lstrip()[:1].isdecimal():
        return False
    if starts:
        return True
    if _ORDINAL.search(stopped):
        return False
    if _CLUBS.match(right):
        return False
    return not COUNTED.match(word)
