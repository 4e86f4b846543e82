"""Writes a script's table into a page, between the marks `<!-- name:begin -->` and `<!-- name:end -->`."""

from __future__ import annotations

import sys
from pathlib import Path


def insert_block(page: str, name: str, text: str) -> str:
    """The page with the text between the marks of that name. Raises ValueError if it does not have them."""
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    before, found, rest = page.partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise ValueError(f"no {begin} … {end}")
    return f"{before}{begin}\n{text}\n{end}{after}"


def replace_block(page: Path, name: str, text: str) -> None:
    """Put the text between the marks of that name. Ends the script if the page does not have them."""
    try:
        page.write_text(insert_block(page.read_text(encoding="utf-8"), name, text), encoding="utf-8")
    except ValueError as error:
        sys.exit(f"{page}: {error}")
