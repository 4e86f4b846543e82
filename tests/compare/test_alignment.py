"""Rows of several runs find their partners, and none is lost."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from translate.compare.alignment import align_rows
from translate.records import Row

TEXT = "Der Hund bellt laut. Die Katze schläft heute. Es regnet seit Tagen. Morgen scheint die Sonne wieder."
SENTENCES = (
    "Der Hund bellt laut.",
    "Die Katze schläft heute.",
    "Es regnet seit Tagen.",
    "Morgen scheint die Sonne wieder.",
)


def cut(text: str, *parts: str) -> list[Row]:
    """The parts of a text as rows, with their places in it."""
    rows = []
    for number, part in enumerate(parts):
        start = text.index(part)
        rows.append(Row("a.txt", 0, number, start, start + len(part), part, f"t{number}", None))
    return rows


def make(*sources: str) -> list[Row]:
    """Rows one after the other, in a text of their own."""
    rows, start = [], 0
    for number, source in enumerate(sources):
        rows.append(Row("a.txt", 0, number, start, start + len(source), source, "", None))
        start += len(source) + 1
    return rows


def shape(*runs: Sequence[Row]) -> list[tuple[str, ...]]:
    """Each group as the sentence numbers of each run."""
    return [tuple("".join(str(row.sentence) for row in part) for part in group) for group in align_rows(runs)]


def test_equal_segmentation_pairs_row_by_row() -> None:
    """The common case."""
    assert shape(cut(TEXT, *SENTENCES), cut(TEXT, *SENTENCES)) == [(str(n), str(n)) for n in range(4)]


def test_merged_and_split_sentences_are_one_group() -> None:
    """Two sentences against one, one against two, and two against two with another border between them."""
    one = cut(TEXT, f"{SENTENCES[0]} {SENTENCES[1]}", SENTENCES[2], SENTENCES[3])
    other = cut(TEXT, *SENTENCES[:3], "Morgen scheint", "die Sonne wieder.")
    assert shape(one, other) == [("0", "01"), ("1", "2"), ("2", "34")]
    crossing = cut(TEXT, "Der Hund bellt", "laut. Die Katze schläft heute.", *SENTENCES[2:])
    assert shape(cut(TEXT, *SENTENCES), crossing) == [("01", "01"), ("2", "2"), ("3", "3")]


def test_three_runs_share_a_group_that_any_of_them_joins() -> None:
    """The third has merged what the others have apart."""
    merged = cut(TEXT, SENTENCES[0], f"{SENTENCES[1]} {SENTENCES[2]}", SENTENCES[3])
    runs = (cut(TEXT, *SENTENCES), cut(TEXT, *SENTENCES), merged)
    assert shape(*runs) == [("0", "0", "0"), ("12", "12", "1"), ("3", "3", "2")]


def test_a_row_without_partner_stands_alone_in_its_place() -> None:
    """On either side, and at the ends."""
    one, other = cut(TEXT, *SENTENCES[:3]), cut(TEXT, SENTENCES[0], SENTENCES[2], SENTENCES[3])
    assert shape(one, other) == [("0", "0"), ("1", ""), ("2", "1"), ("", "2")]


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        (("Neu davor.", *SENTENCES), [("", "0"), ("0", "1"), ("1", "2"), ("2", "3"), ("3", "4")]),
        ((SENTENCES[0], SENTENCES[2], SENTENCES[3]), [("0", "0"), ("1", ""), ("2", "1"), ("3", "2")]),
        (("Der Hund bellt sehr laut.", *SENTENCES[1:]), [(str(n), str(n)) for n in range(4)]),
        (("Neu.", f"{SENTENCES[0]} {SENTENCES[1]}", *SENTENCES[2:]), [("", "0"), ("01", "1"), ("2", "2"), ("3", "3")]),
        (("Ganz anderer Text.",), [("", "0"), ("0", ""), ("1", ""), ("2", ""), ("3", "")]),
    ],
    ids=["inserted", "deleted", "edited", "merged", "other text"],
)
def test_a_changed_document_is_aligned_by_words(changed: tuple[str, ...], expected: list[tuple[str, str]]) -> None:
    """The spans of the second run say nothing then."""
    assert shape(cut(TEXT, *SENTENCES), cut(" ".join(changed), *changed)) == expected


def test_a_row_between_two_partners_of_one_row_joins_them() -> None:
    """Whichever of two equal rows the words are matched with."""
    assert shape(cut("ab cd", "ab cd"), make("ab", "ab", "cd")) in ([("0", "012")], [("", "0"), ("0", "12")])
    assert shape(make("ab xy", "zz", "cd xy"), make("ab cd")) == [("012", "0")]


def test_lines_without_source_follow_the_spans() -> None:
    """A reference by the line joins the sentences of its line."""
    reference = [Row("a.txt", 0, 0, 0, len(TEXT), "", "reference", None)]
    assert shape(cut(TEXT, *SENTENCES), cut(TEXT, *SENTENCES), reference) == [("0123", "0123", "0")]


WORD = st.sampled_from("ab cd ef gh ij kl".split())


@given(st.lists(st.lists(st.lists(WORD, min_size=1, max_size=3), max_size=5), min_size=2, max_size=3))
def test_every_row_is_in_exactly_one_group_and_in_order(texts: list[list[list[str]]]) -> None:
    """Whatever the runs hold."""
    runs = [make(*(" ".join(words) for words in sentences)) for sentences in texts]
    groups = align_rows(runs)
    for k, rows in enumerate(runs):
        assert sorted(row.sentence for group in groups for row in group[k]) == [row.sentence for row in rows]
    assert all(any(group) for group in groups)
    if len(runs) == 2:
        for k, rows in enumerate(runs):
            assert [row for group in groups for row in group[k]] == rows
