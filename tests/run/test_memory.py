"""The translation memory."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from translate.records import Flag, OutputError, Translation
from translate.run.memory import Memory, window_key

ENTRY = Translation("Hello.", -0.5, (Flag.NUMBER_MISMATCH, Flag.RETRIED))


def test_what_is_added_is_found_again(tmp_path: Path) -> None:
    """In another process too, and only under the same signature."""
    with Memory(tmp_path / "m.sqlite", "a:1") as memory:
        memory.add(7, [("Hallo.", ENTRY), ("Leer.", Translation("", None))])
    with Memory(tmp_path / "m.sqlite", "a:1") as memory:
        found = memory.find(["Hallo.", "Leer.", "Neu."])
        assert {source: entry.translation for source, entry in found.items()} == {
            "Hallo.": ENTRY,
            "Leer.": Translation("", None),
        }
        assert found["Hallo."].window == 7
    with Memory(tmp_path / "m.sqlite", "a:2") as memory:
        assert memory.find(["Hallo."]) == {}


@given(texts=st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=30), unique=True, max_size=30))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None)
def test_any_text_is_kept_as_it_is(texts: list[str], tmp_path: Path) -> None:
    """NULs, emoji, marks: found again by the very characters."""
    with Memory(tmp_path / "m.sqlite", "s") as memory:
        memory.add(1, [(text, Translation(text[::-1], -1.0)) for text in texts])
        assert {source: entry.translation.target for source, entry in memory.find(texts).items()} == {
            t: t[::-1] for t in texts
        }


def test_a_batch_is_kept_whole_or_not_at_all(tmp_path: Path) -> None:
    """A row that cannot be kept takes its batch with it, and the memory goes on."""
    with Memory(tmp_path / "m.sqlite", "s") as memory:
        with pytest.raises(OutputError):
            memory.add(1, [("a", ENTRY), ("b", Translation(None, 0.0))])  # type: ignore[arg-type]
        assert memory.find(["a", "b"]) == {}
        memory.add(1, [("a", ENTRY)])
        assert set(memory.find(["a", "b"])) == {"a"}


def test_more_sources_than_one_query_takes(tmp_path: Path) -> None:
    """Some thousands at once."""
    texts = [f"Satz {i}." for i in range(3000)]
    with Memory(tmp_path / "m.sqlite", "s") as memory:
        memory.add(1, [(text, ENTRY) for text in texts])
        assert len(memory.find(texts)) == 3000


def test_files_that_are_no_memory_are_named(tmp_path: Path) -> None:
    """Damaged, of a later format, or held by another program."""
    (tmp_path / "bad.sqlite").write_bytes(b"no database at all, but long enough to look like one" * 40)
    with pytest.raises(OutputError, match=r"the memory '.*bad.sqlite': file is not a database"):
        Memory(tmp_path / "bad.sqlite", "s")
    later = sqlite3.connect(tmp_path / "later.sqlite")
    later.execute("PRAGMA user_version = 99")
    later.close()
    with pytest.raises(OutputError, match="format 99"):
        Memory(tmp_path / "later.sqlite", "s")
    with pytest.raises(OutputError, match="unable to open"):
        Memory(tmp_path / "no" / "m.sqlite", "s")


def test_a_window_is_known_by_its_sentences_and_their_order() -> None:
    """Not by where one ends and the next begins."""
    assert window_key(["a", "b"]) == window_key(iter(["a", "b"]))
    assert len({window_key(["a", "b"]), window_key(["b", "a"]), window_key(["ab"]), window_key([])}) == 4
