"""What all attacks share: their tally, their sizes, the command as a process, and judging what it left."""

from __future__ import annotations

import json
import sqlite3
import subprocess
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from tests.helpers.command import ROOT, SHARED, command, environment

T = TypeVar("T")
ECHO = ("--engine", "echo", "--model", "tiny-de-en")
FOLDER = Path("out/tiny-de-en")
"""Where a run in an otherwise empty folder leaves its files."""

MODULES = (
    "test_killed",
    "test_disk",
    "test_input",
    "test_together",
    "test_models",
    "test_hub",
    "test_entries",
    "test_paths",
    "test_planted",
    "test_records",
    "test_flags",
    "test_scale",
    "test_determinism",
)
"""The families, in the order of the table."""


@dataclass(frozen=True, slots=True)
class Size:
    """How often each attack is tried, and on how much."""

    kills: int
    real_kills: int
    """Of a run with a real engine."""
    operations: int
    """Kills at a chosen file operation."""
    signals: int
    disks: int
    documents: int
    """Generated ones."""
    megabytes: int
    """Of the text without a blank."""
    empty_lines: int
    rounds: int
    """Of ten processes each."""
    damages: int
    """Random ones, of a model's weights, for each engine."""
    memory_rows: int
    sentences: int
    """Real ones, translated by a real engine in several ways."""
    every: int
    """Of a list of cases, one in so many."""
    lines: int | None
    """Of real text in a run with the echo engine that is killed or stopped; None: all there is."""


SMALL = Size(2, 1, 3, 2, 2, 200, 1, 10_000, 1, 2, 50_000, 4, 4, 60)
"""For each run of the tests: all attacks, seconds each."""
FULL = Size(140, 60, 60, 40, 24, 20_000, 10, 100_000, 10, 20, 10_000_000, 40, 1, 450)
"""For the table."""


def thin(cases: Iterable[T], size: Size) -> list[T]:
    """The cases that an attack of that size takes: the first, and then one in so many."""
    return list(cases)[:: size.every]


@dataclass(slots=True)
class Tally:
    """One row of the table. A try survives if nothing is wrong with it: no complaint, no row lost, none wrong."""

    attack: str
    tries: int = 0
    survived: int = 0
    lost: int = 0
    wrong: int = 0
    complaints: list[str] = field(default_factory=list)
    met: Counter[str] = field(default_factory=Counter)
    """What the tries hit, if that is not said by the attack's name: how often."""

    def add(self, complaint: str = "", *, lost: int = 0, wrong: int = 0) -> None:
        """Count one try."""
        self.tries += 1
        self.lost += lost
        self.wrong += wrong
        if complaint or lost or wrong:
            self.complaints.append(complaint or f"{lost} rows lost, {wrong} wrong")
        else:
            self.survived += 1


Attack = Callable[[], Tally]
"""One row of the table, or a part of one: the tries of attacks of one name in a family are added up."""


def check(attacks: Iterable[Attack], *, at_once: int = 1) -> None:
    """What a test asserts: every try of every attack has survived. Some at once, if they do no more than wait for others."""
    with ThreadPoolExecutor(at_once) as pool:
        for tally in pool.map(lambda attack: attack(), attacks) if at_once > 1 else (attack() for attack in attacks):
            assert tally.tries, tally.attack
            assert tally.survived == tally.tries, f"{tally.attack}: {tally.complaints[:3]}"


def start(arguments: Iterable[str], folder: Path) -> subprocess.Popen[str]:
    """The command, begun in that folder; both outputs are pipes."""
    return subprocess.Popen(
        command(*arguments),
        cwd=folder,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    )


def run(
    arguments: Iterable[str],
    folder: Path,
    *,
    seconds: float = 300,
    before: Callable[[], None] | None = None,
    changes: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """The command, to its end. `before` runs in the new process, ahead of it; `changes` are to its environment."""
    return subprocess.run(
        command(*arguments),
        cwd=folder,
        env=environment(**(changes or {})),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=seconds,
        preexec_fn=before,
    )


def complain(done: subprocess.CompletedProcess[str], status: int, *messages: str, errors: int | None = None) -> str:
    """What is wrong with how a command ended: "" if it has that status, those messages and no traceback.

    With status 1 there has to be one `error:` with its `hint:`, or as many as `errors` says.
    """
    said = done.stderr
    expected = errors if errors is not None else int(status == 1)
    lines = said.splitlines()
    found = [sum(line.startswith(word) for line in lines) for word in ("error:", "hint:")]
    problems = [
        f"status {done.returncode}, not {status}" if done.returncode != status else "",
        "a traceback" if "Traceback" in said else "",
        f"{found[0]} errors and {found[1]} hints, not {expected}" if found != [expected] * 2 else "",
        *(f"nothing about '{message}'" for message in messages if message not in said),
    ]
    found_problems = "; ".join(filter(None, problems))
    return f"{found_problems}: {said[-700:]}" if found_problems else ""


def write_real_texts(folder: Path, limit: int | None = None) -> dict[str, str]:
    """Real German text as some documents below `folder`/data: name → text. `limit` is in sentences or so, from the first.

    The samples of the project; where the test sets are at hand, a real article and newstest2019 in pieces, too.
    """
    texts = {path.name: path.read_text(encoding="utf-8") for path in sorted((ROOT / "data").glob("*.txt"))}
    if SHARED.is_dir():
        texts |= {path.name: path.read_bytes().decode() for path in sorted((SHARED / "articles").glob("*.txt"))}
        lines = (SHARED / "eval" / "newstest2019.de").read_text(encoding="utf-8").split("\n")
        texts |= {f"newstest2019-{i:04}.txt": "\n".join(lines[i : i + 50]) for i in range(0, 1000, 50)}
    if limit is not None:
        lines = [line for text in texts.values() for line in text.split("\n") if 5 <= len(line.split()) <= 12]
        texts = {f"{i:03}.txt": "\n".join(lines[i : i + 3]) for i in range(0, limit, 3)}
    (folder / "data").mkdir(parents=True)
    for name, text in texts.items():
        (folder / "data" / name).write_bytes(text.encode())
    return texts


def row_files(folder: Path) -> dict[str, bytes]:
    """Every file of rows below a folder, by its path."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.jsonl"))}


def all_files(folder: Path) -> set[str]:
    """Every file below a folder, by its path."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir()}


def compare_rows(expected: Mapping[str, bytes], found: Mapping[str, bytes]) -> tuple[int, int]:
    """(rows of `expected` that `found` lacks, rows of `found` that are not expected), file by file and byte by byte."""
    lost = wrong = 0
    for name in {*expected, *found}:
        there, here = (Counter(rows.get(name, b"").split(b"\n")) for rows in (expected, found))
        lost += sum((there - here).values())
        wrong += sum((here - there).values())
        if there == here and expected.get(name) != found.get(name):
            wrong += 1  # the same rows in another order
    return lost, wrong


def judge_rows(text: str, data: bytes) -> tuple[int, int]:
    """(stretches of the text in no row, rows that are not what their span says) of one document's file."""
    lost = wrong = position = 0
    for line in data.decode().split("\n")[:-1]:
        row = json.loads(line)
        lost += bool(text[position : row["start"]].strip())
        wrong += text[row["start"] : row["end"]] != row["source"] or row["start"] < position or not row["source"]
        position = row["end"]
    return lost + bool(text[position:].strip()), wrong


def count_remembered(folder: Path) -> int:
    """Rows in the memory of the run in a folder, also while it is written; 0 as long as there is none."""
    try:
        with closing(sqlite3.connect(f"file:{folder / FOLDER}/memory.sqlite?mode=ro", uri=True)) as memory:
            return int(memory.execute("SELECT count(*) FROM translation").fetchone()[0])
    except sqlite3.OperationalError:
        return 0


def is_sound(folder: Path) -> bool:
    """Whether SQLite finds nothing wrong with the memory."""
    with closing(sqlite3.connect(folder / FOLDER / "memory.sqlite")) as memory:
        return bool(memory.execute("PRAGMA integrity_check").fetchone() == ("ok",))
