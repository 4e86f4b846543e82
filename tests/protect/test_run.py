"""Protection as a user sees it: the command, with the bundled model, and every engine behind it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.helpers.command import SHARED, Command, rows
from translate.engines.alignment import AttentionAligner, EchoAligner
from translate.engines.base import EchoEngine
from translate.model.tokenizer import Tokenizer
from translate.protect.known import make_known_pairs
from translate.records import Flag, Hypothesis, Model, Request, Settings, Term
from translate.run.decoding import SentenceDecoder, find_owners
from translate.run.loading import load

LETTER = """Schreiben Sie an a.b@verlag.example oder besuchen Sie https://verlag.example/a?b=1.
Lesen Sie die <b>Bedingungen</b> für {produkt}.
https://verlag.example
Das Paket kommt morgen.
"""


def test_spans_and_terms_come_out(translate: Command, tmp_path: Path) -> None:
    """By default, and what a glossary says; sources and offsets are those of the text."""
    (tmp_path / "a.txt").write_text(LETTER, encoding="utf-8")
    (tmp_path / "g.tsv").write_text("Paket\tshipment\n", encoding="utf-8")
    done = translate("a.txt", "--model", "tiny-de-en", "--glossary", "g.tsv", "--text")
    assert done.returncode == 0, done.stderr
    found = rows(tmp_path / "out" / "tiny-de-en" / "a.jsonl")
    targets = [str(row["target"]) for row in found]
    assert all(LETTER[int(str(row["start"])) : int(str(row["end"]))] == row["source"] for row in found)
    assert "a.b@verlag.example" in targets[0]
    assert targets[0].endswith("https://verlag.example/a?b=1.")
    assert targets[1].count("<b>") == targets[1].count("</b>") == targets[1].count("{produkt}") == 1
    assert (targets[2], found[2]["flags"]) == ("https://verlag.example", ["passthrough"])
    assert "shipment" in targets[3]
    assert (tmp_path / "out" / "tiny-de-en" / "a.en.txt").read_text(encoding="utf-8").count("\n") == 4
    other = translate("a.txt", "--model", "tiny-de-en")
    assert other.returncode == 1
    assert "glossary" in other.stderr
    record = json.loads((tmp_path / "out" / "tiny-de-en" / "run.json").read_text(encoding="utf-8"))
    assert record["settings"]["glossary"] == 1
    bad = translate("a.txt", "--glossary", "none.tsv")
    assert (bad.returncode, "none.tsv" in bad.stderr) == (1, True)


class Forgetful(EchoEngine):
    """Leaves out every stand-in of the first list, the first time that it sees a sentence of many."""

    def __init__(self, model: Model, tokenizer: Tokenizer, drop: tuple[str, ...]) -> None:
        super().__init__(model, Settings(engine="echo"))
        self._tokenizer, self._drop = tokenizer, drop
        self.seen: list[str] = []

    def translate(self, requests: Iterable[Request]) -> Iterator[Hypothesis]:
        """The source without the dropped words."""
        for request in requests:
            text = self._tokenizer.decode(request.source[:-1])
            self.seen.append(text)
            for name in self._drop:
                text = text.replace(name, "")
            yield Hypothesis(request.number, self._tokenizer.encode([text])[0][:-1], -0.5)


def decode(
    engine: EchoEngine, tokenizer: Tokenizer, source: str, terms: tuple[Term, ...] = ()
) -> tuple[str, tuple[Flag, ...]]:
    decoder = SentenceDecoder(engine, tokenizer, Settings(engine="echo", glossary=terms), EchoAligner())
    pendings = decoder.prepare([source])
    decoded = list(decoder.decode([r for p in pendings for r in p.requests], find_owners(pendings)))
    translation = decoder.settle(decoded)[0].translation
    return translation.target, translation.flags


def test_what_is_lost_is_tried_with_other_stand_ins(tiny: Model, tokenizer: Tokenizer) -> None:
    """One list after the other, then as it is; what never comes out is flagged."""
    source = "Wir gehen mit {a} nach Hause."
    engine = Forgetful(tiny, tokenizer, ("Q7",))
    assert decode(engine, tokenizer, source)[0] == source
    assert ["Q7" in engine.seen[0], "Toyota" in engine.seen[1], "Q7" in engine.seen[1]] == [True, True, False]
    target, flags = decode(Forgetful(tiny, tokenizer, ("Q7", "Toyota", "Alabama", "ABC")), tokenizer, source)
    assert "{a}" not in target
    assert Flag.PROTECTED_LOST in flags


def test_term_that_is_not_there_is_flagged(tiny: Model, tokenizer: Tokenizer) -> None:
    """Where even a stand-in does not come out."""
    engine = Forgetful(tiny, tokenizer, ("Paket", "Q7", "Toyota", "Alabama", "ABC"))
    assert (
        Flag.TERM_MISSING
        in decode(engine, tokenizer, "Das Paket ist da und wir auch.", (Term("Paket", "shipment"),))[1]
    )


def test_layer_is_found_and_rows_sum_to_one(tiny: Model, tokenizer: Tokenizer) -> None:
    """Of the bundled model the last layer follows the source; names look at themselves."""
    aligner = AttentionAligner(tiny, make_known_pairs(tokenizer))
    source, target = (
        tokenizer.encode(["Peter wohnt in Berlin."])[0],
        tokenizer.encode_target(["Peter lives in Berlin."])[0],
    )
    shares = aligner.align(source, target)
    assert aligner.layer == 1
    assert shares.shape == (len(target), len(source))
    assert shares.sum(1) == pytest.approx(1, abs=1e-4)
    assert shares[0].argmax() == 0


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["transformers", "native", "ctranslate2"])
def test_every_engine_keeps_tags_and_terms(engine: str, tiny: Model) -> None:
    """The pass that places them is of no engine."""
    terms = (Term("Paket", "shipment"),)
    loaded = load(tiny, Settings(engine=engine, device="cpu", dtype="float32", beams=1, glossary=terms))
    decoder = SentenceDecoder(loaded.engine, loaded.tokenizer, loaded.settings, loaded.aligner)
    pendings = decoder.prepare(["Das <b>Paket</b> ist bei {name}."])
    decoded = list(decoder.decode([r for p in pendings for r in p.requests], find_owners(pendings)))
    target = decoder.settle(decoded)[0].translation.target
    assert "<b>shipment</b>" in target
    assert target.count("{name}") == 1


@pytest.mark.slow
def test_trial_s_spans(tiny: Model) -> None:
    """Of the trial's sentences with spans all come out, and are found by themselves."""
    path = SHARED / "cases" / "protect-spans.jsonl"
    if not path.is_file():
        pytest.skip("needs the trial's sentences")
    cases = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    loaded = load(tiny, Settings(device="cpu", dtype="float32"))
    decoder = SentenceDecoder(loaded.engine, loaded.tokenizer, replace(loaded.settings), loaded.aligner)
    pendings = decoder.prepare(list(dict.fromkeys(case["source"] for case in cases)))
    decoded = list(decoder.decode([r for p in pendings for r in p.requests], find_owners(pendings)))
    found = {one.source: one.translation.target for one in decoder.settle(decoded)}
    wrong = [
        case["source"]
        for case in cases
        if any(
            found[case["source"]].count(span["text"]) != case["source"].count(span["text"]) for span in case["spans"]
        )
    ]
    assert len(wrong) <= 1, wrong
