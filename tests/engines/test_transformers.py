"""The engine `transformers`, with the bundled model's real weights."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from tests.helpers.damage import damage
from translate.engines import base
from translate.engines import devices as engine_torch
from translate.engines.base import load_engine
from translate.engines.devices import choose_device, choose_dtype
from translate.engines.transformers import TransformersEngine, default_batch_tokens
from translate.model.tokenizer import Tokenizer
from translate.records import EngineError, Hypothesis, Model, ModelError, Request, Settings
from translate.run.loading import check_canary

SENTENCES = [
    "Ein Mann spielt Gitarre.",
    "Ich bin müde.",
    "Das Wetter ist heute schön, aber morgen soll es regnen.",
    "Ja.",
]


@pytest.fixture(scope="module")
def engine(tiny: Model) -> TransformersEngine:
    """Two beams, float32."""
    return TransformersEngine(tiny, Settings(device="cpu", dtype="float32", beams=2))


def ask(engine: TransformersEngine, sources: Sequence[tuple[int, ...]], *, safer: bool = False) -> list[Hypothesis]:
    answers = engine.translate([Request(number, source, safer) for number, source in enumerate(sources)])
    return sorted(answers, key=lambda hypothesis: hypothesis.number)


def test_answers_are_those_of_generate(engine: TransformersEngine, tokenizer: Tokenizer) -> None:
    """Sentence by sentence, ids and beam score."""
    sources = tokenizer.encode(SENTENCES)
    for source, answer in zip(sources, ask(engine, sources), strict=True):
        reference = engine._model.generate(
            input_ids=torch.tensor([source]),
            generation_config=engine._config,
            output_scores=True,
            return_dict_in_generate=True,
        )
        assert [*answer.target, 0] == reference.sequences[0, 1:].tolist()
        assert answer.score == pytest.approx(float(reference.sequences_scores[0]), abs=1e-4)
        assert answer.complete


def test_greedy_scores_are_the_mean_log_probability(tiny: Model, tokenizer: Tokenizer) -> None:
    """Of the target's tokens, the end among them."""
    engine = TransformersEngine(tiny, Settings(device="cpu", dtype="float32", beams=1))
    source = tokenizer.encode([SENTENCES[0]])[0]
    answer = ask(engine, [source])[0]
    reference = engine._model.generate(
        input_ids=torch.tensor([source]),
        generation_config=engine._config,
        output_logits=True,
        return_dict_in_generate=True,
    )
    chosen = [
        float(step[0].log_softmax(-1)[token]) for step, token in zip(reference.logits, [*answer.target, 0], strict=True)
    ]
    assert answer.score == pytest.approx(sum(chosen) / len(chosen), abs=1e-4)


def test_reversed_requests_give_the_same_answers(engine: TransformersEngine, tokenizer: Tokenizer) -> None:
    """Each returns to its owner."""
    sources = tokenizer.encode(SENTENCES)
    forwards, backwards = ask(engine, sources), ask(engine, sources[::-1])
    assert [h.target for h in forwards] == [h.target for h in backwards[::-1]]


def test_rows_end_at_their_own_limit(
    engine: TransformersEngine, monkeypatch: pytest.MonkeyPatch, tokenizer: Tokenizer
) -> None:
    """Whatever shares their batch; they say that they are not complete."""
    monkeypatch.setattr(base, "LONGEST_PER_SOURCE", 0)
    monkeypatch.setattr(base, "LONGEST_SLACK", 3)
    answers = ask(engine, tokenizer.encode(SENTENCES))
    assert all(len(answer.target) <= 3 for answer in answers)
    assert not answers[2].complete


def test_a_second_try_repeats_no_four_tokens(engine: TransformersEngine, tokenizer: Tokenizer) -> None:
    """Which the first weights do on any news sentence."""
    text = "Die Ankündigung erfolgt zu einem Zeitpunkt, an dem der Westen die Stationierung Tausender Soldaten angeprangert hat."
    target = ask(engine, tokenizer.encode([text]), safer=True)[0].target
    grams = list(zip(*(target[i:] for i in range(4)), strict=False))
    assert len(grams) == len(set(grams))


def test_out_of_memory_halves_the_batch(
    engine: TransformersEngine, tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """And says so; the answers are all there. One sentence that does not fit is an error that names it."""
    real = engine._generate
    sizes = []

    def limited(requests: Sequence[Request], *, safer: bool) -> list[Hypothesis]:
        sizes.append(len(requests))
        if len(requests) > limit:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return real(requests, safer=safer)

    monkeypatch.setattr(engine, "_generate", limited)
    limit = 2
    sources = tokenizer.encode([*SENTENCES, "Nein."])
    assert [h.number for h in ask(engine, sources)] == [0, 1, 2, 3, 4]
    assert sizes[0] == 5
    assert max(sizes[1:]) <= 3
    assert "out of memory with 5 sentences; going on with 3 and 2: these 5 rows may differ" in caplog.text
    limit = 0
    with pytest.raises(EngineError, match=r"one sentence of \d+ tokens does not fit"):
        ask(engine, sources)


def test_the_canary_holds_and_sings(tiny: Model, tokenizer: Tokenizer, tmp_path: Path) -> None:
    """The bundled model gives its stored ids; with other weights it is stopped before a long job."""
    check_canary(tiny, load_engine(tiny, Settings("transformers", device="cpu", dtype="float32", beams=1)), tokenizer)
    folder = shutil.copytree(tiny.folder, tmp_path / "m")
    stored = json.loads((folder / "canary.json").read_text())
    stored["1"][0] = [5, 6, 7]
    (folder / "canary.json").write_text(json.dumps(stored))
    wrong = Model("tiny-de-en", folder, None, "", bundled=True)
    with pytest.raises(ModelError, match="does not translate as it should"):
        check_canary(
            wrong, load_engine(wrong, Settings("transformers", device="cpu", dtype="float32", beams=1)), tokenizer
        )


@pytest.mark.parametrize("what", ["truncated", "noise", "other shape", "fewer weights", "a pickle that runs code"])
def test_damaged_weights_are_named_and_run_nothing(what: str, tiny: Model, tmp_path: Path) -> None:
    """Before a sentence is translated."""
    folder = shutil.copytree(tiny.folder, tmp_path / "m")
    damage(folder, what)
    with pytest.raises(ModelError):
        load_engine(Model("m", folder, None, ""), Settings("transformers", device="cpu"))
    assert not (folder / "exploded").exists()


def test_weights_in_torch_s_own_format_load_too(
    tiny: Model, engine: TransformersEngine, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    """As most OPUS-MT uploads have them; with beams from config.json, as the first ones had them."""
    folder = shutil.copytree(tiny.folder, tmp_path / "m")
    torch.save(engine._model.state_dict(), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    (folder / "generation_config.json").unlink()
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(
        json.dumps({**config, "num_beams": 3, "bad_words_ids": [[config["pad_token_id"]]]})
    )
    other = TransformersEngine(Model("m", folder, None, ""), Settings(device="cpu", dtype="float32"))
    assert other.signature["beams"] == "3"
    sources = tokenizer.encode(SENTENCES[:2])
    three = TransformersEngine(tiny, Settings(device="cpu", dtype="float32", beams=3))
    assert [h.target for h in ask(other, sources)] == [h.target for h in ask(three, sources)]


def test_devices_and_dtypes(monkeypatch: pytest.MonkeyPatch) -> None:
    """auto is float16 on CUDA, bfloat16 on a CPU that has it, else float32; what is not there is named."""
    monkeypatch.setattr(engine_torch, "has_fast_bfloat16", lambda: True)
    assert choose_dtype("auto", "cpu") == "bfloat16"
    monkeypatch.setattr(engine_torch, "has_fast_bfloat16", lambda: False)
    assert choose_dtype("auto", "cpu") == "float32"
    assert choose_dtype("auto", "cuda:1") == "float16"
    assert choose_dtype("bfloat16", "cpu") == "bfloat16"
    assert choose_device("cpu") == "cpu"
    assert default_batch_tokens("cuda") > default_batch_tokens("cpu")
    for name, message in (
        ("cuda:99", "no device 'cuda:99'"),
        ("gpu", "unknown device 'gpu'"),
        ("meta", "no device 'meta'"),
    ):
        with pytest.raises(EngineError, match=message):
            choose_device(name)
    with pytest.raises(EngineError, match="no int8"):
        choose_dtype("int8", "cpu")
