"""A full disk, a folder that cannot be written, that goes away, that is a file: one clear error each, and what was
committed is still there when there is room again.
"""

from __future__ import annotations

import functools
import itertools
import json
import os
import resource
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from tests.reliability.attack import (
    ECHO,
    FOLDER,
    SMALL,
    Attack,
    Size,
    Tally,
    check,
    compare_rows,
    complain,
    count_remembered,
    judge_rows,
    row_files,
    run,
    start,
    thin,
    write_real_texts,
)

ARGUMENTS = ("data", *ECHO, "--json")
NAME_BYTES = 255


def attacks(size: Size, folder: Path) -> Iterator[Attack]:
    """The rows of this family."""
    yield partial(fill_disk, folder / "full", size.disks, size.lines)
    yield partial(limit_files, folder / "limit", size.disks, size.lines)
    yield partial(protect, folder / "read-only")
    yield partial(delete_output, folder / "deleted", max(2, size.disks // 4), size.lines)
    yield partial(obstruct, folder / "obstructed", size)
    yield partial(name_oddly, folder / "names", size)
    yield partial(change_inputs, folder / "inputs", size)


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[bool]:
    """A tmpfs on that folder, where this user may mount one; gives whether there is one."""
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True)
    try:
        yield done.returncode == 0
    finally:
        if done.returncode == 0:
            subprocess.run(["umount", "-l", str(folder)], check=True)


def expect(folder: Path, limit: int | None) -> tuple[dict[str, bytes], int]:
    """The rows of an unbroken run, and how many bytes its folder takes."""
    write_real_texts(folder, limit)
    if problem := complain(run(ARGUMENTS, folder), 0):
        raise RuntimeError(problem)
    return row_files(folder / "out"), sum(path.stat().st_size for path in (folder / "out").rglob("*") if path.is_file())


def fill_disk(folder: Path, tries: int, limit: int | None) -> Tally:
    """Disks of all sizes up to what the run needs; then the disk grows and the same command ends the run."""
    expected, needed = expect(folder / "whole", limit)
    broken = folder / "broken"
    write_real_texts(broken, limit)
    tally = Tally("disk full, then made larger (tmpfs)")
    for number in range(tries):
        pages = 4 + int(number / tries * needed * 1.1) // 4096
        with mounted(broken / "out", f"size={pages * 4096}") as possible:
            if not possible:
                break
            done = run(ARGUMENTS, broken)
            kept = count_kept(broken)
            subprocess.run(["mount", "-o", "remount,size=1g", str(broken / "out")], check=True)
            judge_continued(tally, broken, expected, done, kept)
    if not tally.tries:
        tally.attack = "disk full: no tmpfs can be mounted here, see the next row"
    return tally


def limit_files(folder: Path, tries: int, limit: int | None) -> Tally:
    """The system refuses to let any file grow beyond a bound, which any user can ask for; then the bound goes."""
    expected, needed = expect(folder / "whole", limit)
    broken = folder / "broken"
    write_real_texts(broken, limit)
    tally = Tally("no file may grow beyond a bound, then it may (RLIMIT_FSIZE)")
    for number in range(tries):
        shutil.rmtree(broken / "out", ignore_errors=True)
        bound = 1 + int((number / tries) ** 2 * needed)

        def before(bound: int = bound) -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (bound, bound))

        done = run(ARGUMENTS, broken, before=before)
        judge_continued(tally, broken, expected, done, count_kept(broken))
    return tally


def count_kept(folder: Path) -> int:
    """Rows in the memory, looked at in a copy: reading a database next to a full disk needs room beside it."""
    copy = folder / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    (copy / FOLDER).mkdir(parents=True)
    for path in (folder / FOLDER).glob("memory.sqlite*"):
        if not path.name.endswith("-shm"):
            shutil.copy(path, copy / FOLDER)
    return count_remembered(copy)


def judge_continued(
    tally: Tally,
    folder: Path,
    expected: dict[str, bytes],
    first: subprocess.CompletedProcess[str],
    kept: int,
) -> None:
    """The first run ended well or with one error; the second takes from the memory what the first had committed."""
    problem = complain(first, 0) if first.returncode == 0 else complain(first, 1)
    _, early = compare_rows({}, {n: data for n, data in row_files(folder / "out").items() if data != expected[n]})
    again = run(ARGUMENTS, folder)
    problem = problem or complain(again, 0)
    if not problem and json.loads(again.stdout)["from_memory"] < kept:
        problem = f"{kept} rows were committed, {json.loads(again.stdout)['from_memory']} came from the memory"
    lost, wrong = compare_rows(expected, row_files(folder / "out"))
    if not problem and list((folder / "out").rglob("*.tmp")):
        problem = "a temporary file is left"
    tally.add(problem, lost=lost, wrong=wrong + early)


def protect(folder: Path) -> Tally:
    """A file system that is mounted read-only; for whoever cannot mount one, a folder without the right to write."""
    tally = Tally("output folder is read-only")
    write_real_texts(folder, 6)
    for inside in (".", "there"):
        with mounted(folder / "ro", "size=1m") as possible:
            (folder / "ro" / "there").mkdir(exist_ok=True)
            if possible:
                subprocess.run(["mount", "-o", "remount,ro", str(folder / "ro")], check=True)
            else:
                (folder / "ro" / "there").chmod(0o555)
                (folder / "ro").chmod(0o555)
            tally.add(complain(run((*ARGUMENTS, "-o", f"ro/{inside}"), folder), 1, "cannot write into 'ro/"))
            if not possible:
                (folder / "ro").chmod(0o755)
    return tally


def delete_output(folder: Path, tries: int, limit: int | None) -> Tally:
    """Somebody deletes the output folder while a run writes there. It may not claim to have done everything."""
    expected, _ = expect(folder / "whole", limit)
    broken = folder / "broken"
    write_real_texts(broken, limit)
    tally = Tally("output folder deleted half way")
    for number in range(tries):
        memory = ("--no-memory",) if number % 2 else ()
        process = start((*ARGUMENTS, *memory), broken)
        while process.poll() is None and len(row_files(broken / "out")) <= number:
            time.sleep(0.005)
        while (broken / "out").exists():
            with suppress(OSError):  # it writes while we delete
                shutil.rmtree(broken / "out")
        output, said = process.communicate(timeout=100)
        done = subprocess.CompletedProcess(process.args, process.returncode, output, said)
        if done.returncode == 0:
            lost, wrong = compare_rows(expected, row_files(broken / "out"))
            tally.add("status 0, and rows are missing" if lost else "", lost=lost, wrong=wrong)
        else:
            judge_continued(tally, broken, expected, done, 0)
    return tally


def wait_until(process: subprocess.Popen[str], reached: Callable[[], bool]) -> None:
    """Until that is so, or the process has ended."""
    while process.poll() is None and not reached():
        time.sleep(0.005)


def obstruct(folder: Path, size: Size) -> Tally:
    """Something else is where the run has to write."""
    tally = Tally("output, or a file in it, is something else")
    obstacles: dict[str, Callable[[Path], object]] = {
        "out": lambda path: path.write_text("a file"),
        "out/tiny-de-en": lambda path: path.write_text("a file"),
        "out/tiny-de-en/data": lambda path: path.write_text("a file"),
        "out/tiny-de-en/data/000.jsonl": lambda path: path.mkdir(),
        "out/tiny-de-en/data/000.en.txt": lambda path: path.mkdir(),
        "out/tiny-de-en/run.json": lambda path: path.mkdir(),
        "out/tiny-de-en/.lock": lambda path: path.mkdir(),
        "out/tiny-de-en/memory.sqlite": lambda path: path.mkdir(),
        "out/tiny-de-en/memory.sqlite-wal": lambda path: path.mkdir(),
    }
    for name, put in thin(obstacles.items(), size):
        tally.add(run_obstructed(folder, name, put))
    garbage = {"zeros": bytes(8192), "text": b"no database" * 800, "half a database": b"SQLite format 3\0" + bytes(99)}
    for name, data in thin(itertools.product(("memory.sqlite", "run.json"), garbage.values()), size):
        tally.add(run_obstructed(folder, f"out/tiny-de-en/{name}", functools.partial(write, data)))
    for text in ("[]", "{}", '{"signature": 3}', '{"signature":"a:b","documents":{"x":{}}}', "[" * 100_000)[
        :: -size.every
    ]:
        tally.add(run_obstructed(folder, "out/tiny-de-en/run.json", functools.partial(write, text.encode())))
    return tally


def write(data: bytes, path: Path) -> None:
    """So that it can be put anywhere."""
    path.write_bytes(data)


def run_obstructed(folder: Path, name: str, put: Callable[[Path], object]) -> str:
    """What is wrong with how a run ends that finds such a thing there."""
    shutil.rmtree(folder, ignore_errors=True)
    write_real_texts(folder, 6)
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    put(folder / name)
    problem = complain(run((*ARGUMENTS, "--text"), folder), 1, "out")
    return f"{name}: {problem}" if problem else ""


def name_oddly(folder: Path, size: Size) -> Tally:
    """Names as long as a file system takes, names that are no UTF-8: each is named, the other documents are done."""
    tally = Tally("names of 255 bytes, names that are not UTF-8")
    names = {
        "n" * (NAME_BYTES - 4) + ".txt": True,
        "n" * (NAME_BYTES - 7) + ".txt": False,
        "ü" * ((NAME_BYTES - 4) // 2) + ".txt": True,
        "n" * (NAME_BYTES - 6) + ".txt": True,  # its English text would have a name of 256 bytes
        os.fsdecode(b"K\xf6ln.txt"): True,
        os.fsdecode(b"\xff\xfe/a.txt"): True,
    }
    cases = [(name, bad, argument) for name, bad in names.items() for argument in ("data", f"data/{name}")]
    for name, bad, argument in thin(cases, size):
        shutil.rmtree(folder, ignore_errors=True)
        texts = write_real_texts(folder, 9)
        path = folder / "data" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("Ja gut.", encoding="utf-8")
        files = ["data"] if argument == "data" else [argument, *(f"data/{text}" for text in texts)]
        done = run((*files, *ECHO, "--text", "--quiet"), folder)
        problem = complain(done, 1 if bad else 0)
        lost = [judge_rows(text, find_rows(folder, text_name)) for text_name, text in texts.items()]
        tally.add(f"{name!a}: {problem}" if problem else "", lost=sum(found[0] for found in lost))
    return tally


def find_rows(folder: Path, name: str) -> bytes:
    """The rows of one document, none if there is no such file."""
    path = (folder / FOLDER / "data" / name).with_suffix(".jsonl")
    return path.read_bytes() if path.exists() else b""


def change_inputs(folder: Path, size: Size) -> Tally:
    """An input is deleted, cut, or replaced by a folder while the run is at work: it is named, the others are done."""
    tally = Tally("input deleted, cut or replaced while it is read")

    def replace(path: Path) -> None:
        path.unlink()
        path.mkdir()

    changes: list[Callable[[Path], object]] = [Path.unlink, lambda path: os.truncate(path, 1000), replace]
    for change in thin(changes, size):
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "data").mkdir(parents=True)
        for name, count in {"a": 5100, "b": 5100, "c": 1000}.items():  # c is behind the first window
            lines = (f"Haus {name}{i} stand schon lange leer." for i in range(count))
            (folder / "data" / f"{name}.txt").write_text("\n".join(lines), encoding="utf-8")
        process = start(ARGUMENTS, folder)
        wait_until(process, lambda: count_remembered(folder) > 0)
        change(folder / "data" / "c.txt")
        output, said = process.communicate(timeout=100)
        done = subprocess.CompletedProcess(process.args, process.returncode, output, said)
        found = row_files(folder / "out")
        if done.returncode == 0:  # it was changed before it was looked at
            text = (folder / "data" / "c.txt").read_text(encoding="utf-8")
            lost, wrong = judge_rows(text, found["tiny-de-en/data/c.jsonl"])
            tally.add(lost=lost, wrong=wrong)
        else:
            tally.add(complain(done, 1, "c.txt") or ("" if len(found) == 2 else f"written: {sorted(found)}"))
    return tally


def test_no_disk_loses_what_was_committed(tmp_path: Path) -> None:
    """One clear error each, no traceback; the same command goes on when there is room again."""
    check(attacks(SMALL, tmp_path))
