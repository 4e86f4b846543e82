"""Hand-made pairs for each class of change."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from translate.compare.changes import Change, classify, find_edits, tokenize

C = Change

PAIRS = [
    ("The dog barks.", "The dog barks.", {C.IDENTICAL}),
    ("", "", {C.IDENTICAL}),
    ("The dog barks.", "The dog barks!", {C.PUNCTUATION}),
    ("The Dog barks", "the dog barks", {C.PUNCTUATION}),
    ("The dog  barks", "The dog barks", {C.PUNCTUATION}),
    ("He said: “No.”", 'He said: "No."', {C.PUNCTUATION}),
    ("It doesn’t work", "It doesn't work", {C.PUNCTUATION}),
    ("Today the dog barks.", "The dog barks today.", {C.ORDER}),
    ("It cost 1,000 euros.", "It cost 2,000 euros.", {C.NUMBER}),
    ("It cost 1,000 euros.", "It cost 1000 dollars.", {C.WORDING}),
    ("He has three dogs.", "He has 3 hounds.", {C.WORDING}),
    ("He has three dogs.", "He has four dogs.", {C.NUMBER}),
    ("It grew by 1.5 percent.", "It grew by 15 percent.", {C.NUMBER}),
    ("He comes on 3 May.", "He arrives on May 3rd.", {C.WORDING}),
    ("He comes on 3 May.", "He comes on 4 May.", {C.DATE}),
    ("He comes on Monday.", "He comes on Tuesday.", {C.DATE}),
    ("It began in March.", "It began in May.", {C.DATE}),
    ("They march on.", "They move on.", {C.WORDING}),
    ("May I come?", "Can I come?", {C.WORDING}),
    ("On 2018-05-04 it rained.", "On 4 May 2018 it rained.", {C.WORDING}),
    ("Yesterday Merkel spoke.", "Yesterday Scholz spoke.", {C.NAME}),
    ("Merkel's plan failed.", "The plan of Merkel failed.", {C.WORDING}),
    ("In Berlin it rains.", "It rains in Berlin.", {C.ORDER}),
    ("Berlin is big.", "The city of Berlin is huge.", {C.WORDING}),
    ("He went to Berlin.", "He went to berlin today.", {C.WORDING}),
    ("He comes.", "He does not come.", {C.NEGATION}),
    ("He can't come.", "He cannot come here.", {C.WORDING}),
    ("He has no dog.", "He does not have any dog.", {C.WORDING}),
    ("He came, although it had rained the whole day.", "He came.", {C.MISSING}),
    ("He came.", "He came, although it had rained the whole day.", {C.ADDED}),
    ("The dog barks.", "The hound is barking.", {C.WORDING}),
    ("He met Merkel on 3 May.", "He did not meet Scholz on 4 May.", {C.DATE, C.NAME, C.NEGATION}),
    ("The dog barks.", "", {C.WORDING}),
]


@pytest.mark.parametrize(("first", "second", "expected"), PAIRS)
def test_classes_are_found_by_rule(first: str, second: str, expected: set[Change]) -> None:
    """And the other way round, with a clause added where one was missing."""
    turned = {{C.MISSING: C.ADDED, C.ADDED: C.MISSING}.get(change, change) for change in expected}
    assert set(classify(first, second)[0]) == expected
    assert set(classify(second, first)[0]) == turned


def test_edits_mark_whole_words_and_join_neighbours() -> None:
    """Spans are cut at words, and a chain of changed words is one span."""
    first, second = "The big dog barks at 1,000 cats.", "The dog barked at the two cats."
    edits = find_edits(tokenize(first), tokenize(second))
    assert [first[a:b] for a, b in edits.removed] == ["big", "barks", "1,000"]
    assert [second[a:b] for a, b in edits.added] == ["barked", "the two"]
    assert edits.count == 4


@given(st.text(alphabet="ab cN.1'🙂", max_size=20), st.text(alphabet="ab cN.1'🙂", max_size=20))
def test_what_is_not_marked_is_the_same(first: str, second: str) -> None:
    """Without the marked spans both texts have the same tokens."""
    changes, edits = classify(first, second)
    assert changes

    def rest(text: str, spans: tuple[tuple[int, int], ...]) -> list[str]:
        return [t.text for t in tokenize(text) if not any(start <= t.start < end for start, end in spans)]

    assert rest(first, edits.removed) == rest(second, edits.added)
    assert (edits.count == 0) == ([t.text for t in tokenize(first)] == [t.text for t in tokenize(second)])
