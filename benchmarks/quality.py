"""BLEU and chrF of what `translate` writes, and the table of them in a page.

    python benchmarks/quality.py NAME=SOURCE.de,REFERENCE.en [NAME=…] [--model tiny-de-en] [--engine native]
                            [--beams N] [--dtype float32] [--write docs/quality.md …]

Each source file is translated as one document by the command itself; the rows of a line are joined, so that line n of
the output stands against line n of the reference. Flags are counted over the rows. With --write the table between
the marks `quality:begin` and `quality:end` of these files is written anew. The last line printed is JSON.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from sacrebleu.metrics import BLEU, CHRF

from pages import replace_block


def translate(source: Path, options: list[str], folder: Path) -> tuple[list[str], dict[str, Any]]:
    """The English of each line of the source, and the run's summary."""
    (folder / "source.txt").write_bytes(source.read_bytes())
    code = "from translate.__main__ import main; main()"
    command = [sys.executable, "-c", code, "source.txt", "--output", "out", "--quiet", "--json", *options]
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, text=True, check=True)
    lines: dict[int, list[str]] = {}
    for row in map(json.loads, next(folder.glob("out/*/source.jsonl")).read_text(encoding="utf-8").splitlines()):
        lines.setdefault(row["paragraph"], []).append(row["target"])
    return [" ".join(lines[number]) for number in range(len(lines))], json.loads(done.stdout.splitlines()[-1])


def measure(name: str, files: str, options: list[str]) -> dict[str, Any]:
    """One row of the table."""
    source, reference = map(Path, files.split(","))
    references = reference.read_text(encoding="utf-8").split("\n")[:-1]
    with tempfile.TemporaryDirectory() as folder:
        outputs, summary = translate(source, options, Path(folder))
    if len(outputs) != len(references):
        sys.exit(f"{name}: {len(outputs)} lines of output, {len(references)} of reference")
    bleu, chrf = BLEU(), CHRF()
    scores = {
        "bleu": bleu.corpus_score(outputs, [references]).score,
        "chrf": chrf.corpus_score(outputs, [references]).score,
    }
    signatures = {"bleu_signature": str(bleu.get_signature()), "chrf_signature": str(chrf.get_signature())}
    return {
        "name": name,
        "lines": len(outputs),
        **scores,
        **signatures,
        "flags": Counter(summary["flags"]),
        "run": summary,
    }


def render(rows: list[dict[str, Any]]) -> str:
    """The table in Markdown, with the signatures below it."""
    lines = ["| test set | lines | BLEU | chrF | rows flagged `retried` | `loop` |", "|---|---:|---:|---:|---:|---:|"]
    for row in rows:
        share = [100 * row["flags"].get(flag, 0) / row["run"]["sentences"] for flag in ("retried", "loop")]
        lines.append(
            f"| {row['name']} | {row['lines']:,} | {row['bleu']:.1f} | {row['chrf']:.1f} | {share[0]:.1f} % | {share[1]:.1f} % |"
        )
    last = rows[-1]
    notes = [f"BLEU `{last['bleu_signature']}`, chrF `{last['chrf_signature']}`, run `{last['run']['signature']}`."]
    return "\n".join([*lines, "", *notes])


def main() -> None:
    """Measure, print, write the table where it is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="+", metavar="NAME=SOURCE,REFERENCE")
    parser.add_argument("--model", default="tiny-de-en")
    parser.add_argument("--engine", default="native")
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--beams", help="default: the model's own")
    parser.add_argument("--write", type=Path, nargs="*", default=[], metavar="FILE")
    arguments = parser.parse_args()
    options = ["--model", arguments.model, "--engine", arguments.engine, "--dtype", arguments.dtype]
    options += ["--beams", arguments.beams] if arguments.beams else []
    rows = [measure(name, files, options) for name, _, files in (given.partition("=") for given in arguments.sets)]
    table = render(rows)
    print(table)
    for file in arguments.write:
        replace_block(file, "quality", table)
    print(json.dumps(rows))


if __name__ == "__main__":
    main()
