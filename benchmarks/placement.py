"""Many workers of few threads, or one of many? Within a process, or in several? For each engine, on the same text.

    python benchmarks/placement.py [--model NAME] [--engines E …] [--dtype D] [--beams N] [--limit N] [--repeats N]
                              [--write FILE] SOURCE

A line of SOURCE is a sentence. Every placement is loaded in processes of its own, which wait without using a processor
while others have their turn; several processes get equal shares of the sentences, and the time is that of the last one.
The placements take turns in random order. Printed: sentences a second, median and quartiles, and how many times that of
one thread in one process; the last line is JSON. `native` has workers that share nothing but the sentences still to do:
in its compiled form each is one thread. CTranslate2 calls workers `inter_threads`, and their threads `intra_threads`.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from itertools import islice
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from pages import replace_block
from translate.bench.measurements import quartiles
from translate.engines.base import Engine, load_engine
from translate.machine import machine_kind
from translate.model.catalog import resolve_model
from translate.model.tokenizer import Tokenizer
from translate.records import Model, Request, Settings
from translate.run.windows import make_batches

NATIVE, TORCH = "native", "native, with torch"
ENGINES = (NATIVE, TORCH, "ctranslate2", "transformers")
WARMUP = 16
SEED = 20


@dataclass(frozen=True, slots=True)
class Placement:
    """How an engine is spread: processes, workers in each, threads of each worker."""

    engine: str
    processes: int
    workers: int
    threads: int


@dataclass(slots=True)
class Side:
    """A placement, the ends of its processes' connections, the seconds of each turn."""

    placement: Placement
    connections: list[Connection]
    seconds: list[float] = field(default_factory=list)

    def translate(self, requests: Sequence[Request]) -> float:
        """Seconds until the last process has translated its share."""
        began = time.perf_counter()
        for number, connection in enumerate(self.connections):
            connection.send(requests[number :: len(self.connections)])
        for connection in self.connections:
            connection.recv()
        return time.perf_counter() - began


def choose_placements(engine: str, cores: int) -> list[Placement]:
    """One thread; all processors as threads, as workers and as processes; of `native` more workers than processors, too."""
    spread = {
        NATIVE: [(1, cores, 1), (cores, 1, 1), (1, 2 * cores, 1), (cores, cores, 1)],
        TORCH: [(1, 1, cores), (1, cores, 1), (cores, 1, 1)],
        "ctranslate2": [(1, 1, cores), (1, cores, 1), (cores, 1, 1)],
        "transformers": [(1, 1, cores), (cores, 1, 1)],
    }
    return [Placement(engine, *each) for each in dict.fromkeys([(1, 1, 1), *spread[engine]])]


def load(placement: Placement, model: Model, settings: Settings) -> Engine:
    """The engine, placed so: how many threads there are is read when torch or ctranslate2 is imported."""
    native, ct2 = placement.engine in (NATIVE, TORCH), placement.engine == "ctranslate2"
    os.environ["OMP_NUM_THREADS"] = str(placement.workers * (1 if ct2 else placement.threads))
    if placement.engine == TORCH:
        from translate.engines.native import kernels as kernels_module
        from translate.engines.native import torch_form

        kernels_module.chosen_kernels = lambda: None
        torch_form.MOST_WORKERS = placement.workers
    engine: Any = load_engine(model, settings)
    if native and (engine._compiled is None) != (placement.engine == TORCH):
        sys.exit("the engine 'native' is not compiled here: leave it out with --engines")
    if ct2:
        import ctranslate2

        from translate.engines.ctranslate2 import converted_folder

        engine._translator = ctranslate2.Translator(
            str(converted_folder(model)),
            compute_type=engine.dtype,
            inter_threads=placement.workers,
            intra_threads=placement.threads,
        )
    return engine  # type: ignore[no-any-return]


def serve(connection: Connection, placement: Placement, model: Model, settings: Settings) -> None:
    """Load, then translate whatever comes, in batches as the pipeline makes them, until the connection ends."""
    engine = load(placement, model, settings)
    connection.send(None)
    while True:
        try:
            requests = connection.recv()
        except EOFError:
            return
        batches = make_batches([len(request.source) for request in requests], tokens=engine.batch_tokens)
        streams = [[i for batch in batches for i in batch]] if engine.batch_independent else batches
        connection.send(sum(1 for stream in streams for _ in engine.translate([requests[i] for i in stream])))


def start(placement: Placement, model: Model, settings: Settings) -> Side:
    """Its processes, loaded."""
    context, connections = multiprocessing.get_context("spawn"), []
    for _ in range(placement.processes):
        ours, theirs = context.Pipe()
        context.Process(target=serve, args=(theirs, placement, model, settings), daemon=True).start()
        theirs.close()
        connections.append(ours)
    for connection in connections:
        connection.recv()
    return Side(placement, connections)


def measure(sides: Sequence[Side], requests: Sequence[Request], repeats: int) -> None:
    """Fill in the seconds: a short turn each to warm up, then the rounds."""
    for side in sides:
        side.translate(requests[: WARMUP * side.placement.processes])
    shuffle = random.Random(SEED)
    for number in range(repeats):
        for side in shuffle.sample(sides, len(sides)):
            side.seconds.append(side.translate(requests))
        print(f"round {number + 1} of {repeats}", file=sys.stderr, flush=True)


def describe(sides: Sequence[Side], count: int) -> list[dict[str, Any]]:
    """Each placement's figures, an engine's first being what the others are compared with."""
    rows: list[dict[str, Any]] = []
    single: dict[str, float] = {}
    for side in sides:
        rate = quartiles([count / seconds for seconds in side.seconds])
        base = single.setdefault(side.placement.engine, rate.median)
        figures = {name: round(getattr(rate, name), 1) for name in ("median", "low", "high")}
        rows.append({**asdict(side.placement), **figures, "ratio": round(rate.median / base, 2)})
    return rows


def render(rows: Sequence[dict[str, Any]], setup: str) -> str:
    """The table in Markdown, and what it was measured on."""
    lines = ["| | processes × workers × threads | sentences/s | × |", "|---|---:|---:|---:|"]
    lines += [
        "| {engine} | {processes} × {workers} × {threads} | {median} ({low}–{high}) | {ratio} |".format_map(row)
        for row in rows
    ]
    return "\n".join([*lines, "", setup])


def main() -> None:
    """Measure, print the table, end with one line of JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("source", type=Path)
    parser.add_argument("--model", default="tiny-de-en")
    parser.add_argument("--engines", nargs="+", default=list(ENGINES), choices=ENGINES, metavar="ENGINE")
    parser.add_argument("--dtype", default="float32", help="of all engines; of what has it, leave the others out")
    parser.add_argument("--beams", type=int, default=1)
    parser.add_argument("--limit", type=int, help="only so many lines, from the first")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--write", type=Path, help="a file whose block `placement` is written anew")
    options = parser.parse_args()
    model, machine = resolve_model(options.model).model, machine_kind()
    texts = list(islice(options.source.read_text(encoding="utf-8").splitlines(), options.limit))
    requests = [Request(i, ids) for i, ids in enumerate(Tokenizer(model).encode(texts))]
    requests.sort(key=lambda request: -len(request.source))
    sides = [
        start(
            placement,
            model,
            Settings(engine=name.partition(",")[0], device="cpu", dtype=options.dtype, beams=options.beams),
        )
        for name in options.engines
        for placement in choose_placements(name, int(machine["cpus"]))
    ]
    load_average = os.getloadavg()[0]
    measure(sides, requests, options.repeats)
    rows = describe(sides, len(requests))
    what = f"{len(requests):,} sentences of {options.source.name}, {model.short_name}, {options.dtype}, {options.beams} beams"
    where = f"{options.repeats} rounds, {machine['cpus']} cores of {machine['processor']}"
    text = render(rows, f"{what}; {where}.")
    print(text)
    if options.write:
        replace_block(options.write, "placement", text)
    result = {"model": model.name, "fingerprint": model.fingerprint, "rows": rows, "load": round(load_average, 2)}
    print(json.dumps({**result, "machine": machine}))


if __name__ == "__main__":
    main()
