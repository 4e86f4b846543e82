"""What a model makes of lines in capitals: as they are, in small letters, and with the case that its vocabulary knows.

    python benchmarks/capitals.py SOURCE REFERENCE [--model NAME] [--limit N]

Each line of SOURCE (German, a sentence a line) is put in capitals, and given to the model in four ways: as it was before,
in capitals, lowered but for its first letter, and as Tokenizer.recase writes it, which is what `translate` does. BLEU is
against REFERENCE without regard to case; "copied" counts lines in which more than half of the source's words of four
letters and more stand again. "case" is the share of words, first ones aside, that are written as before.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from sacrebleu.metrics import BLEU

from translate.engines.base import load_engine
from translate.model.catalog import resolve_model
from translate.model.tokenizer import Tokenizer
from translate.records import Request, Settings

_WORD = re.compile(r"[^\W\d_]+")


def is_copied(source: str, target: str) -> bool:
    """Whether more than half of the source's longer words stand in the target."""
    words = [word for word in _WORD.findall(source.casefold()) if len(word) > 3]
    there = set(_WORD.findall(target.casefold()))
    return bool(words) and 2 * sum(word in there for word in words) > len(words)


def share_of_case(original: Sequence[str], recased: Sequence[str]) -> float:
    """Words that are written as before, per cent, of lines that have as many words still."""
    pairs = [
        pair
        for lines in zip(original, recased, strict=True)
        for pair in zip(*(_WORD.findall(line)[1:] for line in lines), strict=False)
    ]
    same = [before for before, now in pairs if before == now]
    return 100 * len(same) / max(1, len(pairs))


def main() -> None:
    """Measure, print the table, end with one line of JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("source", type=Path)
    parser.add_argument("reference", type=Path)
    parser.add_argument("--model", default="tiny-de-en")
    parser.add_argument("--limit", type=int, help="only so many lines, from the first")
    options = parser.parse_args()
    model = resolve_model(options.model).model
    engine, tokenizer = load_engine(model, Settings(engine="native", dtype="float32")), Tokenizer(model)
    sides = [path.read_text(encoding="utf-8").splitlines() for path in (options.source, options.reference)]
    pairs = [*islice(zip(*sides, strict=True), options.limit)]
    sources, references = [source for source, _ in pairs], [reference for _, reference in pairs]
    capitals = [source.upper() for source in sources]
    ways = {
        "as it was": sources,
        "capitals": capitals,
        "lowered": [line[:1] + line[1:].lower() for line in capitals],
        "recased": [tokenizer.recase(line) for line in capitals],
    }
    rows = []
    for name, lines in ways.items():
        requests = [Request(number, ids) for number, ids in enumerate(tokenizer.encode(lines))]
        targets = {answer.number: tokenizer.decode(answer.target) for answer in engine.translate(requests)}
        answers = [targets[number] for number in range(len(lines))]
        bleu = BLEU(lowercase=True).corpus_score(answers, [references]).score
        copied = sum(map(is_copied, sources, answers))
        rows.append({"way": name, "bleu": bleu, "copied": copied, "case": share_of_case(sources, lines)})
        print(f"{name:10} BLEU {bleu:5.1f}  copied {copied:4}  case {rows[-1]['case']:5.1f} %", flush=True)
    print(json.dumps({"lines": len(pairs), "model": model.short_name, "rows": rows}))


if __name__ == "__main__":
    main()
