"""What people have translated, kept and found again."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from translate.human.corrections import ANYWHERE, Corrections, Place, collect_pairs
from translate.human.pairs import Pair, parse_sentence
from translate.records import OutputError


def test_a_place_goes_before_the_latest(tmp_path: Path) -> None:
    """Where a place has none of its own, the latest of the same source holds; what was kept as it is holds at its place only."""
    with Corrections(tmp_path / "c.sqlite") as corrections:
        corrections.add("Ja.", "Yes.", Place("a.txt", 0))
        corrections.add("Ja.", "Yeah.", Place("a.txt", 1))
        corrections.add("Ja.", "Aye.", Place("b.txt", 0), kept=True)
        corrections.commit()
    with Corrections(tmp_path / "c.sqlite") as corrections:
        assert corrections.find("Ja.", Place("a.txt", 0)) == "Yes."
        assert corrections.find("Ja.", Place("b.txt", 0)) == "Aye."
        assert corrections.find("Ja.", Place("c.txt", 0)) == "Yeah."
        assert corrections.find("Ja.") == "Yeah."
        assert corrections.find("Nein.") is None
        assert corrections.count() == 2
        corrections.add("Ja.", "Indeed.", Place("a.txt", 0))
        assert corrections.find("Ja.") == "Indeed."


def test_what_was_not_committed_is_not_kept(tmp_path: Path) -> None:
    """All of a file's corrections, or none."""
    with Corrections(tmp_path / "c.sqlite") as corrections:
        corrections.add("Ja.", "Yes.", ANYWHERE)
    with Corrections(tmp_path / "c.sqlite") as corrections:
        assert corrections.count() == 0


def test_another_file_is_named(tmp_path: Path) -> None:
    """No database, and a database of another format."""
    (tmp_path / "text").write_text("no database, and long enough to be looked at as one" * 100)
    with pytest.raises(OutputError, match=r"the corrections '.*text'"):
        Corrections(tmp_path / "text")
    sqlite3.connect(tmp_path / "other").execute("PRAGMA user_version = 7").connection.close()
    with pytest.raises(OutputError, match="has format 7"):
        Corrections(tmp_path / "other")


def test_pairs_are_collected_the_later_before_the_earlier() -> None:
    """Those without English are no translations."""
    pairs = [Pair("a", "1", "line 1"), Pair("a", "2", "line 2"), Pair("b", "", "line 3")]
    with collect_pairs(pairs) as found:
        assert (found.find("a"), found.find("b")) == ("2", None)


def test_numbers_of_sentences() -> None:
    """Anything that is no number of a sentence is none."""
    assert [parse_sentence(text) for text in ("7", "", "-1", "9" * 5000, "x")] == [7, None, None, None, None]
