"""Public reports, and many more sentences of each kind: what a user rightly expects of splitting."""

from __future__ import annotations

import unicodedata
from typing import Literal

import pytest

from tests.helpers.cases import DATA, Case, read_cases
from translate.text.sentences import split_paragraph

REPORTED = [case for case in read_cases("seg", "nfd") if isinstance(case.input, str)]


def read_table() -> dict[str, list[str]]:
    """Kind → lines of tests/data/sentences.txt; "|" stands where a sentence ends and the next starts."""
    table: dict[str, list[str]] = {}
    kind = ""
    for line in (DATA / "sentences.txt").read_text(encoding="utf-8").split("\n"):
        if line.startswith("# "):
            kind = line[2:]
        elif line:
            table.setdefault(kind, []).append(line)
    return table


TABLE = read_table()


def split(text: str) -> list[str]:
    """The sentences of a line."""
    return [text[start:end] for start, end in split_paragraph(text)]


@pytest.mark.parametrize("case", REPORTED, ids=lambda case: str(case.number))
def test_reported_case(case: Case) -> None:
    """Every one of the reported texts is split as its reporter expects, composed and decomposed."""
    forms: tuple[Literal["NFC"], Literal["NFD"]] = ("NFC", "NFD")
    for form in forms:
        expected = [unicodedata.normalize(form, sentence) for sentence in case.expected]
        assert split(unicodedata.normalize(form, case.input)) == expected


@pytest.mark.parametrize("kind", TABLE)
def test_kind(kind: str) -> None:
    """Every line of a kind is split at its bars and nowhere else, composed and decomposed, whatever the kind of blank."""
    wrong = []
    for line in TABLE[kind]:
        decomposed = unicodedata.normalize("NFD", line)
        for spelled, blank in ((line, " "), (line, "\u00a0"), (line, "  "), (decomposed, " ")):
            expected = spelled.split("|")
            if split(blank.join(expected)) != expected:
                wrong.append((line, blank))
    assert not wrong


def test_nothing_was_lost() -> None:
    """The cases were not lost to a slip in reading them."""
    assert len(REPORTED) == 53
    assert len(TABLE) >= 11
    assert all(len(lines) >= 10 for lines in TABLE.values())


@pytest.mark.parametrize("end", ["\u2028", "\u2029", "\v", "\f", "\x85", "\x1c", "\x1e"])
def test_ends_of_lines_and_pages(end: str) -> None:
    """Where Unicode ends a line a sentence ends, whatever stands there, and offsets count them."""
    text = f"Stadtwerke Ulm{end}Montag bis{end}{end} Freitag z. B.{end}Ja. Nein."
    assert split(text) == ["Stadtwerke Ulm", "Montag bis", "Freitag z. B.", "Ja.", "Nein."]
    assert split(f"{end}Ja.{end}") == ["Ja."]
