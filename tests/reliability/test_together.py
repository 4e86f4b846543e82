"""Ten processes at once on one output folder, a lock whose owner is dead, readers while a run writes."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Iterator
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
    is_sound,
    judge_rows,
    row_files,
    run,
    start,
)

PROCESSES = 10
ARGUMENTS = ("data", *ECHO, "--quiet")


def attacks(size: Size, folder: Path) -> Iterator[Attack]:
    """The rows of this family."""
    yield partial(start_ten, folder / "ten", size.rounds)
    yield partial(leave_lock, folder / "stale", size.rounds)
    yield partial(read_beside, folder / "readers", size.rounds)


def write_texts(folder: Path, sentences: int, documents: int) -> dict[str, str]:
    """Short sentences, no two alike: name → text."""
    (folder / "data").mkdir(parents=True)
    each = sentences // documents
    texts = {
        f"{n:02}.txt": "\n".join(f"Das Haus {n * each + i} steht leer." for i in range(each)) for n in range(documents)
    }
    for name, text in texts.items():
        (folder / "data" / name).write_text(text, encoding="utf-8")
    return texts


def start_ten(folder: Path, rounds: int) -> Tally:
    """The one that works is stopped as soon as it is known, so that all others meet it at work; then it goes on."""
    tally = Tally(f"{PROCESSES} processes started on one output folder")
    expected: dict[str, bytes] = {}
    for number in range(rounds + 1):
        home = folder / str(number)
        write_texts(home, 20_000, 10)
        if not number:
            run(ARGUMENTS, home)
            expected = row_files(home / "out")
            continue
        processes = [start(ARGUMENTS, home) for _ in range(PROCESSES)]
        winner = wait_for_all_but_one(processes)
        if winner is not None:
            winner.send_signal(signal.SIGCONT)
        ended = [subprocess.CompletedProcess(p.args, p.wait(200), "", p.communicate()[1]) for p in processes]
        refused = [done for done in ended if done.returncode]
        problem = "" if len(refused) == PROCESSES - 1 else f"{PROCESSES - len(refused)} of {PROCESSES} worked"
        problem = problem or next(filter(None, (complain(d, 1, "another run is writing into") for d in refused)), "")
        lost, wrong = compare_rows(expected, row_files(home / "out"))
        tally.add(problem or ("" if is_sound(home) else "the memory is damaged"), lost=lost, wrong=wrong)
    return tally


def wait_for_all_but_one(processes: list[subprocess.Popen[str]]) -> subprocess.Popen[str] | None:
    """The process that is left, stopped when it is one of two that are; None if all have ended."""
    deadline = time.monotonic() + 100
    while time.monotonic() < deadline:
        running = [process for process in processes if process.poll() is None]
        if len(running) <= 1:
            return running[0] if running else None
        time.sleep(0.01)
    raise RuntimeError("processes neither work nor end")


def leave_lock(folder: Path, rounds: int) -> Tally:
    """A run is killed while it holds the lock; the next one starts at once, and goes on."""
    tally = Tally("lock left by a killed run")
    for number in range(max(2, rounds)):
        home = folder / str(number)
        texts = write_texts(home, 20_000, 4)
        process = start(ARGUMENTS, home)
        while process.poll() is None and not (home / FOLDER / "memory.sqlite").exists():
            time.sleep(0.005)
        process.kill()
        process.communicate()
        there = (home / FOLDER / ".lock").exists()
        problem = complain(run(ARGUMENTS, home), 0) or ("" if there else "there was no lock")
        lost, wrong = judge_all(home, texts)
        tally.add(problem, lost=lost, wrong=wrong)
    return tally


def judge_all(home: Path, texts: dict[str, str]) -> tuple[int, int]:
    """(lost, wrong) over all documents."""
    found = row_files(home / FOLDER / "data")
    judged = [judge_rows(text, found.get(name.replace(".txt", ".jsonl"), b"")) for name, text in texts.items()]
    return sum(lost for lost, _ in judged), sum(wrong for _, wrong in judged)


def read_beside(folder: Path, rounds: int) -> Tally:
    """Whatever has its final name is read again and again, while two runs after each other write it: it is complete."""
    tally = Tally("files read while a run writes them")
    texts = write_texts(folder, 6_000, 12)
    for _ in range(2 * rounds):
        process = start((*ARGUMENTS, "--text"), folder)
        while process.poll() is None:
            for path in sorted((folder / FOLDER / "data").glob("*.jsonl")):
                lost, wrong = judge_rows(texts[path.name.replace(".jsonl", ".txt")], path.read_bytes())
                tally.add(lost=lost, wrong=wrong)
            if (folder / FOLDER / "run.json").exists():
                json.loads((folder / FOLDER / "run.json").read_text(encoding="utf-8"))
        tally.add(complain(subprocess.CompletedProcess(process.args, process.wait(), "", process.communicate()[1]), 0))
    return tally


def test_one_works_and_the_others_say_so(tmp_path: Path) -> None:
    """Of ten; a dead process's lock holds nobody up; who reads finished files reads whole ones."""
    check(attacks(SMALL, tmp_path))
