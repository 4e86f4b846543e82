"""Pairs of the kinds that lists of sentences lack, and the judgement of what the tool makes of such lines."""

import re
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

import figures
import frames
import kinds
import kinds_check
import strings
from pairs import MADE, Pair, fault

TOOLS = Path(__file__).resolve().parent.parent.parent / "training"
SEEDS = range(60)
KEPT = [
    Pair("x", "Der Ort hat 350 Einwohner und eine Kirche.", "The place has 350 inhabitants and a church."),
    Pair("x", "Am 3. Mai 1998 kam Petersen zurück.", "Petersen came back on May 3, 1998."),
    Pair("x", "Der Zug fährt um 14.30 Uhr ab.", "The train leaves at 2:30 p.m."),
    Pair("x", "Die Preise stiegen um 20 Prozent.", "Prices rose by 20 percent."),
    Pair("x", "Morgen fährt Petersen nach Hause.", "Tomorrow Petersen will go home."),
]
WORDS = strings.Words([pair.source for pair in KEPT])


def made(kind: str) -> set[tuple[str, str]]:
    """All pairs of a kind that come out of KEPT with many seeds."""
    way = kinds.ways(WORDS)[kind]
    found = (way(pair, Random(seed)) for pair in KEPT for seed in SEEDS)
    return {(pair.source, pair.target) for pair in found if pair}


def test_numbers_are_written_as_each_language_writes_them() -> None:
    """The same digits on both sides, German marks on the one and English marks on the other; years are left alone."""
    for german, english in (figures.draw_number(Random(seed)) for seed in range(500)):
        assert german.replace(".", "").replace(" ", "").replace(",", ".") == english.replace(",", "")
    pairs = made("numbers")
    assert any("." in source[12:20] and "," in target for source, target in pairs)
    assert not any("1998" not in source and "Mai" in source for source, _ in pairs)


@pytest.mark.parametrize(
    ("kind", "judge"),
    [("dates", figures.english_dates), ("clock", figures.clock_minutes), ("numbers", figures.english_numbers)],
)
def test_what_is_made_differs_and_can_be_read_again(kind: str, judge: object) -> None:
    """Each made pair has one date, clock time or number in its English, and there are many different ones."""
    targets = {target for _, target in made(kind)}
    assert len(targets) > 10
    assert all(len(judge(target)) <= 2 for target in targets)  # type: ignore[operator]


def test_dates_are_written_out_in_english() -> None:
    """03.05.1998 and 3. Mai 1998 both become the way in which the English sentence wrote its date."""
    targets = {target for source, target in made("dates")}
    sources = {source for source, _ in made("dates")}
    assert all(target.startswith("Petersen came back on ") for target in targets)
    assert any(source.split()[1].count(".") == 2 for source in sources)


def test_half_of_the_day_follows_the_hour() -> None:
    """14 Uhr is 2 p.m., 9.15 Uhr is 9:15 a.m., 0 Uhr is 12 a.m."""
    for source, target in made("clock"):
        hour = int(source.split("um ")[1].replace(":", ".").replace(" ", ".").split(".")[0])
        assert ("p.m." in target) == (hour >= 12)
        assert f" {hour % 12 or 12}" in target


COPIED = {"addresses": r"[^\s(]*[@/_\\][^\s)]*[\w/]", "names": r"\b\w*[şłæčđ]\w*\b", "emoji": f"[{strings.EMOJI}]+"}


@pytest.mark.parametrize("kind", COPIED)
def test_what_is_copied_is_the_same_on_both_sides(kind: str) -> None:
    """Addresses, rare names and emoji of the German side stand on the English side as they are."""
    found = [(re.findall(COPIED[kind], source), target) for source, target in made(kind)]
    assert sum(map(len, (words for words, _ in found))) > 10
    assert all(word in target for words, target in found for word in words)


def test_capitals_are_capitals_on_both_sides() -> None:
    """A line in capitals becomes English in capitals."""
    assert ("DIE PREISE STIEGEN UM 20 PROZENT.", "PRICES ROSE BY 20 PERCENT.") in made("capitals")


def test_a_name_is_no_part_of_another_word() -> None:
    """Only a whole word is replaced, and only if both sides have it once."""
    pair = Pair("x", "Dann kam Peter zu Petersen.", "Then Peter came to Petersen.")
    found = {frames.replace_name(pair, "X", "X", Random(seed)) for seed in SEEDS}
    assert {one.target for one in found if one} == {"Then X came to Petersen.", "Then Peter came to X."}
    assert frames.replace_name(Pair("x", "Hier ist Rom.", "This is it."), "X", "X", Random(1)) is None


def test_made_pairs_pass_where_others_do_not() -> None:
    """Addresses and emoji are faults of other pairs, and on purpose in made ones."""
    texts = "Siehe https://a.de/{b} 😀", "See https://a.de/{b} 😀"
    assert fault(Pair("x", *texts)) == "markup"
    assert fault(Pair(MADE + "addresses", *texts)) == ""
    assert fault(Pair(MADE + "addresses", "a", "")) == "empty"


def test_held_out_lines_come_from_other_pairs() -> None:
    """No pair is of both parts, and each part is the same in every run."""
    many = [Pair("x", f"Der Ort Nummer {n} ist schön.", f"Place number {n} is nice.") for n in range(500)]
    train, test = (kinds.usable(many, held_out=held_out) for held_out in (False, True))
    assert len(train) + len(test) == len(many)
    assert 0 < len(test) < 50
    assert kinds.usable(many, held_out=True) == test
    assert not kinds.usable([Pair(MADE + "capitals", "ES REGNET IM NORDEN.", "IT RAINS IN THE NORTH.")], held_out=False)


def test_few_sentences_make_several_pairs_and_no_pair_twice() -> None:
    """One sentence with a date makes up to six pairs with other dates; one line makes one line in capitals."""
    found = list(kinds.make(KEPT, {"dates": 50, "capitals": 50}))
    origins = [pair.origin.removeprefix(MADE) for pair in found]
    assert origins.count("dates") == kinds.MOST_OF_ONE
    assert origins.count("capitals") == len(KEPT)
    assert len({pair.source for pair in found}) == len(found)


def test_the_command_writes_pairs_of_every_kind(tmp_path: Path) -> None:
    """From a TSV to a TSV, with the numbers of each kind said."""
    rows = [f"x\t{p.source[:-1]} {n}a.\t{p.target[:-1]} {n}a.\n" for p in KEPT for n in range(40)]
    (tmp_path / "in.tsv").write_text("".join(rows), encoding="utf-8")
    command = [
        sys.executable,
        str(TOOLS / "kinds.py"),
        str(tmp_path / "in.tsv"),
        "-o",
        str(tmp_path / "out.tsv"),
        "--share",
        "0.01",
    ]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    origins = {line.split("\t")[0] for line in (tmp_path / "out.tsv").read_text(encoding="utf-8").splitlines()}
    assert {MADE + kind for kind in ("capitals", "addresses", "numbers", "dates", "names")} <= origins
    assert all(origin in done.stdout for origin in origins)


JUDGED = [
    ("addresses", "Siehe www.a-b.de/c.", "See www.a-b.de/c.", "Look at www.a-b.de/c!", True),
    ("addresses", "Siehe www.a-b.de/c.", "See www.a-b.de/c.", "See www.a-b.de.", False),
    ("numbers", "Es sind 1.234,5 m.", "It is 1,234.5 m.", "These are 1,234.5 m.", True),
    ("numbers", "Es sind 1.234,5 m.", "It is 1,234.5 m.", "It is 1.234,5 m.", False),
    ("dates", "am 03.05.1998", "on May 3, 1998", "on 3rd of May 1998", True),
    ("dates", "am 03.05.1998", "on May 3, 1998", "on March 5, 1998", False),
    ("clock", "um 14.30 Uhr", "at 2:30 p.m.", "at 14:30", True),
    ("units", "20 % und 5 €", "20% and €5", "20 percent and €5", True),
    ("units", "20 m²", "20 m²", "20 m2", False),
    ("names", "Herr Źaæe kam.", "Mr Źaæe came.", "Mr Zaae came.", False),
    ("emoji", "Gut 😀", "Good 😀", "Good", False),
    ("capitals", "ES REGNET HEUTE.", "IT IS RAINING TODAY.", "IT RAINS TODAY.", True),
    ("capitals", "ES REGNET HEUTE.", "IT IS RAINING TODAY.", "It is raining today.", False),
]


@pytest.mark.parametrize(("kind", "source", "reference", "output", "right"), JUDGED)
def test_lines_are_judged_by_what_makes_their_kind(
    kind: str, source: str, reference: str, output: str, right: bool
) -> None:
    """What has to be copied or rewritten decides, not the other words."""
    assert kinds_check.is_right(kinds_check.Line(Pair(MADE + kind, source, reference), output, ())) is right


def test_the_report_counts_right_and_flagged_lines() -> None:
    """A wrong line with a flag is no silent fault."""
    pair = Pair(MADE + "emoji", "Gut 😀", "Good 😀")
    lines = [
        kinds_check.Line(pair, text, flags)
        for text, flags in (("Good 😀", ()), ("Good", ("unknown-token",)), ("Good", ()))
    ]
    assert "| emoji | 3 | 1 | 1 | 67% |" in kinds_check.report(lines)
