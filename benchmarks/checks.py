"""How often does each check doubt a person's translation, and how often a damaged one?

    python benchmarks/checks.py SOURCE.de,REFERENCE.en [SOURCE.de,REFERENCE.en …] [--doubted FILE] [--write docs/quality.md]

Each reference is also damaged, in the ways that its flag is for: its last four words repeated (loop), the source put in its
place (echo), cut to a fifth (length-ratio), a clause left out (omission), a number changed, multiplied by a thousand, left out, its month, its magnitude or
its sign changed (number-mismatch), a `not` lost or added (negation), an address changed (protected-lost), emptied (empty). Pairs are told apart by a hash of
their source: the rules were made with one half in view, so it is the other half that tells how they do elsewhere. Prints a
table of shares in percent for each half; the last line is JSON. `--doubted` lists the references that are doubted, with the
reason, to be read. Only sources that hold a word are counted, and for a damage only the pairs that can have it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from pages import replace_block
from translate.records import Flag
from translate.run.checks import URL, check_target, find_doubts, needs_model
from translate.run.doubts.negation import ENGLISH, GERMAN

Pair = tuple[str, str]
Damage = Callable[[str, str], str | None]

HALVES = ("in view", "not in view")
"""Whether the rules were made with the pairs in view."""
MONTHS = "January February March April May June July August September October November December".split()
DATE = re.compile(rf"\b(\d{{1,2}}(?:st|nd|rd|th)? )({'|'.join(MONTHS)})\b|\b({'|'.join(MONTHS)})( \d{{1,2}}\b)")
GROUPED = re.compile(r"\b([1-9]\d{0,2}),(\d{3})\b(?![.,]\d)")
FIGURES = re.compile(r"(?<![\w.,:-])\d[\d.,:]*\d(?![\w:-])|(?<![\w.,:-])\d(?![\w.,:-])")
MAGNITUDE = re.compile(r"\b(m|b)illion\b")
NEGATION = re.compile(
    r"\b(?:(is|are|was|were|do|does|did|has|have|had|would|could|should|wo|ca|must|need|might)n['’]t|cannot|not|never|no(?=\s\w))\b ?",
    re.IGNORECASE,
)
AUXILIARIES = {"wo": "will", "ca": "can"}
AUXILIARY = re.compile(
    r"\b(is|are|was|were|will|would|has|have|had|can|could|should|must)\b(?! not|n['’]t)", re.IGNORECASE
)
SIGN = re.compile(r"(?<!\S)[-−–](?=\d)")


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


def drop_clause(_: str, target: str) -> str | None:
    """The longest part between commas, of four words and less than three fifths of the whole, left out."""
    parts = re.split(r"(?<=,) ", target)
    fitting = [part for part in parts if len(part) < 0.6 * len(target) and len(part.split()) >= 4]
    if len(parts) < 2 or not fitting:
        return None
    parts.remove(max(fitting, key=len))
    return " ".join(parts)


def misread_number(_: str, target: str) -> str | None:
    """Another first digit."""
    return replaced(re.compile(r"\d"), lambda digit: str((int(digit[0]) + 4) % 9 + 1), target)


def misplace_point(_: str, target: str) -> str | None:
    """10.000 for 10,000: a thousand times less."""
    return replaced(GROUPED, r"\1.\2", target)


def drop_number(_: str, target: str) -> str | None:
    """A number left out, of two figures or more."""
    found = next((found for found in FIGURES.finditer(target) if len(found[0]) > 1), None)
    return target[: found.start()] + target[found.end() :] if found else None


def change_month(_: str, target: str) -> str | None:
    """The month after the right one, in a date with its day."""

    def later(found: re.Match[str]) -> str:
        month = MONTHS[(MONTHS.index(found[2] or found[3]) + 1) % 12]
        return f"{found[1] or ''}{month}{found[4] or ''}"

    return replaced(DATE, later, target)


def change_magnitude(_: str, target: str) -> str | None:
    """Billion for million, million for billion."""
    return replaced(MAGNITUDE, lambda found: {"m": "billion", "b": "million"}[found[1]], target)


def lose_sign(_: str, target: str) -> str | None:
    """No minus."""
    return replaced(SIGN, "", target)


def lose_negation(source: str, target: str) -> str | None:
    """No `not`, where German has one."""
    if not GERMAN.search(source.lower()):
        return None
    damaged = replaced(
        NEGATION, lambda found: AUXILIARIES.get(found[1] or "", found[1] or "") + " " * bool(found[1]), target
    )
    return damaged if damaged and not NEGATION.search(damaged) else None


def add_negation(source: str, target: str) -> str | None:
    """A `not` where neither side has one."""
    return (
        None
        if GERMAN.search(source.lower()) or ENGLISH.search(target.lower())
        else replaced(AUXILIARY, r"\1 not", target)
    )


def change_address(source: str, target: str) -> str | None:
    """A letter lost in a URL or mail address."""
    found = next((found for found in URL.finditer(target) if found[0] in source and len(found[0]) > 8), None)
    return target[: found.start() + 6] + target[found.start() + 7 :] if found else None


def empty(_: str, __: str) -> str | None:
    """Nothing at all."""
    return ""


def replaced(pattern: re.Pattern[str], by: str | Callable[[re.Match[str]], str], target: str) -> str | None:
    """The target with the first that matches replaced; None if nothing does."""
    damaged, count = pattern.subn(by, target, count=1)
    return damaged if count else None


DAMAGES: dict[Flag, dict[str, Damage]] = {
    Flag.LOOP: {"repeated": loop},
    Flag.ECHO: {"German": echo},
    Flag.LENGTH_RATIO: {"cut to a fifth": shorten},
    Flag.OMISSION: {"a clause left out": drop_clause},
    Flag.NUMBER_MISMATCH: {
        "another digit": misread_number,
        "a thousand times less": misplace_point,
        "left out": drop_number,
        "another month": change_month,
        "million, billion": change_magnitude,
        "sign lost": lose_sign,
    },
    Flag.NEGATION: {"lost": lose_negation, "added": add_negation},
    Flag.PROTECTED_LOST: {"a letter lost": change_address},
    Flag.EMPTY: {"emptied": empty},
}


def half_of(source: str) -> str:
    """Which half a pair is in, by a hash of its source."""
    return HALVES[hashlib.sha256(source.encode()).digest()[0] % 2]


def count(pairs: Sequence[Pair], flag: Flag, damage: Damage | None) -> tuple[int, int]:
    """How many of the pairs the flag doubts, and of how many, each target damaged first if a damage is given."""
    targets = [(source, damage(source, target) if damage else target) for source, target in pairs]
    possible = [(source, target) for source, target in targets if target is not None]
    return sum(flag in check_target(source, target) for source, target in possible), len(possible)


def main() -> None:
    """Read the files, print the table, write it into a page if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", metavar="SOURCE,REFERENCE")
    parser.add_argument("--doubted", type=Path, help="write the doubted references to this file, with the reasons")
    parser.add_argument("--write", type=Path, help="a page whose block `checks` is written anew")
    arguments = parser.parse_args()
    pairs = [pair for given in arguments.files for pair in read_pairs(*map(Path, given.split(",")))]
    halves = {half: [pair for pair in pairs if half_of(pair[0]) == half] for half in HALVES}
    table, lines = measure(halves)
    print("\n".join(lines))
    if arguments.write:
        replace_block(arguments.write, "checks", "\n".join(lines))
    if arguments.doubted:
        arguments.doubted.write_text("".join(tell_doubted(pairs)), encoding="utf-8")
    began = time.process_time()
    for source, target in pairs:
        check_target(source, target)
    microseconds = (time.process_time() - began) / len(pairs) * 1e6
    counts = {half: len(some) for half, some in halves.items()}
    print(json.dumps({"pairs": counts, "microseconds_a_pair": round(microseconds, 1), "flags": table}))


def measure(halves: dict[str, list[Pair]]) -> tuple[dict[str, object], list[str]]:
    """Shares by flag and damage, as numbers and as the lines of a table in Markdown."""
    lines = [
        f"| flag | human translations flagged, {HALVES[0]} | {HALVES[1]} | damaged | found, {HALVES[0]} | {HALVES[1]} |",
        "|---|---:|---:|---|---:|---:|",
    ]
    table: dict[str, object] = {}
    for flag, damages in DAMAGES.items():
        doubted = {half: count(pairs, flag, None) for half, pairs in halves.items()}
        cells = [f"{100 * false / of:.2f} %" for false, of in doubted.values()]
        found = {
            name: {half: count(pairs, flag, one) for half, pairs in halves.items()} for name, one in damages.items()
        }
        table[flag.value] = {"references": doubted, "damaged": found}
        for name, by_half in found.items():
            shares = [f"{100 * true / of:.1f} % of {of:,}" if of else "–" for true, of in by_half.values()]
            lines.append(f"| `{flag}` | {' | '.join(cells)} | {name} | {' | '.join(shares)} |")
    return table, lines


def tell_doubted(pairs: Sequence[Pair]) -> Iterator[str]:
    """Each reference that is doubted, with its half and the reasons."""
    for source, target in pairs:
        for doubt in find_doubts(source, target):
            yield f"{half_of(source)} {doubt.flag}: {doubt.reason}\n  {source}\n  {target}\n"


def read_pairs(source: Path, reference: Path) -> Iterator[Pair]:
    """The lines of two files side by side, those without a word left out."""
    sides = (path.read_text(encoding="utf-8").split("\n")[:-1] for path in (source, reference))
    return (pair for pair in zip(*sides, strict=True) if needs_model(pair[0]))


if __name__ == "__main__":
    main()
