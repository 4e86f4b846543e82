"""A glossary's terms in German sentences: inflected forms are found by their lemma, compounds only as entries of their own."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from translate.protect.english import is_plural, pluralize
from translate.records import Term

WORD = re.compile(r"[^\W_]+(?:['’.-][^\W_]+)*")
MANY = frozenset(
    """
    alle vielen viele mehrere mehreren einige einigen wenige wenigen beide beiden manche zwei drei vier fünf sechs sieben acht neun zehn
    elf zwölf zahlreiche zahlreichen verschiedene verschiedenen sämtliche unzählige dutzende hunderte tausende millionen
    """.split()
)
"""Words before a noun that tell of several."""
ONE = frozenset(
    """
    des dem eines einem einen ein jedes jeden jedem jeder jede im am vom zum beim ins zur kein keinem keines dieses diesem meines
    meinem deines seines seinem ihres ihrem unseres unserem welchem welches
    """.split()
)
"""Words before a noun that tell of one."""
FEMININE = ("ung", "heit", "keit", "schaft", "ion", "tät", "ie", "ik", "ur", "anz", "enz", "ei", "in")


@dataclass(frozen=True, slots=True)
class TermUse:
    """A term where it stands in a text: `text[start:end]` is a form of it."""

    start: int
    end: int
    term: Term
    plural: bool | None
    """Whether the German form is a plural; None if neither it nor the words before it tell."""
    stand_in: bool = False
    """Whether a stand-in takes its place on the way through the model."""
    form: str = ""
    """As it stands in the text."""
    place: int = 0
    """Where it begins in the sentence, whatever the model gets of it."""

    def is_many(self, english: str = "") -> bool:
        """Whether it is a plural; where the German does not tell, as the model's own English does."""
        if self.plural is not None:
            return self.plural
        return is_plural(english) if english else self.form.casefold() != self.term.german.casefold()

    @property
    def english(self) -> str:
        """The English where the model's own is not known."""
        return pluralize(self.term.english) if self.is_many() and not self.term.keep else self.term.english

    def moved(self, start: int, end: int) -> TermUse:
        """The same at another place."""
        return replace(self, start=start, end=end)


@functools.lru_cache(maxsize=65_536)
def lemmatize(word: str) -> str:
    """The word's base form, case folded."""
    import simplemma  # here, for its table takes a second

    shouted = word.isupper() and len(word) > 3
    base: str = simplemma.lemmatize(word.capitalize() if shouted else word, lang="de")
    return base.casefold()


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
                found.append(
                    TermUse(
                        start,
                        last.end(),
                        term,
                        find_number(text[:start], last[0], term.german.split()[-1]),
                        term.keep,
                        text[start : last.end()],
                        start,
                    )
                )
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


def find_number(before: str, form: str, base: str) -> bool | None:
    """Whether a form of a noun, behind these words, is a plural; None if that cannot be told.

    `dem Fahrer`, `drei Fehler`, `Probleme` can be told; `Fehler`, and `Soldaten` or `Kunden`, which may be one man, cannot.
    """
    near = [word.lower() for word in re.findall(r"\w+", before[-60:])[-3:]]
    if any(word in MANY or (word.isdecimal() and word != "1") for word in near[-2:]):
        return True
    adjectives = all(word.endswith(("en", "e", "er", "es")) for word in near[-1:])
    if near and (near[-1] in ONE or (adjectives and near[-2:-1] and near[-2] in ONE)):
        return False
    form, base = form.casefold(), base.casefold()
    if form == base:
        return None
    if form in (f"{base}s", f"{base}es", f"{base}ens", f"{base}ns"):
        return None if base[-1] in "aiouy" else False
    if form in (f"{base}en", f"{base}n") and not base.endswith((*FEMININE, "el", "er", "en")):
        return None
    return True


def count_english(term: Term, target: str) -> int:
    """How often the term's English stands in a text, in the singular or plural; with any capitals unless it is kept as it is."""
    forms = {term.english} if term.keep else {term.english, pluralize(term.english)}
    pattern = "|".join(map(re.escape, sorted(forms, key=len, reverse=True)))
    return len(re.findall(rf"(?<!\w)(?:{pattern})(?!\w)", target, re.NOFLAG if term.keep else re.IGNORECASE))
