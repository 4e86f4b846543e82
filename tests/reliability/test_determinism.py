"""The same in, the same out: twice the same command, other orders, windows and groupings of files, other batches.

    python -m tests.reliability --only determinism

In float32 none of these may change a row's target or flags. How many rows change with the batch in every dtype and engine
is measured by `bench/determinism.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from conftest import ROOT
from reliability.attack import SMALL, Attack, Size, Tally, check
from reliability.test_input import inside
from translate import pipeline
from translate.output import read_rows
from translate.records import Settings

ENGINES = ("echo", "native", "ctranslate2", "transformers")
SETTINGS = Settings(device="cpu", dtype="float32", beams=1, batch_tokens=256)
Answers = dict[str, tuple[str, tuple[str, ...]]]
"""Source → target and flags."""


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
    tally.add("" if first == second else "the same command gave other bytes", wrong=int(first != second))
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
        found, _ = translate(folder / name.replace(" ", "-"), documents, settings)
        lost = len(expected.keys() - found.keys())
        wrong = sum(found[source] != expected[source] for source in found.keys() & expected.keys())
        tally.add(f"{name}: {lost} lost, {wrong} wrong" if lost or wrong else "", lost=lost, wrong=wrong)
    return tally


def translate(folder: Path, documents: list[list[str]], settings: Settings) -> tuple[Answers, list[bytes]]:
    """Each document's lines as a file, through the pipeline: what came of each sentence, and the files' bytes."""
    (folder / "in").mkdir(parents=True)
    for number, lines in enumerate(documents):
        (folder / "in" / f"{number:04}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    with inside(folder):
        for _ in pipeline.run(pipeline.Job(("in",), model="tiny-de-en", settings=settings)):
            pass
        files = sorted(Path("out").rglob("*.jsonl"))
        rows = [row for path in files for row in read_rows(path)]
        return {row.source: (row.target, row.flags) for row in rows}, [path.read_bytes() for path in files]


def test_the_same_text_gives_the_same_rows(tmp_path: Path) -> None:
    """In float32, however it is cut into files, windows and batches."""
    check(attacks(SMALL, tmp_path))
