"""Marks in pairs: tags (`<b>…</b>`) and Markdown's (`**…**`, `[…](address)`). What is between them is translated, they are not."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from translate.protect.kinds import Span

TAG = re.compile(r"<(/?)([\w:.-]+)[^<>]*?(/?)>")
BREAKS = frozenset("br hr p div li ul ol tr td th table img wbr h1 h2 h3 h4 h5 h6 blockquote section article".split())
"""Tags that break a text. At the edge of a sentence they are no part of it."""
EMPHASIS = re.compile(
    r"(?<![\w*_~\\])(?P<mark>\*\*\*|\*\*|\*|___|__|_|~~)(?=[^\s*_~])(?P<inside>(?:(?!(?P=mark))[^\n]){1,1000}?)(?<=[^\s*_~\\])(?P=mark)(?![\w*_~])"
)
LINK = re.compile(
    r"(?P<open>!?\[)(?P<inside>[^\[\]\n]{1,500})(?P<close>\]\([^()\s]{1,1000}(?:\([^()\s]{0,200}\)[^()\s]{0,200})?(?: \"[^\"\n]{0,200}\")?\))"
)
WORDY = re.compile(r"[^\W\d_]")


@dataclass(frozen=True, slots=True)
class MarkedRange:
    """What two marks enclose: the opening one is `text[start:inner_start]`, the closing one `text[inner_end:end]`."""

    start: int
    inner_start: int
    inner_end: int
    end: int


def is_break(tag: str) -> bool:
    """Whether a tag breaks the text, or is one half of a pair whose other half is in another sentence."""
    found = TAG.fullmatch(tag)
    return found is not None and (found[2].lower() in BREAKS or not found[3])


def pair_tags(text: str, spans: Sequence[Span]) -> list[MarkedRange]:
    """The pairs among the tags, outer ones before inner ones. A tag without its other half is in none."""
    opened: list[tuple[str, Span]] = []
    pairs = []
    for span in spans:
        found = TAG.fullmatch(text, span.start, span.end) if span.kind == "tag" else None
        if found is None or found[3]:
            continue
        name = found[2].lower()
        if not found[1]:
            opened.append((name, span))
        elif any(name == other for other, _ in opened):
            while opened[-1][0] != name:
                opened.pop()
            start = opened.pop()[1]
            pairs.append(MarkedRange(start.start, start.end, span.start, span.end))
    return sorted(pairs, key=lambda pair: pair.start)


def pair_markdown(text: str, spans: Sequence[Span]) -> list[MarkedRange]:
    """Markdown's emphasis and links outside the spans; a link's address may be a span."""
    pairs = []
    if "](" in text:
        pairs += [MarkedRange(m.start(), m.end("open"), m.start("close"), m.end()) for m in LINK.finditer(text)]
    if "*" in text or "_" in text or "~~" in text:
        for match in EMPHASIS.finditer(text):
            width = len(match["mark"])
            pairs.append(MarkedRange(match.start(), match.start() + width, match.end() - width, match.end()))
    return [pair for pair in pairs if not any(_cuts(span, pair) for span in spans)]


def _cuts(span: Span, pair: MarkedRange) -> bool:
    """Whether a mark begins or ends within the span, or the span holds the pair."""
    inside = pair.inner_start <= span.start and span.end <= pair.inner_end
    in_mark = pair.inner_end <= span.start and span.end <= pair.end
    return not (span.end <= pair.start or span.start >= pair.end or inside or in_mark)
