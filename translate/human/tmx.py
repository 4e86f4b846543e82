"""TMX: the exchange format of translation memories, as any program writes it → pairs.

https://www.gala-global.org/tmx-14b. Units are read one after the other, whatever the size of the file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from translate.human.pairs import Pair, parse_sentence
from translate.records import InputError

LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
CODES = frozenset({"bpt", "ept", "ph", "it", "ut", "sub"})
"""Elements within a segment that hold a program's codes and not text."""
CONTROL = "x-control"
"""The type of a `ph` that stands for a character which XML cannot hold, by its number in hexadecimal."""
DOCUMENT, SENTENCE = "x-doc", "x-sentence"
"""The properties that say which row a unit is."""
CHUNK = 1 << 16


def read_tmx(path: Path) -> Iterator[Pair]:
    """Its pairs of German and English, the tags within sentences left out. Raises InputError for what is no TMX, or has none."""
    count, languages = 0, set()
    for number, (_, unit) in enumerate(read_elements(path, root="tmx", wanted=("tu",)), 1):
        segments: dict[str, str] = {}
        for variant in unit.iter("tuv"):
            language = (variant.get(LANGUAGE) or variant.get("lang") or "").lower()
            languages.add(language)
            segment = variant.find("seg")
            segments.setdefault(language[:2], "" if segment is None else _text(segment).strip())
        if segments.get("de") and "en" in segments:
            count += 1
            properties = {prop.get("type"): prop.text or "" for prop in unit.findall("prop")}
            sentence = properties.get(SENTENCE, "")
            yield Pair(
                segments["de"],
                segments["en"],
                f"unit {number}",
                properties.get(DOCUMENT),
                parse_sentence(sentence),
            )
    if not count:
        named = ", ".join(sorted(languages - {""})) or "none"
        hint = "give one whose sentences have a German (de) and an English (en) variant"
        raise InputError(f"'{path}' has no pair of German and English; its languages: {named}", hint)


def _text(segment: Element) -> str:
    """What is written in a segment."""
    parts = [segment.text or ""]
    for child in segment:
        if child.tag == "ph" and child.get("type") == CONTROL:
            parts.append(decode_control(child.text or ""))
        elif child.tag not in CODES:
            parts.append(_text(child))
        parts.append(child.tail or "")
    return "".join(parts)


def decode_control(number: str) -> str:
    """The character with this number in hexadecimal; nothing for anything else."""
    try:
        return chr(int(number, 16))
    except (ValueError, OverflowError):
        return ""


def read_elements(path: Path, *, root: str, wanted: Sequence[str]) -> Iterator[tuple[Element, Element]]:
    """The outermost element with each of those of these names, which is to be used before the next is asked for.

    Names are without their namespaces.

    Raises InputError if the file cannot be read, is no XML, or its outermost element has another name.
    """
    parser: ElementTree.XMLPullParser[Element] = ElementTree.XMLPullParser(("start", "end"))
    try:
        with path.open("rb") as file:
            finder = _Finder(path, root, wanted)
            while chunk := file.read(CHUNK):
                parser.feed(chunk)
                yield from finder.follow(parser.read_events())
            parser.close()
    except ElementTree.ParseError as error:
        line = error.position[0]
        raise InputError(f"'{path}' line {line}: {error}", "the file is damaged, or no XML: export it again") from error
    except OSError as error:
        raise InputError(f"cannot read '{path}': {error.strerror or error}", "check the file") from error


class _Finder:
    """Finds the wanted elements among what begins and ends, and lets go of what has ended."""

    def __init__(self, path: Path, root: str, wanted: Sequence[str]) -> None:
        self._path, self._root, self._wanted = path, root, wanted
        self._open: list[Element] = []
        self._within = 0

    def follow(self, events: Iterable[Any]) -> Iterator[tuple[Element, Element]]:
        for kind, element in events:
            if kind == "start":
                element.tag = element.tag.rpartition("}")[2]
                self._check(element)
                self._open.append(element)
                self._within += element.tag in self._wanted
                continue
            self._open.pop()
            if element.tag in self._wanted:
                self._within -= 1
                yield self._open[0], element
            if self._open and not self._within:
                self._open[-1].remove(element)

    def _check(self, element: Element) -> None:
        if not self._open and element.tag != self._root:
            hint = f"give a file of the format {self._root}"
            raise InputError(f"'{self._path}' begins with <{element.tag}>, not with <{self._root}>", hint)
