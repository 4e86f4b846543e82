"""What does the engine `native` gain from a short-list of the vocabulary, and what does it cost in BLEU?

    python bench/shortlist.py (--table FILE.npz | --random) [--model NAME] [--dtypes D …] [--beams N …] [--limit N]
                              [--repeats N] [--write FILE] [--block NAME] SOURCE[,REFERENCE] …

The table is one of `translate shortlist`. A line of SOURCE is a sentence. With and without the table, the engine
translates all lines in turn, in random order, as often as --repeats says: the ratio is that of the medians. BLEU is
sacreBLEU's against REFERENCE, of each file by itself. *Candidates* are those of a source, on average; *union*: of as many
sources of about one length as decode together. With --random the model has opus-mt's size and random weights, as in
peers.py, and each piece gets candidates at random: that shows the time alone. Prints a table; the last line is JSON.
"""

from __future__ import annotations

import argparse
import atexit
import dataclasses
import json
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from statistics import mean, median

import numpy as np
from sacrebleu.metrics import BLEU

from peers import RANDOM_TOKENS, RANDOM_VOCABULARY, make_random_model
from readme import replace_block
from translate.catalog import resolve_model
from translate.engine import Engine, load_engine
from translate.engine_native import ROWS
from translate.recommendations import machine_kind
from translate.records import Model, Request, Settings
from translate.shortlist import Shortlist, read_shortlist, write_shortlist
from translate.tokens import Tokenizer

SEED = 20
WARM = 64
RANDOM_BEST, RANDOM_FREQUENT, RANDOM_SKEW = 60, 1000, 1.4
"""So that there are about as many candidates, of a source and together, as with a table learned by the command's defaults
for a SentencePiece vocabulary of 58,000 pieces, from 50,000 pairs of German and English sentences: 2,361 and 21,531."""


@dataclass(frozen=True, slots=True)
class TestSet:
    """A file's lines as requests, and their translations if there are any."""

    name: str
    requests: tuple[Request, ...]
    references: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """What came out with one number type and number of beams; of pairs, the first is without the short-list."""

    dtype: str
    beams: int
    rates: tuple[float, float]
    """Sentences a second: medians."""
    spread: tuple[float, float]
    """The lowest and the highest ratio of a round."""
    candidates: float
    union: float
    bleu: dict[str, tuple[float, float]]
    same: int
    """Rows with the same ids."""


def make_random_table(model: Model, path: Path) -> None:
    """Pieces at random for each piece, the nth as often as 1/n ** RANDOM_SKEW."""
    generator = np.random.default_rng(SEED)
    weights = 1 / np.arange(RANDOM_FREQUENT, RANDOM_VOCABULARY, dtype=np.float64) ** RANDOM_SKEW
    drawn = generator.choice(len(weights), size=(RANDOM_VOCABULARY, RANDOM_BEST), p=weights / weights.sum())
    lists = [np.unique(line) + RANDOM_FREQUENT for line in drawn] + [np.arange(RANDOM_FREQUENT)]
    starts = np.cumsum([0, *map(len, lists)])
    write_shortlist(Shortlist(model.fingerprint, starts, np.concatenate(lists).astype(np.int32)), path)


def read_set(argument: str, tokenizer: Tokenizer, limit: int | None) -> TestSet:
    """SOURCE or SOURCE,REFERENCE."""
    lines = [list(islice(Path(name).read_text(encoding="utf-8").splitlines(), limit)) for name in argument.split(",")]
    requests = tuple(Request(i, ids) for i, ids in enumerate(tokenizer.encode(lines[0])))
    return TestSet(Path(argument.split(",")[0]).stem, requests, tuple(lines[1]) if len(lines) > 1 else ())


def count_candidates(table: Shortlist, sources: Sequence[Sequence[int]], together: int) -> tuple[float, float]:
    """Of a source, and of as many as decode together: means."""
    lists = np.split(table.tokens, table.starts[1:-1])
    found = [
        np.unique(np.concatenate([source, lists[-1], *(lists[piece] for piece in set(source))]))
        for source in sorted(sources, key=len)
    ]
    unions = [len(np.unique(np.concatenate(found[i : i + together]))) for i in range(0, len(found), together)]
    return mean(map(len, found)), mean(unions)


def run(engine: Engine, sets: Sequence[TestSet]) -> tuple[float, list[list[tuple[int, ...]]]]:
    """Seconds, and the target ids of each set."""
    began, found = time.perf_counter(), []
    for some in sets:
        targets = {hypothesis.number: hypothesis.target for hypothesis in engine.translate(some.requests)}
        found.append([targets[request.number] for request in some.requests])
    return time.perf_counter() - began, found


def measure(model: Model, table: Path, sets: Sequence[TestSet], options: argparse.Namespace) -> list[Row]:
    """All number types and numbers of beams."""
    tokenizer, shuffle, rows = Tokenizer(model), random.Random(SEED), []
    shortlist, sources = read_shortlist(table, model), [request.source for some in sets for request in some.requests]
    for dtype, beams in ((dtype, beams) for beams in options.beams for dtype in options.dtypes):
        asked = Settings(engine="native", device="cpu", dtype=dtype, beams=beams)
        engines = (load_engine(model, asked), load_engine(model, dataclasses.replace(asked, shortlist=str(table))))
        seconds: tuple[list[float], list[float]] = ([], [])
        targets: list[list[list[tuple[int, ...]]]] = [[], []]
        for engine in engines:
            list(engine.translate(sets[0].requests[:WARM]))
        for _ in range(options.repeats):
            for side in shuffle.sample((0, 1), 2):
                took, targets[side] = run(engines[side], sets)
                seconds[side].append(took)
        bleu = {
            some.name: tuple(
                round(BLEU().corpus_score(list(map(tokenizer.decode, found[i])), [list(some.references)]).score, 2)
                for found in targets
            )
            for i, some in enumerate(sets)
            if some.references
        }
        ratios = [without / with_it for without, with_it in zip(*seconds, strict=True)]
        rates = tuple(round(len(sources) / median(some), 2) for some in seconds)
        counts = count_candidates(shortlist, sources, ROWS // beams)
        same = sum(a == b for pair in zip(*targets, strict=True) for a, b in zip(*pair, strict=True))
        rows.append(Row(dtype, beams, rates, (min(ratios), max(ratios)), *counts, bleu, same))  # type: ignore[arg-type]
        print(rows[-1], file=sys.stderr, flush=True)
    return rows


def render(rows: Sequence[Row], setup: str) -> str:
    """A table in Markdown."""
    names = list(rows[0].bleu)
    titles = ["", "beams", "sentences/s", "with short-list", "×", "candidates", "union"]
    titles += [title for name in names for title in (f"BLEU {name}", "with short-list")]
    lines = [f"| {' | '.join(titles)} |", f"|---|{'---:|' * (len(titles) - 1)}"]
    for row in rows:
        ratio = f"{row.rates[1] / row.rates[0]:.2f} ({row.spread[0]:.2f}–{row.spread[1]:.2f})"
        cells = [row.dtype, row.beams, *(f"{rate:,.0f}" for rate in row.rates), ratio]
        cells += [f"{row.candidates:,.0f}", f"{row.union:,.0f}"]
        cells += [f"{score:.2f}" for name in names for score in row.bleu[name]]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join([*lines, "", setup])


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("sets", nargs="+", metavar="SOURCE[,REFERENCE]")
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--table", type=Path, help="what `translate shortlist` wrote")
    which.add_argument("--random", action="store_true", help="random weights of opus-mt's size, a table at random")
    parser.add_argument("--model", default="tiny-de-en")
    parser.add_argument("--dtypes", nargs="+", default=["float32", "bfloat16", "int8"])
    parser.add_argument("--beams", type=int, nargs="+", default=[1])
    parser.add_argument("--limit", type=int, help="only so many lines of each, from the first")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--write", type=Path, help="a file of which a block is written anew")
    parser.add_argument("--block", default="shortlist", help="which block")
    options = parser.parse_args()
    model, table = resolve_model(options.model).model, options.table
    if options.random:
        folder = Path(tempfile.mkdtemp(prefix="random-model-"))
        atexit.register(shutil.rmtree, folder)
        model, table = make_random_model(folder, model), folder / "table.npz"
        make_random_table(model, table)
    sets = [read_set(argument, Tokenizer(model), options.limit) for argument in options.sets]
    rows = measure(model, table, sets, options)
    machine, count = machine_kind(), sum(len(some.requests) for some in sets)
    what = f"{count:,} sentences of {', '.join(some.name for some in sets)}, {model.short_name}"
    what += f", {RANDOM_TOKENS} tokens forced for each row" if options.random else ""
    where = f"{options.repeats} rounds, {machine['cpus']} cores of {machine['processor']}"
    text = render(rows, f"{what}; {where}.")
    print(text)
    if options.write:
        replace_block(options.write, options.block, text)
    print(
        json.dumps({"model": model.name, "fingerprint": model.fingerprint, "rows": list(map(dataclasses.asdict, rows))})
    )


if __name__ == "__main__":
    main()
