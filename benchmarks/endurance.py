"""Does memory stay flat and time linear over a million sentences?

    python benchmarks/endurance.py [--sentences 1000000] [--documents 50] [--engine echo] [--plot FILE.svg] [--write PAGE.md]
    python benchmarks/endurance.py --text FILE --sentences 100000 --engine native

Writes German-like sentences with distinct endings into a temporary folder, or so many distinct lines of FILE, translates
them with the command itself, greedily, and samples the process's resident size four times a second. Prints resident size,
seconds and processor seconds for each tenth of the documents, counted from when the model is loaded, and how the last
tenth's processor seconds compare with the first's: what else the machine does hardly changes them. A tenth has to be
several windows of 10,000 sentences, or one at least, for the two to be comparable. The last line is JSON. With --plot
the same as a picture; --write puts the closing line between the marks
of a page that are called after the engine. Needs psutil.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import psutil

from pages import replace_block

SENTENCES = (
    "Am Abend ging die Frau mit der Nummer {} über die alte Brücke.",
    "Niemand wusste, warum Haus {} leer stand, obwohl es „sehr schön“ war!",
    "Laut Bericht {} stiegen die Preise um 3,5 Prozent.",
)


INTERVAL = 0.25
"""Seconds between two samples."""
SVG = "http://www.w3.org/2000/svg"


def make_sentences() -> Iterator[str]:
    """No two alike, without end."""
    number = 0
    while True:
        yield SENTENCES[number % 3].format(number)
        number += 1


def read_sentences(path: Path) -> Iterator[str]:
    """The distinct lines of a file, one after the other."""
    seen = set()
    with path.open(encoding="utf-8") as lines:
        for line in map(str.strip, lines):
            if line and hash(line) not in seen:
                seen.add(hash(line))
                yield line


def write_corpus(folder: Path, sentences: Iterator[str], count: int, documents: int) -> int:
    """So many sentences as documents of equal size, three to a line; how many there were."""
    written = 0
    for document in range(documents):
        some = list(islice(sentences, count // documents))
        lines = (" ".join(some[i : i + 3]) for i in range(0, len(some), 3))
        (folder / f"{document:04}.txt").write_text("\n".join(lines), encoding="utf-8")
        written += len(some)
    return written


@dataclass(frozen=True, slots=True)
class Sample:
    """How far a run is: since its start, in seconds of the clock and of processors; resident bytes; documents done."""

    seconds: float
    worked: float
    resident: int
    done: int


def sample(process: psutil.Popen, done: Path) -> list[Sample]:
    """Until the process ends, from when its folder is there: it has loaded."""
    while process.poll() is None and not (done / "run.json").exists():
        time.sleep(0.02)
    started, samples = time.perf_counter(), []
    while process.poll() is None:
        try:
            resident, times = process.memory_info().rss, process.cpu_times()
        except psutil.NoSuchProcess:
            break
        documents = len(list(done.glob("*/*.jsonl")))
        samples.append(Sample(time.perf_counter() - started, times.user + times.system, resident, documents))
        time.sleep(INTERVAL)
    return samples


def run(folder: Path, engine: str) -> tuple[list[Sample], dict[str, Any]]:
    """The command over folder/in: its samples, and its own summary."""
    code = "from translate.__main__ import main; main()"
    options = ["in", "--engine", engine, "--model", "tiny-de-en", "--quiet", "--json", "-b", "1"]
    process = psutil.Popen([sys.executable, "-c", code, *options], cwd=folder, stdout=subprocess.PIPE, text=True)
    samples = sample(process, folder / "out" / "tiny-de-en")
    return samples, json.loads(process.stdout.read().splitlines()[-1])


def divide(samples: list[Sample], documents: int) -> list[dict[str, float]]:
    """Resident size at the end of each tenth of the documents, and the seconds that it took."""
    tenths, before = [], samples[0]
    for tenth in range(1, 11):
        now = next((s for s in samples if s.done >= documents * tenth / 10), samples[-1])
        seconds, worked = now.seconds - before.seconds, now.worked - before.worked
        tenths.append({"resident_mb": now.resident / 1e6, "seconds": seconds, "processor_seconds": worked})
        before = now
    return tenths


def conclude(tenths: list[dict[str, float]], summary: dict[str, Any], peak: float) -> tuple[str, dict[str, float]]:
    """The closing line, and its figures."""
    ratio = tenths[-1]["processor_seconds"] / max(tenths[0]["processor_seconds"], 1e-9)
    first, last = tenths[0]["resident_mb"], tenths[-1]["resident_mb"]
    rate = summary["sentences"] / max(sum(t["processor_seconds"] for t in tenths), 1e-9)
    line = (
        f"{summary['sentences']:,} sentences, engine {summary['engine']}, {rate:,.0f} a processor second: "
        f"resident {first:.0f} MB after the first tenth, {last:.0f} MB at the end, {peak:.0f} MB at most; "
        f"the last tenth took {ratio:.2f} times the processor seconds of the first."
    )
    return line, {"peak_mb": peak, "time_ratio": ratio, "resident_ratio": last / first}


def show(tenths: list[dict[str, float]]) -> None:
    """The table."""
    print("done   resident MB   seconds for this tenth   processor seconds")
    for number, tenth in enumerate(tenths, 1):
        print(
            f"{10 * number:3} %  {tenth['resident_mb']:11.0f}  {tenth['seconds']:23.1f}  {tenth['processor_seconds']:18.1f}"
        )


def draw(tenths: list[dict[str, float]], summary: dict[str, Any], path: Path) -> None:
    """Resident size, and the processor minutes so far, over the sentences done."""
    import pygal

    each = summary["sentences"] / 10_000
    minutes = [sum(t["processor_seconds"] for t in tenths[: i + 1]) / 60 for i in range(len(tenths))]
    title = f"{summary['sentences']:,} sentences, {summary['engine']}"
    chart = pygal.XY(js=[], width=720, height=420, explicit_size=True, title=title, legend_at_bottom=True)
    chart.config(x_title="thousand sentences done", truncate_legend=-1, secondary_range=(0, max(minutes)))
    chart.config(value_formatter=lambda value: f"{value:,.4g}")
    chart.config(range=(0, 1.25 * max(t["resident_mb"] for t in tenths)))
    chart.add("resident MB", [(each * (i + 1), round(t["resident_mb"], 1)) for i, t in enumerate(tenths)])
    chart.add(
        "processor minutes (right)", [(each * (i + 1), round(m, 3)) for i, m in enumerate(minutes)], secondary=True
    )
    root = ElementTree.fromstring(chart.render(is_unicode=True))
    for parent in list(root.iter()):
        for child in [child for child in parent if child.tag == f"{{{SVG}}}script"]:
            parent.remove(child)
    ElementTree.register_namespace("", SVG)
    path.write_text(ElementTree.tostring(root, encoding="unicode") + "\n", encoding="utf-8")


def main() -> None:
    """Options, run, report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sentences", type=int, default=1_000_000)
    parser.add_argument("--documents", type=int, default=50)
    parser.add_argument("--engine", default="echo")
    parser.add_argument("--text", type=Path, metavar="FILE", help="a sentence a line, instead of made-up ones")
    parser.add_argument("--plot", type=Path, metavar="FILE.svg")
    parser.add_argument("--write", type=Path, metavar="PAGE.md")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "in").mkdir()
        sentences = read_sentences(arguments.text) if arguments.text else make_sentences()
        written = write_corpus(folder / "in", sentences, arguments.sentences, arguments.documents)
        if written < arguments.sentences:
            print(f"only {written:,} distinct sentences there", file=sys.stderr)
        samples, summary = run(folder, arguments.engine)
    tenths = divide(samples, arguments.documents)
    if arguments.plot:
        draw(tenths, summary, arguments.plot)
    line, figures = conclude(tenths, summary, max(s.resident for s in samples) / 1e6)
    show(tenths)
    print(line)
    if arguments.write:
        replace_block(arguments.write, f"endurance-{summary['engine']}", line)
    print(json.dumps({"tenths": tenths, **figures, "summary": summary}))


if __name__ == "__main__":
    main()
