"""Rows → TMX 1.4b, a unit a row: what translators' programs read as a translation memory. It is read by `translate.human.tmx`.

https://www.gala-global.org/tmx-14b
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from translate.exchange.about import About
from translate.exchange.formats.xml import escape_attribute, escape_text
from translate.human.tmx import CONTROL, DOCUMENT, SENTENCE
from translate.records import Row


def write(rows: Iterable[Row], about: About, path: Path) -> None:
    """Write one file of all rows. Raises OSError."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(_head(about))
        for row in rows:
            file.writelines(_unit(row))
        file.write("</body>\n</tmx>\n")


def _head(about: About) -> str:
    version = escape_attribute(about.version)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<!DOCTYPE tmx SYSTEM "tmx14.dtd">\n'
        '<tmx version="1.4">\n'
        f'<header creationtool="translate-batch" creationtoolversion="{version}" segtype="sentence" o-tmf="translate-batch"'
        ' adminlang="en" srclang="de" datatype="plaintext">\n'
        f"{_prop('model', about.model)}{_prop('signature', about.signature)}"
        "</header>\n<body>\n"
    )


def _unit(row: Row) -> Iterator[str]:
    yield '<tu srclang="de" datatype="plaintext">\n'
    yield from (f"<note>{escape_text(f'{flag}: {flag.meaning}')}</note>\n" for flag in row.flags)
    yield f'<prop type="{DOCUMENT}">{escape_text(row.doc)}</prop>\n<prop type="{SENTENCE}">{row.sentence}</prop>\n'
    yield _prop("paragraph", row.paragraph) + _prop("start", row.start) + _prop("end", row.end)
    if row.score is not None:
        yield _prop("score", round(row.score, 4))
    if row.flags:
        yield _prop("flags", " ".join(row.flags))
    if row.origin:
        yield _prop("origin", row.origin)
    for language, text in (("de", row.source), ("en", row.target)):
        yield f'<tuv xml:lang="{language}"><seg>{escape_text(text, _control)}</seg></tuv>\n'
    yield "</tu>\n"


def _prop(name: str, value: object) -> str:
    return f'<prop type="x-{name}">{escape_text(str(value))}</prop>\n'


def _control(number: int) -> str:
    return f'<ph type="{CONTROL}">{number:04X}</ph>'
