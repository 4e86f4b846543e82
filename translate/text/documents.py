"""Paths → documents → paragraphs, decoded strictly: a byte that is no text is an error, never a question mark.

A document is read twice, in blocks, and never held whole: once to check its encoding and take its sha256, once to
give its paragraphs. So a file may be larger than memory, as long as one line of it is not.
"""

from __future__ import annotations

import codecs
import hashlib
import io
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TextIO

from translate.records import Document, InputError, Paragraph, Sentence
from translate.storage import as_path, is_remote, remote_name

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer as Buffer

READ_BYTES = 1 << 20
STANDARD_INPUT = "-"
BOMS = (  # utf-32 before utf-16, whose mark it starts with
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def find_files(argument: str, output: Path | None = None) -> list[Path]:
    """The file that an argument names, or the *.txt below the folder that it names, sorted by path.

    Below a folder, hidden names, the folder `output`, and folders that a run has written are left out.

    Raises InputError if there is no such file or folder, if it is a pipe or device, or the folder holds no *.txt.
    """
    path = as_path(argument)
    if is_remote(path):
        return _find_remote(path)
    shown = argument if argument.isprintable() else ascii(argument)[1:-1]
    try:
        if path.is_dir():
            found = sorted(_walk(path, frozenset(), _identify(output)))
            if not found:
                raise InputError(f"no *.txt in the folder '{shown}'", "name the files, if theirs is another ending")
            return found
        if not path.exists():
            raise InputError(f"no file or folder '{shown}'", _path_hint(argument))
        if not path.is_file():
            raise InputError(f"'{shown}' is no ordinary file", "pipe it in, with - for the file name")
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read '{shown}': {_reason(error)}", _path_hint(argument)) from error
    return [path]


def _find_remote(path: Path) -> list[Path]:
    """The same in an object store, where a folder is what names have in common."""
    try:
        if path.is_file():
            return [path]
        found = sorted((file for file in path.rglob("*") if _is_listed(file, path)), key=str)
    except Exception as error:  # each store has errors of its own
        raise InputError(f"cannot read '{path}': {_reason(error)}", "check the address and your permissions") from error
    if not found:
        raise InputError(f"no file '{path}', and no *.txt below it", "check the address")
    return found


def _is_listed(file: Path, folder: Path) -> bool:
    """Whether a remote file is a *.txt, and no name below the folder is hidden."""
    names = str(file)[len(str(folder)) :].split("/")
    return file.name.lower().endswith(".txt") and not any(name.startswith(".") for name in names)


def _identify(folder: Path | None) -> frozenset[tuple[int, int]]:
    """What tells a folder from others, if it is there."""
    if folder is None or is_remote(folder) or not folder.is_dir():
        return frozenset()
    status = folder.stat()
    return frozenset([(status.st_dev, status.st_ino)])


def _is_run(folder: Path) -> bool:
    """Whether a run has been written into the folder: what is in it is English."""
    try:
        with (folder / "run.json").open(encoding="utf-8") as file:
            return '"signature"' in file.read(1000)
    except (OSError, ValueError):
        return False


def _walk(folder: Path, above: frozenset[tuple[int, int]], left_out: frozenset[tuple[int, int]]) -> Iterator[Path]:
    """The *.txt below a folder; a link that leads back to a folder above is not followed."""
    status = folder.stat()
    here = (status.st_dev, status.st_ino)
    if here in above or (above and (here in left_out or _is_run(folder))):
        return
    with os.scandir(folder) as entries:
        for entry in entries:
            path = folder / entry.name
            if entry.name.startswith("."):
                continue
            if entry.is_dir():
                yield from _walk(path, above | {here}, left_out)
            elif entry.name.lower().endswith(".txt"):
                yield path


def _path_hint(argument: str) -> str:
    if argument.startswith("-"):
        return f"options are listed by `translate --help`; a file of that name is './{argument}'"
    if not argument.isprintable():
        return "the name holds characters that cannot be shown; rename the file"
    return "check the path and its permissions"


def _reason(error: Exception) -> str:
    return error.strerror if isinstance(error, OSError) and error.strerror else str(error)


def document_name(path: Path) -> str:
    """The `doc` of a file's rows: relative to the working folder, or the bare name of a file outside it.

    Of a remote file it is the whole path, bucket first.

    Raises InputError for a name that is not valid Unicode, which no UTF-8 file could hold.
    """
    if is_remote(path):
        return remote_name(path)
    absolute, here = Path(os.path.abspath(path)), Path.cwd()
    name = absolute.relative_to(here).as_posix() if absolute.is_relative_to(here) else absolute.name
    try:
        name.encode()
    except UnicodeEncodeError:
        raise InputError(f"the file name {name!a} is not valid UTF-8", "rename the file") from None
    return name


def open_document(
    path: Path,
    encoding: str = "utf-8",
    name: str | None = None,
    check: Callable[[BinaryIO, str], None] = lambda _file, _name: None,
) -> Document:
    """Check that a whole file decodes, and say what it is. `check` may refuse it before, by its first bytes.

    `encoding` is that of files without a byte order mark; `name` a name other than the path gives. Raises InputError with file, byte offset and encoding.
    """
    name = name or document_name(path)
    digest = hashlib.sha256()
    size = 0
    try:
        with path.open("rb") as file:
            check(file, name)
            encoding = detect_encoding(file, encoding)
            decoder = codecs.getincrementaldecoder(encoding)()
            while block := file.read(READ_BYTES):
                digest.update(block)
                _check_block(decoder, block, offset=size, name=name, encoding=encoding)
                size += len(block)
            _check_block(decoder, b"", offset=size, name=name, encoding=encoding, final=True)
    except OSError as error:
        raise InputError(f"cannot read '{name}': {_reason(error)}", "check the path and its permissions") from error
    return Document(name, path, encoding, digest.hexdigest(), size)


def detect_encoding(file: BinaryIO, default: str) -> str:
    """The encoding that a byte order mark tells, else the default. Raises InputError for an unknown default."""
    head = file.read(4)
    file.seek(-len(head), io.SEEK_CUR)
    for mark, encoding in BOMS:
        if head.startswith(mark):
            return encoding
    return check_encoding(default)


def check_encoding(name: str) -> str:
    """The encoding's own name. Raises InputError if Python knows no text encoding of that name."""
    try:
        encoding = codecs.lookup(name).name
        "".encode(encoding)  # hex, zlib and other codecs that are not for text refuse here
    except (LookupError, ValueError):
        raise InputError(
            f"unknown encoding '{name}'", "use one such as utf-8, windows-1252, iso-8859-15, utf-16-le"
        ) from None
    return encoding


def _check_block(
    decoder: codecs.IncrementalDecoder, block: bytes, *, offset: int, name: str, encoding: str, final: bool = False
) -> None:
    pending = decoder.getstate()[0]
    try:
        decoder.decode(block, final).encode()
    except UnicodeEncodeError as error:  # utf-7 and the escapes of programming languages can spell what is no character
        hint = "say what encoding the file really has, or convert it to UTF-8"
        half = f"{error.object[error.start]!a} is half of a character"
        raise InputError(f"'{name}' is not {encoding} text: {half}", hint) from None
    except UnicodeDecodeError as error:
        at = offset - len(pending) + error.start
        byte = error.object[error.start : error.start + 1].hex()
        hint = "say --encoding windows-1252 (or what the file really is), or convert it to UTF-8"
        raise InputError(f"'{name}' is not {encoding}: byte 0x{byte} at offset {at} ({error.reason})", hint) from None
    except UnicodeError as error:  # utf-16 and utf-32 without a byte order mark, where one is required
        raise InputError(f"'{name}' is not {encoding}: {error}", "say --encoding utf-16-le or utf-16-be") from None


def read_paragraphs(document: Document) -> Iterator[Paragraph]:
    """The document's non-empty lines, as a stream. Raises InputError if the file has changed since it was opened."""
    return split_lines(stream_lines(document))


def stream_lines(document: Document) -> Iterator[str]:
    """The document's lines, each with its line end. Raises InputError if the file has changed since it was opened."""
    if document.path is None:
        raise ValueError("standard input has no path: standard_input reads it")
    hashing = _HashingReader(document.path)
    with io.TextIOWrapper(io.BufferedReader(hashing, READ_BYTES), encoding=document.encoding, newline="") as text:
        try:
            yield from _whole_characters(text)
            changed = hashing.digest.hexdigest() != document.sha256
        except UnicodeError:
            changed = True
        if changed:
            raise InputError(f"'{document.name}' changed while it was read", "start again when nothing writes to it")


def _whole_characters(text: TextIO) -> Iterator[str]:
    """The stream's lines. Raises UnicodeError at half of a surrogate pair, which some encodings can spell."""
    for line in text:
        line.encode()
        yield line


class _HashingReader(io.RawIOBase):
    """The bytes of a file, their sha256 taken on the way."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self.digest = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer) -> int:
        data = self._file.read(len(memoryview(buffer).cast("B")))
        memoryview(buffer).cast("B")[: len(data)] = data
        self.digest.update(data)
        return len(data)

    def close(self) -> None:
        self._file.close()
        super().close()


def split_lines(lines: Iterable[str]) -> Iterator[Paragraph]:
    """Paragraphs of lines that keep their ends (opened with newline=""): \\n, \\r\\n and \\r each end a line."""
    offset = number = 0
    for line in lines:
        content = line.rstrip("\r\n")
        if content and not content.isspace():
            yield Paragraph(number, offset, content)
            number += 1
        offset += len(line)


class PassingText:
    """Lines on their way to be split, kept for as long as it is not known what of them is in sentences.

    So a document can be written with its sentences replaced, and is read once.
    """

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines, self._line, self._offset, self._used = lines, "", 0, 0
        self._spaces: list[str] = []

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            self._spaces.append(self._line[self._used :])
            self._offset += len(self._line)
            self._line, self._used = line, 0
            yield line

    def take_space(self, sentence: Sentence) -> str:
        """What stands between this sentence of the last line and the sentence before it."""
        space = self._line[self._used : sentence.start - self._offset]
        self._used = sentence.end - self._offset
        return self._join(space)

    def take_rest(self) -> str:
        """What stands behind the last sentence."""
        rest, self._used = self._line[self._used :], len(self._line)
        return self._join(rest)

    def _join(self, last: str) -> str:
        spaces, self._spaces = self._spaces, []
        return "".join([*spaces, last])


def standard_input(
    encoding: str = "utf-8", join: Callable[[Iterable[str]], Iterable[str]] | None = None
) -> tuple[Document, Iterator[Paragraph]]:
    """What comes in on standard input; `join` makes other lines of its lines.

    It raises InputError if it cannot be read, its iterator at a byte that is no text, too.
    """
    document, lines = standard_lines(encoding)
    return document, split_lines(join(lines) if join else lines)


def standard_lines(encoding: str = "utf-8") -> tuple[Document, Iterator[str]]:
    """The same as lines, each with its line end."""
    stream = sys.stdin.buffer
    try:
        head = stream.peek(4)[:4] if isinstance(stream, io.BufferedReader) else b""
    except OSError as error:
        raise _unreadable_input(error) from error
    encoding = next((found for mark, found in BOMS if head.startswith(mark)), None) or check_encoding(encoding)

    def lines() -> Iterator[str]:
        try:
            yield from _whole_characters(io.TextIOWrapper(stream, encoding=encoding, newline=""))
        except UnicodeError as error:
            hint = "say --encoding windows-1252, or what the text really is"
            raise InputError(f"standard input is not {encoding}: {error}", hint) from None
        except OSError as error:
            raise _unreadable_input(error) from error

    return Document(STANDARD_INPUT, None, encoding, "", 0), lines()


def _unreadable_input(error: OSError) -> InputError:
    return InputError(f"cannot read standard input: {_reason(error)}", "pipe a text in, or name files")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a text: its number, blank lines counted, where it starts in code points, and its text."""

    number: int
    start: int
    text: str


def read_lines(path: Path, encoding: str) -> list[Line]:
    """A file's lines, ended by \\n or \\r\\n and by nothing else, as sacreBLEU reads them. Raises InputError."""
    document = open_document(existing_file(path), encoding)
    with path.open(encoding=document.encoding, newline="\n") as file:
        lines, start = [], 0
        for number, line in enumerate(file):
            lines.append(Line(number, start, line.removesuffix("\n").removesuffix("\r")))
            start += len(line)
    return lines


def existing_file(path: Path) -> Path:
    """The path of a file that is there. Raises InputError."""
    if not path.is_file():
        raise InputError(f"no file or folder '{path}'", "check the path")
    return path
