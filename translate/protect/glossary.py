"""Glossary files → terms: TSV and CSV with a German and an English column, and TBX."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path
from xml.etree import ElementTree

from translate.records import InputError, Term
from translate.text.documents import Line, existing_file, read_lines

HEADS = (
    frozenset("de deu ger german deutsch source quelle ausgangssprache term begriff".split()),
    frozenset("en eng english englisch target ziel zielsprache translation übersetzung".split()),
)
"""What the columns may be called in a first line, which is no entry then."""
KEEP = frozenset(("keep", "behalten"))
HINT = "a line is a German term, a tab (or the CSV's delimiter), its English and, if you like, keep"
LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"


def read_glossary(path: Path, encoding: str = "utf-8") -> tuple[Term, ...]:
    """The terms of a glossary, each German one once.

    Raises InputError that names file and line where it cannot be read, an entry is no entry, or a term has two translations.
    """
    if path.suffix.lower() in (".tbx", ".xml"):
        found = list(_read_tbx(existing_file(path)))
    else:
        found = list(_read_table(path, read_lines(path, encoding)))
    if not found:
        raise InputError(f"'{path}' has no term", HINT)
    terms: dict[str, tuple[str, Term]] = {}
    for place, term in found:
        before, held = terms.setdefault(term.german, (place, term))
        if held != term:
            problem = f"'{path}' {place}: '{term.german}' is '{term.english}', but '{held.english}' in {before}"
            raise InputError(problem, "keep one of the two")
    return tuple(term for _, term in terms.values())


def _read_table(path: Path, lines: list[Line]) -> Iterator[tuple[str, Term]]:
    delimiter = _find_delimiter(path, [line.text for line in lines])
    rows = csv.reader((line.text for line in lines), delimiter=delimiter, quotechar='"' if delimiter != "\t" else None, strict=True,
                      quoting=csv.QUOTE_MINIMAL if delimiter != "\t" else csv.QUOTE_NONE)  # fmt: skip
    try:
        for row in rows:
            cells = [cell.strip() for cell in row]
            place = f"line {rows.line_num}"
            if not any(cells) or cells[0].startswith("#"):
                continue
            if (
                rows.line_num == 1
                and len(cells) > 1
                and all(c.lower() in h for c, h in zip(cells, HEADS, strict=False))
            ):
                continue
            yield place, _make_term(path, place, cells)
    except csv.Error as error:
        raise InputError(f"'{path}' line {rows.line_num}: {error}", HINT) from error


def _find_delimiter(path: Path, lines: Iterable[str]) -> str:
    """A tab where one is in the first line; else the semicolon or comma, whichever the first line has."""
    first = next((line for line in lines if line.strip() and not line.startswith("#")), "")
    if "\t" in first or path.suffix.lower() == ".tsv":
        return "\t"
    return ";" if ";" in first else ","


def _make_term(path: Path, place: str, cells: list[str]) -> Term:
    german, english, keep = [*cells, "", ""][:3]
    if keep and keep.lower() not in KEEP:
        raise InputError(f"'{path}' {place}: the third column says '{keep[:40]}'", "it may say keep, or nothing")
    if not german or not (english or keep):
        raise InputError(f"'{path}' {place}: no {'English' if german else 'German'} term", HINT)
    if not any(map(str.isalnum, german)):
        raise InputError(f"'{path}' {place}: '{german[:40]}' has no letter", HINT)
    return Term(german, english or german, keep=bool(keep))


def _read_tbx(path: Path) -> Iterator[tuple[str, Term]]:
    """Each concept's German terms with its first English one. Both dialects (langSet, langSec) have their terms in `term`."""
    try:
        root = ElementTree.parse(path).getroot()
    except (ElementTree.ParseError, OSError, ValueError) as error:
        raise InputError(f"cannot read '{path}': {error}", "a .tbx file is a glossary in the TBX format") from error
    concepts = [element for element in root.iter() if _local(element) in ("termEntry", "conceptEntry")]
    for number, concept in enumerate(concepts, 1):
        german, english = list(_terms_of(concept, "de")), list(_terms_of(concept, "en"))
        for term in german if english else ():
            yield f"entry {number}", _make_term(path, f"entry {number}", [term, english[0]])


def _terms_of(concept: ElementTree.Element, language: str) -> Iterator[str]:
    for part in concept.iter():
        code = (part.get(LANGUAGE) or part.get("lang") or "").lower()
        if _local(part) in ("langSet", "langSec") and code.split("-")[0].split("_")[0] == language:
            yield from (
                text for term in part.iter() if _local(term) == "term" and (text := "".join(term.itertext()).strip())
            )


def _local(element: ElementTree.Element) -> str:
    return str(element.tag).rpartition("}")[2]
