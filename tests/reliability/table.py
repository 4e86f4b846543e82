"""Runs the families of attacks, and lays out what came of them."""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from readme import replace_block
from reliability.attack import FULL, MODULES, SMALL, Size, Tally

Results = dict[str, list[dict[str, Any]]]
"""Family → its rows."""


def run_family(name: str, size: Size) -> list[dict[str, Any]]:
    """Run one family in a folder of its own, telling each row when it is there."""
    rows = []
    folder = Path(tempfile.mkdtemp(prefix=f"attack-{name}-"))
    started = time.perf_counter()
    tallies: Iterable[Tally] = importlib.import_module(f"reliability.{name}").attacks(size, folder)
    for tally in tallies:
        seconds = round(time.perf_counter() - started, 1)
        rows.append({**dataclasses.asdict(tally), "seconds": seconds})
        print(f"{tally.survived}/{tally.tries} survived, {seconds} s: {tally.attack}", file=sys.stderr, flush=True)
        for complaint in tally.complaints[:5]:
            print(f"    {complaint}", file=sys.stderr, flush=True)
        started = time.perf_counter()
    shutil.rmtree(folder, ignore_errors=True)
    return rows


def render(results: Results) -> str:
    """The table in Markdown."""
    lines = ["| attack | tries | survived | lost rows | wrong rows |", "|---|---:|---:|---:|---:|"]
    for name in MODULES:
        lines += [
            f"| {row['attack']} | {row['tries']:,} | {row['survived']:,} | {row['lost']:,} | {row['wrong']:,} |"
            for row in results.get(name, [])
        ]
    return "\n".join(lines)


def main() -> None:
    """Options, families, table."""
    parser = argparse.ArgumentParser(prog="python -m tests.reliability", description="Attack the command.")
    parser.add_argument("--quick", action="store_true", help="at the size of the tests")
    parser.add_argument("--only", action="append", choices=[name.removeprefix("test_") for name in MODULES])
    parser.add_argument("--tries", type=int, help="kills, instead of as many as the size has")
    parser.add_argument(
        "--readme", type=Path, help="write the table between the README's marks, and that of the flags beside it"
    )
    parser.add_argument("--keep", type=Path, help="take results from this file, and put them there")
    options = parser.parse_args()
    size = SMALL if options.quick else FULL
    if options.tries:
        size = dataclasses.replace(size, kills=options.tries, real_kills=options.tries)
    results: Results = json.loads(options.keep.read_text()) if options.keep and options.keep.exists() else {}
    for name in MODULES:
        if options.only is None or name.removeprefix("test_") in options.only:
            results[name] = run_family(name, size)
            if options.keep:
                options.keep.write_text(json.dumps(results, ensure_ascii=False, indent=1))
    print(render(results))
    if options.readme:
        replace_block(options.readme, "reliability", render(results))
        flags = importlib.import_module("reliability.test_flags")
        replace_block(options.readme.parent / "docs" / "reliability.md", "hostile", flags.render())
    print(json.dumps(results, ensure_ascii=False))
    if any(row["survived"] < row["tries"] for rows in results.values() for row in rows):
        sys.exit(1)
