"""A Marian checkpoint's weights for our own engine: fused, and packed for torch in the number type asked for."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.nn import functional

from translate.engine_native_checkpoint import Checkpoint
from translate.records import EngineError

VOCABULARY_BLOCK = 64
"""Logits a block: the vocabulary is filled up to a multiple of it, so that the best ones are found in two stages."""

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "swish": lambda x: functional.silu(x, inplace=True),
    "silu": lambda x: functional.silu(x, inplace=True),
    "relu": functional.relu_,
    "gelu": functional.gelu,
}

Pair = tuple[Tensor, Tensor]
"""A weight [out, in] or [d], and a bias [out] or [d]."""


@dataclass(frozen=True, slots=True)
class FusedLayer:
    """A layer's projections, those of one input in one: query, key and value. The encoder's has no cross-attention."""

    qkv: Pair
    out: Pair
    norm: Pair
    cross_query: Pair | None
    cross_out: Pair | None
    cross_norm: Pair | None
    up: Pair
    down: Pair
    final_norm: Pair

    def pairs(self) -> Iterator[Pair]:
        """What there is, in order."""
        return (pair for name in FusedLayer.__slots__ if (pair := getattr(self, name)) is not None)


@dataclass(frozen=True, slots=True)
class Fused:
    """All of a model's weights in float32, fused, with attention's 1/√head in the queries; and its config."""

    config: Mapping[str, Any]
    source_tokens: Tensor
    target_tokens: Tensor
    source_positions: Tensor
    target_positions: Tensor
    encoder: tuple[FusedLayer, ...]
    decoder: tuple[FusedLayer, ...]
    memory: Pair
    """Encoder output → keys and values of every decoder layer's cross-attention, [layers × 2 × d]."""
    logits: Pair

    def tensors(self) -> list[Tensor]:
        """All of them, in order."""
        tables = [self.source_tokens, self.target_tokens, self.source_positions, self.target_positions]
        pairs = [pair for layer in (*self.encoder, *self.decoder) for pair in layer.pairs()]
        return [*tables, *(tensor for pair in (*pairs, self.memory, self.logits) for tensor in pair)]


def fuse(checkpoint: Checkpoint) -> Fused:
    """Join what belongs together. Raises EngineError for an activation that this engine does not know."""
    config, tensors = checkpoint.config, checkpoint.tensors
    if config["activation_function"] not in ACTIVATIONS:
        hint = "use --engine transformers for this model"
        raise EngineError(f"the engine 'native' has no activation '{config['activation_function']}'", hint)
    d = config["d_model"]

    def named(name: str) -> Pair:
        return tensors[f"{name}.weight"], tensors[f"{name}.bias"]

    def layer(name: str, head: int, *, cross: bool) -> FusedLayer:
        query = _scale(named(f"{name}.self_attn.q_proj"), head)
        return FusedLayer(
            qkv=_join([query, *(named(f"{name}.self_attn.{part}_proj") for part in "kv")]),
            out=named(f"{name}.self_attn.out_proj"),
            norm=named(f"{name}.self_attn_layer_norm"),
            cross_query=_scale(named(f"{name}.encoder_attn.q_proj"), head) if cross else None,
            cross_out=named(f"{name}.encoder_attn.out_proj") if cross else None,
            cross_norm=named(f"{name}.encoder_attn_layer_norm") if cross else None,
            up=named(f"{name}.fc1"),
            down=named(f"{name}.fc2"),
            final_norm=named(f"{name}.final_layer_norm"),
        )

    encoder = [f"model.encoder.layers.{number}" for number in range(config["encoder_layers"])]
    decoder = [f"model.decoder.layers.{number}" for number in range(config["decoder_layers"])]
    scale = math.sqrt(d) if config["scale_embedding"] else 1.0
    return Fused(
        config=config,
        source_tokens=tensors["model.encoder.embed_tokens.weight"] * scale,
        target_tokens=tensors["model.decoder.embed_tokens.weight"] * scale,
        source_positions=tensors["model.encoder.embed_positions.weight"],
        target_positions=tensors["model.decoder.embed_positions.weight"],
        encoder=tuple(layer(name, d // config["encoder_attention_heads"], cross=False) for name in encoder),
        decoder=tuple(layer(name, d // config["decoder_attention_heads"], cross=True) for name in decoder),
        memory=_join([named(f"{name}.encoder_attn.{part}_proj") for name in decoder for part in "kv"]),
        logits=(tensors["lm_head.weight"], tensors["final_logits_bias"][0]),
    )


class Dense(Protocol):
    """x [rows, in] float32 → x W + b [rows, out] float32."""

    inputs: int
    width: int

    def __call__(self, x: Tensor, out: Tensor) -> Tensor:
        """The product, in `out` if the library can write there."""
        ...


class FloatDense:
    """In float32, the weight transposed: one call, no copies."""

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        self.width, self.inputs = weight.shape
        self._weight, self._bias, self._most = weight.t().contiguous(), bias.contiguous(), most_rows(weight)

    def __call__(self, x: Tensor, out: Tensor) -> Tensor:
        """Multiply-add into `out`."""
        for some, place in zip(torch.split(x, self._most), torch.split(out, self._most), strict=True):
            torch.addmm(self._bias, some, self._weight, out=place)
        return out


class HalfDense:
    """The product in bfloat16 or float16; what goes in and comes out is float32."""

    def __init__(self, weight: Tensor, bias: Tensor, dtype: torch.dtype) -> None:
        self.width, self.inputs = weight.shape
        self._weight, self._bias, self._dtype = weight.to(dtype).contiguous(), bias.contiguous(), dtype
        self._most = most_rows(weight)

    def __call__(self, x: Tensor, out: Tensor) -> Tensor:
        """Round, multiply, add the bias in float32."""
        for some, place in zip(torch.split(x, self._most), torch.split(out, self._most), strict=True):
            torch.add(functional.linear(some.to(self._dtype), self._weight), self._bias, out=place)
        return out


def most_rows(weight: Tensor) -> int:
    """Rows a product at most: with more, a CPU library may cut the sums in two, and the same row comes out otherwise."""
    return 128 if weight.device.type == "cpu" else 1 << 40


@dataclass(frozen=True, slots=True)
class Norm:
    """A layer normalisation's weight and bias, [d] each."""

    weight: Tensor
    bias: Tensor

    def __call__(self, x: Tensor, before: Tensor) -> Tensor:
        """Of x + before, which overwrites x, over the last dimension; epsilon as torch.nn.LayerNorm has it."""
        return functional.layer_norm(x.add_(before), self.bias.shape, self.weight, self.bias, 1e-5)


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer. The encoder's has no cross-attention; cross-attention's keys and values are in `Weights.memory`."""

    qkv: Dense
    out: Dense
    norm: Norm
    cross_query: Dense | None
    cross_out: Dense | None
    cross_norm: Norm | None
    up: Dense
    down: Dense
    final_norm: Norm


@dataclass(frozen=True, slots=True)
class Weights:
    """All of a model's, on a device. `heads` × `head` = d; vocabularies are [tokens, d], positions [positions, d]."""

    heads: int
    decoder_heads: int
    d: int
    vocabulary: int
    source_tokens: Tensor
    target_tokens: Tensor
    source_positions: Tensor
    target_positions: Tensor
    encoder: tuple[Layer, ...]
    decoder: tuple[Layer, ...]
    memory: Dense
    logits: Dense
    """`vocabulary` filled up to whole blocks; what is filled in comes out as minus infinity."""
    activation: Callable[[Tensor], Tensor]
    device: torch.device


def pack_weights(fused: Fused, dtype: str, device: str) -> Weights:
    """For torch: float32, bfloat16 or float16."""
    config, place = fused.config, torch.device(device)

    def dense(pair: Pair) -> Dense:
        return make_dense(pair[0].to(place), pair[1].to(place), dtype)

    def norm(pair: Pair) -> Norm:
        return Norm(pair[0].to(place), pair[1].to(place))

    def layer(parts: FusedLayer) -> Layer:
        made = {
            name: (norm if name.endswith("norm") else dense)(pair) if (pair := getattr(parts, name)) else None
            for name in FusedLayer.__slots__
        }
        return Layer(**made)  # type: ignore[arg-type]

    return Weights(
        heads=config["encoder_attention_heads"],
        decoder_heads=config["decoder_attention_heads"],
        d=config["d_model"],
        vocabulary=len(fused.logits[1]),
        source_tokens=fused.source_tokens.to(place),
        target_tokens=fused.target_tokens.to(place),
        source_positions=fused.source_positions.to(place),
        target_positions=fused.target_positions.to(place),
        encoder=tuple(map(layer, fused.encoder)),
        decoder=tuple(map(layer, fused.decoder)),
        memory=dense(fused.memory),
        logits=dense(_fill_vocabulary(fused.logits)),
        activation=ACTIVATIONS[config["activation_function"]],
        device=place,
    )


def make_dense(weight: Tensor, bias: Tensor, dtype: str) -> Dense:
    """A layer from weight [out, in] and bias [out], in float32."""
    return FloatDense(weight, bias) if dtype == "float32" else HalfDense(weight, bias, getattr(torch, dtype))


def _scale(query: Pair, head: int) -> Pair:
    """The query's projection with attention's 1/√head in it."""
    return query[0] * head**-0.5, query[1] * head**-0.5


def _join(parts: Sequence[Pair]) -> Pair:
    """Several projections of one input as one."""
    return torch.cat([weight for weight, _ in parts]), torch.cat([bias for _, bias in parts])


def _fill_vocabulary(logits: Pair) -> Pair:
    """The output projection, filled up to whole blocks with logits of minus infinity."""
    missing = -len(logits[1]) % VOCABULARY_BLOCK
    return functional.pad(logits[0], (0, 0, 0, missing)), functional.pad(logits[1], (0, missing), value=-math.inf)
