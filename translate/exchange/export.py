"""A run → files of another format: which writer a name means, and where its files go."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

from translate.exchange.about import About
from translate.records import InputError, OutputError, Row, format_signature
from translate.run.record import find_rows, find_run, read_run
from translate.run.rows import read_rows
from translate.storage import replace_file

Writer = Callable[[Iterable[Row], About, Path], None]
"""Writes a finished file of the rows. It takes them one by one; the path is a temporary one."""

TOLD_EVERY = 500
"""Rows between two looks at how far it is."""


@dataclass(frozen=True, slots=True)
class Format:
    """A format: its writer as module and function, whether each document gets a file of its own, and what it needs."""

    writer: str
    ending: str
    by_document: bool = False
    extra: str = ""


FORMATS = {
    "csv": Format("tables.write_csv", "csv"),
    "tsv": Format("tables.write_tsv", "tsv"),
    "tmx": Format("tmx.write", "tmx"),
    "xliff": Format("xliff.write", "xlf"),
    "parquet": Format("parquet.write", "parquet", extra="parquet"),
    "txt": Format("txt.write", "txt", by_document=True),
    "html": Format("html.write", "html", by_document=True),
    "docx": Format("docx.write", "docx", by_document=True, extra="docx"),
}


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written."""

    files: int
    rows: int


def export(out: Path, name: str, path: Path, told: Callable[[int, int], None] = lambda *_: None) -> Exported:
    """Write the run that `out` means in a format of FORMATS: to the file `path`, or to a file a document below the folder `path`.

    `told` hears of the rows done and of all. Files are finished one by one; what fails leaves nothing half-written. Raises
    InputError if there is no such run, or a package is not installed; OutputError for a row or place that cannot be used.
    """
    form = FORMATS[name]
    writer = _find_writer(name)
    folder = find_run(out)
    record = read_run(folder)
    files = find_rows(folder, record) if record else {}
    if record is None or not files:
        raise InputError(f"no document is done in '{folder}'", f"see translate status {folder}")
    _check_place(path, form, folder)
    about = About(str(record.model.get("name", folder.name)), format_signature(record.signature), _version())
    whole = sum(document.rows for document in record.documents.values())
    counter = _Counter(told, whole)
    if not form.by_document:
        rows = (row for file in files.values() for row in counter.count(read_rows(file)))
        with replace_file(path) as temporary:
            writer(rows, about, temporary)
        return Exported(1, counter.done)
    for document, file in files.items():
        place = path / f"{document.removesuffix('.txt')}.{form.ending}"
        with replace_file(place) as temporary:
            writer(counter.count(read_rows(file)), about, temporary)
    return Exported(len(files), counter.done)


class _Counter:
    """Counts the rows that pass."""

    def __init__(self, told: Callable[[int, int], None], whole: int) -> None:
        self._told, self._whole, self.done = told, whole, 0

    def count(self, rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            yield row
            self.done += 1
            if self.done % TOLD_EVERY == 0:
                self._told(self.done, max(self._whole, self.done))


def _find_writer(name: str) -> Writer:
    form = FORMATS[name]
    module, _, function = form.writer.partition(".")
    try:
        writer: Writer = getattr(import_module(f"translate.exchange.formats.{module}"), function)
    except ModuleNotFoundError as error:
        if not form.extra or (error.name or "").startswith("translate"):
            raise
        hint = f"in the project's folder: pip install '.[{form.extra}]'"
        raise InputError(f"--to {name} needs the package '{error.name}'", hint) from error
    return writer


def _check_place(path: Path, form: Format, folder: Path) -> None:
    """Raise OutputError for a folder where a file is to be, for a file where a folder is, and for the run's own folder."""
    if not form.by_document and path.is_dir():
        raise OutputError(f"'{path}' is a folder", f"name a file, such as {path / f'rows.{form.ending}'}")
    if form.by_document and path.exists() and not path.is_dir():
        raise OutputError(
            f"'{path}' is no folder", "this format writes a file for each document: name a folder for them"
        )
    if path.absolute().is_relative_to(folder.absolute()):
        raise OutputError(f"'{path}' is in the run's own folder", "write somewhere else")


def _version() -> str:
    return version("translate-batch")
