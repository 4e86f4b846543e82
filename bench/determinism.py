"""How many rows change with the batch?

    python bench/determinism.py [--limit N] [--beams N] [--only ENGINE:DTYPE …] FILE

Translates the lines of FILE one by one, in batches of 8 in the order of the file, and sorted under the engine's own budget
of padded tokens, with every engine and dtype that this machine has, and compares token by token. A row that is not the
same in all three ways changes with the batch. Prints a table; the last line is JSON.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from translate.batches import make_batches
from translate.catalog import resolve_model
from translate.engine import Engine, load_engine
from translate.records import Model, Request, Settings, TranslateError
from translate.tokens import Tokenizer

VARIANTS = (
    ("transformers", "float32"),
    ("transformers", "bfloat16"),
    ("native", "float32"),
    ("native", "bfloat16"),
    ("native", "int8"),
    ("ctranslate2", "float32"),
    ("ctranslate2", "int8"),
)
"""float16 is left out: CPUs hardly have it, and a table of one machine should be of one device."""
SIZE = 8


def make_ways(requests: Sequence[Request], tokens: int) -> Iterator[list[list[int]]]:
    """Three ways to batch the same requests, as indices."""
    indices = list(range(len(requests)))
    yield [[i] for i in indices]
    yield [indices[i : i + SIZE] for i in range(0, len(indices), SIZE)]
    yield make_batches([len(request.source) for request in requests], tokens=tokens)


def translate(engine: Engine, requests: Sequence[Request], batches: list[list[int]]) -> list[tuple[int, ...]]:
    """Target ids in the order of the requests."""
    found = {h.number: h.target for batch in batches for h in engine.translate([requests[i] for i in batch])}
    return [found[request.number] for request in requests]


def measure(
    model: Model, requests: Sequence[Request], variant: tuple[str, str], beams: int | None
) -> dict[str, object]:
    """One row of the table: how many rows change; or why it cannot be had here."""
    row: dict[str, object] = {"engine": variant[0], "dtype": variant[1], "rows": len(requests)}
    try:
        engine = load_engine(model, Settings(engine=variant[0], dtype=variant[1], device="cpu", beams=beams))
        ways = [translate(engine, requests, batches) for batches in make_ways(requests, engine.batch_tokens)]
    except TranslateError as error:
        return {**row, "problem": error.message}
    changed = sum(len(set(outputs)) > 1 for outputs in zip(*ways, strict=True))
    return {**row, "changed": changed, "batch_independent": engine.batch_independent}


def main() -> None:
    """Measure, print the table, end with one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--limit", type=int, help="only so many lines, from the first")
    parser.add_argument("--beams", type=int)
    parser.add_argument("--only", action="append", metavar="ENGINE:DTYPE")
    options = parser.parse_args()
    model = resolve_model("tiny-de-en").model
    with options.file.open(encoding="utf-8") as lines:
        texts = list(islice(filter(None, map(str.strip, lines)), options.limit))
    requests = [Request(number, ids) for number, ids in enumerate(Tokenizer(model).encode(texts))]
    rows = []
    print("| engine | dtype | rows | that change with the batch |\n|---|---|---:|---:|")
    for variant in VARIANTS:
        if options.only and ":".join(variant) not in options.only:
            continue
        row = measure(model, requests, variant, options.beams)
        rows.append(row)
        share = (
            f"{row['changed']} ({100 * int(str(row['changed'])) / len(requests):.2f} %)"
            if "changed" in row
            else row["problem"]
        )
        print(f"| {row['engine']} | {row['dtype']} | {row['rows']:,} | {share} |", flush=True)
    print(json.dumps({"file": options.file.name, "beams": options.beams, "rows": rows}))


if __name__ == "__main__":
    main()
