"""Greedy and beam search over slots that begin and end at different times, with the results of transformers' `generate`.

A search keeps its rows' state in tensors; one call of `advance` moves all slots by one token. What it does with a slot
depends on that slot alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from translate.engines.native.rules import Rules
from translate.engines.native.torch_scores import Scorer, align_right
from translate.engines.native.torch_weights import Weights

NEVER = -1.0e9
"""What `generate` adds to the score of a hypothesis that may not be taken. The same number, so that sums are the same."""


@dataclass(frozen=True, slots=True)
class Best:
    """A finished slot's tokens without the end, whether the model ended it, and its mean log-probability."""

    target: list[int]
    complete: bool
    score: float


class Search(Protocol):
    """What the loop needs of either search. All tensors have a slot as their first dimension."""

    tokens: Tensor
    """[slots, beams]: the next step's input."""
    positions: Tensor
    """[slots]: how many tokens each has been given so far."""
    done: Tensor
    """[slots]: whether the last step finished it."""

    def start(self, slots: Tensor, limits: Tensor) -> None:
        """Begin anew in these slots; limits are the most tokens, the end included."""
        ...

    def move(self, target: Tensor, source: Tensor) -> None:
        """Copy the state of some slots into others."""
        ...

    def advance(self, n: int, logits: Tensor, columns: int) -> Tensor | None:
        """One token more for the first n slots, logits [n × beams, vocabulary], which are overwritten.

        columns: more than any of them has positions. Which beam each beam goes on from [n, beams], None if from itself.
        """
        ...

    def results(self, slots: list[int]) -> list[Best]:
        """What finished slots have found."""
        ...


def make_search(rules: Rules, slots: int, positions: int, weights: Weights) -> Search:
    """Greedy for one beam, as `generate` does it; positions are the most tokens of any row."""
    scorer = Scorer(rules, weights.device)
    return (Greedy if rules.beams == 1 else Beam)(scorer, rules, slots, positions)


class SearchState:
    """Tensors with a slot as their first dimension, copied together."""

    def __init__(self, scorer: Scorer, rules: Rules, slots: int, positions: int) -> None:
        self.scorer, self.rules, device = scorer, rules, scorer.device
        self.tokens = torch.full((slots, rules.beams), rules.start, device=device)
        self.positions = torch.zeros(slots, dtype=torch.long, device=device)
        self.limits = torch.full((slots,), positions, device=device)
        self.history = torch.full((slots, rules.beams, positions + 1), rules.start, device=device)
        """The start, and what each beam has given since."""
        self.sums = torch.zeros(slots, rules.beams, device=device)
        """Log-probabilities under the model itself, summed over the history."""
        self.done = torch.zeros(slots, dtype=torch.bool, device=device)

    def start(self, slots: Tensor, limits: Tensor) -> None:
        """Begin anew in these slots."""
        self.tokens[slots] = self.rules.start
        self.positions[slots] = 0
        self.limits[slots] = limits
        self.sums[slots] = 0.0

    def move(self, target: Tensor, source: Tensor) -> None:
        """Copy every tensor's rows."""
        for value in vars(self).values():
            if isinstance(value, Tensor):
                value[target] = value[source]

    def past(self, n: int, columns: int) -> Tensor | None:
        """The histories of the first n slots' beams where a rule needs them, [n × beams, columns], aligned right."""
        if not self.rules.ngram:
            return None
        positions = self.positions[:n]
        histories = self.history[:n, :, :columns].flatten(0, 1)
        return align_right(histories, (positions + 1).repeat_interleave(self.rules.beams))


class Greedy(SearchState):
    """The best token at each step."""

    def __init__(self, scorer: Scorer, rules: Rules, slots: int, positions: int) -> None:
        super().__init__(scorer, rules, slots, positions)
        self.ended = torch.zeros(slots, dtype=torch.bool, device=scorer.device)

    def advance(self, n: int, logits: Tensor, columns: int) -> Tensor | None:
        """See `Search`."""
        positions = self.positions[:n]
        best, token, _, everything = self.scorer.choose(logits, 1, self.past(n, columns))
        last = positions + 1 >= self.limits[:n]
        self.sums[:n] += best - everything[:, None]
        self.tokens[:n] = token
        positions += 1
        self.history[:n, 0].scatter_(1, positions[:, None], token)
        self.ended[:n] = token[:, 0] == self.rules.end
        self.done[:n] = self.ended[:n] | last
        return None

    def results(self, slots: list[int]) -> list[Best]:
        """See `Search`."""
        return collect(self.history[slots, 0], self.positions[slots], self.ended[slots], self.sums[slots, 0])


def collect(histories: Tensor, lengths: Tensor, ended: Tensor, sums: Tensor) -> list[Best]:
    """Histories [n, 1 + tokens] of these lengths, whether the end is their last token, sums of log-probabilities, [n] each."""
    rows = zip(histories.tolist(), lengths.tolist(), ended.tolist(), sums.tolist(), strict=True)
    return [Best(row[1 : length + 1 - end], end, total / max(1, length)) for row, length, end, total in rows]


def replace_where(condition: Tensor, old: Tensor, new: Tensor) -> None:
    """Write the new over the old where the condition holds, without asking on the host where that is."""
    old.copy_(torch.where(condition, new, old))


class Beam(SearchState):
    """`GenerationMixin._beam_search` of transformers, each slot by itself.

    Names as there: a *running* beam goes on, a *finished* one waits for something better. A slot is done when nothing
    running can become better than the worst finished one by the rule of `early_stopping`.
    """

    def __init__(self, scorer: Scorer, rules: Rules, slots: int, positions: int) -> None:
        super().__init__(scorer, rules, slots, positions)
        beams, device = rules.beams, scorer.device
        self.running = torch.zeros(slots, beams, device=device)
        self.finished = torch.zeros(slots, beams, device=device)
        self.is_finished = torch.zeros(slots, beams, dtype=torch.bool, device=device)
        self.best = torch.zeros(slots, positions + 1, dtype=torch.long, device=device)
        self.best_length = torch.zeros(slots, dtype=torch.long, device=device)
        self.best_sum = torch.zeros(slots, device=device)
        self.best_ended = torch.zeros(slots, dtype=torch.bool, device=device)
        powers = [max(1, length) ** rules.length_penalty for length in range(positions + 2)]
        self._lookup = (
            torch.tensor(powers, dtype=torch.float64).float().to(device),
            torch.arange(2 * beams, device=device) < beams,
        )

    def start(self, slots: Tensor, limits: Tensor) -> None:
        """Begin anew: only the first beam counts until they differ."""
        super().start(slots, limits)
        self.running[slots] = NEVER
        self.running[slots, 0] = 0.0
        self.finished[slots] = NEVER
        self.is_finished[slots] = False
        self.best_length[slots] = 0

    def advance(self, n: int, logits: Tensor, columns: int) -> Tensor | None:
        """See `Search`."""
        positions, history = self.positions[:n], self.history[:n, :, : columns + 1]
        values, parents, tokens, sums = self._candidates(n, logits, columns)
        _, top = self._lookup
        last = positions + 1 >= self.limits[:n]
        ends = (tokens == self.rules.end) | last[:, None]
        self._finish(history, values, parents, tokens, sums, ends & top)
        self.running[:n], going = (values + ends * NEVER).topk(self.rules.beams)
        parents = parents.gather(1, going)
        self.tokens[:n] = tokens.gather(1, going)
        self.sums[:n] = sums.gather(1, going)
        positions += 1
        history.copy_(history.gather(1, parents[:, :, None].expand_as(history)))
        history.scatter_(2, positions[:, None, None].expand(n, self.rules.beams, 1), self.tokens[:n, :, None])
        self.done[:n] = self._is_done(n) | ends.all(1)
        return parents

    def _candidates(self, n: int, logits: Tensor, columns: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """The 2 × beams best continuations of each slot in falling order, so that as many as beams go on at worst.

        Their running scores, parents, tokens, and sums of log-probabilities: [n, 2 × beams] each.
        """
        rules, beams = self.rules, self.rules.beams
        best, tokens, allowed, everything = self.scorer.choose(logits, 2 * beams, self.past(n, columns))
        scores = best - (allowed if rules.renormalize else everything)[:, None]
        scores = scores.view(n, beams, -1) + self.running[:n, :, None]
        sums = (best - everything[:, None]).view(n, beams, -1) + self.sums[:n, :, None]
        values, pick = scores.flatten(1).topk(2 * beams)
        parents = pick // (2 * beams)
        chosen, totals = tokens.view(n, -1).gather(1, pick), sums.flatten(1).gather(1, pick)
        return values, parents, chosen, totals

    def _finish(
        self, history: Tensor, values: Tensor, parents: Tensor, tokens: Tensor, sums: Tensor, just: Tensor
    ) -> None:
        """Keep the best finished hypotheses of those so far and those of the candidates that `just` finished."""
        n, _, columns = history.shape
        powers, _ = self._lookup
        length = self.positions[:n] + 1
        scores = values / powers[length][:, None]
        if self.rules.early_stopping is True:
            scores += self.is_finished[:n].all(1, keepdim=True) * NEVER
        scores += ~just * NEVER
        merged = torch.cat([self.finished[:n], scores], 1).topk(self.rules.beams)
        flags = torch.cat([self.is_finished[:n], just], 1).gather(1, merged.indices)
        self.finished[:n], self.is_finished[:n] = merged.values, flags
        first = merged.indices[:, :1] - self.rules.beams
        better, winner = (first >= 0) & flags[:, :1], first.clamp(min=0)
        token = tokens.gather(1, winner)
        found = history.gather(1, parents.gather(1, winner)[:, :, None].expand(n, 1, columns))[:, 0]
        replace_where(better, self.best[:n, :columns], found.scatter_(1, length[:, None], token))
        better = better[:, 0]
        replace_where(better, self.best_length[:n], length)
        replace_where(better, self.best_sum[:n], sums.gather(1, winner)[:, 0])
        replace_where(better, self.best_ended[:n], token[:, 0] == self.rules.end)

    def _is_done(self, n: int) -> Tensor:
        """Whether each slot's running beams can no longer improve on its finished ones, [n]."""
        powers, _ = self._lookup
        hopeful = self.rules.early_stopping == "never" and self.rules.length_penalty > 0
        length = self.limits[:n] if hopeful else self.positions[:n]
        possible = self.running[:n, 0] / powers[length]
        full = self.is_finished[:n]
        # `generate` compares with the worst finished score at each place, and with NEVER at a place that is empty.
        improvable = torch.where(full.all(1), possible > self.finished[:n].min(1).values, possible > NEVER)
        done = ~improvable
        return done | full.all(1) if self.rules.early_stopping is True else done

    def results(self, slots: list[int]) -> list[Best]:
        """See `Search`."""
        return collect(self.best[slots], self.best_length[slots], self.best_ended[slots], self.best_sum[slots])
