"""Small runs to compare: rows on disk, plain lines, and two systems that are wrong in different ways."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

from translate.records import Flag, Row, Signature
from translate.run.record import RunRecord, write_run
from translate.run.rows import format_row, rows_path

SIGNATURE = {"model": "one", "weights": "aaa", "dtype": "float32", "beams": "1"}
NOUNS = "dog house river minister report winter market question engine letter".split()
VERBS = "sees finds leaves wants knows reaches answers forgets".split()
PLACES = "in Berlin|near the old bridge|after 3 May|without any reason|in 1,200 cases|since Monday".split("|")


def make_lines(count: int) -> list[list[str]]:
    """A reference and three systems: they change a tenth, a quarter, and again about a tenth of the words."""
    chance = random.Random(7)
    reference = [
        " ".join(
            f"the {chance.choice(NOUNS)} {chance.choice(VERBS)} the {chance.choice(NOUNS)} {chance.choice(PLACES)}"
            for _ in range(chance.randint(1, 4))
        ).capitalize()
        + "."
        for _ in range(count)
    ]

    def damage(line: str, share: float) -> str:
        words = [chance.choice(NOUNS) if chance.random() < share else word for word in line.split()]
        return " ".join(words)

    return [reference, *([damage(line, share) for line in reference] for share in (0.1, 0.25, 0.11))]


def write_lines(path: Path, lines: Sequence[str]) -> Path:
    """A file of plain lines."""
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="\n")
    return path


def make_rows(pairs: Sequence[tuple[str, str]], doc: str = "a.txt", flags: Sequence[Flag] = ()) -> list[Row]:
    """A row for each source and target, each in a paragraph of its own."""
    rows, start = [], 0
    for number, (source, target) in enumerate(pairs):
        end = start + len(source)
        rows.append(Row(doc, number, number, start, end, source, target, -0.5 - number / 100, tuple(flags)))
        start = end + 1
    return rows


def write_rows(folder: Path, rows: Sequence[Row], signature: Signature | None = None, **record: bool) -> Path:
    """A run's folder as `translate` leaves it."""
    for doc in dict.fromkeys(row.doc for row in rows):
        path = rows_path(folder, doc)
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = (f"{format_row(row)}\n" for row in rows if row.doc == doc)
        path.write_text("".join(lines), encoding="utf-8", newline="\n")
    finished = record.get("finished", True)
    write_run(folder, RunRecord(signature or SIGNATURE, {}, {}, {}, {}, finished=finished))
    return folder
