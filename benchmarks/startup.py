"""How long from the start of the program to the first translated row, and to the end of a short text?

    python benchmarks/startup.py [--repeats 5] [--write docs/engines.md] [FILE] [-- OPTIONS OF translate …]

Starts the command in an empty folder and looks, every 10 ms, whether its translation memory holds a row. Prints the
seconds of each repeat and the median; the last line is JSON. The first start on a machine also compiles and reads the
libraries from disk: it is shown apart, as `cold`.
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
from pathlib import Path
from statistics import median

from pages import replace_block
from translate.machine import machine_kind

SENTENCES = "Ein Mann spielt Gitarre. Das Wetter ist heute schön, aber morgen soll es regnen.\n"


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
    given = sys.argv[1:]
    cut = given.index("--") if "--" in given else len(given)
    arguments, options = parser.parse_args(given[:cut]), given[cut + 1 :]
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
