"""Inputs whose names or links lead elsewhere: nothing is ever written outside `--output`, and two inputs never share a
file.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from tests.reliability.attack import (
    ECHO,
    FOLDER,
    SMALL,
    Attack,
    Size,
    Tally,
    all_files,
    check,
    complain,
    judge_rows,
    row_files,
    run,
    start,
    thin,
)

TEXT = "Das Haus steht leer.\n"
HOME = "home"
"""The working folder, below the attack's own; everything beside it is outside."""

NAMES = (
    "../secret/x.txt",
    "../../{base}/secret/x.txt",
    "{root}/secret/x.txt",
    "/{root}/secret/x.txt",
    "data/../../secret/x.txt",
    "./././a.txt",
    "data//../a.txt",
    "a\nb.txt",
    "a\r\x1b[2Jb.txt",
    "-rf.txt",
    "--output=x.txt",
    "~.txt",
    "$HOME.txt",
    "`touch x`.txt",
    "%s{0}.txt",
    "a b\t.txt",
    "CON.txt",
    "..txt",
    "....txt",
    ".txt",
    "a\\..\\b.txt",
    "a:b.txt",
    "\u202etxt.exe.txt",
    "run.json",
    "memory.sqlite",
    ".lock",
    "link.txt",
    "linked/x.txt",
    "loop/loop/loop/data/a.txt",
)
"""Arguments; {root} is the attack's folder, {base} its last part. Links are in `prepare`."""

COLLISIONS: dict[str, tuple[str, ...]] = {
    "same stem": ("a.txt", "a"),
    "same name outside": ("a.txt", "../secret/a.txt"),
    "two outside": ("../secret/x.txt", "../other/x.txt"),
    "a file where a folder has to be": ("a.txt", "a.jsonl/b.txt"),
    "a folder where a text has to be": ("a.txt", "a.en.txt/b.txt"),
}


def attacks(size: Size, folder: Path) -> Iterator[Attack]:
    """The rows of this family."""
    yield partial(name_paths, folder / "names", size)
    yield partial(collide, folder / "collisions", size)
    yield partial(plant_links, folder / "links", size)


def prepare(folder: Path) -> Path:
    """A working folder with files and links, others beside it."""
    shutil.rmtree(folder, ignore_errors=True)
    home = folder / HOME
    for name in ("secret", "other", f"{HOME}/data", f"{HOME}/a.jsonl", f"{HOME}/a.en.txt"):
        (folder / name).mkdir(parents=True)
    for name in ("secret/x.txt", "secret/a.txt", "other/x.txt", *(f"{HOME}/{name}" for name in INSIDE)):
        (folder / name).write_text(TEXT + f"Es ist {len(name)} Jahre alt.\n", encoding="utf-8")
    (home / "link.txt").symlink_to("../secret/x.txt")
    (home / "linked").symlink_to("../secret")
    (home / "loop").symlink_to(".")
    return home


INSIDE = ("a.txt", "a", "data/a.txt", "a.jsonl/b.txt", "a.en.txt/b.txt")


def snapshot(folder: Path) -> dict[str, bytes]:
    """Every file below the folder but those of the run, with what is in it."""
    output = folder / HOME / "out"
    files = (path for path in folder.rglob("*") if path.is_file() and not path.is_relative_to(output))
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def name_paths(folder: Path, size: Size) -> Tally:
    """Each name alone, and all files of it covered by rows below the output folder."""
    tally = Tally("names and links that lead elsewhere")
    for pattern in thin(NAMES, size):
        home = prepare(folder)
        name = pattern.replace("{root}", str(folder)).replace("{base}", folder.name)
        path = home / name
        if not path.exists():
            path.write_text(TEXT, encoding="utf-8")
        before = snapshot(folder)
        done = run((*ECHO, "--text", "--", name), home)
        found = row_files(home / "out")
        text = path.read_text(encoding="utf-8")
        lost, wrong = judge_rows(text, next(iter(found.values()))) if len(found) == 1 else (2, 0)
        problem = complain(done, 0)
        if not problem and snapshot(folder) != before:
            problem = f"written elsewhere: {sorted(set(snapshot(folder)) ^ set(before))}"
        tally.add(f"{name!r}: {problem}" if problem else "", lost=lost, wrong=wrong)
    return tally


def collide(folder: Path, size: Size) -> Tally:
    """Refused before anything is written, naming both."""
    tally = Tally("two inputs that would be written to one file")
    for what, names in thin(COLLISIONS.items(), size):
        for order in (names, names[::-1]):
            home = prepare(folder)
            problem = complain(run((*ECHO, "--text", *order), home), 1, "would")
            if not problem and row_files(home / "out"):
                problem = f"written: {sorted(row_files(home / 'out'))}"
            tally.add(f"{what}: {problem}" if problem else "")
    return tally


def plant_links(folder: Path, size: Size) -> Tally:
    """Links inside the output folder that lead out of it, or that make two folders one: nothing goes through them."""
    tally = Tally("links planted in the output folder")
    temporary = find_temporary(folder)
    victims: dict[str, Callable[[Path], object]] = {
        "data → elsewhere": lambda out: (out / "data").symlink_to("../../../secret"),
        "data → .": lambda out: (out / "data").symlink_to("."),
        "a.jsonl → a file": lambda out: (out / "a.jsonl").symlink_to("../../../secret/x.txt"),
        "a.en.txt → a file": lambda out: (out / "a.en.txt").symlink_to("../../../secret/x.txt"),
        "run.json → a file": lambda out: (out / "run.json").symlink_to("../../../secret/run.json"),
        "memory → elsewhere": lambda out: (out / "memory.sqlite").symlink_to("../../../secret/memory.sqlite"),
        "lock → elsewhere": lambda out: (out / ".lock").symlink_to("../../../secret/x.txt"),
        "temporary → a file": lambda out: (out / temporary).symlink_to("../../../secret/x.txt"),
        "model → elsewhere": replace_by_link,
    }
    for what, plant in thin(victims.items(), size):
        home = prepare(folder)
        (home / FOLDER).mkdir(parents=True)
        plant(home / FOLDER)
        before = snapshot(folder)
        done = run((*ECHO, "--text", "a.txt", "data/a.txt"), home)
        problem = complain(done, 0) if done.returncode == 0 else complain(done, 1)
        if not problem and snapshot(folder) != before:
            problem = f"written elsewhere: {sorted(set(snapshot(folder)) ^ set(before)) or 'over a file'}"
        lost = 0 if done.returncode else 2 - len(row_files(home / "out"))
        tally.add(f"{what}: {problem}" if problem else "", lost=lost)
    return tally


def replace_by_link(out: Path) -> None:
    """The whole folder."""
    out.rmdir()
    out.symlink_to("../../secret")


def find_temporary(folder: Path) -> str:
    """The name under which a.jsonl is begun: what a killed run of a long text leaves."""
    home = prepare(folder)
    (home / "a.txt").write_text("\n".join(f"Haus {i} steht leer." for i in range(30_000)), encoding="utf-8")
    running = start((*ECHO, "a.txt"), home)
    while running.poll() is None and not list((home / FOLDER).glob(".*.tmp")):
        pass
    running.kill()
    running.communicate()
    return next(path for path in sorted(all_files(home / FOLDER)) if path.endswith(".tmp"))


def test_nothing_is_written_elsewhere(tmp_path: Path) -> None:
    """Whatever a name says, and wherever a link leads; and no two inputs are written to one file."""
    check(attacks(SMALL, tmp_path), at_once=2)
