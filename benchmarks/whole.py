"""How much of the engine's own rate is left of a whole command: splitting, tokenising, checks, memory and writing included.

    python benchmarks/whole.py SENTENCES.de [--sentences 20000] [--repeats 3] [--write docs/engines.md] [-- OPTIONS]

The command translates the lines as one file, into a new folder. The engine gets the token ids of the same sentences, all made
beforehand, and gives token ids. They take turns; each share is of one turn. OPTIONS are of `translate` (default: the bundled
model, the engine native, int8, greedy); the seconds leave loading out on both sides.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from pages import replace_block
from translate.machine import machine_kind
from translate.model.catalog import resolve_model
from translate.records import Request, Settings
from translate.run.loading import LoadedModel, load


@dataclass(frozen=True, slots=True)
class Turn:
    """Seconds of translating, on the clock and of the processors."""

    wall: float
    processor: float


def measure_command(file: Path, options: list[str]) -> tuple[Turn, int]:
    """The command in a new process, and how many sentences it found."""
    code = (
        "import json, resource, sys\nfrom translate.__main__ import main\ntry:\n    main()\nfinally:\n"
        "    used = resource.getrusage(resource.RUSAGE_SELF)\n    print(used.ru_utime + used.ru_stime)\n"
    )
    with tempfile.TemporaryDirectory() as output:
        command = [sys.executable, "-c", code, str(file), "--output", output, "--json", "--quiet", *options]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    *_, summary, used = done.stdout.splitlines()
    fields = json.loads(summary)
    return Turn(fields["seconds"], float(used)), fields["sentences"]


def measure_engine(model: LoadedModel, requests: list[Request]) -> Turn:
    """The engine alone, from token ids to token ids."""
    started, used = time.perf_counter(), time.process_time()
    for _ in model.engine.translate(requests):
        pass
    return Turn(time.perf_counter() - started, time.process_time() - used)


def main() -> None:
    """Measure in turns, and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", type=Path, help="a German sentence a line")
    parser.add_argument("--sentences", type=int, default=20_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--dtype", default="int8")
    parser.add_argument("--beams", type=int, default=1)
    parser.add_argument("--write", type=Path, help="a page whose block `whole` is written anew")
    options = parser.parse_args()
    chosen = Settings(engine="native", dtype=options.dtype, beams=options.beams)
    model = load(resolve_model("tiny-de-en", None).model, chosen)
    lines = options.text.read_text(encoding="utf-8").splitlines()[: options.sentences]
    requests = [Request(number, ids) for number, ids in enumerate(model.tokenizer.encode(lines))]
    arguments = ["--model", "tiny-de-en", "--engine", "native", "--dtype", options.dtype, "--beams", str(options.beams)]
    shares: list[tuple[float, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "text.txt"
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        for _ in range(options.repeats):
            engine = measure_engine(model, requests)
            command, sentences = measure_command(file, arguments)
            scale = sentences / len(lines)  # a line may be two sentences to the command
            shares.append((engine.wall / command.wall, engine.processor / command.processor))
            print(
                f"engine {engine.wall:.1f} s ({engine.processor:.1f} of processors), command {command.wall:.1f} s",
                end="",
            )
            print(f" ({command.processor:.1f}): {shares[-1][0]:.0%}, {sentences} sentences ({scale:.2f} a line)")
    wall, processor = (median(share) for share in zip(*shares, strict=True))
    kind = machine_kind()["processor"]
    text = (
        f"{len(lines):,} lines, {options.dtype}, {options.beams} beam{'s' * (options.beams > 1)}: the whole command reaches "
        f"{wall:.0%} of the engine's own rate (median of {options.repeats}; {processor:.0%} by processor seconds, loading "
        f"included; {kind})."
    )
    print(text)
    if options.write:
        replace_block(options.write, "whole", text)
    print(json.dumps({"wall": wall, "processor": processor, "turns": shares}))


if __name__ == "__main__":
    main()
