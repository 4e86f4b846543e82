"""A Marian checkpoint's weights, packed for our own decoding loop: fused, transposed, and of the number type asked for."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

from translate.engine_native_checkpoint import Checkpoint
from translate.engine_native_kernels import ACTIVATIONS as FUSED
from translate.engine_native_kernels import Kernels, load_kernels, suits_kernels
from translate.records import EngineError

VOCABULARY_BLOCK = 64
"""Logits a block: the vocabulary is filled up to a multiple of it, so that the best ones are found in two stages."""

INT8_LEVELS = 63
"""Activations are rounded to -63…63: two products of 7-bit and 8-bit numbers fit the 16-bit sums of AVX2's integer
multiplication; with all 8 bits they would overflow. What has no VNNI needs that, and the rest gives the same numbers."""

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
        self._weight, self._bias = weight.t().contiguous(), bias.contiguous()

    def __call__(self, x: Tensor, out: Tensor) -> Tensor:
        """Multiply-add into `out`."""
        return torch.addmm(self._bias, x, self._weight, out=out)


class HalfDense:
    """The product in bfloat16 or float16; what goes in and comes out is float32."""

    def __init__(self, weight: Tensor, bias: Tensor, dtype: torch.dtype) -> None:
        self.width, self.inputs = weight.shape
        self._weight, self._bias, self._dtype = weight.to(dtype).contiguous(), bias.contiguous(), dtype

    def __call__(self, x: Tensor, out: Tensor) -> Tensor:
        """Round, multiply, add the bias in float32."""
        return torch.add(functional.linear(x.to(self._dtype), self._weight), self._bias, out=out)


class Int8Dense:
    """Dynamic quantisation: each weight column has its scale, and each row of activations its own at each call.

    The sums are integers, so a row's result is exact whatever its neighbours are. torch's own dynamic quantisation has one
    scale for all rows, which would make them depend on each other.
    """

    def __init__(self, weight: Tensor, bias: Tensor, kernels: Kernels | None = None) -> None:
        self.width, self.inputs = weight.shape
        self._bias, self._kernels = bias.contiguous(), kernels
        torch.backends.quantized.engine = "fbgemm"
        scales = (weight.abs().amax(1).clamp(min=1e-12) / 127).double()
        zeros = torch.zeros(len(weight), dtype=torch.long)
        with warnings.catch_warnings(action="ignore"):  # this way to make them is to go; linear_prepack takes no other
            quantized = torch.quantize_per_channel(weight, scales, zeros, 0, torch.qint8)
        self._packed = torch.ops.quantized.linear_prepack(quantized, None)

    def __call__(self, x: Tensor, out: Tensor) -> Tensor:
        """Quantise, multiply in integers, scale back."""
        if self._kernels is not None:
            scales = self._kernels.quantise(x, INT8_LEVELS, scaled := torch.empty_like(x))
            return self._kernels.scale_back(self._multiply(scaled), scales, self._bias)
        scale = x.abs().amax(1, keepdim=True).clamp_(min=1e-12).div_(INT8_LEVELS)
        return torch.addcmul(self._bias, self._multiply(x / scale), scale, out=out)

    def _multiply(self, x: Tensor) -> Tensor:
        """x, rounded to integers, times the weight; without the bias."""
        product: Tensor = torch.ops.quantized.linear_with_input_q_dq_qweight_dq_output_fp32(
            x, 1.0, INT8_LEVELS + 1, self._packed
        )
        return product


@dataclass(frozen=True, slots=True)
class Norm:
    """A layer normalisation's weight and bias, [d] each."""

    weight: Tensor
    bias: Tensor
    kernels: Kernels | None = None

    def __call__(self, x: Tensor, before: Tensor) -> Tensor:
        """Of x + before, which overwrites x, over the last dimension; epsilon as torch.nn.LayerNorm has it."""
        if self.kernels is not None:
            return self.kernels.normalise(x, before, self.weight, self.bias)
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
    """All of a model's. `heads` × `head` = d; vocabularies are [tokens, d], positions [positions, d]."""

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
    """Encoder output → keys and values of every decoder layer's cross-attention, [layers × 2 × d] wide."""
    logits: Dense
    """`vocabulary` filled up to whole blocks; what is filled in comes out as minus infinity."""
    activation: Callable[[Tensor], Tensor]
    device: torch.device
    kernels: Kernels | None


def pack_weights(checkpoint: Checkpoint, dtype: str, device: str) -> Weights:
    """Pack a checkpoint. `dtype`: float32, bfloat16, float16, int8 (CPU only). Raises EngineError for its activation."""
    config, tensors, place = checkpoint.config, checkpoint.tensors, torch.device(device)
    activation = config["activation_function"]
    if activation not in ACTIVATIONS:
        hint = "use --engine transformers for this model"
        raise EngineError(f"the engine 'native' has no activation '{activation}'", hint)
    d, heads, decoder_heads = (
        config[name] for name in ("d_model", "encoder_attention_heads", "decoder_attention_heads")
    )
    widths = (d, config["encoder_ffn_dim"], config["decoder_ffn_dim"])
    suits = place.type == "cpu" and suits_kernels(widths, heads=(d // heads, d // decoder_heads))
    kernels = load_kernels() if suits else None

    def dense(parts: tuple[Tensor, Tensor]) -> Dense:
        return make_dense(parts[0].to(place), parts[1].to(place), dtype, kernels)

    def named(name: str) -> tuple[Tensor, Tensor]:
        return tensors[f"{name}.weight"], tensors[f"{name}.bias"]

    def norm(name: str) -> Norm:
        weight, bias = named(name)
        return Norm(weight.to(place), bias.to(place), kernels)

    def layer(name: str, head: int, *, cross: bool) -> Layer:
        query = _scale(named(f"{name}.self_attn.q_proj"), head)
        return Layer(
            qkv=dense(_join([query, *(named(f"{name}.self_attn.{part}_proj") for part in "kv")])),
            out=dense(named(f"{name}.self_attn.out_proj")),
            norm=norm(f"{name}.self_attn_layer_norm"),
            cross_query=dense(_scale(named(f"{name}.encoder_attn.q_proj"), head)) if cross else None,
            cross_out=dense(named(f"{name}.encoder_attn.out_proj")) if cross else None,
            cross_norm=norm(f"{name}.encoder_attn_layer_norm") if cross else None,
            up=dense(named(f"{name}.fc1")),
            down=dense(named(f"{name}.fc2")),
            final_norm=norm(f"{name}.final_layer_norm"),
        )

    encoder = [f"model.encoder.layers.{number}" for number in range(config["encoder_layers"])]
    decoder = [f"model.decoder.layers.{number}" for number in range(config["decoder_layers"])]
    scale = math.sqrt(d) if config["scale_embedding"] else 1.0
    return Weights(
        heads=heads,
        decoder_heads=decoder_heads,
        d=d,
        vocabulary=tensors["final_logits_bias"].shape[1],
        source_tokens=(tensors["model.encoder.embed_tokens.weight"] * scale).to(place),
        target_tokens=(tensors["model.decoder.embed_tokens.weight"] * scale).to(place),
        source_positions=tensors["model.encoder.embed_positions.weight"].to(place),
        target_positions=tensors["model.decoder.embed_positions.weight"].to(place),
        encoder=tuple(layer(name, d // heads, cross=False) for name in encoder),
        decoder=tuple(layer(name, d // decoder_heads, cross=True) for name in decoder),
        memory=dense(_join([named(f"{name}.encoder_attn.{part}_proj") for name in decoder for part in "kv"])),
        logits=dense(_fill_vocabulary(tensors["lm_head.weight"], tensors["final_logits_bias"][0])),
        activation=partial(kernels.activate, name=activation)
        if kernels is not None and activation in FUSED
        else ACTIVATIONS[activation],
        device=place,
        kernels=kernels,
    )


def make_dense(weight: Tensor, bias: Tensor, dtype: str, kernels: Kernels | None = None) -> Dense:
    """A layer from weight [out, in] and bias [out], in float32."""
    if dtype == "float32":
        return FloatDense(weight, bias)
    return Int8Dense(weight, bias, kernels) if dtype == "int8" else HalfDense(weight, bias, getattr(torch, dtype))


def _scale(query: tuple[Tensor, Tensor], head: int) -> tuple[Tensor, Tensor]:
    """The query's projection with attention's 1/√head in it."""
    return query[0] * head**-0.5, query[1] * head**-0.5


def _join(parts: Sequence[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    """Several projections of one input as one."""
    return torch.cat([weight for weight, _ in parts]), torch.cat([bias for _, bias in parts])


def _fill_vocabulary(weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
    """The output projection, filled up to whole blocks with logits of minus infinity."""
    missing = -len(weight) % VOCABULARY_BLOCK
    return functional.pad(weight, (0, 0, 0, missing)), functional.pad(bias, (0, missing), value=-math.inf)
