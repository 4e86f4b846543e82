"""Train or fine-tune a Marian model on a file of sentence pairs; the same command goes on where it was stopped.

    python tools/train.py PAIRS.tsv[.xz] WORK [--from CHECKPOINT] [--dev NAME=SOURCE,REFERENCE …] [--minutes N]

See tools/README.md. WORK receives state.pt (written beside and renamed, every five minutes), log.jsonl, curve.svg and
checkpoint/, a folder in transformers' format with averaged weights.
"""

import argparse
import contextlib
import copy
import json
import os
import queue
import shutil
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import curve
import evaluate
import lexicon
import network
import numpy as np
import pairs
import torch
import vocabulary
from torch import Tensor
from transformers import MarianMTModel

# Big temporaries are mapped and unmapped at each step otherwise, and page faults take much of the time.
MALLOC = {
    "MALLOC_MMAP_THRESHOLD_": "17179869184",
    "MALLOC_TRIM_THRESHOLD_": "17179869184",
    "MALLOC_TOP_PAD_": "268435456",
}
LONGEST = 120  # tokens a side; longer pairs are left out


@dataclass(frozen=True, slots=True)
class Recipe:
    """What decides how a model is trained. Tokens are padded tokens a side; steps are updates."""

    rate: float = 1e-3
    warmup: int = 500
    cooldown_minutes: float = 0.0  # at the end of --minutes the rate falls to zero over this time
    tokens: int = 750  # of a batch; an update sums over several
    batches: int = 2  # an update's, at first
    grow_every: int = 4000  # updates after which an update takes one batch more, up to
    most_batches: int = 8
    smoothing: float = 0.1
    average: float = 0.999  # decay of the averaged weights per update
    guided: float = 1.0  # weight of the alignment's loss at first; it falls linearly to zero
    guided_steps: int = 6000
    shortest_first: int = 14  # the longest pairs at first, in tokens;
    lengthen_every: int = 50  # after so many updates they may be a token longer
    seed: int = 1


@dataclass(slots=True)
class Progress:
    """Where a run stands; kept in state.pt."""

    step: int = 0
    pool: int = 0
    batch: int = 0
    tokens: int = 0
    seconds: float = 0.0


def has_fast_bfloat16(device: str) -> bool:
    """Whether bfloat16 pays on this device: every recent GPU, and processors with AMX or AVX512-BF16."""
    if device != "cpu":
        return True
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    return "amx_bf16" in flags or "avx512_bf16" in flags


class Crew:
    """Threads that each compute gradients of whole batches on their own copy of one set of weights.

    One core a batch wastes nothing on waiting for the other cores inside each small operation, and goes on at full
    speed on the cores that are left when another program takes one.
    """

    def __init__(self, model: MarianMTModel, recipe: Recipe, *, workers: int, device: str, compiled: bool) -> None:
        """Start the threads; `model`'s own gradients are where `step` sums up."""
        self.model, self.recipe, self.device = model, recipe, device
        self.pad: int = model.config.pad_token_id
        self.autocast = has_fast_bfloat16(device)
        self.forward = torch.compile(network.states, dynamic=True) if compiled else network.states
        self.todo: queue.SimpleQueue[tuple[pairs.Batch, np.ndarray | None, float]] = queue.SimpleQueue()
        self.done: queue.SimpleQueue[tuple[float, float, float] | BaseException] = queue.SimpleQueue()
        self.copies = [copy.deepcopy(model) for _ in range(workers)]
        for replica in self.copies:
            for mine, shared in zip(replica.parameters(), model.parameters(), strict=True):
                mine.data = shared.data
            threading.Thread(target=self._work, args=(replica,), daemon=True).start()

    def _work(self, replica: MarianMTModel) -> None:
        """One thread: batches in, sums of losses out, gradients into the replica."""
        while True:
            batch, alignment, guided = self.todo.get()
            try:
                self.done.put(self._backward(replica, batch, alignment, guided))
            except BaseException as problem:  # noqa: BLE001 - raised again by step, in the main thread
                self.done.put(problem)

    def _backward(
        self, replica: MarianMTModel, batch: pairs.Batch, alignment: np.ndarray | None, guided: float
    ) -> tuple[float, float, float]:
        """Add one batch's gradients, of sums over tokens; return its smoothed, plain and alignment losses."""
        source, target = (torch.from_numpy(ids).to(self.device) for ids in (batch.source, batch.target))
        shifted = torch.cat([target.new_full((len(target), 1), self.pad), target[:, :-1]], 1)
        inside = target != self.pad
        with torch.autocast(self.device.split(":")[0], torch.bfloat16, enabled=self.autocast):
            states, attention = self.forward(replica, source, shifted, self.pad)
            smooth, plain = network.output_loss(replica, states[inside], target[inside], self.recipe.smoothing)
        extra = smooth.new_zeros(())
        if alignment is not None:
            wanted = torch.from_numpy(alignment).to(self.device)[inside]
            extra = -(wanted * attention.float()[inside].clamp_min(1e-6).log()).sum()
        (smooth + guided * extra).backward()
        return float(smooth), float(plain), float(extra)

    def step(self, batches: list[pairs.Batch], table: lexicon.Lexicon | None, guided: float) -> dict[str, float]:
        """Gradients of the mean loss over all batches into the model; return losses per token and the tokens."""
        for batch in batches:
            alignment = table.align(batch.source, batch.target, self.pad) if table and guided > 0 else None
            self.todo.put((batch, alignment, guided))
        sums = np.zeros(3)
        for _ in batches:
            result = self.done.get()
            if isinstance(result, BaseException):
                raise result
            sums += result
        tokens = sum(int((batch.target != self.pad).sum()) for batch in batches)
        self._gather(tokens)
        return dict(zip(("smoothed", "loss", "alignment"), (sums / tokens).tolist(), strict=True)) | {"tokens": tokens}

    def _gather(self, tokens: int) -> None:
        """Sum the replicas' gradients into the model's, divided by the tokens."""
        trained = [p for p in self.model.parameters() if p.requires_grad]
        for p in trained:
            p.grad = None
        for replica in self.copies:
            theirs = [p for p in replica.parameters() if p.requires_grad]
            found = [(p, t.grad) for p, t in zip(trained, theirs, strict=True) if t.grad is not None]
            for p, gradient in found:
                p.grad = gradient if p.grad is None else p.grad.add_(gradient)
            for t in theirs:
                t.grad = None
        torch._foreach_div_([p.grad for p in trained if p.grad is not None], tokens)


@dataclass(frozen=True, slots=True)
class Dev:
    """Lines to choose by: never trained on."""

    name: str
    source: list[str]
    reference: list[str]


class Trainer:
    """A model, its optimiser, its averaged weights and its place in the data."""

    def __init__(self, model: MarianMTModel, folder: Path, recipe: Recipe, options: argparse.Namespace) -> None:
        """`folder` holds the vocabulary files."""
        self.model, self.folder, self.recipe, self.options = model.to(options.device), folder, recipe, options
        self.work: Path = options.work
        self.average = {k: v.clone() for k, v in model.state_dict().items()}
        self.optimizer = torch.optim.AdamW(
            model.parameters(), lr=recipe.rate, betas=(0.9, 0.98), eps=1e-9, weight_decay=0.01, fused=True
        )
        self.progress = Progress()
        self.crew = Crew(
            model, recipe, workers=options.workers, device=options.device, compiled=options.compile
        )

    def rate(self, left: float) -> float:
        """Linear warm-up, then the inverse square root; `left` minutes before the end, linearly towards zero."""
        r, step = self.recipe, self.progress.step + 1
        rate = r.rate * min(step / r.warmup, (r.warmup / step) ** 0.5)
        return rate * min(1.0, max(left, 0.0) / r.cooldown_minutes) if r.cooldown_minutes else rate

    def batches(self, corpus: pairs.Corpus) -> Iterator[list[pairs.Batch]]:
        """The batches of each update, on from where the progress stands, without end."""
        r, p = self.recipe, self.progress
        while True:
            longest = min(LONGEST, r.shortest_first + p.step // r.lengthen_every)
            plan = pairs.plan_pool(corpus, p.pool, seed=r.seed, tokens=r.tokens, longest=longest)
            while p.batch < len(plan):
                count = min(r.most_batches, r.batches + p.step // r.grow_every)
                rows = plan[p.batch : p.batch + count]
                p.batch += count
                yield [pairs.batch_of(corpus, row, self.crew.pad) for row in rows]
            p.pool, p.batch = p.pool + 1, 0

    def update(self, batches: list[pairs.Batch], table: lexicon.Lexicon | None, left: float) -> dict[str, float]:
        """One step of the optimiser and of the average; return the losses."""
        r, step = self.recipe, self.progress.step
        guided = r.guided * max(0.0, 1 - step / r.guided_steps) if r.guided_steps else 0.0
        losses = self.crew.step(batches, table, guided)
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate(left)
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0, foreach=True)
        self.optimizer.step()
        self.progress.step += 1
        self.progress.tokens += int(losses["tokens"])
        if step % 4 == 0:
            self._update_average(min(self.recipe.average, (1 + step) / (10 + step)) ** 4)
        return losses

    def _update_average(self, decay: float) -> None:
        """Move the average towards the weights."""
        now = self.model.state_dict()
        names = [name for name, weight in now.items() if weight.is_floating_point()]
        torch._foreach_lerp_([self.average[n] for n in names], [now[n] for n in names], 1 - decay)

    def save(self) -> None:
        """Write state.pt beside and rename it, then the checkpoint."""
        state = {
            "model": self.model.state_dict(), "average": self.average, "optimizer": self.optimizer.state_dict(),
            "progress": asdict(self.progress), "config": self.model.config.to_dict(),
        }  # fmt: skip
        torch.save(state, self.work / "state.part")
        os.replace(self.work / "state.part", self.work / "state.pt")
        export(self.averaged(), self.folder, self.work / "checkpoint")

    def load(self) -> None:
        """Go on from state.pt."""
        state = torch.load(self.work / "state.pt", map_location=self.options.device, weights_only=True)
        self.model.load_state_dict(state["model"])
        self.average = state["average"]
        self.optimizer.load_state_dict(state["optimizer"])
        self.progress = Progress(**state["progress"])

    def averaged(self) -> MarianMTModel:
        """A copy of the model with the averaged weights."""
        model = copy.deepcopy(self.model)
        model.load_state_dict(self.average)
        return model.eval()


def export(model: MarianMTModel, vocabulary_from: Path, out: Path) -> None:
    """A folder in transformers' format with float16 weights; replaced as a whole."""
    beside = out.with_name(out.name + ".part")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    model = copy.deepcopy(model).cpu().half()
    model.generation_config = network.generation_config(model.config.pad_token_id)
    model.save_pretrained(beside)
    for name in vocabulary.FILES:
        shutil.copy(vocabulary_from / name, beside / name)
    shutil.rmtree(out, ignore_errors=True)
    os.replace(beside, out)


def log(work: Path, entry: dict[str, object]) -> None:
    """One line to log.jsonl and to standard output."""
    line = json.dumps({"time": time.strftime("%Y-%m-%d %H:%M:%S"), **entry}, ensure_ascii=False)
    with (work / "log.jsonl").open("a", encoding="utf-8", newline="\n") as lines:
        lines.write(line + "\n")
    print(line, flush=True)


def prepare(options: argparse.Namespace, recipe: Recipe) -> tuple[pairs.Corpus, lexicon.Lexicon | None, Path]:
    """The cleaned, encoded pairs, the lexical table and the vocabulary's folder, made once and kept in WORK."""
    work: Path = options.work
    folder = Path(options.start) if options.start else work / "vocabulary"
    if not (work / "pairs.npz").exists():
        dropped: Counter[str] = Counter()
        kept = list(pairs.clean_pairs(pairs.read_pairs(options.pairs), dropped))
        kept = without(kept, {line for dev in options.dev for line in (*dev.source, *dev.reference)}, dropped)
        log(work, {"pairs": len(kept), "dropped": dict(dropped), "origins": dict(Counter(p.origin for p in kept))})
        if not (folder / "vocab.json").exists():
            vocabulary.train_vocabulary(vocabulary_lines(kept), folder, size=options.pieces)
        sides = [vocabulary.encode(folder, s, [getattr(p, s) for p in kept]) for s in ("source", "target")]
        weights = [pairs.WEIGHT.get(p.origin, 1.0) for p in kept]
        pairs.pack(*sides, weights, eos=vocabulary.EOS, longest=LONGEST).save(work / "pairs.npz")
    corpus = pairs.Corpus.load(work / "pairs.npz")
    if recipe.guided <= 0 or options.start:
        return corpus, None, folder
    if not (work / "lexicon.npz").exists():
        lexicon.learn(corpus, len(vocabulary.load_pieces(folder)) + 1).save(work / "lexicon.npz")
    return corpus, lexicon.Lexicon.load(work / "lexicon.npz"), folder


def without(kept: list[pairs.Pair], lines: set[str], dropped: Counter[str]) -> list[pairs.Pair]:
    """The pairs of which neither side stands in `lines`."""
    lines = {pairs.tidy(pairs.Pair("", line, line)).target for line in lines} | lines
    rest = [p for p in kept if p.source not in lines and p.target not in lines]
    dropped["in a dev set"] += len(kept) - len(rest)
    return rest


def vocabulary_lines(kept: list[pairs.Pair]) -> Iterator[str]:
    """Lines to learn pieces from: both sides of a pair, with a chance of half the origin's weight."""
    rng = np.random.default_rng(1)
    for pair in kept:
        if rng.random() < pairs.WEIGHT.get(pair.origin, 1.0) * 0.6:
            yield from (pair.source, pair.target)


def build(options: argparse.Namespace, corpus: pairs.Corpus, table: lexicon.Lexicon | None, folder: Path) -> MarianMTModel:
    """The model to begin with: the one given, grown if asked, or a new one."""
    if options.start:
        model = MarianMTModel.from_pretrained(options.start, dtype=torch.float32)
        grow = options.encoder_layers > model.config.encoder_layers
        return network.grow_encoder(model, options.encoder_layers) if grow else model
    shape = network.Shape(
        options.width, options.feed_forward, options.heads, options.encoder_layers, options.decoder_layers
    )
    pieces = len(vocabulary.load_pieces(folder))
    torch.manual_seed(1)
    model = MarianMTModel(network.new_config(shape, pieces))
    start = None
    if table is not None and not options.random_embeddings:
        start = lexicon.bilingual_embeddings(corpus, table, width=shape.width, rows=pieces + 1)
    network.initialise(model, start, branch=options.branch)
    return model


def run(options: argparse.Namespace, recipe: Recipe) -> None:
    """Train until --minutes or --steps are over, or a signal says stop."""
    torch.set_num_threads(1 if options.workers > 1 else options.threads)
    corpus, table, folder = prepare(options, recipe)
    trainer = Trainer(build(options, corpus, table, folder), folder, recipe, options)
    if (options.work / "state.pt").exists():
        trainer.load()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    log(options.work, {"start": asdict(recipe), **asdict(trainer.progress), "parameters": trainer.model.num_parameters()})
    try:
        loop(trainer, corpus, table, stop)
    finally:
        trainer.save()
    measure(trainer)


def loop(trainer: Trainer, corpus: pairs.Corpus, table: lexicon.Lexicon | None, stop: threading.Event) -> None:
    """Updates, with a log line every `--log-every` updates, a state every `--save-seconds`, figures every `--measure-minutes`."""
    o, p = trainer.options, trainer.progress
    began = saved = measured = time.monotonic()
    before, sums, busy = p.seconds, Counter[str](), began
    for batches in trainer.batches(corpus):
        now = time.monotonic()
        p.seconds = before + now - began
        left = o.minutes - p.seconds / 60
        if stop.is_set() or left <= 0 or p.step >= o.steps:
            return
        losses = trainer.update(batches, table, left)
        sums.update({name: value * losses["tokens"] for name, value in losses.items() if name != "tokens"})
        sums["tokens"] += int(losses["tokens"])
        if p.step % o.log_every == 0:
            means = {name: round(value / sums["tokens"], 4) for name, value in sums.items() if name != "tokens"}
            rate = round(sums["tokens"] / (time.monotonic() - busy))
            log(o.work, {**asdict(p), **means, "rate": trainer.rate(left), "tokens/s": rate})
            sums, busy = Counter(), time.monotonic()
        if now - saved > o.save_seconds:
            trainer.save()
            saved = time.monotonic()
        if now - measured > o.measure_minutes * 60:
            measure(trainer)
            measured = time.monotonic()


def measure(trainer: Trainer) -> None:
    """Plain loss with the right and with a wrong source, BLEU and chrF of the averaged weights; and the curve."""
    model = trainer.averaged()
    for dev in trainer.options.dev:
        right, wrong = evaluate.token_losses(model, trainer.folder, dev.source, dev.reference)
        english = evaluate.translate(model, trainer.folder, dev.source, beams=1)
        scores = evaluate.score(english, dev.reference)
        figures = {"dev": dev.name, "dev loss": round(right, 4), "wrong source": round(wrong, 4)}
        log(trainer.work, {**asdict(trainer.progress), **figures, "bleu": scores.bleu, "chrf": scores.chrf})
        (trainer.work / f"{dev.name}.en").write_text("".join(line + "\n" for line in english), encoding="utf-8")
    (trainer.work / "curve.svg").write_text(curve.draw(trainer.work / "log.jsonl"), encoding="utf-8")


def dev_set(text: str) -> Dev:
    """NAME=SOURCE,REFERENCE as lines."""
    name, _, files = text.partition("=")
    source, _, reference = files.partition(",")
    if not reference:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=SOURCE,REFERENCE")
    lines = [Path(p).read_text(encoding="utf-8").splitlines()[:300] for p in (source, reference)]
    return Dev(name, *lines)


def parse(arguments: list[str]) -> tuple[argparse.Namespace, Recipe]:
    """The options, and the recipe among them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pairs", type=Path, help="TSV of origin, German, English, or of German, English; may be .xz")
    parser.add_argument("work", type=Path, help="folder for state, log and checkpoint")
    parser.add_argument("--from", dest="start", help="folder or hub name of a Marian checkpoint to fine-tune")
    parser.add_argument("--dev", type=dev_set, action="append", default=[], help="NAME=SOURCE,REFERENCE; 300 lines are used")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--workers", type=int, help="threads with a batch each; one a core on a CPU, else one")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="threads of one worker, if it is alone")
    parser.add_argument("--compile", action="store_true", help="torch.compile: minutes to start, pays on a GPU")
    for name, kind, default in (
        ("minutes", float, 1e9), ("steps", int, 10**9), ("log-every", int, 50), ("save-seconds", float, 240),
        ("measure-minutes", float, 30), ("pieces", int, 8000), ("width", int, 256), ("feed-forward", int, 1024),
        ("heads", int, 8), ("encoder-layers", int, 6), ("decoder-layers", int, 2), ("branch", float, 0.6),
    ):  # fmt: skip
        parser.add_argument(f"--{name}", type=kind, default=default, help=f"default {default}")
    parser.add_argument("--random-embeddings", action="store_true", help="do not start from the lexical table")
    for field in fields(Recipe):
        kind = type(field.default)
        parser.add_argument(f"--{field.name.replace('_', '-')}", type=kind, default=field.default, help=f"default {field.default}")
    options = parser.parse_args(arguments)
    options.workers = options.workers or ((os.cpu_count() or 1) if options.device == "cpu" else 1)
    return options, Recipe(**{field.name: getattr(options, field.name) for field in fields(Recipe)})


def main() -> None:
    """Read the options, fix the allocator's settings, and train."""
    options, recipe = parse(sys.argv[1:])
    if sys.platform == "linux" and any(name not in os.environ for name in MALLOC):
        os.execve(sys.executable, [sys.executable, *sys.argv], {**MALLOC, **os.environ})
    options.work.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(KeyboardInterrupt):
        run(options, recipe)


if __name__ == "__main__":
    main()
