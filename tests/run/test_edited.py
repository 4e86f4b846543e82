"""Files that somebody has changed after a run had written them are not written over without a word."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path

import pytest

from tests.helpers.command import Command, command, environment

ECHO = ("--engine", "echo", "--model", "tiny-de-en")
OUT = "out/tiny-de-en"


@pytest.fixture
def finished(translate: Command, tmp_path: Path) -> Path:
    """Two documents, translated with their English text."""
    for name in "ab":
        (tmp_path / f"{name}.txt").write_text(f"Ja {name}.\nNein.\n", encoding="utf-8")
    assert translate("a.txt", "b.txt", "--text", *ECHO).returncode == 0
    return tmp_path


@pytest.mark.parametrize("name", ["b.jsonl", "b.en.txt"])
def test_a_changed_file_is_named_and_kept(name: str, finished: Path, translate: Command) -> None:
    """The next run refuses before it has written anything; --overwrite replaces the file, moving it away keeps it."""
    place = finished / OUT / name
    sound = place.read_bytes()
    changed = sound.replace(b"Nein", b"NO WAY")
    place.write_bytes(changed)
    for _ in range(2):
        done = translate("a.txt", "b.txt", "--text", *ECHO)
        assert done.returncode == 1
        assert f"error: '{OUT}/{name}' was changed after it was written" in done.stderr
        assert "--overwrite" in done.stderr
        assert place.read_bytes() == changed
    assert f"translate corrections {OUT}/{name}" in done.stderr
    assert translate("a.txt", "--text", *ECHO).returncode == 0  # the other document is not concerned
    assert place.read_bytes() == changed
    assert translate("a.txt", "b.txt", "--text", "--overwrite", *ECHO).returncode == 0
    assert place.read_bytes() == sound
    assert translate("a.txt", "b.txt", "--text", *ECHO).returncode == 0


def test_a_changed_file_can_be_taken_in(finished: Path, translate: Command) -> None:
    """As corrections: after that the next run writes it anew, with what the person has changed."""
    place = finished / OUT / "b.jsonl"
    place.write_bytes(place.read_bytes().replace(b'"target":"Nein.', b'"target":"No.'))
    assert translate("a.txt", "b.txt", "--text", *ECHO).returncode == 1
    assert translate("corrections", f"{OUT}/b.jsonl").returncode == 0
    assert translate("a.txt", "b.txt", "--text", *ECHO).returncode == 0
    assert '"target":"No."' in place.read_text(encoding="utf-8")
    assert '"origin":"human"' in place.read_text(encoding="utf-8")


def test_only_what_would_be_written_is_looked_at(finished: Path, translate: Command) -> None:
    """A changed English text does not hold up a run that writes none; a file that is gone is written again."""
    (finished / OUT / "a.en.txt").write_text("mine", encoding="utf-8")
    (finished / OUT / "b.jsonl").unlink()
    assert translate("a.txt", "b.txt", *ECHO).returncode == 0
    assert (finished / OUT / "a.en.txt").read_text(encoding="utf-8") == "mine"
    assert (finished / OUT / "b.jsonl").is_file()


def test_a_changed_input_is_translated_again(finished: Path, translate: Command) -> None:
    """Nobody has touched the rows: they are replaced."""
    (finished / "a.txt").write_text("Doch.\n", encoding="utf-8")
    assert translate("a.txt", "b.txt", "--text", *ECHO).returncode == 0
    assert b"Doch" in (finished / OUT / "a.jsonl").read_bytes()


def test_a_killed_run_takes_nothing_for_changed(finished: Path, translate: Command) -> None:
    """It may have replaced files before it could say so: with other inputs, the next run goes on all the same."""
    for name in "ab":
        (finished / f"{name}.txt").write_text("".join(f"Neu {i} {name}.\n" for i in range(3000)), encoding="utf-8")
    code = "import os; from translate.run import folder; from translate.__main__ import main\n"
    code += "folder.RunFolder.finish = lambda *_: os.kill(os.getpid(), 9)\nmain()"
    line = [*command()[:2], "-c", code, "a.txt", "b.txt", "--text", *ECHO]
    killed = subprocess.run(line, cwd=finished, env=environment(), capture_output=True)
    assert killed.returncode == -signal.SIGKILL
    assert b"Neu 2999" in (finished / OUT / "b.jsonl").read_bytes()
    assert translate("a.txt", "b.txt", "--text", *ECHO).returncode == 0
    written = json.loads((finished / OUT / "run.json").read_text(encoding="utf-8"))["documents"]
    assert all(len(written[name]["rows_sha256"]) == len(written[name]["text_sha256"]) == 64 for name in written)


def test_a_run_that_ends_with_an_error_remembers_what_it_wrote(finished: Path, translate: Command) -> None:
    """So that a change of that is noticed too."""
    code = "from translate.run import folder; from translate.records import OutputError; from translate.__main__ import main\n"
    code += "def fail(*_): raise OutputError('no', 'no')\nfolder.RunFolder.finish = fail\nmain()"
    line = [*command()[:2], "-c", code, "a.txt", "b.txt", "--text", *ECHO]
    assert subprocess.run(line, cwd=finished, env=environment(), capture_output=True).returncode == 1
    with (finished / OUT / "a.jsonl").open("a", encoding="utf-8") as file:
        file.write("\n")
    assert "was changed" in translate("a.txt", "b.txt", "--text", *ECHO).stderr


@pytest.mark.parametrize(
    "name", ["run.json", "run-1-of-2.json", ".lock", ".lock-joining", "memory.sqlite", "memory.sqlite-wal", "RUN.json"]
)
def test_documents_in_the_way_of_the_run_itself(name: str, translate: Command, tmp_path: Path) -> None:
    """A folder called like a file that the run needs is named before anything is loaded; other documents are translated."""
    (tmp_path / name).mkdir()
    for place in (tmp_path / name / "a.txt", tmp_path / "b.txt", tmp_path / "run.json.txt" / "c.txt"):
        place.parent.mkdir(exist_ok=True)
        place.write_text("Ja.\n", encoding="utf-8")
    done = translate(".", f"{name}/a.txt", *ECHO)
    assert done.returncode == 1
    assert f"error: '{name}/a.txt' would be written into '{name}'" in done.stderr
    assert f"hint: rename the folder '{name}'" in done.stderr
    assert (tmp_path / OUT / "b.jsonl").is_file()
    assert (tmp_path / OUT / "run.json.txt" / "c.jsonl").is_file()
