"""What the model gets of a sentence, and what is made of its answer."""

from __future__ import annotations

import pytest

from translate.protect.mask import mask, strip_spans
from translate.protect.placing import put_back
from translate.protect.standins import LISTS, choose_names

MASKED = [
    ("Nur ein Satz.", "Nur ein Satz."),
    ("Siehe https://a.de/b.", "Siehe Q7."),
    ("Mit {a}{b} und {c}s.", "Mit Q7 und K9."),
    ("Lesen Sie <b>das</b> hier.", "Lesen Sie das hier."),
    ("<p>Ein Satz.</p>", "Ein Satz."),
    ("Ende.</p>", "Ende."),
    ("Taste <ph id='0'/> drücken.", "Taste Q7 drücken."),
    ("Zeile<br/>umbruch hier.", "Zeile Q7 umbruch hier."),
    ("Die <b>{name}</b> ist da.", "Die Q7 ist da."),
    ("Das ist **sehr** und [ein Link](https://a.de).", "Das ist sehr und ein Link."),
    ("Die Serie K9 hat {x} und {y}.", "Die Serie K9 hat Q7 und Z4."),
]


@pytest.mark.parametrize(("source", "text"), MASKED)
def test_model_gets_stand_ins(source: str, text: str) -> None:
    """Spans have stand-ins that the text lacks; pairs, and marks at the edge, are left out."""
    assert mask(source).text == text


@pytest.mark.parametrize("source", [source for source, _ in MASKED if "<b>das" not in source and "**" not in source])
def test_answer_that_is_the_text_becomes_the_source(source: str) -> None:
    """Everything comes back as it was, blanks that were put in do not."""
    masked = mask(source)
    assert masked.count_lost(masked.text) == 0
    assert put_back(masked, masked.text) == source


def test_each_stand_in_has_to_come_out_once() -> None:
    """Doubled, glued, and missing ones are lost."""
    masked = mask("Von {a} nach {b} und {c}.")
    assert masked.names == LISTS[0][:3]
    assert masked.count_lost("From Q7 to K9 and Z4.") == 0
    assert masked.count_lost("From Q7 to Q7 and K9.") == 2
    assert masked.count_lost("From Q7 to K99 and Z4s.") == 2


def test_spans_that_look_like_stand_ins_stay() -> None:
    """What is put back is not searched again."""
    masked = mask("Von {Q7} nach {K9}.", 0)
    assert put_back(masked, masked.text) == "Von {Q7} nach {K9}."


def test_lists_do_not_end() -> None:
    """However many spans a sentence has, each has a name of its own."""
    for number in range(len(LISTS)):
        names = choose_names(number, 300, "")
        assert len(set(names)) == 300
    many = " ".join(f"{{a{number}}}" for number in range(120))
    masked = mask(many)
    assert put_back(masked, masked.text) == many


def test_unpaired_marks_are_spans() -> None:
    """Where nothing tells what English belongs to what German."""
    masked = mask("Lesen Sie <b>das</b> hier.", paired=False)
    assert masked.text == "Lesen Sie Q7 das K9 hier."
    assert put_back(masked, "Read Q7 this K9 here.") == "Read <b>this</b> here."


def test_what_is_left_without_spans() -> None:
    """Nothing to translate in an address and a dash."""
    assert strip_spans("https://a.de – a@b.de").strip(" –") == ""
    assert strip_spans("Ein Satz.") == "Ein Satz."
