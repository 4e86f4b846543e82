"""Sentence spans: what is cut, what stays whole, and that nothing is ever lost or slow."""

from __future__ import annotations

import importlib.util
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from translate.records import Paragraph, Sentence
from translate.text.sentences import split_paragraph, split_sentences

ROOT = Path(__file__).resolve().parents[2]
GOLD = ROOT.parent / "shared" / "segmentation" / "gold-dev.jsonl"
ARTICLES = ROOT.parent / "shared" / "articles"

# One paragraph a line; "|" stands where a sentence ends and the next starts (for the blank between them).
CASES = """
# plain ends
Der Zug hält in Köln.|Danach fährt er weiter.
Wirklich?|Ja!|Was für ein Tag.
Was?!|Nein!!!|Doch.
Ohne Punkt am Ende
Die Überschrift: Alles wird teurer
Die Firma Meyer & Sohn AG.|Sie ging pleite.
# sentences that start with a digit, a quotation mark, a dash
2015 war gut.|2016 wurde schlechter.|20 Menschen kamen.
Es ist spät.|„Wir gehen“, sagte er.
Ja.|– Nein.|– Vielleicht.
Am Ende siegte er 3:1.|5000 Zuschauer sahen zu.
# direct speech
„Kommst du?“, fragte sie.|„Ja!“, sagte er.
„Kommst du?“ fragte sie.|„Nein.“|Er ging.
»Komm!«, rief er.|»Nein!«|Sie blieb.
»Komm!« rief er und lief los.
"Komm!" rief er.|"Nein."|Sie blieb.
”Komm!” rief er.
Sie sagte: ‚Ich gehe.‘|Dann ging sie.
›Komm!‹ rief er.|›Nein!‹
Er sagte: «Ja.»|Dann ging er.
„Er rief: ‚Nein!‘, und dann lief er“, sagte sie.
„Er rief: ‚Nein!‘“|Dann war es still.
„Kommst du?|Ich warte nicht ewig.“|Er schwieg.
Sie rief: „Hilfe!!!“|Niemand kam.|„Wo?“|„Da.“
„Das sind ernste Dinge.“|Wenn es sie gibt.
# closing marks that stand alone
Eine bestehende Realität widerspiegeln. »
Er sagte: « Das ist so. »|Dann ging er.|« Nein », sagte sie.
Er sagte: » Das ist so. «|Dann ging er.
Er sagte: " Das ist so. "|Dann ging er.|" Nein. "
Er sagte: „ Das ist so. “|Dann ging er.
Es geht weiter (…)
(…) Es geht weiter.
Danke! :-)
# ordinals and dates
Er wurde am 24. Oktober geboren.|Danach zog er um.
Zum 60. Mal richtet der Verein das Fest aus.
Im 19. Jahrhundert war das anders.
Im II. Weltkrieg zerstört.|Heute steht dort ein Haus.
Ludwig XIV. war König.|Papst Johannes Paul II. besuchte Polen.
Sie begann am 3. 4. 2015 in Bonn.
Sie begann am 03.04.2015.|Sie endete am 5. Mai.
Der 57. und 9. Armee fehlte es an Treibstoff.
In 2. Auflage erschienen.
Der 1. FC Köln verlor.|Die 2. Mannschaft gewann.
Das gilt bis zum 31.|Die Frist läuft ab.
Nr. 5 lebt.|Platz 3. Mai ist noch weit.
Siehe Nr. 5 auf S. 12.
Um 18.30 Uhr geht es los.|Eintritt: 3.50 Euro.
Fast 10.000 Soldaten kamen.
# abbreviations
Viele Tiere, z. B. Hunde, bellen.|Katzen nicht.
Viele Tiere, z.B. Hunde, d.h. Säuger, bellen.
Er kennt u. a. Peter und Dr. Müller.|Prof. Dr. Schmidt kam nicht.
Das kostet 5 Mio. Euro.|Das ist viel.
Das kostet 5 Mio.|Das ist viel.
Es sind 3,5 Prozent bzw. 2 Mrd. Euro, d. h. ca. 5 Euro je Kopf.
Bitte bringen Sie evtl. Ihre Papiere bzw. Ihren Ausweis mit.
Das gilt lt. Die Zeit vom Montag.
Hrn. Müller fehlte sie sehr.
Er trank, aß usw.|Danach schlief er.
Er trank etc. und schlief.
Säfte u. s. w.|Eine Auswahl.
Sie ging zu Rev. Alexander, um jdn. zu suchen.
Er wohnt in der Hauptstr. 5 in Bonn.
Das war 44 v. Chr. in Rom.|Damals lebte Cäsar.
Sie ist Vorsitzende des Vereins Sonne e. V.|Er war Minister a. D.|Das ist lange her.
Die Meyer GmbH & Co. KG ist pleite.
Art. 5 GG gilt.|Das ist einzig in seiner Art.|Punkte gab es keine.
# initials and single letters
J. S. Bach war Komponist.|Auch C. P. E. Bach.
Er spielt in der Serie A.|Peter auch.
Er spielt in der Serie A.|Bei 21 Punkten ist alles klar.
Angeklagt ist Thomas M.|Er schweigt.
Ich nehme Plan B.|Das reicht.
# enumerators
8. Der Mann ging.|9. Die Frau kam.
1. Ziele
A. Die Parteien
12.3.1. Der Aufbau
IV. Die Ergebnisse
Die Tabelle: 1. Huber (AUT) – 2. Peier (SUI) – 3. Geiger (GER).
Es endete 3 - 1.|Die Mannschaft feierte.
# dots that end nothing
Siehe Welt.de/Politik.Ausland und den 31.Oktober.|Ende.
Mehr unter www.beispiel.de oder bei info@beispiel.de.|Danke.
Sie wartete … und wartete.|Dann ... nichts.
Sie wartete ...|Dann kam er.
Sie wartete…|Er kam.
Wie kann das gehen ?|Die Lösung ist einfach .|Das ist sie.
Ist es Kunst? und wenn ja, welche?
# brackets and footnotes
(Er lachte.)|Anna ging (leise).|Sie blieb.
Er fragte (wer ist das? Niemand weiß es.) und ging.
Das ist gut (sehr gut!) und schön.
Herr Müller (45 J.) kam.|Thomas M. (23) auch.
Die Rede war lang (vgl. S. 5 f.).|Danach war Pause.
Das steht fest.[1]|Das auch [2].|Ende.
"""

TABLE = [line for line in CASES.splitlines() if line and not line.startswith("#")]

MARKS = """. ! ? … ... „ “ ” " ' ‚ ‘ » « › ‹ ( ) [ ] { } – - , : ; [1] ² 😀 ́ 。"""
WORDS = (
    """1. 24. 3 XIV. A. J. S. z. B. d. h. u. a. Dr. Nr. bzw. usw. Mio. Art. Str. Der Die Und er sagte Oktober Mal ß İ"""
)
BLANKS = (" ", "  ", "\t", "\n", "\r", "\u00a0", "\u2009", "\u2028", "\x1c", "\x85", "\ufeff", "\u200b", "\0")
FRAGMENTS = (*MARKS.split(), *WORDS.split(), *BLANKS)


def check_lossless(text: str) -> None:
    """Fail unless the spans hold all that is not white space, in order, each without white space at its ends."""
    spans = split_paragraph(text)
    position = 0
    for start, end in spans:
        assert position <= start < end <= len(text)
        assert not text[position:start] or text[position:start].isspace()
        assert not text[start].isspace()
        assert not text[end - 1].isspace()
        position = end
    assert not text[position:] or text[position:].isspace()


@pytest.mark.parametrize("line", TABLE)
def test_cuts_where_german_spelling_says(line: str) -> None:
    """Each line of the table is cut at its bars and nowhere else, and whatever the kind of blank."""
    expected = line.split("|")
    for blank in (" ", "  ", "\u00a0"):
        text = blank.join(expected)
        assert [text[start:end] for start, end in split_paragraph(text)] == expected


def test_table_is_large() -> None:
    """The table above was not lost to a slip in its reading."""
    assert len(TABLE) >= 60


@pytest.mark.parametrize("text", ["", " ", "\t \u00a0\u2003", "\n\r\n"])
def test_blank_text_has_no_sentence(text: str) -> None:
    """Nothing but white space gives no span."""
    assert split_paragraph(text) == []


def test_white_space_around_is_outside() -> None:
    """Spans count from the start of the text, blanks at its ends left out."""
    assert split_paragraph(" \tJa. \u00a0 Nein.  ") == [(2, 5), (8, 13)]


def test_numbers_and_offsets_run_through_the_document() -> None:
    """Sentences are numbered through the paragraphs, and their offsets find them in the document."""
    document = "Erstens.  Zweitens.\n\n  Drittens! \n"
    paragraphs = [Paragraph(0, 0, "Erstens.  Zweitens."), Paragraph(1, 21, "  Drittens! ")]
    found = list(split_sentences(paragraphs))
    assert found == [
        Sentence(0, 0, 0, 8, "Erstens."),
        Sentence(0, 1, 10, 19, "Zweitens."),
        Sentence(1, 2, 23, 32, "Drittens!"),
    ]
    assert all(document[sentence.start : sentence.end] == sentence.text for sentence in found)


def test_streams() -> None:
    """The first sentence comes before the second paragraph is asked for."""
    asked = []

    def paragraphs() -> Iterable[Paragraph]:
        for number in range(3):
            asked.append(number)
            yield Paragraph(number, 10 * number, "Ja. Nein.")

    assert next(iter(split_sentences(paragraphs()))).text == "Ja."
    assert asked == [0]


@given(st.text())
@example("\ud800. \udfff.")
@example("a\0. \0b. ́. ́")
@example(". » . » .")
def test_any_text_is_lossless(text: str) -> None:
    """No text whatever makes it fail or lose a character."""
    check_lossless(text)


@settings(max_examples=500)
@given(st.lists(st.sampled_from(FRAGMENTS), max_size=60).map("".join))
def test_awkward_german_is_lossless(text: str) -> None:
    """Sentence marks, quotation marks, abbreviations and blanks in any order lose nothing."""
    check_lossless(text)


@given(st.lists(st.sampled_from(FRAGMENTS), max_size=60).map(" ".join))
def test_a_sentence_has_a_letter_or_digit(text: str) -> None:
    """Signs alone never make a sentence beside another of their line."""
    spans = split_paragraph(text)
    if len(spans) > 1 and len(text.splitlines()) == 1:
        assert all(any(char.isalnum() for char in text[start:end]) for start, end in spans)


ADVERSARIES: dict[str, Callable[[int], str]] = {
    "no blank": lambda n: "a" * n,
    "blanks": lambda n: "a." + " " * n + "b." + " " * n,
    "dots": lambda n: "." * n,
    "spaced dots": lambda n: ". " * (n // 2),
    "numbers": lambda n: " ".join(f"{i}." for i in range(n // 6)),
    "ordinals": lambda n: "am 1. A " * (n // 8),
    "abbreviations": lambda n: "z. B. " * (n // 6),
    "initials": lambda n: "A. " * (n // 3),
    "open brackets": lambda n: "(a. " * (n // 4),
    "nested brackets": lambda n: "([{" * (n // 9) + "a. b. " * (n // 18) + "}])" * (n // 9),
    "nested quotations": lambda n: "„" * (n // 3) + ".“ " * (n // 3),
    "lone marks": lambda n: 'a. " » ' * (n // 7),
    "closers": lambda n: "." + "»" * n + " a",
    "host name": lambda n: "a-" * (n // 2) + ". b",
    "combining marks": lambda n: "́" * n,
}


@pytest.mark.parametrize("name", ADVERSARIES)
def test_time_is_linear(name: str) -> None:
    """Four times the text takes about four times as long, and 100,000 characters never take minutes."""

    def measure(size: int) -> float:
        text = ADVERSARIES[name](size)
        start = time.process_time()
        check_lossless(text)
        return time.process_time() - start

    small = min(measure(25_000) for _ in range(2))
    large = measure(100_000)
    assert large < 9 * small + 0.2  # 16 would be quadratic
    assert large < 20  # 1 s or less, with room for slow machines


def test_ten_megabytes_without_a_blank() -> None:
    """A text of 10 MB that is one word is one sentence at once."""
    text = "x" * 10_000_000
    start = time.process_time()
    assert split_paragraph(text) == [(0, len(text))]
    assert time.process_time() - start < 10


def test_a_hundred_thousand_numbers() -> None:
    """The series that some rule sets take 20 ms a dot for."""
    text = " ".join(f"{number}." for number in range(1, 100_001))
    start = time.process_time()
    check_lossless(text)
    assert time.process_time() - start < 60


def test_throughput_on_ordinary_text() -> None:
    """Ordinary text goes at far more than 0.1 MB/s even on a slow, busy machine (the aim is 0.5)."""
    text = " ".join(line.replace("|", " ") for line in TABLE)
    split_paragraph(text)
    start = time.process_time()
    for _ in range(20):
        split_paragraph(text)
    assert 20 * len(text.encode()) / 1e6 / (time.process_time() - start) > 0.1


def load_bench() -> ModuleType:
    """Import benchmarks/segmentation.py, which is a script outside any package."""
    spec = importlib.util.spec_from_file_location("bench_segmentation", ROOT / "benchmarks" / "segmentation.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def test_scoring_counts_boundaries() -> None:
    """The scoring of the bench: blanks do not matter, free places do not count, a miss and a slip each count once."""
    bench = load_bench()
    assert bench.find_boundaries(["Ja. ", " Nein.", "Gut."]) == {3, 8}
    assert bench.find_boundaries([]) == bench.find_boundaries(["Ja."]) == frozenset()
    case = bench.Case("a", "…", frozenset({3, 8}), frozenset({5}))
    tally = bench.Tally()
    tally.add(case, frozenset({3, 5, 9}))
    assert (tally.right, tally.wrong, tally.missed, tally.whole_paragraphs) == (1, 1, 1, 0)
    assert tally.precision == tally.recall == tally.f1 == 50


@pytest.mark.skipif(not GOLD.is_file(), reason=f"needs the gold paragraphs {GOLD.name} in ../shared/segmentation")
def test_gold_paragraphs() -> None:
    """On the gold the mean F1 is at least 99.80, on the third that was held out 99.70, and no set falls behind."""
    bench = load_bench()
    cases = bench.read_gold(GOLD)
    result = bench.measure("translate", bench.split_ours, cases)
    assert result.mean_f1 >= 99.80
    assert min(tally.f1 for tally in result.tallies.values()) >= 99.60
    assert result.megabytes_per_second > 0.1
    held_out = bench.select(cases, "held-out")
    assert len(cases) / 4 < len(held_out) < len(cases) / 2
    assert not {case.text for case in held_out} & {case.text for case in bench.select(cases, "development")}
    assert bench.measure("translate", bench.split_ours, held_out).mean_f1 >= 99.70


@pytest.mark.skipif(not ARTICLES.is_dir(), reason="needs the articles in ../shared/articles")
def test_articles() -> None:
    """Real articles are split without loss, and no sentence is a lone mark."""
    for path in ARTICLES.iterdir():
        for line in path.read_text(encoding="utf-8").splitlines():
            check_lossless(line)
            sentences = [line[start:end] for start, end in split_paragraph(line)]
            assert len(sentences) <= 1 or all(any(map(str.isalnum, sentence)) for sentence in sentences)
