"""Marian's network written for fast training: the weights are a MarianMTModel's own, only the arithmetic is arranged anew.

Projections of one input are one matrix product, padding never reaches the output layer, and the output layer's loss
works through a few hundred tokens at a time, so that its logits stay in the processor's cache. The result equals
transformers' (a test holds it to that).
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import GenerationConfig, MarianConfig, MarianMTModel
from vocabulary import EOS

GUIDED_HEADS = 4  # heads of the last decoder layer that follow the given alignment


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes of a new model."""

    width: int = 256
    feed_forward: int = 1024
    heads: int = 8
    encoder_layers: int = 6
    decoder_layers: int = 2


def new_config(shape: Shape, pieces: int) -> MarianConfig:
    """The configuration of a new model over a joint vocabulary of `pieces` pieces; padding is number `pieces`."""
    return MarianConfig(
        vocab_size=pieces + 1, d_model=shape.width, encoder_layers=shape.encoder_layers,
        decoder_layers=shape.decoder_layers, encoder_attention_heads=shape.heads, decoder_attention_heads=shape.heads,
        encoder_ffn_dim=shape.feed_forward, decoder_ffn_dim=shape.feed_forward, max_position_embeddings=512,
        activation_function="swish", dropout=0.0, attention_dropout=0.0, activation_dropout=0.0, scale_embedding=True,
        static_position_embeddings=True, share_encoder_decoder_embeddings=True, tie_word_embeddings=True,
        pad_token_id=pieces, eos_token_id=EOS, decoder_start_token_id=pieces, bos_token_id=None,
        forced_eos_token_id=EOS,
    )  # fmt: skip


def generation_config(pad: int) -> GenerationConfig:
    """How a trained model translates: the settings of Helsinki-NLP's own checkpoints, with four beams."""
    return GenerationConfig(
        num_beams=4, max_length=512, renormalize_logits=True, bad_words_ids=[[pad]], decoder_start_token_id=pad,
        pad_token_id=pad, eos_token_id=EOS, forced_eos_token_id=EOS,
    )  # fmt: skip


def initialise(model: MarianMTModel, embeddings: npt.NDArray[np.float32] | None, *, branch: float = 0.6) -> None:
    """Weights fit for layers that are normalised after the sum.

    Projections are Glorot-uniform, those inside residual branches scaled by `branch` (compare DeepNet,
    https://arxiv.org/abs/2203.00555): transformers' own 0.02 is a third of that at width 256 and leaves attention
    nearly uniform for thousands of steps. With bilingual embeddings given, cross-attention starts by handing on what
    it looks at, so that a translation needs only the right place to look.
    """
    width = model.config.d_model
    for name, weight in model.model.named_parameters():
        if name.endswith(".bias"):
            nn.init.zeros_(weight)
        elif weight.dim() == 2 and "embed" not in name and "shared" not in name:
            inside = any(part in name for part in ("v_proj", "out_proj", "fc1", "fc2"))
            nn.init.xavier_uniform_(weight, gain=branch if inside else 1.0)
    with torch.no_grad():
        table = model.model.shared.weight
        if embeddings is None:
            table.normal_(0, width**-0.5)
            return
        table.copy_(torch.from_numpy(embeddings))
        for layer in model.model.decoder.layers:
            for projection in (layer.encoder_attn.v_proj, layer.encoder_attn.out_proj):
                projection.weight.mul_(0.5).add_(torch.eye(width), alpha=0.7)


def grow_encoder(model: MarianMTModel, layers: int) -> MarianMTModel:
    """The model with new encoder layers put in after its old ones, evenly; they change next to nothing at first.

    A new layer's branches end in zeros, so it only normalises what is normalised already.
    """
    config = MarianConfig(**model.config.to_dict() | {"encoder_layers": layers})
    grown = MarianMTModel(config)
    initialise(grown, None)
    old, weights = model.config.encoder_layers, model.state_dict()
    place = [i * layers // old for i in range(old)]
    moved = {f"model.encoder.layers.{i}.": f"model.encoder.layers.{p}." for i, p in enumerate(place)}
    for name, weight in list(weights.items()):
        for before, after in moved.items():
            if name.startswith(before):
                del weights[name]
                weights["new:" + after + name.removeprefix(before)] = weight
    grown.load_state_dict({name.removeprefix("new:"): w for name, w in weights.items()}, strict=False)
    with torch.no_grad():
        for i in sorted(set(range(layers)) - set(place)):
            layer = grown.model.encoder.layers[i]
            layer.self_attn.out_proj.weight.zero_()
            layer.fc2.weight.zero_()
    return grown


def _heads(x: Tensor, count: int) -> Tensor:
    """[rows, length, width] to [rows, heads, length, width of a head]."""
    return x.unflatten(-1, (count, -1)).transpose(1, 2)


def _attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Attention of heads under an additive mask: what was read [rows, length, width], and the probabilities."""
    scores = torch.matmul(q * q.shape[-1] ** -0.5, k.transpose(-1, -2)) + mask
    chance = torch.softmax(scores, -1)
    return torch.matmul(chance, v).transpose(1, 2).flatten(2), chance


def _self_attention(layer: nn.Module, x: Tensor, mask: Tensor) -> Tensor:
    """The self-attention branch with its sum and norm."""
    a = layer.self_attn
    weight = torch.cat([a.q_proj.weight, a.k_proj.weight, a.v_proj.weight])
    bias = torch.cat([a.q_proj.bias, a.k_proj.bias, a.v_proj.bias])
    q, k, v = (_heads(part, a.num_heads) for part in F.linear(x, weight, bias).chunk(3, -1))
    read, _ = _attend(q, k, v, mask)
    return layer.self_attn_layer_norm(x + a.out_proj(read))


def _feed_forward(layer: nn.Module, x: Tensor) -> Tensor:
    """The feed-forward branch with its sum and norm."""
    return layer.final_layer_norm(x + layer.fc2(layer.activation_fn(layer.fc1(x))))


def _embed(model: MarianMTModel, stack: nn.Module, ids: Tensor) -> Tensor:
    """Scaled piece embeddings plus static positions."""
    table = model.model.shared.weight
    return F.embedding(ids, table) * table.shape[1] ** 0.5 + stack.embed_positions.weight[: ids.shape[1]]


def states(model: MarianMTModel, source: Tensor, shifted: Tensor, pad: int) -> tuple[Tensor, Tensor]:
    """Last decoder states [rows, target length, width] and the last layer's guided cross-attention.

    `source` [rows, source length] and `shifted` [rows, target length] are padded ids; the attention is the mean of the
    guided heads, [rows, target length, source length].
    """
    low = torch.finfo(torch.float32).min
    hidden = (source == pad)[:, None, None, :] * low
    x = _embed(model, model.model.encoder, source)
    for layer in model.model.encoder.layers:
        x = _feed_forward(layer, _self_attention(layer, x, hidden))
    length = shifted.shape[1]
    future = torch.full((length, length), low, device=source.device).triu(1)
    y = _embed(model, model.model.decoder, shifted)
    chance = y
    for layer in model.model.decoder.layers:
        y = _self_attention(layer, y, future)
        a = layer.encoder_attn
        k, v = (_heads(p(x), a.num_heads) for p in (a.k_proj, a.v_proj))
        read, chance = _attend(_heads(a.q_proj(y), a.num_heads), k, v, hidden)
        y = _feed_forward(layer, layer.encoder_attn_layer_norm(y + a.out_proj(read)))
    return y, chance[:, :GUIDED_HEADS].mean(1)


class OutputLoss(torch.autograd.Function):
    """Cross-entropy of tied output embeddings with label smoothing, a slice of tokens at a time.

    Forward computes the gradients too, while a slice's logits are in the cache: d(logits) is the softmax minus the
    smoothed label. Returns the smoothed and the plain loss, each a sum over tokens; only the first has a gradient.
    """

    SLICE = 512

    @staticmethod
    def forward(ctx, states: Tensor, table: Tensor, bias: Tensor, labels: Tensor, smoothing: float):  # type: ignore[no-untyped-def]
        """`states` [tokens, width], `table` [pieces, width], `bias` [pieces], `labels` [tokens]."""
        d_states, d_table = torch.empty_like(states), torch.zeros_like(table)
        middle = table.mean(0)
        plain, smooth = states.new_zeros(()), states.new_zeros(())
        for s, label, d in zip(*(t.split(OutputLoss.SLICE) for t in (states, labels[:, None], d_states)), strict=True):
            logits = torch.addmm(bias, s, table.t())
            chance = torch.softmax(logits, 1)
            loss = -chance.gather(1, label).clamp_min(1e-30).log()
            plain += loss.sum()
            smooth += (loss + logits.gather(1, label) - bias.mean()).sum() - (s @ middle).sum()
            chance.scatter_add_(1, label, torch.full_like(loss, smoothing - 1))
            torch.mm(chance, table, out=d)
            d_table.addmm_(chance.t(), s)
        # The smoothed share is the same for every piece: taken off at once instead of from each logit.
        d_states.sub_(middle, alpha=smoothing)
        d_table.sub_(states.sum(0), alpha=smoothing / len(table))
        ctx.save_for_backward(d_states, d_table)
        return (1 - smoothing) * plain + smoothing * smooth, plain

    @staticmethod
    def backward(ctx, *gradients: Tensor):  # type: ignore[no-untyped-def]
        """Scale what forward computed."""
        d_states, d_table = ctx.saved_tensors
        return d_states * gradients[0], d_table * gradients[0], None, None, None


def output_loss(model: MarianMTModel, states: Tensor, labels: Tensor, smoothing: float) -> tuple[Tensor, Tensor]:
    """Smoothed and plain cross-entropy, each summed over the tokens: `states` [tokens, width], `labels` [tokens]."""
    table, bias = model.model.shared.weight, model.final_logits_bias[0]
    if not states.is_cuda and not torch.is_autocast_enabled("cpu"):
        smooth, plain = OutputLoss.apply(states, table, bias, labels, smoothing)
        return smooth, plain
    logits = F.linear(states, table, bias).float()
    smooth = F.cross_entropy(logits, labels, label_smoothing=smoothing, reduction="sum")
    return smooth, F.cross_entropy(logits.detach(), labels, reduction="sum")
