"""Is a sentence worth asking the model, and can its answer be right? Flags for a row, and what to try again.

The thresholds are set by what people's own translations do: `python benchmarks/checks.py` counts how often each check
doubts a reference translation (it should hardly ever) and a damaged one (it should nearly always).
"""

from __future__ import annotations

import operator
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

from translate.records import Flag, Translation

SEVERE = frozenset({Flag.LOOP, Flag.ECHO, Flag.LENGTH_RATIO, Flag.EMPTY, Flag.MAX_LENGTH})
"""Flags of an answer that is hardly a translation: it is tried once more."""

MIN_RATIO, MAX_RATIO = 0.5, 2.0
"""Characters of English over characters of German. People's translations hardly ever lie outside."""
RATIO_SLACK = 12
"""Characters: what a short source may gain or lose (`Ja.` → `Yes, indeed.`) before its ratio says anything."""

LONGEST_REPEATED_PHRASE = 12
"""Words: a loop repeats a phrase of so many at most."""

LONGEST_WORD = 10_000
"""Characters: what is behind them is not searched for a loop within one word."""

URL = re.compile(
    r"(?:https?://|www\.)\S+|(?<![\w.+-])[\w.+-]++@[\w-]++\.[\w.-]+"
    r"|(?<![\w-])[\w-]++\.(?:de|com|org|net|eu|at|ch|info)(?:/\S*)?(?=\s|$|[.,;:)])"
)
"""Each stretch of letters is entered at its start only and never given back: else a word of n letters would cost n² steps."""
MARKUP = re.compile(r"<[^<>]{1,300}>|\{[^{}]{1,100}\}|%(?:\d\$)?[sdif]\b")
"""Tags, `{name}`, `%s`."""
LETTERS = re.compile(r"[^\W\d_]+")
LIST_MARK = re.compile(r"[(\[]?(?:[a-zA-Z]|[ivxIVX]+|\d+)[.)\]]*")
WORD = re.compile(r"\w+(?:['’]\w+)?")
NUMBER = re.compile(r"\d+(?:[.,'’]\d+|[\u00a0\u202f\u2009 ]\d{3}(?!\d))*")
GERMAN_DATE = re.compile(r"\b(\d{1,2})\. ?(\d{1,2})\.( ?\d{4}| ?\d{2})?(?!\d)")
GERMAN_CLOCK = re.compile(r"\b(\d{1,2})\.(\d{2})(?= Uhr\b)")
MONTH = re.compile(r"\b(?:Jan|Feb|Mar|Apr|May|June?|July?|Aug|Sept?|Oct|Nov|Dec)", re.IGNORECASE)
CLOCK = re.compile(r"\b[ap]\.?\s?m\b", re.IGNORECASE)
GERMAN_DECADE = re.compile(r"(?<!\d)\d0er")
DECADE = re.compile(r"\b(?:18|19|20)(\d0)s\b")
"""`90er` and `1990s`."""
NOT_DIGITS = re.compile(r"\D")
CHARACTER_LOOP = re.compile(r"(\S.{0,7}?)\1{7,}", re.DOTALL)

UNITS = "ein zwei drei vier fünf sechs sieben acht neun".split(), "one two three four five six seven eight nine".split()
TEENS = (
    "dreizehn vierzehn fünfzehn sechzehn siebzehn achtzehn neunzehn".split(),
    "thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split(),
)
TENS = (
    "zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig".split(),
    "twent(?:y|ie) thirt(?:y|ie) fort(?:y|ie) fift(?:y|ie) sixt(?:y|ie) sevent(?:y|ie) eight(?:y|ie) ninet(?:y|ie)".split(),
)
NUMBER_WORDS = {
    0: ("null", "zero|no"),
    1: ("eins?|eine[nmrs]?|erste[nrsm]?|einmal", "one|a|an|first|once|1st"),
    2: ("zwei|zweite[nrsm]?|beide[nr]?|zweimal", "two|second|twice|both|double"),
    3: ("drei|dritte[nrsm]?|dreimal", "three|third|triple"),
    4: ("vier|vierte[nrsm]?", "four|fourth"),
    5: ("fünf|fünfte[nrsm]?", "five|fifth"),
    6: ("sechs|sechste[nrsm]?", "six|sixth"),
    7: ("sieben|siebte[nrsm]?", "seven|seventh"),
    8: ("acht|achte[nrsm]?", "eight|eighth"),
    9: ("neun|neunte[nrsm]?", "nine|ninth"),
    10: ("zehn|zehnte[nrsm]?", "ten|tenth"),
    11: ("elf|elfte[nrsm]?", "eleven|eleventh"),
    12: ("zwölf|zwölfte[nrsm]?", "twelve|twelfth|dozen"),
    100: ("hundert|einhundert", "hundred"),
    1000: ("tausend|eintausend", "thousand"),
    **{13 + i: pair for i, pair in enumerate(zip(*TEENS, strict=True))},
    **{20 + 10 * i: pair for i, pair in enumerate(zip(*TENS, strict=True))},
    **{
        20 + 10 * i + j + 1: (f"{units[0]}und{tens[0]}", f"{tens[1]}[- ]?{units[1]}")
        for i, tens in enumerate(zip(*TENS, strict=True))
        for j, units in enumerate(zip(*UNITS, strict=True))
    },
}
"""Number → (German, English) words that may stand for its digits."""

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


def check_target(source: str, target: str) -> tuple[Flag, ...]:
    """The doubts about a translation that the two texts alone give, in the order of `Flag`."""
    if not target.strip():
        return (Flag.EMPTY,)
    doubts = (
        (Flag.LOOP, is_loop(source, target)),
        (Flag.ECHO, is_echo(source, target)),
        (Flag.LENGTH_RATIO, is_out_of_ratio(source, target)),
        (Flag.NUMBER_MISMATCH, is_number_mismatch(source, target)),
    )
    return tuple(flag for flag, doubted in doubts if doubted)


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


def is_number_mismatch(source: str, target: str) -> bool:
    """Whether a number stands on one side only.

    1.000,5 and 1,000.5 are one number; 8 and `eight`, 24.10. and `October 24`, 15.30 Uhr and `3.30 p.m.` agree, too.
    """
    apart = GERMAN_CLOCK.sub(r" \1 \2 ", GERMAN_DATE.sub(r" \1 \2 \3 ", source))
    german, english = _numbers(apart), _numbers(DECADE.sub(r"\1", target) if GERMAN_DECADE.search(source) else target)
    missing = [number for number in german - english if not _spelled(number, target, 1)]
    added = [number for number in english - german if not _spelled(number, source, 0)]
    if MONTH.search(target):
        missing = [number for number in missing if not (len(number) < 3 and number.isdecimal() and int(number) <= 12)]
    if CLOCK.search(target):
        missing, added = _reconcile_clock(missing, added)
    return bool(missing or added)


def _reconcile_clock(missing: Sequence[str], added: Sequence[str]) -> tuple[list[str], list[str]]:
    """Without what 14.00 Uhr and `2 p.m.` explain: hours twelve apart, and minutes of zero."""
    hours = {number for number in missing if number.isdecimal() and 12 < int(number) <= 24}
    twelve = {str(int(number) - 12) for number in hours} | {"0"}
    late = {hour for hour in hours if str(int(hour) - 12) in added} or (hours if not added else set())
    return [n for n in missing if n not in late | {"0"}], [n for n in added if n not in twelve]


def _numbers(text: str) -> Counter[str]:
    """Each number without thousands separators and leading zeros; what follows the decimal sign behind a point."""
    return Counter(map(_canonical, NUMBER.findall(text)))


def _canonical(number: str) -> str:
    """1.000,50 and 1,000.5 → 1000.5; a last part of three digits is taken for thousands on either side."""
    parts = NOT_DIGITS.split(unicodedata.normalize("NFKC", number))
    if len(parts) == 1 or len(parts[-1]) == 3:
        return "".join(parts).lstrip("0") or "0"
    whole = "".join(parts[:-1]).lstrip("0") if all(len(part) == 3 for part in parts[1:-1]) else ".".join(parts[:-1])
    fraction = parts[-1].rstrip("0")
    return f"{whole or '0'}.{fraction}" if fraction else whole or "0"


def _spelled(number: str, text: str, language: int) -> bool:
    words = NUMBER_WORDS.get(int(number)) if len(number) < 5 and number.isdecimal() else None
    return bool(words and re.search(rf"\b(?:{words[language]})", text, re.IGNORECASE))


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
