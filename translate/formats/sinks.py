"""What becomes of a document's English beside its rows: a text, a file of its own kind, a dataset's column, or nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from translate.formats.base import Format, english_name, find_format, join_paragraphs
from translate.formats.datasets import ColumnWriter, is_dataset
from translate.formats.opening import Reading
from translate.records import Document, InputError, OutputError
from translate.storage import AtomicFile, ObjectFile, new_file


class Sink(Protocol):
    """Takes the English, white space and all, in pieces."""

    def write(self, text: str) -> None:
        """The next piece."""
        ...

    def end_record(self) -> None:
        """A dataset's record has ended."""
        ...

    def finish(self) -> None:
        """Give the files their names."""
        ...

    def discard(self) -> None:
        """Leave nothing behind."""
        ...


def make_sink(folder: Path, document: Document, reading: Reading, *, text: bool) -> Sink:
    """The sink of a document whose rows go to the folder; `text`: whether English is wanted beside the rows. Raises OutputError."""
    english, form = folder / english_name(document.name), find_format(document.name)
    if form is not None and document.path is not None:
        return FormatSink(document, form, reading, english, folder / f"{document.name}.source.txt")
    if not text:
        return NoSink()
    return RecordSink(document, reading, english) if is_dataset(document.name) else TextSink(english)


class NoSink:
    """Nothing is wanted but the rows."""

    def write(self, text: str) -> None:
        """Forgotten."""

    def end_record(self) -> None:
        """Nothing to do."""

    def finish(self) -> None:
        """Nothing to do."""

    def discard(self) -> None:
        """Nothing to do."""


class TextSink:
    """A text: the document with each sentence replaced by its translation, and all white space as it was."""

    def __init__(self, path: Path) -> None:
        self._file = new_file(path)

    def write(self, text: str) -> None:
        """See Sink."""
        self._file.write(text)

    def end_record(self) -> None:
        """A text has no records."""

    def finish(self) -> None:
        """See Sink."""
        self._file.finish()

    def discard(self) -> None:
        """See Sink."""
        self._file.discard()


class RecordSink:
    """The dataset with one more column."""

    def __init__(self, document: Document, reading: Reading, path: Path) -> None:
        self._writer, self._parts = ColumnWriter(document, reading, path), list[str]()

    def write(self, text: str) -> None:
        """See Sink."""
        self._parts.append(text)

    def end_record(self) -> None:
        """See Sink."""
        self._writer.write("".join(self._parts))
        self._parts = []

    def finish(self) -> None:
        """See Sink."""
        self._writer.finish()

    def discard(self) -> None:
        """See Sink."""
        self._writer.discard()


class FormatSink:
    """A file of the document's own kind in English, and the text that was taken out of it."""

    def __init__(self, document: Document, form: Format, reading: Reading, english: Path, source: Path) -> None:
        assert document.path is not None
        self._path, self._form, self._reading = document.path, form, reading
        self._parts: list[str] = []
        self._files: list[AtomicFile | ObjectFile] = []
        try:
            self._source = self._open(source, binary=False)
            self._english = self._open(english, binary=True)
        except BaseException:
            self.discard()
            raise

    def _open(self, path: Path, *, binary: bool) -> AtomicFile | ObjectFile:
        self._files.append(new_file(path, binary=binary))
        return self._files[-1]

    def write(self, text: str) -> None:
        """See Sink."""
        self._parts.append(text)

    def end_record(self) -> None:
        """Such a document has no records."""

    def finish(self) -> None:
        """See Sink. Raises OutputError if the file has changed since it was read."""
        lines = "".join(self._parts).split("\n")[:-1]
        try:
            paragraphs = self._form.read(self._path, self._reading.encoding)
            made = self._form.write(self._path, self._reading.encoding, lines)
        except (ValueError, InputError) as error:
            hint = "run the same command again when nothing writes to it"
            raise OutputError(f"'{self._path}' changed while it was translated", hint) from error
        self._source.write(join_paragraphs(paragraphs))
        self._english.write(made)
        for file in self._files:
            file.finish()

    def discard(self) -> None:
        """See Sink."""
        for file in self._files:
            file.discard()
