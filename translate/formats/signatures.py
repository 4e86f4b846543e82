"""Files that are no text are told by how they begin, so that nobody is given the English of a zip file."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from io import BytesIO
from typing import BinaryIO

from translate.records import InputError

HEAD = 8192
"""Bytes that are looked at."""
TEXT = "export it as plain text, or as DOCX or HTML"
SIGNATURES: tuple[tuple[bytes, str, str], ...] = (
    (b"%PDF-", "a PDF file", "take the text out (pdftotext), or export it as DOCX or HTML"),
    (b"{\\rtf", "an RTF file", "save it as DOCX or plain text"),
    (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        "a file of an old Office program (.doc, .xls, .ppt, .msg)",
        "save it as DOCX or plain text",
    ),
    (b"\x1f\x8b", "a gzip file", "unpack it; only datasets (.jsonl.gz, .csv.gz, .tsv.gz) are read packed"),
    (b"BZh", "a bzip2 file", "unpack it"),
    (b"\xfd7zXZ\x00", "an xz file", "unpack it"),
    (b"\x28\xb5\x2f\xfd", "a zstd file", "unpack it"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "unpack it"),
    (b"Rar!\x1a\x07", "a RAR archive", "unpack it"),
    (b"PAR1", "a Parquet file", "say which column with --field, and let its name end in .parquet"),
    (b"SQLite format 3\x00", "an SQLite database", "export what is to be translated as JSON lines or CSV"),
    (b"\x89PNG\r\n\x1a\n", "a picture (PNG)", TEXT),
    (b"\xff\xd8\xff", "a picture (JPEG)", TEXT),
    (b"GIF8", "a picture (GIF)", TEXT),
    (b"II*\x00", "a picture (TIFF)", TEXT),
    (b"MM\x00*", "a picture (TIFF)", TEXT),
    (b"\x7fELF", "a program", "name a text"),
    (b"MZ\x90\x00", "a program", "name a text"),
    (b"\xca\xfe\xba\xbe", "a program", "name a text"),
    (b"OggS", "a sound or video file", "name its subtitles (.srt, .vtt)"),
    (b"ID3", "a sound file", "name its subtitles (.srt, .vtt)"),
    (b"fLaC", "a sound file", "name its subtitles (.srt, .vtt)"),
    (b"\x1aE\xdf\xa3", "a video file", "name its subtitles (.srt, .vtt)"),
)
"""How a file begins → what it is, and what to do."""
ZIPPED: tuple[tuple[str, str, str], ...] = (
    ("word/document.xml", "a Word file", "let its name end in .docx"),
    ("xl/workbook.xml", "an Excel file", "save the sheet as CSV, and say which column with --field"),
    ("ppt/presentation.xml", "a PowerPoint file", "save it as DOCX or plain text"),
    ("META-INF/container.xml", "an e-book (EPUB)", "name its chapters' HTML files"),
    ("mimetype", "an OpenDocument file", "save it as DOCX"),
)


def check_text(file: BinaryIO, name: str) -> None:
    """Raise InputError that says what the file is, if it is one of those that hold no text by themselves.

    The file stands at its beginning before and after.
    """
    head = file.read(HEAD)
    found = describe(head, lambda: head + file.read())
    file.seek(0)
    if found is not None:
        raise InputError(f"'{name}' is {found[0]}, no text", found[1])


def describe(head: bytes, read_all: Callable[[], bytes]) -> tuple[str, str] | None:
    """What a file that begins like this is and what to do; None if it may be a text."""
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _describe_zip(read_all())
    if head[4:8] == b"ftyp":
        return "a video file", "name its subtitles (.srt, .vtt)"
    if head.startswith(b"RIFF") and head[8:12] in (b"WAVE", b"AVI ", b"WEBP"):
        return "a sound, video or picture file", "name its subtitles (.srt, .vtt)"
    return next(((what, hint) for begin, what, hint in SIGNATURES if head.startswith(begin)), None)


def _describe_zip(data: bytes) -> tuple[str, str]:
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError):
        return "a damaged ZIP archive", "make it anew"
    found = next(((what, hint) for member, what, hint in ZIPPED if member in names), None)
    return found or ("a ZIP archive", "unpack it")
