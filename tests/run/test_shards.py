"""One job dealt out to several machines that share nothing but a disk."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.helpers.command import Command, command, environment
from tests.helpers.runs import SIGNATURE
from tests.helpers.texts import outputs, write_texts
from translate.records import InputError, OutputError, Signature
from translate.run.folder import RunFolder
from translate.run.record import DocumentRecord, RunRecord, Shard, parse_shard, read_run, write_run

ECHO = ("--engine", "echo", "--model", "tiny-de-en", "-q")


@pytest.mark.parametrize("text", ["0/4", "5/4", "3", "3/0", "/4", "a/b", "1/4/4", "-1/4", "1 / 4", "١/٤", "1/9999999"])
def test_what_is_no_part_is_refused(text: str) -> None:
    """By quoting it."""
    with pytest.raises(InputError, match="is no part of a whole"):
        parse_shard(text)


@pytest.mark.parametrize("count", [1, 3, 16, 50])
def test_each_document_is_in_one_shard_whatever_the_order_of_the_list(count: int) -> None:
    """Every Nth of the sorted list; nothing twice, nothing left."""
    names = [f"{number % 7}/{number}.txt" for number in range(40)]
    shards = [Shard(number, count) for number in range(1, count + 1)]
    parts = [shard.choose(dict.fromkeys(names)) for shard in shards]
    assert parts == [shard.choose(dict.fromkeys(reversed(names))) for shard in shards]
    assert sorted(name for part in parts for name in part) == sorted(names)
    assert list(parts[-1]) == sorted(names)[count - 1 :: count]
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """The command, running."""
    return subprocess.Popen(
        command("data", *arguments, *ECHO), cwd=folder, env=environment(), stderr=subprocess.PIPE, text=True
    )


def test_shards_at_once_in_one_folder_make_the_whole(translate: Command, tmp_path: Path) -> None:
    """The same files as one run, to the byte; one of them killed in mid-run; readers see one run."""
    write_texts(tmp_path / "data", documents=11, sentences=300)
    assert translate("data", "--output", "whole", *ECHO).returncode == 0
    processes = [start(tmp_path, "--shard", f"{number}/3") for number in (1, 2, 3)]
    while not list((tmp_path / "out").rglob("*.jsonl")):
        time.sleep(0.01)
    processes[1].send_signal(signal.SIGKILL)
    ends = [process.wait(timeout=100) for process in processes]
    assert ends == [0, -signal.SIGKILL, 0]
    folder = tmp_path / "out/tiny-de-en"
    held = read_run(folder)
    assert held is not None
    assert not held.finished
    assert translate("data", "--shard", "2/3", *ECHO).returncode == 0
    assert outputs(tmp_path / "out") == outputs(tmp_path / "whole")
    merged, whole = read_run(folder), read_run(tmp_path / "whole/tiny-de-en")
    assert merged is not None
    assert whole is not None
    assert merged.finished
    assert (merged.documents, merged.signature) == (whole.documents, whole.signature)
    assert translate("compare", "out", "whole").returncode == 0
    again = json.loads(translate("data", "--shard", "2/3", "--json", *ECHO).stdout)
    assert again["from_memory"] == again["sentences"] > 0
    assert again["documents"] == 4


def test_more_shards_than_documents(translate: Command, tmp_path: Path) -> None:
    """The last has nothing to do, and says so."""
    write_texts(tmp_path / "data", documents=2, sentences=3)
    done = translate("data", "--shard", "3/3", "--json", *ECHO)
    assert done.returncode == 0
    assert json.loads(done.stdout)["documents"] == 0


RECORD = RunRecord(SIGNATURE, {}, {}, {}, {})


def enter(folder: Path, shard: str | None, *, overwrite: bool = False, signature: Signature = SIGNATURE) -> RunFolder:
    part = parse_shard(shard) if shard else None
    return RunFolder(folder, RunRecord(signature, {}, {}, {}, {}), overwrite=overwrite, shard=part)


@pytest.mark.parametrize(
    ("first", "second", "allowed"),
    [
        ("1/3", "2/3", True),
        ("1/3", "1/3", False),
        ("1/3", "1/4", False),
        ("1/3", None, False),
        (None, "1/3", False),
        (None, None, False),
    ],
)
def test_who_may_be_in_a_folder_at_once(first: str | None, second: str | None, allowed: bool, tmp_path: Path) -> None:
    """The shards of one whole, and nobody else; when the first has gone, anybody."""
    with enter(tmp_path, first):
        if allowed:
            enter(tmp_path, second).__exit__()
        else:
            with pytest.raises(OutputError, match="another run is writing into"):
                enter(tmp_path, second)
    enter(tmp_path, second).__exit__()


def test_another_signature_replaces_no_shard_that_is_running(tmp_path: Path) -> None:
    """Refused by name; with --overwrite only when the others have ended, and then only the first one takes away."""
    other = {**SIGNATURE, "beams": "4"}
    with ExitStack() as stack:
        stack.enter_context(enter(tmp_path, "1/3"))
        with pytest.raises(OutputError, match=r"other settings: beams 1 → 4"):
            enter(tmp_path, "2/3", signature=other)
        with pytest.raises(OutputError, match="another run is writing into"):
            enter(tmp_path, "2/3", signature=other, overwrite=True)
    with enter(tmp_path, "2/3", signature=other, overwrite=True), enter(tmp_path, "3/3", signature=other):
        assert sorted(path.name for path in tmp_path.glob("run*.json")) == ["run-2-of-3.json", "run-3-of-3.json"]


def test_a_run_that_is_cut_otherwise_takes_the_records_over(tmp_path: Path) -> None:
    """What the folder's files are is never forgotten; shards keep to their own records."""
    for number in (1, 2):
        record = RunRecord(SIGNATURE, {}, {}, {}, {}, {f"{number}.txt": DocumentRecord("00", number)}, finished=True)
        write_run(tmp_path, record, f"run-{number}-of-2.json")
    for shard, files in [
        ("2/2", ["run-1-of-2.json", "run-2-of-2.json"]),
        ("1/4", ["run-1-of-4.json"]),
        (None, ["run.json"]),
    ]:
        with enter(tmp_path, shard) as folder:
            assert sorted(path.name for path in tmp_path.glob("run*.json")) == files
            held = read_run(tmp_path)
            assert held is not None
            assert list(held.documents) == ["1.txt", "2.txt"]
            assert not held.finished
            folder.finish({"seconds": 1.0})
    held = read_run(tmp_path)
    assert held is not None
    assert held.finished


def test_records_of_several_settings_are_no_run(tmp_path: Path) -> None:
    """They can only come from elsewhere; which one is meant is not guessed."""
    write_run(tmp_path, RECORD, "run-1-of-2.json")
    write_run(tmp_path, RunRecord({**SIGNATURE, "beams": "4"}, {}, {}, {}, {}), "run-2-of-2.json")
    with pytest.raises(OutputError, match="runs of several settings: 'run-1-of-2"):
        read_run(tmp_path)
