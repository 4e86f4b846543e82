"""Each setting that a generation_config.json may hold is honoured, harmless or refused; and how the record comes about."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from transformers import GenerationConfig

from translate.model.folder import read_generation
from translate.model.generation import ALL, SETTINGS, GenerationSettings, Harmless, Honoured, Refused, unsupported
from translate.records import Model, ModelError, Settings

PLAIN = {"decoder_start_token_id": 8046, "eos_token_id": 0, "max_length": 512}
REFUSED = {
    "max_time": 1.5,
    "stop_strings": ["."],
    "do_sample": True,
    "num_beam_groups": 2,
    "diversity_penalty": 0.5,
    "penalty_alpha": 0.6,
    "dola_layers": "high",
    "constraints": [1],
    "force_words_ids": [[5]],
    "guidance_scale": 1.5,
    "watermarking_config": {"bias": 2.0},
}
"""One value of each setting that no engine follows."""
HONOURED: dict[str, Any] = {
    "max_length": 100,
    "max_new_tokens": 99,
    "min_length": 5,
    "min_new_tokens": 5,
    "early_stopping": True,
    "num_beams": 3,
    "repetition_penalty": 1.2,
    "encoder_repetition_penalty": 1.2,
    "length_penalty": 0.5,
    "no_repeat_ngram_size": 3,
    "encoder_no_repeat_ngram_size": 3,
    "bad_words_ids": [[5], [6, 7]],
    "renormalize_logits": True,
    "forced_bos_token_id": 7,
    "exponential_decay_length_penalty": [5, 1.1],
    "suppress_tokens": [5, 6],
    "begin_suppress_tokens": [5],
    "sequence_bias": [[[5, 6], -2.0]],
    "eos_token_id": [0, 5],
    "decoder_start_token_id": 5,
}
"""One value of each setting that is followed."""
WRONG: list[tuple[str, Any]] = [
    ("num_beams", 0),
    ("num_beams", 65),
    ("num_beams", True),
    ("num_beams", 2.0),
    ("num_beams", "many"),
    ("max_length", 2),
    ("max_length", 10**9),
    ("max_new_tokens", 1),
    ("length_penalty", float("inf")),
    ("length_penalty", float("nan")),
    ("length_penalty", 11),
    ("length_penalty", "1"),
    ("early_stopping", "always"),
    ("early_stopping", 1),
    ("renormalize_logits", 1),
    ("eos_token_id", -1),
    ("eos_token_id", 8047),
    ("eos_token_id", "x"),
    ("decoder_start_token_id", [1, 2]),
    ("decoder_start_token_id", 60_000),
    ("bad_words_ids", 3),
    ("bad_words_ids", [5]),
    ("bad_words_ids", [[]]),
    ("bad_words_ids", [[8047]]),
    ("suppress_tokens", [0]),
    ("suppress_tokens", [True]),
    ("no_repeat_ngram_size", -1),
    ("min_length", 33),
    ("min_new_tokens", 512),
    ("repetition_penalty", 0),
    ("exponential_decay_length_penalty", [5]),
    ("exponential_decay_length_penalty", [5, 0]),
    ("sequence_bias", {"5": 1.0}),
    ("sequence_bias", [[[5], float("nan")]]),
]


@pytest.fixture
def folder(tiny: Model, tmp_path: Path) -> Path:
    """The bundled model's, with a config.json that has settings too, as the first OPUS-MT uploads had them."""
    copy = shutil.copytree(tiny.folder, tmp_path / "m")
    config = json.loads((copy / "config.json").read_text())
    old = {"num_beams": 6, "bad_words_ids": [[5000]], "length_penalty": 0.7, "max_length": 300}
    (copy / "config.json").write_text(json.dumps(config | old))
    return copy


def read(folder: Path, said: dict[str, Any], settings: Settings = Settings()) -> GenerationSettings:  # noqa: B008  # frozen
    """What comes of such a generation_config.json."""
    (folder / "generation_config.json").write_text(json.dumps(said))
    return read_generation(folder, settings)


def test_the_table_has_every_setting_of_transformers() -> None:
    """And the record every one that is honoured; so that nothing that a newer version knows is passed over in silence."""
    known = {name for name in GenerationConfig().__dict__ if not name.startswith("_")}
    assert known == SETTINGS.keys()
    honoured = {name for name, rule in SETTINGS.items() if isinstance(rule, Honoured)}
    assert honoured == {field.name for field in dataclasses.fields(GenerationSettings)} | {"max_new_tokens"}
    assert honoured == HONOURED.keys()
    assert {name for name, rule in SETTINGS.items() if isinstance(rule, Refused)} == REFUSED.keys()


@pytest.mark.parametrize("name", REFUSED)
def test_what_no_engine_follows_is_refused_by_name(name: str, folder: Path) -> None:
    """With its value and the reason; the value that asks for nothing is not."""
    with pytest.raises(ModelError) as caught:
        read(folder, PLAIN | {name: REFUSED[name]})
    rule = SETTINGS[name]
    assert isinstance(rule, Refused)
    assert "generation_config.json" in caught.value.message
    assert f"{name}: {json.dumps(REFUSED[name])}" in caught.value.message
    assert rule.why in caught.value.message
    for nothing in (None, *rule.nothing):
        assert read(folder, PLAIN | {name: nothing}) == read(folder, PLAIN)


@pytest.mark.parametrize("name", HONOURED)
def test_what_is_honoured_is_in_the_record(name: str, folder: Path) -> None:
    """And every engine that does not know it says so."""
    plain, found = read(folder, PLAIN), read(folder, PLAIN | {name: HONOURED[name]})
    assert found != plain
    rule = SETTINGS[name]
    assert isinstance(rule, Honoured)
    for engine in ALL - rule.engines:
        assert [reason.setting for reason in unsupported(found, engine)] == [name]
    several = {"bad_words_ids", "eos_token_id"}  # of which `native` does one token at a time
    for engine in rule.engines - ({"native"} if name in several else set()):
        assert unsupported(found, engine) == ()


@pytest.mark.parametrize("said", [{"eos_token_id": [0, 5]}, {"bad_words_ids": [[5, 6]]}])
def test_native_knows_one_end_and_single_words(said: dict[str, Any], folder: Path) -> None:
    """The others do both."""
    found = read(folder, PLAIN | said)
    assert [reason.setting for reason in unsupported(found, "native")] == list(said)


@pytest.mark.parametrize("name", [name for name, rule in SETTINGS.items() if isinstance(rule, Harmless)])
def test_what_is_harmless_changes_nothing(name: str, folder: Path) -> None:
    """Whatever its value, and each says why."""
    rule = SETTINGS[name]
    assert isinstance(rule, Harmless)
    assert len(rule.why) > 20
    for value in (True, 3, {"a": [1]}):
        assert read(folder, PLAIN | {name: value}) == read(folder, PLAIN)


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_wrong_value_is_named(name: str, value: Any, folder: Path) -> None:
    """With the file, the setting and the value, in words that blame nothing else."""
    with pytest.raises(ModelError) as caught:
        read(folder, PLAIN | {name: value})
    assert "generation_config.json" in caught.value.message
    assert f"{name}: {json.dumps(value)}" in caught.value.message
    assert "memory" not in caught.value.message + caught.value.hint
    assert caught.value.hint


@pytest.mark.parametrize("generation", [None, {"eos_token_id": 0, "length_penalty": 0.5}, {"num_beams": 3}])
@pytest.mark.parametrize("settings", [Settings(), Settings(beams=5, length_penalty=0.0)])
def test_one_file_is_followed(generation: dict[str, Any] | None, settings: Settings, folder: Path) -> None:
    """generation_config.json alone if there is one, else config.json; special tokens from either, the user before both."""
    said = json.loads((folder / "config.json").read_text()) if generation is None else generation
    (folder / "generation_config.json").unlink()
    if generation is not None:
        (folder / "generation_config.json").write_text(json.dumps(generation))
    expected = GenerationConfig.from_dict(said)
    found = read_generation(folder, settings)
    assert found.num_beams == (settings.beams or expected.num_beams or 1)
    penalty = settings.length_penalty
    assert found.length_penalty == (penalty if penalty is not None else expected.length_penalty or 1.0)
    assert [list(ids) for ids in found.bad_words_ids] == (expected.bad_words_ids or [])
    assert found.max_length == (expected.max_length or 512)
    assert (found.decoder_start_token_id, found.eos_token_id) == (8046, (0,))


def test_the_end_alone_is_no_bad_word(folder: Path) -> None:
    """`generate` passes it over too; what is named twice is barred once."""
    found = read(folder, PLAIN | {"bad_words_ids": [[0], [5], [6, 7]], "suppress_tokens": [5, 9]})
    assert found.bad_words_ids == ((5,), (6, 7))
    assert found.single_barred == (5, 9)
