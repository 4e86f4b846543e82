"""What the model gets in place of a text: plain spellings of what it cannot read, and words in capitals."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.cases import Case, read_cases
from translate.model.spelling import Speller, make_plain
from translate.model.tokenizer import Tokenizer

PLAIN = {
    # fractions
    "Man nehme ½ Liter Milch.": "Man nehme 1/2 Liter Milch.",
    "2½ Liter": "2 1/2 Liter",
    "¾ und ⅓": "3/4 und 1/3",
    # ligatures
    "Die Oﬀensive": "Die Offensive",
    "ﬁnden": "finden",
    "eﬃzient": "effizient",
    "Stoﬄappen": "Stofflappen",
    # full-width and mathematical letters
    "ＡＢＣ１２": "ABC12",
    "𝐇𝐚𝐥𝐥𝐨": "Hallo",
    # dashes, primes, letters of other languages
    "a ⁃ b": "a – b",
    "5′30″": "5'30\"",
    "Erdoğan": "Erdogan",
    "Œuvre": "Oeuvre",
    "20 ㎡": "20 m2",
    # decomposed
    unicodedata.normalize("NFD", "Für Äpfel"): "Für Äpfel",
    # ends of lines and pages; what nobody sees
    "Eins\vZwei\fDrei\x85Vier\u2028Fünf\u2029Sechs\tSieben": "Eins Zwei Drei Vier Fünf Sechs Sieben",
    "Rind\u00adfleisch\u200b und\u2060 \ufeffGemüse\u200e": "Rindfleisch und Gemüse",
    # known as they are
    "Für 5 € – „ja“ …": "Für 5 € – „ja“ …",
    "m² CO₂": "m² CO₂",
    "ça va, señor Novák": "ça va, señor Novák",
    # without a plain spelling
    "Danke 😀": "Danke 😀",
    "中文": "中文",
}


@pytest.mark.parametrize("text", PLAIN)
def test_plain_spellings(text: str, tokenizer: Tokenizer) -> None:
    """What the vocabulary lacks is spelled plainly if it can be, and nothing else changes."""
    assert tokenizer.text_for_model(text) == PLAIN[text]


@pytest.mark.parametrize("text", [text for text in PLAIN if text not in ("Danke 😀", "中文")])
def test_nothing_unknown_is_left(text: str, tokenizer: Tokenizer) -> None:
    """None of these texts has an unknown piece."""
    assert tokenizer.unknown not in tokenizer.encode([text])[0]


@pytest.mark.parametrize("case", read_cases("chars"), ids=lambda case: str(case.number))
def test_reported_characters(case: Case, tokenizer: Tokenizer) -> None:
    """None of the reported lines reaches the model with an unknown piece, or with two words glued to one."""
    texts = case.input if isinstance(case.input, list) else [case.input]
    for text in texts:
        assert tokenizer.unknown not in tokenizer.encode([text])[0]
    if isinstance(case.input, list):
        assert {tokenizer.text_for_model(text) for text in texts[:2]} == {case.expected}


@given(st.text())
def test_any_text_can_be_spelled(text: str) -> None:
    """Whatever the vocabulary knows: what it knows stays, and the result is spelled as it is."""
    text = text.encode("utf-8", "ignore").decode()
    assert Speller(lambda _: 0.0).respell(unicodedata.normalize("NFC", text)).replace(" ", "") == unicodedata.normalize(
        "NFC", text
    ).replace(" ", "")
    assert make_plain(make_plain(text)) == make_plain(text)


CAPITALS = {
    "KANZLER TRITT NACH NIEDERLAGE ZURÜCK": "Kanzler tritt nach Niederlage zurück",
    "RAUCHEN IM GEBÄUDE VERBOTEN": "Rauchen im Gebäude verboten",
    "SPD UND FDP": "SPD und FDP",
    "STRASSE GESPERRT": "Straße gesperrt",
    "ACHTUNG! GROSSER HUND.": "Achtung! Großer Hund.",
    "NICHT VERGESSEN: Müll rausbringen": "Nicht vergessen: Müll rausbringen",
    "Er rief: WAS MACHST DU DENN?": "Er rief: was machst du denn?",
    "INHALT": "Inhalt",
    "DIE EU": "Die EU",
    # as they are
    "Die SPD und die CDU": "Die SPD und die CDU",
    "BMW X5": "BMW X5",
    "Ein Spray von DUPLI-COLOR TUNING, z. B. für #NUMBER# EUR.": "Ein Spray von DUPLI-COLOR TUNING, z. B. für #NUMBER# EUR.",
    "SPD": "SPD",
    "ARD, ZDF, WDR": "ARD, ZDF, WDR",
    "U.S.A.": "U.S.A.",
    "Der NATO-Gipfel endet.": "Der NATO-Gipfel endet.",
    "12:30": "12:30",
    "": "",
}


@pytest.mark.parametrize("text", CAPITALS)
def test_capitals(text: str, tokenizer: Tokenizer) -> None:
    """Lines and runs of words in capitals are written as the vocabulary knows them; what it knows in capitals stays."""
    assert tokenizer.recase(text) == CAPITALS[text]
    assert tokenizer.recase(tokenizer.recase(text)) == tokenizer.recase(text)
