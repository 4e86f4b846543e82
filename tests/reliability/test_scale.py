"""What may grow with the corpus, and what may not: resident size, seconds a sentence, the time to open a large memory."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from statistics import median

import endurance
from tests.reliability.attack import SMALL, Attack, Size, Tally, check
from translate.records import Translation
from translate.run.memory import Memory

ALLOWED_SECONDS = 0.05
"""More than an empty memory file takes to open and to be asked for a batch."""
ALLOWED_GROWTH = 1.25
"""Resident size at the end over that at a tenth of the way."""
REPEATS = 7


def attacks(size: Size, folder: Path) -> Iterator[Attack]:
    """The rows of this family. The run over a million sentences is `benchmarks/endurance.py`."""
    folder.mkdir(parents=True, exist_ok=True)
    yield partial(open_large_memory, folder, size.memory_rows)
    yield partial(translate_many, folder / "many", max(24_000, size.documents * 5))


def fill(path: Path, rows: int) -> None:
    """A memory file of so many rows, written in one transaction, keys in order."""
    Memory(path, "another:signature").close()
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode = OFF")
        database.execute("PRAGMA synchronous = OFF")
        database.execute("BEGIN")
        made = (
            (
                number.to_bytes(16, "big"),
                1,
                number,
                f"Das Haus {number} steht leer.",
                f"House {number} is empty.",
                -0.5,
                "",
                bytes(8),
            )
            for number in range(rows)
        )
        database.executemany("INSERT INTO translation VALUES (?, ?, ?, ?, ?, ?, ?, ?)", made)
        database.execute("COMMIT")
        database.execute("PRAGMA journal_mode = WAL")


def time_start(path: Path) -> float:
    """Seconds to open the file, ask for a batch that it lacks, and add one; the median of several."""
    seconds = []
    for number in range(REPEATS):
        started = time.perf_counter()
        with Memory(path, "model:x") as memory:
            memory.find([f"Satz {i}." for i in range(256)])
            memory.add(1, [(f"Satz {number}, {i}.", Translation("x", None)) for i in range(16)])
        seconds.append(time.perf_counter() - started)
    return median(seconds)


def open_large_memory(folder: Path, rows: int) -> Tally:
    """Against an empty one, on the same disk."""
    fill(folder / "large.sqlite", rows)
    empty, large = time_start(folder / "empty.sqlite"), time_start(folder / "large.sqlite")
    tally = Tally(
        f"memory of {rows:,} rows opened, asked and added to ({1000 * large:.0f} ms; empty: {1000 * empty:.0f} ms)"
    )
    tally.add("" if large < empty + ALLOWED_SECONDS else f"{large:.3f} s, empty {empty:.3f} s")
    (folder / "large.sqlite").unlink()
    return tally


def translate_many(folder: Path, sentences: int) -> Tally:
    """The command over many sentences: all rows are there, and resident size is that of the first tenth or so."""
    (folder / "in").mkdir(parents=True)
    written = endurance.write_corpus(folder / "in", endurance.make_sentences(), sentences, 20)
    samples, summary = endurance.run(folder, "echo")
    tenths = endurance.divide(samples, 20)
    growth = tenths[-1]["resident_mb"] / tenths[2]["resident_mb"]
    tally = Tally(f"{sentences:,} sentences in one run (resident size at the end {growth:.2f} times that at a third)")
    rows = sum(len(path.read_bytes().split(b"\n")) - 1 for path in folder.rglob("*.jsonl"))
    tally.add("" if growth < ALLOWED_GROWTH else f"resident: {tenths}", lost=written - rows)
    if summary["sentences"] != written:
        tally.add(f"{summary['sentences']} of {written} sentences")
    return tally


def test_nothing_grows_that_must_not(tmp_path: Path) -> None:
    """A large memory costs no start-up time; a long run no more memory than its beginning."""
    check(attacks(SMALL, tmp_path))
