"""Subtitles, SRT and WebVTT: each line of speech is translated by itself, and keeps its time."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from pathlib import Path

import pysubs2

from translate.formats.base import clean_paragraph
from translate.records import InputError
from translate.text.documents import detect_encoding

WIDTH = 42
"""Characters of a line of subtitles, at most."""
EDGES = re.compile(r"\A((?:\{\\[^{}]*\}|♪|\s)*)(.*?)((?:\{\\[^{}]*\}|♪|\s)*)\Z", re.DOTALL)
INNER = re.compile(r"\{\\[^{}]*\}")
DASH = re.compile(r"\s*[-–—]\s*")


def read(path: Path, encoding: str) -> list[str]:
    """What is said: a paragraph a subtitle, or a speaker where lines begin with dashes."""
    return [text for event in _load(path, encoding) for text in _split(event.text)]


def write(path: Path, encoding: str, paragraphs: Sequence[str]) -> bytes:
    """The subtitles with the English in place of the German."""
    subtitles, english = _load(path, encoding), iter(paragraphs)
    for event in subtitles:
        before, _, behind = _edges(event.text)
        parts = [next(english) for _ in _split(event.text)]
        lines = [f"- {part}" for part in parts] if len(parts) > 1 else textwrap.wrap(parts[0], WIDTH) if parts else []
        event.text = before + r"\N".join(lines) + behind
    kind = "vtt" if path.suffix.lower() == ".vtt" else "srt"
    return str(subtitles.to_string(kind)).encode()


def _load(path: Path, encoding: str) -> pysubs2.SSAFile:
    kind = "vtt" if path.suffix.lower() == ".vtt" else "srt"
    try:
        with path.open("rb") as file:
            name = detect_encoding(file, encoding)
            text = file.read().decode(name)
        found = pysubs2.SSAFile.from_string(text.removeprefix("\ufeff"), format_=kind)
        if text.strip() and not len(found) and "-->" not in text and not text.startswith("WEBVTT"):
            raise ValueError("no time is in it")
        return found
    except (pysubs2.Pysubs2Error, ValueError) as error:
        hint = "give a file of subtitles, or let the name of a plain text end in .txt; --encoding says what it is in"
        raise InputError(f"'{path}' holds no subtitles: {str(error)[:200]}", hint) from error


def _edges(text: str) -> tuple[str, str, str]:
    """Formatting and notes at the beginning, what is said, and those at the end."""
    found = EDGES.match(text)
    return (found[1], found[2], found[3]) if found else ("", text, "")


def _split(text: str) -> list[str]:
    """What is said, on one line; the speakers apart where each line begins with a dash."""
    lines = [INNER.sub("", line) for line in re.split(r"\\N|\\n|\n", _edges(text)[1])]
    lines = [line for line in lines if any(map(str.isalpha, line))]
    if len(lines) > 1 and all(DASH.match(line) for line in lines):
        return [clean_paragraph(DASH.sub("", line, count=1)) for line in lines]
    joined = clean_paragraph(" ".join(lines))
    return [joined] if joined else []
