"""Marian's forward pass as its papers have it, in numpy, one sentence at a time: what the kernels are held to at load, and what
tells which source tokens a finished target was made from.

No batches, no cache, no fused weights: a few short sentences take a tenth of a second, and each line can be checked by eye.
Source: Vaswani et al., Attention Is All You Need (2017), with the layer normalisation after each sum.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from translate.engines.native.checkpoint import Array, Checkpoint
from translate.engines.native.rules import Rules

EPSILON = np.float32(1e-5)
"""Of layer normalisation, as torch.nn.LayerNorm has it."""
_erf = np.vectorize(math.erf, otypes=[np.float32])
ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "swish": lambda x: x / (1 + np.exp(-x)),
    "silu": lambda x: x / (1 + np.exp(-x)),
    "relu": lambda x: np.maximum(x, 0),
    "gelu": lambda x: x * (1 + _erf(x / np.float32(math.sqrt(2)))) / 2,
}


def decode_greedily(checkpoint: Checkpoint, rules: Rules, source: Sequence[int], limit: int) -> tuple[int, ...]:
    """The target of a source, ids without start and end, `limit` tokens at most, the end among them."""
    model = Reference(checkpoint)
    memory = model.encode(source)
    target = [rules.start]
    while len(target) <= limit:
        logits = model.decode(target, memory)
        logits[list(rules.barred)] = -np.inf
        target.append(int(logits.argmax()))
        if target[-1] == rules.end:
            return tuple(target[1:-1])
    return tuple(target[1:])


class Reference:
    """A checkpoint's tensors and what is computed with them. x is [tokens, d]."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self._config, self._tensors = checkpoint.config, checkpoint.tensors
        self._activate = ACTIVATIONS[checkpoint.config.activation_function]

    def encode(self, ids: Sequence[int]) -> Array:
        """Source ids → [tokens, d]."""
        x = self._embed("encoder", ids)
        for number in range(self._config.encoder.layers):
            layer = f"model.encoder.layers.{number}"
            x = self._normalize(f"{layer}.self_attn_layer_norm", x + self._attend(f"{layer}.self_attn", x, x)[0])
            x = self._feed_forward(layer, x)
        return x

    def decode(self, ids: Sequence[int], memory: Array) -> Array:
        """Target ids so far, the start first, and the encoded source → the next token's logits [vocabulary]."""
        x = self._embed("decoder", ids)
        for number in range(self._config.decoder.layers):
            x, _ = self._decode_layer(number, x, memory)
        logits: Array = self._tensors["lm_head.weight"] @ x[-1] + self._tensors["final_logits_bias"][0]
        return logits

    def _decode_layer(self, number: int, x: Array, memory: Array) -> tuple[Array, Array]:
        """The layer's output [tokens, d], and how its heads look at the source [heads, tokens, source tokens]."""
        layer = f"model.decoder.layers.{number}"
        x = self._normalize(
            f"{layer}.self_attn_layer_norm", x + self._attend(f"{layer}.self_attn", x, x, causal=True)[0]
        )
        gathered, shares = self._attend(f"{layer}.encoder_attn", x, memory)
        return self._feed_forward(layer, self._normalize(f"{layer}.encoder_attn_layer_norm", x + gathered)), shares

    def align(self, source: Sequence[int], target: Sequence[int]) -> Array:
        """How a finished pair's decoder looks at its source: [decoder layers, target tokens, source tokens], the mean of the heads.

        The target is without start and end. Each row is of the step that writes its token, and sums to 1.
        """
        memory, x = self.encode(source), self._embed("decoder", [self._config.decoder_start_token_id, *target[:-1]])
        found = []
        for number in range(self._config.decoder.layers):
            x, shares = self._decode_layer(number, x, memory)
            found.append(shares.mean(0))
        return np.stack(found)

    def _embed(self, side: str, ids: Sequence[int]) -> Array:
        scale = math.sqrt(self._config.d_model) if self._config.scale_embedding else 1.0
        tokens = self._tensors[f"model.{side}.embed_tokens.weight"][list(ids)] * np.float32(scale)
        return tokens + self._tensors[f"model.{side}.embed_positions.weight"][: len(ids)]

    def _apply(self, name: str, x: Array) -> Array:
        """x W + b; W is stored as [out, in]."""
        return x @ self._tensors[f"{name}.weight"].T + self._tensors[f"{name}.bias"]

    def _attend(self, name: str, x: Array, others: Array, *, causal: bool = False) -> tuple[Array, Array]:
        """What each token of x gathers from the others, from none behind it if causal; and how much of each, head by head."""
        heads = (self._config.decoder if ".decoder." in name else self._config.encoder).heads

        def split(part: str, x: Array) -> Array:  # [heads, tokens, head]
            return self._apply(f"{name}.{part}_proj", x).reshape(len(x), heads, -1).transpose(1, 0, 2)

        query, key, value = split("q", x), split("k", others), split("v", others)
        scores = query @ key.transpose(0, 2, 1) * np.float32(query.shape[-1] ** -0.5)
        if causal:
            scores += np.triu(np.full(scores.shape[1:], -np.inf, dtype=np.float32), 1)
        shares = np.exp(scores - scores.max(-1, keepdims=True))
        shares /= shares.sum(-1, keepdims=True)
        return self._apply(f"{name}.out_proj", (shares @ value).transpose(1, 0, 2).reshape(len(x), -1)), shares

    def _feed_forward(self, layer: str, x: Array) -> Array:
        inner = self._activate(self._apply(f"{layer}.fc1", x))
        return self._normalize(f"{layer}.final_layer_norm", x + self._apply(f"{layer}.fc2", inner))

    def _normalize(self, name: str, x: Array) -> Array:
        """Each token's mean 0 and variance 1, then the norm's own scale and shift."""
        centred = x - x.mean(-1, keepdims=True)
        spread = np.sqrt((centred**2).mean(-1, keepdims=True) + EPSILON)
        scaled: Array = centred / spread * self._tensors[f"{name}.weight"]
        return scaled + self._tensors[f"{name}.bias"]
