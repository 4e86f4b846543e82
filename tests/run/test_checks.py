"""What is asked of the model, and what is doubted of its answers."""

from __future__ import annotations

import time

import pytest

from tests.helpers.cases import Case, read_cases
from translate.records import Flag, Translation
from translate.run.checks import check_target, choose_better, find_lost_address, needs_model, order_flags
from translate.run.doubts.numbers import find_number_mismatch

COPIED = [
    "* * *", "—", "…", "!!!", "12", "1.000,5", "24.12.2026", "12:30", "+49 30 1234567", "🙂", "(3)", "a)", "B.", "iv.", "10 %", "§ 3",
    "https://example.org/a?b=c", "www.example.org", "redaktion@example.org", "example.de/politik", "12,5 / 13", "\u200b", "\0",
]  # fmt: skip
ASKED = [
    "Ja.",
    "a) Der Antrag",
    "Siehe https://example.org für mehr.",
    "§ 3 Absatz 2",
    "5 kg",
    "Nr. 5",
    "Ö",
    "Ист",
    "10 Euro",
]


@pytest.mark.parametrize("text", COPIED)
def test_what_holds_no_word_is_copied(text: str) -> None:
    """A model answers even a blank with an invented sentence."""
    assert not needs_model(text)


@pytest.mark.parametrize("text", [text for text in COPIED if text.strip("\u200b\0")])
def test_what_is_copied_is_not_doubted(text: str) -> None:
    """Its copy is its translation."""
    assert check_target(text, text) == ()


@pytest.mark.parametrize("text", [text for text in ASKED if text != "Ö"])
def test_what_holds_a_word_is_translated(text: str) -> None:
    """However little of it."""
    assert needs_model(text)


DOUBTS = [
    ("Er kam, sah und siegte.", "He came, he saw, he conquered.", []),
    ("Er kam, sah und siegte.", "", [Flag.EMPTY]),
    ("Er kam, sah und siegte.", "  ", [Flag.EMPTY]),
    ("Er kam sehr, sehr spät.", "He came very, very late.", []),
    ("Er kam spät in die Stadt.", "He came late to the the the the city.", [Flag.LOOP]),
    ("Nein, nein, nein, nein!", "No, no, no, no!", []),
    ("Die Stadt wächst.", "The city is growing and the city is growing and the city is growing.", [Flag.LOOP, Flag.LENGTH_RATIO]),
    ("Er lachte laut.", "He laughed hahahahahahahahaha.", [Flag.LOOP]),
    ("Er lachte: Hahahahahahahahaha.", "He laughed: Hahahahahahahahaha.", []),
    ("Das konnte damals niemand wissen.", "Das konnte damals niemand wissen.", [Flag.ECHO]),
    ("Angela Merkel und Emmanuel Macron", "Angela Merkel and Emmanuel Macron", []),
    ("So wie bei Music Store", "Like at Music Store", []),
    ("Der Rat stimmte dem Vorschlag nach langer Debatte schließlich mit großer Mehrheit zu.", "Yes.", [Flag.LENGTH_RATIO]),
    ("Ja.", "Yes, indeed.", []),
    ("Der Rat stimmte dem Vorschlag zu, nachdem er lange darüber beraten hatte, was zu tun sei.", "The council agreed after deliberating at length on what to do.", []),
    ("Der Rat stimmte dem Vorschlag zu, nachdem er lange darüber beraten hatte, was zu tun sei.", "The council agreed to the proposal.", [Flag.OMISSION]),
]  # fmt: skip


@pytest.mark.parametrize(("source", "target", "flags"), DOUBTS)
def test_doubts(source: str, target: str, flags: list[Flag]) -> None:
    """Each kind of bad answer has its flag, and good ones have none."""
    assert list(check_target(source, target)) == flags


NUMBERS = [
    ("Es kamen 10.000 Besucher.", "10,000 visitors came.", False),
    ("Es kamen 10 000 Besucher.", "10,000 visitors came.", False),
    ("Es kamen 10.000 Besucher.", "1,000 visitors came.", True),
    ("3,5 Prozent", "3.5 percent", False),
    ("3,5 Prozent", "35 percent", True),  # a decimal comma is not a separator of thousands
    ("Acht Kinder", "8 children", False),
    ("8 Kinder", "Eight children", False),
    ("8 Kinder", "Nine children", True),
    ("am 24.10.2026", "on 24 October 2026", False),
    ("am 24.10.", "on October 24", False),
    ("am 24. Oktober", "on October 25", True),
    ("um 15.30 Uhr", "at 3:30 p.m.", False),
    ("um 15.30 Uhr", "at 15:30", False),
    ("Das Spiel endete 26:1.", "The game ended 26-1.", False),
    ("Das Spiel endete 26:1.", "The game ended 6-1.", True),
    ("Niemand kam.", "In 2020, nobody came.", True),
    ("007 kam.", "007 came.", False),
]


@pytest.mark.parametrize(("source", "target", "mismatch"), NUMBERS)
def test_numbers(source: str, target: str, mismatch: bool) -> None:
    """The same number in each language's writing agrees; another number does not."""
    assert bool(find_number_mismatch(source, target)) is mismatch


def test_the_better_of_two_is_the_less_severe_then_the_likelier() -> None:
    """A loop is often what a model is surest of, so its score does not save it."""
    loop = Translation("the the the the", -0.1, (Flag.LOOP,))
    fair, better = Translation("the city", -1.5), Translation("a city", -1.2, (Flag.NUMBER_MISMATCH,))
    assert choose_better(loop, fair) == Translation("the city", -1.5, (Flag.RETRIED,))
    assert choose_better(fair, loop) == Translation("the city", -1.5, (Flag.RETRIED,))
    assert choose_better(fair, better) == Translation("a city", -1.2, (Flag.NUMBER_MISMATCH, Flag.RETRIED))
    assert choose_better(fair, fair).target == "the city"


@pytest.mark.parametrize("case", read_cases("echo"), ids=lambda case: str(case.number))
def test_reported_copies(case: Case) -> None:
    """Capitals and short headlines that came out as they went in, or half so."""
    assert Flag.ECHO in check_target(case.input["source"], case.input["target"])


@pytest.mark.parametrize("target", ["SIEMENS AND BOSCH BUILD", "Siemens und Bosch build", "THE CDU WINS"])
def test_names_in_capitals_are_no_copy(target: str) -> None:
    """Names stand on both sides."""
    assert Flag.ECHO not in check_target("SIEMENS UND BOSCH BAUEN", target)


def test_flags_have_one_order() -> None:
    """Equal rows are equal bytes."""
    assert order_flags([Flag.RETRIED, Flag.LOOP, Flag.RETRIED]) == (Flag.LOOP, Flag.RETRIED)


@pytest.mark.parametrize("piece", ["a", "7", ".", "a-", "a.", "a@", "+", "www."])
def test_a_word_without_end_takes_linear_time(piece: str) -> None:
    """A hundred thousand letters without a blank are looked through once, not once a letter."""
    word = piece * (100_000 // len(piece))
    started = time.perf_counter()
    needs_model(word)
    check_target(f"Das {word} ist hier.", f"The {word} is here.")
    assert time.perf_counter() - started < 3


@pytest.mark.parametrize(
    ("source", "target", "mismatch"),
    [
        ("1.234,56 Euro", "1,234.56 euros", False),
        ("1.234,56 Euro", "1,234.65 euros", True),
        ("3,50 Meter", "3.5 metres", False),
        ("Version 2.4.1", "version 2.1.4", True),
        ("die 90er Jahre", "the 1990s", False),
        ("dreiundzwanzig Jahre", "23 years", False),
        ("80 Prozent", "eighty per cent", False),
        ("mit 25 Jahren", "aged twenty-five", False),
        ("２５ Euro", "25 euros", False),
        ("um 14.30 Uhr", "at 4:30 p.m.", True),
        ("um 20 Uhr", "at 8 p.m.", False),
    ],
)
def test_numbers_are_read_as_each_language_writes_them(source: str, target: str, mismatch: bool) -> None:
    """Decimals, decades, words, other digits, the twelve-hour clock."""
    assert bool(find_number_mismatch(source, target)) is mismatch


@pytest.mark.parametrize(
    ("text", "echo"),
    [
        ("Wo ist der Bahnhof?", True),
        ("BITTE NICHT BETRETEN, DAS EIS IST DÜNN!", True),
        ("BITTE NICHT BETRETEN", True),
        ("RUNDFUNK BERLIN BRANDENBURG", False),
        ("Mehr Geld für Schulen", True),
        ("Streit um Rente", True),
        ("Frankfurter Allgemeine Zeitung", False),
        ("„Der Spiegel“, „Die Zeit“", False),
        ("The quick brown fox jumps over the lazy dog.", False),
        ("<a href='x'>Hier</a>", False),
    ],
)
def test_a_copy_is_an_echo_only_of_german(text: str, echo: bool) -> None:
    """However short; names, English and tags are copied rightly."""
    assert (Flag.ECHO in check_target(text, text)) is echo


@pytest.mark.parametrize(
    ("source", "target", "lost"),
    [
        ("Mehr unter https://example.org/a?b=4711.", "More at https://example.org/a?b=4711.", ""),
        ("Mehr unter https://example.org/a/b.html.", "More at htps:/example.org/a/ b.html.", "https://example.org/a/b.html"),
        ("Siehe www.example.org/.", "See https://example.org.", ""),
        ("Siehe www.beispiel.de!", "See www.example.de!", "www.beispiel.de"),
        ("Von: hans@beispiel.de", "From: hans@beit.de", "hans@beispiel.de"),
        ("An anna.muster@beispiel-verlag.de oder so.", "To anna.muster@beit-playing or so.", "anna.muster@beispiel-verlag.de"),
        ("An Anna.Muster@Beispiel.de.", "To anna.muster@beispiel.de.", ""),
        ("(siehe beispiel.de/politik)", "(see beispiel.de/politics)", "beispiel.de/politik"),
        ("Die users@example.org-Liste", "The list users@example.org", ""),
        ("An a@example.org und b@example.org", "To a@example.org and c@example.org", "b@example.org"),
        ("Ja/nein, z.B. 3/4, und/oder", "Yes/no, e.g. 3/4, and/or", ""),
        ("Folgen Sie @tagesschau!", "Follow @tagesschau!", ""),
    ],
)  # fmt: skip
def test_a_changed_address_is_doubted(source: str, target: str, lost: str) -> None:
    """What may be left out of one does not count: www., a slash at the end, capitals."""
    assert find_lost_address(source, target) == lost
    assert (Flag.PROTECTED_LOST in check_target(source, target)) is bool(lost)


@pytest.mark.parametrize("piece", ["12 ", "1/", "3 million ", "five ", "drei Viertel ", "12:30 ", "-1 "])
def test_many_numbers_take_linear_time(piece: str) -> None:
    """Ten thousand on each side that agree, and that do not."""
    text = piece * 10_000
    started = time.perf_counter()
    assert not find_number_mismatch(text, text)
    find_number_mismatch("7 " + text, text + "8")
    assert time.perf_counter() - started < 5


@pytest.mark.parametrize(
    "case", [case for case in read_cases("nfd") if isinstance(case.input, dict)], ids=lambda case: str(case.number)
)
def test_decomposed_letters_are_letters(case: Case) -> None:
    """As they come from file names and PDFs of some systems."""
    found = [str(flag) for flag in check_target(case.input["source"], case.input["target"])]
    wanted = case.expected.removeprefix("no ")
    assert (wanted in found) is (wanted == case.expected)
