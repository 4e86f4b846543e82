"""Does a row of the engine `native` depend on the batch, is it that of `generate`, what does a number type cost in BLEU?

    python benchmarks/native_same.py [--model NAME] [--dtypes D …] [--sizes N …] [--beams N …] [--limit N] [--write FILE]
                                SOURCE REFERENCE

A line is a sentence. Every line is translated with each batch size, in another random order each time; a row counts as
the same if its ids and its score are, to the last bit, those of the first size. The engine `transformers` in float32, which
calls `generate`, translates the lines once for each number of beams; of float32 rows whose ids differ, both
log-probabilities are printed: they are as good as equal where two tokens are, and the last digits decide. BLEU is
sacreBLEU's, against REFERENCE. Prints a table; the last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from sacrebleu.metrics import BLEU

from pages import replace_block
from translate.engines.base import load_engine
from translate.machine import machine_kind
from translate.model.catalog import resolve_model
from translate.model.tokenizer import Tokenizer
from translate.records import Hypothesis, Model, Request, Settings
from translate.run.windows import make_batches

SEED = 20


@dataclass(frozen=True, slots=True)
class Row:
    """What came out with one number type and number of beams."""

    dtype: str
    beams: int
    same: dict[int, int]
    """Batch size → rows that are those of the first size."""
    as_generate: int
    bleu: float
    generate_bleu: float


def translate(model: Model, settings: Settings, requests: Sequence[Request]) -> list[Hypothesis]:
    """The hypotheses in the order of the requests' numbers; in batches of similar length for an engine that needs them."""
    engine = load_engine(model, settings)
    tokens = None if engine.batch_independent else engine.batch_tokens
    batches = make_batches([len(r.source) for r in requests], tokens=tokens) if tokens else [range(len(requests))]
    found = [h for batch in batches for h in engine.translate([requests[i] for i in batch])]
    return sorted(found, key=lambda hypothesis: hypothesis.number)


def explain(ours: Sequence[Hypothesis], theirs: Sequence[Hypothesis]) -> None:
    """Print the rows whose ids differ, with the sums of log-probabilities."""
    for a, b in zip(ours, theirs, strict=True):
        if a.target != b.target:
            sums = [h.score * (len(h.target) + h.complete) for h in (a, b)]
            print(f"  row {a.number}: {sums[0]:.5f}, generate {sums[1]:.5f}", file=sys.stderr)


def measure(model: Model, texts: Sequence[str], references: Sequence[str], options: argparse.Namespace) -> list[Row]:
    """All number types and numbers of beams."""
    tokenizer, shuffle = Tokenizer(model), random.Random(SEED)
    requests = [Request(i, ids) for i, ids in enumerate(tokenizer.encode(texts))]

    def score(found: Sequence[Hypothesis]) -> float:
        targets = [tokenizer.decode(hypothesis.target) for hypothesis in found]
        return float(BLEU().corpus_score(targets, [list(references)]).score)

    rows = []
    for beams in options.beams:
        asked = Settings(engine="transformers", device="cpu", dtype="float32", beams=beams)
        generated = translate(model, asked, requests)
        for dtype in options.dtypes:
            runs = {}
            for size in options.sizes:
                settings = Settings(engine="native", device="cpu", dtype=dtype, beams=beams, batch_size=size)
                runs[size] = translate(model, settings, shuffle.sample(requests, len(requests)))
            first = runs[options.sizes[0]]
            same = {size: sum(a == b for a, b in zip(run, first, strict=True)) for size, run in runs.items()}
            if dtype == "float32":
                explain(first, generated)
            equal = sum(a.target == b.target for a, b in zip(first, generated, strict=True))
            rows.append(Row(dtype, beams, same, equal, round(score(first), 2), round(score(generated), 2)))
            print(rows[-1], file=sys.stderr, flush=True)
    return rows


def render(rows: Sequence[Row], setup: str) -> str:
    """A table in Markdown."""
    sizes = list(rows[0].same)
    lines = [
        f"| | beams | the same with {', '.join(map(str, sizes))} sentences a batch | ids of `generate` | BLEU | of `generate` |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for row in rows:
        counts = (
            f"{row.same[sizes[0]]:,}" if len(set(row.same.values())) == 1 else ", ".join(map(str, row.same.values()))
        )
        cells = (row.dtype, row.beams, counts, f"{row.as_generate:,}", f"{row.bleu:.2f}", f"{row.generate_bleu:.2f}")
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join([*lines, "", setup])


def main() -> None:
    """Translate with every size, compare, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("source", type=Path)
    parser.add_argument("reference", type=Path)
    parser.add_argument("--model", default="tiny-de-en")
    parser.add_argument("--dtypes", nargs="+", default=["float32", "bfloat16", "int8"])
    parser.add_argument("--sizes", type=int, nargs="+", default=[128, 1, 7, 32, 256], metavar="N")
    parser.add_argument("--beams", type=int, nargs="+", default=[1])
    parser.add_argument("--limit", type=int, help="only so many lines, from the first")
    parser.add_argument("--write", type=Path, help="a file whose block `same` is written anew")
    options = parser.parse_args()
    model = resolve_model(options.model).model
    texts, references = (
        list(islice(path.read_text(encoding="utf-8").splitlines(), options.limit))
        for path in (options.source, options.reference)
    )
    rows = measure(model, texts, references, options)
    where = f"{machine_kind()['cpus']} cores of {machine_kind()['processor']}"
    text = render(rows, f"{len(texts):,} sentences of {options.source.name}, {model.short_name}; {where}.")
    print(text)
    if options.write:
        replace_block(options.write, "same", text)
    rows_json = [{name: getattr(row, name) for name in Row.__slots__} for row in rows]
    print(json.dumps({"model": model.name, "fingerprint": model.fingerprint, "rows": rows_json}))


if __name__ == "__main__":
    main()
