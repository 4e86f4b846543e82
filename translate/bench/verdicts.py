"""Pure: rows → what may be said of them. Nothing is called faster, and nothing recommended, while an interval holds 1."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from translate.bench.intervals import Ratio, compare_apart, compare_rounds
from translate.bench.measurements import Measurement, Proof
from translate.bench.planning import FILLS
from translate.engines.base import AUTO
from translate.run.advice import Batching, Recommendation, Variant

NEARLY_BEST = 0.97
"""A setting is as good as the best if its mean rate is within 3 % of it."""
WORTH = 1.02
"""A recommended setting is faster than the default by 2 % at least: less is not worth rows under another signature."""
ANOTHER_DAY = 1.05
"""Two benches of the same code differ by up to so much for reasons that no bench sees: where things lie in memory, for one."""
SENSITIVITY = 2.0
"""What slows the machine's yardstick down by some factor may slow an engine down by that factor to this power, or not at all."""

Key = tuple[Variant, Batching]
Ratios = Mapping[Key, Ratio]


def compare_with_default(rows: Iterable[Measurement], comparisons: int) -> dict[Key, Ratio]:
    """How many times as fast as its variant's default each other setting is, where both have figures of full batches."""
    held = [row for row in rows if not row.problem]
    defaults = {row.variant: row for row in held if row.default and row.filled}
    return {
        (row.variant, row.batching): compare_rounds(row.rates, defaults[row.variant].rates, comparisons=comparisons)
        for row in held
        if not row.default and row.filled and row.variant in defaults
    }


def compare_engines(rows: Iterable[Measurement], comparisons: int) -> dict[Variant, Ratio]:
    """How many times as fast as the usual engine each other variant is, by source tokens a second, each with its best batches."""
    best: dict[Variant, Measurement] = {}
    for row in rows:
        if not row.problem and (row.variant not in best or row.rate.median > best[row.variant].rate.median):
            best[row.variant] = row
    found: dict[Variant, Ratio] = {}
    for variant, row in best.items():
        usual = next((other for other in best if _is_usual(other, variant) and other != variant), None)
        if usual is not None:
            found[variant] = compare_rounds(row.token_rates, best[usual].token_rates, comparisons=comparisons)
    return found


def _is_usual(one: Variant, other: Variant) -> bool:
    return one.engine == AUTO and (one.dtype, one.beams, one.threads) == (other.dtype, other.beams, other.threads)


def is_decided(rows: Sequence[Measurement], comparisons: int) -> bool:
    """Whether more rounds of one variant would tell little: its two best settings, and the best and the default, are told
    apart, or as near to each other as an interval that is narrow enough says."""
    full = sorted((row for row in rows if not row.problem and row.filled), key=lambda row: -row.rate.median)
    if len(full) < 2 or not any(row.default for row in full):
        return True  # nothing can be recommended, however many rounds there are
    default = next(row for row in full if row.default)
    pairs = [(full[0], full[1]), *([(full[0], default)] if full[0] is not default else [])]
    ratios = [compare_rounds(a.rates, b.rates, comparisons=comparisons) for a, b in pairs]
    return all(ratio.is_faster or ratio.is_slower or ratio.is_narrow for ratio in ratios)


def choose(rows: Sequence[Measurement], ratios: Ratios) -> Measurement | None:
    """Of one variant's settings that are faster than the default, the smallest within 3 % of the fastest; None if none is."""
    faster = [
        row
        for row in rows
        if (ratio := ratios.get((row.variant, row.batching))) is not None and ratio.is_faster and ratio.value >= WORTH
    ]
    if not faster:
        return None
    best = max(ratios[row.variant, row.batching].value for row in faster)
    good = [row for row in faster if ratios[row.variant, row.batching].value >= NEARLY_BEST * best]
    return max(good, key=lambda row: row.batches)


@dataclass(frozen=True, slots=True)
class Answer:
    """Which batches to use with one variant: what is recommended, and the sentence that says why and at what cost."""

    recommendation: Recommendation
    sentence: str


@dataclass(frozen=True, slots=True)
class Findings:
    """What the answers are made of, beside the rows."""

    ratios: Ratios
    proofs: Mapping[Variant, Proof | None]
    """None where there were no fresh sentences to prove a choice on."""
    engines: Mapping[Variant, Ratio]
    """How many times as fast as the usual one."""
    needed: Mapping[Variant, float | None]
    """Seconds in which a variant's default batch could have been filled; None if there is not enough text for that."""


def recommend(rows: Sequence[Measurement], findings: Findings) -> list[Answer]:
    """For each variant that has figures the batches that were proved faster than the default, else the default.

    The fastest variant comes first.
    """
    variants: dict[Variant, list[Measurement]] = {}
    for row in rows:
        if not row.problem:
            variants.setdefault(row.variant, []).append(row)
    answers = [_answer(some, findings) for some in variants.values()]
    return sorted(answers, key=lambda answer: -answer.recommendation.rate)


def _answer(rows: Sequence[Measurement], findings: Findings) -> Answer:
    variant = rows[0].variant
    default = next((row for row in rows if row.default), None)
    chosen, proof, engine = choose(rows, findings.ratios), findings.proofs.get(variant), findings.engines.get(variant)
    # another engine takes the place of the usual one only if it was faster beyond doubt in the same bench
    ahead = variant.engine == AUTO or (engine is not None and engine.is_faster)
    if chosen is not None and default is not None and proof is not None and proof.speed.is_faster:
        reason = f"{proof.speed} as fast as its default of {default.batching} on {proof.sentences} fresh sentences, alternately"
        found = Recommendation(
            variant, chosen.batching, chosen.dtype, chosen.device, round(chosen.rate.median, 3), reason, ahead=ahead
        )
        return Answer(
            found, f"{chosen.batching}: {reason}; {_cost(chosen, default, proof)}; {_option(chosen.batching)}"
        )
    reason = _why_default(rows, chosen, findings)
    row = default or max(rows, key=lambda row: row.rate.median)
    found = Recommendation(
        variant, row.batching, row.dtype, row.device, round(row.rate.median, 3), reason, capped=True, ahead=ahead
    )
    return Answer(found, reason)


def _why_default(rows: Sequence[Measurement], chosen: Measurement | None, findings: Findings) -> str:
    """Why the default stays."""
    default = next((row for row in rows if row.default), None)
    if default is None:
        return "its default stays: it could not be measured"
    stays = f"its default of {default.batching} stays"
    if not default.filled:
        needed = findings.needed.get(default.variant)
        how = (
            "give more text"
            if needed is None
            else f"for an answer: --engines {default.variant.engine} --seconds {_round_up(needed)}"
        )
        return f"{stays}: {default.sentences:,} sentences do not fill it {FILLS} times; {how}"
    if chosen is not None:
        proof = findings.proofs.get(default.variant)
        if proof is None:
            return f"{stays}: {chosen.batching} seemed faster, and there are no more sentences to prove it on"
        return f"{stays}: {chosen.batching} seemed faster, but on fresh sentences was {proof.speed} as fast"
    known = [ratio for (variant, _), ratio in findings.ratios.items() if ratio.rounds and variant == default.variant]
    if not known:
        return f"{stays}: there was no time for as many rounds as an answer takes"
    return f"{stays}: no difference that this machine can show speaks for another size"


def _round_up(seconds: float) -> int:
    """With a margin, to a number that one would type."""
    return max(10, math.ceil(1.2 * seconds / 10) * 10)


def _cost(chosen: Measurement, default: Measurement, proof: Proof) -> str:
    """What the recommended setting costs or saves beside time."""
    mebibytes = [round(row.memory / 2**20) for row in (default, chosen)]
    cpu = f"processor seconds {proof.cpu}"
    memory = f"memory {mebibytes[0]:,} → {mebibytes[1]:,} MiB"
    return f"{memory}; seconds a batch {default.batch_p50:.2g} → {chosen.batch_p50:.2g}; {cpu}"


def _option(batching: Batching) -> str:
    return f"--batch-size {batching.size}" if batching.size else f"--batch-tokens {batching.tokens}"


@dataclass(frozen=True, slots=True)
class SpeedChange:
    """A row against the same row of an older bench: how many times as fast, and between what."""

    ratio: float
    low: float
    high: float

    @property
    def real(self) -> bool:
        """Whether it is a difference at all."""
        return self.low > 1 or self.high < 1

    def __str__(self) -> str:
        if not self.real:
            return f"{self.ratio:.2f} x, no difference shown"
        return f"{self.ratio:.2f} x, {'faster' if self.ratio > 1 else 'slower'}"


def compare_with_baseline(
    rows: Iterable[Measurement], baseline: Iterable[Measurement], yardsticks: tuple[Sequence[float], Sequence[float]]
) -> dict[Key, SpeedChange]:
    """The rows that both have, by variant and batching.

    The two benches were not taken at the same time, so a difference counts only if it is more than the machine's own: each
    has measured the same yardstick before every pass (`yardsticks`: its seconds now and then). The interval holds what the
    difference would be if the engine suffered from none of what changed the yardstick, and if it suffered from it
    with the power `SENSITIVITY`; and `ANOTHER_DAY` besides.
    """
    old = {(row.variant, row.batching): row for row in baseline if not row.problem}
    shared = [row for row in rows if (row.variant, row.batching) in old and not row.problem]
    machine = compare_apart([1 / seconds for seconds in yardsticks[0]], [1 / seconds for seconds in yardsticks[1]])
    found = {}
    for row in shared:
        before = old[row.variant, row.batching]
        ratio = compare_apart(row.rates, before.rates, comparisons=max(1, len(shared)))
        low = ratio.low / (max(machine.high, 1.0) ** SENSITIVITY) / ANOTHER_DAY if math.isfinite(machine.high) else 0.0
        high = ratio.high / (min(machine.low, 1.0) ** SENSITIVITY) * ANOTHER_DAY if machine.low else math.inf
        found[row.variant, row.batching] = SpeedChange(row.rate.median / before.rate.median, low, high)
    return found
