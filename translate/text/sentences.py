"""German paragraphs → sentence spans.

A candidate is white space after a sentence mark; translate.text.endings judges it. Only a window of bounded size around
a candidate is ever looked at, so the time is linear in the length of any text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import NamedTuple

from translate.records import Paragraph, Sentence
from translate.text.endings import Place, is_end

Span = tuple[int, int]

RULES = "2"
"""Part of the signature of rows: raised whenever text is split otherwise."""

_WINDOW = 200
"""Code points searched on either side of a candidate for a bracket or quotation that it lies in."""

_NEAR = 64
"""Code points that the rules see on either side: they are about the last and the next few words."""

_EMOJI = (
    "[\u2600-\u2604\u2607-\u260d\u2612-\u269f\u26a1-\u2704\u2707\u2708\u270a-\u2712\u2715\u2716\u2718-\u274b\u274d-\u27a0"
    "\u2b50\u2b55\u3030\U0001f1e6-\U0001f448\U0001f44a-\U0001f4cc\U0001f4ce-\U0001f4dd\U0001f4df-\U0001f4e6"
    "\U0001f4e8-\U0001f516\U0001f518-\U0001f533\U0001f53c-\U0001faff]"
)
"""Pictures, but for hands, ticks, pins and arrows that stand before what they point out."""
_SMILEY = (
    r"(?:[B8]-\)|[:;=][-^o'’]{0,2}[)(\]\[DPpOo3|/\\*$SsXx]{1,9}|[xX]D{1,9}|\^[_.-]?\^|</?3{1,9}|[-oO>][_.][-oO<]|\\o/|\(-?[:;=]"
    r"|\*(?:g{1,3}|lol|lach|seufz|grins|freu|heul|zwinker|hust|schäm)\*)"
)
_CLOSERS = (
    r"""["'”“’‘»«›‹)\]}⁰¹²³⁴-⁹*†‡]|\[(?:\d{1,3}\s?[,–-]\s?\d{1,3}|[^\s\]]{1,6}|(?:Anm\.|§|S\.|Nr\.)\s?\d{1,3})\]"""
)

_CANDIDATE = re.compile(rf"[.!?…]((?:{_CLOSERS}|{_EMOJI}[\ufe0f\u200d]?){{0,6}})(\s+)")
"""A sentence mark; marks that close something, footnote signs, pictures (group 1); then white space (group 2)."""

_TAIL = re.compile(
    rf"((?:(?:[!?]{{1,9}}|[⁰¹²³⁴-⁹]{{1,3}}|(?:{_EMOJI}[\ufe0f\u200d]?){{1,20}}|{_SMILEY})(?:\s+|\Z)){{1,20}})"
)
"""What has no word and belongs to the sentence before it."""

_LONE_MARK = re.compile(r"""(["'”“’‘»«›‹]{1,2})(\s+|\Z)""")
_PARTNER = {"»": "«", "«": "»", "›": "‹", "‹": "›", "“": "„", "”": "“", "‘": "‚", "’": "‘"}
_WORD = re.compile(r"\w")
_DECOMPOSED = re.compile(r"[^\W\d_][\u0300-\u036f]{1,4}")


class Candidate(NamedTuple):
    """Where a sentence may end."""

    mark: int
    """Where the sentence mark is."""
    closed: int
    """Behind all that closes the sentence."""
    end: int
    """Behind the pictures, too, that follow it."""
    following: int
    """Where the next sentence would start."""


def split_sentences(paragraphs: Iterable[Paragraph]) -> Iterator[Sentence]:
    """Yield the sentences of one document, numbered through it; `start` and `end` count from its start."""
    number = 0
    for paragraph in paragraphs:
        for start, end in split_paragraph(paragraph.text):
            offset = paragraph.start
            yield Sentence(paragraph.number, number, offset + start, offset + end, paragraph.text[start:end])
            number += 1


def split_paragraph(text: str) -> list[Span]:
    """Find the spans of the sentences of one line, in code points; between and around them is white space only.

    A sentence ends where a line does for Unicode (U+2028, vertical tab, form feed …). Letters with combining marks are
    judged as the composed ones.
    """
    lines = text.splitlines(keepends=True)
    if len(lines) > 1:
        starts = accumulate(map(len, lines), initial=0)
        return [(at + start, at + end) for at, line in zip(starts, lines, strict=False) for start, end in _split(line)]
    return _split(text)


def _split(text: str) -> list[Span]:
    if text.isascii() or unicodedata.is_normalized("NFC", text):
        return _split_composed(text)
    composed, places = _compose(text)
    return [(places[start], places[end]) for start, end in _split_composed(composed)]


def _compose(text: str) -> tuple[str, list[int]]:
    """The text with its decomposed letters composed, and where each of its characters (and its end) is in the text."""
    pieces, places, seen = list[str](), list[int](), 0
    for match in _DECOMPOSED.finditer(text):
        letter = unicodedata.normalize("NFC", match[0])
        pieces += (text[seen : match.start()], letter)
        places += (*range(seen, match.start()), *[match.start()] * len(letter))
        seen = match.end()
    return "".join((*pieces, text[seen:])), [*places, *range(seen, len(text) + 1)]


def _split_composed(text: str) -> list[Span]:
    stop = len(text.rstrip())
    start = len(text) - len(text.lstrip())
    if start >= stop:
        return []
    spans: list[Span] = []
    wordy, seen = False, start
    for candidate in _candidates(text):
        if candidate.following >= stop:
            break
        # Signs without a letter or digit, as "(…)", are no sentence: they stay with what follows.
        wordy = wordy or _WORD.search(text, seen, candidate.closed) is not None
        seen = candidate.closed
        if wordy and _is_end(text, start, candidate):
            spans.append((start, candidate.end))
            start, wordy = candidate.following, False
            seen = start
    if spans and not wordy and _WORD.search(text, start, stop) is None:
        start = spans.pop()[0]  # … and at the end with what goes before: "widerspiegeln. »"
    spans.append((start, stop))
    return spans


def _candidates(text: str) -> Iterator[Candidate]:
    for match in _CANDIDATE.finditer(text):
        closed, following = match.end(1), match.end()
        if following < len(text) and (not text[following].isalnum() or text[following] in "xXB8⁰¹²³⁴⁵⁶⁷⁸⁹"):
            lone = _LONE_MARK.match(text, following)
            if lone and _closes(text, following):
                closed, following = lone.end(1), lone.end()
            tail = _TAIL.match(text, following)
            if tail:
                yield Candidate(match.start(), closed, following + len(tail[1].rstrip()), tail.end())
                continue
        yield Candidate(match.start(), closed, closed, following)


def _closes(text: str, at: int) -> bool:
    """Say whether the quotation mark at `at`, with white space on both sides, closes a quotation."""
    mark = text[at]
    before, after = text[max(0, at - _WINDOW) : at], text[at + 1 : at + _WINDOW]
    partner = _PARTNER.get(mark)
    if partner is None:
        return before.count(mark) % 2 == 1
    if before.count(partner) > before.count(mark):
        return True
    return mark not in "«‹" and partner not in after


def _is_end(text: str, start: int, candidate: Candidate) -> bool:
    """Judge one candidate of a sentence that starts at `start`."""
    mark, closed, _, following = candidate
    near = max(start, mark - _NEAR)
    closers = text[mark + 1 : closed]
    place = Place(text[near:mark], text[mark], "".join(closers.split()), near == start, text[start])
    return is_end(place, text[following : following + _NEAR]) and not _in_bracket(text, closed)


def _in_bracket(text: str, at: int) -> bool:
    """Say whether `at` lies in a bracket that opens and closes within the window."""
    before, after = text[max(0, at - _WINDOW) : at], text[at : at + _WINDOW]
    for opening, closing in ("()", "[]", "{}"):
        if before.rfind(opening) > before.rfind(closing):
            close, reopen = after.find(closing), after.find(opening)
            if close >= 0 and not 0 <= reopen < close:
                return True
    return False
