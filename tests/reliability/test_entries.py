"""Entries of a folder that are no ordinary files, and inputs that give nothing: each is named, the others are translated, and a
stop is heeded while something is read.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest

from tests.helpers.command import command, environment
from tests.reliability.attack import ECHO, SMALL, Attack, Size, Tally, check, complain, run

SECONDS = 20
"""For one document, on a busy machine."""


def endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


def dangling(path: Path) -> None:
    path.symlink_to("nowhere")


def to_itself(path: Path) -> None:
    path.symlink_to(path.name)


def in_a_ring(path: Path) -> None:
    path.symlink_to("other.txt")
    path.with_name("other.txt").symlink_to(path.name)


def device(path: Path) -> None:
    path.symlink_to("/dev/tty")


def into_a_file(path: Path) -> None:
    path.symlink_to("a.txt/x")


def socket(path: Path) -> None:
    from socket import AF_UNIX
    from socket import socket as new

    before = Path.cwd()
    os.chdir(path.parent)  # such a path may have some hundred characters
    try:
        new(AF_UNIX).bind(path.name)
    finally:
        os.chdir(before)


def unreadable(path: Path) -> None:
    path.write_text("Nein.\n", encoding="utf-8")
    path.chmod(0)


def unreadable_folder(path: Path) -> None:
    path.mkdir()
    (path / "c.txt").write_text("Nein.\n", encoding="utf-8")
    path.chmod(0)


ODD: dict[str, tuple[Callable[[Path], None], int]] = {
    "pipe": (os.mkfifo, 1),
    "endless": (endless, 1),
    "dangling": (dangling, 1),
    "itself": (to_itself, 1),
    "ring": (in_a_ring, 2),
    "device": (device, 1),
    "into a file": (into_a_file, 1),
    "socket": (socket, 1),
    "unreadable": (unreadable, 1),
    "unreadable folder": (unreadable_folder, 1),
}
"""What makes it, and how many errors there have to be."""
READERS = (
    ("segment", "d/b.txt"),
    ("bench", "d/b.txt", "--engines", "echo"),
    ("compare", "d/b.txt", "d/a.txt"),
)


def attacks(size: Size, folder: Path) -> Iterator[Attack]:
    """The rows of this family."""
    yield partial(meet_odd_entries, folder / "odd")
    yield partial(walk_far, folder / "far")
    yield partial(stop_reading, folder / "stop", 1 if size is SMALL else 10)


def without_powers() -> list[str]:
    """What root needs in front of a command, so that permissions hold for it as well."""
    if os.geteuid():
        return []
    program = shutil.which("setpriv")
    return [program, "--bounding-set", "-dac_override,-dac_read_search"] if program else []


def meet_odd_entries(folder: Path) -> Tally:
    """Beside an ordinary file in a folder, as an argument, and where compare and bench read files."""
    tally = Tally("odd entries of a folder: pipes, devices, links, what may not be read")
    for name, (make, errors) in ODD.items():
        here = folder / name.replace(" ", "-")
        (here / "d").mkdir(parents=True)
        (here / "d" / "a.txt").write_text("Ja.\n", encoding="utf-8")
        make(here / "d" / "b.txt")
        if name.startswith("unreadable") and os.geteuid() == 0 and not without_powers():
            continue
        for arguments, expected in ((("d",), errors), (("d/a.txt", "d/b.txt"), 1)):
            done = subprocess.run(
                [*without_powers(), *command(*arguments, *ECHO, "-q", "--overwrite")],
                cwd=here,
                env=environment(),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=SECONDS,
            )
            said = done.stderr.splitlines()  # an error is said again at the end
            named = {
                line for line, next_one in pairwise(said) if line.startswith("error:") and next_one.startswith("hint:")
            }
            problem = complain(done, 1, errors=sum(line.startswith("error:") for line in said))
            problem = problem or (f"{len(named)} errors, not {expected}: {said}" if len(named) != expected else "")
            there = (here / "out" / "tiny-de-en" / "d" / "a.jsonl").exists()
            tally.add(f"{name}: {problem}" if problem else "" if there else f"{name}: a.txt was not translated")
            shutil.rmtree(here / "out", ignore_errors=True)
        for reader in READERS if not name.startswith("unreadable") else ():
            problem = complain(run(reader, here, seconds=SECONDS), 1)
            tally.add(f"{name}, {reader[0]}: {problem}" if problem else "")
        (here / "d" / "b.txt").chmod(0o700) if name.startswith("unreadable") else None
    return tally


def walk_far(folder: Path) -> Tally:
    """Folders in folders, more than Python calls may nest, and folders that link to one another."""
    tally = Tally("folders 1,500 deep; 12 folders that link to one another")
    deep = folder / "deep"
    deep.mkdir(parents=True)
    handle = os.open(deep, os.O_RDONLY)
    for _ in range(1500):
        os.mkdir("a", dir_fd=handle)
        below = os.open("a", os.O_RDONLY, dir_fd=handle)
        os.close(handle)
        handle = below
    os.close(handle)
    (deep / "b.txt").write_text("Ja.\n", encoding="utf-8")
    tally.add(complain(run((".", *ECHO), deep, seconds=SECONDS), 0))
    wide = folder / "wide"
    for one in range(12):
        (wide / f"d{one}").mkdir(parents=True)
        (wide / f"d{one}" / "a.txt").write_text("Ja.\n", encoding="utf-8")
        for other in range(12):
            (wide / f"d{one}" / f"to{other}").symlink_to(f"../d{other}")
    done = run((".", *ECHO), wide, seconds=SECONDS)
    lacking = [one for one in range(12) if not (wide / "out/tiny-de-en" / f"d{one}" / "a.jsonl").exists()]
    tally.add(complain(done, 0) or (f"not translated: {lacking}" if lacking else ""))
    subprocess.run(["rm", "-rf", str(deep)], check=True)
    return tally


def stop_reading(folder: Path, tries: int) -> Tally:
    """One SIGINT or SIGTERM to a command that waits for standard input, or reads a file of a gigabyte."""
    tally = Tally("one SIGTERM or Ctrl-C while something is read")
    folder.mkdir(parents=True)
    with (folder / "big.txt").open("wb") as file:
        file.truncate(4 << 30)  # NULs, and no disk is needed for them
    for number in range(tries):
        for arguments in (("-", *ECHO), ("-", "--model", "tiny-de-en"), ("segment", "-"), ("big.txt", *ECHO)):
            for signalled in (signal.SIGINT, signal.SIGTERM):
                process = subprocess.Popen(
                    command(*arguments), cwd=folder, env=environment(), stdin=subprocess.PIPE, stderr=subprocess.PIPE
                )
                assert process.stdin is not None
                if arguments[0] != "big.txt":
                    process.stdin.write(b"Ja.\nNein.\n" * number)
                    process.stdin.flush()
                time.sleep(1.5)
                process.send_signal(signalled)
                began = time.monotonic()
                try:
                    status = process.wait(timeout=SECONDS)
                except subprocess.TimeoutExpired:
                    process.kill()
                    status = None
                assert process.stderr is not None
                said = process.stderr.read().decode()
                expected = (128 + signalled, -signalled) if arguments[0] == "segment" else (128 + signalled,)
                problem = f"status {status}" if status not in expected else "a traceback" if "Traceback" in said else ""
                tally.add(problem and f"{arguments} after {time.monotonic() - began:.1f} s: {problem}: {said[-300:]}")
                process.stdin.close()
                process.stderr.close()
    return tally


def test_odd_entries(tmp_path: Path) -> None:
    """Each is one named error, status 1; what stands beside it is translated; nothing hangs."""
    check([partial(meet_odd_entries, tmp_path / "odd"), partial(walk_far, tmp_path / "far")])


@pytest.mark.slow
def test_a_stop_while_reading(tmp_path: Path) -> None:
    """The first signal ends a command that reads and has nothing else to do."""
    check([partial(stop_reading, tmp_path / "stop", 1)])
