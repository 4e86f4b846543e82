"""Each format's paragraphs, and the file of its own kind with other paragraphs in their place."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path

import docx
import pysubs2
import pytest

from tests.helpers.cases import DATA
from tests.helpers.command import Command, rows
from translate.formats import html, markdown, subtitles, word
from translate.formats.base import Format, english_name, find_format
from translate.formats.opening import Reading, open_text
from translate.records import InputError

MARKDOWN = """---
title: Bleibt
---
# Eine Überschrift

Ein **fetter** Absatz mit
zwei Zeilen und `code`.

> Ein Zitat
> geht weiter.

- Punkt [zwei](http://x.example)
  geht weiter

| Kopf A | Kopf B |
|---|---|
| Haus | Haus |

```python
print("bleibt")
```
1. Erstens@@
   hart gebrochen
""".replace("@@", "  ")

SRT = """1
00:00:01,000 --> 00:00:02,500
<i>Das ist ein Satz, der über
zwei Zeilen geht.</i>

2
00:00:03,000 --> 00:00:04,000
- Hallo.
- Guten Tag.

3
00:00:05,000 --> 00:00:06,000
♪ ♪
"""

ARTICLE = f"""<html><head><title>Zeitung</title><style>p {{}}</style></head><body><nav><a href="/">Start</a> <a href="/p">Politik</a></nav>
<article><h1>Große Überschrift</h1><p>{"Der Bundestag hat ein neues Gesetz beschlossen, das alle angeht. " * 5}</p>
<p>Ein <i>zweiter</i> Absatz mit <a href="x">Link</a> &amp; mehr, auch länger als ein paar Wörter.</p><ul><li>Punkt eins</li><li>Punkt zwei</li></ul>
</article><script>var x = "nein";</script><footer>Impressum</footer></body></html>"""


def write_docx(path: Path) -> Path:
    """Headings, formatting, a table, breaks, a header, and what has no letter."""
    document = docx.Document()
    document.add_heading("Ein Titel")
    paragraph = document.add_paragraph("Ein ")
    paragraph.add_run("fetter").bold = True
    paragraph.add_run(" Satz mit Wörtern.")
    table = document.add_table(1, 2)
    table.cell(0, 0).text, table.cell(0, 1).text = "Zelle eins", "12,5"
    broken = document.add_paragraph("Zeile eins")
    broken.add_run().add_break()
    broken.add_run("Zeile zwei")
    document.sections[0].header.paragraphs[0].text = "Kopfzeile"
    document.save(str(path))
    return path


def upper(form: Format, path: Path) -> bytes:
    return form.write(path, "utf-8", [text.upper() for text in form.read(path, "utf-8")])


def test_markdown_keeps_its_marks(tmp_path: Path) -> None:
    """Lines of a paragraph are joined; code, front matter, bars, list marks and hard breaks stay."""
    path = tmp_path / "a.md"
    path.write_text(MARKDOWN, encoding="utf-8")
    assert markdown.read(path, "utf-8") == [
        "Eine Überschrift", "Ein **fetter** Absatz mit zwei Zeilen und `code`.", "Ein Zitat geht weiter.",
        "Punkt [zwei](http://x.example) geht weiter", "Kopf A", "Kopf B", "Haus", "Haus", "Erstens", "hart gebrochen",
    ]  # fmt: skip
    made = upper(markdown, path).decode()
    kept = (
        "---\ntitle: Bleibt\n---\n# EINE",
        "> EIN ZITAT GEHT WEITER.\n\n- PUNKT [",
        "|---|---|\n| HAUS | HAUS |",
        'print("bleibt")',
        "1. ERSTENS  \n   HART",
    )
    assert all(part in made for part in kept)


def test_subtitles_keep_their_times(tmp_path: Path) -> None:
    """Two lines are one sentence, two dashes two speakers; italics around a subtitle stay, notes are not translated."""
    path = tmp_path / "a.srt"
    path.write_text(SRT, encoding="utf-8")
    assert subtitles.read(path, "utf-8") == ["Das ist ein Satz, der über zwei Zeilen geht.", "Hallo.", "Guten Tag."]
    made = pysubs2.SSAFile.from_string(upper(subtitles, path).decode())
    before = pysubs2.SSAFile.load(str(path))
    assert [(event.start, event.end) for event in made] == [(event.start, event.end) for event in before]
    assert "<i>DAS IST EIN SATZ, DER ÜBER ZWEI ZEILEN\nGEHT.</i>" in upper(subtitles, path).decode()
    assert "- HALLO.\n- GUTEN TAG." in upper(subtitles, path).decode()
    vtt = tmp_path / "a.vtt"
    vtt.write_text("WEBVTT\n\n00:01.000 --> 00:02.500\nDas ist gut.\n", encoding="utf-8")
    assert "00:00:01.000 --> 00:00:02.500\nDAS IST GUT." in upper(subtitles, vtt).decode()


def test_docx_keeps_everything_but_its_words(tmp_path: Path) -> None:
    """Tables, breaks, header, and numbers; Word's own library reads the result."""
    path = write_docx(tmp_path / "a.docx")
    assert word.read(path, "") == [
        "Ein Titel",
        "Ein fetter Satz mit Wörtern.",
        "Zelle eins",
        "Zeile eins",
        "Zeile zwei",
        "Kopfzeile",
    ]
    made = docx.Document(io.BytesIO(upper(word, path)))
    assert [p.text for p in made.paragraphs] == ["EIN TITEL", "EIN FETTER SATZ MIT WÖRTERN.", "ZEILE EINS\nZEILE ZWEI"]
    assert [cell.text for cell in made.tables[0].rows[0].cells] == ["ZELLE EINS", "12,5"]
    assert made.sections[0].header.paragraphs[0].text == "KOPFZEILE"
    assert made.paragraphs[0].style is not None
    assert made.paragraphs[0].style.name == "Heading 1"


def test_docx_of_libreoffice(tmp_path: Path) -> None:
    """Headings, bold text, lists, tables and links as that program writes them."""
    path = DATA / "meldung.docx"
    assert word.read(path, "") == [
        "Neuer Radweg eröffnet",
        "Die Stadt hat am 12. Mai einen Radweg eröffnet. Er ist 3,5 km lang.",
        "Baukosten: 1,2 Mio. Euro",
        "Bauzeit: acht Monate",
        "Abschnitt",
        "Länge",
        "Bahnhof bis Rathaus",
        "1,5 km",
        "Mehr dazu steht auf der Seite der Stadt.",
    ]
    made, before = docx.Document(io.BytesIO(upper(word, path))), docx.Document(str(path))
    assert [p.text for p in made.paragraphs] == [p.text.upper() for p in before.paragraphs]
    assert [p.style and p.style.name for p in made.paragraphs] == [p.style and p.style.name for p in before.paragraphs]
    assert [cell.text for cell in made.tables[0].rows[1].cells] == ["BAHNHOF BIS RATHAUS", "1,5 KM"]


def test_html_gives_its_main_text(tmp_path: Path) -> None:
    """Neither navigation nor scripts; a page of one sentence has one; entities are signs."""
    path = tmp_path / "a.html"
    path.write_text(ARTICLE, encoding="utf-8")
    found = html.read(path, "")
    assert found[0] == "Große Überschrift"
    assert found[2:] == [
        "Ein zweiter Absatz mit Link & mehr, auch länger als ein paar Wörter.",
        "Punkt eins",
        "Punkt zwei",
    ]
    made = upper(html, path).decode()
    assert made.count("<li>") == 2
    assert "LINK &amp; MEHR" in made
    assert '<html lang="en">' in made
    path.write_text("<p>Das ist <b>gut</b>.</p>", encoding="utf-8")
    assert html.read(path, "") == ["Das ist gut."]
    path.write_bytes('<meta charset="windows-1252"><p>Größe</p>'.encode("windows-1252"))
    assert html.read(path, "") == ["Größe"]


def test_files_of_the_same_kind_are_beside_the_rows(translate: Command, tmp_path: Path) -> None:
    """Their offsets count in the text that is written there too."""
    (tmp_path / "a.md").write_text(MARKDOWN, encoding="utf-8")
    (tmp_path / "a.srt").write_text(SRT, encoding="utf-8")
    (tmp_path / "a.html").write_text(ARTICLE, encoding="utf-8")
    (tmp_path / "leer.html").write_text("", encoding="utf-8")
    write_docx(tmp_path / "a.docx")
    names = ["a.md", "a.srt", "a.html", "a.docx", "leer.html"]
    done = translate(*names, "--model", "tiny-de-en", "--engine", "echo")
    assert done.returncode == 0, done.stderr
    out = tmp_path / "out" / "tiny-de-en"
    for name in names:
        text = (out / f"{name}.source.txt").read_text(encoding="utf-8")
        found = rows(out / f"{name}.jsonl")
        assert all(text[int(str(row["start"])) : int(str(row["end"]))] == row["source"] for row in found)
        assert (out / english_name(name)).is_file()
    assert "Satz fetter Ein" in docx.Document(str(out / "a.en.docx")).paragraphs[1].text
    assert translate(*names, "--model", "tiny-de-en", "--engine", "echo", "--beams", "2", "--overwrite").returncode == 0


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("a.pdf", b"%PDF-1.7\n1 0 obj", "a PDF file"),
        ("a.txt", b"{\\rtf1\\ansi Text}", "an RTF file"),
        ("a.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "an old Office program"),
        ("a.txt", gzip.compress(b"Text", mtime=0), "a gzip file"),
        ("a.txt", b"PK\x03\x04kaputt", "a damaged ZIP archive"),
        ("a.docx", b"PK\x03\x04kaputt", "is no Word file"),
        ("a.png", b"\x89PNG\r\n\x1a\n", "a picture (PNG)"),
        ("a.srt", b"Nur ein Satz.", "holds no subtitles"),
        ("a.json", b'{"a": 1}', "is JSON, no plain text"),
        ("a.csv", b"a,b\n1,2\n", "is a dataset"),
    ],
)
def test_what_is_no_text_is_refused(name: str, data: bytes, said: str, translate: Command, tmp_path: Path) -> None:
    """With what it is and what to do, whatever the encoding that is named; nothing is written."""
    (tmp_path / name).write_bytes(data)
    for options in ([], ["--encoding", "windows-1252"]):
        done = translate(name, "--model", "tiny-de-en", "--engine", "echo", *options)
        assert (done.returncode, said in done.stderr) == (1, True), done.stderr
        assert "hint: " in done.stderr
        assert "Traceback" not in done.stderr
        assert not list((tmp_path / "out" / "tiny-de-en").glob(f"{name}*"))


def test_word_file_of_another_name_is_named(tmp_path: Path) -> None:
    """And a zip of anything else."""
    path = write_docx(tmp_path / "brief.dat")
    with pytest.raises(InputError) as error:
        open_text(path, Reading("windows-1252"))
    assert "a Word file" in error.value.message
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr("x.txt", "x")
    with pytest.raises(InputError) as error:
        open_text(tmp_path / "b.zip", Reading())
    assert "a ZIP archive" in error.value.message


def test_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """One line, and what to install."""
    monkeypatch.setitem(__import__("sys").modules, "pysubs2", None)
    monkeypatch.delitem(__import__("sys").modules, "translate.formats.subtitles", raising=False)
    with pytest.raises(InputError) as error:
        find_format("a.srt")
    assert "pysubs2" in error.value.message
    assert "[formats]" in error.value.hint


def test_texts_of_any_sort_are_text(translate: Command, tmp_path: Path) -> None:
    """UTF-16 with its mark, many letters without a blank, and nothing at all."""
    (tmp_path / "u.txt").write_bytes("Guten Tag.\n".encode("utf-16"))
    (tmp_path / "l.txt").write_text("a" * 200_000, encoding="utf-8")
    (tmp_path / "e.txt").touch()
    done = translate("u.txt", "l.txt", "e.txt", "--model", "tiny-de-en", "--engine", "echo")
    assert done.returncode == 0, done.stderr


def test_a_folder_is_not_its_own_input(translate: Command, tmp_path: Path) -> None:
    """Neither output, of this run or another, nor hidden names; the same documents each time."""
    (tmp_path / "a.txt").write_text("Guten Tag.", encoding="utf-8")
    for hidden in (".git/c.txt", ".b.txt"):
        (tmp_path / hidden).parent.mkdir(exist_ok=True)
        (tmp_path / hidden).write_text("Nein.", encoding="utf-8")
    for output in ("out", "out", "other/place", "out"):
        done = translate(".", "--text", "--model", "tiny-de-en", "--engine", "echo", "--json", "--output", output)
        assert done.returncode == 0, done.stderr
        assert '"documents": 1,' in done.stdout


def test_another_file_of_the_same_name_is_refused(
    translate: Command, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Outside the working folder, where bare names are all there is. The same file again, changed or not, is taken."""
    folders = [tmp_path_factory.mktemp(name) for name in "xy"]
    for folder in folders:
        (folder / "a.txt").write_text(f"Das ist {folder.name}.", encoding="utf-8")
    first, second = (str(folder / "a.txt") for folder in folders)
    options = ("--model", "tiny-de-en", "--engine", "echo")
    assert translate(first, *options).returncode == 0
    (folders[0] / "a.txt").write_text("Das ist anders.", encoding="utf-8")
    assert translate(first, *options).returncode == 0
    written = (tmp_path / "out" / "tiny-de-en" / "a.jsonl").read_bytes()
    refused = translate(second, *options)
    assert (refused.returncode, "holds the rows of another 'a.txt'" in refused.stderr) == (1, True), refused.stderr
    assert (tmp_path / "out" / "tiny-de-en" / "a.jsonl").read_bytes() == written
    assert translate(second, *options, "--overwrite").returncode == 0
