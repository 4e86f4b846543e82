"""What may be said of rows: nothing is recommended that the intervals do not hold, on timings made up so that the truth is known."""

from __future__ import annotations

import random

import pytest

from translate.bench.intervals import Ratio
from translate.bench.measurements import Measurement, Proof
from translate.bench.verdicts import (
    Findings,
    choose,
    compare_engines,
    compare_with_baseline,
    compare_with_default,
    is_decided,
    recommend,
)
from translate.run.advice import Batching, Variant

HF, OURS = Variant("transformers"), Variant("native")
EVEN = Ratio(1.0, 0.98, 1.02, 7)
PROVED = Ratio(1.2, 1.1, 1.3, 7)


def row(tokens: int, seconds: float, variant: Variant = OURS, *, noise: float = 0.01, rounds: int = 7) -> Measurement:
    """100 sentences in as many batches as the budget leaves; 4000 tokens is the default."""
    draw = random.Random(tokens)
    taken = tuple(seconds * (1 + noise * draw.uniform(-1, 1)) for _ in range(rounds))
    return Measurement(
        variant, Batching(tokens=tokens), "float32", "cpu", sentences=100, batches=10_000 // tokens, source_tokens=2500,
        seconds=taken, cpu_seconds=taken, batch_p50=0.1, memory=1 << 28, default=tokens == 4000,
    )  # fmt: skip


def answer(rows: list[Measurement], speed: Ratio | None = PROVED) -> tuple[Batching, bool, str]:
    """What is recommended for `native`, where the proof came out so."""
    ratios = compare_with_default(rows, 3)
    proof = None if speed is None else Proof(OURS, Batching(tokens=1), 99, speed, EVEN)
    (found, *_) = recommend(rows, Findings(ratios, {OURS: proof}, {}, {OURS: 33.0}))
    return found.recommendation.batching, found.recommendation.capped, found.sentence


def test_a_proved_setting_is_recommended_with_its_price() -> None:
    """How much faster, on what, and what it costs; the smallest within 3 % of the fastest."""
    batching, capped, sentence = answer([row(500, 0.81), row(1000, 0.8), row(4000, 1.0)])
    assert (batching, capped) == (Batching(tokens=500), False)
    assert "1.20 x [1.10, 1.30]" in sentence
    assert "99 fresh sentences" in sentence
    assert "memory 256 → 256 MiB" in sentence
    assert "seconds a batch 0.1 → 0.1" in sentence
    assert sentence.endswith("--batch-tokens 500")


@pytest.mark.parametrize(
    ("rows", "speed", "words"),
    [
        ([row(500, 0.99), row(4000, 1.0)], EVEN, "no difference that this machine can show"),
        ([row(500, 0.8, noise=0.6), row(4000, 1.0, noise=0.6)], EVEN, "no difference that this machine can show"),
        ([row(500, 1.3), row(4000, 1.0)], EVEN, "no difference that this machine can show"),
        ([row(500, 0.8), row(4000, 1.0)], Ratio(1.01, 0.97, 1.05, 7), "but on fresh sentences was 1.01 x"),
        ([row(500, 0.8), row(4000, 1.0)], None, "no more sentences to prove it on"),
        ([row(500, 0.8, rounds=3), row(4000, 1.0, rounds=3)], EVEN, "no time for as many rounds"),
        ([row(500, 0.8)], EVEN, "could not be measured"),
    ],
)
def test_else_the_default_stays(rows: list[Measurement], speed: Ratio | None, words: str) -> None:
    """Whatever the medians say: too near, too noisy, not faster on other sentences, not proved, too few rounds, no default."""
    _, capped, sentence = answer(rows, speed)
    assert capped
    assert words in sentence


def test_batches_that_are_not_full_are_not_compared() -> None:
    """A default of which there is not even one says nothing."""
    import dataclasses

    rows = [row(500, 0.5), dataclasses.replace(row(4000, 1.0), filled=False)]
    assert compare_with_default(rows, 3) == {}
    assert choose(rows, {}) is None
    assert "do not fill it 3 times; for an answer: --engines native --seconds 40" in answer(rows)[2]


def test_another_engine_is_ahead_only_beyond_doubt() -> None:
    """The usual one stays where the intervals cannot tell; without it in the race nothing takes its place."""
    rows = [row(4000, 1.0), row(4000, 0.97, HF, noise=0.2)]
    found = {
        a.recommendation.variant: a.recommendation.ahead
        for a in recommend(rows, Findings({}, {}, compare_engines(rows, 1), {}))
    }
    assert found == {OURS: True, HF: False}
    rows = [row(4000, 1.0), row(4000, 0.5, HF)]
    found = {
        a.recommendation.variant: a.recommendation.ahead
        for a in recommend(rows, Findings({}, {}, compare_engines(rows, 1), {}))
    }
    assert found == {OURS: True, HF: True}
    rows = [row(4000, 0.5, HF)]
    assert not recommend(rows, Findings({}, {}, compare_engines(rows, 1), {}))[0].recommendation.ahead


def test_rounds_go_on_while_the_best_two_cannot_be_told_apart() -> None:
    """Until they can, or are as near as anyone cares; and not at all where nothing could come of it."""
    assert is_decided([row(500, 0.8), row(4000, 1.0)], 1)
    assert is_decided([row(500, 1.0, noise=0.001), row(4000, 1.0, noise=0.001)], 1)
    assert not is_decided([row(500, 0.95, noise=0.3), row(4000, 1.0, noise=0.3)], 1)
    assert is_decided([row(500, 0.95, noise=0.3)], 1)


@pytest.mark.parametrize(
    ("seconds", "now", "before", "words"),
    [
        (0.5, 0.01, 0.01, "faster"),
        (2.0, 0.01, 0.01, "slower"),
        (0.97, 0.01, 0.01, "no difference shown"),  # less than two benches of the same code may differ
        (0.5, 0.01, 0.02, "no difference shown"),  # the machine itself was twice as slow
        (0.5, 0.02, 0.01, "faster"),  # and if it is slower now, the more so
        (0.1, 0.01, 0.02, "faster"),
        (0.5, 0.01, None, "no difference shown"),  # a file that does not tell
    ],
)
def test_a_baseline_counts_where_it_is_more_than_the_machine(
    seconds: float, now: float, before: float | None, words: str
) -> None:
    """Between two benches lies time: the yardstick says what the machine itself did."""
    old = [1.0 * (before or 0)] * 7 if before else []
    (change,) = compare_with_baseline([row(500, seconds)], [row(500, 1.0)], ([now] * 7, old)).values()
    assert str(change).endswith(words)
    assert change.real == (words != "no difference shown")
