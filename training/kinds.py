"""Training pairs of the kinds that running text has and lists of sentences lack, made out of pairs that are there.

Use: `python training/kinds.py PAIRS.tsv[.xz]|FOLDER -o kinds.tsv.xz [--share 1.0] [--held-out N]`

Lines in capitals become lines in English capitals: how a line is set is part of what it says. Addresses, names and signs
are copied, numbers and dates written as English writes them. With --held-out, N lines of each kind that
`kinds_check.py` can judge are made out of pairs from which no training pair is made (about one in fifty).
"""

import argparse
import lzma
import sys
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from itertools import chain, repeat
from pathlib import Path
from random import Random

import figures
import strings
from frames import Way, shared_name, with_texts
from pairs import MADE, Pair, PairError, fault, tidy
from reading import read_pairs

ONE_IN = 50
"""Pairs of which one is held out from training."""
MOST_WORDS = 30
"""Of a sentence that a kind is made of: what is inserted must not make it longer than what training takes."""
MOST_OF_ONE = 6
"""Pairs of one kind that may be made of one pair: few sentences have a date or a clock time."""
QUOTES = (("„", "“"), ("„", "”"), ("»", "«"), ("«", "»"), ("‚", "‘"), ('"', '"'))


def capitals(pair: Pair, _rng: Random) -> Pair | None:
    """A whole line in capitals, on both sides; letters in capitals take many tokens, so only short lines."""
    if len(pair.source.split()) > 18:
        return None
    return with_texts(pair, pair.source.upper(), pair.target.upper())


def headlines(pair: Pair, rng: Random) -> Pair | None:
    """A short line without its full stop, now and then in capitals."""
    if len(pair.source.split()) > 9 or not (pair.source.endswith(".") and pair.target.endswith(".")):
        return None
    source, target = pair.source[:-1], pair.target[:-1]
    return with_texts(pair, source.upper(), target.upper()) if rng.random() < 0.25 else with_texts(pair, source, target)


def quotations(pair: Pair, rng: Random) -> Pair | None:
    """A name, or the whole sentence, in German quotation marks; plain ones in English."""
    if any(mark in pair.source + pair.target for marks in QUOTES for mark in marks):
        return None
    opening, closing = rng.choice(QUOTES)
    name = shared_name(pair, rng)
    if name is None or rng.random() < 0.3:
        return with_texts(pair, opening + pair.source + closing, f'"{pair.target}"')
    source = pair.source.replace(name, f"{opening}{name}{closing}", 1)
    return with_texts(pair, source, pair.target.replace(name, f'"{name}"', 1))


KINDS: dict[str, int] = {
    "capitals": 16_000, "headlines": 8_000, "addresses": 32_000, "numbers": 20_000, "dates": 30_000, "clock": 3_500,
    "units": 20_000, "names": 12_000, "emoji": 5_000, "signs": 8_000, "quotations": 5_000,
}  # fmt: skip
"""Pairs of each kind at a share of 1."""
JUDGED = ("ordinary", "capitals", "addresses", "numbers", "dates", "clock", "units", "names", "emoji")


def ways(words: strings.Words) -> dict[str, Way]:
    """How a pair of each kind is made."""
    return {
        "ordinary": lambda pair, _: pair,  # to compare with
        "capitals": capitals, "headlines": headlines, "addresses": partial(strings.addresses, words), "numbers": figures.numbers,
        "dates": figures.dates, "clock": figures.clock_times, "units": figures.units, "names": strings.names,
        "emoji": strings.emoji, "signs": strings.signs, "quotations": quotations,
    }  # fmt: skip


def is_held_out(pair: Pair) -> bool:
    """Whether training must not see a made pair of this one; the same in every run."""
    return zlib.crc32(pair.source.encode()) % ONE_IN == 0


def usable(found: Iterable[Pair], *, held_out: bool) -> list[Pair]:
    """Sentences, clean and not too long, of the one or of the other part, each German text once; no made pairs."""
    kept: dict[str, Pair] = {}
    for pair in (tidy(pair) for pair in found if not pair.origin.startswith(MADE)):
        words = len(pair.source.split())
        if 3 < words <= MOST_WORDS and pair.source[-1] in ".!?" and is_held_out(pair) == held_out and not fault(pair):
            kept.setdefault(pair.source, pair)
    return list(kept.values())


def make(kept: list[Pair], wanted: dict[str, int], *, seed: int = 1) -> Iterator[Pair]:
    """Pairs of each kind, as many as wanted or as can be made; of one pair several of a kind only where pairs are few."""
    words = strings.Words([text for pair in kept[:20_000] for text in (pair.source, pair.target)])
    for kind, way in ways(words).items():
        rng = Random(f"{seed} {kind}")
        order, made = rng.sample(range(len(kept)), len(kept)), set[str]()
        for number in chain.from_iterable(repeat(order, MOST_OF_ONE)):
            if len(made) >= wanted.get(kind, 0):
                break
            pair = way(kept[number], rng)
            if pair is not None and pair.source not in made:
                made.add(pair.source)
                yield replace(pair, origin=MADE + kind)


def write(found: list[Pair], path: Path) -> None:
    """Origin, German and English by line, shuffled; compressed if the name ends in .xz."""
    Random(1).shuffle(found)
    text = "".join(f"{p.origin}\t{p.source}\t{p.target}\n" for p in found)
    path.write_bytes(lzma.compress(text.encode()) if path.suffix == ".xz" else text.encode())


def main() -> None:
    """Read, make, write, and say how many there are of each kind."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pairs", type=Path, help="TSV, or folder of TSVs")
    parser.add_argument("-o", "--out", type=Path, required=True, help="TSV to write")
    parser.add_argument("--share", type=float, default=1.0, help="of the numbers in KINDS; default 1")
    parser.add_argument("--held-out", type=int, metavar="N", help="make N lines a kind to measure by, not to train on")
    options = parser.parse_args()
    wanted = {kind: round(count * options.share) for kind, count in KINDS.items()}
    if options.held_out:
        wanted = dict.fromkeys(JUDGED, options.held_out)
    try:
        kept = usable(read_pairs(options.pairs), held_out=options.held_out is not None)
    except PairError as error:
        sys.exit(f"error: {error}")
    made = list(make(kept, wanted))
    write(made, options.out)
    print(f"{len(kept)} sentences, {len(made)} pairs: {dict(Counter(p.origin for p in made))}")


if __name__ == "__main__":
    main()
