"""How many sentences each engine gets, and which batches: by its own speed, and enough to fill the largest one several times."""

from __future__ import annotations

import pytest

from translate.bench.planning import FILLS, Cost, Wishes, count_comparisons, make_plan, share_seconds
from translate.bench.samples import choose_sample, split_in_two, spread_evenly
from translate.bench.worker import Ready
from translate.run.advice import Batching, Variant

FAST, SLOW = Cost(0.001, 0.0002), Cost(0.02, 0.007)
BATCHES, SLOTS = Ready("float32", "cpu", False, 2048), Ready("float32", "cpu", True, 16_384, 64)
OPEN = Wishes((), None, 60.0)


def test_a_slow_engine_does_not_shrink_the_sample_of_a_fast_one() -> None:
    """Each is given what its own speed allows; the one that can fill its batches gets what the other cannot use."""
    costs = {Variant("transformers"): SLOW, Variant("native"): FAST}
    ready = {Variant("transformers"): BATCHES, Variant("native"): SLOTS}
    shares = share_seconds(60, costs, ready, 25)
    assert shares == pytest.approx({Variant("transformers"): 10, Variant("native"): 50})
    plans = {v: make_plan(costs[v], ready[v], Wishes((), None, shares[v]), mean=25, available=5000) for v in costs}
    assert plans[Variant("native")].sentences >= FILLS * 64
    assert plans[Variant("transformers")].sentences == 8
    assert not plans[Variant("transformers")].fills(Batching(tokens=2048), 25)
    assert plans[Variant("native")].fills(Batching(tokens=16_384), 25)


def test_the_default_is_always_in_the_race() -> None:
    """Also beside named batches, once; and budgets that slots cannot tell from it are not tried."""
    named = make_plan(
        FAST, BATCHES, Wishes((Batching(size=8), Batching(tokens=2048)), None, 60), mean=25, available=5000
    )
    assert named.batchings == (Batching(size=8), Batching(tokens=2048))
    assert named.sentences >= FILLS * 2048 / 25
    plan = make_plan(FAST, SLOTS, OPEN, mean=25, available=5000)
    assert plan.batchings[-1] == plan.default == Batching(tokens=16_384)
    assert [b.tokens for b in plan.batchings] == [64, 128, 256, 512, 1024, 16_384]


def test_all_budgets_are_filled() -> None:
    """Three times at least, as far as there is text and time; sentences that are named stay as they are."""
    plan = make_plan(FAST, BATCHES, OPEN, mean=25, available=5000)
    assert all(plan.fills(batching, 25) for batching in plan.batchings)
    short = make_plan(FAST, BATCHES, OPEN, mean=25, available=18)
    assert short.sentences == 18
    assert not short.fills(short.default, 25)
    assert all(short.fills(batching, 25) for batching in short.batchings if batching != short.default)
    assert make_plan(FAST, BATCHES, Wishes((), 99, 60), mean=25, available=5000).sentences == 99


def test_a_sample_is_of_neighbours_in_length() -> None:
    """Four runs of sentences that are alike, none twice; short and long ones among them."""
    lengths = [n % 60 + 3 for n in range(2000)]
    first, second = split_in_two(lengths)
    assert not set(first) & set(second)
    chosen = choose_sample(first, lengths, 200)
    assert len(set(chosen)) == 200
    assert len({lengths[i] for i in chosen}) < 20
    assert max(lengths[i] for i in chosen) > 50
    assert choose_sample(first, lengths, 5000) == sorted(first)


@pytest.mark.parametrize("wanted", [1, 3, 7, 9])
def test_small_samples(wanted: int) -> None:
    """So many, none twice, wherever the tokens lie."""
    lengths = [100, 1, 1, 1, 1, 1, 1, 1, 1, 1]
    assert len(set(choose_sample(sorted(range(10), key=lambda i: lengths[i]), lengths, wanted))) == wanted


def test_spread_evenly() -> None:
    """In order, no number twice, all of them if there are no more."""
    assert spread_evenly(10, 3) == [0, 3, 6]
    assert spread_evenly(3, 10) == [0, 1, 2]


def test_comparisons() -> None:
    """Each setting beside the defaults, each engine beside the usual one."""
    assert count_comparisons([4, 3]) == 6
    assert count_comparisons([1]) == 1


def test_seconds_go_where_they_suffice() -> None:
    """All to those that can fill their batches; where none can, alike; the closing line says what it would take."""
    costs = {Variant("a"): FAST, Variant("b"): FAST}
    ready = dict.fromkeys(costs, SLOTS)
    assert share_seconds(60, costs, ready, 25) == pytest.approx({Variant("a"): 30, Variant("b"): 30})
    slow = {Variant("a"): SLOW, Variant("b"): SLOW}
    ready = dict.fromkeys(slow, BATCHES)
    assert share_seconds(60, slow, ready, 25) == pytest.approx({Variant("a"): 30, Variant("b"): 30})
    plan = make_plan(SLOW, BATCHES, OPEN, mean=25, available=5000)
    assert plan.needed is not None
    assert make_plan(SLOW, BATCHES, Wishes((), None, plan.needed * 1.01), mean=25, available=5000).fills(
        plan.default, 25
    )
    assert make_plan(SLOW, BATCHES, OPEN, mean=25, available=100).needed is None
