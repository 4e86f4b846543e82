"""Texts to translate, and what a run has made of them."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from pathlib import Path

WORDS = "Haus Stadt Frau ging heute nicht über die alte Brücke und sah lange auf das Wasser".split()


def write_texts(folder: Path, *, documents: int, sentences: int, longest: int = 14) -> None:
    """German-like texts of words in random order, the same in each test run; some sentences occur twice."""
    chance = random.Random(5)
    folder.mkdir()
    for number in range(documents):
        lines = [
            " ".join(chance.choices(WORDS, k=chance.randint(2, longest))).capitalize() + "." for _ in range(sentences)
        ]
        (folder / f"{number}.txt").write_text("\n".join([*lines, lines[0]]), encoding="utf-8")


def outputs(folder: Path) -> dict[str, bytes]:
    """Every file of rows, by its path."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.jsonl"))}


def count_remembered(folder: Path) -> int:
    """Rows in the memory, also while a run is writing; 0 as long as there is none."""
    try:
        with closing(sqlite3.connect(f"file:{folder}/out/tiny-de-en/memory.sqlite?mode=ro", uri=True)) as memory:
            return int(memory.execute("SELECT count(*) FROM translation").fetchone()[0])
    except sqlite3.OperationalError:
        return 0
