"""How fast are the engines beside plain transformers and CTranslate2, on the same text, in one run?

    python bench/peers.py [--model NAME] [--beams N] [--limit N] [--repeats N] [--lines] [--reference FILE] FILE…

Each side goes from texts to texts, tokens included: plain transformers as its documentation shows it (float32, file
order, 8 at a time); CTranslate2 with all texts in one call, sorted into token batches, at the best of a few settings
that are tried first (float32 and int8); and each engine as `translate` drives it. The sides take turns in random order,
so that a drifting machine hits all alike. Prints a table; the last line is JSON. Ratios are to plain transformers.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import random
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from translate.batches import make_batches, make_chunks
from translate.catalog import resolve_model
from translate.checks import needs_model
from translate.engine import installed_engines, load_engine
from translate.measurements import quartiles
from translate.provenance import package_versions
from translate.recommendations import machine_kind
from translate.records import Model, Request, Settings
from translate.samples import read_text
from translate.tokens import Tokenizer

Translate = Callable[[Sequence[str]], list[str]]

PLAIN = "transformers as documented"
PLAIN_SIZE = 8
TRIAL_TEXTS = 64
TRIAL_TOKENS = (512, 1024, 2048)
SEED = 20


@dataclass(slots=True)
class Side:
    """One way to translate, the seconds of each turn, and what came out of the last."""

    name: str
    translate: Translate
    settings: str = ""
    seconds: list[float] = field(default_factory=list)
    targets: list[str] = field(default_factory=list)


def load_plain(model: Model, beams: int | None) -> Side:
    """https://huggingface.co/docs/transformers/model_doc/marian, in batches."""
    from transformers import MarianMTModel, MarianTokenizer

    tokenizer = MarianTokenizer.from_pretrained(model.folder)
    marian = MarianMTModel.from_pretrained(model.folder, dtype="float32")
    options = {} if beams is None else {"num_beams": beams}

    def translate(texts: Sequence[str]) -> list[str]:
        found: list[str] = []
        for batch in make_chunks(texts, PLAIN_SIZE):
            generated = marian.generate(**tokenizer(batch, return_tensors="pt", padding=True), **options)
            found += tokenizer.batch_decode(generated, skip_special_tokens=True)
        return found

    return Side(PLAIN, translate, f"float32, file order, {PLAIN_SIZE} at a time")


def load_ctranslate2(model: Model, dtype: str, beams: int, trial: Sequence[str]) -> Side:
    """The fastest of: threads on one batch or a batch a thread; token budgets."""
    import ctranslate2

    from translate.engine_ct2 import converted_folder, read_config

    tokenizer = Tokenizer(model)
    vocabulary: dict[str, int] = json.loads((model.folder / "vocab.json").read_text(encoding="utf-8"))
    pieces = sorted(vocabulary, key=lambda piece: vocabulary[piece])
    never = [[pieces[i] for i in ids] for ids in read_config(model.folder).get("bad_words_ids") or []]
    cores = int(machine_kind()["cpus"])

    def make(inter: int, intra: int, tokens: int) -> Translate:
        engine = ctranslate2.Translator(
            str(converted_folder(model)), compute_type=dtype, inter_threads=inter, intra_threads=intra
        )

        def translate(texts: Sequence[str]) -> list[str]:
            sources = [[pieces[i] for i in ids] for ids in tokenizer.encode(texts)]
            results = engine.translate_batch(
                sources, beam_size=beams, max_batch_size=tokens, batch_type="tokens", suppress_sequences=never
            )
            return [tokenizer.decode([vocabulary[piece] for piece in result.hypotheses[0]]) for result in results]

        return translate

    found: list[tuple[float, str, Translate]] = []
    for inter, intra in dict.fromkeys(((1, cores), (cores, 1))):
        for tokens in TRIAL_TOKENS:
            translate = make(inter, intra, tokens)
            translate(trial[:2])
            began = time.perf_counter()
            translate(trial)
            settings = f"{dtype}, sorted, {tokens} tokens, {inter} x {intra} threads"
            found.append((time.perf_counter() - began, settings, translate))
    _, settings, translate = min(found, key=lambda trial: trial[0])
    return Side(f"CTranslate2 by itself, {dtype}", translate, settings)


def load_ours(model: Model, name: str, settings: Settings) -> Side:
    """An engine, with its own default batches."""
    engine, tokenizer = load_engine(model, settings), Tokenizer(model)

    def translate(texts: Sequence[str]) -> list[str]:
        requests = [Request(i, ids) for i, ids in enumerate(tokenizer.encode(texts))]
        batches = make_batches([len(request.source) for request in requests], tokens=engine.batch_tokens)
        streams = [[i for batch in batches for i in batch]] if engine.batch_independent else batches
        found = {h.number: h.target for stream in streams for h in engine.translate([requests[i] for i in stream])}
        return [tokenizer.decode(found[i]) for i in range(len(texts))]

    way = "makes its own batches" if engine.batch_independent else f"sorted, {engine.batch_tokens} tokens"
    return Side(name, translate, f"{engine.dtype}, {way}")


def load_sides(model: Model, beams: int | None, trial: Sequence[str]) -> list[Side]:
    """All that are installed, plain transformers first."""
    sides = [load_plain(model, beams)]
    asked = Settings(dtype="float32", device="cpu", beams=beams)
    engines = [name for name in installed_engines() if name != "echo"]
    if "ctranslate2" in engines:
        wanted = beams or int(load_engine(model, dataclasses.replace(asked, engine="ctranslate2")).signature["beams"])
        sides += [load_ctranslate2(model, dtype, wanted, trial) for dtype in ("float32", "int8")]
        sides.append(
            load_ours(
                model,
                "--engine ctranslate2 --dtype int8",
                dataclasses.replace(asked, engine="ctranslate2", dtype="int8"),
            )
        )
    return sides + [load_ours(model, f"--engine {name}", dataclasses.replace(asked, engine=name)) for name in engines]


def measure(sides: Sequence[Side], texts: Sequence[str], repeats: int) -> None:
    """Fill in the seconds and the targets: one short turn each to warm up, then the rounds."""
    for side in sides:
        side.translate(texts[:PLAIN_SIZE])
    shuffle = random.Random(SEED)
    for number in range(repeats):
        for side in shuffle.sample(sides, len(sides)):
            began = time.perf_counter()
            side.targets = side.translate(texts)
            side.seconds.append(time.perf_counter() - began)
        print(f"round {number + 1} of {repeats}", file=sys.stderr, flush=True)


def describe(side: Side, plain: Side, count: int, references: Sequence[str] | None) -> dict[str, object]:
    """A side's figures for programs."""
    rate = quartiles([count / seconds for seconds in side.seconds])
    base = quartiles([count / seconds for seconds in plain.seconds])
    figures: dict[str, object] = {
        "side": side.name,
        "settings": side.settings,
        "sentences_per_second": round(rate.median, 2),
        "low": round(rate.low, 2),
        "high": round(rate.high, 2),
        "ratio": round(rate.median / base.median, 2),
        "same_as_plain": sum(a == b for a, b in zip(side.targets, plain.targets, strict=True)),
    }
    if references:
        from sacrebleu.metrics import BLEU, CHRF

        figures["bleu"] = round(BLEU().corpus_score(side.targets, [list(references)]).score, 2)
        figures["chrf"] = round(CHRF().corpus_score(side.targets, [list(references)]).score, 2)
    return figures


def read_options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("files", nargs="+", metavar="FILE")
    parser.add_argument("--model", help="default: as models.txt says")
    parser.add_argument("--beams", type=int, help="default: the model's own")
    parser.add_argument("--limit", type=int, help="only so many sentences, from the first")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--lines", action="store_true", help="a line is a sentence (test sets)")
    parser.add_argument("--reference", type=Path, help="lines that translate the lines of FILE")
    return parser.parse_args()


def main() -> None:
    """Measure, print the table, end with one line of JSON."""
    options = read_options()
    references: list[str] | None = None
    if options.lines or options.reference:
        lines = [line for name in options.files for line in Path(name).read_text(encoding="utf-8").split("\n")]
        targets = options.reference.read_text(encoding="utf-8").split("\n") if options.reference else lines
        pairs = list(islice(((s, t) for s, t in zip(lines, targets, strict=True) if needs_model(s)), options.limit))
        texts, references = [s for s, _ in pairs], [t for _, t in pairs] if options.reference else None
    else:
        texts = list(islice(read_text(options.files, [], "utf-8").sentences, options.limit))
    model = resolve_model(options.model).model
    load = os.getloadavg()[0]
    sides = load_sides(model, options.beams, texts[:TRIAL_TEXTS])
    measure(sides, texts, options.repeats)
    rows = [describe(side, sides[0], len(texts), references) for side in sides]
    machine = machine_kind()
    print(
        f"{model.short_name}, {len(texts)} sentences, {options.repeats} rounds, {machine['cpus']} x {machine['processor']}"
    )
    for row in rows:
        spread = f"({row['low']}-{row['high']})"
        quality = f"  BLEU {row['bleu']}  chrF {row['chrf']}" if "bleu" in row else ""
        print(
            f"{row['side']!s:34} {row['sentences_per_second']:8} sentences/s {spread:17} {row['ratio']:6} x{quality}  "
            f"[{row['settings']}]"
        )
    result = {"model": model.name, "fingerprint": model.fingerprint, "sentences": len(texts), "rows": rows}
    result |= {"beams": options.beams, "load": round(load, 2), "machine": machine, "versions": package_versions()}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
