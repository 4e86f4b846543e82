"""How many rows change with the batch?

    python benchmarks/determinism.py [--first N] [--limit N] [--only ENGINE:DTYPE …] [--keep FILE.json] [--write PAGE.md] FILE

Translates the lines of FILE one by one, in batches of 8 in the order of the file, and sorted under the engine's own budget
of padded tokens, with every engine and dtype that this machine has. A row changes with the batch if its tokens, or its
score as it is written, are not the same in all three ways. Prints a table; the last line is JSON. With --keep, what an
earlier call has measured is taken from that file, and new figures put into it, so that the engines can be run one by one,
and a slow one in parts of so many lines, which are added up; --write puts the table between the marks of a page.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from pages import replace_block
from translate.engines.base import Engine, load_engine
from translate.machine import machine_kind
from translate.model.catalog import resolve_model
from translate.model.tokenizer import Tokenizer
from translate.records import Hypothesis, Model, Request, Settings, TranslateError, format_signature
from translate.run.windows import make_batches

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
DIGITS = 4
"""Of a score, in a row."""

Parts = dict[str, dict[str, dict[str, Any]]]
"""Engine and dtype → first line of a part of the file → what was measured on it."""


def make_ways(requests: Sequence[Request], tokens: int) -> Iterator[list[list[int]]]:
    """Three ways to batch the same requests, as indices."""
    indices = list(range(len(requests)))
    yield [[i] for i in indices]
    yield [indices[i : i + SIZE] for i in range(0, len(indices), SIZE)]
    yield make_batches([len(request.source) for request in requests], tokens=tokens)


def translate(engine: Engine, requests: Sequence[Request], batches: list[list[int]]) -> list[Hypothesis]:
    """In the order of the requests."""
    found = {h.number: h for batch in batches for h in engine.translate([requests[i] for i in batch])}
    return [found[request.number] for request in requests]


def compare(ways: Sequence[Sequence[Hypothesis]]) -> dict[str, Any]:
    """How many rows have other tokens in one of the ways; how many that have not have another score; the largest gap."""
    texts = scores = 0
    gap = 0.0
    for hypotheses in zip(*ways, strict=True):
        found = [hypothesis.score for hypothesis in hypotheses]
        if len({hypothesis.target for hypothesis in hypotheses}) > 1:
            texts += 1
        else:
            scores += len({round(score, DIGITS) for score in found}) > 1
            gap = max(gap, max(found) - min(found))
    return {"texts": texts, "scores": scores, "gap": gap}


def measure(model: Model, requests: Sequence[Request], variant: tuple[str, str], beams: int | None) -> dict[str, Any]:
    """One row of the table: how many rows change; or why it cannot be had here."""
    row: dict[str, Any] = {"engine": variant[0], "dtype": variant[1], "rows": len(requests)}
    try:
        engine = load_engine(model, Settings(engine=variant[0], dtype=variant[1], device="cpu", beams=beams))
        ways = [translate(engine, requests, batches) for batches in make_ways(requests, engine.batch_tokens)]
    except TranslateError as error:
        return {**row, "problem": error.message}
    row |= {"signature": format_signature(engine.signature), "independent": engine.batch_independent}
    return {**row, **compare(ways), "beams": engine.signature["beams"], "processor": machine_kind()["processor"]}


def add_up(parts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """One row of the table for all parts of the file."""
    if any("problem" in part for part in parts):
        return parts[-1]
    sums = {what: sum(part[what] for part in parts) for what in ("rows", "texts", "scores")}
    independent = all(part["independent"] for part in parts)
    return {**parts[-1], **sums, "gap": max(part["gap"] for part in parts), "independent": independent}


def render(name: str, rows: dict[str, dict[str, Any]]) -> str:
    """The table in Markdown, and what it was measured with."""
    lines = [
        "| engine | dtype | rows | other text | other score | largest gap | promised |",
        "|---|---|---:|---:|---:|---:|---|",
    ]
    for row in (rows[key] for key in map(":".join, VARIANTS) if key in rows):
        head = f"| {row['engine']} | {row['dtype']} | {row['rows']:,} |"
        if "problem" in row:
            lines.append(f"{head} {row['problem']} | | | |")
            continue
        shares = " | ".join(f"{row[what]:,} ({100 * row[what] / row['rows']:.2f} %)" for what in ("texts", "scores"))
        lines.append(f"{head} {shares} | {row['gap']:.1g} | {'yes' if row['independent'] else 'no'} |")
    measured = [row for row in rows.values() if "problem" not in row]
    beams, processors = ("/".join(sorted({row[what] for row in measured})) for what in ("beams", "processor"))
    return "\n".join([*lines, "", f"{name}, {beams} beams; {processors}."])


def main() -> None:
    """Measure, print the table, end with one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--first", type=int, default=0, metavar="N", help="leave out so many lines")
    parser.add_argument("--limit", type=int, help="take so many lines")
    parser.add_argument("--beams", type=int)
    parser.add_argument("--only", action="append", metavar="ENGINE:DTYPE")
    parser.add_argument("--keep", type=Path, metavar="FILE.json")
    parser.add_argument("--write", type=Path, metavar="PAGE.md")
    options = parser.parse_args()
    model = resolve_model("tiny-de-en").model
    with options.file.open(encoding="utf-8") as lines:
        texts = list(islice(filter(None, map(str.strip, lines)), options.first, None))[: options.limit]
    requests = [Request(number, ids) for number, ids in enumerate(Tokenizer(model).encode(texts))]
    kept = options.keep is not None and options.keep.exists()
    parts: Parts = json.loads(options.keep.read_text(encoding="utf-8")) if kept else {}
    for variant in VARIANTS:
        if options.only is None or ":".join(variant) in options.only:
            found = parts.setdefault(":".join(variant), {})
            found[str(options.first)] = measure(model, requests, variant, options.beams)
            if options.keep:
                options.keep.write_text(json.dumps(parts, indent=1), encoding="utf-8")
    rows = {key: add_up([*found.values()]) for key, found in parts.items()}
    table = render(options.file.name, rows)
    print(table)
    if options.write:
        replace_block(options.write, "determinism", table)
    print(json.dumps({"file": options.file.name, "rows": rows}))


if __name__ == "__main__":
    main()
