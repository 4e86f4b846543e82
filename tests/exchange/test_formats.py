"""Each format: what is written, that it is of its kind, and that it comes back."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import docx
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from translate.exchange.about import About
from translate.exchange.formats import docx as word
from translate.exchange.formats import html, parquet, tables, tmx, txt, xliff
from translate.human.pairs import Pair
from translate.human.tmx import read_tmx
from translate.records import Flag, InputError, Origin, Row

ABOUT = About("tiny & <small>", "model:tiny|dtype:float32", "0.1.0")
HARD = (
    "=1+1|+49 30|-5 °C|@web|'s ist|''=x|a\tb|Zeile\nzwei|CR\rhier|\x00\x0b\x1f\ufffe|]]> & <b> \"q\"|\u2028 \x85 x|😀 𝔘"
    "|=cmd|'/c calc'!A0|＝1|\ufeffmark|a;b,c|&amp;|Ende"
).split("|")
WRITTEN: dict[str, tuple[Callable[[Iterable[Row], About, Path], None], Callable[[Path], Iterator[Pair]]]] = {
    "csv": (tables.write_csv, tables.read),
    "tsv": (tables.write_tsv, tables.read),
    "tmx": (tmx.write, read_tmx),
    "xlf": (xliff.write, xliff.read),
}

TMX_GRAMMAR = """
<!ELEMENT tmx (header, body)> <!ATTLIST tmx version CDATA #FIXED "1.4">
<!ELEMENT header (note | prop)*>
<!ATTLIST header creationtool CDATA #REQUIRED creationtoolversion CDATA #REQUIRED segtype (block | paragraph | sentence | phrase) #REQUIRED
  o-tmf CDATA #REQUIRED adminlang CDATA #REQUIRED srclang CDATA #REQUIRED datatype CDATA #REQUIRED>
<!ELEMENT body (tu*)>
<!ELEMENT tu ((note | prop)*, tuv+)> <!ATTLIST tu srclang CDATA #IMPLIED datatype CDATA #IMPLIED>
<!ELEMENT note (#PCDATA)> <!ELEMENT prop (#PCDATA)> <!ATTLIST prop type CDATA #REQUIRED>
<!ELEMENT tuv ((note | prop)*, seg)> <!ATTLIST tuv xml:lang CDATA #REQUIRED>
<!ELEMENT seg (#PCDATA | ph)*> <!ELEMENT ph (#PCDATA)> <!ATTLIST ph type CDATA #IMPLIED>
"""
"""What TMX 1.4b says of the elements that are written here, in our own words."""

XLIFF_GRAMMAR = """
<grammar xmlns="http://relaxng.org/ns/structure/1.0" ns="urn:oasis:names:tc:xliff:document:2.0"
  datatypeLibrary="http://www.w3.org/2001/XMLSchema-datatypes">
<start><element name="xliff"><attribute name="version"><value>2.1</value></attribute><attribute name="srcLang"/>
  <attribute name="trgLang"/><oneOrMore><ref name="file"/></oneOrMore></element></start>
<define name="file"><element name="file"><attribute name="id"><data type="NMTOKEN"/></attribute><optional><attribute name="original"/></optional>
  <optional><attribute name="xml:space"><value>preserve</value></attribute></optional>
  <optional><ref name="meta"/></optional><oneOrMore><choice><ref name="unit"/><ref name="group"/></choice></oneOrMore></element></define>
<define name="group"><element name="group"><attribute name="id"><data type="NMTOKEN"/></attribute><zeroOrMore><ref name="unit"/></zeroOrMore></element></define>
<define name="unit"><element name="unit"><attribute name="id"><data type="NMTOKEN"/></attribute><optional><ref name="meta"/></optional>
  <optional><element name="notes"><oneOrMore><element name="note"><attribute name="category"/><text/></element></oneOrMore></element></optional>
  <element name="segment"><optional><attribute name="state"><choice><value>initial</value><value>translated</value><value>reviewed</value>
  <value>final</value></choice></attribute></optional><element name="source"><ref name="inline"/></element>
  <optional><element name="target"><ref name="inline"/></element></optional></element></element></define>
<define name="inline"><zeroOrMore><choice><text/><element name="cp"><attribute name="hex"><data type="hexBinary"/></attribute></element></choice></zeroOrMore></define>
<define name="meta"><element name="metadata" ns="urn:oasis:names:tc:xliff:metadata:2.0"><element name="metaGroup"><attribute name="category"/>
  <oneOrMore><element name="meta"><attribute name="type"/><text/></element></oneOrMore></element></element></define>
</grammar>
"""
"""What XLIFF 2.1 says of the elements that are written here, in our own words."""


def make_rows(texts: Iterable[str]) -> list[Row]:
    """Rows of one document, three a paragraph, flags and origins here and there."""
    rows, start = [], 0
    for number, text in enumerate(texts):
        flags = (Flag.LOOP, Flag.RETRIED) if number % 4 == 0 else ()
        origin, score = Origin.HUMAN if number % 5 == 0 else None, -0.5 if number % 2 else None
        end = start + len(text)
        rows.append(Row("data/a & b.txt", number // 3, number, start, end, text, text, score, flags, origin))
        start = end + 1
    return rows


ROWS = make_rows(HARD)


@pytest.mark.parametrize("name", WRITTEN)
def test_hard_texts_come_back(name: str, tmp_path: Path) -> None:
    """Formulas, control characters, line ends, quotes, marks: each text, and which row it is."""
    write, read = WRITTEN[name]
    write(ROWS, ABOUT, tmp_path / name)
    found = [(pair.source, pair.target, pair.document, pair.sentence) for pair in read(tmp_path / name)]
    plain = [text.strip() for text in HARD]
    assert found == [(text, text, "data/a & b.txt", number) for number, text in enumerate(plain)]


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1).map(str.strip).filter(bool), min_size=1))
def test_any_texts_come_back_from_xml(texts: list[str]) -> None:
    """Whatever Unicode holds."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        for name in ("tmx", "xlf"):
            write, read = WRITTEN[name]
            write(make_rows(texts), ABOUT, Path(folder) / name)
            assert [pair.target for pair in read(Path(folder) / name)] == texts


def test_xml_is_as_its_standard_says(tmp_path: Path) -> None:
    """Held to the grammars above, which refuse a file with its elements in another order."""
    tmx.write(ROWS, ABOUT, tmp_path / "a.tmx")
    xliff.write([*ROWS, Row("b.txt", 0, 0, 0, 1, "x", "", None)], ABOUT, tmp_path / "a.xlf")
    (tmp_path / "tmx.dtd").write_text(TMX_GRAMMAR)
    tmx_grammar = etree.DTD(str(tmp_path / "tmx.dtd"))
    xliff_grammar = etree.RelaxNG(etree.fromstring(XLIFF_GRAMMAR))
    memory, document = etree.parse(tmp_path / "a.tmx"), etree.parse(tmp_path / "a.xlf")
    assert tmx_grammar.validate(memory), tmx_grammar.error_log
    assert xliff_grammar.validate(document), xliff_grammar.error_log
    memory.find(".//tu").insert(0, memory.find(".//tuv"))
    assert not tmx_grammar.validate(memory)
    unit = document.find(".//{*}unit")
    unit.append(unit[0])
    assert not xliff_grammar.validate(document)
    xliff.write([], ABOUT, tmp_path / "none.xlf")
    assert xliff_grammar.validate(etree.parse(tmp_path / "none.xlf")), xliff_grammar.error_log


def test_xml_says_what_is_known_of_a_row(tmp_path: Path) -> None:
    """Offsets, score, flags with their meaning, origin, model and signature."""
    tmx.write(ROWS, ABOUT, tmp_path / "a.tmx")
    memory = etree.parse(tmp_path / "a.tmx")
    head = {prop.get("type"): prop.text for prop in memory.findall("header/prop")}
    assert head == {"x-model": ABOUT.model, "x-signature": ABOUT.signature}
    unit = memory.findall(".//tu")[0]
    assert {prop.get("type"): prop.text for prop in unit.findall("prop")} == {
        "x-doc": "data/a & b.txt",
        "x-sentence": "0",
        "x-paragraph": "0",
        "x-start": "0",
        "x-end": "4",
        "x-flags": "loop retried",
        "x-origin": "human",
    }
    assert unit.find("note").text == f"loop: {Flag.LOOP.meaning}"
    xliff.write(ROWS, ABOUT, tmp_path / "a.xlf")
    document = etree.parse(tmp_path / "a.xlf")
    states = [segment.get("state") for segment in document.iter("{*}segment")][:2]
    assert states == ["reviewed", "translated"]
    assert [meta.text for meta in document.findall(".//{*}unit")[1].iter("{*}meta")][-1] == "-0.5"


def test_a_spreadsheet_finds_no_formula(tmp_path: Path) -> None:
    """No cell but a number begins as a formula does; Excel knows the file as UTF-8 by its mark."""
    for write, name, delimiter in ((tables.write_csv, "a.csv", ","), (tables.write_tsv, "a.tsv", "\t")):
        write(ROWS, ABOUT, tmp_path / name)
        with (tmp_path / name).open(encoding="utf-8-sig", newline="") as file:
            cells = [cell for line in csv.reader(file, delimiter=delimiter) for cell in line]
        assert len(cells) == (len(ROWS) + 1) * len(tables.COLUMNS)
        assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r")) and cell != "-0.5"]
    assert (tmp_path / "a.csv").read_bytes().startswith(b"\xef\xbb\xbfdoc,")


@pytest.mark.parametrize(
    ("raw", "encoding"),
    [
        ("source;target\r\nGrüß Gott;Hello\r\n".encode("cp1252"), "windows-1252"),
        ("\ufeffsource;target\r\nGrüß Gott;Hello\r\n".encode(), "utf-8"),
        ("source\ttarget\r\nGrüß Gott\tHello\r\n".encode("utf-16"), "utf-8"),
        ('"Target","Source"\n"Hello","Grüß Gott"\n'.encode(), "utf-8"),
    ],
)
def test_tables_as_spreadsheets_save_them(raw: bytes, encoding: str, tmp_path: Path) -> None:
    """Semicolons, tabs and UTF-16, quotes, columns in another order."""
    (tmp_path / "a.csv").write_bytes(raw)
    (pair,) = tables.read(tmp_path / "a.csv", encoding)
    assert (pair.source, pair.target, pair.document) == ("Grüß Gott", "Hello", None)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "has no columns"),
        (b"a,b\n1,2\n", "has no columns"),
        (b"source,target\n\xff,x\n", "is no utf-8"),
        (b'source,target\n"a,b\n', "is no table"),
        (b"source,target\n\x00,\x00\n\xff", "is no"),
    ],
)
def test_what_is_no_table_is_named(raw: bytes, message: str, tmp_path: Path) -> None:
    """Without the columns, in another encoding, broken."""
    (tmp_path / "a.csv").write_bytes(raw)
    with pytest.raises(InputError, match=message):
        list(tables.read(tmp_path / "a.csv"))


def test_other_programs_xliff_is_read(tmp_path: Path) -> None:
    """Segments that a program has cut, codes within them, version 1.2, and other languages, which are refused."""
    head = '<xliff xmlns="urn:oasis:names:tc:xliff:document:2.0" version="2.0" srcLang="de-DE" trgLang="{}"><file id="f"><unit id="1">'
    body = (
        '<segment><source>Eins. </source><target>One. </target></segment><segment><source><pc id="1">Zwei</pc><ph id="2"/>.</source>'
        '<target><pc id="1">Two</pc><ph id="2"/>.</target></segment></unit></file></xliff>'
    )
    (tmp_path / "a.xlf").write_text(head.format("en-GB") + body)
    (pair,) = xliff.read(tmp_path / "a.xlf")
    assert (pair.source, pair.target) == ("Eins. Zwei.", "One. Two.")
    (tmp_path / "a.xlf").write_text(head.format("fr") + body)
    with pytest.raises(InputError, match="trgLang 'fr'"):
        list(xliff.read(tmp_path / "a.xlf"))
    old = '<xliff version="1.2"><file><body><trans-unit id="1"><source>Ja<x id="1"/></source><target>Yes</target></trans-unit></body></file></xliff>'
    (tmp_path / "a.xlf").write_text(old)
    (pair,) = xliff.read(tmp_path / "a.xlf")
    assert (pair.source, pair.target) == ("Ja", "Yes")


def test_parquet_has_every_field(tmp_path: Path) -> None:
    """With its type, and the model in the file's own metadata."""
    parquet.write(ROWS, ABOUT, tmp_path / "a.parquet")
    table = pyarrow.parquet.read_table(tmp_path / "a.parquet")
    assert table.to_pylist()[4] == {
        "doc": "data/a & b.txt",
        "paragraph": 1,
        "sentence": 4,
        "start": ROWS[4].start,
        "end": ROWS[4].end,
        "source": HARD[4],
        "target": HARD[4],
        "score": None,
        "flags": ["loop", "retried"],
        "origin": None,
        "id": None,
    }
    assert table.schema.metadata[b"model"] == ABOUT.model.encode()


def test_texts_have_the_paragraphs(tmp_path: Path) -> None:
    """Sentences joined as in the source; in HTML escaped, with what is known of each; in Word with comments."""
    rows = [
        Row("a.txt", 0, 0, 0, 2, "x", "One <1>.", -0.5),
        Row("a.txt", 0, 1, 3, 4, "y", "Two.", None, (Flag.LOOP,)),
        Row("a.txt", 1, 2, 5, 6, "z", "Three\x0b", None, (Flag.PASSTHROUGH,), Origin.HUMAN),
    ]
    txt.write(rows, ABOUT, tmp_path / "a.txt")
    assert (tmp_path / "a.txt").read_text() == "One <1>. Two.\nThree\x0b\n"
    html.write(rows, ABOUT, tmp_path / "a.html")
    page = (tmp_path / "a.html").read_text()
    assert '<p id="p0"><span data-sentence="0" data-score="-0.5000">One &lt;1&gt;.</span> <span' in page
    assert "tiny &amp; &lt;small&gt;" in page
    word.write(rows, ABOUT, tmp_path / "a.docx")
    document = docx.Document(str(tmp_path / "a.docx"))
    assert [paragraph.text for paragraph in document.paragraphs] == ["One <1>. Two.", "Three\ufffd"]
    assert [comment.text for comment in document.comments] == [f"loop: {Flag.LOOP.meaning}\ny"]
