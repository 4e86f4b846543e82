"""DOCX: the text of body, tables, text boxes, headers, footers and notes; all else in the file stays.

A paragraph is what stands between two breaks of a Word paragraph. Its English has the formatting of its longest run.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import docx
import lxml.etree
from docx.opc.exceptions import PackageNotFoundError

from translate.records import InputError

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
SPACE = "{http://www.w3.org/XML/1998/namespace}space"
BREAKS = frozenset(
    (f"{W}br", f"{W}cr", f"{W}tab", f"{W}drawing", f"{W}pict", f"{W}footnoteReference", f"{W}endnoteReference")
)
PARTS = ("header", "footer", "footnotes", "endnotes", "comments")


def read(path: Path, encoding: str) -> list[str]:
    """The texts between breaks, in order."""
    return [text for _, text in _find_units(_open(path))]


def write(path: Path, encoding: str, paragraphs: Sequence[str]) -> bytes:
    """The file with each text in English."""
    document = _open(path)
    roots = _roots(document)
    for (nodes, text), english in zip(_find_units(document, roots), paragraphs, strict=True):
        longest = max(nodes, key=lambda node: len(node.text or ""))
        whole = "".join(node.text or "" for node in nodes)
        before, behind = whole[: len(whole) - len(whole.lstrip())], whole[len(whole.rstrip()) :]
        for node in nodes:
            node.text = before + english + behind if node is longest else ""
            node.set(SPACE, "preserve")
        del text
    for part, root in roots[1:]:
        if hasattr(part, "_blob"):
            part._blob = lxml.etree.tostring(root, xml_declaration=True, encoding="UTF-8", standalone=True)
    out = BytesIO()
    document.save(out)
    return out.getvalue()


def _open(path: Path) -> Any:
    try:
        return docx.Document(BytesIO(path.read_bytes()))
    except (PackageNotFoundError, zipfile.BadZipFile, KeyError, ValueError, lxml.etree.LxmlError) as error:
        raise InputError(
            f"'{path}' is no Word file: {str(error)[:200]}", "open it with Word or LibreOffice, and save it as DOCX"
        ) from error


def _roots(document: Any) -> list[tuple[Any, Any]]:
    """(part, its XML) of the body first, then of headers, footers and notes in the order of their names."""
    main = document.part
    roots = [(main, document.element)]
    others = {
        str(relation.target_part.partname): relation.target_part
        for relation in main.rels.values()
        if not relation.is_external
    }
    for name, part in sorted(others.items()):
        if name.rpartition("/")[2].startswith(PARTS) and name.endswith(".xml"):
            element = getattr(part, "element", None)
            roots.append((part, element if element is not None else lxml.etree.fromstring(part.blob)))
    return roots


def _find_units(document: Any, roots: Sequence[tuple[Any, Any]] | None = None) -> Iterator[tuple[list[Any], str]]:
    """The text nodes between two breaks, and their text without white space at its ends; those with a letter only."""
    for _, root in roots or _roots(document):
        for paragraph in root.iter(f"{W}p"):
            nodes: list[Any] = []
            for node in _own_nodes(paragraph):
                if node.tag == f"{W}t":
                    nodes.append(node)
                elif nodes:
                    yield from _make_unit(nodes)
                    nodes = []
            yield from _make_unit(nodes)


def _own_nodes(element: Any) -> Iterator[Any]:
    """Texts and breaks of a paragraph, without those of paragraphs within it (text boxes), and without the old form of these."""
    for child in element:
        if child.tag in (f"{W}p", f"{W}del", f"{W}instrText") or not isinstance(child.tag, str):
            continue
        if child.tag in BREAKS or child.tag == f"{W}t":
            yield child
        else:
            yield from _own_nodes(child)


def _make_unit(nodes: list[Any]) -> Iterator[tuple[list[Any], str]]:
    text = " ".join("".join(node.text or "" for node in nodes).split())
    if any(map(str.isalpha, text)):
        yield nodes, text
