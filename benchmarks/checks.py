"""How often does each check doubt a person's translation, and how often a damaged one?

    python benchmarks/checks.py SOURCE.de,REFERENCE.en [SOURCE.de,REFERENCE.en …] [--write docs/quality.md]

Each reference is also damaged in five ways, each the kind of error that one flag is for: its last four words repeated
(loop), the source put in its place (echo), cut to a fifth (length-ratio), its first number changed (number-mismatch),
emptied (empty). Prints a table of shares in percent; the last line is JSON. Only sources that hold a word are counted,
and for a damage only the pairs that can have it.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from pages import replace_block
from translate.records import Flag
from translate.run.checks import check_target, needs_model

Damage = Callable[[str, str], str | None]


def loop(_: str, target: str) -> str | None:
    """The last four words, five times over."""
    words = target.split()
    return " ".join(words + words[-4:] * 4) if len(words) > 5 else None


def echo(source: str, target: str) -> str | None:
    """The German, where the reference is not nearly that anyway and there are words that are no names."""
    return source if source != target and sum(word.islower() for word in source.split()) > 3 else None


def shorten(_: str, target: str) -> str | None:
    """A fifth of the translation."""
    return target[: len(target) // 5] if len(target) > 60 else None


def misread_number(_: str, target: str) -> str | None:
    """Another first digit."""
    return (
        re.sub(r"\d", lambda digit: str((int(digit[0]) + 4) % 9 + 1), target, count=1)
        if re.search(r"\d", target)
        else None
    )


def empty(_: str, __: str) -> str | None:
    """Nothing at all."""
    return ""


DAMAGES: dict[Flag, Damage] = {
    Flag.LOOP: loop,
    Flag.ECHO: echo,
    Flag.LENGTH_RATIO: shorten,
    Flag.NUMBER_MISMATCH: misread_number,
    Flag.EMPTY: empty,
}


def count(pairs: list[tuple[str, str]], flag: Flag, damage: Damage | None) -> tuple[int, int]:
    """How many of the pairs the flag doubts, and of how many, each target damaged first if a damage is given."""
    targets = [(source, damage(source, target) if damage else target) for source, target in pairs]
    possible = [(source, target) for source, target in targets if target is not None]
    return sum(flag in check_target(source, target) for source, target in possible), len(possible)


def main() -> None:
    """Read the files, print the table, write it into a page if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", metavar="SOURCE,REFERENCE")
    parser.add_argument("--write", type=Path, help="a page whose block `checks` is written anew")
    arguments = parser.parse_args()
    pairs = [pair for given in arguments.files for pair in read_pairs(*map(Path, given.split(",")))]
    table = {}
    lines = ["| flag | human translations flagged | damaged ones flagged |", "|---|---:|---:|"]
    for flag, damage in DAMAGES.items():
        (false, of), (true, possible) = count(pairs, flag, None), count(pairs, flag, damage)
        table[flag.value] = {"references": false / of, "damaged": true / possible, "damaged_pairs": possible}
        lines.append(f"| `{flag}` | {100 * false / of:.2f} % | {100 * true / possible:.1f} % of {possible:,} |")
    print("\n".join(lines))
    if arguments.write:
        replace_block(arguments.write, "checks", "\n".join(lines))
    print(json.dumps({"pairs": len(pairs), "flags": table}))


def read_pairs(source: Path, reference: Path) -> Iterator[tuple[str, str]]:
    """The lines of two files side by side, those without a word left out."""
    sides = (path.read_text(encoding="utf-8").split("\n")[:-1] for path in (source, reference))
    return (pair for pair in zip(*sides, strict=True) if needs_model(pair[0]))


if __name__ == "__main__":
    main()
