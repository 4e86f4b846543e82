"""Windows and batches."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from translate.run.batches import make_batches, make_chunks, padding_share

LENGTHS = st.lists(st.integers(1, 300), max_size=200)


@given(LENGTHS, st.integers(1, 2000), st.integers(1, 50))
def test_every_index_is_in_one_batch_and_no_batch_breaks_a_limit(lengths: list[int], tokens: int, size: int) -> None:
    """Nothing is lost or doubled, and only a single long item may be over the token budget."""
    batches = make_batches(lengths, tokens=tokens, size=size)
    assert sorted(index for batch in batches for index in batch) == list(range(len(lengths)))
    for batch in batches:
        assert len(batch) <= size
        assert len(batch) == 1 or len(batch) * max(lengths[i] for i in batch) <= tokens


@given(LENGTHS)
def test_longest_come_first_and_equal_ones_keep_their_order(lengths: list[int]) -> None:
    """Memory runs out early if at all, and the same input makes the same batches."""
    order = [index for batch in make_batches(lengths, tokens=100) for index in batch]
    assert order == sorted(order, key=lambda index: (-lengths[index], index))


def test_sorting_leaves_little_padding() -> None:
    """Batches of alike lengths are nearly free of padding; the same in file order are not."""
    lengths = [5, 50, 6, 51, 7, 52, 8, 53] * 10
    in_order = [list(range(i, i + 8)) for i in range(0, 80, 8)]
    assert padding_share(lengths, make_batches(lengths, tokens=400)) < 0.1 < 0.4 < padding_share(lengths, in_order)
    assert padding_share([], []) == 0


@given(st.lists(st.integers()), st.integers(1, 7))
def test_chunks_joined_are_the_stream(items: list[int], size: int) -> None:
    """A window holds `size` items, the last one what is left."""
    chunks = list(make_chunks(iter(items), size))
    assert [item for chunk in chunks for item in chunk] == items
    assert all(len(chunk) == size for chunk in chunks[:-1])


@pytest.mark.parametrize("limits", [{"tokens": 0}, {"size": 0}, {"tokens": -1, "size": 5}])
def test_a_limit_below_one_is_refused(limits: dict[str, int]) -> None:
    """It could hold no sentence."""
    with pytest.raises(ValueError, match="a batch of"):
        make_batches([1], **limits)
    with pytest.raises(ValueError, match="a chunk of 0"):
        list(make_chunks([1], 0))
