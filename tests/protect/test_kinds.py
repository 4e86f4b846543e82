"""Which stretches of a sentence are spans, and which look like it and are none."""

from __future__ import annotations

import time

import pytest

from translate.protect.kinds import find_spans

SPANS = """
url | Siehe ⟦https://zeitung.example/a?b=1&c=ü#x⟧. | Unter (⟦www.museum.de/x_(y)⟧) steht ⟦bibliothek.org⟧, dort ⟦ftp://a.b/c⟧! | „⟦https://x.de/⟧“
email | An ⟦o'neill+x@mail.stadt.koeln⟧ und ⟦mailto:a@b.de⟧.
email | Schreiben Sie an ⟦info@beispiel.de⟧.
email | Mehr unter ⟦https://www.amt.de⟧ oder ⟦post@amt.beispiel.de⟧.
email | Wer fragt (⟦a@b.de⟧)? Und ⟦c.d@e-f.co.uk⟧!
ip | Von ⟦172.16.0.1/24⟧ nach ⟦fe80::1⟧ und ⟦00:1a:2b:3c:4d:5e⟧, Port ⟦8.8.8.8:53⟧.
iban | Auf ⟦NL91 ABNA 0417 1643 00⟧ oder ⟦ES9121000418450200051332⟧ und BIC ⟦COBADEFFXXX⟧.
brace | Hallo ⟦{vorname}⟧, ⟦{{ a.b ¦ upper }}⟧, ⟦${x}⟧, ⟦%{n}⟧, ⟦[[ort]]⟧, ⟦%NAME%⟧, ⟦__ORT__⟧, ⟦#STADT#⟧, ⟦{0}⟧.
brace | ⟦{n, plural, one {# Datei} other {# Dateien}}⟧ gelöscht | Das sind ⟦{zahl}s⟧ Dinge.
printf | Noch ⟦%d⟧ von ⟦%5.1f⟧, ⟦%1$@⟧ und ⟦%-3s⟧. | Nur ⟦%lu⟧%.
tag | Eine ⟦<br/>⟧ und ⟦<img src="a.png" alt='b'>⟧, ⟦&nbsp;⟧ und ⟦<!-- x -->⟧ ⟦</0>⟧
code | Mit ⟦`rm -rf x`⟧, ⟦--verbose⟧, ⟦--out=a.b⟧, ⟦foo.bar()⟧, ⟦max_wert⟧, ⟦istLeer⟧ und ⟦-v⟧.
path | In ⟦/opt/app/bin⟧, ⟦~/.ssh/config⟧, ⟦C:\\Users\\Eva Maria\\a.txt⟧, ⟦\\\\nas\\bilder⟧ und ⟦lib/a/b.py⟧.
file | ⟦Brief.DOCX⟧, ⟦a-b.tar.bz2⟧, ⟦libx.so.6⟧, ⟦.gitignore⟧ und ⟦mein entwurf (3).pdf⟧.
handle | ⟦@Bundestag_⟧ und ⟦@a@social.example⟧ | (⟦@eva.k⟧)
hashtag | ⟦#Klima2030⟧-Debatte, ⟦#öpnv⟧!
phone | ⟦+41 44 123 45 67⟧, ⟦(0341) 12 34-0⟧, ⟦0341/1234567⟧, ⟦+49 (0)89 123-45⟧, ⟦0170-1234567⟧.
formula | ⟦H2O⟧, ⟦CO₂⟧-Preis, ⟦Ca(OH)2⟧, ⟦KBr⟧ und ⟦C6H12O6⟧.
version | ⟦10.22.3⟧, ⟦v2.0⟧, ⟦3.0beta1⟧, ⟦Android 12⟧, ⟦macOS 13.1⟧, Version ⟦3.4⟧.
isbn | ISBN ⟦3-446-19313-8⟧, ⟦978-3-446-19313-0⟧, ⟦9783446193130⟧.
tracking | ⟦123456789012⟧, ⟦4111 1111 1111 1111⟧, ⟦550e8400-e29b-41d4-a716-446655440000⟧.
plate | Wagen ⟦K-AB 1234⟧ und ⟦MTK-X 7E⟧.
product | ⟦RTX3080Ti⟧, ⟦F-16⟧-Kampfjet, ⟦AB/12-C#3⟧, ⟦LED55B7D⟧ und ⟦BMW 320⟧.
"""

PLAIN = """
Am 24.12.2020 um 20.15 Uhr stieg der DAX auf 15.000 Punkte, also 2,5 Prozent.
Die WM 2018, die EM 2024 und die CDU 30 Prozent; am 3. Oktober 2021, 1:0 (1:0), 24/7, 2020/21.
Die Student_innen, Lehrer_in, BürgerInnen, Lehrer(innen), jede(r), Schüler/innen und/oder.
Der 90er-Jahre-Hit, 20-jährige, 100-Meter-Lauf, Covid-19-Pandemie, 75-Jährige, § 12b Abs. 3 StGB, 5G-Netz.
z.B. d.h. u.a. am Ende.So ging es. Haus- und -tür, Nr. 5, S. 12 f., i. d. R.
50 % der 50%igen, 3 < 5 und 7 > 2, AT&T, {ein ganzer Satz in Klammern}, (s. Abb. 3).
Er sagte: --das ist es-- und ging. 1964-1985, 12:30:45, 12.000.000, 3,50 Euro/kg.
AfD, GmbH, HNO, UNO, NATO, iv. Band
"""


def parse(marked: str) -> tuple[str, list[str]]:
    """A text in which ⟦…⟧ stands around its spans → the text, and the spans."""
    parts = marked.replace("¦", "|").replace("⟧", "⟦").split("⟦")
    return "".join(parts), parts[1::2]


CASES = [parse(text.strip()) for line in SPANS.strip().splitlines() for text in line.partition(" | ")[2].split(" | ")]


@pytest.mark.parametrize(("text", "spans"), CASES, ids=[text[:30] for text, _ in CASES])
def test_spans_are_found(text: str, spans: list[str]) -> None:
    """Of every kind, and without the punctuation of the sentence."""
    found = [text[span.start : span.end] for span in find_spans(text)]
    glued = [span.removesuffix("s") if span == "{zahl}s" else span for span in spans]
    assert found == glued


@pytest.mark.parametrize("text", PLAIN.strip().splitlines())
def test_ordinary_german_has_none(text: str) -> None:
    """Dates, scores, numbers with units, abbreviations, gendered forms, dashes."""
    assert find_spans(text) == []


def test_time_is_linear() -> None:
    """200,000 characters of whatever may make a pattern search again and again take seconds at most."""
    for piece in [
        "a",
        "a.",
        "-",
        "@",
        "1 ",
        "{",
        "<",
        "`",
        "a_",
        "aB",
        "/a",
        "\\a",
        "1.",
        "a:",
        "AB12 ",
        "<a ",
        "a@",
        "a(",
        " -a",
        "(2).",
        "A1-",
    ]:
        started = time.process_time()
        find_spans(piece * (200_000 // len(piece)))
        assert time.process_time() - started < 5, piece
