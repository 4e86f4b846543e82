"""How much do sorted, budgeted batches bring over batches of 8 in file order, with the same `generate` call?

    python benchmarks/batching.py [--model NAME] [--beams N] [--batch-tokens N …] [--repeats N] [--limit N] [--lines] [--write docs/engines.md] FILE…

All sides translate the same sentences with the engine `transformers`; only which sentences share a batch differs:
as the pipeline makes them (sorted by length, under a budget of padded tokens) against the order of the text, 8 at a
time, as the documentation of transformers does it. The sides are timed in turn after a warm-up, in random order, so
that a drifting machine hits both alike. Prints a table; the last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from statistics import median, quantiles

from pages import replace_block
from translate.engines.base import Engine, load_engine
from translate.model.catalog import resolve_model
from translate.model.tokenizer import Tokenizer
from translate.records import Request, Settings, Signature
from translate.run.windows import make_batches, padding_share
from translate.text.documents import document_name, find_files, open_document, read_paragraphs
from translate.text.sentences import split_sentences

FILE_ORDER_SIZE = 8
SEED = 20


@dataclass(slots=True)
class Side:
    """One way to make batches (indices of requests), and how long each pass over the text took, in seconds."""

    name: str
    batches: list[list[int]]
    padding: float
    seconds: list[float] = field(default_factory=list)
    targets: dict[int, tuple[int, ...]] = field(default_factory=dict)


def read_texts(names: Sequence[str], *, lines: bool) -> Iterator[str]:
    """The sentences of the files, or their non-empty lines."""
    for name in names:
        for path in find_files(name).paths:
            if lines:
                yield from filter(None, map(str.strip, path.read_text(encoding="utf-8").split("\n")))
            else:
                paragraphs = read_paragraphs(open_document(path, "utf-8"))
                yield from (sentence.text for sentence in split_sentences(paragraphs))


def make_sides(requests: Sequence[Request], budgets: Sequence[int]) -> list[Side]:
    """File order first, it is what the ratio divides by."""
    lengths = [len(request.source) for request in requests]
    indices = list(range(len(requests)))
    in_order = [indices[i : i + FILE_ORDER_SIZE] for i in range(0, len(indices), FILE_ORDER_SIZE)]
    sides = [Side(f"file order, batches of {FILE_ORDER_SIZE}", in_order, padding_share(lengths, in_order))]
    for tokens in budgets:
        batches = make_batches(lengths, tokens=tokens)
        sides.append(Side(f"sorted, {tokens} padded tokens", batches, padding_share(lengths, batches)))
    return sides


def translate_once(engine: Engine, requests: Sequence[Request], side: Side) -> None:
    """One pass over all batches."""
    started = time.perf_counter()
    hypotheses = [h for batch in side.batches for h in engine.translate([requests[i] for i in batch])]
    side.seconds.append(time.perf_counter() - started)
    side.targets = {hypothesis.number: hypothesis.target for hypothesis in hypotheses}


def describe(side: Side, first_side: Side) -> dict[str, float | int | str]:
    """A side's figures for programs, beside those of the first side."""
    sentences = len(side.targets)
    first, middle, third = quantiles(side.seconds, n=4, method="inclusive")
    return {
        "side": side.name,
        "batches": len(side.batches),
        "source_padding": round(side.padding, 4),
        "seconds": round(middle, 3),
        "seconds_q1": round(first, 3),
        "seconds_q3": round(third, 3),
        "sentences_per_second": round(sentences / middle, 2),
        "ratio": round(median(first_side.seconds) / middle, 3),
        "same": sum(first_side.targets[number] == target for number, target in side.targets.items()),
    }


def render(
    rows: Sequence[dict[str, float | int | str]], sentences: int, names: Sequence[str], engine: Signature
) -> str:
    """The table in Markdown, and what it was measured on."""
    lines = ["| batches | sentences/s | times as fast | padding | same output |", "|---|---:|---:|---:|---:|"]
    lines += [
        f"| {row['side']} | {row['sentences_per_second']} | {row['ratio']:.2f} | {100 * float(row['source_padding']):.0f} % "
        f"| {row['same']} of {sentences} |"
        for row in rows
    ]
    setup = "|".join(f"{name}:{value}" for name, value in engine.items())
    return "\n".join(
        [*lines, "", f"{sentences:,} sentences of {', '.join(names)}; `{setup}`; {os.cpu_count()} processor cores."]
    )


def main() -> None:
    """Measure, print the table, end with one line of JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("files", nargs="+", metavar="FILE")
    parser.add_argument("--model", help="default: as models.txt says")
    parser.add_argument("--beams", type=int)
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--batch-tokens", type=int, nargs="+", metavar="N", help="budgets; default: the engine's")
    parser.add_argument("--repeats", type=int, default=5, choices=range(2, 100), metavar="N")
    parser.add_argument("--limit", type=int, help="only so many sentences, from the first")
    parser.add_argument("--lines", action="store_true", help="a line is a sentence (test sets)")
    parser.add_argument("--write", type=Path, help="a file whose block `batching` is written anew")
    options = parser.parse_args()
    model = resolve_model(options.model).model
    engine = load_engine(model, Settings(engine="transformers", dtype=options.dtype, beams=options.beams))
    texts = list(islice(read_texts(options.files, lines=options.lines), options.limit))
    requests = [Request(i, ids) for i, ids in enumerate(Tokenizer(model).encode(texts))]
    sides = make_sides(requests, options.batch_tokens or [engine.batch_tokens])
    list(engine.translate(requests[:FILE_ORDER_SIZE]))  # warm-up
    order = [side for _ in range(options.repeats) for side in random.Random(SEED).sample(sides, len(sides))]
    for side in order:
        translate_once(engine, requests, side)
    rows = [describe(side, sides[0]) for side in sides]
    names = [document_name(Path(path)) for name in options.files for path in find_files(name).paths]
    print(f"{len(requests)} sentences of {len(names)} files, {model.short_name}, {options.repeats} repeats")
    for row in rows:
        spread = f"{row['seconds_q1']}-{row['seconds_q3']}"
        print(
            f"{row['side']:32} {row['seconds']:9} s ({spread}) {row['sentences_per_second']:9} sentences/s  "
            f"{100 * float(row['source_padding']):5.1f} % padding  {row['ratio']:6} x  {row['same']} outputs the same"
        )
    result = {"rows": rows, "sentences": len(requests)}
    result |= {"signature": dict(engine.signature), "load": round(os.getloadavg()[0], 2), "files": names}
    if options.write:
        replace_block(options.write, "batching", render(rows, len(requests), names, engine.signature))
    print(json.dumps(result))


if __name__ == "__main__":
    main()
