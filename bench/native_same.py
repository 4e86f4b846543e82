"""Does a row of the engine `native` depend on the batch, and what does each number type cost in BLEU?

    python bench/native_same.py [--model NAME] [--dtypes D …] [--sizes N …] [--beams N] [--limit N] SOURCE [REFERENCE]

A line is a sentence. Every line is translated with each batch size, in another random order each time; a row counts as
the same if its ids and its score are, to the last bit, those of the first size. BLEU is sacreBLEU's, against REFERENCE.
Prints a line for each number type; the last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import random
from itertools import islice
from pathlib import Path

from sacrebleu.metrics import BLEU

from translate.catalog import resolve_model
from translate.engine import load_engine
from translate.records import Hypothesis, Model, Request, Settings
from translate.tokens import Tokenizer

SEED = 20


def translate(model: Model, settings: Settings, requests: list[Request]) -> list[Hypothesis]:
    """The hypotheses in the order of the requests' numbers."""
    engine = load_engine(model, settings)
    return sorted(engine.translate(requests), key=lambda hypothesis: hypothesis.number)


def main() -> None:
    """Translate with every size, compare, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("source", type=Path)
    parser.add_argument("reference", type=Path, nargs="?")
    parser.add_argument("--model", default="tiny-de-en")
    parser.add_argument("--dtypes", nargs="+", default=["float32", "bfloat16", "int8"])
    parser.add_argument("--sizes", type=int, nargs="+", default=[128, 1, 7, 32, 256], metavar="N")
    parser.add_argument("--beams", type=int, default=1)
    parser.add_argument("--limit", type=int, help="only so many lines, from the first")
    options = parser.parse_args()
    model = resolve_model(options.model).model
    tokenizer, shuffle, results = Tokenizer(model), random.Random(SEED), []
    texts = list(islice(options.source.read_text(encoding="utf-8").splitlines(), options.limit))
    references = options.reference.read_text(encoding="utf-8").splitlines() if options.reference else []
    requests = [Request(i, ids) for i, ids in enumerate(tokenizer.encode(texts))]
    for dtype in options.dtypes:
        same: dict[int, int] = {}
        first: list[Hypothesis] = []
        for size in options.sizes:
            settings = Settings(engine="native", device="cpu", dtype=dtype, beams=options.beams, batch_size=size)
            found = translate(model, settings, shuffle.sample(requests, len(requests)))
            first = first or found
            same[size] = sum(a == b for a, b in zip(found, first, strict=True))
        targets = [tokenizer.decode(hypothesis.target) for hypothesis in first]
        bleu = BLEU().corpus_score(targets, [references[: len(targets)]]).score if references else None
        results.append({"dtype": dtype, "rows": len(texts), "same": same, "bleu": bleu and round(bleu, 2)})
        counts = ", ".join(f"{count} with {size}" for size, count in same.items())
        print(f"{dtype}: of {len(texts)} rows the same: {counts}; BLEU {bleu and round(bleu, 2)}", flush=True)
    print(json.dumps({"model": model.name, "fingerprint": model.fingerprint, "beams": options.beams, "rows": results}))


if __name__ == "__main__":
    main()
