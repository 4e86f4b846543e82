"""How well and how fast German text is cut into sentences.

    python benchmarks/segmentation.py GOLD.jsonl [--part development|held-out] [--json] [--peers] [--errors]

Each line of GOLD.jsonl is one paragraph: {"set": …, "text": …, "gold": […], "free": […]}. A boundary is given by the
number of characters before it that are not white space, so it does not matter to which side a splitter gives the
blanks. The end of a paragraph is never counted; a boundary in "free" may be set or not.

P, R and F1 are computed over all boundaries of a set, "whole" is the share of its paragraphs without any error, and
the mean F1 is that over the sets. MB/s is the best of three passes over all paragraphs, after one to warm up.
A third of the paragraphs, chosen by the hash of their text, is held out: rules are written with --part development
before the eyes and judged with --part held-out, which --errors does not show.
With --peers, whatever is installed of the libraries choppa (its rules as shipped), pysbd and sentencex is measured too.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import importlib.util
import json
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from itertools import accumulate
from pathlib import Path

from translate.text.sentences import split_paragraph

Splitter = Callable[[str], Iterable[str]]


@dataclass(frozen=True, slots=True)
class Case:
    """One paragraph of the gold, boundaries as counts of characters that are not white space."""

    part: str
    text: str
    gold: frozenset[int]
    free: frozenset[int]


@dataclass(slots=True)
class Tally:
    """What a splitter did on one set."""

    right: int = 0
    wrong: int = 0
    missed: int = 0
    paragraphs: int = 0
    whole_paragraphs: int = 0

    def add(self, case: Case, found: frozenset[int]) -> None:
        """Count one paragraph."""
        found -= case.free
        self.right += len(found & case.gold)
        self.wrong += len(found - case.gold)
        self.missed += len(case.gold - found)
        self.paragraphs += 1
        self.whole_paragraphs += found == case.gold

    @property
    def precision(self) -> float:
        """Per cent."""
        return 100 * self.right / max(1, self.right + self.wrong)

    @property
    def recall(self) -> float:
        """Per cent."""
        return 100 * self.right / max(1, self.right + self.missed)

    @property
    def f1(self) -> float:
        """Per cent."""
        return 200 * self.right / max(1, 2 * self.right + self.wrong + self.missed)

    @property
    def whole(self) -> float:
        """Paragraphs without any error, per cent."""
        return 100 * self.whole_paragraphs / max(1, self.paragraphs)


@dataclass(frozen=True, slots=True)
class Result:
    """One splitter, measured."""

    splitter: str
    tallies: dict[str, Tally] = field(default_factory=dict)
    megabytes_per_second: float = 0.0

    @property
    def mean_f1(self) -> float:
        """Per cent, each set counting alike."""
        return sum(tally.f1 for tally in self.tallies.values()) / max(1, len(self.tallies))


def read_gold(path: Path) -> list[Case]:
    """Read a gold file; raises OSError, ValueError or KeyError where it is none."""
    with path.open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return [Case(row["set"], row["text"], frozenset(row["gold"]), frozenset(row["free"])) for row in rows]


def is_held_out(text: str) -> bool:
    """Whether a paragraph is of the third that no rule was written after."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) % 3 == 0


def select(cases: Iterable[Case], part: str) -> list[Case]:
    """The cases of a part: "all", "development" or "held-out"."""
    return [case for case in cases if part == "all" or is_held_out(case.text) == (part == "held-out")]


def find_boundaries(pieces: Iterable[str]) -> frozenset[int]:
    """Turn the pieces of a paragraph into its inner boundaries."""
    *inner, end = accumulate((len("".join(piece.split())) for piece in pieces), initial=0)
    return frozenset(inner) - {0, end}


def measure(name: str, split: Splitter, cases: list[Case]) -> Result:
    """Score one splitter, then time it."""
    tallies: dict[str, Tally] = {}
    for case in cases:
        tallies.setdefault(case.part, Tally()).add(case, find_boundaries(split(case.text)))
    size = sum(len(case.text.encode()) for case in cases) / 1e6
    return Result(name, tallies, size / min(_time_pass(split, cases) for _ in range(3)))


def _time_pass(split: Splitter, cases: list[Case]) -> float:
    start = time.perf_counter()
    for case in cases:
        for _ in split(case.text):
            pass
    return time.perf_counter() - start


def split_ours(text: str) -> list[str]:
    """Split as `translate` does."""
    return [text[start:end] for start, end in split_paragraph(text)]


def show_errors(cases: Iterable[Case]) -> Iterator[str]:
    """What lies around each place that is cut wrongly (`+`) or not cut (`-`), a line each."""
    for case in cases:
        found = find_boundaries(split_ours(case.text)) - case.free
        places = [at for at, character in enumerate(case.text) if not character.isspace()]
        for boundary in sorted(found ^ case.gold):
            at = places[boundary]
            sign = "+" if boundary in found else "-"
            yield f"{sign} {case.part}: {case.text[max(0, at - 60) : at]}|{case.text[at : at + 40]}"


def load_peers() -> Iterator[tuple[str, Splitter]]:
    """Yield the other splitters that are installed."""
    if importlib.util.find_spec("choppa"):
        from choppa import DEFAULT_SRX_RULESET, SrxDocument, SrxTextIterator

        document = SrxDocument(ruleset=DEFAULT_SRX_RULESET)
        yield "choppa as shipped", lambda text: SrxTextIterator(document, "de_one", text)
    if importlib.util.find_spec("pysbd"):
        pysbd = importlib.import_module("pysbd")  # untyped
        yield "pysbd", pysbd.Segmenter(language="de", clean=False).segment
    if importlib.util.find_spec("sentencex"):
        sentencex = importlib.import_module("sentencex")  # untyped
        yield "sentencex", lambda text: sentencex.segment("de", text)


def format_result(result: Result) -> str:
    """Lay out one splitter's figures for people."""
    lines = [f"{result.splitter}: mean F1 {result.mean_f1:.2f}, {result.megabytes_per_second:.2f} MB/s"]
    lines += [
        f"  {part:<10} P {tally.precision:6.2f}  R {tally.recall:6.2f}  F1 {tally.f1:6.2f}"
        f"  whole {tally.whole:5.1f}  ({tally.paragraphs} paragraphs)"
        for part, tally in result.tallies.items()
    ]
    return "\n".join(lines)


def describe_result(result: Result) -> dict[str, object]:
    """Lay out one splitter's figures for programs."""
    parts = {
        part: asdict(tally) | {"precision": tally.precision, "recall": tally.recall, "f1": tally.f1}
        for part, tally in result.tallies.items()
    }
    return {
        "splitter": result.splitter,
        "mean_f1": round(result.mean_f1, 4),
        "megabytes_per_second": round(result.megabytes_per_second, 3),
        "sets": parts,
    }


def main() -> None:
    """Measure, print the table, end with one line of JSON."""
    parser = argparse.ArgumentParser(description="Score sentence splitters on gold paragraphs.")
    parser.add_argument("gold", type=Path, metavar="GOLD.jsonl")
    parser.add_argument("--json", action="store_true", help="print only the line of JSON")
    parser.add_argument("--peers", action="store_true", help="measure the other libraries that are installed, too")
    parser.add_argument("--part", choices=("all", "development", "held-out"), default="all")
    parser.add_argument("--errors", action="store_true", help="show each place of the development part that is wrong")
    options = parser.parse_args()
    cases = select(read_gold(options.gold), options.part)
    if options.errors:
        print(*show_errors(select(cases, "development")), sep="\n")
    splitters: list[tuple[str, Splitter]] = [("translate", split_ours)]
    if options.peers:
        splitters += load_peers()
    results = []
    for name, split in splitters:
        results.append(measure(name, split, cases))
        if not options.json:
            print(format_result(results[-1]), flush=True)
    print(
        json.dumps(
            {
                "gold": options.gold.name,
                "part": options.part,
                "results": [describe_result(result) for result in results],
            }
        )
    )


if __name__ == "__main__":
    main()
