"""SIGKILL at random moments and at chosen file operations, SIGTERM and Ctrl-C: the same command then ends as if nothing
had happened.
"""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from itertools import cycle
from pathlib import Path

import pytest

from tests.helpers.command import environment
from tests.reliability.attack import (
    ECHO,
    FOLDER,
    SMALL,
    Attack,
    Size,
    Tally,
    all_files,
    check,
    compare_rows,
    complain,
    count_remembered,
    is_sound,
    row_files,
    run,
    start,
    write_real_texts,
)

ECHO_RUN = ("data", *ECHO, "--text")
REAL_RUN = ("data", "--engine", "ctranslate2", "--model", "tiny-de-en", "-b", "1")
DTYPES = ("float32", "int8")
"""In both, rows depend on what shares their batch: a resumed run has to make the batches of the unbroken one."""
NATIVE_RUN = ("data", "--model", "tiny-de-en")
NATIVE_DTYPES = ("auto", "int8", "float32")
SMALL_BATCHES = ("--batch-tokens", "60")
PART = 35
"""Tries of a row that are made at a time: each part has an unbroken run of its own to compare with."""
STEPS = """
import os, signal, sys
moment, count = int(sys.argv.pop(1)), 0
def step():
    global count
    count += 1
    if count == moment:
        os.kill(os.getpid(), signal.SIGKILL)
def watched(call):
    def around(*arguments, **options):
        step()
        result = call(*arguments, **options)
        step()
        return result
    return around
from translate import storage
from translate.run import memory
from translate.cli.app import main
for name in ("replace", "fsync", "mkdir", "unlink"):
    setattr(os, name, watched(getattr(os, name)))
memory.Memory.__init__ = watched(memory.Memory.__init__)
memory.Memory.add = watched(memory.Memory.add)
memory.Memory.close = watched(memory.Memory.close)
storage.AtomicFile.__init__ = watched(storage.AtomicFile.__init__)
try:
    main()
finally:
    print(count)
"""
"""The command, killed before or after its n-th file operation or commit. n = 0 only counts them."""


def attacks(size: Size, folder: Path) -> Iterator[Attack]:
    """The rows of this family."""
    for numbers in cut(size.kills):
        yield partial(
            kill_at_random,
            "SIGKILL at a random moment",
            ECHO_RUN,
            folder / f"echo-{numbers.start}",
            numbers,
            limit=size.lines,
        )
    for dtype, numbers in zip(cycle(DTYPES), cut(size.real_kills), strict=False):
        attack, arguments = f"SIGKILL at a random moment, ctranslate2 {dtype}", (*REAL_RUN, *SMALL_BATCHES)
        yield partial(kill_at_random, attack, (*arguments, "--dtype", dtype), folder / dtype, numbers, limit=24)
    for numbers in cut(size.operations):
        yield partial(kill_at_operations, folder / "operations", numbers, size)
    for numbers in cut(size.signals):
        yield partial(stop, folder / "stop", numbers, size.lines)
    for dtype, numbers in zip(cycle(NATIVE_DTYPES), cut(size.real_kills), strict=False):
        attack = f"SIGKILL at a random moment, native {dtype}"
        yield partial(
            kill_at_random, attack, (*NATIVE_RUN, "--dtype", dtype), folder / f"native-{dtype}", numbers, limit=400
        )
    yield partial(stop_between_batches, folder / "batches", max(2, size.real_kills // 6))


def prepare(
    folder: Path, arguments: tuple[str, ...], limit: int | None, *, timed: bool = True
) -> tuple[Path, Path, float]:
    """Two folders with the same texts; in the first the command has run. And how many seconds that took, the second time:
    the first one converts the model, or reads libraries from the disk.
    """
    shutil.rmtree(folder, ignore_errors=True)
    for name in ("whole", "broken"):
        write_real_texts(folder / name, limit)
    for _ in range(2 if timed else 1):
        shutil.rmtree(folder / "whole" / "out", ignore_errors=True)
        started = time.perf_counter()
        if problem := complain(run(arguments, folder / "whole"), 0):
            raise RuntimeError(problem)
        seconds = time.perf_counter() - started
    return folder / "whole", folder / "broken", seconds


def cut(tries: int) -> list[range]:
    """The numbers of so many tries, in parts that take minutes."""
    return [range(first, min(first + PART, tries)) for first in range(0, tries, PART)]


def kill_at_random(
    attack: str, arguments: tuple[str, ...], folder: Path, numbers: range, *, limit: int | None
) -> Tally:
    """Kill, look at what is there, run again; and that so often. Seeds are the numbers of the tries.

    "done" among the phases is a run that was killed when it had written all, but had not ended.
    """
    tally = Tally(attack)
    whole, broken, longest = prepare(folder, arguments, limit)
    for number in numbers:
        earliest = 0.2 if number % 4 == 0 else 0.4 * longest  # loading is long, and little can be broken in it
        kill_once(arguments, broken, random.Random(number).uniform(earliest, longest))
        tally.met[find_phase(broken)] += 1
        judge(tally, whole, broken, arguments)
    return tally


def kill_once(arguments: tuple[str, ...], broken: Path, seconds: float) -> None:
    """Start the command, and kill it so much later; earlier, if it had ended by then: that would have been no kill."""
    killed = False
    while not killed:
        shutil.rmtree(broken / "out", ignore_errors=True)
        process = start(arguments, broken)
        time.sleep(seconds)
        process.kill()
        process.communicate()
        killed = process.returncode == -signal.SIGKILL
        seconds *= 0.9


def find_phase(folder: Path) -> str:
    """Where a run that was killed had got to, by what it left."""
    if not (folder / FOLDER / "memory.sqlite").exists():
        return "loading"
    if list((folder / FOLDER).rglob("*.tmp")):
        return "writing"
    if (folder / FOLDER / "run.json").read_text(encoding="utf-8").find('"finished": true') > 0:
        return "done"
    return "translating" if count_remembered(folder) else "reading"


def judge(tally: Tally, whole: Path, broken: Path, arguments: tuple[str, ...]) -> None:
    """Files that have their name are complete; the same command then ends with the files of the unbroken run."""
    expected = row_files(whole / "out")
    _, early = compare_rows(
        {}, {name: data for name, data in row_files(broken / "out").items() if data != expected[name]}
    )
    done = run(arguments, broken)
    lost, wrong = compare_rows(expected, row_files(broken / "out"))
    problem = complain(done, 0)
    if not problem and all_files(broken / "out") != all_files(whole / "out"):
        problem = f"files: {sorted(all_files(broken / 'out') ^ all_files(whole / 'out'))}"
    if not problem and not is_sound(broken):
        problem = "the memory is damaged"
    tally.add(problem, lost=lost, wrong=wrong + early)


def kill_at_operations(folder: Path, numbers: range, size: Size) -> Tally:
    """Before and after renaming, flushing, committing, creating and deleting; spread over all of a run."""
    arguments = (*ECHO_RUN, "--quiet")
    whole, broken, _ = prepare(folder, arguments, size.lines, timed=False)
    line = [sys.executable, "-c", STEPS]
    counted = subprocess.run([*line, "0", *arguments], cwd=broken, env=environment(), capture_output=True, check=True)
    total = int(counted.stdout.split()[-1])
    tally = Tally(f"SIGKILL before or after one of {total} file operations")
    moments = sorted(random.Random(1).sample(range(1, total + 1), min(size.operations, total)))
    for moment in moments[numbers.start : numbers.stop]:
        shutil.rmtree(broken / "out", ignore_errors=True)
        killed = subprocess.run([*line, str(moment), *arguments], cwd=broken, env=environment(), capture_output=True)
        if killed.returncode != -signal.SIGKILL:
            tally.add(f"not killed at operation {moment}: {killed.stderr[-300:]!r}")
            continue
        judge(tally, whole, broken, arguments)
    return tally


def stop(folder: Path, numbers: range, limit: int | None) -> Tally:
    """A signal at any moment from the start on: status and words are right, and the same command ends the run."""
    tally = Tally("SIGTERM or Ctrl-C at a random moment")
    whole, broken, longest = prepare(folder, ECHO_RUN, limit)
    for number in numbers:
        shutil.rmtree(broken / "out", ignore_errors=True)
        sent = (signal.SIGINT, signal.SIGTERM)[number % 2]
        process = start(ECHO_RUN, broken)
        time.sleep(random.Random(number).uniform(0.25, longest))  # before, it is Python that starts
        process.send_signal(sent)
        _, said = process.communicate(timeout=60)
        status = process.returncode
        if "Traceback" in said or status not in (0, 128 + sent, -sent):
            tally.add(f"{sent.name}: status {status}: {said[-700:]}")
        elif status == 128 + sent and find_phase(broken) != "loading" and "again to go on" not in said:
            tally.add(f"{sent.name}: no word on how to go on: {said[-700:]}")
        elif status == -sent and find_phase(broken) not in ("loading", "done"):
            tally.add(f"{sent.name}: died of it while it was at work ({find_phase(broken)})")
        else:
            judge(tally, whole, broken, ECHO_RUN)
    return tally


def stop_between_batches(folder: Path, tries: int) -> Tally:
    """The batch that runs when the signal comes is committed: there is more in the memory afterwards."""
    arguments = (*REAL_RUN, "--dtype", "float32", "--batch-size", "1", "--quiet")
    tally = Tally("SIGTERM or Ctrl-C while a batch is decoded")
    whole, broken, _ = prepare(folder, arguments, limit=24, timed=False)
    for number in range(tries):
        shutil.rmtree(broken / "out", ignore_errors=True)
        sent = (signal.SIGINT, signal.SIGTERM)[number % 2]
        process = start(arguments, broken)
        while process.poll() is None and count_remembered(broken) < 1 + number % 5:
            time.sleep(0.002)
        process.send_signal(signal.SIGSTOP)  # or the machine may be so busy that it is batches further when it is told
        before = count_remembered(broken)
        process.send_signal(sent)
        process.send_signal(signal.SIGCONT)
        _, said = process.communicate(timeout=60)
        after = count_remembered(broken)
        if process.returncode != 128 + sent or "run the same command again to go on" not in said or "Traceback" in said:
            tally.add(f"{sent.name}: status {process.returncode}: {said[-700:]}")
        elif not before <= after <= before + 2:
            tally.add(f"{sent.name}: {before} rows in the memory before it, {after} after it")
        else:
            judge(tally, whole, broken, arguments)
    return tally


@pytest.mark.slow
def test_killed_runs_end_like_unbroken_ones(tmp_path: Path) -> None:
    """Byte-identical rows, a sound memory, no file that does not belong there; also after SIGTERM and Ctrl-C."""
    check(attacks(SMALL, tmp_path), at_once=2)
