"""What is done to every sentence of a run to keep what must not change: one object, made once, for one glossary and model."""

from __future__ import annotations

import functools
import hashlib
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace

from translate.protect import codes, endings, kinds, marks
from translate.protect.mask import Masked, mask
from translate.protect.placing import FAINT, MARK_SHARE, TERM_SHARE, WEAK
from translate.protect.standins import LISTS
from translate.protect.terms import TermFinder, count_english
from translate.records import Signature, Term

BEHAVIOUR = "1"
"""Part of the signature: raised whenever spans, marks or terms would be treated otherwise with the same lists and patterns."""
UNPROTECTED = len(LISTS)
"""The number behind the last list of stand-ins: the sentence goes to the model as it is."""


class Protector:
    """Masks sentences. `aligned`: whether it will be known what English was made from what German.

    If not, paired marks are single spans, and every term has a stand-in.
    """

    def __init__(self, terms: Sequence[Term] = (), *, aligned: bool = True) -> None:
        self._finder, self._aligned = TermFinder(terms), aligned

    def mask(self, source: str, number: int = 0, weak: Collection[int] = ()) -> Masked:
        """The sentence as the model gets it, with stand-ins of list `number`; for the terms `weak`, too (places in the sentence)."""
        if number >= UNPROTECTED:
            return Masked(source)
        terms = [
            replace(term, stand_in=True) if term.place in weak or not self._aligned else term
            for term in self._finder.find(source)
        ]
        return mask(source, number, terms, paired=self._aligned)

    def count_lost(self, source: str, masked: Masked, answer: str) -> int:
        """How many spans of the sentence are not in the model's answer, exactly once each."""
        if masked.stand_ins:
            return masked.count_lost(answer)
        kept = self.mask(source)
        texts = [stand_in.text for stand_in in kept.stand_ins if not stand_in.is_term]
        texts += [half for mark in kept.marks for half in (mark.opening, mark.closing)] if not masked.marks else []
        return sum(answer.count(text) != source.count(text) for text in set(texts))

    def misses_term(self, source: str, target: str) -> bool:
        """Whether the English of a term that the sentence has is not in the target as often as the term is in the sentence."""
        wanted = Counter(use.term for use in self._finder.find(source))
        return any(count_english(term, target) < count for term, count in wanted.items())


def sign_protection(terms: Sequence[Term]) -> Signature:
    """What of the protection can change a row: lists, patterns, and the glossary's terms."""
    return {"protect": _digest_rules(), **_sign_terms(terms)}


@functools.cache
def _digest_rules() -> str:
    """A short name for all patterns and lists: other ones, other rows."""
    rules = [
        BEHAVIOUR,
        repr([(kind.name, kind.signs, kind.pattern.pattern) for kind in kinds.KINDS]),
        repr((LISTS, MARK_SHARE, TERM_SHARE, WEAK, FAINT, sorted(endings.DOMAINS), endings.FILES.pattern)),
        repr(
            [sorted(words) for words in (codes.TRANSLATED, codes.VERSIONED, codes.COMMON, kinds.FILLING, marks.BREAKS)]
        ),
        repr((codes.ORDINARY.pattern, codes.MEASURE.pattern, marks.EMPHASIS.pattern, marks.LINK.pattern)),
    ]
    return hashlib.blake2b("\0".join(rules).encode(), digest_size=4).hexdigest()


def _sign_terms(terms: Sequence[Term]) -> Signature:
    if not terms:
        return {}
    lines = sorted(f"{term.german}\t{term.english}\t{term.keep}" for term in terms)
    return {"glossary": hashlib.blake2b("\n".join(lines).encode(), digest_size=6).hexdigest()}
