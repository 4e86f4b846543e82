"""Where does the engine `native` spend its time, and how far is it from what the machine could do?

    python benchmarks/native_profile.py [--model NAME] [--dtypes D …] [--beams N …] [--limit N] [--write FILE] SOURCE

A line of SOURCE is a sentence. The compiled engine is compiled once more with a clock around each of its parts, and
translates all lines on one thread. Printed for each number type: the share of the time, the operations a second (two for
a multiplication with addition) and the bytes of weights and caches read a second of each part; and of the whole, beside
what the same processor does in the same run: torch's product of large float32 and bfloat16 matrices, and reading memory
that no second-level cache holds; the peak is that of products whose numbers stay in registers. Before these, the engine's other form in float32, which computes with torch, by
torch.profiler. The last line is JSON.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile

from pages import replace_block
from translate.engines.base import row_limit
from translate.engines.native import compiled
from translate.engines.native import kernels as kernels_module
from translate.engines.native.engine import NativeEngine
from translate.engines.native.kernels import Loaded, chosen_kernels
from translate.engines.native.rules import Task, Tasks
from translate.engines.native.variants import FLAGS, VARIANTS
from translate.machine import machine_kind
from translate.model.catalog import resolve_model
from translate.model.tokenizer import Tokenizer
from translate.records import Model, Request, Settings

PARTS = ("products", "attention", "normalisation", "logits", "choosing tokens")
"""As `profile.h` numbers them, for the encoder and for the decoder."""
SIZE = 2048
READ_BYTES = 1 << 25


def fastest(work: Callable[[], object], tries: int = 5) -> float:
    """Seconds of the fastest of a few tries."""

    def once() -> float:
        began = time.perf_counter()
        work()
        return time.perf_counter() - began

    return min(once() for _ in range(tries))


def measure_peaks(library: ctypes.CDLL) -> dict[str, float]:
    """Operations a second of each type in registers, and of torch's large products; bytes a second of a reading sum. One thread."""
    torch.set_num_threads(1)
    peaks = {}
    for dtype in (torch.float32, torch.bfloat16):
        a, b = torch.ones(SIZE, SIZE, dtype=dtype), torch.ones(SIZE, SIZE, dtype=dtype)
        peaks[str(dtype)] = 2 * SIZE**3 / fastest(lambda a=a, b=b: a @ b)  # type: ignore[misc]
    library.peak.restype, library.peak.argtypes = ctypes.c_double, [ctypes.c_int64]
    peaks |= {name: max(library.peak(number) for _ in range(5)) for name, number in compiled.TYPES.items()}
    memory = torch.ones(READ_BYTES // 8, dtype=torch.int64)
    return peaks | {"bytes": READ_BYTES / fastest(memory.sum)}


def compile_profiled() -> ctypes.CDLL:
    """The kernels that this machine would use, with clocks."""
    chosen = chosen_kernels()
    if chosen is None:
        raise SystemExit("no kernels are built here: there is no profile")
    variant = next(variant for variant in VARIANTS if variant.name == chosen.name)
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / variant.file
        source = compiled.FOLDER / "engine.c"
        subprocess.run(["cc", *FLAGS, *variant.flags, "-DPROFILE", "-o", str(made), str(source), "-lm"], check=True)
        return compiled.declare(ctypes.CDLL(str(made)))


def measure(model: Model, settings: Settings, texts: list[str]) -> dict[str, Any]:
    """Translate twice, the second time counted: seconds, target tokens, and each part's seconds, operations, bytes."""
    engine = NativeEngine(model, settings)
    if engine._compiled is None:
        raise SystemExit("the engine is not compiled here: there is no profile")
    requests = [Request(i, ids) for i, ids in enumerate(Tokenizer(model).encode(texts))]
    list(engine.translate(requests))
    figures = (ctypes.c_double * (2 * len(PARTS) * 3)).in_dll(engine._compiled.library, "profile")
    ctypes.memset(figures, 0, ctypes.sizeof(figures))
    began = time.perf_counter()
    tokens = sum(len(hypothesis.target) + 1 for hypothesis in engine.translate(requests))
    seconds = time.perf_counter() - began
    parts = []
    for number, name in enumerate([f"{side}: {part}" for side in ("encoder", "decoder") for part in PARTS]):
        spent, multiplied, read = figures[3 * number : 3 * number + 3]
        if spent:
            parts.append({"part": name, "seconds": spent, "operations": 2 * multiplied, "bytes": read})
    return {"dtype": settings.dtype, "beams": settings.beams, "seconds": seconds, "tokens": tokens, "parts": parts}


def profile_torch(model: Model, texts: list[str]) -> dict[str, Any]:
    """The form of the engine that computes with torch: target tokens a second, shares of time by operation."""
    kernels_module.chosen_kernels = lambda: None
    engine = NativeEngine(model, Settings(engine="native", device="cpu", dtype="float32", beams=1))
    requests = [Request(i, ids) for i, ids in enumerate(Tokenizer(model).encode(texts))]
    list(engine.translate(requests[:64]))
    began = time.perf_counter()
    tokens = sum(len(hypothesis.target) + 1 for hypothesis in engine.translate(requests))
    seconds = time.perf_counter() - began
    longest_first = sorted(requests, key=lambda request: -len(request.source))
    jobs = [Task(request, row_limit(len(request.source), engine._positions)) for request in longest_first]
    with profile(activities=[ProfilerActivity.CPU]) as recorded:  # of this thread alone
        list(engine._decode(Tasks(jobs), jobs, 1, safer=False))
    events = sorted(recorded.key_averages(), key=lambda event: -event.self_cpu_time_total)
    whole = sum(event.self_cpu_time_total for event in events)
    shares = {event.key.removeprefix("aten::"): round(event.self_cpu_time_total / whole, 3) for event in events[:8]}
    return {"tokens_per_second": tokens / seconds, "shares": shares}


def render(result: dict[str, Any], peaks: dict[str, float]) -> str:
    """A table in Markdown."""
    seconds, peak = result["seconds"], peaks[result["dtype"]]
    lines = [
        f"{result['dtype']}, {result['beams']} beams: {result['tokens'] / seconds:,.0f} target tokens/s",
        "",
        "| part | time | GFLOP/s | of the peak | GB/s read | of reading |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    named = sum(part["seconds"] for part in result["parts"])
    whole = {key: sum(part[key] for part in result["parts"]) for key in ("operations", "bytes")}
    rest = {"part": "the rest", "seconds": seconds - named, "operations": 0, "bytes": 0}
    for part in [*result["parts"], rest, {"part": "all", "seconds": seconds, **whole}]:
        work, read = part["operations"] / part["seconds"], part["bytes"] / part["seconds"]
        did = f"{work / 1e9:.0f} | {work / peak:.0%}" if work else " | "
        took = f"{read / 1e9:.1f} | {read / peaks['bytes']:.0%}" if read else " | "
        lines.append(f"| {part['part']} | {part['seconds'] / seconds:.1%} | {did} | {took} |")
    return "\n".join(lines)


def main() -> None:
    """Measure, print the tables, end with one line of JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("source", type=Path)
    parser.add_argument("--model", default="tiny-de-en")
    parser.add_argument("--dtypes", nargs="+", default=["float32", "bfloat16", "int8"], choices=compiled.TYPES)
    parser.add_argument("--beams", type=int, nargs="+", default=[1])
    parser.add_argument("--limit", type=int, help="only so many lines, from the first")
    parser.add_argument("--write", type=Path, help="a file whose block `profile` is written anew")
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    library = compile_profiled()
    model = resolve_model(options.model).model
    texts = list(islice(options.source.read_text(encoding="utf-8").splitlines(), options.limit))
    peaks, before = measure_peaks(library), profile_torch(model, texts)
    kernels_module.chosen_kernels = lambda: Loaded("profiled", library)
    settings = [Settings(device="cpu", dtype=dtype, beams=n) for dtype in options.dtypes for n in options.beams]
    results = [measure(model, each, texts) for each in settings]
    setup = (
        f"{len(texts):,} sentences of {options.source.name}, {model.short_name}; one thread of {machine_kind()['processor']}, "
        f"which in registers does {peaks['float32'] / 1e9:,.0f} GFLOP/s in float32, {peaks['bfloat16'] / 1e9:,.0f} in bfloat16 "
        f"and {peaks['int8'] / 1e9:,.0f} in int8, on which torch multiplies large matrices at "
        f"{peaks['torch.float32'] / 1e9:,.0f} in float32 and {peaks['torch.bfloat16'] / 1e9:,.0f} in bfloat16, and which reads "
        f"{peaks['bytes'] / 1e9:.1f} GB/s."
    )
    shares = ", ".join(f"{name} {share:.0%}" for name, share in before["shares"].items())
    torchs = (
        f"With torch, float32: {before['tokens_per_second']:,.0f} target tokens/s; {shares} of the time in operations."
    )
    text = "\n\n".join([setup, torchs, *(render(result, peaks) for result in results)])
    print(text)
    if options.write:
        replace_block(options.write, "profile", text)
    print(
        json.dumps(
            {"model": model.name, "fingerprint": model.fingerprint, "peaks": peaks, "torch": before, "results": results}
        )
    )


if __name__ == "__main__":
    main()
