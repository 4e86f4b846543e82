"""Where in the English is what stands here in the German? Marks and terms find their places by the decoder's cross-attention.

A block of English words belongs to a stretch of German if most of their attention is on it: of all blocks, the one whose
words exceed a threshold by most in sum (Bentley's maximum subarray).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from translate.protect.english import ARTICLE, FUNCTION_WORDS, choose_article, pluralize
from translate.protect.mask import Edit, Mark, Masked, apply_edits
from translate.protect.standins import find_names
from translate.protect.terms import TermUse

if TYPE_CHECKING:  # numpy takes longer to import than `--help` may
    import numpy as np
    from numpy.typing import NDArray

    Shares = NDArray[np.float32]

MARK_SHARE = 0.35
"""Of an English word's attention that has to be on the German between two marks."""
TERM_SHARE = 0.3
WEAK = 0.42
"""Where no English word looks at a term as much as that, the model has mostly left it out: a stand-in is tried."""

FAINT = 0.2
"""Where no word looks at it even so much, none is replaced."""

ENGLISH_WORD = re.compile(r"\w+(?:['’-]\w+)*")
GERMAN_START = re.compile(r"\W*([a-zäöüß]+)\b")


@dataclass(frozen=True, slots=True)
class Token:
    """A target token's characters in the target, and its attention [source tokens]."""

    start: int
    end: int
    shares: Shares


@dataclass(frozen=True, slots=True)
class Word:
    """An English word and the attention of its tokens, on average [source tokens]."""

    start: int
    end: int
    text: str
    shares: Shares


@dataclass(frozen=True, slots=True)
class Alignment:
    """A translated text's words, and at which source token each place of the model's text is."""

    target: str
    words: tuple[Word, ...]
    find_token: Callable[[int], int]

    def measure(self, start: int, end: int) -> list[float]:
        """How much of each word's attention is on `text[start:end]` of the model's text."""
        first, last = self.find_token(start), self.find_token(end)
        return [float(word.shares[first : max(last, first + 1)].sum()) for word in self.words]


def make_words(target: str, tokens: Sequence[Token]) -> tuple[Word, ...]:
    """The target's words, each with the mean attention of the tokens that write its letters."""
    words = []
    for match in ENGLISH_WORD.finditer(target):
        own = [
            token.shares
            for token in tokens
            if token.start < match.end()
            and match.start() < token.end
            and any(map(str.isalnum, target[token.start : token.end]))
        ]
        if own:
            words.append(
                Word(match.start(), match.end(), match[0], (sum(own[1:], own[0]) / len(own)).astype(own[0].dtype))
            )
    return tuple(words)


@dataclass(frozen=True, slots=True)
class Block:
    """Consecutive words, the last one included, and the greatest share that one of them has."""

    first: int
    last: int
    share: float


def find_block(shares: Sequence[float], threshold: float) -> Block | None:
    """The consecutive words that exceed the threshold by most, all in all; the one with the greatest share if none does."""
    if not shares:
        return None
    best, best_range, total, start = -math.inf, (0, 0), 0.0, 0
    for place, share in enumerate(shares):
        if total <= 0:
            total, start = 0.0, place
        total += share - threshold
        if total > best:
            best, best_range = total, (start, place)
    first, last = best_range
    return Block(first, last, max(shares[first : last + 1]))


def trim_function_words(words: Sequence[Word], block: Block, *, behind: bool = True) -> Block:
    """Without articles, prepositions and the like at the block's edges, unless it has nothing else."""
    first, last = block.first, block.last
    while first < last and words[first].text.lower() in FUNCTION_WORDS:
        first += 1
    while behind and last > first and words[last].text.lower() in FUNCTION_WORDS:
        last -= 1
    return Block(first, last, block.share)


def place_marks(masked: Masked, alignment: Alignment) -> list[Edit]:
    """The marks as insertions into the answer, each pair around what was made from the German between its two."""
    ranges = [_find_marked(masked, mark, alignment) for mark in masked.marks]
    for number in range(len(ranges) - 1, -1, -1):  # an outer pair encloses its inner ones
        outer = masked.marks[number]
        for inner, found in zip(masked.marks[number + 1 :], ranges[number + 1 :], strict=True):
            if outer.start <= inner.start and inner.end <= outer.end:
                ranges[number] = min(ranges[number][0], found[0]), max(ranges[number][1], found[1])
    edits: list[Edit] = []
    for number, (mark, (start, end)) in enumerate(zip(masked.marks, ranges, strict=True)):
        for before, found in zip(masked.marks[:number], ranges[:number], strict=True):
            if before.end <= mark.start and start < found[1] and found[0] < end:  # neighbours do not overlap
                start, end = (found[1], max(found[1], end)) if end > found[1] else (found[1], found[1])
        ranges[number] = start, end
        edits += [
            Edit(start, start, mark.opening, (1, number)),
            Edit(end, end, mark.closing, (0 if start < end else 2, -number)),
        ]
    return edits


def _find_marked(masked: Masked, mark: Mark, alignment: Alignment) -> tuple[int, int]:
    """Where the marks belong: around words, and around the punctuation that is within them in the German."""
    inside, target = masked.text[mark.start : mark.end], alignment.target
    if not masked.text[: mark.start].strip() and not masked.text[mark.end :].strip():
        return 0, len(target)
    block = find_block(alignment.measure(mark.start, mark.end), MARK_SHARE)
    if block is None:
        return len(target), len(target)
    lower = GERMAN_START.match(inside)
    if lower is None:
        block = trim_function_words(alignment.words, block, behind=False)
    start, end = alignment.words[block.first].start, alignment.words[block.last].end
    if not masked.text[: mark.start].strip() and all(
        word.text.lower() in ("a", "an", "the") for word in alignment.words[: block.first]
    ):
        start = 0
    while (
        start
        and inside[:1]
        and not inside[0].isalnum()
        and not target[start - 1].isalnum()
        and not target[start - 1].isspace()
    ):
        start -= 1
    while (
        end < len(target)
        and inside
        and not inside[-1].isalnum()
        and not target[end].isalnum()
        and not target[end].isspace()
    ):
        end += 1
    return start, end


@dataclass(frozen=True, slots=True)
class Placed:
    """What became of a term: what to do to the answer, and whether it may be in the wrong place."""

    use: TermUse
    edits: tuple[Edit, ...]
    weak: bool


def place_terms(masked: Masked, alignment: Alignment) -> list[Placed]:
    """Each term of the sentence with the words that are replaced by its English."""
    placed: list[Placed] = []
    taken = [match.span() for match in find_names(masked.names, alignment.target)]
    for use in masked.terms:
        found = _place_term(use, alignment, taken)
        taken += [(edit.start, edit.end) for edit in found.edits]
        placed.append(found)
    return placed


def _place_term(use: TermUse, alignment: Alignment, taken: Sequence[tuple[int, int]]) -> Placed:
    words, target = alignment.words, alignment.target
    shares = alignment.measure(use.start, use.end)
    for number, word in enumerate(words):
        if any(word.start < end and start < word.end for start, end in taken) or word.text.lower() in FUNCTION_WORDS:
            shares[number] = 0
    block = find_block(shares, TERM_SHARE)
    if block is None or block.share < FAINT:
        return Placed(use, (), weak=True)
    block = trim_function_words(words, block)
    start, end = words[block.first].start, words[block.last].end
    if (there := _find_wanted(use, target, start, end)) is not None:
        return Placed(use, (Edit(*there, target[slice(*there)]),), weak=False)
    old = target[start:end]
    possessive = re.search(r"['’]s?\Z", old) if not use.english.endswith(("'s", "’s")) else None
    old_bare = old[: possessive.start()] if possessive else old
    english = use.term.english
    if not use.term.keep:
        english = pluralize(english) if use.is_many(old_bare) else english
        english = _match_capital(target, start, english)
    new = english + (possessive[0] if possessive else "")
    return Placed(use, (*_fix_article(target, start, english), Edit(start, end, new)), weak=block.share < WEAK)


def _find_wanted(use: TermUse, target: str, start: int, end: int) -> tuple[int, int] | None:
    """Where the wanted words are already, if they are where the term is."""
    for english in (pluralize(use.term.english), use.term.english):
        for match in re.finditer(rf"(?<!\w){re.escape(english)}(?!\w)", target, re.IGNORECASE):
            if match.start() < end and start < match.end():
                return match.span()
    return None


def _match_capital(target: str, start: int, english: str) -> str:
    """With a capital where the sentence begins."""
    return english if target[:start].strip(" \"'„“(‘") else english[:1].upper() + english[1:]


def _fix_article(target: str, start: int, english: str) -> list[Edit]:
    """`a` before the words becomes `an` if they want it so, and the other way round."""
    found = ARTICLE.search(target[:start])
    if found is None:
        return []
    article = choose_article(english)
    shown = article.capitalize() if found[1] == "A" else article
    return [] if shown == found[0].strip() else [Edit(found.start(), found.end() - 1, shown)]


def put_back(masked: Masked, target: str, edits: Sequence[Edit] = ()) -> str:
    """The answer with the edits done, and what the stand-ins stand for in their places; edges as they were."""
    by_name = {stand_in.name: stand_in for stand_in in masked.stand_ins}
    restored = list(edits)
    for match in find_names(masked.names, target):
        stand_in, (start, end) = by_name[match[0]], match.span()
        start -= stand_in.blank_before and target[start - 1 : start] == " "
        end += stand_in.blank_behind and target[end : end + 1] == " "
        text = stand_in.text
        if stand_in.is_term:
            text = _match_capital(target, start, text)
            restored += _fix_article(target, start, text)
        restored.append(Edit(start, end, text))
    return masked.before + apply_edits(target, restored) + masked.behind
