"""Texts and rows in an object store: fsspec's own in memory, and S3 as a server on this machine."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from moto.server import ThreadedMotoServer

from tests.helpers.clusters import ENVIRONMENT
from tests.helpers.command import Command, command, environment
from tests.helpers.texts import outputs, write_texts
from translate.records import InputError, OutputError, Settings
from translate.run.events import DocumentFailed, Summary
from translate.run.pipeline import run
from translate.run.plan import Job
from translate.run.record import read_run
from translate.run.rows import read_rows
from translate.storage import absolute_name, as_path, is_remote, write_atomically, write_folder
from translate.text.documents import document_name, find_files

ECHO = ("--engine", "echo", "--model", "tiny-de-en", "-q")


def test_what_is_remote(tmp_path: Path) -> None:
    """A URL is, but for file://; a path with a colon or on a Windows drive is not."""
    assert is_remote(as_path("memory://a/b.txt"))
    for local in (str(tmp_path), f"file://{tmp_path}", "a:b.txt", "C:\\\\a.txt", "x//y"):
        assert not is_remote(as_path(local)), local
    assert as_path(f"file://{tmp_path}/a") == tmp_path / "a"
    assert absolute_name(as_path("memory://a/b.txt")) == "memory://a/b.txt"
    with pytest.raises(InputError, match=r"cannot use 'nonsense://a'"):
        as_path("nonsense://a")


def test_in_memory_the_rows_are_those_of_the_disk(in_folder: Path) -> None:
    """Text and English text too; a document that is no text is told, and written nowhere."""
    write_texts(in_folder / "data", documents=3, sentences=20)
    (in_folder / "data/bad.txt").write_bytes(b"Gr\xfc\xdfe")
    for path in (in_folder / "data").iterdir():
        remote = as_path(f"memory://in/data/{path.name}")
        remote.parent.mkdir(parents=True, exist_ok=True)
        remote.write_bytes(path.read_bytes())
    settings = Settings(engine="echo")
    list(run(Job(("data",), Path("out"), "tiny-de-en", settings=settings, text=True)))
    job = Job(("memory://in/data",), as_path("memory://rows"), "tiny-de-en", settings=settings, text=True)
    events = list(run(job))
    assert [event.name for event in events if isinstance(event, DocumentFailed)] == ["in/data/bad.txt"]
    there, here = as_path("memory://rows/tiny-de-en"), in_folder / "out/tiny-de-en"
    for name in "012":
        mine, theirs = here / f"data/{name}.jsonl", there / f"in/data/{name}.jsonl"
        assert theirs.read_text() == mine.read_text().replace('"doc":"data/', '"doc":"in/data/')
        assert list(read_rows(theirs))
        assert (there / f"in/data/{name}.en.txt").read_bytes() == (here / f"data/{name}.en.txt").read_bytes()
    held = read_run(there)
    assert held is not None
    assert held.finished
    assert not (there / "in/data/bad.jsonl").exists()
    again = next(event for event in run(job) if isinstance(event, Summary))
    assert again.from_memory == again.sentences > 0


def test_an_object_is_whole_or_not_there() -> None:
    """What breaks off while it is written leaves the old object as it was."""
    path = as_path("memory://whole/a.jsonl")
    with write_atomically(path) as file:
        file.write("first")

    def break_off() -> None:
        with write_atomically(path) as file:
            file.write("second")
            raise KeyError

    with pytest.raises(KeyError):
        break_off()
    assert path.read_text() == "first"
    assert [found.name for found in path.parent.iterdir()] == ["a.jsonl"]


def test_an_object_s_name_leads_nowhere_else() -> None:
    """Stores allow '..' in names; the files that are written after them must not leave their folder."""
    with pytest.raises(InputError, match=r"has '\.\.' in it"):
        document_name(as_path("s3://texts/a/../../../b.txt"))
    with pytest.raises(InputError, match="no file 'memory://nothing/here'"):
        find_files("memory://nothing/here")


@pytest.fixture(scope="module")
def store() -> Iterator[dict[str, str]]:
    """A server that speaks S3, with two buckets; the environment in which programs find it."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    variables = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    os.environ.update(variables)
    for bucket in ("texts", "rows"):
        file_system().mkdir(bucket)
    yield variables
    for name in variables:
        del os.environ[name]
    server.stop()


def file_system() -> Any:
    """The store's own view of itself."""
    path: Any = as_path("s3://texts")
    path.fs.invalidate_cache()
    return path.fs


def fetch(folder: Path) -> dict[str, bytes]:
    """The objects of the bucket `rows`, fetched: as files of rows, by their paths."""
    fs = file_system()
    for name in fs.find("rows"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        fs.get_file(name, str(folder / name))
    return outputs(folder / "rows")


@pytest.mark.slow
def test_s3_in_and_out_with_a_kill_and_on_ray(store: dict[str, str], translate: Command, tmp_path: Path) -> None:
    """Killed in mid-run and started again: the same bytes; memory and lock are here; the same through Ray."""
    write_texts(tmp_path / "texts", documents=8, sentences=400)
    file_system().put(str(tmp_path / "texts"), "texts", recursive=True)
    where = sorted(name for name in file_system().find("texts"))
    assert translate("texts", "--output", "whole", *ECHO).returncode == 0
    prefix = os.path.commonpath(where)
    options = (f"s3://{prefix}", "--output", "s3://rows/deep", "--memory-dir", "kept", *ECHO)
    process = subprocess.Popen(command(*options), cwd=tmp_path, env=environment(**store))
    while process.poll() is None and len(file_system().find("rows")) < 3:
        time.sleep(0.02)
    process.kill()
    assert process.wait() < 0
    assert translate(*options, **store).returncode == 0
    assert (tmp_path / "kept/tiny-de-en/memory.sqlite").is_file()
    assert not (tmp_path / "s3:").exists()
    expected = {Path(name).name: rows for name, rows in outputs(tmp_path / "whole").items()}
    found = {Path(name).name: rows for name, rows in fetch(tmp_path / "fetched").items()}
    old, new = b'"doc":"texts/', f'"doc":"{prefix}/'.encode()
    assert found == {name: rows.replace(old, new) for name, rows in expected.items()}
    file_system().rm("rows/deep", recursive=True)
    on_ray = (*options[:3], "--memory-dir", "other", "--ray", "local", "--workers", "1", "--json", *ECHO)
    done = translate(*on_ray, "--output", "s3://rows/deep", **store, **ENVIRONMENT)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["documents"] == 8
    assert {Path(name).name: rows for name, rows in fetch(tmp_path / "again").items()} == found


def test_a_bucket_that_is_not_there(store: dict[str, str], translate: Command, tmp_path: Path) -> None:
    """Is said in two lines, for reading and for writing."""
    (tmp_path / "a.txt").write_text("Ja gut.")
    for arguments in (("s3://nowhere/a.txt",), ("a.txt", "--output", "s3://nowhere/rows")):
        done = translate(*arguments, *ECHO, **store)
        assert done.returncode == 1
        assert "error: " in done.stderr
        assert "s3://nowhere" in done.stderr
        assert "Traceback" not in done.stderr


def test_an_object_that_cannot_be_put_is_an_error_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the store's own error is."""
    path: Any = as_path("memory://full/a.jsonl")

    def fail(*_: object) -> None:
        raise RuntimeError("quota exceeded")

    monkeypatch.setattr(type(path.fs), "put_file", fail)
    with (
        pytest.raises(OutputError, match=r"cannot write 'memory://full/a.jsonl': quota exceeded"),
        write_atomically(path),
    ):
        pass


def test_a_folder_appears_as_a_whole(tmp_path: Path) -> None:
    """Under its name when the block has ended, not before; with nothing beside it."""
    place = tmp_path / "cache" / "model"
    with write_folder(place, "") as made:
        (made / "part").mkdir(parents=True)
        (made / "part" / "a.bin").write_bytes(b"abc")
        assert not place.exists()
    assert (place / "part" / "a.bin").read_bytes() == b"abc"
    assert list(place.parent.iterdir()) == [place]


def _fill(place: Path, error: Exception) -> None:
    with write_folder(place, "make room") as made:
        made.mkdir()
        raise error


def test_a_folder_that_fails_is_not_there(tmp_path: Path) -> None:
    """Nor anything of it; what the disk refuses is named, anything else is as it was."""
    place = tmp_path / "model"
    with pytest.raises(ValueError, match="half"):
        _fill(place, ValueError("half of it"))
    with pytest.raises(OutputError, match="No space left") as caught:
        _fill(place, OSError(errno.ENOSPC, "No space left on device"))
    assert caught.value.hint == "make room"
    assert list(tmp_path.iterdir()) == []


def test_the_first_of_two_folders_stays(tmp_path: Path) -> None:
    """Two runs that make the same at once do not disturb each other."""
    place = tmp_path / "model"
    with write_folder(place, "") as second:
        second.mkdir()
        (second / "who").write_text("second")
        with write_folder(place, "") as first:
            first.mkdir()
            (first / "who").write_text("first")
    assert (place / "who").read_text() == "first"
    assert list(tmp_path.iterdir()) == [place]


@pytest.mark.parametrize("engine", ["echo", "transformers"])
def test_a_user_without_a_home_translates(engine: str, in_folder: Path) -> None:
    """Where there is nothing to keep, no place to keep it is needed; where there is, the message says what is missing."""
    if os.name != "posix" or os.getuid() != 0:
        pytest.skip("only root can be somebody else")
    run_it = (
        f"import os; os.setresuid(54_321, 0, 0)\n"  # a user whom the system does not know, but who may read everything
        f"from translate.engines.base import load_engine\nfrom translate.model.catalog import resolve_model\n"
        f"from translate.records import OutputError, Settings\nfrom translate.run.advice import advise\n"
        f"from translate.storage import user_cache_folder\n"
        f"settings = Settings(engine='{engine}', dtype='float32', device='cpu')\n"
        f"model = resolve_model('tiny-de-en').model\n"
        f"print(advise(model, settings), load_engine(model, settings).name)\n"
        f"try: user_cache_folder()\nexcept OutputError as error: print(error.message, error.hint)\n"
    )
    there = {name: value for name, value in environment().items() if name not in ("HOME", "XDG_CACHE_HOME")}
    done = subprocess.run([sys.executable, "-c", run_it], env=there, cwd=in_folder, capture_output=True, text=True)
    assert done.stdout.splitlines()[:1] == [f"None {engine}"], done.stderr
    assert "no home folder" in done.stdout
    assert "XDG_CACHE_HOME" in done.stdout
