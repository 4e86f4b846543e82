"""Pure: what an engine's speed and the time allow → how many sentences it gets, and with which batches it is tried."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from translate.bench.intervals import LEAST_ROUNDS
from translate.bench.worker import Ready
from translate.run.advice import Batching, Variant

FILLS = 3
"""How many batches of the largest size a sample has at least, if that size is to be judged."""
LEAST_SENTENCES = 8
PROOF_SHARE = 0.3
"""Of an engine's seconds: for the recommended batches against the default on fresh sentences."""
MOST_SETTINGS, LEAST_SETTINGS = 6, 3
"""Sizes of batch that are tried, the default among them, where none are named."""
LEAST_PASS = 0.2
"""Seconds that a pass should take: shorter ones measure the clock and the scheduler."""
SMALLEST = 32
"""Tokens: the smallest budget that is tried."""
WARM = 0.5
"""What warming up costs, in passes."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a variant takes: seconds a source token, one sentence a batch and in batches; seconds to be loaded again."""

    alone: float
    batched: float
    reload: float = 0.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What one variant is measured with: so many sentences, these batches, in so many seconds."""

    sentences: int
    batchings: tuple[Batching, ...]
    """The default among them."""
    default: Batching
    slots: int | None
    seconds: float
    needed: float | None = None
    """Seconds in which the default batch could have been filled; None if there is not enough text for that."""

    def fills(self, batching: Batching, mean: float) -> bool:
        """Whether the sentences fill such a batch several times. `mean` is their length in tokens."""
        return self.sentences >= count_filling(batching, self.slots, mean)


def count_filling(batching: Batching, slots: int | None, mean: float) -> int:
    """Sentences that fill such a batch `FILLS` times, or as many as the engine decodes at once, if that is less."""
    at_once = batching.size or (batching.tokens or 0) / mean
    return max(LEAST_SENTENCES, round(FILLS * (at_once if slots is None else min(slots, at_once))))


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the user has named: nothing means what there is time for."""

    batchings: tuple[Batching, ...]
    sentences: int | None
    seconds: float
    """For this variant."""


def make_plan(cost: Cost, ready: Ready, wishes: Wishes, *, mean: float, available: int) -> Plan:
    """As many sentences as fill the largest batch, if there are seconds and text for that; else as many as there are.

    `mean` is the length of a sentence in tokens, `available` the number of sentences to choose from.
    """
    default = Batching(tokens=ready.batch_tokens)
    filling = count_filling(default, ready.slots, mean)
    if wishes.batchings:
        batchings = tuple(dict.fromkeys((*wishes.batchings, default)))
        largest = max(count_filling(batching, ready.slots, mean) for batching in wishes.batchings)
        affordable = _affordable(cost, len(batchings), wishes.seconds, mean)
        # what is asked for is filled, whatever it takes; the default only if there is time
        sentences = max(largest, min(affordable, filling))
    else:
        sentences, count = _choose_count(cost, filling, wishes, mean)
        chosen = _choose_budgets(min(wishes.sentences or sentences, available), ready, mean, count - 1)
        batchings = tuple(dict.fromkeys((*chosen, default)))
    sentences = min(wishes.sentences or sentences, available)
    seconds = sentences * mean * (cost.alone + cost.batched * _passes(len(batchings)))
    seconds += cost.reload * len(batchings) * (LEAST_ROUNDS + 1)
    needed = seconds_needed(cost, ready, mean) if available >= filling else None
    return Plan(sentences, batchings, default, ready.slots, seconds, needed)


def _passes(settings: int) -> float:
    return settings * (LEAST_ROUNDS + WARM)


def _affordable(cost: Cost, settings: int, seconds: float, mean: float) -> int:
    """How many sentences can be translated in all settings in that time."""
    left = max((1 - PROOF_SHARE) * seconds - cost.reload * settings * (LEAST_ROUNDS + 1), seconds / 4)
    return int(left / (mean * (cost.alone + cost.batched * _passes(settings))))


def _choose_count(cost: Cost, filling: int, wishes: Wishes, mean: float) -> tuple[int, int]:
    """Sentences and number of settings: as many settings as leave enough sentences to fill the default batch."""
    least = max(LEAST_SENTENCES, round(LEAST_PASS / (cost.batched * mean)))
    for count in range(MOST_SETTINGS, LEAST_SETTINGS - 1, -1):
        affordable = _affordable(cost, count, wishes.seconds, mean)
        if affordable >= filling:
            return min(affordable, max(filling, least)), count
    return max(LEAST_SENTENCES, min(affordable, max(filling, least))), LEAST_SETTINGS


def _choose_budgets(sentences: int, ready: Ready, mean: float, count: int) -> list[Batching]:
    """Powers of two, none larger than the sample fills, or than an engine with so many slots can tell from its default."""
    largest = sentences * mean / FILLS
    if ready.slots is not None:
        largest = min(largest, ready.slots * mean)
    top = SMALLEST
    while top * 2 <= largest:
        top *= 2
    return [Batching(tokens=top >> step) for step in reversed(range(count)) if top >> step >= SMALLEST]


def share_seconds(
    seconds: float, costs: Mapping[Variant, Cost], ready: Mapping[Variant, Ready], mean: float
) -> dict[Variant, float]:
    """The seconds for each variant: first to those that need least to fill their batches, as long as there are any.

    A variant that cannot fill them gets a third of an equal share, for its speed to be known. `mean` is the length of a
    sentence in tokens.
    """
    least = seconds / len(costs) / 3
    needed = {variant: seconds_needed(costs[variant], ready[variant], mean) for variant in costs}
    shares: dict[Variant, float] = {}
    left = seconds
    for place, variant in enumerate(sorted(costs, key=needed.__getitem__), 1):
        others = least * (len(costs) - place)
        shares[variant] = needed[variant] if needed[variant] <= left - others else least
        left -= shares[variant]
    filled = [variant for variant in shares if shares[variant] >= needed[variant]] or list(shares)
    return {variant: share + (left / len(filled) if variant in filled else 0.0) for variant, share in shares.items()}


def seconds_needed(cost: Cost, ready: Ready, mean: float) -> float:
    """What it takes to measure a variant with sentences that fill its default batch, in the fewest settings."""
    filling = count_filling(Batching(tokens=ready.batch_tokens), ready.slots, mean)
    return filling * mean * (cost.alone + cost.batched * _passes(LEAST_SETTINGS)) / (1 - PROOF_SHARE)


def count_comparisons(batchings: Sequence[int]) -> int:
    """How many things a bench may call faster: each setting but the default, and each variant but the usual one."""
    return max(1, sum(number - 1 for number in batchings) + len(batchings) - 1)
