"""HTML articles: trafilatura finds the main text; the English article has its headings, paragraphs, lists and quotations."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import lxml.etree
import lxml.html
import trafilatura
from trafilatura.utils import decode_file

from translate.formats.base import clean_paragraph
from translate.records import InputError

BLOCKS = frozenset("p h1 h2 h3 h4 h5 h6 li blockquote pre td th dt dd figcaption caption title summary".split())
LEFT_OUT = frozenset("script style noscript template nav aside form button select svg head iframe object".split())


def read(path: Path, encoding: str) -> list[str]:
    """The main text's paragraphs; all of the text where there is no main one. The encoding is what the file itself says, or UTF-8."""
    return [text for _, text in _find_blocks(path)]


def write(path: Path, encoding: str, paragraphs: Sequence[str]) -> bytes:
    """An HTML file of its own with the same blocks, in English."""
    blocks = [tag for tag, _ in _find_blocks(path)]
    lines, listed = [], False
    for tag, text in zip(blocks, paragraphs, strict=True):
        if (tag == "li") != listed:
            lines.append("</ul>" if listed else "<ul>")
            listed = not listed
        lines.append(f"<{tag}>{html.escape(text, quote=False)}</{tag}>")
    body = "\n".join([*lines, "</ul>"] if listed else lines)
    title = html.escape(
        next((text for tag, text in zip(blocks, paragraphs, strict=True) if tag == "h1"), "".join(paragraphs[:1])),
        quote=False,
    )
    page = f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{title}</title>\n</head>\n<body>\n<article>\n{body}\n</article>\n</body>\n</html>\n'
    return page.encode()


def _find_blocks(path: Path) -> list[tuple[str, str]]:
    """(element, text) of each paragraph, heading, and so on. Raises InputError for what is no HTML."""
    data = path.read_bytes()
    if not data.strip():
        return []
    try:
        text = decode_file(data)
        tree = lxml.html.document_fromstring(text.partition("?>")[2] if text.lstrip().startswith("<?xml") else text)
        found = trafilatura.extract(data, output_format="html", include_comments=False, favor_recall=True)
    except (ValueError, LookupError, lxml.etree.LxmlError) as error:
        hint = "give a file that a browser shows; the name of a plain text ends in .txt"
        raise InputError(f"cannot read '{path}': {error}", hint) from error
    everything = list(_walk(tree))
    if not found:
        return everything
    main = list(_walk(lxml.html.fromstring(found)))
    enough = (
        sum(len(text) for _, text in main) * 2 > sum(len(text) for _, text in everything)
        or len(everything) > len(main) + 2
    )
    return main if main and enough else everything


def _walk(element: Any) -> Iterator[tuple[str, str]]:
    """The innermost blocks in order, and text that is in none."""
    loose: list[str] = []
    for kind, tag, text in _pieces(element):
        if kind == "text":
            loose.append(text)
        else:
            yield from _flush(loose)
            loose = []
            if text:
                yield tag, text
    yield from _flush(loose)


def _flush(loose: Sequence[str]) -> Iterator[tuple[str, str]]:
    if text := clean_paragraph("".join(loose)):
        yield "p", text


def _pieces(element: Any) -> Iterator[tuple[str, str, str]]:
    tag = element.tag if isinstance(element.tag, str) else ""
    if not tag or tag in LEFT_OUT:
        return
    if tag in BLOCKS and not any(
        isinstance(child.tag, str) and child.tag in BLOCKS for child in element.iterdescendants()
    ):
        shown = {"td": "p", "th": "p", "dt": "p", "dd": "p", "title": "h1"}.get(tag, tag)
        yield "block", shown, clean_paragraph(_text_of(element))
        return
    block = tag in BLOCKS or tag in (
        "div",
        "section",
        "article",
        "main",
        "body",
        "html",
        "ul",
        "ol",
        "table",
        "tr",
        "br",
        "hr",
        "header",
        "footer",
    )
    if block:
        yield "block", "", ""
    if element.text:
        yield "text", "", element.text
    for child in element:
        yield from _pieces(child)
        if child.tail:
            yield "text", "", child.tail
    if block:
        yield "block", "", ""


def _text_of(element: Any) -> str:
    parts = []
    for node in element.iter():
        if isinstance(node.tag, str) and node.tag not in LEFT_OUT:
            parts.append("\n" if node.tag == "br" else "")
            parts.append(node.text or "")
        if node is not element:
            parts.append(node.tail or "")
    return "".join(parts) if len(element) == 0 else str(element.text_content())
