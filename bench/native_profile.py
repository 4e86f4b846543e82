"""Where does a decoding step of the engine `native` spend its time, and how far is it from what the machine could do?

    python bench/native_profile.py [--model NAME] [--dtypes D …] [--rows N …] [--beams N] [--columns N] [--profile]

One thread. All slots hold sources of `--columns` tokens and are moved from that position on, a step at a time: the
arithmetic of a real step, on tokens that don't matter. Printed for each number of rows: the milliseconds of a step, of
these in the decoder and in the search, tokens a second, GFLOP/s of the products that cannot be done without against the
float32 matrix peak measured in the same run, and the bytes that have to be read once a step (weights, caches, logits)
over the bandwidth of a copy. With --profile, the shares of time by operation (torch.profiler). The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

import torch
from torch.profiler import ProfilerActivity, profile

from native import measure_peak
from translate.catalog import resolve_model
from translate.engine_native import NativeEngine
from translate.engine_native_search import Search, make_search
from translate.engine_native_steps import Decoder
from translate.records import Model, Settings

STEPS = 20
BYTES = {"float32": 4, "bfloat16": 2, "int8": 1}


@dataclass(slots=True)
class Bench:
    """Slots in the middle of their work."""

    decoder: Decoder
    search: Search
    slots: int
    decoding: float = 0.0
    searching: float = 0.0

    def step(self) -> None:
        """One token more for every slot, timed."""
        n = self.slots
        started = time.perf_counter()
        logits = self.decoder.step(self.search.tokens[:n], self.search.positions[:n], long=0)
        middle = time.perf_counter()
        _, parents = self.search.advance(n, logits)
        if parents is not None:
            self.decoder.reorder(n, parents)
        self.decoding += middle - started
        self.searching += time.perf_counter() - middle


def prepare(engine: NativeEngine, rows: int, columns: int) -> Bench:
    """Sources and pasts of so many columns in every slot."""
    weights, rules = engine._weights, engine._rules
    slots = rows // rules.beams
    search = make_search(rules, slots, 2 * columns + 4 * STEPS, weights)
    decoder = Decoder(weights, slots, rules.beams)
    head = weights.d // weights.decoder_heads
    memory = torch.randn(slots, columns, len(weights.decoder), 2, weights.decoder_heads, head)
    decoder.start(torch.arange(slots), memory, torch.full((slots,), columns))
    search.start(torch.arange(slots), torch.full((slots,), 2 * columns + 4 * STEPS))
    bench = Bench(decoder, search, slots)
    for _ in range(columns):
        bench.step()
    bench.decoding = bench.searching = 0.0
    return bench


def measure_bandwidth(size: int = 1 << 26) -> float:
    """Bytes read and written a second by a copy that no cache holds."""
    source, target = torch.ones(size), torch.zeros(size)

    def copy() -> float:
        started = time.perf_counter()
        target.copy_(source)
        return time.perf_counter() - started

    return 8 * size / min(copy() for _ in range(5))


def count_work(engine: NativeEngine, rows: int, columns: int, dtype: str) -> tuple[float, float]:
    """FLOP of a step's products, attention included; bytes that it has to read once: weights, caches, logits."""
    weights = engine._weights
    layer = weights.decoder[0]
    assert layer.cross_query is not None
    assert layer.cross_out is not None
    dense = (layer.qkv, layer.out, layer.cross_query, layer.cross_out, layer.up, layer.down)
    layers = len(weights.decoder)
    multiplied = layers * sum(d.inputs * d.width for d in dense) + weights.logits.inputs * weights.logits.width
    past = columns + STEPS // 2
    attention = layers * 2 * weights.d * (past + columns)
    cached = 4 * layers * 2 * weights.d * (rows * past + rows // engine._rules.beams * columns)
    logits = 4 * rows * weights.logits.width
    return 2.0 * rows * (multiplied + attention), float(BYTES[dtype] * multiplied + cached + logits)


def show_profile(step: Callable[[], None]) -> dict[str, float]:
    """Shares of the processor's time by operation, those above one hundredth."""
    with profile(activities=[ProfilerActivity.CPU]) as recorded:
        for _ in range(STEPS):
            step()
    events = recorded.key_averages()
    whole = sum(event.self_cpu_time_total for event in events)
    shares = {event.key: event.self_cpu_time_total / whole for event in events}
    found = {name: round(share, 3) for name, share in sorted(shares.items(), key=lambda item: -item[1]) if share > 0.01}
    print("      " + ", ".join(f"{name} {share:.1%}" for name, share in found.items()))
    return found


def measure(model: Model, dtype: str, rows: int, options: argparse.Namespace) -> dict[str, object]:
    """One line of the table."""
    settings = Settings(engine="native", dtype=dtype, device="cpu", beams=options.beams)
    engine = NativeEngine(model, settings)
    bench = prepare(engine, rows, options.columns)
    peak, seconds, decoding = measure_peak(), [], []
    for _ in range(STEPS):
        bench.decoding = bench.searching = 0.0
        bench.step()
        seconds.append(bench.decoding + bench.searching)
        decoding.append(bench.decoding)
    work, read = count_work(engine, rows, options.columns, dtype)
    step = median(seconds)
    figures: dict[str, object] = {
        "dtype": dtype,
        "rows": rows,
        "ms": round(1000 * step, 2),
        "decoder_ms": round(1000 * median(decoding), 2),
        "tokens_per_second": round(rows / step),
        "gflops": round(work / step / 1e9, 1),
        "of_peak": round(work / step / peak, 3),
        "gbytes_per_second": round(read / step / 1e9, 2),
        "of_bandwidth": round(read / step / options.bandwidth, 3),
    }
    print(
        f"{dtype:9} {rows:5} {figures['ms']:8} {figures['decoder_ms']:8} {figures['tokens_per_second']:9} "
        f"{figures['gflops']:8} {work / step / peak:8.1%} {figures['gbytes_per_second']:8} {read / step / options.bandwidth:8.1%}"
    )
    if options.profile:
        figures["shares"] = show_profile(bench.step)
    return figures


def main() -> None:
    """Measure, print the table, end with one line of JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", default="tiny-de-en")
    parser.add_argument("--dtypes", nargs="+", default=["float32", "int8"], choices=BYTES)
    parser.add_argument("--rows", type=int, nargs="+", default=[32, 128, 256, 512], metavar="N")
    parser.add_argument("--beams", type=int, default=1)
    parser.add_argument(
        "--columns", type=int, default=24, help="source tokens, and target tokens before the first step"
    )
    parser.add_argument("--profile", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    model = resolve_model(options.model).model
    options.bandwidth, peak = measure_bandwidth(), measure_peak()
    print(f"{model.short_name}, {options.beams} beams, {options.columns} columns, one thread")
    print(f"float32 matrix peak {peak / 1e9:.0f} GFLOP/s, copying {options.bandwidth / 1e9:.1f} GB/s")
    print("dtype      rows  ms/step  decoder  tokens/s  GFLOP/s  of peak     GB/s  of copying")
    with torch.inference_mode():
        rows = [measure(model, dtype, rows, options) for dtype in options.dtypes for rows in options.rows]
    result = {"model": model.name, "beams": options.beams, "columns": options.columns, "rows": rows}
    print(json.dumps(result | {"peak": peak, "bandwidth": options.bandwidth, "torch": str(torch.__version__)}))


if __name__ == "__main__":
    main()
