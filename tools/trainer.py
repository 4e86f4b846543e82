"""What a training run keeps: recipe, progress, model, optimiser, averaged weights; how it steps, saves and is measured."""

import argparse
import copy
import json
import math
import shutil
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import curve
import evaluate
import lexicon
import network
import numpy as np
import pairs
import torch
import vocabulary
from crew import Crew
from transformers import MarianMTModel

MEASURED = 300  # lines of a dev set that are measured every half hour: enough to see progress, cheap enough to do so
LONGEST = 120  # tokens a side; longer pairs are left out


@dataclass(frozen=True, slots=True)
class Recipe:
    """What decides how a model is trained. Tokens are padded tokens a side; steps are updates."""

    rate: float = 2e-3
    warmup: int = 500
    cooldown: int = 0  # the last so many of --steps, over which the rate falls to zero
    tokens: int = 1000  # of a batch; an update sums over several
    batches: int = 2  # an update's, at first; best a multiple of the workers
    grow_every: int = 2000  # updates after which an update takes as many again, up to
    most_batches: int = 8
    smoothing: float = 0.1
    drawn: float = 0.2  # share of the pieces that an update's softmax runs over, besides those in the batch; 1 is all
    average: float = 0.999  # decay of the averaged weights per update
    guided: float = 0.0  # weight of the alignment's loss at first; it falls linearly to zero
    guided_steps: int = 2000
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


@dataclass(frozen=True, slots=True)
class Dev:
    """Lines to choose by: none is trained on, the first MEASURED are translated."""

    name: str
    source: list[str]
    reference: list[str]


@dataclass(frozen=True, slots=True)
class Data:
    """What a model is trained on: encoded pairs, their lexical table if it is used, the folder of the vocabulary."""

    corpus: pairs.Corpus
    table: lexicon.Lexicon | None
    folder: Path


class Trainer:
    """A model, its optimiser, its averaged weights and its place in the data."""

    def __init__(self, model: MarianMTModel, data: Data, recipe: Recipe, options: argparse.Namespace) -> None:
        """Everything at its beginning; `load` goes on from a saved state."""
        self.model, self.data, self.recipe, self.options = model.to(options.device), data, recipe, options
        self.work: Path = options.work
        self.average = {name: weight.detach().clone() for name, weight in model.named_parameters()}
        self.optimizer = torch.optim.AdamW(
            model.parameters(), lr=recipe.rate, betas=(0.9, 0.98), eps=1e-9, weight_decay=0.01, fused=True
        )
        self.progress = Progress()
        frequency = torch.from_numpy(np.bincount(data.corpus.target, minlength=model.config.vocab_size))
        draw = network.Draw(recipe.drawn, frequency / len(data.corpus.target)) if recipe.drawn < 1 else None
        self.crew = Crew(
            model, recipe.smoothing, draw, workers=options.workers, device=options.device, compiled=options.compile
        )

    def rate(self) -> float:
        """Linear warm-up, then the inverse square root; before the end linearly towards zero, if a cool-down is asked for."""
        r, step = self.recipe, self.progress.step + 1
        rate = r.rate * min(step / r.warmup, math.sqrt(r.warmup / step))
        left = (self.options.steps - self.progress.step) / r.cooldown if r.cooldown else 1.0
        return rate * min(1.0, max(left, 0.0))

    def batches(self) -> Iterator[list[pairs.Batch]]:
        """The batches of each update, on from where the progress stands, without end."""
        r, p = self.recipe, self.progress
        plan: list[pairs.Ints] = []
        while plan or p.pool < 100:
            longest = min(LONGEST, r.shortest_first + p.step // r.lengthen_every)
            plan = pairs.plan_pool(self.data.corpus, p.pool, seed=r.seed, tokens=r.tokens, longest=longest)
            while p.batch < len(plan):
                count = min(r.most_batches, r.batches * (1 + p.step // r.grow_every))
                rows = plan[p.batch : p.batch + count]
                p.batch += count
                yield [pairs.batch_of(self.data.corpus, row, self.crew.pad) for row in rows]
            p.pool, p.batch = p.pool + 1, 0
        raise pairs.PairError(f"no pair has at most {r.shortest_first} tokens a side (--shortest-first)")

    def update(self, batches: list[pairs.Batch]) -> dict[str, float]:
        """One step of the optimiser and of the average; return the losses."""
        r, step = self.recipe, self.progress.step
        guided = r.guided * max(0.0, 1 - step / r.guided_steps)
        losses = self.crew.step(batches, self.data.table, guided)
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0, foreach=True)
        self.optimizer.step()
        self.progress.step += 1
        self.progress.tokens += int(losses["tokens"])
        if step % 4 == 0:
            self._update_average(min(self.recipe.average, (1 + step) / (10 + step)) ** 4)
        return losses

    def _update_average(self, decay: float) -> None:
        """Move the average towards the weights."""
        with torch.no_grad():
            torch._foreach_lerp_([*self.average.values()], [*self.model.parameters()], 1 - decay)

    def save(self) -> None:
        """Write state.pt beside and rename it, then the checkpoint."""
        state = {
            "model": self.model.state_dict(), "average": self.average, "optimizer": self.optimizer.state_dict(),
            "progress": asdict(self.progress), "config": self.model.config.to_dict(),
        }  # fmt: skip
        torch.save(state, self.work / "state.part")
        (self.work / "state.part").replace(self.work / "state.pt")
        export(self.averaged(), self.data.folder, self.work / "checkpoint")

    def load(self) -> None:
        """Go on from state.pt."""
        state = torch.load(self.work / "state.pt", map_location=self.options.device, weights_only=True)
        self.model.load_state_dict(state["model"])
        self.average = {name: state["average"][name] for name in self.average}
        self.optimizer.load_state_dict(state["optimizer"])
        self.progress = Progress(**state["progress"])

    def averaged(self) -> MarianMTModel:
        """A copy of the model with the averaged weights."""
        model = copy.deepcopy(self.model)
        model.load_state_dict(self.average, strict=False)  # tied weights stand in it once
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
    beside.replace(out)


def log(work: Path, entry: dict[str, object]) -> None:
    """One line to log.jsonl and to standard output."""
    line = json.dumps({"time": time.strftime("%Y-%m-%d %H:%M:%S"), **entry}, ensure_ascii=False)
    with (work / "log.jsonl").open("a", encoding="utf-8", newline="\n") as lines:
        lines.write(line + "\n")
    print(line, flush=True)


def measure(trainer: Trainer) -> None:
    """Plain loss with the right and with a wrong source, BLEU and chrF of the averaged weights; and the curve."""
    model = trainer.averaged()
    for dev in trainer.options.dev:
        source, reference = dev.source[:MEASURED], dev.reference[:MEASURED]
        right, wrong = evaluate.token_losses(model, trainer.data.folder, source, reference)
        english = evaluate.translate(model, trainer.data.folder, source, beams=1)
        scores = evaluate.score(english, reference)
        figures = {"dev": dev.name, "dev loss": round(right, 4), "wrong source": round(wrong, 4)}
        log(trainer.work, {**asdict(trainer.progress), **figures, "bleu": scores.bleu, "chrf": scores.chrf})
        (trainer.work / f"{dev.name}.en").write_text("".join(line + "\n" for line in english), encoding="utf-8")
    (trainer.work / "curve.svg").write_text(curve.draw(trainer.work / "log.jsonl"), encoding="utf-8")
