"""How long from the start of the program to the first translated row, and to the end of a short text?

    python benchmarks/startup.py [--repeats 5] [--write docs/engines.md] [FILE] [-- OPTIONS OF translate …]
    python benchmarks/startup.py --parts [--repeats 5] [--write docs/engines.md]

Starts the command in an empty folder and looks, every 10 ms, whether its translation memory holds a row. Prints the
seconds of each repeat and the median; the last line is JSON. The first start on a machine also compiles and reads the
libraries from disk: it is shown apart, as `cold`. With --parts: what each part of the start costs, in milliseconds of processor
time, beside the import of torch, which is not among them.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from statistics import median

from pages import replace_block
from translate.machine import machine_kind

SENTENCES = "Ein Mann spielt Gitarre. Das Wetter ist heute schön, aber morgen soll es regnen.\n"


PARTS = """
import time
marks = [time.process_time()]
def mark(): marks.append(time.process_time())
import translate.cli.app; mark()
from translate.cli import run; import translate.run.pipeline; mark()
from translate.model.catalog import resolve_model; model = resolve_model("tiny-de-en", None).model; mark()
from translate.model.tokenizer import Tokenizer; tokenizer = Tokenizer(model); mark()
import translate.engines.native.engine; mark()
from translate.engines.base import choose_engine
from translate.run.loading import check_canary, make_check
from translate.records import Settings
engine = choose_engine(model, Settings(), make_check(model, tokenizer)).engine; mark()
check_canary(model, engine, tokenizer); mark()
print(*marks)
"""
"""Prints the seconds at which each part begins, and the last ends."""
NAMES = (
    "Python",
    "the command line (typer)",
    "the pipeline (sentence rules, SQLite)",
    "the model's files, their fingerprint",
    "SentencePiece and Moses rules",
    "numpy, the kernels",
    "weights read, packed and checked",
    "the canary",
)
IMPORT_TORCH = "import torch, time; print(time.process_time())"


def measure_parts() -> list[float]:
    """Seconds of processor time of each of NAMES, and of importing torch with Python."""

    def printed(code: str) -> list[float]:
        command = [sys.executable, "-c", code]
        return list(map(float, subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.split()))

    marks = printed(PARTS)
    parts = [marks[0], *(later - earlier for earlier, later in pairwise(marks))]
    return [*parts, *printed(IMPORT_TORCH)]


def report_parts(repeats: int) -> str:
    """The table, as Markdown."""
    *parts, torch = map(median, zip(*(measure_parts() for _ in range(repeats)), strict=True))
    rows = [
        *zip(NAMES, parts, strict=True),
        ("**together**", sum(parts)),
        ("for comparison: `python -c 'import torch'`", torch),
    ]
    lines = [
        "| part | ms of processor time |",
        "|---|---:|",
        *(f"| {name} | {seconds * 1000:.0f} |" for name, seconds in rows),
    ]
    return "\n".join([*lines, "", f"Median of {repeats}; {machine_kind()['processor']}."])


def has_row(memory: Path) -> bool:
    """Whether a run has committed something there."""
    try:
        with closing(sqlite3.connect(f"file:{memory}?mode=ro", uri=True)) as database:
            return database.execute("SELECT 1 FROM translation LIMIT 1").fetchone() is not None
    except sqlite3.OperationalError:
        return False


def measure(text: str, options: list[str]) -> tuple[float, float]:
    """Seconds to the first row, and to the end."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "a.txt").write_text(text, encoding="utf-8")
        code = "from translate.__main__ import main; main()"
        started = time.perf_counter()
        process = subprocess.Popen([sys.executable, "-c", code, "a.txt", "--quiet", *options], cwd=folder)
        first = None
        while process.poll() is None:
            if first is None and any(has_row(path) for path in folder.glob("out/*/memory.sqlite")):
                first = time.perf_counter() - started
            time.sleep(0.01)
        if process.returncode:
            sys.exit(f"translate ended with status {process.returncode}")
        whole = time.perf_counter() - started
        return first or whole, whole


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--write", type=Path, help="a file whose block `startup` is written anew")
    parser.add_argument("--parts", action="store_true", help="what the start consists of (block `startup-parts`)")
    given = sys.argv[1:]
    cut = given.index("--") if "--" in given else len(given)
    arguments, options = parser.parse_args(given[:cut]), given[cut + 1 :]
    if arguments.parts:
        table = report_parts(arguments.repeats)
        print(table)
        if arguments.write:
            replace_block(arguments.write, "startup-parts", table)
        return
    text = arguments.file.read_text(encoding="utf-8") if arguments.file else SENTENCES
    chosen = options or ["--model", "tiny-de-en"]
    cold, *warm = [measure(text, chosen) for _ in range(arguments.repeats + 1)]
    print(f"cold: first row {cold[0]:.1f} s, end {cold[1]:.1f} s")
    for first, whole in warm:
        print(f"      first row {first:.1f} s, end {whole:.1f} s")
    medians = {"first_row": median(first for first, _ in warm), "end": median(whole for _, whole in warm)}
    print(f"median of {len(warm)}: first row {medians['first_row']:.1f} s, end {medians['end']:.1f} s")
    if arguments.write:
        text = f"first row after {medians['first_row']:.1f} s, end after {medians['end']:.1f} s"
        replace_block(
            arguments.write,
            "startup",
            f"`translate a.txt {' '.join(chosen)}`: {text} (median of {len(warm)}; {machine_kind()['processor']}).",
        )
    print(json.dumps({"cold": cold, "warm": warm, **medians}))


if __name__ == "__main__":
    main()
