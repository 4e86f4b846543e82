"""What does Ray cost, what do more workers bring, and what would a billion sentences take?

    python benchmarks/cluster.py [--engine native] [--beams 1] [--sentences N] [--write docs/cluster.md] FILE…

A line of the files is a sentence. The same text is translated by the plain command and with --ray local, with one worker
and with two, each on one thread. A rate is counted between the first commit to the memory and the last, so that what a run
costs at its start and end can be told from what a sentence costs. Then the parts of the driver are timed alone, without engine and without Ray: how many
sentences a second the journal takes in and gives out, splitting makes, and the writer writes. From these rates the plan
for a billion sentences is computed. Prices, and the rate of a GPU unless it is given, are assumptions, not measurements.
The tables can be written into the guide; the last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

from pages import replace_block
from translate.cluster.journal import Journal, Known
from translate.cluster.worker import pack_items, unpack_items, window_texts
from translate.formats.opening import Reading
from translate.records import Settings, Translation
from translate.run.events import Item, Progress, Translated
from translate.run.folder import RunFolder
from translate.run.memory import window_key
from translate.run.record import RunRecord
from translate.run.windows import ReadingOrder, make_chunks, read_items
from translate.text.documents import open_document

SENTENCES = 1_000_000_000
WINDOW = 500
COMMIT = 256
HOPS = 4
"""Moves of a window between processes: splitting → dealing into windows → planning → worker → driver."""
ASKED = 3
"""How often a sentence goes to the journal: entering its window, beginning it, putting its row together."""


@dataclass(frozen=True, slots=True)
class Rate:
    """Seconds of a run before and after its sentences, and the sentences a second between."""

    name: str
    fixed_seconds: float
    rows_per_second: float


@dataclass(frozen=True, slots=True)
class Driver:
    """Rows a second of what one process does alone, and bytes a row of what travels."""

    split: float
    journal: float
    write: float
    window_bytes: float
    translation_bytes: float
    words: float
    """A sentence's."""


def count_rows(folder: Path) -> int:
    """Rows in the memory of a run that is going on."""
    for path in folder.glob("out/*/memory.sqlite"):
        with suppress(sqlite3.OperationalError), closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as memory:
            return int(memory.execute("SELECT count(*) FROM translation").fetchone()[0])
    return 0


def run_command(name: str, rows: Sequence[str], options: Sequence[str]) -> Rate:
    """A whole `translate`, looked at every tenth of a second."""
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        (here / "a.txt").write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")
        code = "from translate.__main__ import main; main()"
        seen: list[tuple[float, int]] = []
        started = time.perf_counter()
        command = [sys.executable, "-c", code, "a.txt", "--quiet", *options]
        process = subprocess.Popen(command, cwd=here, env={**os.environ, "OMP_NUM_THREADS": "1"})
        while process.poll() is None:
            count = count_rows(here)
            if count and (not seen or count > seen[-1][1]):
                seen.append((time.perf_counter(), count))
            time.sleep(0.1)
        whole = time.perf_counter() - started
    if process.returncode or len(seen) < 2:
        sys.exit(f"translate ended with status {process.returncode}, after {len(seen)} commits: give it more sentences")
    (first, few), (last, many) = seen[0], seen[-1]
    rate = (many - few) / (last - first)
    return Rate(name, round(whole - many / rate, 1), round(rate, 1))


def measure_runs(lines: Sequence[str], options: Sequence[str]) -> list[Rate]:
    """The plain command, one worker, two workers."""
    sides = {"plain": (), "--workers 1": ("--ray", "local", "--workers", "1")}
    sides["--workers 2"] = ("--ray", "local", "--workers", "2")
    return [run_command(side, lines, [*options, *more]) for side, more in sides.items()]


def timed(work: Callable[[], object], rows: int) -> float:
    """Rows a second."""
    started = time.perf_counter()
    work()
    return rows / (time.perf_counter() - started)


def measure_driver(lines: Sequence[str]) -> Driver:
    """Each part alone, in this process."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "a.txt").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        items: list[Item] = []
        split = timed(lambda: items.extend(read_items({"a.txt": folder / "a.txt"}, Reading())), len(lines))
        windows = [pack_items(chunk) for chunk in make_chunks(items, WINDOW)]
        texts = [window_texts(window) for window in windows]
        count = sum(map(len, texts))
        answers = {text: Translation(text, -0.5) for some in texts for text in some}
        journal = Journal(folder / "memory.sqlite", "bench")
        keeping = timed(lambda: keep(journal, texts, answers), count)
        write = timed(lambda: write_windows(folder, windows, answers), count)
        return Driver(
            round(split * count / len(lines)),
            round(keeping),
            round(write),
            round(sum(window.nbytes for window in windows) / count, 1),
            round(sum(len(text.encode()) for some in texts for text in some) / count + 40, 1),
            round(sum(len(text.split()) for some in texts for text in some) / count, 1),
        )


def keep(journal: Journal, windows: Sequence[Sequence[str]], answers: dict[str, Translation]) -> None:
    """What the journal does for each window, from its entry to its rows."""
    for number, texts in enumerate(windows):
        name, sources = str(number), list(dict.fromkeys(texts))
        journal.plan(name, texts)
        known = journal.begin("worker", name, sources)
        new = [text for text, what in zip(sources, known, strict=True) if what is Known.NO]
        for some in make_chunks(new, COMMIT):
            journal.add("worker", window_key(sources), [(text, answers[text]) for text in some])
            journal.report("worker", name, Progress(len(some)))
        journal.finish("worker", name)
        journal.find(sources)
        journal.state()


def write_windows(folder: Path, windows: Sequence[object], answers: dict[str, Translation]) -> None:
    """From tables to rows in a file."""
    document = open_document(folder / "a.txt", name="a.txt")
    with RunFolder(folder / "out", RunRecord({}, {}, asdict(Settings()), {}, {})) as outputs:
        outputs.begin(document)
        for window in windows:
            order = ReadingOrder()
            order.enter(unpack_items(window))
            for event in order.take(answers):
                if isinstance(event, Translated):
                    outputs.write(event.row, event.located.space)
        outputs.end(document, "")


def format_rates(rates: Sequence[Rate], driver: Driver) -> str:
    """What was measured, as Markdown."""
    plain = rates[0]
    lines = ["| run | seconds before and after | sentences/s between | of plain |", "|---|---:|---:|---:|"]
    lines += [
        f"| {rate.name} | {rate.fixed_seconds:.1f} | {rate.rows_per_second:,.0f} | {rate.rows_per_second / plain.rows_per_second:.2f} |"
        for rate in rates
    ]
    lines += ["", "| one process alone | sentences/s |", "|---|---:|"]
    lines += [f"| splitting (a stateless task) | {driver.split:,} |", f"| the journal | {driver.journal:,} |"]
    lines += [f"| putting rows together and writing them (the driver) | {driver.write:,} |", ""]
    words = f"A sentence has {driver.words} words on average, {driver.window_bytes:.0f} bytes in a window"
    return "\n".join([*lines, f"{words}, and about {driver.translation_bytes:.0f} as a translation."])


def format_plan(rates: Sequence[Rate], driver: Driver, options: argparse.Namespace) -> str:
    """A billion sentences on paper, as Markdown."""
    cpu = rates[1].rows_per_second
    million = 1e6 / driver.words
    rows = [("a CPU thread", cpu, options.cpu_price, "measured above")]
    if options.gpu_rate:
        rows.append(("a GPU", options.gpu_rate, options.gpu_price, "given to the script"))
    lines = [
        "| worker | sentences/s | source of it | $ an hour (assumed) | $ a million words | hours of workers for 1e9 sentences |",
        "|---|---:|---|---:|---:|---:|",
    ]
    for name, rate, price, source in rows:
        hours = SENTENCES / rate / 3600
        lines.append(
            f"| {name} | {rate:,.0f} | {source} | {price:g} | {million / rate / 3600 * price:.4f} | {hours:,.0f} |"
        )
    moved = SENTENCES * (HOPS * driver.window_bytes + ASKED * driver.window_bytes + 2 * driver.translation_bytes) / 1e12
    limit = min(driver.journal, driver.write)
    lines += [
        "",
        f"- A GPU at ${options.gpu_price:g} an hour is cheaper than CPU threads at ${options.cpu_price:g} from "
        f"{cpu * options.gpu_price / options.cpu_price:,.0f} sentences/s on.",
        f"- Splitting takes {SENTENCES / driver.split / 3600:,.0f} hours of CPU threads beside: one thread feeds "
        f"{driver.split / cpu:,.0f} CPU workers like these.",
        f"- Bytes moved: at most {moved:.1f} TB, if every window crosses the network at each of its {HOPS} moves; "
        f"{SENTENCES * driver.window_bytes / 1e12:.2f} TB a move.",
        f"- The memory holds {SENTENCES * (driver.window_bytes + driver.translation_bytes) / 1e9:,.0f} GB or so if no sentence occurs twice.",
        f"- The slower of journal and writer takes {limit:,.0f} sentences/s: as much as {limit / cpu:,.0f} CPU workers like "
        f"these give, and {SENTENCES / limit / 3600:,.1f} hours for all.",
        f"- So with `--shard K/N` beside `--ray`, N drivers: {max(1, round(SENTENCES / limit / 3600)):,} of them, each with "
        f"at most {limit / cpu:,.0f} such workers, would be an hour away from the end, if there were as many machines.",
    ]
    return "\n".join(lines)


def main() -> None:
    """Measure, compute, report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--engine", default="native")
    parser.add_argument("--model", default="tiny-de-en")
    parser.add_argument("--beams", default="1")
    parser.add_argument("--sentences", type=int, default=3000)
    parser.add_argument("--cpu-price", type=float, default=0.04, help="$ an hour of one CPU thread")
    parser.add_argument("--gpu-price", type=float, default=2.5, help="$ an hour of one GPU with its node")
    parser.add_argument("--gpu-rate", type=float, help="sentences/s that `translate bench` has measured on a GPU")
    parser.add_argument("--write", type=Path, help="a page whose blocks `rates` and `plan` are written anew")
    options = parser.parse_args()
    every = (line.strip() for path in options.files for line in path.open(encoding="utf-8"))
    lines = list(islice(dict.fromkeys(line for line in every if line), options.sentences))
    driver = measure_driver(lines)
    settings = ["--engine", options.engine, "--model", options.model, "--beams", options.beams, "--dtype", "float32"]
    rates = measure_runs(lines, settings)
    tables = {"rates": format_rates(rates, driver), "plan": format_plan(rates, driver, options)}
    for name, table in tables.items():
        print(f"\n{table}")
        if options.write:
            replace_block(options.write, name, table)
    print(json.dumps({"rates": [asdict(rate) for rate in rates], "driver": asdict(driver)}))


if __name__ == "__main__":
    main()
