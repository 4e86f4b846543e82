"""Does memory stay flat and time linear over a million sentences?

    python bench/endurance.py [--sentences 1000000] [--documents 20] [--engine echo]

Writes German-like sentences with distinct endings into a temporary folder, translates them with the command itself, and
samples the process's resident size once a second. Prints resident size and seconds for each tenth of the sentences, by
the number of rows written so far; the last line is JSON. Needs psutil.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

SENTENCES = (
    "Am Abend ging die Frau mit der Nummer {} über die alte Brücke.",
    "Niemand wusste, warum Haus {} leer stand, obwohl es „sehr schön“ war!",
    "Laut Bericht {} stiegen die Preise um 3,5 Prozent.",
)


def write_corpus(folder: Path, sentences: int, documents: int) -> None:
    """So many sentences, no two alike, three to a line."""
    number = 0
    for document in range(documents):
        with (folder / f"{document:04}.txt").open("w", encoding="utf-8") as file:
            for _ in range(sentences // documents):
                file.write(SENTENCES[number % 3].format(number) + (" " if number % 3 < 2 else "\n"))
                number += 1


def sample(process: psutil.Popen, done: Path) -> list[tuple[float, int, int]]:
    """(seconds, resident bytes, documents done), once a second until the process ends."""
    started, samples = time.perf_counter(), []
    while process.poll() is None:
        try:
            resident = process.memory_info().rss
        except psutil.NoSuchProcess:
            break
        samples.append((time.perf_counter() - started, resident, len(list(done.glob("*/*.jsonl")))))
        time.sleep(1)
    return samples


def main() -> None:
    """Run and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sentences", type=int, default=1_000_000)
    parser.add_argument("--documents", type=int, default=50)
    parser.add_argument("--engine", default="echo")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "in").mkdir()
        write_corpus(folder / "in", arguments.sentences, arguments.documents)
        code = "from translate.cli import main; main()"
        options = ["in", "--engine", arguments.engine, "--model", "tiny-de-en", "--quiet", "--json", "-b", "1"]
        process = psutil.Popen([sys.executable, "-c", code, *options], cwd=folder, stdout=subprocess.PIPE, text=True)
        samples = sample(process, folder / "out" / "tiny-de-en")
        summary = json.loads(process.stdout.read().splitlines()[-1])
    report(samples, summary, arguments.documents)


def report(samples: list[tuple[float, int, int]], summary: dict[str, object], documents: int) -> None:
    """Resident size and seconds at each tenth of the documents."""
    tenths = []
    print("done   resident MB   seconds for this tenth")
    before = 0.0
    for tenth in range(1, 11):
        reached = [s for s in samples if s[2] >= documents * tenth / 10] or samples[-1:]
        seconds, resident, _ = reached[0]
        tenths.append({"resident_mb": resident / 1e6, "seconds": seconds - before})
        print(f"{10 * tenth:3} %  {resident / 1e6:11.0f}  {seconds - before:12.1f}")
        before = seconds
    peak = max(s[1] for s in samples) / 1e6
    print(f"{summary['sentences']:,} sentences, {summary['sentences_per_second']} sentences/s, peak {peak:.0f} MB")
    print(json.dumps({"tenths": tenths, "peak_mb": peak, "summary": summary}))


if __name__ == "__main__":
    main()
