"""Files → documents → paragraphs."""

from __future__ import annotations

import codecs
import hashlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from translate.records import InputError
from translate.text.documents import check_encoding, document_name, find_files, open_document, read_paragraphs

READABLE = {
    "UTF-8": ("Grüße.\n".encode(), "Grüße.\n"),
    "UTF-8 with a mark": (codecs.BOM_UTF8 + "Grüße.".encode(), "Grüße."),
    "UTF-16 little-endian": (codecs.BOM_UTF16_LE + "„Grüße“".encode("utf-16-le"), "„Grüße“"),
    "UTF-16 big-endian": (codecs.BOM_UTF16_BE + "„Grüße“".encode("utf-16-be"), "„Grüße“"),
    "UTF-32": (codecs.BOM_UTF32_LE + "„Grüße“ 🙂".encode("utf-32-le"), "„Grüße“ 🙂"),
    "CRLF and lone CR": (b"a\r\nb\rc\n\r\nd", "a\r\nb\rc\n\r\nd"),
    "NBSP, soft hyphen, NUL, form feed": (
        "z.\u00a0B. Rind\u00adfleisch \0 \f x".encode(),
        "z.\u00a0B. Rind\u00adfleisch \0 \f x",
    ),
    "empty": (b"", ""),
    "blank": (b" \n\t\n\n", " \n\t\n\n"),
    "nothing but a mark": (codecs.BOM_UTF8, ""),
    "Unicode line separators end no line": ("a\u2028b\u2029c\x85d".encode(), "a\u2028b\u2029c\x85d"),
}


@pytest.mark.parametrize(("data", "text"), READABLE.values(), ids=READABLE.keys())
def test_paragraphs_are_where_they_say(data: bytes, text: str, in_folder: Path) -> None:
    """Each paragraph is the document's text at its offset, and what lies between them is white space."""
    Path("a.txt").write_bytes(data)
    document = open_document(Path("a.txt"))
    assert document.sha256 == hashlib.sha256(data).hexdigest()
    assert document.size == len(data)
    position = 0
    for number, paragraph in enumerate(read_paragraphs(document)):
        assert paragraph.number == number
        assert text[paragraph.start :].startswith(paragraph.text)
        assert not text[position : paragraph.start].strip()
        assert paragraph.text.strip()
        position = paragraph.start + len(paragraph.text)
    assert not text[position:].strip()


@given(text=st.text(alphabet=st.sampled_from("aä„🙂\u00a0 \r\n\t\x85\u2028"), max_size=60))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
def test_any_mix_of_line_ends_is_kept(text: str, in_folder: Path) -> None:
    """\\n, \\r\\n and \\r end a line, wherever the blocks are cut."""
    Path("a.txt").write_bytes(text.encode())
    paragraphs = list(read_paragraphs(open_document(Path("a.txt"))))
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    assert [paragraph.text for paragraph in paragraphs] == [line for line in lines if line and not line.isspace()]
    assert all(text[p.start : p.start + len(p.text)] == p.text for p in paragraphs)


UNREADABLE = {
    "Latin-1": (b"K\xf6ln", {}, "'a.txt' is not utf-8: byte 0xf6 at offset 1"),
    "cut in a character": ("Köln"[:2].encode()[:-1], {}, "byte 0xc3 at offset 1 (unexpected end of data)"),
    "an error far into the file": (b"x" * 3_000_000 + b"\xff", {}, "byte 0xff at offset 3000000"),
    "over a block's edge": (b"x" * ((1 << 20) - 1) + b"\xc3(", {}, f"byte 0xc3 at offset {(1 << 20) - 1}"),
    "UTF-16 cut in half": (codecs.BOM_UTF16_LE + b"a", {}, "is not utf-16"),
    "a lone surrogate": (b"\xed\xa0\x80", {}, "byte 0xed at offset 0"),
    "UTF-16 without a mark": ("ö".encode("utf-16-le"), {"encoding": "utf-16"}, "is not utf-16"),
    "half of a character in UTF-7": (b"Ja +2AA- gut", {"encoding": "utf-7"}, "is not utf-7 text: '\\ud800' is half"),
    "another encoding, as told": (b"\x81", {"encoding": "windows-1252"}, "is not cp1252: byte 0x81 at offset 0"),
}


@pytest.mark.parametrize(("data", "options", "message"), UNREADABLE.values(), ids=UNREADABLE.keys())
def test_bytes_that_are_no_text_are_named(data: bytes, options: dict[str, str], message: str, in_folder: Path) -> None:
    """File, byte, offset and encoding; never a question mark in the text."""
    Path("a.txt").write_bytes(data)
    with pytest.raises(InputError) as caught:
        open_document(Path("a.txt"), options.get("encoding", "utf-8"))
    assert message in caught.value.message
    assert "encoding" in caught.value.hint or "utf-16" in caught.value.hint


def test_a_file_that_changes_is_noticed(in_folder: Path) -> None:
    """Rows of a text that is no longer there are not written."""
    Path("a.txt").write_text("Eins.\nZwei.\n")
    document = open_document(Path("a.txt"))
    Path("a.txt").write_text("Eins.\nDrei.\n")
    with pytest.raises(InputError, match="changed while it was read"):
        list(read_paragraphs(document))


def test_a_folder_is_walked_and_its_loops_end(in_folder: Path) -> None:
    """*.txt in any case, in order, below links too, and a link to a folder above is not followed."""
    for name in ("d/b.txt", "d/a.txt", "d/e/c.TXT", "d/no.md"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text("x")
    Path("d/e/up").symlink_to("..")
    assert list(map(str, find_files("d"))) == ["d/a.txt", "d/b.txt", "d/e/c.TXT"]


def test_what_is_no_file_is_named(in_folder: Path) -> None:
    """A missing file, an empty folder, a name that no file system takes."""
    Path("empty").mkdir()
    for argument, message in (("nix.txt", "no file or folder 'nix.txt'"), ("empty", "no *.txt"), ("a\0b", "a\\x00b")):
        with pytest.raises(InputError) as caught:
            find_files(argument)
        assert message in caught.value.message


def test_names_are_relative_to_the_working_folder(in_folder: Path) -> None:
    """Or bare, for a file outside it; `..` and `.` leave no trace."""
    assert document_name(in_folder / "data" / "a.txt") == "data/a.txt"
    assert document_name(Path("data/../b.txt")) == "b.txt"
    assert document_name(Path("../../etc/x.txt")) == "x.txt"
    with pytest.raises(InputError, match="not valid UTF-8"):
        document_name(Path("a\udcff.txt"))


@pytest.mark.parametrize("name", ["foo", "hex", "rot13", ""])
def test_only_encodings_of_text_are_known(name: str) -> None:
    """Python's other codecs are none."""
    with pytest.raises(InputError, match="unknown encoding"):
        check_encoding(name)
