"""A lexical table between pieces of two languages, learned by IBM model 1 with a preference for the diagonal.

What it is for: a small model spends most of its first hours on finding out that it should look at its source. The table
gives it two starts: embeddings in which translations lie close, and for each batch a soft alignment for an attention
head to follow.

Model 1: Brown et al. 1993, https://aclanthology.org/J93-2003/; the diagonal prior: Dyer et al. 2013,
https://aclanthology.org/N13-1073/; guided alignment: Chen et al. 2016, https://arxiv.org/abs/1607.01628.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pairs import Corpus, Ints

Floats = npt.NDArray[np.float32]

SHARPNESS = 4.0  # of the diagonal prior, as fast_align's starting value
UNSEEN = 1e-7  # probability of a piece pair that the table does not hold


@dataclass(frozen=True, slots=True)
class Lexicon:
    """t(target piece | source piece): sorted keys source * size + target, and their probabilities."""

    size: int
    keys: Ints
    probability: Floats

    def save(self, path: Path) -> None:
        """Write as .npz under a name that appears only when complete."""
        beside = path.with_name(path.name + ".part.npz")
        np.savez(beside, size=self.size, keys=self.keys, probability=self.probability)
        beside.replace(path)

    @classmethod
    def load(cls, path: Path) -> "Lexicon":
        """Read what `save` wrote."""
        with np.load(path) as arrays:
            return cls(int(arrays["size"]), arrays["keys"], arrays["probability"])

    def look_up(self, source: Ints, target: Ints) -> Floats:
        """t(target | source) for two arrays that broadcast together."""
        wanted = source * self.size + target
        place = np.minimum(np.searchsorted(self.keys, wanted), len(self.keys) - 1)
        return np.where(self.keys[place] == wanted, self.probability[place], np.float32(UNSEEN))

    def align(self, source: Ints, target: Ints, pad: int) -> Floats:
        """Soft alignments [rows, target length, source length] of padded ids; each target token's row sums to one.

        A target token that the table explains by no source token has a row near the diagonal.
        """
        chance = self.look_up(source[:, None, :], target[:, :, None]) + np.float32(1e-6)
        chance = chance * _diagonal((source != pad).sum(1), (target != pad).sum(1), source.shape[1], target.shape[1])
        chance *= (source != pad)[:, None, :]
        total: Floats = chance.sum(2, keepdims=True)
        return chance / total


def _diagonal(sources: Ints, targets: Ints, width: int, height: int) -> Floats:
    """exp(-SHARPNESS * |i/S - j/T|) for each row, [rows, height, width]."""
    i = (np.arange(width, dtype=np.float32) + 0.5) / sources[:, None]
    j = (np.arange(height, dtype=np.float32) + 0.5) / targets[:, None]
    return np.exp(-SHARPNESS * np.abs(i[:, None, :] - j[:, :, None])).astype(np.float32)


def _cells(corpus: Corpus, rows: Ints, size: int) -> tuple[Ints, Floats, Ints]:
    """Every source-target cell of the pairs, a target token's cells side by side: keys, priors, and where tokens begin."""
    keys, priors, widths = [], [], []
    for row in rows.tolist():
        source = corpus.source[corpus.source_at[row] : corpus.source_at[row + 1]].astype(np.int64)
        target = corpus.target[corpus.target_at[row] : corpus.target_at[row + 1]].astype(np.int64)
        keys.append((source[None, :] * size + target[:, None]).ravel())
        lengths = np.array([len(source)]), np.array([len(target)])
        priors.append(_diagonal(*lengths, len(source), len(target)).ravel())
        widths.append(np.full(len(target), len(source)))
    begins = np.concatenate([np.zeros(1, np.int64), np.cumsum(np.concatenate(widths))[:-1]])
    return np.concatenate(keys), np.concatenate(priors), begins


def _sample(corpus: Corpus, cells: int, longest: int, seed: int) -> Ints:
    """Random pairs of at most `longest` tokens a side, as many as fit into `cells` source-target cells."""
    size = corpus.source_lengths * corpus.target_lengths
    short = np.maximum(corpus.source_lengths, corpus.target_lengths) <= longest
    order = np.random.default_rng(seed).permutation(np.flatnonzero(short))
    return order[: int(np.searchsorted(np.cumsum(size[order]), cells))]


def learn(
    corpus: Corpus, size: int, *, cells: int = 50_000_000, longest: int = 40, rounds: int = 5, seed: int = 1
) -> Lexicon:
    """Learn t(target | source) by expectation maximisation on a sample of the pairs.

    Memory is about 40 bytes a cell. Probabilities under 1e-4 are dropped in the end.
    """
    keys, prior, begins = _cells(corpus, _sample(corpus, cells, longest, seed), size)
    unique, place = np.unique(keys, return_inverse=True)
    del keys
    source_of = unique // size
    token = np.repeat(np.arange(len(begins)), np.diff(np.append(begins, len(prior))))
    chance = np.ones(len(unique))
    for _ in range(rounds):
        share = chance[place] * prior
        share /= np.add.reduceat(share, begins)[token]
        count = np.bincount(place, share, minlength=len(unique))
        chance = count / np.bincount(source_of, count, minlength=size)[source_of]
    keep = chance > 1e-4
    return Lexicon(size, unique[keep], chance[keep].astype(np.float32))


def bilingual_embeddings(corpus: Corpus, lexicon: Lexicon, *, width: int, rows: int, seed: int = 1) -> Floats:
    """Random unit vectors [rows, width] in which a piece of the source language lies near its translations.

    A joint piece that both languages use lies between its two meanings, in proportion to its frequency in each.
    """
    rng = np.random.default_rng(seed)
    table = _unit(rng.standard_normal((rows, width)).astype(np.float32))
    likely = lexicon.probability > 0.03
    source, target = np.divmod(lexicon.keys[likely], lexicon.size)
    translated = np.zeros_like(table)
    np.add.at(translated, source, lexicon.probability[likely, None] * table[target])
    counts = [np.bincount(ids, minlength=rows).astype(np.float32) for ids in (corpus.source, corpus.target)]
    share = (counts[0] / np.maximum(counts[0] + counts[1], 1))[:, None]
    known = (np.abs(translated).sum(1) > 0)[:, None]
    mixed = _unit(
        share * _unit(translated)
        + (1 - share) * table
        + 0.3 * _unit(rng.standard_normal(table.shape).astype(np.float32))
    )
    table[known[:, 0]] = mixed[known[:, 0]]
    return table


def _unit(rows: Floats) -> Floats:
    """Rows scaled to length one."""
    lengths = np.sqrt((rows * rows).sum(1, keepdims=True))
    unit: Floats = (rows / np.maximum(lengths, 1e-9)).astype(np.float32)
    return unit
