"""Markdown: paragraphs, headings, list items and table cells are translated; code, addresses, HTML and all marks stay."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

from translate.formats.base import clean_paragraph
from translate.records import InputError
from translate.text.documents import detect_encoding

FRONT_MATTER = re.compile(r"\A(?:---\n.*?\n(?:---|\.\.\.)\n|\+\+\+\n.*?\n\+\+\+\n)", re.DOTALL)
HARD_BREAK = re.compile(r"(?: {2,}|\\)\n")


@dataclass(frozen=True, slots=True)
class Unit:
    """A stretch of the file that is one paragraph: where it begins and ends, and its text on one line."""

    start: int
    end: int
    text: str


def read(path: Path, encoding: str) -> list[str]:
    """The texts that a reader sees, with the marks within them."""
    return [unit.text for unit in _find_units(_load(path, encoding))]


def write(path: Path, encoding: str, paragraphs: Sequence[str]) -> bytes:
    """The file with the English in place of the German."""
    text = _load(path, encoding)
    parts, position = [], 0
    for unit, english in zip(_find_units(text), paragraphs, strict=True):
        parts += [text[position : unit.start], english]
        position = unit.end
    return "".join([*parts, text[position:]]).encode()


def _load(path: Path, encoding: str) -> str:
    try:
        with path.open("rb") as file:
            name = detect_encoding(file, encoding)
            return file.read().decode(name).removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    except ValueError as error:
        raise InputError(
            f"'{path}' is not {encoding}: {error}", "say --encoding windows-1252, or what it is"
        ) from error


def _find_units(text: str) -> list[Unit]:
    """In order. Each is found again in the lines that the parser says it is on."""
    front = FRONT_MATTER.match(text)
    skipped = front.end() if front else 0
    first = text.count("\n", 0, skipped)
    starts = [0]
    for line in text.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    units: list[Unit] = []
    position = skipped
    for token in MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text[skipped:]):
        if token.type != "inline" or token.map is None:
            continue
        begin, stop = starts[first + token.map[0]], min(starts[first + token.map[1]], len(text))
        for part in HARD_BREAK.split(token.content):
            unit = _locate(text, part, max(begin, position), stop)
            if unit is not None:
                units.append(unit)
                position = unit.end
    return [unit for unit in units if any(map(str.isalpha, unit.text))]


def _locate(text: str, content: str, begin: int, stop: int) -> Unit | None:
    """Where the content's lines stand, between the marks of quotations and lists that the parser has taken off."""
    start, position = -1, begin
    for line in filter(None, map(str.strip, content.split("\n"))):
        found = _find(text, line, position, stop)
        if found is None:
            return None
        start, position = (found[0] if start < 0 else start), found[1]
    return Unit(start, position, clean_paragraph(content)) if start >= 0 else None


def _find(text: str, line: str, begin: int, stop: int) -> tuple[int, int] | None:
    """In a table a bar within a cell has a backslash before it, which the parser takes off."""
    for shown in (line, line.replace("|", "\\|")):
        place = text.find(shown, begin, stop)
        if place >= 0:
            return place, place + len(shown)
    return None
