"""A path → its document and its lines, whatever its format: the one way in for files that are read whole or line by line."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from translate.formats.base import Format, find_format, join_paragraphs
from translate.formats.signatures import check_text
from translate.records import Document, InputError, Signature
from translate.text.documents import document_name, open_document, stream_lines
from translate.text.wrapped import WrapWatch, join_wrapped

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Reading:
    """How documents are read."""

    encoding: str = "utf-8"
    """Of files without a byte order mark."""
    wrapped: bool = False
    """Whether lines are broken by width, and paragraphs end at blank lines."""
    field: str | None = None
    """The column of datasets that is translated."""
    id: str | None = None
    """The column that tells records apart; None: they are numbered."""

    @property
    def signature(self) -> Signature:
        """What of it can change a row."""
        wrapped = {"lines": "joined"} if self.wrapped else {}
        return {**wrapped, **({"field": self.field} if self.field else {}), **({"id": self.id} if self.id else {})}


def open_text(path: Path, reading: Reading, name: str | None = None) -> tuple[Document, Iterable[str]]:
    """The document and its lines, each with its line end. Raises InputError for what is no text, and no file of its format."""
    name = name or document_name(path)
    form = find_format(name)
    if form is not None:
        return _open_format(path, reading, name, form)
    if name.lower().endswith(".json"):
        raise InputError(f"'{name}' is JSON, no plain text", "write one object a line, as .jsonl, and say --field")
    if reading.field is not None:
        hint = "datasets are .jsonl, .csv, .tsv (also .gz) and .parquet; translate other files without --field"
        raise InputError(f"'{name}' is no dataset: it has no column '{reading.field}'", hint)
    document = open_document(path, reading.encoding, name, check_text)
    lines = stream_lines(document)
    return document, join_wrapped(lines) if reading.wrapped else _watch(lines, name)


def _open_format(path: Path, reading: Reading, name: str, form: Format) -> tuple[Document, Iterable[str]]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"cannot read '{name}': {error.strerror or error}", "check the path and its permissions"
        ) from error
    document = Document(name, path, reading.encoding, hashlib.sha256(data).hexdigest(), len(data))
    return document, join_paragraphs(form.read(path, reading.encoding)).splitlines(keepends=True)


def _watch(lines: Iterable[str], name: str) -> Iterator[str]:
    watch = WrapWatch(lines)
    yield from watch
    if watch.wrapped:
        log.warning(
            "'%s': most lines end within a sentence, and each line is translated by itself; --wrapped joins them", name
        )
