"""A glossary's terms in German sentences: inflected forms are found by their lemma, compounds only as entries of their own."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from translate.protect.english import pluralize
from translate.records import Term

WORD = re.compile(r"[^\W_]+(?:['’.-][^\W_]+)*")
MANY = frozenset(
    """
    die alle vielen viele mehrere einige wenige beide manche diese jene keine unsere meine deine seine ihre eure zwei drei vier fünf
    sechs sieben acht neun zehn elf zwölf zahlreiche verschiedene
    """.split()
)
"""Words before a noun that mostly tell of several."""


@dataclass(frozen=True, slots=True)
class TermUse:
    """A term where it stands in a text: `text[start:end]` is a form of it."""

    start: int
    end: int
    term: Term
    plural: bool
    """Whether the form is more likely a plural, by itself and by the word before it."""
    stand_in: bool = False
    """Whether a stand-in takes its place on the way through the model."""
    place: int = 0
    """Where it begins in the sentence, whatever the model gets of it."""

    @property
    def english(self) -> str:
        """The English where nothing but the German tells its form."""
        return pluralize(self.term.english) if self.plural and not self.term.keep else self.term.english

    def moved(self, start: int, end: int) -> TermUse:
        """The same at another place."""
        return replace(self, start=start, end=end)


@functools.lru_cache(maxsize=65_536)
def lemmatize(word: str) -> str:
    """The word's base form, case folded."""
    import simplemma  # here, for its table takes a second

    shouted = word.isupper() and len(word) > 3
    return simplemma.lemmatize(word.capitalize() if shouted else word, lang="de").casefold()


class TermFinder:
    """Finds the terms of one glossary."""

    def __init__(self, terms: Sequence[Term]) -> None:
        self._terms: dict[str, list[tuple[tuple[frozenset[str], ...], tuple[bool, ...], Term]]] = {}
        for term in terms:
            words = [match[0] for match in WORD.finditer(term.german)]
            keys = tuple(_keys(word) for word in words)
            for key in keys[0] if keys else ():
                self._terms.setdefault(key, []).append((keys, tuple(word[0].isupper() for word in words), term))

    def find(self, text: str) -> list[TermUse]:
        """The terms in a sentence, in order, none overlapping; of several that begin at one word the longest."""
        words = list(WORD.finditer(text)) if self._terms else []
        found, position = [], 0
        while position < len(words):
            match = self._match(words, position)
            if match is not None:
                term, count = match
                last = words[position + count - 1]
                start = words[position].start()
                found.append(TermUse(start, last.end(), term, _is_many(text[:start], last[0], term), term.keep, start))
            position += match[1] if match else 1
        return found

    def _match(self, words: Sequence[re.Match[str]], position: int) -> tuple[Term, int] | None:
        word = words[position][0]
        entries = [entry for key in _keys(word) for entry in self._terms.get(key, ())]
        for keys, capitals, term in sorted(entries, key=lambda entry: -len(entry[0])):
            some = [match[0] for match in words[position : position + len(keys)]]
            if len(some) == len(keys) and all(
                (other[0].isupper() or not capital) and not own.isdisjoint(_keys(other))
                for own, capital, other in zip(keys, capitals, some, strict=True)
            ):
                return term, len(keys)
        return None


def _keys(word: str) -> frozenset[str]:
    return frozenset((word.casefold(), lemmatize(word)))


def _is_many(before: str, form: str, term: Term) -> bool:
    """Whether a form that stands behind these words is more likely a plural than a singular."""
    words = re.findall(r"\w+", before[-60:])[-3:]
    near = words[-1].lower() if words else ""
    if any(word.isdecimal() and word != "1" for word in words[-2:]) or near in MANY - {"die"}:
        return True
    base = term.german.split()[-1]
    if form.casefold() == base.casefold():
        return False
    if near in ("dem", "des", "eines", "einem", "einer", "vom", "zum", "im", "am", "beim", "einen", "jeden", "jedes", "kein"):
        return False
    return not form.endswith("s") or base[-1:] in "aiouy"  # a genitive; `Autos` may be one


def count_english(term: Term, target: str) -> int:
    """How often the term's English stands in a text, in the singular or plural; with any capitals unless it is kept as it is."""
    forms = {term.english} if term.keep else {term.english, pluralize(term.english)}
    pattern = "|".join(map(re.escape, sorted(forms, key=len, reverse=True)))
    return len(re.findall(rf"(?<!\w)(?:{pattern})(?!\w)", target, re.NOFLAG if term.keep else re.IGNORECASE))
