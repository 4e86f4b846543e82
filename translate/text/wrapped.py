"""Texts whose lines are broken by width: lines become paragraphs again, hyphenated words whole; and how such a text is noticed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from translate.records import Paragraph, Sentence
from translate.text.sentences import split_sentences

LONGEST_BLOCK = 2000
"""Lines: a text without blank lines is taken in parts."""
SHORT = 0.6
"""Of the longest line so far: a shorter one ends its paragraph."""
ITEM = re.compile(r"\s*(?:[-*•–—·]\s|\(?\d{1,3}[.)]\s|[a-z]\)\s)")
CLOSED = re.compile(r"[.!?…:]['\"”“»«)\]]*\s*\Z")
HYPHENATED = re.compile(
    r"(?<=[^\W\d_])(?:-|\u00ad|¬)[ \t]*(?:\r\n|\n|\r)[ \t]*(?=[a-zäöüß])(?!(?:und|oder|bis|sowie|bzw|als|noch|wie)\b)"
)
COMPOUND = re.compile(r"(?<=[\w.]-)[ \t]*(?:\r\n|\n|\r)[ \t]*(?=[A-ZÄÖÜ\d])")
BREAK = re.compile(r"[ \t]*(?:\r\n|\n|\r)[ \t]*")
LINE_ENDS = str.maketrans("\r\n", "  ")
FEWEST = 2
"""Pairs of lines that are looked at before a text is called wrapped; one is enough if a word is cut in two there."""


def unwrap(text: str) -> str:
    """The text on one line: words that a line end has cut are whole again, other line ends are blanks."""
    if "\n" not in text and "\r" not in text:
        return text
    return BREAK.sub(" ", COMPOUND.sub("", HYPHENATED.sub("", text)))


def join_wrapped(lines: Iterable[str]) -> Iterator[str]:
    """Lines with their ends → paragraphs with theirs: consecutive lines are one, until a blank, a list mark, or a short line."""
    block: list[str] = []
    longest = 0
    for line in lines:
        blank = not line.strip()
        if block and (blank or ITEM.match(line) or _ends(block[-1], longest) or len(block) >= LONGEST_BLOCK):
            yield "".join(block)
            block, longest = [], 0
        if blank:
            yield line
        else:
            block.append(line)
            longest = max(longest, len(line.rstrip()))
    if block:
        yield "".join(block)


def _ends(line: str, longest: int) -> bool:
    """Whether a line is the last of its paragraph: much shorter than others, and its sentence is at its end."""
    return CLOSED.search(line) is not None and len(line.rstrip()) < SHORT * longest


def split_joined(paragraphs: Iterable[Paragraph]) -> Iterator[Sentence]:
    """The sentences of paragraphs that may have line ends in them, which end no sentence there."""
    held: list[Paragraph] = []

    def flatten() -> Iterator[Paragraph]:
        for paragraph in paragraphs:
            held[:] = [paragraph]
            yield Paragraph(paragraph.number, paragraph.start, paragraph.text.translate(LINE_ENDS))

    for sentence in split_sentences(flatten()):
        text = held[0].text[sentence.start - held[0].start : sentence.end - held[0].start]
        yield Sentence(sentence.paragraph, sentence.number, sentence.start, sentence.end, text)


class WrapWatch:
    """Lines on their way, counted: do most of them end within a sentence?"""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = lines
        self._pairs = self._open = self._within = self._cut = 0

    def __iter__(self) -> Iterator[str]:
        before = ""
        for line in self._lines:
            text = line.strip()
            if before and text and not ITEM.match(line):
                self._pairs += 1
                self._open += CLOSED.search(before) is None
                cut = before[-1] in "-\u00ad¬" and before[-2:-1].isalpha() and text[0].islower()
                self._cut += cut
                self._within += cut or text[0].islower()
            before = text
            yield line

    @property
    def wrapped(self) -> bool:
        """Whether most lines end within a sentence, and many of them beyond doubt: the next line begins with a small letter."""
        if self._pairs < FEWEST:
            return self._cut > 0
        return self._open * 2 > self._pairs and self._within * 3 >= self._pairs
