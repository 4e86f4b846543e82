"""Rows ↔ XLIFF 2.1, a unit a row, a group a paragraph, a file a document; of XLIFF 1.2 the pairs are read, too.

https://docs.oasis-open.org/xliff/xliff-core/v2.1/xliff-core-v2.1.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from xml.etree.ElementTree import Element

from translate.exchange.about import About
from translate.exchange.formats.xml import escape_attribute, escape_text
from translate.human.pairs import Pair, parse_sentence
from translate.human.tmx import decode_control, read_elements
from translate.records import InputError, Origin, Row

CODES = frozenset({"ph", "sc", "ec", "sm", "em", "x", "bx", "ex", "bpt", "ept", "it", "sub"})
"""Elements within a sentence that stand for a program's codes; the text within others is text."""


def write(rows: Iterable[Row], about: About, path: Path) -> None:
    """Write one file of all rows. Raises OSError."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            '<xliff xmlns="urn:oasis:names:tc:xliff:document:2.0" xmlns:mda="urn:oasis:names:tc:xliff:metadata:2.0"'
            ' version="2.1" srcLang="de" trgLang="en">\n'
        )
        number = 0
        for number, (document, found) in enumerate(groupby(rows, key=lambda row: row.doc), 1):
            file.write(f'<file id="f{number}" original="{escape_attribute(document)}" xml:space="preserve">\n')
            file.write(_metadata({"model": about.model, "signature": about.signature}))
            for paragraph, sentences in groupby(found, key=lambda row: row.paragraph):
                file.write(f'<group id="p{paragraph}">\n')
                for row in sentences:
                    file.writelines(_unit(row))
                file.write("</group>\n")
            file.write("</file>\n")
        if not number:
            file.write('<file id="f1"><unit id="s0"><segment><source/></segment></unit></file>\n')
        file.write("</xliff>\n")


def _unit(row: Row) -> Iterator[str]:
    fields = {"doc": row.doc, "sentence": row.sentence, "start": row.start, "end": row.end}
    fields |= {"score": round(row.score, 4)} if row.score is not None else {}
    fields |= {"flags": " ".join(row.flags)} if row.flags else {}
    fields |= {"origin": row.origin} if row.origin else {}
    yield f'<unit id="s{row.sentence}">\n{_metadata(fields)}'
    if row.flags:
        notes = (f'<note category="flag">{escape_text(f"{flag}: {flag.meaning}")}</note>' for flag in row.flags)
        yield f"<notes>{''.join(notes)}</notes>\n"
    state = "reviewed" if row.origin == Origin.HUMAN else "translated"
    yield f'<segment state="{state}"><source>{escape_text(row.source, _control)}</source>'
    yield f"<target>{escape_text(row.target, _control)}</target></segment>\n</unit>\n"


def _metadata(fields: dict[str, object]) -> str:
    metas = (f'<mda:meta type="{name}">{escape_text(str(value))}</mda:meta>' for name, value in fields.items())
    return f'<mda:metadata><mda:metaGroup category="translate-batch">{"".join(metas)}</mda:metaGroup></mda:metadata>\n'


def _control(number: int) -> str:
    return f'<cp hex="{number:04X}"/>'


def read(path: Path) -> Iterator[Pair]:
    """Its pairs. Raises InputError for what is no XLIFF, or for other languages than German and English."""
    for number, (root, unit) in enumerate(read_elements(path, root="xliff", wanted=("unit", "trans-unit")), 1):
        for name, wanted in (("srcLang", "de"), ("trgLang", "en")):
            if not root.get(name, wanted).lower().startswith(wanted):
                hint = "give a file from German (de) to English (en)"
                raise InputError(f"'{path}' has the {name} '{root.get(name)}'", hint)
        fields = {meta.get("type"): meta.text or "" for meta in unit.iter("meta")}
        sentence = fields.get("sentence", "")
        yield Pair(
            _joined(unit, "source"),
            _joined(unit, "target"),
            f"unit {number}",
            fields.get("doc"),
            parse_sentence(sentence),
        )


def _joined(unit: Element, side: str) -> str:
    """The unit's text in one language, whatever number of segments a program has cut it into."""
    if unit.tag == "trans-unit":
        found = unit.find(side)
        return "" if found is None else _text(found).strip()
    parts = []
    for part in unit:
        if part.tag in ("segment", "ignorable"):
            found = part.find(side)
            if found is None and part.tag == "ignorable":
                found = part.find("source")
            parts.append("" if found is None else _text(found))
    return "".join(parts).strip()


def _text(element: Element) -> str:
    parts = [element.text or ""]
    for child in element:
        if child.tag == "cp":
            parts.append(decode_control(child.get("hex") or ""))
        elif child.tag not in CODES:
            parts.append(_text(child))
        parts.append(child.tail or "")
    return "".join(parts)
