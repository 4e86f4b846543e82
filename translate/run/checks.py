"""Is a sentence worth asking the model, and can its answer be right? Flags for a row, and what to try again.

The thresholds are set by what people's own translations do: `python benchmarks/checks.py` counts how often each check
doubts a reference translation (it should hardly ever) and a damaged one (it should nearly always).
"""

from __future__ import annotations

import operator
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from translate.records import Flag, Translation
from translate.run.doubts.negation import find_negation_mismatch
from translate.run.doubts.numbers import find_number_mismatch

SEVERE = frozenset({Flag.LOOP, Flag.ECHO, Flag.LENGTH_RATIO, Flag.EMPTY, Flag.MAX_LENGTH})
"""Flags of an answer that is hardly a translation: it is tried once more."""

MIN_RATIO, MAX_RATIO = 0.5, 2.0
"""Characters of English over characters of German. People's translations hardly ever lie outside."""
RATIO_SLACK = 12
"""Characters: what a short source may gain or lose (`Ja.` → `Yes, indeed.`) before its ratio says anything."""

OMISSION_LENGTH, OMISSION_RATIO = 80, 0.55
"""Characters of a source, and those of its target over them. Of pairs that people made, one in a thousand is longer and below;
of those that have lost the longest part between commas, about a third."""

LONGEST_REPEATED_PHRASE = 12
"""Words: a loop repeats a phrase of so many at most."""

LONGEST_WORD = 10_000
"""Characters: what is behind them is not searched for a loop within one word."""

URL = re.compile(
    r"(?:https?://|www\.)\S+|(?<![\w.+-])[\w.+-]++@[\w-]++\.[\w.-]+"
    r"|(?<![\w-])[\w-]++\.(?:de|com|org|net|eu|at|ch|info)(?:/\S*)?(?=\s|$|[.,;:)])"
)
"""Each stretch of letters is entered at its start only and never given back: else a word of n letters would cost n² steps."""
ADDRESS_SIGN = re.compile(r"[@/]|www\.|\.(?:de|com|org|net|eu|at|ch|info)\b")
"""What every address has: most sentences are done with here."""
ADDRESS_START = re.compile(r"https?://(?:www\.)?|www\.")
ADDRESS_END = ".,;:!?)]}>'\"»«“”‘’…"
"""Signs that end the sentence or the brackets around an address."""
ADDRESS_TAIL = re.compile(r"(?<=\.\w\w)-[A-ZÄÖÜ]\w*$|(?<=\.\w\w\w)-[A-ZÄÖÜ]\w*$")
"""The word that German hangs on: a@b.org-Liste."""
MARKUP = re.compile(r"<[^<>]{1,300}>|\{[^{}]{1,100}\}|%(?:\d\$)?[sdif]\b")
"""Tags, `{name}`, `%s`."""
LETTERS = re.compile(r"[^\W\d_]+")
LIST_MARK = re.compile(r"[(\[]?(?:[a-zA-Z]|[ivxIVX]+|\d+)[.)\]]*")
WORD = re.compile(r"\w+(?:['’]\w+)?")
CHARACTER_LOOP = re.compile(r"(\S.{0,7}?)\1{7,}", re.DOTALL)

GERMAN_WORDS = frozenset(
    """
    aber als auch auf bei das dem den der des doch ein eine einem einen einer es für haben hier ich ihm ihn ihr im ist ja kein
    keine mein mich mir mit nach nicht nichts noch nur oder sehr sein sich sie sind um und uns vom von vor wenn wer wie wir wo
    zu zum zur über
    """.split()
)
"""Words that tell German from English, however short the sentence."""

ENGLISH_WORDS = frozenset(
    "and are by for from has have of that the these they this to were where which with you".split()
)
"""Words that tell English from German."""


def needs_model(text: str) -> bool:
    """Whether a text holds a word. Punctuation, numbers, URLs, tags and list marks (`a)`) are copied as they are."""
    rest = MARKUP.sub(" ", URL.sub(" ", text))
    return bool(LETTERS.search(rest)) and not LIST_MARK.fullmatch(rest.strip())


@dataclass(frozen=True, slots=True)
class Doubt:
    """A flag that the two texts give reason for, and what is wrong, in words."""

    flag: Flag
    reason: str


def check_target(source: str, target: str) -> tuple[Flag, ...]:
    """The flags of a translation that the two texts alone give reason for, in the order of `Flag`."""
    return tuple(doubt.flag for doubt in find_doubts(source, target))


def find_doubts(source: str, target: str) -> Iterator[Doubt]:
    """What is wrong with a translation as far as the two texts tell, in the order of `Flag`; decomposed letters are composed ones."""
    source, target = unicodedata.normalize("NFC", source), unicodedata.normalize("NFC", target)
    if not target.strip():
        yield Doubt(Flag.EMPTY, "target is empty")
        return
    hopeless = False
    if is_loop(source, target):
        hopeless = True
        yield Doubt(Flag.LOOP, "target repeats itself where the source does not")
    if is_echo(source, target):
        hopeless = True
        yield Doubt(Flag.ECHO, "target is the German again")
    if is_out_of_ratio(source, target):
        hopeless = True
        yield Doubt(Flag.LENGTH_RATIO, f"source has {len(source):,} characters, target has {len(target):,}")
    elif lacks_clause(source, target):
        reason = f"source has {len(source):,} characters, target has {len(target):,}: a part seems to be left out"
        yield Doubt(Flag.OMISSION, reason)
    if reason := find_number_mismatch(source, target):
        yield Doubt(Flag.NUMBER_MISMATCH, reason)
    if not hopeless and (reason := find_negation_mismatch(source, target)):
        yield Doubt(Flag.NEGATION, reason)
    if lost := find_lost_address(source, target):
        yield Doubt(Flag.PROTECTED_LOST, f"source has {lost}, which the target does not have")


def is_loop(source: str, target: str) -> bool:
    """Whether the target repeats a phrase, or a few characters, more than the source gives reason for."""
    if _has_character_loop(target) and not _has_character_loop(source):
        return True
    source_words, target_words = _words(source), _words(target)
    allowed = max(2, _most_repeats(source_words))
    if _most_repeats(target_words) > allowed:
        return True
    return _most_common_phrase(target_words, 4) > max(2, _most_common_phrase(source_words, 2))


def _has_character_loop(text: str) -> bool:
    """Whether a word, or a row of signs, repeats a few characters eight times: `hahahahahahahaha`."""
    return any(len(word) > 9 and CHARACTER_LOOP.search(word, 0, LONGEST_WORD) for word in text.split())


def _words(text: str) -> list[str]:
    return [word.lower() for word in WORD.findall(text)]


def _most_repeats(words: Sequence[str]) -> int:
    """How often in a row the most repeated phrase stands: `very very very good` has 3."""
    most = 1
    for length in range(1, min(LONGEST_REPEATED_PHRASE, len(words) // 2) + 1):
        same = bytes(map(operator.eq, words[length:], words))  # 1 where a word equals the one `length` places before
        most = max(most, max(map(len, same.split(b"\0"))) // length + 1)
    return most


def _most_common_phrase(words: Sequence[str], length: int) -> int:
    """How often the most frequent phrase of `length` words stands, anywhere."""
    counts = Counter(zip(*(words[i:] for i in range(length)), strict=False))
    return max(counts.values(), default=1)


def is_echo(source: str, target: str) -> bool:
    """Whether the target is the German again: most of the source's lower-case words of four letters and more are in it.

    Capitalised words do not count: names stay as they are.
    """
    words = WORD.findall(MARKUP.sub(" ", URL.sub(" ", source)))
    plain = [word for word in words if len(word) > 3 and word.islower() and word.isalpha()]
    known = set(map(str.lower, words))
    if GERMAN_WORDS.isdisjoint(known) and not ENGLISH_WORDS.isdisjoint(known):
        return False  # it was English before
    if len(plain) < 2:
        if len(words) < 2 or _words(source) != _words(target):
            return source.isupper() and target.isupper() and _is_half_copied(words, target)
        telling = known if source[-1] in ".?!" or source.isupper() else words
        return len(plain) == 1 or not GERMAN_WORDS.isdisjoint(telling)
    there = set(WORD.findall(target))
    return sum(word in there for word in plain) > 0.6 * len(plain)


def _is_half_copied(words: Sequence[str], target: str) -> bool:
    """Whether half of the words, all in capitals, stand in the target, and no English one: `DIE REGION WIL DIE STEUERN`."""
    there = set(WORD.findall(target))
    return (
        len(words) > 2
        and ENGLISH_WORDS.isdisjoint(map(str.lower, there))
        and 2 * sum(word in there for word in words) >= len(words)
    )


def is_out_of_ratio(source: str, target: str) -> bool:
    """Whether the target is far too short or too long for its source."""
    low, high = MIN_RATIO * len(source) - RATIO_SLACK, MAX_RATIO * len(source) + RATIO_SLACK
    return not low <= len(target) <= high


def lacks_clause(source: str, target: str) -> bool:
    """Whether the target of a sentence of some length is so short that a clause seems to be left out."""
    return len(source) >= OMISSION_LENGTH and len(target) < OMISSION_RATIO * len(source)


def find_lost_address(source: str, target: str) -> str:
    """The first URL or mail address of the source that the target does not have; empty if it has all."""
    if not ADDRESS_SIGN.search(source):
        return ""
    there = _bare_address(target)
    addresses = (ADDRESS_TAIL.sub("", found[0].rstrip(ADDRESS_END)) for found in URL.finditer(source))
    return next((address for address in addresses if _bare_address(address) not in there), "")


def _bare_address(text: str) -> str:
    """Without what may be left out: www.example.org/ is https://Example.org."""
    return ADDRESS_START.sub("", text.lower()).rstrip("/")


def worth_retrying(flags: Sequence[Flag]) -> bool:
    """Whether an answer is so doubtful that it is tried again with safer decoding."""
    return not SEVERE.isdisjoint(flags)


def choose_better(first: Translation, second: Translation) -> Translation:
    """The one with fewer severe flags, then the one with the better score; the first if they are equal.

    Severity goes first, because a loop is often what the model is surest of.
    """

    def rank(translation: Translation) -> tuple[int, float]:
        severe = sum(flag in SEVERE for flag in translation.flags)
        return severe, -(translation.score if translation.score is not None else float("-inf"))

    best = min(first, second, key=rank)
    return Translation(best.target, best.score, order_flags((*best.flags, Flag.RETRIED)))


def order_flags(flags: Sequence[Flag]) -> tuple[Flag, ...]:
    """Each flag once, in the order of `Flag`, so that equal rows are equal bytes."""
    return tuple(flag for flag in Flag if flag in flags)
