"""Writes a script's table into the README, between the marks `<!-- name:begin -->` and `<!-- name:end -->`."""

from __future__ import annotations

import sys
from pathlib import Path


def replace_block(readme: Path, name: str, text: str) -> None:
    """Put the text between the marks of that name. Ends the script if the file does not have them once each."""
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    before, found, rest = readme.read_text(encoding="utf-8").partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        sys.exit(f"{readme} has no {begin} … {end}")
    readme.write_text(f"{before}{begin}\n{text}\n{end}{after}", encoding="utf-8")
