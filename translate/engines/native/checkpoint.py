"""A Marian checkpoint in transformers' format as float32 arrays, read without torch and transformers.

To import either takes longer than a short translation.
"""

from __future__ import annotations

import math
import pickle
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
from numpy.typing import NDArray

from translate.model.config import ModelConfig
from translate.model.folder import read_config, weight_file
from translate.model.weights import SHARED, TABLES, check_weights, expected_shapes, misfit
from translate.records import EngineError, ModelError

ACTIVATIONS = ("swish", "silu", "relu", "gelu")
"""What the engine can compute between a layer's two halves."""
NUMBERS = {"F64": np.float64, "F32": np.float32, "F16": np.float16}
"""The number types of safetensors files that numpy has. It lacks BF16, the first two bytes of a float32."""

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A model's settings and its tensors, by the names that they have in transformers: all there, of the right shape."""

    config: ModelConfig
    tensors: Mapping[str, Array]


def read_checkpoint(folder: Path) -> Checkpoint:
    """Read and check a model's folder. Raises ModelError; code in it never runs."""
    weights, config = weight_file(folder), read_config(folder)
    check_weights(weights, config)
    try:
        tensors = _read_tensors(weights)
    except (safetensors.SafetensorError, pickle.UnpicklingError, RuntimeError, OSError, EOFError, ValueError) as error:
        reason = str(error).partition("\n")[0][:200]
        raise ModelError(f"cannot load '{weights}': {reason}", "download the model again") from error
    return Checkpoint(config, _complete(tensors, config, weights))


def _read_tensors(path: Path) -> dict[str, Array]:
    """In float32, whatever number type is in the file. Raises what the libraries raise, ValueError for another type."""
    if path.suffix == ".safetensors":
        stored = safetensors.deserialize(path.read_bytes())  # type: ignore[no-untyped-call]
        return {name: _to_float32(each) for name, each in stored}
    import torch  # the only library that reads its format

    found = torch.load(path, map_location="cpu", weights_only=True)
    if not isinstance(found, dict) or not all(isinstance(tensor, torch.Tensor) for tensor in found.values()):
        raise ValueError("not a table of tensors")
    return {name: tensor.float().contiguous().numpy() for name, tensor in found.items()}


def _to_float32(stored: Mapping[str, Any]) -> Array:
    """A tensor of a safetensors file. Raises ValueError for a type that holds no real numbers."""
    kind, data = stored["dtype"], stored["data"]
    if kind == "BF16":
        flat = (np.frombuffer(data, dtype=np.uint16).astype(np.uint32) << 16).view(np.float32)
    elif kind in NUMBERS:
        flat = np.frombuffer(data, dtype=NUMBERS[kind]).astype(np.float32)
    else:
        raise ValueError(f"a tensor of type {kind}")
    return flat.reshape(stored["shape"])


def _complete(tensors: dict[str, Array], config: ModelConfig, weights: Path) -> dict[str, Array]:
    """With what may be left out. Raises ModelError if a tensor is missing, left over, or of another shape."""
    _tie(tensors, config)
    positions = make_positions(config.max_position_embeddings, config.d_model)
    for side in ("encoder", "decoder"):
        tensors.setdefault(f"model.{side}.embed_positions.weight", positions)
    shapes = expected_shapes(config)
    tensors.setdefault("final_logits_bias", np.zeros(shapes["final_logits_bias"], dtype=np.float32))
    for name in shapes.keys() ^ tensors.keys():
        raise misfit(weights, f"{'missing' if name in shapes else 'unexpected'} {name}")
    for name, shape in shapes.items():
        if tensors[name].shape != shape:
            raise misfit(weights, f"{name} is {'×'.join(map(str, tensors[name].shape))}")
    return tensors


def _tie(tensors: dict[str, Array], config: ModelConfig) -> None:
    """Give every table of embeddings its own name, whichever of them the file holds."""
    shared = tensors.pop(SHARED, None)
    tied = TABLES if config.share_encoder_decoder_embeddings else TABLES[1:]
    if config.tie_word_embeddings:
        found = [tensors[name] for name in tied if name in tensors]
        if len(tied) == len(TABLES) and shared is not None:
            found.insert(0, shared)
        tensors |= dict.fromkeys(tied, found[0]) if found else {}


def make_positions(count: int, width: int) -> Array:
    """Sines in the first half of a position's vector, cosines in the second; as Marian has them. [count, width]

    Source: Vaswani et al., Attention Is All You Need (2017), section 3.5; the halves are MarianSinusoidalPositionalEmbedding's.
    """
    rates = np.power(10000, 2 * (np.arange(width) // 2) / width)
    angles = np.arange(count)[:, None] / rates
    return np.concatenate([np.sin(angles[:, 0::2]), np.cos(angles[:, 1::2])], 1).astype(np.float32)


Pair = tuple[Array, Array]
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
    """All of a model's weights, fused, with attention's 1/√head in the queries, and its config. Arrays are C-contiguous."""

    config: ModelConfig
    source_tokens: Array
    target_tokens: Array
    source_positions: Array
    target_positions: Array
    encoder: tuple[FusedLayer, ...]
    decoder: tuple[FusedLayer, ...]
    memory: Pair
    """Encoder output → keys and values of every decoder layer's cross-attention, [layers × 2 × d]."""
    logits: Pair

    def tensors(self) -> list[Array]:
        """All of them, in order."""
        tables = [self.source_tokens, self.target_tokens, self.source_positions, self.target_positions]
        pairs = [pair for layer in (*self.encoder, *self.decoder) for pair in layer.pairs()]
        return [*tables, *(tensor for pair in (*pairs, self.memory, self.logits) for tensor in pair)]


def fuse(checkpoint: Checkpoint) -> Fused:
    """Join what belongs together. Raises EngineError for an activation that this engine does not know."""
    config, tensors = checkpoint.config, checkpoint.tensors
    if config.activation_function not in ACTIVATIONS:
        hint = "use --engine transformers for this model"
        raise EngineError(f"the engine 'native' has no activation '{config.activation_function}'", hint)
    d = config.d_model

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

    encoder = [f"model.encoder.layers.{number}" for number in range(config.encoder.layers)]
    decoder = [f"model.decoder.layers.{number}" for number in range(config.decoder.layers)]
    scale = np.float32(math.sqrt(d)) if config.scale_embedding else np.float32(1)
    source, target = (tensors[f"model.{side}.embed_tokens.weight"] for side in ("encoder", "decoder"))
    scaled = source * scale
    return Fused(
        config=config,
        source_tokens=scaled,
        target_tokens=scaled if target is source else target * scale,
        source_positions=tensors["model.encoder.embed_positions.weight"],
        target_positions=tensors["model.decoder.embed_positions.weight"],
        encoder=tuple(layer(name, d // config.encoder.heads, cross=False) for name in encoder),
        decoder=tuple(layer(name, d // config.decoder.heads, cross=True) for name in decoder),
        memory=_join([named(f"{name}.encoder_attn.{part}_proj") for name in decoder for part in "kv"]),
        logits=(tensors["lm_head.weight"], tensors["final_logits_bias"][0]),
    )


def _scale(query: Pair, head: int) -> Pair:
    """The query's projection with attention's 1/√head in it."""
    scale = np.float32(head**-0.5)
    return query[0] * scale, query[1] * scale


def _join(parts: Sequence[Pair]) -> Pair:
    """Several projections of one input as one."""
    return np.concatenate([weight for weight, _ in parts]), np.concatenate([bias for _, bias in parts])
