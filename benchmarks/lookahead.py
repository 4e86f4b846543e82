"""How many articles are on disk when two thirds of the sentences are translated, and what that costs in time.

    python benchmarks/lookahead.py TEXT --articles 200 --windows 128 256 512 1024 4096 --dtype float32 --beams 1

TEXT has a sentence a line; it is cut into articles of equal length. Windows are those of the engine `native`: how many requests a
worker (a core) it sorts by length together. With --engine ctranslate2 or transformers, whose batches are made of the sentences of one window,
they are the sentences that are read together (the setting `chunk_sentences`).
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from translate.engines.native import engine
from translate.engines.native.engine import NativeEngine
from translate.records import Settings
from translate.run.events import DocumentDone, Loaded, Progress
from translate.run.pipeline import run
from translate.run.plan import Job

SHARE = 2 / 3


def write_articles(text: Path, folder: Path, articles: int, sentences: int) -> None:
    """The first lines of the text, as so many files of so many sentences."""
    lines = text.read_text(encoding="utf-8").splitlines()[: articles * sentences]
    for number in range(articles):
        some = lines[number * sentences : (number + 1) * sentences]
        (folder / f"{number:04}.txt").write_text("\n".join(some) + "\n", encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Measured:
    """Seconds of translating, on the clock and of the processors; documents on disk when two thirds are translated."""

    seconds: float
    processor_seconds: float
    documents: int


def measure(folder: Path, settings: Settings, total: int) -> Measured:
    """One run over all articles."""
    sentences = done = 0
    at_share, started, busy = -1, 0.0, 0.0
    with tempfile.TemporaryDirectory() as output:
        for event in run(Job((str(folder),), Path(output), "tiny-de-en", settings=settings)):
            if isinstance(event, Loaded):
                started, busy = time.perf_counter(), time.process_time()
            elif isinstance(event, DocumentDone):
                done += 1
            elif isinstance(event, Progress):
                sentences += event.sentences
                if at_share < 0 and sentences >= SHARE * total:
                    at_share = done
    return Measured(time.perf_counter() - started, time.process_time() - busy, at_share)


def main(arguments: Sequence[str] | None = None) -> None:
    """A line of a table for each window; rounds are interleaved, and the median is shown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", type=Path)
    parser.add_argument("--articles", type=int, default=200)
    parser.add_argument("--sentences", type=int, default=50)
    parser.add_argument("--windows", type=int, nargs="+", default=[128, 256, 512, 1024, 4096])
    parser.add_argument("--engine", default=NativeEngine.name)
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--beams", type=int)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args(arguments)
    settings = Settings(engine=options.engine, dtype=options.dtype, beams=options.beams)
    native = options.engine == NativeEngine.name
    found: dict[int, list[Measured]] = {window: [] for window in options.windows}
    with tempfile.TemporaryDirectory() as name:
        write_articles(options.text, Path(name), options.articles, options.sentences)
        for _ in range(options.rounds):
            for window in options.windows:
                if native:
                    engine.WINDOW = window
                else:
                    settings = replace(settings, chunk_sentences=window)
                found[window].append(measure(Path(name), settings, options.articles * options.sentences))
                print(window, found[window][-1], file=sys.stderr, flush=True)
    print(
        f"| {'requests a worker' if native else 'sentences a window'} | seconds | processor seconds | articles on disk at two thirds |",
        "|---:|---:|---:|---:|",
        sep="\n",
    )
    for window, runs in found.items():
        seconds = statistics.median(run.seconds for run in runs)
        busy = statistics.median(run.processor_seconds for run in runs)
        documents = min(run.documents for run in runs)
        print(f"| {window:,} | {seconds:.1f} | {busy:.1f} | {documents} of {options.articles} |")


if __name__ == "__main__":
    main()
