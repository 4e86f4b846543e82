"""A sentence → what the model gets of it, and its answer → the sentence's translation with all spans and marks in their places."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from translate.protect.kinds import Span, find_spans
from translate.protect.marks import WORDY, MarkedRange, is_break, pair_markdown, pair_tags
from translate.protect.standins import choose_names, find_names
from translate.protect.terms import TermUse

GLUED = frozenset(("brace", "printf", "file", "product", "formula", "version"))
"""Kinds with which letters that stand directly beside them go: `{name}s`."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A pair of marks, and where it encloses the model's text: `text[start:end]`."""

    start: int
    end: int
    opening: str
    closing: str


@dataclass(frozen=True, slots=True)
class StandIn:
    """A name in the model's text, what it stands for, and whether a blank was put before or behind it."""

    name: str
    text: str
    blank_before: bool = False
    blank_behind: bool = False
    is_term: bool = False
    """Whether it stands for a term of the glossary, and becomes English that may be inflected."""


@dataclass(frozen=True, slots=True)
class Masked:
    """A sentence as the model gets it."""

    text: str
    stand_ins: tuple[StandIn, ...] = ()
    marks: tuple[Mark, ...] = ()
    """Outer ones before inner ones."""
    terms: tuple[TermUse, ...] = ()
    """Terms of the glossary that stand in the text, to be found in the answer."""
    before: str = ""
    """What stands at the sentence's edges and is put back there."""
    behind: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """The stand-ins' names."""
        return tuple(stand_in.name for stand_in in self.stand_ins)

    @property
    def plain(self) -> bool:
        """Whether the model gets the sentence as it is, and its answer needs nothing done to it."""
        return not (self.stand_ins or self.marks or self.terms or self.before or self.behind)

    def count_lost(self, target: str) -> int:
        """How many stand-ins do not stand in the answer exactly once."""
        counts = Counter(match[0] for match in find_names(self.names, target))
        return sum(counts[name] != 1 for name in self.names)


@dataclass(frozen=True, slots=True)
class Edit:
    """Something to be done to the model's answer: `target[start:end]` becomes `text`. Those of one place are done in order."""

    start: int
    end: int
    text: str
    order: tuple[int, int] = (0, 0)


def apply_edits(target: str, edits: Sequence[Edit]) -> str:
    """The answer with the edits done. Of two that overlap the first counts."""
    parts, position = [], 0
    for edit in sorted(edits, key=lambda edit: (edit.start, edit.end, edit.order)):
        if edit.start < position:
            continue
        parts += [target[position : edit.start], edit.text]
        position = edit.end
    return "".join([*parts, target[position:]])


def strip_spans(text: str) -> str:
    """The text with a blank in place of each span and tag: what is left has to be translated."""
    spans = find_spans(text)
    if not spans:
        return text
    parts, position = [], 0
    for span in spans:
        parts += [text[position : span.start], " "]
        position = span.end
    return "".join([*parts, text[position:]])


@dataclass(slots=True)
class _Layout:
    """A sentence's spans and pairs, on their way to a Masked."""

    text: str
    start: int
    end: int
    spans: list[Span] = field(default_factory=list)
    pairs: list[MarkedRange] = field(default_factory=list)


def mask(text: str, number: int = 0, terms: Sequence[TermUse] = (), *, paired: bool = True) -> Masked:
    """A sentence with stand-ins of list `number` for its spans, and without its paired marks.

    `terms`: those of the glossary, in the sentence's offsets. What is to be a stand-in says so. If not `paired`, the two
    marks of a pair are spans like any other.
    """
    spans = find_spans(text)
    pairs = pair_tags(text, spans) + pair_markdown(text, spans)
    if not paired and pairs:
        halves = [half for pair in pairs for half in ((pair.start, pair.inner_start), (pair.inner_end, pair.end))]
        spans = [span for span in spans if not any(start <= span.start and span.end <= end for start, end in halves)]
        spans, pairs = sorted([*spans, *(Span(*half, "tag") for half in halves)], key=lambda span: span.start), []
    layout = _Layout(text, 0, len(text), spans, pairs)
    if not (spans or layout.pairs or terms):
        return Masked(text)
    _strip_edges(layout)
    _join_spans(layout)
    return _build(layout, number, [term for term in terms if _is_free(term, layout)])


def _strip_edges(layout: _Layout) -> None:
    """Leave out marks and breaks at the sentence's edges."""
    text = layout.text
    changed = True
    while changed:
        changed = False
        layout.start += len(text[layout.start : layout.end]) - len(text[layout.start : layout.end].lstrip())
        layout.end = layout.start + len(text[layout.start : layout.end].rstrip())
        paired = {edge for pair in layout.pairs for edge in (pair.start, pair.inner_end)}
        for pair in layout.pairs:
            if (pair.start, pair.end) == (layout.start, layout.end) and WORDY.search(
                text, pair.inner_start, pair.inner_end
            ):
                layout.start, layout.end = pair.inner_start, pair.inner_end
                layout.pairs.remove(pair)
                changed = True
                break
        for span in layout.spans:
            if span.kind != "tag" or span.start in paired or not is_break(text[span.start : span.end]):
                continue
            if span.start == layout.start and span.end < layout.end:
                layout.start, changed = span.end, True
            elif span.end == layout.end and span.start > layout.start:
                layout.end, changed = span.start, True
    layout.spans = [span for span in layout.spans if layout.start <= span.start and span.end <= layout.end]


def _join_spans(layout: _Layout) -> None:
    """Make one span of what touches, of marks around nothing but spans, and of a placeholder with letters beside it."""
    text = layout.text
    for pair in list(layout.pairs):
        if not WORDY.search(_blank(text, layout.spans, pair.inner_start, pair.inner_end)):
            layout.pairs.remove(pair)
            layout.spans.append(Span(pair.start, pair.end, "tag"))
    marks = [edge for pair in layout.pairs for edge in ((pair.start, pair.inner_start), (pair.inner_end, pair.end))]
    stops = {place for mark in marks for place in mark}
    joined: list[Span] = []
    for span in sorted(layout.spans, key=lambda span: (span.start, -span.end)):
        if any(start <= span.start and span.end <= end for start, end in marks):
            continue  # a tag of a pair, or a link's address
        start, end = _take_in_letters(layout, span, stops) if span.kind in GLUED else (span.start, span.end)
        if joined and start <= joined[-1].end and start not in stops:
            last = joined.pop()
            start, end = last.start, max(last.end, end)
        joined.append(Span(start, end, span.kind))
    layout.spans = joined


def _take_in_letters(layout: _Layout, span: Span, stops: set[int]) -> tuple[int, int]:
    start, end = span.start, span.end
    while start > layout.start and start not in stops and layout.text[start - 1].isalnum():
        start -= 1
    while end < layout.end and end not in stops and layout.text[end].isalnum():
        end += 1
    return start, end


def _blank(text: str, spans: Sequence[Span], start: int, end: int) -> str:
    """A stretch of the text with its spans blanked out."""
    for span in spans:
        if start <= span.start and span.end <= end:
            text = text[: span.start] + " " * (span.end - span.start) + text[span.end :]
    return text[start:end]


def _is_free(term: TermUse, layout: _Layout) -> bool:
    """Whether a term of the glossary lies in no span and on no mark."""
    if not (layout.start <= term.start and term.end <= layout.end):
        return False
    marks = [(p.start, p.inner_start) for p in layout.pairs] + [(p.inner_end, p.end) for p in layout.pairs]
    taken = [(span.start, span.end) for span in layout.spans] + marks
    return not any(start < term.end and term.start < end for start, end in taken)


def _build(layout: _Layout, number: int, terms: Sequence[TermUse]) -> Masked:
    """Put stand-ins in and leave marks out, from left to right, and tell where everything is then."""
    text = layout.text
    replaced = [(span.start, span.end, span.kind) for span in layout.spans]
    replaced += [(term.start, term.end, "term") for term in terms if term.stand_in]
    names = choose_names(number, len(replaced), text)
    by_place = {(term.start, term.end): term for term in terms}
    pieces = sorted(
        [(start, end, 1, kind) for start, end, kind in replaced[: len(names)]]
        + [(p.start, p.inner_start, 0, "mark") for p in layout.pairs]
        + [(p.inner_end, p.end, 0, "mark") for p in layout.pairs]
    )
    parts: list[str] = []
    places: dict[int, int] = {}
    stand_ins: list[StandIn] = []
    position, length, used = layout.start, 0, iter(names)
    for start, end, _, kind in pieces:
        if start < position:
            continue
        parts.append(text[position:start])
        _note(places, position, start, length)
        length += start - position
        if kind == "mark":
            places[start] = places[end] = length
        else:
            name = next(used)
            before = start > layout.start and text[start - 1].isalnum() and bool(parts[-1])
            behind = end < layout.end and text[end].isalnum()
            term = by_place.get((start, end)) if kind == "term" else None
            stand_ins.append(
                StandIn(
                    name,
                    term.english if term else text[start:end],
                    before,
                    behind,
                    term is not None and not term.term.keep,
                )
            )
            parts.append(" " * before + name + " " * behind)
            places[start] = length
            length += len(parts[-1])
            places[end] = length
        position = end
    parts.append(text[position : layout.end])
    _note(places, position, layout.end, length)
    marks = tuple(
        Mark(places[p.inner_start], places[p.inner_end], text[p.start : p.inner_start], text[p.inner_end : p.end])
        for p in sorted(layout.pairs, key=lambda p: (p.start, -p.end))
    )
    found = tuple(term.moved(places[term.start], places[term.end]) for term in terms if not term.stand_in)
    return Masked("".join(parts), tuple(stand_ins), marks, found, text[: layout.start], text[layout.end :])


def _note(places: dict[int, int], start: int, end: int, length: int) -> None:
    """Where the characters of a stretch that is kept are in the model's text."""
    places.update((place, length + place - start) for place in range(start, end + 1))
