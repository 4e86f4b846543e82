"""The same in, the same out: twice the same command, other orders, windows and groupings of files, other batches.

    python -m tests.reliability --only determinism

In float32, greedily, none of these may change a row's target or flags. With an engine whose rows do not depend on the
batch, nor the score; with others it may be one step of its last digit away, and another batch is another signature. How
many rows change with the batch in every dtype and engine, with beam search, is measured by `benchmarks/determinism.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from tests.helpers.command import ROOT
from tests.reliability.attack import SMALL, Attack, Size, Tally, check
from tests.reliability.test_input import inside
from translate.records import Row, Settings
from translate.run import pipeline
from translate.run.events import Loaded
from translate.run.plan import Job
from translate.run.rows import read_rows

ENGINES = ("echo", "native", "ctranslate2", "transformers")
SETTINGS = Settings(device="cpu", dtype="float32", beams=1, batch_tokens=256)
STEP = 1.01e-4
"""Of the last digit of a score."""


def attacks(size: Size, folder: Path) -> Iterator[Attack]:
    """The rows of this family."""
    for engine in ENGINES if size.sentences > SMALL.sentences else ("echo", "native"):
        yield partial(vary, engine, folder / engine, size.sentences)


def real_sentences(count: int) -> list[str]:
    """Short lines of the samples, so many at most, none twice."""
    lines = [
        line for path in sorted((ROOT / "data").glob("*.txt")) for line in path.read_text(encoding="utf-8").split("\n")
    ]
    return [line for line in dict.fromkeys(lines) if 2 <= len(line.split()) <= 14][:count]


def vary(engine: str, folder: Path, count: int) -> Tally:
    """Every variation against the plain run; a row is wrong if its target or flags are others, lost if it is not there."""
    tally = Tally(f"same text twice, reordered, regrouped, in other windows and batches ({engine}, float32)")
    lines = real_sentences(count)
    plain = replace(SETTINGS, engine=engine)
    expected, first = translate(folder / "plain", [lines], plain)
    _, second = translate(folder / "again", [lines], plain)
    tally.add("" if first.files == second.files else "the same command gave other bytes")
    variations: dict[str, tuple[list[list[str]], Settings]] = {
        "reversed": ([lines[::-1]], plain),
        "a file a sentence": ([[line] for line in lines], plain),
        "three files": ([lines[::3], lines[1::3], lines[2::3]], plain),
        "windows of 7": ([lines], replace(plain, chunk_sentences=7)),
        "windows of 1": ([lines], replace(plain, chunk_sentences=1)),
        "batches of 1": ([lines], replace(plain, batch_size=1)),
        "batches of 5": ([lines], replace(plain, batch_size=5)),
        "large batches": ([lines], replace(plain, batch_tokens=100_000)),
    }
    for name, (documents, settings) in variations.items():
        found, run = translate(folder / name.replace(" ", "-"), documents, settings)
        lost = len(expected.keys() - found.keys())
        step = 0.0 if run.independent else STEP
        wrong = sum(not alike(found[source], expected[source], step) for source in found.keys() & expected.keys())
        tally.add(f"{name}: {lost} lost, {wrong} wrong" if lost or wrong else "", lost=lost, wrong=wrong)
    return tally


def alike(one: Row, other: Row, step: float) -> bool:
    """Whether two rows of a sentence say the same, their scores at most so far apart."""
    same = (one.target, one.flags) == (other.target, other.flags)
    return same and (one.score == other.score or abs((one.score or 0) - (other.score or 0)) <= step)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of a run: the bytes of its files, and whether its signature says that the batch can change a row."""

    files: list[bytes]
    independent: bool


def translate(folder: Path, documents: list[list[str]], settings: Settings) -> tuple[dict[str, Row], Outcome]:
    """Each document's lines as a file, through the pipeline: the row of each sentence, and the rest."""
    (folder / "in").mkdir(parents=True)
    for number, lines in enumerate(documents):
        (folder / "in" / f"{number:04}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    with inside(folder):
        events = list(pipeline.run(Job(("in",), model="tiny-de-en", settings=settings)))
        loaded = next(event for event in events if isinstance(event, Loaded))
        files = sorted(Path("out").rglob("*.jsonl"))
        rows = {row.source: row for path in files for row in read_rows(path)}
        return rows, Outcome([path.read_bytes() for path in files], "batch" not in loaded.signature)


def test_the_same_text_gives_the_same_rows(tmp_path: Path) -> None:
    """In float32, however it is cut into files, windows and batches."""
    check(attacks(SMALL, tmp_path))
