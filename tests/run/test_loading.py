"""One way to load a model, whoever asks: run, bench or cluster."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from translate.bench.worker import EngineProcess, Failure
from translate.model.folder import CANARY_FILE
from translate.records import Model, ModelError, Settings, format_signature
from translate.run.loading import load

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
