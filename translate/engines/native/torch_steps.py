"""The arithmetic of Marian: encode a few sources at once, and one decoding step of all rows over static caches.

Whatever shares a batch, a row goes through the same sums. That rests on four rules, which tests hold: every matrix product
has a multiple of ROW_BLOCK rows, and not too many (`most_rows`); what attention sums over is filled up to a multiple of ROW_BLOCK columns, and what is filled in
has the weight 0 and stands last; no scale or statistic is taken over more than one row; a row's history stands in its own
columns from 0 on.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from translate.engines.native.torch_weights import Dense, Layer, Weights, make_dense

ROW_BLOCK = 8
"""Rows and columns of a block: the width of a float32 register of AVX2. Below it, libraries take other kernels."""
SHORTEST = 16
"""Columns that attention sums over at least: torch multiplies still smaller matrices in a loop of its own."""
MOST_COLUMNS = 256
"""Columns that a product of several queries sums over at most: MKL cuts longer sums (over 384 with AVX-512) where it likes."""


def whole_blocks(count: int, least: int = ROW_BLOCK) -> int:
    """`count` rounded up to whole blocks."""
    return max(least, -(-count // ROW_BLOCK) * ROW_BLOCK)


class Buffers:
    """Memory for results, taken once and used again at each step. A name's buffer grows, and never shrinks.

    On a GPU torch keeps memory by itself.
    """

    def __init__(self, device: torch.device) -> None:
        self._device, self._keeps = device, device.type == "cpu"
        self._flat: dict[str, Tensor] = {}

    def take(self, name: str, *shape: int) -> Tensor:
        """An uninitialised float32 tensor of that shape; what was taken under that name before is overwritten."""
        if not self._keeps:
            return torch.empty(shape, device=self._device)
        size = math.prod(shape)
        flat = self._flat.get(name)
        if flat is None or len(flat) < size:
            flat = self._flat[name] = torch.empty(size, device=self._device)
        return flat[:size].view(shape)


def apply(dense: Dense, x: Tensor, buffers: Buffers, name: str) -> Tensor:
    """`dense` of x [rows, in], in the buffer of that name: [rows, out]."""
    return dense(x, buffers.take(name, len(x), dense.width))


def feed_forward(layer: Layer, x: Tensor, weights: Weights, buffers: Buffers) -> Tensor:
    """The second half of a layer, x [rows, d] → [rows, d]."""
    inner = weights.activation(apply(layer.up, x, buffers, "up"))
    return layer.final_norm(apply(layer.down, inner, buffers, "down"), x)


def attend(query: Tensor, keys: Tensor, values: Tensor, mask: Tensor, buffers: Buffers) -> Tensor:
    """Attention of each (row, head) by itself.

    query [n, heads, queries, head] (scaled), keys and values [n, heads, columns, head] whose first two dimensions can be
    merged, mask [n, 1, queries or 1, columns] of 0 and minus infinity → [n, queries, heads, head].
    """
    n, heads, queries, head = query.shape
    columns = keys.shape[2]
    scores = buffers.take("scores", n * heads, queries, columns)
    torch.bmm(query.reshape(n * heads, queries, head), keys.flatten(0, 1).transpose(1, 2), out=scores)
    scores.view(n, heads, queries, columns).add_(mask)
    shares = torch.softmax(scores, -1, out=buffers.take("shares", *scores.shape))
    mixed, values = buffers.take("mixed", n * heads, queries, head), values.flatten(0, 1)
    most = MOST_COLUMNS if queries > 1 else columns
    torch.bmm(shares[:, :, :most], values[:, :most], out=mixed)
    for first in range(most, columns, most):
        part = slice(first, first + most)
        torch.baddbmm(mixed, shares[:, :, part], values[:, part], out=mixed)
    return mixed.view(n, heads, queries, head).transpose(1, 2)


class Encoder:
    """Source ids → what the decoder's cross-attention needs of them."""

    def __init__(self, weights: Weights) -> None:
        self._weights = weights
        self._buffers = Buffers(weights.device)

    def encode(self, ids: Tensor, lengths: Tensor) -> Tensor:
        """ids [n, columns], in whole blocks, lengths [n] → memory [n, columns, layers, 2, heads, head]."""
        weights, (n, columns) = self._weights, ids.shape
        mask = column_mask(lengths, columns)
        x = (weights.source_tokens[ids] + weights.source_positions[:columns]).view(n * columns, weights.d)
        x = functional.pad(x, (0, 0, 0, -len(x) % ROW_BLOCK))
        for layer in weights.encoder:
            fused = apply(layer.qkv, x, self._buffers, "qkv")[: n * columns].view(n, columns, 3, weights.heads, -1)
            mixed = self._buffers.take("joined", *x.shape)
            query, keys, values = (part.transpose(1, 2).contiguous() for part in fused.unbind(2))
            own = mixed[: n * columns].view(n, columns, weights.heads, -1)
            own.copy_(attend(query, keys, values, mask, self._buffers))
            x = layer.norm(apply(layer.out, mixed, self._buffers, "out"), x)
            x = feed_forward(layer, x, weights, self._buffers)
        memory = weights.memory(x, torch.empty(len(x), weights.memory.width, device=weights.device))
        return memory[: n * columns].view(n, columns, len(weights.decoder), 2, weights.decoder_heads, -1)


def column_mask(lengths: Tensor, columns: int) -> Tensor:
    """[n, 1, 1, columns]: 0 in a row's first `length` columns, minus infinity behind them."""
    behind = torch.arange(columns, device=lengths.device) >= lengths[:, None]
    return torch.zeros(behind.shape, device=lengths.device).masked_fill_(behind, -math.inf)[:, None, None]


@dataclass(frozen=True, slots=True)
class Group:
    """Slots that attend together, over so many columns of the past (for each beam) and of the source."""

    first: int
    last: int
    """Behind the group."""
    past: int
    source: int

    @property
    def slots(self) -> slice:
        """Those of the group."""
        return slice(self.first, self.last)


class Decoder:
    """One step of `beams` rows for each of the slots, over caches that stay where they are.

    A slot holds one source. Its beams write their keys and values of position t into columns t × beams + beam, and never
    move: when beams are re-ordered, only the mask that says which columns are a beam's own past is.
    """

    def __init__(self, weights: Weights, slots: int, beams: int) -> None:
        self.slots, self.beams = slots, beams
        self._weights = weights
        self._buffers = Buffers(weights.device)
        layers, heads, head = len(weights.decoder), weights.decoder_heads, weights.d // weights.decoder_heads
        self._memory = torch.zeros(layers, 2, slots, heads, SHORTEST, head, device=weights.device)
        self._past = torch.zeros(layers, 2, slots, heads, SHORTEST * beams, head, device=weights.device)
        self._memory_mask = torch.zeros(slots, 1, 1, SHORTEST, device=weights.device)
        self._past_mask = torch.full((slots, beams, SHORTEST * beams), -math.inf, device=weights.device)
        self._all = torch.arange(slots, device=weights.device)
        self._beam = torch.arange(beams, device=weights.device)

    def start(self, slots: Tensor, memory: Tensor, lengths: Tensor) -> None:
        """Put sources into slots: memory [k, columns, layers, 2, heads, head], lengths [k]; their past is forgotten."""
        columns = memory.shape[1]
        if columns > self._memory.shape[4]:
            self._memory = widen(self._memory, columns, 4)
            self._memory_mask = widen(self._memory_mask, columns, 3, -math.inf)
        self._memory[:, :, slots, :, :columns] = memory.permute(2, 3, 0, 4, 1, 5)
        self._memory_mask[slots] = column_mask(lengths, self._memory_mask.shape[3])
        self._past_mask[slots] = -math.inf

    def move(self, target: Tensor, source: Tensor) -> None:
        """Copy what some slots hold into others."""
        for cache in (self._memory, self._past):
            for kind in cache.flatten(0, 1):
                kind[target] = kind[source]
        self._memory_mask[target] = self._memory_mask[source]
        self._past_mask[target] = self._past_mask[source]

    def reorder(self, n: int, parents: Tensor) -> None:
        """Let each beam of the first n slots go on with the past of another: parents [n, beams]."""
        mask = self._past_mask[:n]
        self._past_mask[:n] = mask.gather(1, parents[:, :, None].expand_as(mask))

    def reserve(self, groups: Sequence[Group]) -> None:
        """Make the caches wide enough for a step of these groups."""
        columns = max(group.past for group in groups) * self.beams
        if columns > self._past.shape[4]:
            wide = min(2 * columns, columns + 128 * self.beams)
            self._past = widen(self._past, wide, 4)  # what is masked is multiplied by 0, so it has to be a number
            self._past_mask = widen(self._past_mask, wide, 2, -math.inf)

    def step(self, tokens: Tensor, positions: Tensor, groups: Sequence[Group]) -> Tensor:
        """tokens [n, beams] at positions [n] → logits [n × beams, vocabulary in whole blocks].

        The groups are those of all n slots, in order. The logits are overwritten by the next step.
        """
        weights, (n, beams) = self._weights, tokens.shape
        own = positions[:, None] * beams + self._beam
        self._past_mask[:n].scatter_(2, own[:, :, None], 0.0)
        x = (weights.target_tokens[tokens] + weights.target_positions[positions][:, None]).view(n * beams, weights.d)
        for layer, past, memory in zip(weights.decoder, self._past, self._memory, strict=True):
            x = self._attend_past(layer, x, past[:, :n], own, groups)
            x = self._attend_source(layer, x, memory[:, :n], groups)
            x = feed_forward(layer, x, weights, self._buffers)
        return apply(weights.logits, x, self._buffers, "logits")

    def _attend_past(self, layer: Layer, x: Tensor, past: Tensor, own: Tensor, groups: Sequence[Group]) -> Tensor:
        """x [n × beams, d] → the same after self-attention; past [2, n, heads, columns, head], own columns [n, beams]."""
        _, n, heads, _, head = past.shape
        fused = apply(layer.qkv, x, self._buffers, "qkv").view(n, self.beams, 3, heads, head)
        slots = self._all[:n, None]
        past[0][slots, :, own] = fused[:, :, 1]
        past[1][slots, :, own] = fused[:, :, 2]
        mixed = self._buffers.take("joined", n, self.beams, heads, head)
        for group in groups:
            part, columns = group.slots, group.past * self.beams
            keys, values = past[:, part, :, :columns]
            mask = self._past_mask[part, None, :, :columns]
            mixed[part] = attend(fused[part, :, 0].transpose(1, 2), keys, values, mask, self._buffers)
        return layer.norm(apply(layer.out, mixed.view(x.shape), self._buffers, "out"), x)

    def _attend_source(self, layer: Layer, x: Tensor, memory: Tensor, groups: Sequence[Group]) -> Tensor:
        """x [n × beams, d] → the same after cross-attention; memory [2, n, heads, columns, head]."""
        assert layer.cross_query is not None
        assert layer.cross_out is not None
        assert layer.cross_norm is not None
        _, n, heads, _, head = memory.shape
        query = apply(layer.cross_query, x, self._buffers, "query").view(n, self.beams, heads, head)
        mixed = self._buffers.take("joined", n, self.beams, heads, head)
        for group in groups:
            part = group.slots
            keys, values = memory[:, part, :, : group.source]
            mask = self._memory_mask[part, :, :, : group.source]
            mixed[part] = attend(query[part].transpose(1, 2), keys, values, mask, self._buffers)
        return layer.cross_norm(apply(layer.cross_out, mixed.view(x.shape), self._buffers, "out"), x)


def widen(tensor: Tensor, size: int, dimension: int, fill: float = 0.0) -> Tensor:
    """The tensor with one dimension made `size` long, what is new filled with one value."""
    shape = list(tensor.shape)
    shape[dimension] = size
    wider = torch.full(shape, fill, device=tensor.device)
    wider.narrow(dimension, 0, tensor.shape[dimension]).copy_(tensor)
    return wider


def keeps_rows(weights: Weights, rows: int, beams: Sequence[int]) -> bool:
    """Whether on this machine a row comes out the same, to the last bit, among few rows and among many, first or last.

    Tries each kind of product that a decoding step makes, and attention with more columns filled in, for each of these
    numbers of beams, and a short sentence's own, filled up to several widths. What a library's kernels do on another
    processor or in another version cannot be known, only measured.
    """
    layer, generator = weights.decoder[0], torch.Generator().manual_seed(1)
    # Attention is in float32 in every type: a library whose float32 products do not keep rows is not trusted with it.
    plain = make_dense(
        torch.randn(layer.up.width, weights.d, generator=generator), torch.zeros(layer.up.width), "float32"
    )
    products = (layer.qkv, layer.out, layer.up, layer.down, weights.memory, weights.logits)
    for dense in (*products, plain) if weights.device.type == "cpu" else products:
        x = torch.randn(rows, dense.inputs, generator=generator).to(weights.device)
        whole = dense(x, torch.empty(rows, dense.width, device=weights.device))
        for part in (
            slice(0, ROW_BLOCK),
            slice(0, 2 * ROW_BLOCK),
            slice(0, 4 * ROW_BLOCK),
            slice(rows - 3 * ROW_BLOCK, rows),
        ):
            some = x[part].clone()
            if not torch.equal(dense(some, torch.empty(len(some), dense.width, device=weights.device)), whole[part]):
                return False
    return keeps_sentence(weights) and all(keeps_columns(weights, count) for count in beams)


def keeps_sentence(weights: Weights) -> bool:
    """The same of the encoder's attention: whatever stands behind a sentence, in few rows and in many."""
    head, generator, buffers = weights.d // weights.heads, torch.Generator().manual_seed(1), Buffers(weights.device)
    x = torch.randn(4 * ROW_BLOCK, weights.heads, 8 * ROW_BLOCK, head, generator=generator).to(weights.device)
    results = []
    for rows, columns in itertools.product(
        (1, 3, 4 * ROW_BLOCK), (SHORTEST, 3 * ROW_BLOCK, 5 * ROW_BLOCK, 8 * ROW_BLOCK)
    ):
        some = x[:rows, :, :columns].contiguous()
        mask = column_mask(torch.full((rows,), SHORTEST - 3, device=weights.device), columns)
        results.append(attend(some, some, some, mask, buffers)[0, : SHORTEST - 3].clone())
    return all(torch.equal(results[0], result) for result in results[1:])


def keeps_columns(weights: Weights, beams: int) -> bool:
    """The same of attention: whatever stands behind a short past and behind a long one."""
    heads, buffers, most = weights.decoder_heads, Buffers(weights.device), 3 * MOST_COLUMNS
    generator = torch.Generator().manual_seed(1)
    query, keys = (
        torch.randn(ROW_BLOCK, heads, n, weights.d // heads, generator=generator).to(weights.device)
        for n in (beams, most)
    )
    for length in (SHORTEST - 3, MOST_COLUMNS - 7 * ROW_BLOCK, MOST_COLUMNS + 3):
        lengths = torch.full((ROW_BLOCK,), length, device=weights.device)
        results = []
        for columns in (whole_blocks(length, SHORTEST), MOST_COLUMNS + 17 * ROW_BLOCK, most):
            some = keys[:, :, :columns].contiguous()
            results.append(attend(query, some, some, column_mask(lengths, columns), buffers).clone())
        if not all(torch.equal(results[0], result) for result in results[1:]):
            return False
    return True
