"""Marks and terms find their places by what the English was made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from translate.protect.mask import apply_edits, mask
from translate.protect.placing import Alignment, Token, find_block, make_words, place_marks, place_terms, put_back
from translate.protect.terms import TermFinder
from translate.records import Term


def align(text: str, target: str, links: Mapping[str, str]) -> Alignment:
    """An alignment in which words are tokens, and each English word looks at the German one that `links` names."""
    german = text.split(" ")
    tokens, position = [], 0
    for word in target.split(" "):
        shares = np.zeros(len(german) + 1, dtype=np.float32)
        wanted = links.get(word.strip(".,"))
        shares[next((i for i, other in enumerate(german) if other.strip(".,") == wanted), len(german))] = 1
        tokens.append(Token(position, position + len(word), shares))
        position += len(word) + 1

    def find_token(place: int) -> int:
        return len(text[:place].split())

    return Alignment(target, make_words(target, tokens), find_token)


@pytest.mark.parametrize(
    ("source", "target", "links", "wanted"),
    [
        ("Lesen Sie <b>alles</b> jetzt.", "Now read everything.", {"everything": "alles"}, "Now read <b>everything</b>."),
        ("Das <i>rote <b>Haus</b></i> brennt.", "The red house burns.", {"red": "rote", "house": "Haus"}, "The <i>red <b>house</b></i> burns."),
        ("Die Stadt <i>Hamburgs</i> lebt.", "The city of Hamburg lives.", {"of": "Hamburgs", "Hamburg": "Hamburgs"}, "The city of <i>Hamburg</i> lives."),
        ("Es stieg <i>um zehn</i> an.", "It rose by ten.", {"by": "um", "ten": "zehn"}, "It rose <i>by ten</i>."),
        ("<b>Achtung:</b> Nicht öffnen.", "Attention: do not open.", {"Attention:": "Achtung:"}, "<b>Attention:</b> do not open."),
        ("<b>Ja</b> und <i>Nein</i> da.", "No and yes there.", {"No": "Nein", "yes": "Ja"}, "<i>No</i> and <b>yes</b> there."),
    ],
)  # fmt: skip
def test_marks_enclose_what_was_made_from_their_german(
    source: str, target: str, links: Mapping[str, str], wanted: str
) -> None:
    """In another order, nested, without a function word of the model's own, with the punctuation that they had."""
    masked = mask(source)
    assert put_back(masked, target, place_marks(masked, align(masked.text, target, links))) == wanted


@pytest.mark.parametrize(
    ("source", "target", "links", "terms", "wanted"),
    [
        ("Alle Pakete kamen.", "All packages came.", {"packages": "Pakete"}, [Term("Paket", "shipment")], "All shipments came."),
        ("Ein Problem kam.", "A problem came.", {"A": "Ein", "problem": "Problem"}, [Term("Problem", "issue")], "An issue came."),
        ("Die Fahrer kamen.", "Drivers came.", {"Drivers": "Fahrer"}, [Term("Fahrer", "motorist")], "Motorists came."),
        ("Das Foto da.", "The picture there.", {"picture": "Foto"}, [Term("Foto", "picture")], "The picture there."),
    ],
)  # fmt: skip
def test_terms_replace_the_model_s_own_words(
    source: str, target: str, links: Mapping[str, str], terms: Sequence[Term], wanted: str
) -> None:
    """In the number that the German or the model's word has, with the article and the capital that belong to it."""
    masked = mask(source, 0, TermFinder(terms).find(source))
    placed = place_terms(masked, align(masked.text, target, links))
    assert not any(one.weak for one in placed)
    assert apply_edits(target, [edit for one in placed for edit in one.edits]) == wanted


def test_a_term_that_nothing_looks_at_is_not_placed() -> None:
    """No word of the answer is taken for it."""
    masked = mask("Alle Pakete kamen.", 0, TermFinder([Term("Paket", "shipment")]).find("Alle Pakete kamen."))
    placed = place_terms(masked, align(masked.text, "All came.", {}))
    assert [(one.weak, one.edits) for one in placed] == [(True, ())]


def test_block_is_the_best_in_sum() -> None:
    """A weak word between strong ones belongs to it, one far away does not."""
    block = find_block([0.0, 0.9, 0.2, 0.8, 0.0, 0.0, 0.4], 0.3)
    assert block is not None
    assert (block.first, block.last, block.share) == (1, 3, 0.9)
    assert find_block([], 0.3) is None
