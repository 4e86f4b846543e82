"""Runs the families of attacks, and lays out their results."""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import json
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pages import replace_block
from tests.reliability.attack import FULL, MODULES, SMALL, Attack, Size

Results = dict[str, dict[str, dict[str, Any]]]
"""Family → number of the attack in it → its tally, and its seconds."""


def select(wanted: list[str] | None) -> Iterator[tuple[str, range]]:
    """The families that are wanted, all if it is not said, each with the numbers of its attacks: "disk", "killed:2-4"."""
    for choice in wanted or [name.removeprefix("test_") for name in MODULES]:
        family, _, numbers = choice.partition(":")
        first, _, last = numbers.partition("-")
        if f"test_{family}" not in MODULES or not all(part.isdecimal() for part in (first, last) if part):
            sys.exit(f"no attack '{choice}': families are {', '.join(name.removeprefix('test_') for name in MODULES)}")
        yield f"test_{family}", range(int(first or 0), int(last or first or 10**6) + 1)


def run_family(name: str, numbers: range, size: Size) -> Iterator[tuple[str, dict[str, Any]]]:
    """Run those attacks of one family in a folder of its own, telling each tally when it is there."""
    folder = Path(tempfile.mkdtemp(prefix=f"attack-{name}-"))
    attacks: Iterable[Attack] = importlib.import_module(f"tests.reliability.{name}").attacks(size, folder)
    for number, attack in enumerate(attacks):
        if number in numbers:
            started = time.perf_counter()
            tally = attack()
            seconds = round(time.perf_counter() - started, 1)
            told = f"{name}:{number}: {tally.survived}/{tally.tries} survived, {seconds} s: {tally.attack}"
            print("\n    ".join([told, *tally.complaints[:5]]), file=sys.stderr, flush=True)
            yield str(number), {**dataclasses.asdict(tally), "met": dict(tally.met), "seconds": seconds}
    shutil.rmtree(folder, ignore_errors=True)


def add_up(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row for all parts of an attack, its name with what they met."""
    attacks: dict[str, dict[str, Any]] = {}
    for row in rows:
        total = attacks.setdefault(row["attack"], {**row, "tries": 0, "survived": 0, "lost": 0, "wrong": 0, "met": {}})
        total |= {key: total[key] + row[key] for key in ("tries", "survived", "lost", "wrong")}
        total["met"] = Counter(total["met"]) + Counter(row["met"])
    for row in attacks.values():
        met = ", ".join(f"{count} {what}" for what, count in row["met"].most_common())
        row["attack"] += f" ({met})" if met else ""
    return list(attacks.values())


def render(results: Results) -> str:
    """The table in Markdown."""
    lines = ["| attack | tries | survived | lost rows | wrong rows |", "|---|---:|---:|---:|---:|"]
    for name in MODULES:
        kept = results.get(name, {})
        lines += [
            f"| {row['attack']} | {row['tries']:,} | {row['survived']:,} | {row['lost']:,} | {row['wrong']:,} |"
            for row in add_up(kept[number] for number in sorted(kept, key=int))
        ]
    return "\n".join(lines)


def main() -> None:
    """Options, families, table."""
    parser = argparse.ArgumentParser(prog="python -m tests.reliability", description="Attack the command.")
    parser.add_argument("--quick", action="store_true", help="at the size of the tests")
    parser.add_argument(
        "--only", action="append", metavar="FAMILY[:FIRST[-LAST]]", help="some attacks, numbered from 0"
    )
    parser.add_argument("--write", type=Path, help="a page whose blocks `reliability` and `hostile` are written anew")
    parser.add_argument("--keep", type=Path, help="take results from this file, and put them there")
    options = parser.parse_args()
    size = SMALL if options.quick else FULL
    results: Results = json.loads(options.keep.read_text()) if options.keep and options.keep.exists() else {}
    for name, numbers in select(options.only):
        for number, row in run_family(name, numbers, size):
            results.setdefault(name, {})[number] = row
            if options.keep:
                options.keep.write_text(json.dumps(results, ensure_ascii=False, indent=1))
    print(render(results))
    if options.write:
        replace_block(options.write, "reliability", render(results))
        replace_block(options.write, "hostile", importlib.import_module("tests.reliability.test_flags").render())
    print(json.dumps(results, ensure_ascii=False))
    if any(row["survived"] < row["tries"] for rows in results.values() for row in rows.values()):
        sys.exit(1)
