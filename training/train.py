"""Train or fine-tune a Marian model on files of sentence pairs; the same command goes on where it was stopped.

Use: `python training/train.py PAIRS.tsv[.xz]|FOLDER WORK [--from CHECKPOINT] [--dev NAME=SOURCE,REFERENCE …] [--minutes N]`

See training/README.md. WORK receives state.pt (written beside and renamed, every four minutes), log.jsonl, curve.svg and
checkpoint/, a folder in transformers' format with averaged weights.
"""

import argparse
import math
import os
import re
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, fields
from pathlib import Path

import numpy as np
import torch
from huggingface_hub import snapshot_download
from transformers import MarianMTModel

import lexicon
import network
import pairs
import vocabulary
from augment import augment
from reading import read_pairs
from trainer import LONGEST, Data, Dev, Progress, Recipe, Trainer, log, measure

# Big temporaries are mapped and unmapped at each step otherwise, and page faults take much of the time.
MALLOC = {
    "MALLOC_MMAP_THRESHOLD_": "17179869184",
    "MALLOC_TRIM_THRESHOLD_": "17179869184",
    "MALLOC_TOP_PAD_": "268435456",
}
ENDLESS = 10**9
"""Updates, or minutes: no end."""


def prepare(options: argparse.Namespace, recipe: Recipe) -> Data:
    """The cleaned, encoded pairs, the lexical table and the vocabulary's folder, made once and kept in WORK."""
    work: Path = options.work
    folder = work / "vocabulary" if options.more_characters or not options.start else options.start
    if not (work / "pairs.npz").exists():
        dropped: Counter[str] = Counter()
        kept = list(pairs.clean_pairs(read_pairs(options.pairs), dropped))
        kept = without(kept, (line for dev in options.dev for line in (*dev.source, *dev.reference)), dropped)
        more = list(augment(kept, options.augment))
        origins = dict(Counter(p.origin for p in kept))
        log(work, {"pairs": len(kept), "dropped": dict(dropped), "origins": origins, "augmented": len(more)})
        if not kept:
            raise pairs.PairError(f"{options.pairs}: no pair is fit for training: {dict(dropped)}")
        kept += more
        if not (folder / "vocab.json").exists():
            lines = list(vocabulary_lines(kept))
            if options.start:
                log(work, {"more characters": vocabulary.extend_vocabulary(options.start, lines, folder)})
            else:
                vocabulary.train_vocabulary(lines, folder, size=options.pieces)
        source = vocabulary.encode(folder, "source", [p.source for p in kept])
        target = vocabulary.encode(folder, "target", [p.target for p in kept])
        weights = [pairs.WEIGHT.get(p.origin, 1.0) for p in kept]
        pairs.pack(source, target, weights, eos=vocabulary.EOS, longest=LONGEST).save(work / "pairs.npz")
    corpus = pairs.Corpus.load(work / "pairs.npz")
    if recipe.guided <= 0 and (options.start or options.random_embeddings):
        return Data(corpus, None, folder)
    if not (work / "lexicon.npz").exists():
        lexicon.learn(corpus, len(vocabulary.load_pieces(folder)) + 1).save(work / "lexicon.npz")
    return Data(corpus, lexicon.Lexicon.load(work / "lexicon.npz"), folder)


def without(kept: list[pairs.Pair], lines: Iterable[str], dropped: Counter[str]) -> list[pairs.Pair]:
    """The pairs of which neither side has the words of one of the lines, whatever their case and punctuation."""
    words = {" ".join(re.findall(r"\w+", line.lower())) for line in lines}
    rest = [p for p in kept if not {" ".join(re.findall(r"\w+", s.lower())) for s in (p.source, p.target)} & words]
    dropped["in a dev set"] += len(kept) - len(rest)
    return rest


def vocabulary_lines(kept: list[pairs.Pair]) -> Iterator[str]:
    """Lines to learn pieces from: both sides of a pair, with a chance of half the origin's weight."""
    rng = np.random.default_rng(1)
    for pair in kept:
        if rng.random() < pairs.WEIGHT.get(pair.origin, 1.0) * 0.6:
            yield from (pair.source, pair.target)


def build(options: argparse.Namespace, data: Data) -> MarianMTModel:
    """The model to begin with: the one given, grown if asked, or a new one."""
    if options.start:
        torch.manual_seed(1)
        model = MarianMTModel.from_pretrained(options.start, dtype=torch.float32)
        if options.more_characters:
            model = network.add_pieces(model, len(vocabulary.load_pieces(data.folder)))
        grow = options.encoder_layers > model.config.encoder_layers
        return network.grow_encoder(model, options.encoder_layers) if grow else model
    shape = network.Shape(
        options.width, options.feed_forward, options.heads, options.encoder_layers, options.decoder_layers
    )
    pieces = len(vocabulary.load_pieces(data.folder))
    torch.manual_seed(1)
    model = MarianMTModel(network.new_config(shape, pieces))
    start = None
    if data.table is not None and not options.random_embeddings:
        start = lexicon.bilingual_embeddings(data.corpus, data.table, width=shape.width, rows=pieces + 1)
    network.initialise(model, start, branch=options.branch)
    return model


def run(options: argparse.Namespace, recipe: Recipe) -> None:
    """Train until --minutes or --steps are over, or a signal says stop."""
    torch.set_num_threads(1 if options.workers > 1 else options.threads)
    data = prepare(options, recipe)
    trainer = Trainer(build(options, data), data, recipe, options)
    if (options.work / "state.pt").exists():
        trainer.load()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    size = {"parameters": trainer.model.num_parameters()}
    log(options.work, {"start": asdict(recipe), **asdict(trainer.progress), **size})
    try:
        loop(trainer, stop)
    finally:
        trainer.save()
    measure(trainer)


def loop(trainer: Trainer, stop: threading.Event) -> None:
    """Updates, with a log line every `--log-every` updates, a state every `--save-seconds`, figures every `--measure-minutes`."""
    o, p = trainer.options, trainer.progress
    began = saved = measured = time.monotonic()
    before, first, sums, busy = p.seconds, p.step, Counter[str](), began
    for batches in trainer.batches():
        now = time.monotonic()
        p.seconds = before + now - began
        if stop.is_set() or p.seconds > o.minutes * 60 or p.step >= o.steps:
            return
        losses = trainer.update(batches)
        sums.update({name: value * losses["tokens"] for name, value in losses.items() if name != "tokens"})
        sums["tokens"] += int(losses["tokens"])
        if p.step % o.log_every == 0:
            means = {name: round(value / sums["tokens"], 4) for name, value in sums.items() if name != "tokens"}
            rate = round(sums["tokens"] / (time.monotonic() - busy))
            left = {"hours left": hours_left(o, p, (time.monotonic() - began) / (p.step - first))}
            log(o.work, {**asdict(p), **means, "rate": trainer.rate(), "tokens/s": rate, **left})
            sums, busy = Counter(), time.monotonic()
        if now - saved > o.save_seconds:
            trainer.save()
            saved = time.monotonic()
        if now - measured > o.measure_minutes * 60:
            measure(trainer)
            measured = time.monotonic()


def hours_left(options: argparse.Namespace, progress: Progress, pace: float) -> float | None:
    """Hours until --steps or --minutes end the run, whichever comes first, at `pace` seconds an update; None without end."""
    by_steps = (options.steps - progress.step) * pace if options.steps < ENDLESS else math.inf
    by_minutes = options.minutes * 60 - progress.seconds if options.minutes < ENDLESS else math.inf
    seconds = max(0.0, min(by_steps, by_minutes))
    return None if math.isinf(seconds) else round(seconds / 3600, 2)


def dev_set(text: str) -> Dev:
    """NAME=SOURCE,REFERENCE as lines."""
    name, _, files = text.partition("=")
    source, _, reference = files.partition(",")
    if not reference:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=SOURCE,REFERENCE")
    lines = [Path(p).read_text(encoding="utf-8").splitlines() for p in (source, reference)]
    return Dev(name, *lines)


def existing(name: str) -> Path:
    """A file or folder that is there."""
    if not Path(name).exists():
        raise argparse.ArgumentTypeError(f"no file or folder {name!r}")
    return Path(name)


def checkpoint(name: str) -> Path:
    """The folder of a Marian checkpoint: given as such, or fetched from the hub."""
    if Path(name).is_dir():
        return Path(name)
    repository, _, revision = name.partition("@")
    return Path(snapshot_download(repository, revision=revision or None, ignore_patterns=["*.h5", "*.ot", "*.msgpack"]))


def parse(arguments: list[str]) -> tuple[argparse.Namespace, Recipe]:
    """The options, and the recipe among them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "pairs",
        type=existing,
        help="TSV of origin, German, English, or of German, English (may be .xz), or a folder of TSVs; rows of a run "
        "(.jsonl, or its folder); its memory.sqlite",
    )
    parser.add_argument("work", type=Path, help="folder for state, log and checkpoint")
    parser.add_argument(
        "--from", dest="start", type=checkpoint, help="folder, or hub name with an optional @revision, to fine-tune"
    )
    parser.add_argument(
        "--dev",
        type=dev_set,
        action="append",
        default=[],
        help="NAME=SOURCE,REFERENCE; the first 300 lines are measured",
    )
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--workers", type=int, help="threads with a batch each; one a core on a CPU, else one")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="threads of one worker, if it is alone")
    parser.add_argument("--compile", action="store_true", help="torch.compile: minutes to start, pays on a GPU")
    for name, kind, default in (
        ("minutes", float, float(ENDLESS)), ("steps", int, ENDLESS), ("log-every", int, 50), ("save-seconds", float, 240),
        ("measure-minutes", float, 30), ("augment", float, 0.0), ("pieces", int, 8000), ("width", int, 256), ("feed-forward", int, 1024),
        ("heads", int, 8), ("encoder-layers", int, 6), ("decoder-layers", int, 2), ("branch", float, 0.6),
    ):  # fmt: skip
        parser.add_argument(f"--{name}", type=kind, default=default, help=f"default {default}")
    parser.add_argument(
        "--more-characters", action="store_true", help="with --from: pieces for the text's characters that it lacks"
    )
    parser.add_argument("--random-embeddings", action="store_true", help="do not start from the lexical table")
    for name, default in asdict(Recipe()).items():
        option = "--" + name.replace("_", "-")
        parser.add_argument(option, type=type(default), default=default, help=f"default {default}")
    options = parser.parse_args(arguments)
    options.workers = options.workers or ((os.cpu_count() or 1) if options.device == "cpu" else 1)
    return options, Recipe(**{field.name: getattr(options, field.name) for field in fields(Recipe)})


def main() -> None:
    """Read the options, fix the allocator's settings, and train."""
    options, recipe = parse(sys.argv[1:])
    if sys.platform == "linux" and any(name not in os.environ for name in MALLOC):
        os.execve(sys.executable, [sys.executable, *sys.argv], {**MALLOC, **os.environ})
    options.work.mkdir(parents=True, exist_ok=True)
    try:
        run(options, recipe)
    except KeyboardInterrupt:
        pass
    except pairs.PairError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
