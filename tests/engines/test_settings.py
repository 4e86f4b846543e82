"""What a generation_config.json asks for, each engine does as `generate` does it, or refuses by name."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import GenerationConfig, MarianMTModel

from translate.engines.base import installed_engines, load_engine
from translate.model.generation import ALL, SETTINGS, Honoured
from translate.model.tokenizer import Tokenizer
from translate.records import EngineError, Model, Request, Settings

PLAIN = {"decoder_start_token_id": 8046, "eos_token_id": 0, "pad_token_id": 8046, "max_length": 512, "num_beams": 1}
SHORT = "Ja."
TEXT = "Der Zug nach Berlin fährt heute um acht Uhr ab, weil gestern niemand gearbeitet hat."
CASES: list[dict[str, Any]] = [
    {"num_beams": 3, "length_penalty": 0.2, "early_stopping": True},
    {"bad_words_ids": [[8046], [3]], "renormalize_logits": True},
    {"suppress_tokens": [2, 3]},
    {"no_repeat_ngram_size": 1},
    {"max_length": 9},
    {"max_new_tokens": 8},
    {"min_length": 30},
    {"min_new_tokens": 30},
    {"repetition_penalty": 3.0},
    {"encoder_repetition_penalty": 0.2},
    {"encoder_no_repeat_ngram_size": 1},
    {"forced_bos_token_id": 7},
    {"exponential_decay_length_penalty": [2, 1.8]},
    {"begin_suppress_tokens": [30, 31, 32, 23]},
    {"sequence_bias": [[[3], -50.0]]},
    {"temperature": 0.1, "top_k": 3, "output_scores": True, "return_dict_in_generate": True, "num_return_sequences": 1},
]


@pytest.mark.parametrize("said", CASES, ids=lambda said: "-".join(said))
@pytest.mark.parametrize("name", sorted(ALL))
def test_settings_are_those_of_generate(
    name: str, said: dict[str, Any], tiny: Model, tokenizer: Tokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reference reads the file itself. A row that is cut at the limit may be a token or two shorter with us."""
    if name not in installed_engines():
        pytest.skip(f"{name} is not installed")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = shutil.copytree(tiny.folder, tmp_path / "m")
    (folder / "generation_config.json").write_text(json.dumps(PLAIN | said))
    model, settings = Model("m", folder, None, "0" * 64), Settings(engine=name, device="cpu", dtype="float32")
    unknown = {key for key in said if isinstance(rule := SETTINGS[key], Honoured) and name not in rule.engines}
    if unknown:
        with pytest.raises(EngineError, match="|".join(unknown)) as caught:
            load_engine(model, settings)
        assert "--engine transformers" in caught.value.hint
        return
    source, short = tokenizer.encode([TEXT, SHORT])
    engine = load_engine(model, settings)
    (found,) = engine.translate([Request(0, source)])
    assert len(list(engine.translate([Request(0, short), Request(1, short, safer=True)]))) == 2
    config = GenerationConfig.from_pretrained(folder)
    config.update(return_dict_in_generate=False, output_scores=False)
    reference = MarianMTModel.from_pretrained(folder, dtype=torch.float32)
    expected = reference.generate(torch.tensor([source]), generation_config=config)[0, 1:].tolist()
    if found.complete:
        assert [*found.target, 0] == expected
    else:
        longest = min(len(found.target), 9)
        assert longest > 5
        assert list(found.target)[:longest] == expected[:longest]
