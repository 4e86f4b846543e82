"""A negation that is on one side only is doubted, if nothing on the other side may stand for it."""

from __future__ import annotations

import pytest

from translate.records import Flag
from translate.run.checks import check_target
from translate.run.doubts.negation import find_negation_mismatch

RIGHT = """
    Er kommt nicht. | He is not coming.
    Er kommt nicht. | He won't come.
    Er kommt nicht. | He won’t come.
    Er kommt nicht nur heute. | He comes today, and tomorrow as well.
    Das ist nicht unmöglich. | That is possible.
    Das ist nicht schlecht. | That is quite good.
    Er kann nicht kommen. | He is unable to come.
    Er hat die Prüfung nicht bestanden. | He failed the exam.
    Das ist nicht legal. | That is illegal.
    Niemand wusste davon. | It was unknown to all.
    Nichts ist unmöglich. | Nothing is impossible.
    Weder er noch sie kam. | Neither he nor she came.
    Es ist kein Wunder, dass er lacht. | Of course he laughs.
    Ich habe keinen Zweifel. | I am certain.
    Er hat kein Geld mehr. | He has run out of money.
    Bitte vergessen Sie nicht, das Licht zu löschen. | Please remember to switch off the light.
    Er lehnt das ab. | He does not accept that.
    Sie verzichtet auf Zucker. | She does not take sugar.
    Er ist arbeitslos. | He has no job.
    Er ging ohne Hut. | He did not wear a hat.
    Er kam kaum voran. | He did not make much progress.
    Er weigert sich zu zahlen. | He will not pay.
    Das ist unzulässig. | That is not permitted.
    Er warnt davor, das zu tun. | He warns them not to do that.
    Es gab nicht wenige Fehler. | There were many mistakes.
    Kommt er nicht? | Is he coming?
    Er kommt erst morgen. | He is not coming until tomorrow.
    Er sagt nichts anderes als das. | He says exactly that.
    Er kommt. | He comes.
    Das stimmt zweifellos. | There is no doubt about it."""
WRONG = """
    Er hat das Geld nicht gestohlen. | He stole the money.
    Das ist kein Problem. | That is a problem.
    Niemand wusste davon. | Everyone knew about it.
    Sie kam nie wieder. | She came again.
    Er hat das Geld gestohlen. | He did not steal the money.
    Der Minister tritt nicht zurück. | The minister is resigning.
    Die Firma zahlt keine Steuern. | The company pays taxes.
    Ich habe nichts gesehen. | I saw everything.
    Wir haben niemals darüber gesprochen. | We always talked about it.
    Das Gesetz gilt nicht für Kinder. | The law applies to children.
    Das Medikament ist nicht für Kinder geeignet. | The medicine is suitable for children.
    Der Zug hält in Ulm. | The train never stops in Ulm.
    Der Angeklagte war am Tatort. | The defendant was not at the scene.
    Die Anlage ist sicher. | The plant is not safe.
    Das Wasser ist trinkbar. | The water can't be drunk.
    Er hat Geld. | He has no money."""


def pairs(text: str) -> list[tuple[str, ...]]:
    """Source and target of each line."""
    return [tuple(map(str.strip, line.split(" | "))) for line in text.strip().split("\n")]


@pytest.mark.parametrize(("source", "target"), pairs(RIGHT))
def test_what_says_no_in_another_way_is_right(source: str, target: str) -> None:
    """Litotes, antonyms, verbs, prefixes, idioms."""
    assert find_negation_mismatch(source, target) == ""


@pytest.mark.parametrize(("source", "target"), pairs(WRONG))
def test_a_lost_or_added_negation_is_doubted(source: str, target: str) -> None:
    """In a plain sentence."""
    assert " says no" in find_negation_mismatch(source, target)
    assert Flag.NEGATION in check_target(source, target)
