"""Glossary files, terms in sentences, and their English."""

from __future__ import annotations

from pathlib import Path

import pytest

from translate.protect.english import choose_article, pluralize
from translate.protect.glossary import read_glossary
from translate.protect.terms import TermFinder, count_english, find_number
from translate.records import InputError, Term

TBX = """<?xml version="1.0"?>
<tbx xmlns="urn:iso:std:iso:30042:ed-2"><text><body>
<conceptEntry id="1"><langSec xml:lang="de-DE"><termSec><term>Schraube</term></termSec><termSec><term>Bolzen</term></termSec></langSec>
<langSec xml:lang="en"><termSec><term>bolt</term></termSec><termSec><term>screw</term></termSec></langSec></conceptEntry>
<conceptEntry id="2"><langSec xml:lang="fr"><termSec><term>vis</term></termSec></langSec></conceptEntry></body></text></tbx>"""
MARTIF = """<martif><text><body><termEntry><langSet xml:lang="DE"><tig><term>Mutter</term></tig></langSet>
<langSet xml:lang="en-GB"><tig><term>nut</term></tig></langSet></termEntry></body></text></martif>"""


def write(folder: Path, name: str, text: str, encoding: str = "utf-8") -> Path:
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize(
    ("name", "text", "encoding", "terms"),
    [
        (
            "a.tsv",
            "Paket\tshipment\nFoo\t\tkeep\n\n# Anmerkung\n",
            "utf-8",
            [Term("Paket", "shipment"), Term("Foo", "Foo", True)],
        ),
        ("a.tsv", "Deutsch\tEnglisch\r\nPaket\tshipment\r\n", "utf-8-sig", [Term("Paket", "shipment")]),
        ("a.csv", 'Paket;"parcel; package"\n', "utf-8", [Term("Paket", "parcel; package")]),
        ("a.csv", 'de,en\n"Amt",office\n', "utf-16", [Term("Amt", "office")]),
        ("a.txt", 'Zoll\tinch "\n', "utf-8", [Term("Zoll", 'inch "')]),
        ("a.tbx", TBX, "utf-8", [Term("Schraube", "bolt"), Term("Bolzen", "bolt")]),
        ("b.tbx", MARTIF, "utf-8", [Term("Mutter", "nut")]),
    ],
)
def test_files_are_read(name: str, text: str, encoding: str, terms: list[Term], tmp_path: Path) -> None:
    """With or without a first line of names, any delimiter, marks of an encoding, both dialects of TBX."""
    assert list(read_glossary(write(tmp_path, name, text, encoding))) == terms


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.tsv", "Paket\tshipment\nSchule\n", "line 2: no English term"),
        ("a.tsv", "\tshipment\n", "line 1: no German term"),
        ("a.tsv", "Paket\tshipment\tbehold\n", "line 1: the third column says 'behold'"),
        ("a.tsv", "Paket\tshipment\nPaket\tparcel\n", "line 2: 'Paket' is 'parcel', but 'shipment' in line 1"),
        ("a.tsv", "\n", "has no term"),
        ("a.csv", 'Paket;"shipment\n', "line 1: unexpected end of data"),
        ("a.tbx", "<martif>", "cannot read"),
    ],
)
def test_errors_name_file_and_line(name: str, text: str, said: str, tmp_path: Path) -> None:
    """And what is wrong there."""
    with pytest.raises(InputError) as error:
        read_glossary(write(tmp_path, name, text))
    assert said in error.value.message
    assert name in error.value.message


def test_inflected_forms_are_found_and_compounds_are_not() -> None:
    """By their base form; a verb that looks like the noun is none of its forms; the longest of several terms counts."""
    finder = TermFinder(
        [Term("Frage", "query"), Term("Haus", "building"), Term("offene Frage", "open issue"), Term("Bolzen", "bolt")]
    )
    text = "Offene Fragen fragen wir in den Häusern, HÄUSERN und im Rathaus am Bolzen; die Frage bleibt."
    assert [(text[use.start : use.end], use.term.english) for use in finder.find(text)] == [
        ("Offene Fragen", "open issue"), ("Häusern", "building"), ("HÄUSERN", "building"), ("Bolzen", "bolt"), ("Frage", "query"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("before", "form", "base", "plural"),
    [
        ("mit dem ", "Fahrer", "Fahrer", False),
        ("des jungen ", "Fahrers", "Fahrer", False),
        ("alle 3 ", "Fehler", "Fehler", True),
        ("viele ", "Fehler", "Fehler", True),
        ("", "Probleme", "Problem", True),
        ("in den ", "Häusern", "Haus", True),
        ("die ", "Schaltungen", "Schaltung", True),
        ("die ", "Soldaten", "Soldat", None),
        ("die ", "Fehler", "Fehler", None),
        ("", "Autos", "Auto", None),
    ],
)
def test_number_is_told_by_german_where_it_can(before: str, form: str, base: str, plural: bool | None) -> None:
    """By the form and the words before it."""
    assert find_number(before, form, base) is plural


@pytest.mark.parametrize(
    ("words", "plural", "article"),
    [("shipment", "shipments", "a"), ("state of affairs", "states of affairs", "a"), ("issue", "issues", "an"), ("hourly rate", "hourly rates", "an"),
     ("serviceman", "servicemen", "a"), ("displaced person", "displaced persons", "a"), ("glasses", "glasses", "a"), ("loss", "losses", "a"),
     ("analysis", "analyses", "an"), ("user interface", "user interfaces", "a")],
)  # fmt: skip
def test_english_forms(words: str, plural: str, article: str) -> None:
    """Plural of the head, and `an` by sound."""
    assert pluralize(words) == plural
    assert choose_article(words) == article


def test_english_is_counted_in_both_numbers() -> None:
    """As whole words; a kept one with its own capitals only."""
    assert count_english(Term("Paket", "shipment"), "Shipments, a shipment, shipmentish") == 2
    assert count_english(Term("X", "iFoo", keep=True), "iFoo, IFOO, iFoos") == 1
