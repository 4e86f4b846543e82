"""Words and n-grams that one run gets right and the other does not, on lines whose truth is plain."""

from __future__ import annotations

from translate.compare.evidence.words import MOST_ROWS, Gain, Line, find_gains, find_rarities, thin_out

REFERENCE = "the red car stops"


def lines(*texts: tuple[str, str]) -> list[Line]:
    return [Line("das rote Auto hält", REFERENCE, pair) for pair in texts]


def test_what_only_one_gets_right() -> None:
    """The longest phrase stands for its parts; what happens once is nothing; what both have is nothing."""
    found = lines(*[("a red car stops", "the red auto stops")] * 3, ("the red car stops", "the red cart stops"))
    (gains,) = find_gains(found, ("A", "B"))
    assert (gains.first, gains.second) == ("A", "B")
    assert gains.of_first[0] == Gain("red car stops", 4, 0)
    assert Gain("car", 4, 0) not in gains.of_first
    assert gains.of_second[0] == Gain("the red", 0, 3)
    assert all(gain.text != "stops" for gain in (*gains.of_first, *gains.of_second))


def test_a_word_counts_as_often_as_it_stands_in_both() -> None:
    """Repeating it wins nothing."""
    found = [Line("", "no no", ("no no no no", "no"))] * 2
    (gains,) = find_gains(found, ("A", "B"))
    assert gains.of_first == (Gain("no no", 2, 0),)  # and the word itself as often: a part of it
    assert gains.of_second == ()


def test_rare_words() -> None:
    """By how often the source word stands in the texts; its counterpart is found by what comes together."""
    common = [Line("der Hund bellt", "the dog barks", ("the dog barks", "the dog barks"))] * 6
    rare = [Line("der Luchs bellt", "the lynx barks", ("the lynx barks", "the cat barks"))]
    found = {rarity.name: rarity for rarity in find_rarities([*common, *rare], ("A", "B"))}
    assert found["once"].words == 1
    assert dict(found["once"].right) == {"A": 1, "B": 0}
    assert found["once"].examples == {"A": ("lynx",), "B": ()}
    assert found["5–19 times"].right["A"] == found["5–19 times"].words == 20


def test_many_rows_are_thinned_out() -> None:
    """Evenly, so that a large comparison ends."""
    many = [Line(str(n), "", ()) for n in range(3 * MOST_ROWS)]
    assert [line.source for line in thin_out(many)[:3]] == ["0", "3", "6"]
    assert len(thin_out(many)) == MOST_ROWS
    assert list(thin_out(many[:7])) == many[:7]
