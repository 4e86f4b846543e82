"""From logits to candidates: what may not come next, the best tokens, the normalisation. Each row by itself."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from translate.engines.native.rules import Rules
from translate.engines.native.torch_weights import VOCABULARY_BLOCK


class Scorer:
    """Logits [rows, vocabulary in blocks] → best tokens, and the logarithms of the sums of their exponentials."""

    def __init__(self, rules: Rules, device: torch.device) -> None:
        self._rules, self.device = rules, device
        self._barred = torch.tensor(rules.barred, dtype=torch.long, device=device)

    def choose(self, logits: Tensor, count: int, history: Tensor | None) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """The `count` best tokens of each row in falling order: their logits and ids [rows, count]; the logarithms of the
        sums of the exponentials over what is allowed, and over all [rows].

        history [rows, tokens so far, the start among them] where no n-gram may occur twice. Overwrites the logits.
        """
        before = None
        if history is not None:
            before = torch.logsumexp(logits, -1)
            bar_repeated(logits, history, self._rules.ngram)
        taken = logits.index_select(1, self._barred)
        logits.index_fill_(1, self._barred, -math.inf)
        best, tokens = best_token(logits) if count == 1 else best_tokens(logits, count)
        allowed = logits.sub_(best[:, :1]).exp_().sum(-1).log_().add_(best[:, 0])
        everything = torch.logsumexp(torch.cat([allowed[:, None], taken], 1), -1)
        return best, tokens, allowed, everything if before is None else before


def best_token(logits: Tensor) -> tuple[Tensor, Tensor]:
    """The highest logit of each row, and its token (the first of equals). [rows, 1] each.

    In two stages: the highest of each block, which takes a vector instruction per 8 logits, and one block searched.
    """
    blocks = logits.view(len(logits), -1, VOCABULARY_BLOCK)
    best, block = blocks.amax(-1).max(-1)
    inside = blocks[torch.arange(len(logits), device=logits.device), block].argmax(-1)
    return best[:, None], (block * VOCABULARY_BLOCK + inside)[:, None]


def best_tokens(logits: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The `count` highest logits of each row in falling order, and their tokens. [rows, count] each.

    They are all in the `count` blocks with the highest maxima.
    """
    blocks = logits.view(len(logits), -1, VOCABULARY_BLOCK)
    chosen = blocks.amax(-1).topk(min(count, blocks.shape[1]), sorted=False).indices
    few = blocks.gather(1, chosen[:, :, None].expand(-1, -1, VOCABULARY_BLOCK)).flatten(1)
    best, place = few.topk(count)
    block = chosen.gather(1, place // VOCABULARY_BLOCK)
    return best, block * VOCABULARY_BLOCK + place % VOCABULARY_BLOCK


def bar_repeated(logits: Tensor, history: Tensor, ngram: int) -> None:
    """Bar the tokens that would make an n-gram of a row's history [rows, tokens] occur again; -1 fills a history in front."""
    if history.shape[1] < ngram:
        return
    windows = history.unfold(1, ngram, 1)
    tail = history[:, history.shape[1] - ngram + 1 :]
    again = (windows[:, :, :-1] == tail[:, None]).all(-1) & (windows[:, :, 0] >= 0)
    bars = torch.zeros(again.shape, device=logits.device).masked_fill_(again, -math.inf)
    logits.scatter_add_(1, windows[:, :, -1].clamp(min=0), bars)


def align_right(history: Tensor, lengths: Tensor) -> Tensor:
    """history [rows, columns], of which each row's first `length` count → the same ending in the last column, -1 in front."""
    columns = history.shape[1]
    place = torch.arange(columns, device=history.device) - (columns - lengths[:, None])
    return history.gather(1, place.clamp(min=0)).masked_fill_(place < 0, -1)
