"""The weights of a Marian model as transformers names them: which tensors there are, of what shape, by the file's own header.

The header is read and compared with config.json before a number of the weights is: a file that does not fit is told
at once, and nothing is built for a shape that the weights do not have.
"""

from __future__ import annotations

import json
from pathlib import Path

from translate.model.config import ModelConfig, Stack
from translate.records import ModelError

Shape = tuple[int, ...]

TABLES = ("model.encoder.embed_tokens.weight", "model.decoder.embed_tokens.weight", "lm_head.weight")
"""The tables of embeddings; one of them may stand for the others, or be called SHARED."""
SHARED = "model.shared.weight"
COMPUTED = ("model.encoder.embed_positions.weight", "model.decoder.embed_positions.weight", "final_logits_bias")
"""What need not be in the file: sines and zeros."""
LARGEST_HEADER = 100_000_000
"""Bytes: safetensors reads no longer one."""
NUMBERS = frozenset(("F64", "F32", "F16", "BF16"))
HINT = "download the model again"


def expected_shapes(config: ModelConfig) -> dict[str, Shape]:
    """The name and shape of every tensor that a model of this config has."""
    d, targets = config.d_model, config.target_vocab_size
    source, target, output = TABLES
    shapes: dict[str, Shape] = {source: (config.vocab_size, d), target: (targets, d), output: (targets, d)}
    shapes["final_logits_bias"] = (1, targets)
    for side, stack, attentions in (
        ("encoder", config.encoder, ("self_attn",)),
        ("decoder", config.decoder, ("self_attn", "encoder_attn")),
    ):
        shapes[f"model.{side}.embed_positions.weight"] = (config.max_position_embeddings, d)
        for number in range(stack.layers):
            shapes |= _layer_shapes(f"model.{side}.layers.{number}", stack, d, attentions)
    return shapes


def _layer_shapes(layer: str, stack: Stack, d: int, attentions: tuple[str, ...]) -> dict[str, Shape]:
    dense: dict[str, Shape] = {f"{a}.{p}_proj": (d, d) for a in attentions for p in ("q", "k", "v", "out")}
    dense |= {"fc1": (stack.ffn_dim, d), "fc2": (d, stack.ffn_dim)}
    norms = [*(f"{attention}_layer_norm" for attention in attentions), "final_layer_norm"]
    shapes = {f"{layer}.{name}.weight": shape for name, shape in dense.items()}
    shapes |= {f"{layer}.{name}.bias": shape[:1] for name, shape in dense.items()}
    return shapes | {f"{layer}.{norm}.{part}": (d,) for norm in norms for part in ("weight", "bias")}


def check_weights(path: Path, config: ModelConfig) -> None:
    """Raise ModelError unless the file's header fits the config.

    torch's own format has no header that can be read without unpickling; there the file must at least be large enough.
    """
    expected = expected_shapes(config)
    if path.suffix != ".safetensors":
        needed = sum(
            shape[0] * (shape[1] if len(shape) > 1 else 1) for name, shape in expected.items() if ".fc" in name
        )
        needed += config.vocab_size * config.d_model
        if path.stat().st_size < needed:  # of each number a byte at the least
            raise misfit(path, f"it is too small for {needed} numbers")
        return
    found = stored_shapes(path)
    allowed = expected | {SHARED: (config.vocab_size, config.d_model)}
    for name, shape in found.items():
        if name not in allowed:
            raise misfit(path, f"unexpected {name}")
        if shape != allowed[name]:
            raise misfit(path, f"{name} is {'×'.join(map(str, shape))}, not {'×'.join(map(str, allowed[name]))}")
    missing = expected.keys() - found.keys() - set(TABLES) - set(COMPUTED)
    if missing:
        raise misfit(path, f"missing {min(missing)}")
    if not found.keys() & {SHARED, *TABLES}:
        raise misfit(path, f"missing {SHARED}")


def misfit(path: Path, what: str) -> ModelError:
    """Weights that are not those of their config.json."""
    return ModelError(f"'{path}' does not fit its config.json: {what}", HINT)


def stored_shapes(path: Path) -> dict[str, Shape]:
    """The name and shape of every tensor in a safetensors file, by its header. Raises ModelError.

    Source: https://github.com/huggingface/safetensors#format
    """
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if not 2 <= length <= min(LARGEST_HEADER, path.stat().st_size - 8):
                raise ValueError("it has no header of safetensors")
            header = json.loads(file.read(length))
        entries = {name: entry for name, entry in header.items() if name != "__metadata__"}
        shapes = {name: tuple(int(size) for size in entry["shape"]) for name, entry in entries.items()}
        kinds = {entry["dtype"] for entry in entries.values()} - NUMBERS
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        reason = str(error).partition("\n")[0][:200]
        raise ModelError(f"cannot load '{path}': {reason}", HINT) from error
    if kinds:
        raise ModelError(f"cannot load '{path}': a tensor of type {min(map(str, kinds))}", HINT)
    return shapes
