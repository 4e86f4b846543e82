"""Measure a Marian checkpoint: BLEU and chrF with sacreBLEU's signatures, and the plain loss with a right and a wrong source.

Use: `python training/evaluate.py CHECKPOINT SOURCE REFERENCE [--beams N] [--lines N] [--out FILE]`
"""

import argparse
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import sacrebleu
import torch
from transformers import MarianMTModel, MarianTokenizer

import network
import pairs
import vocabulary


@dataclass(frozen=True, slots=True)
class Scores:
    """Corpus scores and the signatures that say how they were computed."""

    bleu: float
    chrf: float
    bleu_signature: str
    chrf_signature: str


def score(english: list[str], references: list[str]) -> Scores:
    """BLEU and chrF of translations against one reference each."""
    bleu, chrf = sacrebleu.BLEU(), sacrebleu.CHRF()
    found = bleu.corpus_score(english, [references]).score, chrf.corpus_score(english, [references]).score
    return Scores(round(found[0], 2), round(found[1], 2), str(bleu.get_signature()), str(chrf.get_signature()))


def translate(
    model: MarianMTModel, folder: Path, lines: list[str], *, beams: int, rows: int = 32, longest: int = 200
) -> list[str]:
    """Translations in the order of the lines, computed in batches of similar length."""
    tokenizer = MarianTokenizer.from_pretrained(folder)
    order = sorted(range(len(lines)), key=lambda i: len(lines[i]))
    english = [""] * len(lines)
    for start in range(0, len(order), rows):
        numbers = order[start : start + rows]
        batch = tokenizer([lines[i] for i in numbers], return_tensors="pt", padding=True, truncation=True)
        limit = min(longest, 2 * batch["input_ids"].shape[1] + 10)
        settings = network.generation_config(model.config.pad_token_id)
        settings.num_beams, settings.max_length = beams, limit
        with torch.inference_mode():
            ids = model.generate(**batch.to(model.device), generation_config=settings)
        for i, text in zip(numbers, tokenizer.batch_decode(ids, skip_special_tokens=True), strict=True):
            english[i] = text
    return english


def token_losses(model: MarianMTModel, folder: Path, source: list[str], target: list[str]) -> tuple[float, float]:
    """Plain loss per target token with the right source, and with the sources moved on by one line.

    How far they are apart says how much the model looks at its source.
    """
    encoded = [vocabulary.encode(folder, side, lines) for side, lines in (("source", source), ("target", target))]
    moved = encoded[0][1:] + encoded[0][:1]
    return _mean_loss(model, encoded[0], encoded[1]), _mean_loss(model, moved, encoded[1])


def _mean_loss(model: MarianMTModel, sources: list[list[int]], targets: list[list[int]]) -> float:
    """Plain loss per target token."""
    corpus = pairs.pack(sources, targets, [1.0] * len(sources), eos=vocabulary.EOS, longest=500)
    order = np.argsort(corpus.target_lengths)
    pad, total, count = model.config.pad_token_id, 0.0, 0
    for start in range(0, len(order), 24):
        batch = pairs.batch_of(corpus, order[start : start + 24], pad)
        source, target = (torch.from_numpy(ids).to(model.device) for ids in (batch.source, batch.target))
        shifted = torch.cat([target.new_full((len(target), 1), pad), target[:, :-1]], 1)
        inside = target != pad
        with torch.no_grad():
            states, _ = network.states(model, source, shifted, pad)
            total += float(network.output_loss(model, states[inside], target[inside], 0.0)[1])
        count += int(inside.sum())
    return total / count


def main() -> None:
    """Print the figures as one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("source", type=Path)
    parser.add_argument("reference", type=Path)
    parser.add_argument("--beams", type=int, default=4)
    parser.add_argument("--lines", type=int, default=None, help="only the first so many")
    parser.add_argument("--out", type=Path, help="file for the translations")
    options = parser.parse_args()
    source, reference = (
        p.read_text(encoding="utf-8").splitlines()[: options.lines] for p in (options.source, options.reference)
    )
    model = MarianMTModel.from_pretrained(options.checkpoint, dtype=torch.float32).eval()
    right, wrong = token_losses(model, options.checkpoint, source, reference)
    english = translate(model, options.checkpoint, source, beams=options.beams)
    if options.out:
        options.out.write_text("".join(line + "\n" for line in english), encoding="utf-8", newline="\n")
    figures = {"lines": len(source), "beams": options.beams, "loss": round(right, 4), "wrong source": round(wrong, 4)}
    print(json.dumps(figures | asdict(score(english, reference)), indent=1))


if __name__ == "__main__":
    main()
