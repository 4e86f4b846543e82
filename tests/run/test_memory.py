"""The translation memory."""

from __future__ import annotations

import random
import sqlite3
from contextlib import suppress
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
    Memory(tmp_path / "m.sqlite", "s").close()
    database = sqlite3.connect(tmp_path / "m.sqlite")
    refuse = "WHEN NEW.source = 'b' BEGIN SELECT RAISE(ABORT, 'no'); END"
    database.execute(f"CREATE TRIGGER t BEFORE INSERT ON translation {refuse}")
    database.close()
    with Memory(tmp_path / "m.sqlite", "s") as memory:
        with pytest.raises(OutputError):
            memory.add(1, [("a", ENTRY), ("b", ENTRY)])
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


CHANGES = {
    "target": "UPDATE translation SET target = 'Bye.' WHERE source = 'Satz 1.'",
    "sources swapped": "UPDATE translation SET target = (SELECT target FROM translation o WHERE o.source = CASE translation.source"
    " WHEN 'Satz 1.' THEN 'Satz 2.' ELSE 'Satz 1.' END) WHERE source IN ('Satz 1.', 'Satz 2.')",
    "source": "UPDATE translation SET source = 'Satz 9.' WHERE source = 'Satz 1.'",
    "unknown flag": "UPDATE translation SET flags = 'new' WHERE source = 'Satz 1.'",
    "flag": "UPDATE translation SET flags = 'loop' WHERE source = 'Satz 1.'",
    "flags, no text": "UPDATE translation SET flags = x'ff00' WHERE source = 'Satz 1.'",
    "target, a blob": "UPDATE translation SET target = x'80ff' WHERE source = 'Satz 1.'",
    "target, not UTF-8": "UPDATE translation SET target = CAST(x'80ff' AS TEXT) WHERE source = 'Satz 1.'",
    "target, a number": "UPDATE translation SET target = 5 WHERE source = 'Satz 1.'",
    "score, a text": "UPDATE translation SET score = 'x' WHERE source = 'Satz 1.'",
    "score, infinite": "UPDATE translation SET score = 9e999 WHERE source = 'Satz 1.'",
    "score": "UPDATE translation SET score = -0.25 WHERE source = 'Satz 1.'",
    "no score": "UPDATE translation SET score = NULL WHERE source = 'Satz 1.'",
    "window, a text": "UPDATE translation SET window = 'x' WHERE source = 'Satz 1.'",
    "window": "UPDATE translation SET window = 2 WHERE source = 'Satz 1.'",
    "checksum": "UPDATE translation SET checksum = x'0011223344556677' WHERE source = 'Satz 1.'",
    "keys swapped": "UPDATE translation SET key = CASE source WHEN 'Satz 1.' THEN x'01' ELSE x'02' END"
    " WHERE source IN ('Satz 1.', 'Satz 2.') AND signature = 1",
    "signatures swapped": "UPDATE signature SET text = text || '!' ; UPDATE signature SET text = 'b:1' WHERE text = 'a:1!';"
    "UPDATE signature SET text = 'a:1' WHERE text = 'b:1!'",
}


@pytest.mark.parametrize("what", CHANGES)
def test_an_entry_that_does_not_hold_is_none(what: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever of it was changed, by hand or by the disk; the others are found, and what is kept anew is found again."""
    entries = {f"Satz {i}.": Translation(f"Sentence {i}.", -0.5) for i in range(5)}
    for signature, target in (("a:1", "{}"), ("b:1", "other")):
        with Memory(tmp_path / "m.sqlite", signature) as memory:
            memory.add(1, [(text, Translation(target.format(entry.target), -0.5)) for text, entry in entries.items()])
    database = sqlite3.connect(tmp_path / "m.sqlite")
    database.executescript(CHANGES[what])
    database.close()
    with Memory(tmp_path / "m.sqlite", "a:1") as memory:
        found = {text: entry.translation for text, entry in memory.find(entries).items()}
        assert len(found) < len(entries)
        assert all(entries[text] == entry for text, entry in found.items())
        memory.add(1, [(text, entry) for text, entry in entries.items() if text not in found])
        assert {text: entry.translation for text, entry in memory.find(entries).items()} == entries
    counted = "entries of the memory" in caplog.text
    assert counted is (what != "keys swapped")  # those are found by nobody


def test_flipped_bits_never_give_a_wrong_row(tmp_path: Path) -> None:
    """Eight in a file: a named error, or entries that are as they were."""
    chance = random.Random(11)
    entries = {f"Das ist Satz {i}.": Translation(f"This is sentence {i}.", -i / 7) for i in range(300)}
    with Memory(tmp_path / "m.sqlite", "a:1") as memory:
        memory.add(1, list(entries.items()))
    sound = (tmp_path / "m.sqlite").read_bytes()
    for number in range(120):
        damaged = bytearray(sound)
        for _ in range(8):
            damaged[chance.randrange(len(sound))] ^= 1 << chance.randrange(8)
        path = tmp_path / f"{number}.sqlite"
        path.write_bytes(damaged)
        with suppress(OutputError), Memory(path, "a:1") as memory:
            found = memory.find(entries)
            assert all(entries[text] == entry.translation for text, entry in found.items())
        path.unlink()


def test_entries_without_a_checksum_are_not_used(tmp_path: Path) -> None:
    """A file of the format before has them; it is gone on with."""
    with Memory(tmp_path / "m.sqlite", "a:1") as memory:
        memory.add(1, [("Hallo.", ENTRY)])
    database = sqlite3.connect(tmp_path / "m.sqlite")
    database.executescript("ALTER TABLE translation DROP COLUMN checksum; PRAGMA user_version = 1")
    database.close()
    for expected in (0, 1):
        with Memory(tmp_path / "m.sqlite", "a:1") as memory:
            assert len(memory.find(["Hallo."])) == expected
            memory.add(1, [("Hallo.", ENTRY)])


def test_a_file_that_forgets_the_signature_is_named(tmp_path: Path) -> None:
    """Somebody's trigger deletes it."""
    Memory(tmp_path / "m.sqlite", "a:1").close()
    database = sqlite3.connect(tmp_path / "m.sqlite")
    database.execute("CREATE TRIGGER t AFTER INSERT ON signature BEGIN DELETE FROM signature; END")
    database.close()
    with pytest.raises(OutputError, match="does not keep the signature"):
        Memory(tmp_path / "m.sqlite", "a:2")
