"""`translate status`: how far a run is."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path

from tests.helpers.command import Command, command, environment
from tests.helpers.texts import write_texts
from translate.human.corrections import ANYWHERE, Corrections
from translate.reading.status import read_status, show_command

ECHO = ("--engine", "echo", "--model", "tiny-de-en", "-q")


def test_a_finished_run_with_a_bad_document(translate: Command, tmp_path: Path) -> None:
    """What is done, what failed and why, the flags with the command that shows them; nothing is left."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data/a.txt").write_text("Guten Tag. 12,5\n")
    (tmp_path / "data/b.txt").write_bytes(b"\xff\xfe\xfd")
    (tmp_path / "data" / os.fsdecode(b"K\xf6ln.txt")).write_text("Ja.")
    assert translate("data", "none.txt", *ECHO).returncode == 1
    with Corrections(tmp_path / "out/corrections.sqlite") as corrections:
        corrections.add("Guten Tag.", "Good day.", ANYWHERE)
        corrections.commit()
    assert translate("data", "none.txt", *ECHO).returncode == 1
    status = json.loads(translate("status", "--json").stdout)
    assert (status["state"], status["done"], status["left"], status["under_way"]) == ("finished", 1, [], [])
    assert sorted(status["failed"]) == [os.fsdecode(b"data/K\xf6ln.txt"), "data/b.txt", "none.txt"]
    assert (status["rows"], status["flags"], status["from_people"]) == (2, {"passthrough": 1}, {"human": 1})
    assert status["corrections"] == 1
    lines = translate("status", "out/tiny-de-en").stdout.splitlines()
    assert lines[0] == "out/tiny-de-en: finished, 1 of 1 documents done, 2 rows"
    assert "passthrough: 1 row: translate show out/tiny-de-en --flag passthrough" in lines
    assert "corrections: 1 in 'out/corrections.sqlite'" in lines


def test_a_killed_run_says_what_is_left_and_how_to_go_on(tmp_path: Path) -> None:
    """While it runs: running, a document under way; killed: stopped, with the command; and then finished."""
    write_texts(tmp_path / "data", documents=30, sentences=1500)
    arguments = ("data", "--engine", "echo", "--model", "tiny-de-en")
    process = subprocess.Popen(command(*arguments), cwd=tmp_path, env=environment(), stderr=subprocess.DEVNULL)
    done = tmp_path / "out/tiny-de-en/data"
    while len(list(done.glob("*.jsonl")) if done.is_dir() else []) < 3:
        assert process.poll() is None
        time.sleep(0.01)
    running = read_status(tmp_path / "out")
    process.kill()
    process.wait()
    assert running.state == "running"
    assert len(running.under_way) <= 1
    status = read_status(tmp_path / "out")
    assert status.state == "stopped"
    assert status.under_way == ()
    assert 3 <= status.done < 30
    assert status.done + len(status.left) == 30
    assert status.rows == status.done * 1501
    assert status.command[1:] == arguments
    subprocess.run(command(*arguments, "-q"), cwd=tmp_path, env=environment(), check=True)
    assert (read_status(tmp_path / "out").state, read_status(tmp_path / "out").done) == ("finished", 30)


def test_no_run_and_several_runs(translate: Command, tmp_path: Path) -> None:
    """Named, with what to give instead."""
    done = translate("status", "nothing")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: there is no folder 'nothing'\nhint: ")
    for model in ("one", "two"):
        (tmp_path / "out" / model).mkdir(parents=True)
        (tmp_path / "out" / model / "run.json").write_text("{")
    assert "hint: give one of 'out/one', 'out/two'" in translate("status").stderr
    assert "cannot read 'out/one/run.json'" in translate("status", "out/one").stderr


def test_a_long_command_is_cut_in_its_middle() -> None:
    """Its options stand at its end."""
    words = ["translate", *(f"a file {n}.txt" for n in range(1000)), "--output", "out"]
    shown = show_command(words)
    assert shown.startswith("translate 'a file 0.txt' ")
    assert shown.endswith(" --output out")
    assert len(shown) < 450
    assert show_command(words[:3]) == "translate 'a file 0.txt' 'a file 1.txt'"
