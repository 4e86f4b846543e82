"""How often `translate bench` calls something faster that is not: benches of the same code, another load beside half of them.

`python benchmarks/false_alarms.py TEXT --benches 20` runs them one after the other with the engine `native` and budgets of tokens that
its slots never reach, so that all settings compute the same: whatever is called faster or slower, in the table, against the first
bench, or kept, is a false alarm. Half of the benches, drawn by chance, have as many busy processes beside them as `--load` says.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pages import replace_block
from translate.machine import processor_name

SAME = "8192,10000,12000"
"""Tokens, beside the default of 16,384: more than all slots of `native` on a CPU hold."""


@dataclass(frozen=True, slots=True)
class Alarms:
    """What one bench said of settings that are the same, and how far its intervals reached."""

    loaded: bool
    rows: int
    verdicts: int
    baseline_rows: int
    baseline: int
    kept: int
    rounds: int
    widest: float
    noise: str


def main() -> None:
    """Run the benches, print a line each, and the counts."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("text", help="sentences of which a few hundred are translated in each pass")
    parser.add_argument("--benches", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=30, help="for the measuring of each bench")
    parser.add_argument(
        "--load", type=int, default=os.cpu_count() or 1, help="busy processes beside half of the benches"
    )
    parser.add_argument(
        "--write", type=Path, metavar="PAGE.md", help="put the counts between the marks false-alarms in this page"
    )
    options = parser.parse_args()
    load = os.getloadavg()[0]
    order = [n % 2 == 1 for n in range(options.benches)]
    rest = order[1:]
    random.Random(1).shuffle(rest)  # the first one, which the others are compared with, is without load
    found = []
    print(f"{processor_name() or platform.machine()}, {os.cpu_count()} processors; load average {load:.1f} before")
    with tempfile.TemporaryDirectory() as folder:
        for number, loaded in enumerate([order[0], *rest]):
            with busy(options.load if loaded else 0):
                found.append(run_bench(options, Path(folder), first=number == 0, loaded=loaded))
            print(number + 1, found[-1], flush=True)
    counts = f"{format_counts(found)} ({processor_name() or platform.machine()}, {os.cpu_count()} processors, load average {load:.1f} before)."
    print(counts)
    if options.write:
        replace_block(options.write, "false-alarms", counts)


def format_counts(found: list[Alarms]) -> str:
    """The counts in one line."""
    return (
        f"{len(found)} benches, {sum(alarms.loaded for alarms in found)} of them beside another load: "
        f"{sum(alarms.verdicts for alarms in found)} of {sum(alarms.rows for alarms in found)} settings falsely called faster or slower, "
        f"{sum(alarms.baseline for alarms in found)} of {sum(alarms.baseline_rows for alarms in found)} rows against the first bench, "
        f"{sum(alarms.kept for alarms in found)} advices kept"
    )


@contextmanager
def busy(count: int) -> Iterator[None]:
    """So many processes that do nothing but compute, for as long as the block lasts."""
    burning = [multiprocessing.get_context("spawn").Process(target=burn, daemon=True) for _ in range(count)]
    for process in burning:
        process.start()
    try:
        yield
    finally:
        for process in burning:
            process.terminate()
            process.join()


def burn() -> None:
    """Compute until killed."""
    number = 1
    while True:
        number = number * 1_103_515_245 % 2_147_483_647


def run_bench(options: argparse.Namespace, folder: Path, *, first: bool, loaded: bool) -> Alarms:
    """One bench as a user runs it, with a cache of its own, and what it said."""
    command = f"{sys.executable} -m translate bench {options.text} --model tiny-de-en --engines native".split()
    command += ["--batch-tokens", SAME, "--seconds", str(options.seconds), "--output", str(folder / "out"), "--quiet"]
    if not first:
        command += ["--baseline", str(folder / "first.json")]
    environment = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache")}
    subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
    text = (folder / "out" / "bench.json").read_text(encoding="utf-8")
    if first:
        (folder / "first.json").write_text(text, encoding="utf-8")
    return count_alarms(json.loads(text), loaded=loaded)


def count_alarms(bench: dict[str, Any], *, loaded: bool) -> Alarms:
    """What a bench.json says of rows that are the same."""
    rows = [row for row in bench["measurements"] if not row["default"]]
    ratios = [row["against_default"] for row in rows if "against_default" in row]
    baseline = [row["baseline"] for row in bench["measurements"] if "baseline" in row]
    return Alarms(
        loaded=loaded,
        rows=len(ratios),
        verdicts=sum(ratio["verdict"] in ("faster", "slower") for ratio in ratios),
        baseline_rows=len(baseline),
        baseline=sum(change["real"] for change in baseline),
        kept=sum(not found["capped"] for found in bench["recommendations"]),
        rounds=max(len(row["seconds"]) for row in bench["measurements"]),
        widest=max((round(ratio["high"] / ratio["low"], 2) for ratio in ratios), default=0.0),
        noise=bench["noise"],
    )


if __name__ == "__main__":
    main()
