"""The plain reference gives what `generate` gives, and the kernels are held to it at load."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import MarianConfig, MarianMTModel

from tests.helpers.native import TEXTS, ask
from translate.engines.base import SelfCheck
from translate.engines.native import engine as native_engine
from translate.engines.native.checkpoint import Checkpoint, Fused, fuse, read_checkpoint
from translate.engines.native.engine import NativeEngine
from translate.engines.native.reference import decode_greedily
from translate.engines.native.rules import read_rules
from translate.engines.transformers import TransformersEngine
from translate.model.folder import read_generation
from translate.model.tokenizer import Tokenizer
from translate.records import EngineError, Hypothesis, Model, Settings
from translate.run.loading import CANARY, make_check

GREEDY = Settings("native", device="cpu", dtype="float32", beams=1)


def decode(folder: Path, sources: Sequence[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """By the reference, with the limits of the self-check."""
    checkpoint, rules = read_checkpoint(folder), read_rules(read_generation(folder, GREEDY))
    return [decode_greedily(checkpoint, rules, source, 24) for source in sources]


def test_targets_are_those_of_generate(tiny: Model, tokenizer: Tokenizer) -> None:
    """Of the bundled model."""
    sources = tokenizer.encode(TEXTS[:4])
    reference = TransformersEngine(tiny, dataclasses.replace(GREEDY, engine="transformers"))
    assert decode(tiny.folder, sources) == [hypothesis.target[:24] for hypothesis in ask(reference, sources)]


@pytest.mark.parametrize("activation", ["relu", "gelu", "swish"])
def test_targets_are_those_of_generate_for_random_weights(activation: str, tmp_path: Path) -> None:
    """With stacks of different shapes, biases that are no zeros, a token that is barred, and rows that run on."""
    torch.manual_seed(7)
    sizes: dict[str, Any] = {
        "vocab_size": 50, "d_model": 32, "encoder_layers": 2, "decoder_layers": 3, "encoder_attention_heads": 2,
        "decoder_attention_heads": 4, "encoder_ffn_dim": 64, "decoder_ffn_dim": 96, "max_position_embeddings": 64,
        "pad_token_id": 49, "decoder_start_token_id": 49, "eos_token_id": 0, "init_std": 0.4,
    }  # fmt: skip
    model = MarianMTModel(MarianConfig(**sizes, activation_function=activation, scale_embedding=True)).eval()
    for name, tensor in model.named_parameters():
        if name.endswith("bias"):
            torch.nn.init.normal_(tensor, std=0.2)
    torch.nn.init.normal_(model.final_logits_bias)
    model.generation_config.update(num_beams=1, max_length=64, bad_words_ids=[[49], [7]])
    model.save_pretrained(tmp_path)
    sources = [(5, 9, 7, 0), (3, 0), (11, 12, 13, 14, 15, 0)]
    reference = TransformersEngine(Model("m", tmp_path, None, ""), Settings(dtype="float32", device="cpu"))
    answers = [ask(reference, [source])[0].target[:24] for source in sources]
    assert decode(tmp_path, sources) == answers


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "int8"])
def test_the_self_check_holds(dtype: str, tiny: Model, tokenizer: Tokenizer) -> None:
    """With the ids that are stored with the model, and with those of the reference, which are the same."""
    check = make_check(tiny, tokenizer)
    assert check.greedy == tuple(decode(tiny.folder, check.sources))
    for known in (check, dataclasses.replace(check, greedy=None)):
        NativeEngine(tiny, dataclasses.replace(GREEDY, dtype=dtype), known)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "int8"])
def test_an_echo_never_passes(dtype: str, tiny: Model, tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the number type; the error names it."""

    def echo(engine: NativeEngine, compiled: Any, rules: Any, tasks: Any, *_: int) -> Iterator[list[Hypothesis]]:
        yield [Hypothesis(task.request.number, task.request.source[:-1], 0.0) for task in tasks.take(9)]

    monkeypatch.setattr(NativeEngine, "_start", echo)
    with pytest.raises(EngineError, match="fails its self-check in"):
        NativeEngine(tiny, dataclasses.replace(GREEDY, dtype=dtype), make_check(tiny, tokenizer))


@pytest.mark.parametrize(
    ("dtype", "differing", "passes"), [("float32", 1, False), ("int8", 1, True), ("int8", 2, False)]
)
def test_how_many_targets_may_differ(
    dtype: str, differing: int, passes: bool, tiny: Model, tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None in float32, one of three in another number type."""
    decode_once = NativeEngine._decode_once

    def changed(engine: NativeEngine, compiled: Any, *arguments: Any) -> dict[int, tuple[int, ...]]:
        found = decode_once(engine, compiled, *arguments)
        own = compiled is engine._compiled
        return {number: (5, *target) if own and number < differing else target for number, target in found.items()}

    monkeypatch.setattr(NativeEngine, "_decode_once", changed)
    with nullcontext() if passes else pytest.raises(EngineError, match=f"fails its self-check in {dtype}"):
        NativeEngine(tiny, dataclasses.replace(GREEDY, dtype=dtype), make_check(tiny, tokenizer))


@pytest.mark.parametrize("dtype", ["float32", "int8"])
def test_other_sums_than_the_reference_s_are_found(
    dtype: str, tiny: Model, tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without stored ids: kernels that leave out a layer's feed-forward product, in every number type."""

    def broken(checkpoint: Checkpoint) -> Fused:
        fused = fuse(checkpoint)
        last = fused.decoder[-1]
        last = dataclasses.replace(last, down=(np.zeros_like(last.down[0]), last.down[1]))
        return dataclasses.replace(fused, decoder=(*fused.decoder[:-1], last))

    monkeypatch.setattr(native_engine, "fuse", broken)
    with pytest.raises(EngineError, match="fails its self-check in float32"):
        NativeEngine(tiny, dataclasses.replace(GREEDY, dtype=dtype), SelfCheck(tuple(tokenizer.encode(CANARY))))
