"""Lines that are broken by width become paragraphs, and texts of such lines are noticed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers.command import Command, rows
from translate.text.wrapped import WrapWatch, join_wrapped, unwrap

WRAPPED = """Der Bundestag hat am Donnerstag ein neues
Gesetz beschlossen, das die Hersteller dazu ver-
pflichtet, Ersatzteile zu liefern. Das gilt für Haus-
und Küchengeräte.
Der nächste Absatz beginnt hier und geht noch ein
Stück weiter, bis er endet.

- Erster Punkt
- Zweiter Punkt
"""


@pytest.mark.parametrize(
    ("text", "joined"),
    [
        ("ver-\npflichtet", "verpflichtet"),
        ("Minis-\r\n  terin", "Ministerin"),
        ("Haus-\nund Hof", "Haus- und Hof"),
        ("Nord-\nSüd-Linie", "Nord-Süd-Linie"),
        ("Trenn\u00ad\nstelle", "Trennstelle"),
        ("ein neues \n Gesetz", "ein neues Gesetz"),
        ("eine Zeile", "eine Zeile"),
    ],
)
def test_line_ends_are_taken_out(text: str, joined: str) -> None:
    """Words that were cut are whole, compounds keep their hyphen, other line ends are blanks."""
    assert unwrap(text) == joined


def test_paragraphs_end_at_blank_lines_list_marks_and_short_lines() -> None:
    """Nothing is lost of the lines."""
    blocks = list(join_wrapped(WRAPPED.splitlines(keepends=True)))
    assert "".join(blocks) == WRAPPED
    assert [len(block.splitlines()) for block in blocks] == [4, 2, 1, 1, 1]


@pytest.mark.parametrize(
    ("text", "wrapped"),
    [
        (WRAPPED, True),
        ("Am Abend äußerte sich die Minis-\nterin zufrieden.\n", True),
        ("Ein Satz.\nNoch einer.\nUnd einer.\n", False),
        ("Kanzler tritt zurück\nNeues Gesetz beschlossen\nWetter wird schlechter\n", False),
        ("- eins\n- zwei\n- drei\n", False),
        ("Ein Absatz ohne Punkt\n\nnoch einer\n\nund einer\n", False),
    ],
)
def test_wrapped_texts_are_noticed(text: str, wrapped: bool) -> None:
    """Not headlines, lists or paragraphs."""
    watch = WrapWatch(text.splitlines(keepends=True))
    assert list(watch) == text.splitlines(keepends=True)
    assert watch.wrapped is wrapped


def test_command_warns_and_joins(translate: Command, tmp_path: Path) -> None:
    """Without the option a warning names it; with it sources hold the line ends, and the model does not see them."""
    (tmp_path / "a.txt").write_text(WRAPPED, encoding="utf-8")
    options = ("a.txt", "--model", "tiny-de-en", "--engine", "echo")
    assert "--wrapped" in translate(*options).stderr
    refused = translate(*options, "--wrapped")
    assert (refused.returncode, "lines" in refused.stderr) == (1, True)
    done = translate(*options, "--wrapped", "--overwrite")
    assert done.returncode == 0
    assert "--wrapped" not in done.stderr
    found = rows(tmp_path / "out" / "tiny-de-en" / "a.jsonl")
    assert all(WRAPPED[int(str(row["start"])) : int(str(row["end"]))] == row["source"] for row in found)
    assert "ver-\npflichtet" in str(found[0]["source"])
    assert "verpflichtet" in str(found[0]["target"])
