"""Files → files, by the small engine that reverses words."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.texts import outputs, write_texts
from translate.formats import opening
from translate.records import Settings
from translate.run.events import DocumentDone, DocumentFailed, Event, Loaded
from translate.run.pipeline import run
from translate.run.plan import Job
from translate.run.rows import read_rows
from translate.run.translator import Interrupted
from translate.text import documents

ECHO = Settings(engine="echo")


@pytest.fixture
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def translate(*arguments: str, settings: Settings = ECHO) -> list[Event]:
    return list(run(Job(arguments, model="tiny-de-en", settings=settings, text=True)))


TEXTS = {
    "two paragraphs and a blank line": "Eins steht. Zwei geht.\r\n\r\n\tDrei liegt.  Vier fliegt.\n",
    "white space only": " \n\u00a0\n\r\n",
    "empty": "",
    "no line end": "Nur ein Satz",
}


@pytest.mark.parametrize("window", [1, 3, 500])
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_the_english_text_is_the_document_with_its_sentences_replaced(text: str, window: int, in_folder: Path) -> None:
    """All white space is as it was, also where a document spans several windows."""
    Path("a.txt").write_bytes(text.encode())
    translate("a.txt", settings=Settings(engine="echo", chunk_sentences=window))
    expected, position = "", 0
    for row in read_rows(Path("out/tiny-de-en/a.jsonl")):
        expected += text[position : row.start] + row.target
        position = row.end
    assert Path("out/tiny-de-en/a.en.txt").read_bytes().decode() == expected + text[position:]


def test_a_document_is_read_twice_and_no_more(in_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once to check it, once to split it: the English text is written from what is in hand then."""
    Path("a.txt").write_text("Das Haus ist alt.\nEs regnet.\n", encoding="utf-8")
    opened: list[str] = []
    before = Path.open

    def noting(path: Path, *arguments: object, **options: object) -> object:
        opened.append(path.name)
        return before(path, *arguments, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", noting)
    translate("a.txt")
    assert opened.count("a.txt") == 2
    assert "a.jsonl" not in opened
    assert "a.en.txt" not in opened


def test_a_document_that_changes_while_it_is_read_leaves_no_file(
    in_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither rows nor English text, and the others are there."""
    for name in ("a.txt", "b.txt"):
        Path(name).write_text("Das Haus ist alt.\nEs regnet.\n", encoding="utf-8")
    before = documents.open_document

    def changing(path: Path, *options: Any) -> object:
        document, name = before(path, *options), options[1]
        if name == "a.txt":
            path.write_text("Das Haus war alt.\nEs regnet.\n", encoding="utf-8")
        return document

    monkeypatch.setattr(opening, "open_document", changing)
    events = translate("a.txt", "b.txt")
    assert [event.error.message for event in events if isinstance(event, DocumentFailed)] == [
        "'a.txt' changed while it was read"
    ]
    assert sorted(path.name for path in Path("out/tiny-de-en").glob("[ab]*")) == ["b.en.txt", "b.jsonl"]


def test_english_text_and_rows_appear_together(in_folder: Path) -> None:
    """Where the text cannot be written there are no rows either: these say that a document is done."""
    Path("a.txt").write_text("Das Haus ist alt.\n", encoding="utf-8")
    Path("out/tiny-de-en/a.en.txt").mkdir(parents=True)
    with pytest.raises(Exception, match="cannot write"):
        translate("a.txt")
    assert not Path("out/tiny-de-en/a.jsonl").exists()
    assert not list(Path("out").rglob("*.tmp"))


def test_what_is_stopped_half_way_has_finished_documents(in_folder: Path) -> None:
    """Documents get their names while the run goes on; what a second run adds is what is missing."""
    write_texts(in_folder / "data", documents=40, sentences=60)
    job = Job(("data",), model="tiny-de-en", settings=ECHO)
    events = run(job, lambda: len(outputs(in_folder / "out")) >= 20)
    with pytest.raises(Interrupted):
        list(events)
    assert 20 <= len(outputs(in_folder / "out")) < 40
    assert sum(isinstance(event, DocumentDone) for event in run(job)) == 40
    assert len(outputs(in_folder / "out")) == 40


def test_without_a_home_there_is_no_advice_and_no_error(in_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user without a home folder has nothing that the bench kept there."""
    for name in ("HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    Path("a.txt").write_text("Das Haus ist alt.\n", encoding="utf-8")
    assert any(isinstance(event, Loaded) for event in translate("a.txt"))
