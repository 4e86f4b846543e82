"""The seam: a reader is path → paragraphs, and paragraphs → the same kind of file with their English."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import Protocol

from translate.records import InputError

FORMATS = {
    ".html": "translate.formats.html",
    ".htm": "translate.formats.html",
    ".xhtml": "translate.formats.html",
    ".docx": "translate.formats.word",
    ".srt": "translate.formats.subtitles",
    ".vtt": "translate.formats.subtitles",
    ".md": "translate.formats.markdown",
    ".markdown": "translate.formats.markdown",
}
"""Ending → the module that reads and writes such files, imported on use: each has `read` and `write`."""
NEEDED = ("trafilatura", "lxml", "docx", "pysubs2", "markdown_it", "pyarrow")
EXTRA = "in the project's folder: pip install '.[formats]'"


class Format(Protocol):
    """What the module of a format offers."""

    def read(self, path: Path, encoding: str) -> list[str]:
        """The paragraphs of a file, none with a line end in it. Raises InputError for a file that is no such file."""
        ...

    def write(self, path: Path, encoding: str, paragraphs: Sequence[str]) -> bytes:
        """The file at `path` with these in place of the paragraphs that `read` gives of it."""
        ...


def find_format(name: str) -> Format | None:
    """The format that a name's ending tells; None for plain text. Raises InputError if its packages are not installed."""
    module = FORMATS.get(PurePath(name).suffix.lower())
    if module is None:
        return None
    with needed_packages(name):
        found: Format = importlib.import_module(module)
        return found


class needed_packages:  # noqa: N801  # used as a function in a with statement
    """Where optional packages are imported: a missing one is an InputError that names the extra."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, _: object) -> None:
        if isinstance(error, ModuleNotFoundError) and (error.name or "").split(".")[0] in NEEDED:
            raise InputError(f"'{self._name}' needs the package '{(error.name or '').split('.')[0]}'", EXTRA) from error


def join_paragraphs(paragraphs: Sequence[str]) -> str:
    """The text that offsets count in: a line a paragraph."""
    return "".join(f"{paragraph}\n" for paragraph in paragraphs)


def clean_paragraph(text: str) -> str:
    """A text on one line, without white space at its ends."""
    return " ".join(text.split())


def has_format(name: str) -> bool:
    """Whether a file of that name is more than lines of text; datasets are another matter."""
    return PurePath(name).suffix.lower() in FORMATS


def english_name(name: str) -> str:
    """What the file with a document's English is called: `a.en.txt`, `brief.en.docx`, `table.en.csv`.

    JSON lines become .ndjson: whoever reads a run's .jsonl files is to find rows in them.
    """
    for ending in (
        ".jsonl.gz",
        ".ndjson.gz",
        ".csv.gz",
        ".tsv.gz",
        ".jsonl",
        ".ndjson",
        ".csv",
        ".tsv",
        ".parquet",
        *FORMATS,
    ):
        if name.lower().endswith(ending):
            stem, kept = name[: -len(ending)], name[-len(ending) :]
            return f"{stem}.en{'.ndjson' if ending == '.jsonl' else kept}"
    return f"{name.removesuffix('.txt')}.en.txt"
