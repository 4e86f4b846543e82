"""Does a sentence end at this mark? General rules of German spelling, over the token before the mark and the word after it.

A full stop ends a sentence unless it belongs to an abbreviation, an ordinal number, a date, an initial or what was left
out. Of an abbreviation, translate.text.abbreviations says what may follow it. `benchmarks/segmentation.py` measures how
well all that does.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from translate.text.abbreviations import (
    ANSWERS,
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
    VOWEL,
    Kind,
)

_OPENERS = "\"'„“‚‘»«›‹”’([{*_–—-¿¡ \t\u00a0\u202f"
"""Signs before the first word of a sentence, or of a quotation."""

_BEGINNINGS = frozenset(':;–—•(„‚»«"')
_CONJUNCTION = re.compile(r"(?:und|oder|sondern|um)\b")
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

_RANGE_COMES = re.compile(r"[–-]\s*\d")
_SPACED_DOTS = re.compile(r"\.(?:\s|\Z)")
_PARTED = re.compile(r"(?<![\w.-])(?:[^\W\d_]{1,2}\.\s?){1,4}[^\W\d_]{1,4}\Z")
_DOMAINS = frozenset("ai at biz ch co com de eu fm fr info io it ly me net nl org to tv uk us".split())
_CLUBS = re.compile(r"(?:FF?C|FSV|FCK?|SC|SV|TV|TSV|TSG|HC|VC|EC|VfB|VfL|BC|AC|DVV|GC|HNO|US)\b")
_ROMAN = re.compile(r"[IVXLCDM]+\Z")
_AMOUNT = re.compile(
    r"(?:Euro|Dollar|Cent|Franken|Pfund|Mark|Kronen|Rubel|Yen|Yuan|Menschen|Personen|Einwohner|Leute|\W)"
)


class Following(NamedTuple):
    """What stands behind the white space."""

    text: str
    """A few words; never empty."""
    word: str
    """The first of them, behind quotation marks and brackets; empty if there is none."""
    lower: bool
    """Whether it starts with a small letter."""
    starts: bool
    """Whether its capital can only be that of a sentence."""

    @property
    def digit(self) -> bool:
        """Whether a number comes."""
        return self.text[0].isdecimal()


class Place(NamedTuple):
    """Where a sentence may end."""

    left: str
    """The end of the sentence so far, up to the mark, without it; what is before a sentence's start is never in it."""
    mark: str
    """`.`, `!`, `?` or `…`."""
    closers: str
    """Closing quotation marks and brackets, and footnote signs, behind the mark."""
    whole: bool
    """Whether `left` is all of the sentence so far."""
    first: str
    """The first character of the sentence."""


def is_end(place: Place, right: str) -> bool:
    """Whether the sentence ends at a mark that `right` follows, outside any bracket that goes on behind it."""
    if place.whole and len(place.left) < 30 and _ENUMERATOR.fullmatch(place.left + place.mark + place.closers):
        return False
    found = _WORD.search(right)
    word = found[0] if found and not right[: found.start()].strip(_OPENERS) else ""
    lower = right[0].islower()
    starts = word in STARTERS
    if place.closers:
        return _is_end_closed(place, Following(right, word, lower, starts))
    if place.mark in "!?":
        if place.left.split()[-1:] in (["O"], ["o"]):
            return starts  # "O! Glückliche Zeit"
        return not lower or _CONJUNCTION.match(right) is None
    following = Following(right, word, lower or (word[:1].islower() and right[0] in _OPENERS), starts)
    left = place.left
    if not left or place.mark == "…" or left[-1] in ".…" or left[-1].isspace():
        return _is_end_apart(place, following)
    return _is_end_word(place, following)


def _is_end_closed(place: Place, right: Following) -> bool:
    """With quotation marks, brackets or footnote signs behind the mark."""
    closers = place.closers
    if _NOTE.search(closers):
        return not right.lower
    if right.lower and (place.mark in ".…" or not _QUOTATION_MARKS.isdisjoint(closers)):
        return closers[-1] not in ")]}" and closers[-1] not in _QUOTATION_MARKS  # „Wirklich?“ fragte sie.
    if closers[-1] in ")]}" or (len(closers) > 1 and closers[0] in ")]}"):
        # The bracket is a sentence of its own, "(Er lachte.) Anna ging.", or within one: "ein(!) Satz", "(genau!) so".
        return right.starts or (place.first in "([" and not right.lower)
    token = place.left.split()[-1:]
    if token and token[0][0] in "„\"“»«‚'":  # one word in quotation marks: „usw.“
        return right.starts or token[0][1:] not in KINDS
    return True


def _is_end_apart(place: Place, right: Following) -> bool:
    """A full stop behind a blank, or points of omission."""
    if right.lower or _SPACED_DOTS.match(right.text):
        return False
    omission = place.mark == "…" or place.left.endswith(("..", "…", ". "))
    if right.starts or not omission or not right.text[0].isalpha():
        return True
    before = place.left.rstrip(" .…\t\u00a0").split()[-1:]
    return not before or before[0] not in FUNCTION_WORDS


def _is_end_word(place: Place, right: Following) -> bool:
    """A full stop right behind a word, number or sign."""
    left = place.left
    last = _last_word(left)
    if not last:
        return True
    if last[0].isdecimal():
        return _is_end_number(left, right)
    head = left[: -len(last)]
    if head and len(last) < 5 and head.rstrip()[-1:] == ".":
        parted = _PARTED.search(left)
        if parted and (len(last) == 1 or head[-1] == "." or _parted_key(parted[0]) in KINDS_OF_PARTED):
            return _is_end_parted(parted[0], right)
    if len(last) == 1 and last.isalpha():
        return _is_end_letter(head, last, right)
    initial = (place.whole and not head.strip()) or head.rstrip()[-1:] in _BEGINNINGS
    kind = (KINDS_AT_START if initial else KINDS).get(last)
    if kind is not None:
        return _is_end_abbreviation(head, last, Kind.LEADING if initial and kind is Kind.UNIT else kind, right)
    if last in TITLES_OR_WORDS:
        return not right.lower and (right.starts or TITLES_OR_WORDS[last].search(head) is None)
    if head[-1:] == "." and right.lower:  # "beispiel.de und": a name, or an abbreviation of several parts
        return len(last) > 4 or not last.islower()
    if initial and right.lower and not last.isupper():
        return len(last) > 12 or last in ANSWERS
    if len(last) > 1 and _ROMAN.match(last):
        ordinal = initial or _ORDINAL.search(f"{left}.") or COUNTED.match(right.word)
        return not right.lower and not right.digit and (right.starts or not ordinal)
    return right.starts or not _is_truncated(head, last, initial)


def _last_word(left: str) -> str:
    """The letters and digits that end `left`."""
    at = len(left)
    while at and (left[at - 1].isalnum() or left[at - 1] == "_"):
        at -= 1
    return left[at:]


def _is_truncated(head: str, word: str, initial: bool) -> bool:
    """Whether an unknown word looks cut short: an ending that no German word has, or no vowel in it."""
    compound = word.endswith(("nr", "str"))
    if len(word) > 18 or not (compound or initial or word.islower()) or (head[-1:] in "-_/" and head and not compound):
        return False
    if TRUNCATED.search(word):
        return True
    return initial and word.isalpha() and not (VOWEL.search(word) or word.isupper() or word.lower() in INTERJECTIONS)


def _is_end_abbreviation(head: str, last: str, kind: Kind, right: Following) -> bool:
    """Behind an abbreviation of one part."""
    if kind is Kind.LEADING or right.lower:
        return False
    if right.starts:
        return True
    if kind is Kind.UNIT:
        return _is_end_unit(head, last, right)
    if kind is Kind.TRAILING:
        return right.digit or last != "Co" or right.word not in LEGAL_FORMS
    return kind is Kind.DOUBLE and not right.digit and len(right.word) > 1 and not _ROMAN.match(right.word)


def _is_end_unit(head: str, last: str, right: Following) -> bool:
    """Behind a unit, before what is no first word of a sentence."""
    if last == "Fr":  # francs behind a number, else a title
        return head.rstrip()[-1:].isdecimal() and not right.digit
    if not right.text[0].isalpha():
        return right.digit or right.text[0] in "„»“"
    if last in MULTIPLES and (_AMOUNT.match(right.text) or right.word.isupper()):
        return False
    return len(head.split()) > 2 and _starts_clause(right.text)


def _starts_clause(text: str) -> bool:
    """Whether one or two words and then a finite verb stand there: "Thomas rechnet nach"."""
    words = [word.rstrip(".,;:!?") for word in text.split(None, 3)[1:3]]
    verbs = [FINITE.match(word) is not None and NOT_FINITE.match(word) is None for word in words]
    return verbs[:1] == [True] or (verbs[1:] == [True] and words[0][:1].isupper())


def _parted_key(text: str) -> str:
    return "".join(text.lower().split())


def _is_end_parted(parted: str, right: Following) -> bool:
    """Behind an abbreviation of several parts, initials, or a domain's name."""
    kind = Kind.TRAILING if parted.endswith("Ä") else KINDS_OF_PARTED.get(_parted_key(parted))
    if kind is None:
        return parted.rpartition(".")[2] in _DOMAINS
    if right.lower or right.starts:
        return right.starts
    return kind is Kind.TRAILING and not right.digit and not right.text.startswith(f"{right.word}.")


def _is_end_letter(head: str, letter: str, right: Following) -> bool:
    """Behind a single letter: an initial, a unit, or a name of something."""
    if head and head[-1] in "'’/°&+":
        return True
    head = head.removesuffix("-")  # "Vitamin-D", "K.-H. Müller"
    if not head.strip(_OPENERS) or right.lower or (len(right.word) == 1 and right.text[1:2] == "."):
        return False
    before = head.split()[-1]
    counted = before[-1].isdecimal() and (letter.islower() or letter == "S")
    lettered = LETTERED.search(before) is not None
    if letter.islower() and not counted and not lettered:
        return False
    if right.starts or lettered:
        return True
    if counted:  # "300 S." and "§ 5 f. BGB"
        return not right.digit and right.word not in KINDS and right.word[1:] == right.word[1:].lower()
    return letter == "B" and head.split()[-3:] == ["von", "A", "nach"]


def _is_end_number(left: str, right: Following) -> bool:
    """Behind a number: an ordinal, a part of a date, or the last word."""
    stopped = f"{left}."
    if right.digit:
        if _MONTH.search(stopped) and _YEAR_COMES.match(right.text):
            return False
        if _DAY.search(stopped) and _MONTH_COMES.match(right.text):
            return False
        return not (_CLOCK_COMES.match(right.text) and "." in left[-4:]) and not _LIST_NUMBER.search(stopped)
    if right.lower or right.word in MONTHS or _LIST_NUMBER.search(stopped) or _RANGE_COMES.match(right.text):
        return False
    if right.starts:
        return True
    if len(_last_word(left)) > 3:
        return right.word.isupper() or not _THOUSANDTH.search(stopped)
    return not (_ORDINAL.search(stopped) or _CLUBS.match(right.text) or COUNTED.match(right.word))
