"""A run that was killed is started again with the same command, and ends as if nothing had happened."""

from __future__ import annotations

import json
import random
import signal
import sqlite3
import subprocess
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.helpers.command import Command, command, environment
from tests.helpers.texts import count_remembered, outputs, write_texts


def kill_after(
    seconds: float, arguments: tuple[str, ...], folder: Path, number: int = signal.SIGKILL
) -> subprocess.CompletedProcess[str]:
    """Start the command and send the signal so much later, wherever it is then."""
    process = subprocess.Popen(
        command(*arguments), cwd=folder, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    try:
        _, errors = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(number)
        _, errors = process.communicate(timeout=100)
    return subprocess.CompletedProcess(arguments, process.returncode, "", errors)


def kill_at(rows: int, arguments: tuple[str, ...], folder: Path) -> int:
    """Start the command, kill it as soon as its memory holds so many rows, and return its status."""
    process = subprocess.Popen(command(*arguments), cwd=folder, env=environment(), stderr=subprocess.DEVNULL)
    while process.poll() is None and count_remembered(folder) < rows:
        time.sleep(0.005)
    process.kill()
    return process.wait()


def finish(folder: Path, arguments: tuple[str, ...]) -> dict[str, bytes]:
    """Let the command finish; what it has written. The memory is sound and nothing temporary is left."""
    assert kill_after(200, arguments, folder).returncode == 0
    with closing(sqlite3.connect(folder / "out/tiny-de-en/memory.sqlite")) as memory:
        assert memory.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert not list((folder / "out").rglob("*.tmp"))
    return outputs(folder)


def test_killed_at_many_moments_the_echo_run_ends_the_same(tmp_path: Path) -> None:
    """Reading, splitting, committing, writing, renaming: 20 kills over the whole length of the run."""
    arguments = ("data", "--engine", "echo", "--model", "tiny-de-en", "-q")
    for name in ("whole", "broken"):
        (tmp_path / name).mkdir()
        write_texts(tmp_path / name / "data", documents=40, sentences=120)
    started = time.perf_counter()
    assert kill_after(200, arguments, tmp_path / "whole").returncode == 0
    longest = time.perf_counter() - started
    chance = random.Random(11)
    for _ in range(20):
        kill_after(chance.uniform(0.05, longest), arguments, tmp_path / "broken")
    expected = outputs(tmp_path / "whole")
    assert len(expected) == 40
    assert finish(tmp_path / "broken", arguments) == expected


@pytest.mark.slow
def test_killed_while_decoding_the_real_model_s_run_ends_the_same(tmp_path: Path) -> None:
    """In float32, to the byte, scores among them: the resumed run makes the batches of the unbroken one."""
    arguments = (
        "data",
        "--engine",
        "transformers",
        "--model",
        "tiny-de-en",
        "-q",
        "-b",
        "1",
        "--batch-tokens",
        "30",
        "--dtype",
        "float32",
    )
    for name in ("whole", "broken"):
        (tmp_path / name).mkdir()
        write_texts(tmp_path / name / "data", documents=2, sentences=10, longest=5)
    for rows in (3, 9, 15):
        assert kill_at(rows, arguments, tmp_path / "broken") == -signal.SIGKILL
    assert finish(tmp_path / "broken", arguments) == finish(tmp_path / "whole", arguments)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_run_says_how_to_go_on(number: int, status: int, tmp_path: Path) -> None:
    """Ctrl-C and SIGTERM: what is done is kept, the status tells the signal, the same command finishes."""
    write_texts(tmp_path / "data", documents=2, sentences=3000)
    arguments = ("data", "--engine", "echo", "--model", "tiny-de-en")
    process = subprocess.Popen(command(*arguments), cwd=tmp_path, env=environment(), stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    for line in process.stderr:
        if "loaded in" in line:
            break
    time.sleep(0.5)
    process.send_signal(number)
    said = process.stderr.read()
    assert process.wait(timeout=100) == status, said
    assert "run the same command again to go on" in said
    assert "Traceback" not in said
    again = kill_after(200, arguments, tmp_path)
    assert again.returncode == 0
    assert len(outputs(tmp_path / "out")) == 2


def test_a_second_run_takes_all_from_the_memory(translate: Command, tmp_path: Path) -> None:
    """And a changed article costs what has changed."""
    write_texts(tmp_path / "data", documents=2, sentences=30)
    arguments = ("data", "--engine", "echo", "--model", "tiny-de-en", "-q", "--json")
    first = json.loads(translate(*arguments).stdout)
    before = outputs(tmp_path / "out")
    second = json.loads(translate(*arguments).stdout)
    assert outputs(tmp_path / "out") == before
    assert second["from_memory"] == second["sentences"] == first["sentences"]
    with (tmp_path / "data/0.txt").open("a") as file:
        file.write("\nGanz neu hier.")
    third = json.loads(translate(*arguments).stdout)
    assert third["sentences"] - third["from_memory"] == 1
    without = json.loads(translate(*arguments, "--no-memory", "--output", "other").stdout)
    assert without["sentences"] == third["sentences"]
    assert not (tmp_path / "other/tiny-de-en/memory.sqlite").exists()
    assert outputs(tmp_path / "other") == outputs(tmp_path / "out")
