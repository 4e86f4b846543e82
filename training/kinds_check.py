"""How many lines of each kind the tool translates right, or at least flags: what `kinds.py --held-out` wrote, judged.

Use: `python training/kinds_check.py KINDS.tsv [--show N] [-- OPTIONS OF translate …]`, such as `-- --model FOLDER --beams 4`.

Right means: what has to be copied or rewritten (address, number, date, …) stands in the English as it stands in the
reference; the rest of the sentence is not judged. A line in capitals is right if its English is in capitals and has
a chrF of 35 or more; lines in ordinary letters, judged alike but for the capitals, say how many reach that at best.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sacrebleu.metrics import CHRF

from figures import clock_minutes, english_dates, english_numbers
from pairs import MADE, Pair
from reading import read_pairs
from strings import EMOJI

LEAST_CHRF = 35.0
_COPIED = re.compile(r"[@/\\_#\d]|\w\.\w")
_PLAIN = set("äöüÄÖÜß")
_SPACED_UNIT = re.compile(
    r"(?<=[\d½¼¾])[ \u00a0](?=(?:%|‰|°|€|million|billion|percent|euros|[kcmµ]?m[²³]?|ha|[kmµ]?g)(?!\w))"
)
_AMOUNT = re.compile(r"[€$]?(?:\d[\d.,]*)?[\d½¼¾](?:%|‰|°C?|million|billion|euros|[kcmµ]?m[²³]?|ha|[kmµ]?g)?(?!\w)")


@dataclass(frozen=True, slots=True)
class Line:
    """A pair, what the tool made of its source, and the flags of the rows."""

    pair: Pair
    output: str
    flags: tuple[str, ...]


def shared_tokens(pair: Pair, fits: Callable[[str], bool]) -> list[str]:
    """Words that stand on both sides and fit, without the punctuation around them."""
    tokens = [token.strip('.,:;!?()"„“»«') for token in pair.source.split()]
    return [token for token in tokens if token and fits(token) and token in pair.target]


def is_rare(token: str) -> bool:
    """Whether a word has a letter that neither German nor English has."""
    return any(c.isalpha() and not c.isascii() and c not in _PLAIN for c in token)


def amounts(text: str) -> Counter[str]:
    """Numbers with their units, without spaces in between: €5, 3.5%, 20km²."""
    plain = text.replace("per cent", "percent").replace("percent", "%")
    return Counter(_AMOUNT.findall(_SPACED_UNIT.sub("", plain)))


def has_meaning(line: Line) -> bool:
    """Whether the English, in small letters, has enough of the reference."""
    score: float = CHRF().sentence_score(line.output.lower(), [line.pair.target.lower()]).score
    return score >= LEAST_CHRF


def in_capitals(text: str) -> bool:
    """Whether nine of ten letters are capitals."""
    letters = [c for c in text if c.isalpha()]
    return sum(c.isupper() for c in letters) >= 0.9 * len(letters)


def is_right(line: Line) -> bool:
    """Whether what makes the line one of its kind is right in the English."""
    pair, output = line.pair, line.output
    wanted, mine = pair.target, output
    checks: dict[str, Callable[[], bool]] = {
        "capitals": lambda: in_capitals(output) and has_meaning(line),
        "ordinary": lambda: has_meaning(line),
        "addresses": lambda: all(t in output for t in shared_tokens(pair, lambda t: bool(_COPIED.search(t)))),
        "names": lambda: all(t in output for t in shared_tokens(pair, is_rare)),
        "emoji": lambda: [c for c in wanted if c in EMOJI] == [c for c in mine if c in EMOJI],
        "numbers": lambda: english_numbers(wanted) == english_numbers(mine),
        "dates": lambda: english_dates(wanted) == english_dates(mine),
        "clock": lambda: clock_minutes(wanted) == clock_minutes(mine),
        "units": lambda: amounts(wanted) <= amounts(mine),
    }
    return checks[pair.origin.removeprefix(MADE)]()


def translate(pairs: list[Pair], options: list[str]) -> list[Line]:
    """Each source as a line of one document, translated by the command itself."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "source.txt").write_text("".join(f"{p.source}\n" for p in pairs), encoding="utf-8")
        code = "from translate.cli import main; main()"
        command = [sys.executable, "-c", code, "source.txt", "--output", "out", "--quiet", *options]
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        rows = next(Path(folder).glob("out/*/source.jsonl")).read_text(encoding="utf-8").splitlines()
    found: dict[int, list[tuple[str, list[str]]]] = {}
    for row in map(json.loads, rows):
        found.setdefault(row["paragraph"], []).append((row["target"], row["flags"]))
    lines = []
    for number, pair in enumerate(pairs):
        parts = found.get(number, [])
        lines.append(Line(pair, " ".join(text for text, _ in parts), tuple(f for _, flags in parts for f in flags)))
    return lines


def report(lines: list[Line]) -> str:
    """A table: of each kind, lines, right ones, wrong ones with a flag, and the share of both."""
    rows = ["| kind | lines | right | wrong, flagged | right or flagged |", "|---|---:|---:|---:|---:|"]
    for kind in sorted({line.pair.origin for line in lines}):
        mine = [line for line in lines if line.pair.origin == kind]
        right = [line for line in mine if is_right(line)]
        flagged = sum(bool(line.flags) for line in mine if not is_right(line))
        share = (len(right) + flagged) / len(mine)
        rows.append(f"| {kind.removeprefix(MADE)} | {len(mine)} | {len(right)} | {flagged} | {share:.0%} |")
    return "\n".join(rows)


def main() -> None:
    """Read, translate, judge, print."""
    mark = sys.argv.index("--") if "--" in sys.argv else len(sys.argv)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lines", type=Path, help="what kinds.py --held-out wrote")
    parser.add_argument("--show", type=int, default=0, help="print so many wrong lines of each kind")
    options = parser.parse_args(sys.argv[1:mark])
    lines = translate(list(read_pairs(options.lines)), sys.argv[mark + 1 :])
    shown: Counter[str] = Counter()
    for line in lines:
        shown[line.pair.origin] += not is_right(line)
        if not is_right(line) and shown[line.pair.origin] <= options.show:
            print(line.pair.origin, line.pair.source, line.pair.target, line.output, line.flags, sep="\n  ")
    print(report(lines))


if __name__ == "__main__":
    main()
