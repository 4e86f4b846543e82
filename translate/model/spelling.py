"""Source sentence → the text that the model gets in its place: what it cannot read, spelled so that it can.

The source in a row stays as it is. Which characters and which words a model knows, its own vocabulary tells.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache

WHITE_SPACE = dict.fromkeys([*range(0x09, 0x0E), *range(0x1C, 0x20), 0x85, 0x2028, 0x2029], " ")
"""Ends of lines, pages and records, for `str.translate`. Between two words they are a blank, and never nothing."""

INVISIBLE = dict.fromkeys([0xAD, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2065), 0xFEFF])
"""Hints for typesetters: soft hyphens, joiners, directions."""

_PLAIN = str.maketrans(WHITE_SPACE | INVISIBLE | dict.fromkeys(range(65024, 65040)))
_NEEDS_PLAIN = re.compile(f"[{re.escape(''.join(map(chr, WHITE_SPACE | INVISIBLE)))}\ufe00-\ufe0f]")

SUBSTITUTES = {
    **dict.fromkeys("‐‑‒–—―−⁃➖", "–-"),
    **dict.fromkeys("“”„‟″〝〞❝❞«»", '"'),
    **dict.fromkeys("‘’‚‛′`´❛❜‹›", "'"),
    **dict.fromkeys("⁄∕", "/"),
    **dict.fromkeys("•●▪‣·∙⋅", "-"),
    **{"×": "x", "∶": ":", "‚": ",", "…": ("..."), "œ": ("oe"), "Œ": ("Oe"), "æ": ("ae"), "Æ": ("Ae"), "ẞ": ("SS")},
    **{"ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ð": "d", "þ": ("th"), "ı": "i"},
}
"""Plain spellings that Unicode's compatibility forms (NFKC) lack. Of several characters the first that the model knows."""

_FRACTION = re.compile(r"(?<=\d)(?=[¼-¾⅐-⅞])")
"""Between 2 and ½: they are no 21/2."""

_CAPITALS = re.compile(r"[A-ZÀ-ÖØ-Þẞ]{3}")
_CAPITAL_RUN = re.compile(r"(?<![\w-])[A-ZÀ-ÖØ-Þẞ]{2,}+(?:[^\w\n]{1,3}[A-ZÀ-ÖØ-Þẞ]++(?![a-zß-ÿ]))++(?!\w)")
_LETTERS = re.compile(r"[^\W\d_]+")
_LONG_WORD = re.compile(r"[^\W\d_]{5}")
_VOWEL = re.compile(r"[AEIOUYÄÖÜ]")
_NOUN = re.compile(r".{3,}(?:ung|ungen|heit|heiten|keit|keiten|schaft|schaften|ion|ionen|tät|ismus|nis)\Z")
_SENTENCE_START = re.compile(r"(?:\A|[.!?]\s)\W*\w")
_SMALL = frozenset(
    """
    aber alle als am an auch auf aus bei beim bin bis bitte da das dass dein dem den denn der des die doch du durch ein
    eine einen er es für gegen hat ich ihr im in ist kann kein keine man mehr mein mit muss nach nicht noch nun nur ob
    oder ohne sehr sich sie sind so um und uns vom von vor war was weil wenn wer wie wir wird wo zu zum zur
    """.split()
)
"""Words that are no names, and that vocabularies know with a capital as well, from sentences' beginnings."""


class Speller:
    """Spells for one model. `score` is how likely its vocabulary finds a text, as a logarithm; -inf if it lacks a piece."""

    def __init__(self, score: Callable[[str], float]) -> None:
        self._score = score
        self._spellings = _Spellings(lambda character: score(character) > -math.inf)
        self._recase_word = lru_cache(50_000)(self._find_case)

    def respell(self, text: str) -> str:
        """The text with plain spellings in place of what the vocabulary lacks: ½ is 1/2, ﬀ ff, a full-width Ａ A."""
        if text.isascii():
            return text
        if not unicodedata.is_normalized("NFC", text):
            text = unicodedata.normalize("NFC", text)
        if "½" in text or _FRACTION.search(text):
            text = _FRACTION.sub(" ", text)
        return text.translate(self._spellings)

    def recase(self, text: str) -> str:
        """The text with words in capitals written as the vocabulary knows them, if all of it or a run of words is so.

        KANZLER TRITT ZURÜCK is Kanzler tritt zurück; SPD stays.
        """
        if not _CAPITALS.search(text):
            return text
        if not text.isupper():
            return _CAPITAL_RUN.sub(self._recase_run, text)
        if not _LONG_WORD.search(text) and _SMALL.isdisjoint(text.lower().split()):
            return text
        recased = _LETTERS.sub(lambda match: self._recase_word(match[0]), text)
        return _SENTENCE_START.sub(lambda match: match[0][:-1] + match[0][-1].upper(), recased)

    def _recase_run(self, run: re.Match[str]) -> str:
        """Names may be in capitals; a run that has a small word in it is no name."""
        if _SMALL.isdisjoint(_LETTERS.findall(run[0].lower())):
            return run[0]
        recased = _LETTERS.sub(lambda match: self._recase_word(match[0]), run[0])
        return recased[0].upper() + recased[1:] if run.start() == 0 else recased

    def _find_case(self, word: str) -> str:
        small = word.lower()
        if len(word) == 1 or not _VOWEL.search(word):
            return word
        if small in _SMALL:
            return small
        if _NOUN.match(small):
            return small.capitalize()
        spellings = [small, small.replace("ss", "ß")] if "ss" in small else [small]
        forms = [form for spelling in spellings for form in (spelling, spelling.capitalize())]
        return max([*forms, word], key=self._score)


class _Spellings(dict[int, str]):
    """Code point → what is written for it; filled as characters come up."""

    def __init__(self, knows: Callable[[str], bool]) -> None:
        super().__init__()
        self._knows = knows

    def __missing__(self, code: int) -> str:
        character = chr(code)
        spelled = character
        if code > 127 and not self._knows(character):
            spelled = next(filter(self._knows_all, self._candidates(character)), character)
        self[code] = spelled
        return spelled

    def _candidates(self, character: str) -> list[str]:
        substitute = SUBSTITUTES.get(character, "")
        compatible = unicodedata.normalize("NFKC", character)
        compatible = "".join(SUBSTITUTES.get(part, part)[-1:] if not self._knows(part) else part for part in compatible)
        letters = "".join(part for part in unicodedata.normalize("NFKD", character) if not unicodedata.combining(part))
        return [
            spelling for spelling in (*_each(substitute), compatible, letters) if spelling and spelling != character
        ]

    def _knows_all(self, spelling: str) -> bool:
        return all(part.isspace() or self._knows(part) for part in spelling)


def _each(substitute: str) -> list[str]:
    return [substitute] if substitute.isalnum() or substitute == "..." else list(substitute)


def make_plain(text: str) -> str:
    """The text without what no reader sees, and with blanks where lines and pages end. For every model alike."""
    return text.translate(_PLAIN) if _NEEDS_PLAIN.search(text) else text
