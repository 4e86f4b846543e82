"""One way to load a model, whoever asks: run, bench or cluster."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any, cast

import pytest

from translate.bench.worker import EngineProcess, Failure
from translate.model.folder import CANARY_FILE
from translate.model.tokenizer import Tokenizer
from translate.records import (
    Flag,
    Hypothesis,
    Model,
    ModelError,
    Request,
    Settings,
    Signature,
    Translation,
    format_signature,
)
from translate.run.loading import check_canary, load
from translate.run.translator import make_translator

SETTINGS = Settings(engine="transformers", dtype="float32", device="cpu", beams=1)


@pytest.fixture
def forgetful(tiny: Model, tmp_path: Path) -> Model:
    """The bundled model, of which other answers to the canary are expected."""
    folder = tmp_path / "tiny-de-en"
    shutil.copytree(tiny.folder, folder)
    (folder / CANARY_FILE).write_text(json.dumps({"fingerprint": "", "1": [[7], [8], [9]]}), encoding="utf-8")
    return replace(tiny, folder=folder)


def test_what_is_loaded_says_what_it_is(tiny: Model) -> None:
    """Engine, tokenizer, settings, and the signature of the rows; another batching has another signature."""
    loaded = load(tiny, SETTINGS)
    assert loaded.signature["weights"] == tiny.fingerprint[:12]
    assert loaded.signature["batch"] == f"{loaded.batch_tokens}-tokens"
    assert loaded.sign(replace(SETTINGS, batch_size=3))["batch"] == "3-sentences"
    assert "dtype:float32" in format_signature(loaded.signature)
    assert (loaded.settings, loaded.advice) == (SETTINGS, "")


def test_a_model_that_fails_its_canary_is_loaded_by_nobody(forgetful: Model) -> None:
    """The bench's process refuses it as a run does, and with the same words."""
    with pytest.raises(ModelError, match="does not translate as it should") as caught:
        load(forgetful, SETTINGS)
    process = EngineProcess(forgetful, SETTINGS, None)
    try:
        process.start()
        assert process.wait() == Failure(caught.value.message, caught.value.hint)
    finally:
        process.stop()


class Parrot:
    """An engine that gives back what it gets, or something else that is no translation."""

    name, device, batch_tokens, batch_independent = "native", "cpu", 1024, True

    def __init__(self, dtype: str, beams: str, answer: str) -> None:
        self.dtype, self._answer = dtype, answer
        self.signature: Signature = {"engine": "native", "beams": beams}

    def translate(self, requests: Iterable[Request]) -> Iterator[Hypothesis]:
        """The source, one token of it for ever, or nothing."""
        for request in requests:
            source = request.source[:-1]
            said = {"echo": source, "loop": source[:1] * 30, "silence": ()}[self._answer]
            yield Hypothesis(request.number, said, -0.1)


@pytest.mark.parametrize("answer", ["echo", "loop", "silence"])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16", "int8"])
@pytest.mark.parametrize("beams", ["1", "2", "3", "4", "64", ""])
def test_what_is_no_translation_passes_in_no_number_type(
    answer: str, dtype: str, beams: str, tiny: Model, tokenizer: Tokenizer
) -> None:
    """Whether answers are stored for that number of beams or not."""
    for model in (tiny, replace(tiny, bundled=False)):
        with pytest.raises(ModelError, match="does not translate as it should"):
            check_canary(model, Parrot(dtype, beams, answer), tokenizer)


def test_rows_of_a_halved_batch_say_so(tiny: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever differs from a run that had memory has the flag, second tries too; and no row has it without need."""
    words = "Haus Stadt Frau ging heute nicht über die alte Brücke und sah lange auf das Wasser".split()
    chance = Random(3)
    texts = [" ".join(chance.choices(words, k=chance.randint(2, 9))).capitalize() + "." for _ in range(40)]
    settings = replace(SETTINGS, dtype="bfloat16", batch_size=20)
    found: list[dict[str, Translation]] = []
    for most in (99, 8):
        loaded = load(tiny, settings)
        engine: Any = loaded.engine
        generate = engine._generate

        def bounded(
            requests: Sequence[Request], *, safer: bool, most: int = most, generate: Any = generate
        ) -> list[Hypothesis]:
            if len(requests) > most:
                raise MemoryError("no more memory")
            return cast(list[Hypothesis], generate(requests, safer=safer))

        monkeypatch.setattr(engine, "_generate", bounded)
        found.append({})
        for outcome in make_translator(loaded).translate([texts]):
            found[-1] |= outcome.translations
    whole, halved = found
    assert not any(Flag.HALVED in row.flags for row in whole.values())
    for text, row in halved.items():
        assert Flag.HALVED in row.flags or row == whole[text]
    assert sum(Flag.HALVED in row.flags for row in halved.values()) == len(texts)
