"""What a cluster run keeps: whose a sentence is, what is done, who is silent. No cluster is needed for this."""

from __future__ import annotations

from pathlib import Path

import pytest

from translate.cluster.journal import Journal, Known, remember
from translate.records import Translation
from translate.run.events import Progress
from translate.run.memory import window_key

ONE, TWO = ["a", "b", "c"], ["c", "d", "a"]
DONE = Translation("x", -1.0)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "memory.sqlite", "test")


def translate(journal: Journal, worker: str, window: str, texts: list[str]) -> list[str]:
    """What a worker does; the sentences that it translated."""
    known = journal.begin(worker, window, texts)
    new = [text for text, what in zip(texts, known, strict=True) if what is Known.NO]
    journal.add(worker, window_key(texts), [(text, DONE) for text in new])
    journal.report(worker, window, Progress(len(texts)))
    journal.finish(worker, window)
    return new


@pytest.mark.parametrize("order", [("1", "2"), ("2", "1")])
def test_a_sentence_belongs_to_the_window_that_was_entered_first(journal: Journal, order: tuple[str, str]) -> None:
    """Whichever is translated first."""
    journal.plan("1", ONE)
    journal.plan("2", TWO)
    texts = {"1": ONE, "2": TWO}
    found = {window: translate(journal, "w", window, texts[window]) for window in order}
    assert found == {"1": ["a", "b", "c"], "2": ["d"]}
    assert set(journal.find([*ONE, *TWO])) == {"a", "b", "c", "d"}
    assert journal.state().progress.sentences == 6


def test_a_second_attempt_goes_on_where_the_first_died(journal: Journal) -> None:
    """What was added is known as translated here; progress is not counted twice; the dead worker is not silent.

    A window that nobody has begun is told of.
    """
    journal.plan("1", ONE)
    journal.begin("dead", "1", ONE)
    journal.add("dead", window_key(ONE), [("b", DONE)])
    journal.report("dead", "1", Progress(1))
    before = journal.state()
    assert (before.progress.sentences, list(before.silent)) == (1, ["dead is at work and has said nothing"])
    journal.plan("1", ONE)  # Ray may enter it again too
    assert journal.begin("other", "1", ONE) == [Known.NO, Known.HERE, Known.NO]
    assert list(journal.state().silent) == ["other is at work and has said nothing"]
    assert (journal.state().progress - before.progress).sentences == -1
    journal.add("other", window_key(ONE), [("a", DONE), ("c", DONE)])
    journal.report("other", "1", Progress(3))
    journal.finish("other", "1")
    assert journal.state().progress.sentences == 3
    assert not journal.state().silent
    journal.plan("2", TWO)
    assert list(journal.state().silent) == ["1 windows wait, and no worker has begun one (idle: other)"]
    journal.begin("other", "2", TWO)
    assert list(journal.state().silent) == ["other is at work and has said nothing"]


def test_a_window_is_planned_the_same_after_the_driver_died(tmp_path: Path) -> None:
    """What the later window has finished stays its own, and what the earlier one is to translate stays that one's."""
    first = Journal(tmp_path / "memory.sqlite", "test")
    first.plan("1", ONE)
    first.plan("2", TWO)
    assert translate(first, "w", "2", TWO) == ["d"]
    first.close()
    second = Journal(tmp_path / "memory.sqlite", "test")
    second.plan("1", ONE)
    second.plan("2", TWO)
    assert second.begin("w", "2", TWO) == [Known.ELSEWHERE, Known.HERE, Known.ELSEWHERE]
    assert translate(second, "v", "1", ONE) == ONE


def test_what_a_translator_hears(journal: Journal) -> None:
    """Own and others' sentences differ in their window, as in a memory."""
    known = remember({"a": Known.NO, "b": Known.HERE, "c": Known.ELSEWHERE}, 7)
    assert {text: entry.window == 7 for text, entry in known.items()} == {"b": True, "c": False}


def test_the_first_refusal_is_told(journal: Journal) -> None:
    """With its hint."""
    journal.refuse("one", "hint")
    journal.refuse("two", "hint")
    assert journal.state().refusal == ("one", "hint")
