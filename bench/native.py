"""How fast is the engine `native` beside its peers, and how far from what the machine could do?

    python bench/native.py [--model NAME] [--beams N …] [--repeats N] [--limit N] [--threads N] FILE…

A line of a file is a sentence. All sides translate the same sentences, in turn and in random order, so that a drifting
machine hits all alike; each pass also measures the peak of a float32 matrix product on as many threads. A ratio is the
median over the rounds of (the side's seconds : native float32's seconds of the same round). Processor seconds are given
beside seconds: on a machine that is busy otherwise they are the steadier figure, but they count threads that spin while
they wait. Prints a table for each number of beams; the last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from statistics import median

import torch

from translate.batches import make_batches
from translate.catalog import resolve_model
from translate.engine import Engine, load_engine
from translate.records import EngineError, Hypothesis, Model, Request, Settings
from translate.tokens import Tokenizer

SIDES = {
    "native float32": ("native", "float32", None),
    "native int8": ("native", "int8", None),
    "transformers float32, file order, batch 8": ("transformers", "float32", 8),
    "transformers float32, sorted": ("transformers", "float32", None),
    "ctranslate2 float32": ("ctranslate2", "float32", None),
    "ctranslate2 int8": ("ctranslate2", "int8", None),
}
"""Name → engine, dtype, sentences a batch in file order (None: sorted batches, of the size that is best for the peer)."""
PEER_TOKENS = (1024, 4096, 16_384)
"""Padded source tokens a batch that `ctranslate2` is tried with; its best counts."""
SEED = 20


@dataclass(slots=True)
class Side:
    """One engine with its settings, and what each pass took, in seconds of the clock and of the processor."""

    name: str
    engine: Engine
    batches: list[list[Request]]
    seconds: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)
    found: dict[int, Hypothesis] = field(default_factory=dict)

    def run(self) -> None:
        """One pass over all batches."""
        started, processor = time.perf_counter(), time.process_time()
        found = [hypothesis for batch in self.batches for hypothesis in self.engine.translate(batch)]
        self.seconds.append(time.perf_counter() - started)
        self.processor.append(time.process_time() - processor)
        self.found = {hypothesis.number: hypothesis for hypothesis in found}


def sorted_batches(requests: Sequence[Request], tokens: int) -> list[list[Request]]:
    """As the pipeline makes them."""
    lengths = [len(request.source) for request in requests]
    return [[requests[i] for i in batch] for batch in make_batches(lengths, tokens=tokens)]


def make_sides(model: Model, requests: list[Request], beams: int, names: Sequence[str]) -> Iterator[Side]:
    """Those whose packages are installed; a peer with each of its batch sizes."""
    for name in names:
        engine_name, dtype, size = SIDES[name]
        try:
            engine = load_engine(model, Settings(engine=engine_name, dtype=dtype, beams=beams, device="cpu"))
        except EngineError as error:
            print(f"{name}: {error.message}")
            continue
        list(engine.translate(requests[:16]))  # warm-up
        if engine.batch_independent:
            yield Side(name, engine, [requests])
        elif size:
            yield Side(name, engine, [requests[i : i + size] for i in range(0, len(requests), size)])
        elif engine_name == "ctranslate2":
            yield from (Side(f"{name}, {n} tokens", engine, sorted_batches(requests, n)) for n in PEER_TOKENS)
        else:
            yield Side(name, engine, sorted_batches(requests, engine.batch_tokens))


def measure_peak(seconds: float = 0.3) -> float:
    """FLOP/s of the best of some float32 products of 1024 × 1024 matrices."""
    a = torch.rand(1024, 1024)
    best, until = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < until:
        started = time.perf_counter()
        torch.mm(a, a)
        best = min(best, time.perf_counter() - started)
    return 2 * 1024**3 / best


def count_operations(model: Model, requests: Sequence[Request], found: dict[int, Hypothesis], beams: int) -> float:
    """FLOP of the matrix products that no way of decoding can do without: padding, attention and lost beams not counted."""
    config = json.loads((model.folder / "config.json").read_text(encoding="utf-8"))
    d, vocabulary = config["d_model"], config["vocab_size"]
    encoder = config["encoder_layers"] * (4 * d * d + 2 * d * config["encoder_ffn_dim"])
    decoder = config["decoder_layers"] * (6 * d * d + 2 * d * config["decoder_ffn_dim"]) + d * vocabulary
    memory = config["decoder_layers"] * 2 * d * d
    source = sum(len(request.source) for request in requests)
    target = sum(len(hypothesis.target) + 1 for hypothesis in found.values())
    return float(2 * (source * (encoder + memory) + target * beams * decoder))


def measure(sides: list[Side], repeats: int) -> list[float]:
    """Every side once a round; the matrix peak of each round."""
    shuffle = random.Random(SEED)
    peaks = []
    for _ in range(repeats):
        for side in shuffle.sample(sides, len(sides)):
            side.run()
        peaks.append(measure_peak())
    return peaks


def describe(side: Side, first: Side, operations: Callable[[Side], float], peak: float) -> dict[str, float | str]:
    """A side's figures."""
    tokens = sum(len(hypothesis.target) + 1 for hypothesis in side.found.values())
    same = sum(side.found[number].target == first.found[number].target for number in first.found)
    work = operations(side)
    return {
        "side": side.name,
        "seconds": round(median(side.seconds), 3),
        "processor_seconds": round(median(side.processor), 3),
        "target_tokens_per_second": round(tokens / median(side.seconds), 1),
        "ratio": round(median(s / f for s, f in zip(side.seconds, first.seconds, strict=True)), 3),
        "processor_ratio": round(median(s / f for s, f in zip(side.processor, first.processor, strict=True)), 3),
        "gflops": round(work / median(side.seconds) / 1e9, 2),
        "of_peak": round(work / median(side.seconds) / peak, 3),
        "same_targets": same,
    }


def run_beams(model: Model, requests: list[Request], beams: int, options: argparse.Namespace) -> dict[str, object]:
    """Measure, print one table, give its figures."""
    sides = list(make_sides(model, requests, beams, options.sides))
    peak = median(measure(sides, options.repeats))
    rows = [
        describe(side, sides[0], lambda side: count_operations(model, requests, side.found, beams), peak)
        for side in sides
    ]
    print(f"\n{beams} beams; float32 matrix peak {peak / 1e9:.0f} GFLOP/s on {torch.get_num_threads()} threads")
    print(f"{'':44} {'s':>8} {'cpu s':>8} {'tokens/s':>9} {'ratio':>7} {'cpu':>7} {'of peak':>8}  same targets")
    for row in rows:
        print(
            f"{row['side']:44} {row['seconds']:8} {row['processor_seconds']:8} {row['target_tokens_per_second']:9} "
            f"{row['ratio']:7} {row['processor_ratio']:7} {float(row['of_peak']):8.1%}  "
            f"{row['same_targets']} of {len(requests)}"
        )
    return {"beams": beams, "peak_gflops": round(peak / 1e9, 1), "rows": rows}


def main() -> None:
    """Measure, print the tables, end with one line of JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("files", nargs="+", metavar="FILE", type=Path)
    parser.add_argument("--model", help="default: as models.txt says")
    parser.add_argument("--beams", type=int, nargs="+", default=[1, 4], metavar="N")
    parser.add_argument("--repeats", type=int, default=3, metavar="N")
    parser.add_argument("--limit", type=int, help="only so many sentences, from the first")
    parser.add_argument("--threads", type=int, help="of each engine; default: torch's own")
    parser.add_argument("--sides", nargs="+", choices=SIDES, default=list(SIDES), metavar="SIDE")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
        os.environ["OMP_NUM_THREADS"] = str(options.threads)
    model = resolve_model(options.model).model
    lines = (line for path in options.files for line in path.read_text(encoding="utf-8").split("\n") if line.strip())
    requests = [Request(i, ids) for i, ids in enumerate(Tokenizer(model).encode(list(islice(lines, options.limit))))]
    print(f"{len(requests)} sentences, {model.short_name}, {options.repeats} rounds, load {os.getloadavg()[0]:.1f}")
    tables = [run_beams(model, requests, beams, options) for beams in options.beams]
    result = {"model": model.name, "sentences": len(requests), "threads": torch.get_num_threads(), "tables": tables}
    print(json.dumps(result | {"torch": str(torch.__version__), "load": round(os.getloadavg()[0], 2)}))


if __name__ == "__main__":
    main()
