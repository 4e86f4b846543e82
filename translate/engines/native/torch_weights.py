"""A Marian checkpoint's weights for our own engine: fused, and packed for torch in the number type asked for."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from translate.engines.native.checkpoint import Array, Fused, FusedLayer, Pair

VOCABULARY_BLOCK = 64
"""Logits a block: the vocabulary is filled up to a multiple of it, so that the best ones are found in two stages."""
ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "swish": lambda x: functional.silu(x, inplace=True),
    "silu": lambda x: functional.silu(x, inplace=True),
    "relu": functional.relu_,
    "gelu": functional.gelu,
}


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

    def put(array: Array) -> Tensor:
        return torch.from_numpy(array).to(place)

    def dense(pair: Pair) -> Dense:
        return make_dense(put(pair[0]), put(pair[1]), dtype)

    def norm(pair: Pair) -> Norm:
        return Norm(put(pair[0]), put(pair[1]))

    def layer(parts: FusedLayer) -> Layer:
        made = {
            name: (norm if name.endswith("norm") else dense)(pair) if (pair := getattr(parts, name)) else None
            for name in FusedLayer.__slots__
        }
        return Layer(**made)  # type: ignore[arg-type]

    return Weights(
        heads=config.encoder.heads,
        decoder_heads=config.decoder.heads,
        d=config.d_model,
        vocabulary=len(fused.logits[1]),
        source_tokens=put(fused.source_tokens),
        target_tokens=put(fused.target_tokens),
        source_positions=put(fused.source_positions),
        target_positions=put(fused.target_positions),
        encoder=tuple(map(layer, fused.encoder)),
        decoder=tuple(map(layer, fused.decoder)),
        memory=dense(fused.memory),
        logits=dense(_fill_vocabulary(fused.logits)),
        activation=ACTIVATIONS[config.activation_function],
        device=place,
    )


def make_dense(weight: Tensor, bias: Tensor, dtype: str) -> Dense:
    """A layer from weight [out, in] and bias [out], in float32."""
    return FloatDense(weight, bias) if dtype == "float32" else HalfDense(weight, bias, getattr(torch, dtype))


def _fill_vocabulary(logits: Pair) -> Pair:
    """The output projection, filled up to whole blocks with logits of minus infinity."""
    missing = -len(logits[1]) % VOCABULARY_BLOCK
    weight = np.pad(logits[0], ((0, missing), (0, 0)))
    return weight, np.pad(logits[1], (0, missing), constant_values=-math.inf)
