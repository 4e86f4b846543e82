"""How fast are the engines beside plain transformers and CTranslate2, on the same text, in one run?

    python benchmarks/peers.py [--model NAME | --random] [--beams N] [--limit N] [--repeats N] [--engines E …] [--lines]
                          [--reference FILE] [--write docs/engines.md] [--block NAME] FILE…

Each side goes from texts to texts, tokens included: plain transformers as its documentation shows it (float32, file
order, 8 at a time); CTranslate2 with all texts in one call, sorted into token batches, at the best of a few settings
that are tried first (float32 and int8); and each engine as `translate` drives it. The sides take turns in random order,
so that a drifting machine hits all alike. Beside the wall's time stands the process's: sentences a second of processor time
on any core. It is what settings are chosen and ratios taken by, since another program's work counts little in it. With --random they all get random weights of
opus-mt's size (d 512, 6 + 6 layers, vocabulary 58,101), which never stop: 40 target tokens are forced for each row.
Prints a table; the last line is JSON. Ratios are of processor time, to plain transformers.
"""

from __future__ import annotations

import argparse
import atexit
import dataclasses
import json
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from pages import replace_block
from translate.bench.measurements import quartiles
from translate.bench.samples import read_text
from translate.engines.base import ENGINES, installed_engines, load_engine
from translate.machine import has_fast_bfloat16, machine_kind, package_versions
from translate.model.catalog import resolve_model
from translate.model.folder import fingerprint, read_generation, read_vocabulary
from translate.model.tokenizer import Tokenizer
from translate.records import Model, Request, Settings
from translate.run.checks import needs_model
from translate.run.windows import make_batches, make_chunks

Translate = Callable[[Sequence[str]], list[str]]

PLAIN = "transformers as documented"
PLAIN_SIZE = 8
TRIAL_TEXTS = 128
TRIALS = 2
TRIAL_TOKENS = (512, 1024, 2048)
SEED = 20
RANDOM_VOCABULARY = 58_101
RANDOM_SIZES = {"layers": 6, "ffn_dim": 2048, "attention_heads": 8}
RANDOM_TOKENS = 40


@dataclass(slots=True)
class Side:
    """One way to translate, the seconds of each turn by the wall and of processor time, and what came out of the last."""

    name: str
    translate: Translate
    settings: str = ""
    seconds: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)
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
    """What takes the least processor time of: threads on one batch or a batch a thread; token budgets."""
    import ctranslate2

    from translate.engines.ctranslate2 import converted_folder

    tokenizer = Tokenizer(model)
    vocabulary = read_vocabulary(model.folder)
    pieces = sorted(vocabulary, key=lambda piece: vocabulary[piece])
    generation = read_generation(model.folder, Settings())
    never = [[pieces[i] for i in ids] for ids in generation.bad_words_ids]
    longest = min(256, generation.max_length - 2)  # 256 is its own limit
    cores = int(machine_kind()["cpus"])

    def make(inter: int, intra: int, tokens: int) -> Translate:
        engine = ctranslate2.Translator(
            str(converted_folder(model)), compute_type=dtype, inter_threads=inter, intra_threads=intra
        )

        def translate(texts: Sequence[str]) -> list[str]:
            sources = [[pieces[i] for i in ids] for ids in tokenizer.encode(texts)]
            results = engine.translate_batch(
                sources,
                beam_size=beams,
                max_batch_size=tokens,
                batch_type="tokens",
                suppress_sequences=never,
                max_decoding_length=longest,
            )
            return [tokenizer.decode([vocabulary[piece] for piece in result.hypotheses[0]]) for result in results]

        return translate

    found: list[tuple[float, str, Translate]] = []
    for inter, intra in dict.fromkeys(((1, cores), (cores, 1))):
        for tokens in TRIAL_TOKENS:
            translate = make(inter, intra, tokens)
            translate(trial[:2])
            began = time.process_time()
            for _ in range(TRIALS):
                translate(trial)
            settings = f"{dtype}, sorted, {tokens} tokens, {inter} x {intra} threads"
            found.append((time.process_time() - began, settings, translate))
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


def make_random_model(folder: Path, like: Model) -> Model:
    """A model of opus-mt's size with random weights, which cannot stop by itself: every row gets RANDOM_TOKENS tokens.

    Its source vocabulary is the other model's; what it writes means nothing.
    """
    import torch
    from transformers import MarianConfig, MarianMTModel

    torch.manual_seed(SEED)
    sizes = {f"{side}_{what}": n for side in ("encoder", "decoder") for what, n in RANDOM_SIZES.items()}
    last = RANDOM_VOCABULARY - 1
    marian = MarianMTModel(
        MarianConfig(
            **sizes,
            d_model=512,
            vocab_size=RANDOM_VOCABULARY,
            max_position_embeddings=512,
            activation_function="swish",
            scale_embedding=True,
            pad_token_id=last,
            decoder_start_token_id=last,
        )
    )
    marian.final_logits_bias[0, 0] = -1e9
    marian.generation_config.update(num_beams=1, max_length=RANDOM_TOKENS + 2, bad_words_ids=[[last]])
    marian.save_pretrained(folder)
    for name in ("source.spm", "target.spm"):
        shutil.copy(like.folder / name, folder)
    vocabulary = dict(read_vocabulary(like.folder))
    vocabulary |= {f"random{number}": number for number in range(len(vocabulary), RANDOM_VOCABULARY)}
    (folder / "vocab.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    return Model("random", folder, None, fingerprint(folder))


def load_sides(model: Model, beams: int | None, trial: Sequence[str], wanted_engines: Sequence[str]) -> list[Side]:
    """All that are installed, plain transformers first."""
    sides = [load_plain(model, beams)]
    asked = Settings(dtype="float32", device="cpu", beams=beams)
    engines = [name for name in installed_engines() if name in wanted_engines]
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
    if "native" in engines:
        for dtype in ("int8", "bfloat16") if has_fast_bfloat16() else ("int8",):
            quick = dataclasses.replace(asked, engine="native", dtype=dtype)
            sides.append(load_ours(model, f"--engine native --dtype {dtype}", quick))
    return sides + [load_ours(model, f"--engine {name}", dataclasses.replace(asked, engine=name)) for name in engines]


def measure(sides: Sequence[Side], texts: Sequence[str], repeats: int) -> None:
    """Fill in the seconds and the targets: one short turn each to warm up, then the rounds.

    CTranslate2 sets the OpenMP threads of whoever calls it, to one if it has a worker a core: torch gets its own back.
    """
    import torch

    threads = int(machine_kind()["cpus"])
    for side in sides:
        side.translate(texts[:PLAIN_SIZE])
    shuffle = random.Random(SEED)
    for number in range(repeats):
        for side in shuffle.sample(sides, len(sides)):
            torch.set_num_threads(threads)
            began, spent = time.perf_counter(), time.process_time()
            side.targets = side.translate(texts)
            side.seconds.append(time.perf_counter() - began)
            side.processor.append(time.process_time() - spent)
        print(f"round {number + 1} of {repeats}", file=sys.stderr, flush=True)


def describe(side: Side, plain: Side, count: int, references: Sequence[str] | None) -> dict[str, object]:
    """A side's figures for programs."""
    rate = quartiles([count / seconds for seconds in side.seconds])
    own = quartiles([count / seconds for seconds in side.processor])
    base = quartiles([count / seconds for seconds in plain.processor])
    figures: dict[str, object] = {
        "side": side.name,
        "settings": side.settings,
        "sentences_per_second": round(rate.median, 2),
        "low": round(rate.low, 2),
        "high": round(rate.high, 2),
        "sentences_per_processor_second": round(own.median, 2),
        "processor_low": round(own.low, 2),
        "processor_high": round(own.high, 2),
        "ratio": round(own.median / base.median, 2),
        "same_as_plain": sum(a == b for a, b in zip(side.targets, plain.targets, strict=True)),
    }
    if references:
        from sacrebleu.metrics import BLEU, CHRF

        figures["bleu"] = round(BLEU().corpus_score(side.targets, [list(references)]).score, 2)
        figures["chrf"] = round(CHRF().corpus_score(side.targets, [list(references)]).score, 2)
    return figures


def _round(figure: object) -> str:
    """Three significant digits: more are noise."""
    rounded = float(f"{float(str(figure)):.3g}")
    return f"{rounded:,.0f}" if rounded >= 100 else f"{rounded:g}"


def count(number: int, thing: str) -> str:
    """`1 beam`, `4 beams`."""
    return f"{number} {thing}{'s' * (number != 1)}"


def render(rows: Sequence[dict[str, object]], setup: str) -> str:
    """The table in Markdown, and what it was measured on."""
    lines = ["| | sentences a processor second | × | sentences/s | BLEU |", "|---|---:|---:|---:|---:|"]
    lines += [
        f"| {row['side']} | {_round(row['sentences_per_processor_second'])} ({_round(row['processor_low'])}–"
        f"{_round(row['processor_high'])}) | {_round(row['ratio'])} | {_round(row['sentences_per_second'])} "
        f"({_round(row['low'])}–{_round(row['high'])}) | {row.get('bleu', '')} |"
        for row in rows
    ]
    return "\n".join([*lines, "", setup])


def read_options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("files", nargs="+", metavar="FILE")
    parser.add_argument("--model", help="default: as models.txt says")
    parser.add_argument("--beams", type=int, help="default: the model's own")
    parser.add_argument("--limit", type=int, help="only so many sentences, from the first")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument(
        "--engines", nargs="+", default=[name for name in ENGINES if name != "echo"], choices=ENGINES, metavar="ENGINE"
    )
    parser.add_argument("--random", action="store_true", help="random weights of opus-mt's size, forced equal lengths")
    parser.add_argument("--lines", action="store_true", help="a line is a sentence (test sets)")
    parser.add_argument("--reference", type=Path, help="lines that translate the lines of FILE")
    parser.add_argument("--write", type=Path, help="a file of which a block is written anew")
    parser.add_argument("--block", default="peers", help="which block")
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
    if options.random:
        folder = tempfile.mkdtemp(prefix="random-model-")
        atexit.register(shutil.rmtree, folder)
        os.environ["XDG_CACHE_HOME"] = folder  # its conversion goes with it
        model = make_random_model(Path(folder), model)
        print(f"random weights of opus-mt's size, which never stop: {RANDOM_TOKENS} target tokens forced for each row")
    load = os.getloadavg()[0]
    sides = load_sides(model, options.beams, texts[:TRIAL_TEXTS], options.engines)
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
            f"{row['side']!s:34} {row['sentences_per_processor_second']:8} sentences a processor second {row['ratio']:6} x, "
            f"{row['sentences_per_second']:8} sentences/s {spread:17}{quality}  "
            f"[{row['settings']}]"
        )
    if options.write:
        names = ", ".join(Path(name).name for name in options.files)
        what = f"{len(texts):,} sentences of {names}, {model.short_name}, {count(options.beams, 'beam') if options.beams else 'the model’s own number of beams'}"
        where = f"{count(options.repeats, 'round')}, {machine['cpus']} cores of {machine['processor']}"
        replace_block(options.write, options.block, render(rows, f"{what}; {where}."))
    result = {"model": model.name, "fingerprint": model.fingerprint, "sentences": len(texts), "rows": rows}
    result |= {"beams": options.beams, "load": round(load, 2), "machine": machine, "versions": package_versions()}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
