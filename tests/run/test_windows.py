"""Windows and batches."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from translate.records import Document, Located, Translation
from translate.run.events import Begin, End, Item, Translated
from translate.run.windows import (
    ReadingOrder,
    locate_sentences,
    make_batches,
    make_chunks,
    make_growing_chunks,
    padding_share,
)

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


@settings(deadline=None)  # the first one loads the rules
@given(st.text(alphabet=st.sampled_from("aB.!„ \u00a0\r\n\t\x85\u2028"), max_size=80))
def test_sentences_and_the_space_around_them_are_the_document(text: str) -> None:
    """Put together again they are the text, whatever its line ends and blank lines are."""
    document = Document("a.txt", None, "utf-8", "", 0)
    begin, *located, end = locate_sentences(document, io.StringIO(text, newline=""))
    assert begin == Begin(document)
    assert isinstance(end, End)
    rebuilt = ""
    for item in located:
        assert isinstance(item, Located)
        rebuilt += item.space
        assert len(rebuilt) == item.sentence.start
        rebuilt += item.sentence.text
    assert rebuilt + end.space == text


def locate(*texts: str) -> list[Item]:
    document = Document("a.txt", None, "utf-8", "", 0)
    return [*locate_sentences(document, [f"{text}\n" for text in texts])]


def test_items_leave_in_reading_order_as_soon_as_they_can() -> None:
    """What is translated early waits for what stands before it; a sentence that stands twice is translated once."""
    order = ReadingOrder()
    one, two, three = (Translation(name, None) for name in ("one", "two", "three"))
    assert order.enter(locate("Eins.", "Zwei.")) == ["Eins.", "Zwei."]
    assert order.enter(locate("Eins.", "Drei.")) == ["Eins.", "Drei."]
    assert [*order.take({"Drei.": three, "Zwei.": two})] == [Begin(Document("a.txt", None, "utf-8", "", 0))]
    taken = [*order.take({"Eins.": one})]
    assert [item.translation for item in taken if isinstance(item, Translated)] == [one, two, one, three]
    assert sum(isinstance(item, End) for item in taken) == 2
    assert not [*order.take({"Eins.": one, "Anderes.": two})]


def test_growing_chunks_lose_nothing_and_keep_their_bound() -> None:
    """The first is small; each is twice as long as the one before."""
    chunks = [*make_growing_chunks(range(300), 100)]
    assert [len(chunk) for chunk in chunks] == [16, 32, 64, 100, 88]
    assert [number for chunk in chunks for number in chunk] == [*range(300)]
