"""Do addresses, tags and codes come out as they went in, and terms as the glossary wants them?

    python benchmarks/protect.py spans CASES.jsonl [--model NAME] [--engine NAME] [--show N]
    python benchmarks/protect.py terms CASES.jsonl …
    python benchmarks/protect.py cost SOURCES.txt --reference REFERENCES.txt …

With --write the outcome is also written into a page, each of the three in a line of its own.

`spans`: each case is a source, its spans (start, end, text, kind) and a reference. A sentence is right if each span is in
the English as often as in the German, and pairs of tags enclose the words that they enclose in the reference.
`terms`: a source, a term, its English in singular and plural. Right: the wanted words stand there, in the right number,
and what the model says of itself for the term does not.
`cost`: seconds and BLEU with and without protection, and how many sentences without a span differ (none should).
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import re
import time
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import sacrebleu

from pages import replace_block
from translate.model.catalog import resolve_model
from translate.protect.kinds import find_spans
from translate.protect.mask import Masked
from translate.protect.protector import Protector
from translate.records import Settings, Term, Translation
from translate.run.decoding import SentenceDecoder, find_owners
from translate.run.loading import LoadedModel, load

TAG = re.compile(r"<[^<>]+>")
WORD = re.compile(r"\w+")


def read_cases(path: Path) -> list[dict[str, Any]]:
    """One JSON object a line."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


class Unprotected(Protector):
    """Gives every sentence to the model as it is."""

    def mask(self, source: str, number: int = 0, weak: Collection[int] = ()) -> Masked:
        """The sentence."""
        return Masked(source)


def translate(loaded: LoadedModel, sources: Sequence[str], *, protected: bool = True) -> list[Translation]:
    """Each source's translation, as a run makes it, or as it would without protection."""
    decoder = SentenceDecoder(loaded.engine, loaded.tokenizer, loaded.settings, loaded.aligner)
    if not protected:
        decoder._protector = Unprotected()
    pendings = decoder.prepare(list(dict.fromkeys(sources)))
    requests = [request for pending in pendings for request in pending.requests]
    decoded = [*decoder.decode(requests, find_owners(pendings))]
    found = {one.source: one.translation for one in decoder.settle(decoded)}
    return [found[source] for source in sources]


def judge_spans(loaded: LoadedModel, cases: Sequence[dict[str, Any]], show: int) -> str:
    """Print how many sentences are right, kind by kind, and examples; what it comes to."""
    targets = translate(loaded, [case["source"] for case in cases])
    bare = translate(loaded, [case["source"] for case in cases], protected=False)
    right: dict[str, Counter[bool]] = defaultdict(Counter)
    overlaps = []
    for case, target, other in zip(cases, targets, bare, strict=True):
        kept = all(target.target.count(span["text"]) == case["source"].count(span["text"]) for span in case["spans"])
        for kind in {span["kind"] for span in case["spans"]}:
            right[kind][kept] += 1
        right["all"][kept] += 1
        right["flagged"][bool(target.flags)] += 1
        if any(span["kind"] == "tag" for span in case["spans"]):
            overlaps.append(overlap(target.target, case["reference"]))
        if not kept or show > 0:
            show -= 1
            print(
                f"{'' if kept else 'WRONG '}{case['source']}\n    {target.target}  {list(map(str, target.flags))}\n    {other.target}\n    {case['reference']}"
            )
    for kind, counts in sorted(right.items()):
        print(f"{kind:10} {counts[True]:4} of {counts.total():4}  {100 * counts[True] / counts.total():.1f} %")
    references = [[case["reference"] for case in cases]]
    chrf = [sacrebleu.corpus_chrf([one.target for one in some], references).score for some in (targets, bare)]
    within = sum(overlaps) / max(1, len(overlaps))
    alone = sum(
        all(other.target.count(span["text"]) == case["source"].count(span["text"]) for span in case["spans"])
        for case, other in zip(cases, bare, strict=True)
    )
    return (
        f"- Spans: in {right['all'][True]} of {len(cases)} sentences every span comes out exactly (without protection: {alone}); chrF against "
        f"references {chrf[0]:.1f} (without: {chrf[1]:.1f}). Words between paired tags against the references' own: F1 {within:.2f}."
    )


def overlap(target: str, reference: str) -> float:
    """F1 of the words between a text's tags, against those of the reference."""
    ours, theirs = Counter(inner_words(target)), Counter(inner_words(reference))
    same = (ours & theirs).total()
    return 2 * same / (ours.total() + theirs.total()) if ours and theirs else 0.0


def inner_words(text: str) -> Iterator[str]:
    """The words between an opening and a closing tag."""
    depth, position = 0, 0
    for tag in TAG.finditer(text):
        if depth:
            yield from WORD.findall(text[position : tag.start()].lower())
        depth += -1 if tag[0].startswith("</") else 1
        position = tag.end()


def judge_terms(loaded: LoadedModel, cases: Sequence[dict[str, Any]], show: int) -> str:
    """Print how many terms are right, by where they stand, and examples; what it comes to."""
    right: dict[str, Counter[str]] = defaultdict(Counter)
    for case in cases:
        compound = case["where"] == "compound"
        settings = dataclasses.replace(
            loaded.settings, glossary=(Term(case["form"] if compound else case["term"], case["singular"]),)
        )
        with_terms = dataclasses.replace(loaded, settings=settings)
        plain, found = translate(loaded, [case["source"]])[0], translate(with_terms, [case["source"]])[0]
        outcome = judge_term(case, found.target)
        right[case["where"]][outcome] += 1
        right["not compound" if not compound else "compounds"][outcome] += 1
        if outcome != "right" or show > 0:
            show -= 1
            print(
                f"{outcome.upper()} {case['where']} {case['form']} → {case['singular']} ({case['number']})\n    {case['source']}\n    {plain.target}\n    {found.target}  {list(map(str, found.flags))}"
            )
    for where, counts in sorted(right.items()):
        print(f"{where:14} {dict(counts)}  {100 * counts['right'] / counts.total():.1f} %")
    words, compounds = right["not compound"], right["compounds"]
    return (
        f"- Terms that the model would call otherwise: {words['right']} of {words.total()} come out in the right number and once; of compounds with "
        f"an entry of their own {compounds['right']} of {compounds.total()}."
    )


def judge_term(case: dict[str, Any], target: str) -> str:
    """`right`, `missing`, `number` or `twice`."""
    forms = {"sg": [case["singular"]], "pl": [case["plural"]]}.get(case["number"], [case["singular"], case["plural"]])
    counts = [len(re.findall(rf"(?<!\w){re.escape(form)}(?!\w)", target, re.IGNORECASE)) for form in forms]
    if not sum(counts):
        others = [case["singular"], case["plural"]]
        return (
            "number"
            if any(re.search(rf"(?<!\w){re.escape(form)}(?!\w)", target, re.IGNORECASE) for form in others)
            else "missing"
        )
    wanted = len(re.findall(rf"(?<!\w){re.escape(case['form'])}(?!\w)", case["source"]))
    return "right" if max(counts) == 1 or sum(counts) <= wanted + (len(set(forms)) == 2) else "twice"


def measure_cost(loaded: LoadedModel, sources: Sequence[str], references: Sequence[str], rounds: int) -> str:
    """Print seconds and BLEU with and without protection, by turns; what it comes to."""
    seconds: dict[bool, list[float]] = {True: [], False: []}
    targets: dict[bool, list[str]] = {}
    for _ in range(rounds):
        for protected, times in seconds.items():
            started = time.process_time()
            targets[protected] = [one.target for one in translate(loaded, sources, protected=protected)]
            times.append(time.process_time() - started)
    spanned = [bool(find_spans(source)) for source in sources]
    differing = sum(a != b for a, b, spans in zip(*targets.values(), spanned, strict=True) if not spans)
    found = [
        (min(seconds[protected]), sacrebleu.corpus_bleu(targets[protected], [references]).score)
        for protected in (True, False)
    ]
    print(f"seconds of processor time at best, and BLEU: protected {found[0]}, as it is {found[1]}")
    return (
        f"- Ordinary text ({len(sources):,} sentences, {sum(spanned)} of them with a span): {differing} sentences without a span differ; BLEU {found[0][1]:.2f} "
        f"(without protection: {found[1][1]:.2f}), processor time {100 * (found[0][0] / found[1][0] - 1):+.1f} %."
    )


def main() -> None:
    """Read the options and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["spans", "terms", "cost"])
    parser.add_argument("cases", type=Path)
    parser.add_argument("--reference", type=Path)
    parser.add_argument("--model", default="tiny-de-en")
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--show", type=int, default=0, help="how many right ones to show, too")
    parser.add_argument("--write", type=Path, help="the page that the outcome is written into")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    loaded = load(resolve_model(options.model).model, Settings(engine=options.engine, dtype=options.dtype))
    if options.what == "cost":
        texts = [path.read_text(encoding="utf-8").splitlines() for path in (options.cases, options.reference)]
        line = measure_cost(loaded, texts[0], texts[1], options.rounds)
    else:
        judge = judge_spans if options.what == "spans" else judge_terms
        line = judge(loaded, read_cases(options.cases), options.show)
    print(line)
    if options.write:
        replace_block(options.write, f"protect-{options.what}", line)


if __name__ == "__main__":
    main()
