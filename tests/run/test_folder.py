"""Where files go: none twice, none through a link, none into a folder that has gone away."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from translate.records import Document, OutputError, Row
from translate.run.folder import RunFolder, check_no_link
from translate.run.plan import check_places, leave_out_unwritable
from translate.run.record import RunRecord

RECORD = RunRecord({"model": "x"}, {}, {}, {}, {})
DOCUMENT = Document("data/a.txt", None, "utf-8", "00", 5)
ROW = Row("data/a.txt", 0, 0, 0, 5, "Hallo", "Hello", -0.5)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("a.txt", "a"), "would both be written to 'out/a.jsonl'"),
        (("a.txt", "a.jsonl/b.txt"), "would need 'out/a.jsonl' as a file and as a folder"),
        (("a.en.txt/b.txt", "a.txt"), "would need 'out/a.en.txt' as a file and as a folder"),
    ],
)
def test_two_documents_share_no_file_and_no_folder(names: tuple[str, ...], message: str) -> None:
    """They are refused before anything is written."""
    with pytest.raises(OutputError) as caught:
        check_places(Path("out"), {name: Path(name) for name in names}, text=True)
    assert message in caught.value.message
    check_places(Path("out"), {name: Path(name) for name in ("a.txt", "a/b.txt", "b.txt")}, text=True)


def test_names_that_no_file_system_takes_are_left_out() -> None:
    """With their size; the others stay. An English text's name is one byte longer than that of the rows."""
    names = {name: Path(name) for name in ("a.txt", "n" * 248 + ".txt", "d/" + "n" * 249 + ".txt", "ü" * 125 + ".txt")}
    refused = dict(leave_out_unwritable(names, text=True))
    assert [len(name.encode()) for name in refused] == [255, 254]
    assert "256 bytes" in refused["d/" + "n" * 249 + ".txt"].message
    assert list(names) == ["a.txt", "n" * 248 + ".txt"]
    names = {name: Path(name) for name in refused}
    assert list(dict(leave_out_unwritable(names, text=False))) == ["ü" * 125 + ".txt"]


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    """Neither for the folder itself, nor for one below it."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link").symlink_to("elsewhere")
    with pytest.raises(OutputError, match="is a link to 'elsewhere'"):
        check_no_link(tmp_path / "link")
    with pytest.raises(OutputError, match="is a link"):
        RunFolder(tmp_path / "link", RECORD)
    with RunFolder(tmp_path / "out", RECORD) as folder:
        (tmp_path / "out" / "data").symlink_to("../elsewhere")
        with pytest.raises(OutputError, match="leads to"):
            folder.begin(DOCUMENT)
    assert not list((tmp_path / "elsewhere").iterdir())


@pytest.mark.parametrize("again", [False, True])
def test_a_folder_that_goes_away_is_noticed(again: bool, tmp_path: Path) -> None:
    """Also if there is a new one of the same name, with a lock of its own."""
    with RunFolder(tmp_path / "out", RECORD) as folder:
        folder.begin(DOCUMENT)
        folder.write(ROW, "")
        shutil.move(tmp_path / "out", tmp_path / "old")
        if again:
            (tmp_path / "out").mkdir()
            (tmp_path / "out" / ".lock").touch()
        for step in (lambda: folder.end(DOCUMENT, ""), lambda: folder.begin(DOCUMENT), lambda: folder.finish({})):
            with pytest.raises(OutputError, match="was deleted or replaced"):
                step()
