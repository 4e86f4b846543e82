"""Marian's network written for fast training: the weights are a MarianMTModel's own, only the arithmetic is arranged anew.

Projections of one input are one matrix product, padding never reaches the output layer, and the output layer's loss
works through a few hundred tokens at a time, so that its logits stay in the processor's cache. The result equals
transformers' without dropout (a test holds it to that).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional
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

    A new layer's branches end in zeros, and its norms give back the size that the layer before them gave.
    """
    grown = MarianMTModel(MarianConfig(**model.config.to_dict() | {"encoder_layers": layers}))
    initialise(grown, None)
    old: int = model.config.encoder_layers
    place = {i * layers // old: i for i in range(old)}
    grown.model.shared.load_state_dict(model.model.shared.state_dict())
    grown.model.decoder.load_state_dict(model.model.decoder.state_dict())
    grown.final_logits_bias.copy_(model.final_logits_bias)
    size = torch.ones(())
    for i, layer in enumerate(grown.model.encoder.layers):
        if i in place:
            layer.load_state_dict(model.model.encoder.layers[place[i]].state_dict())
            norm = layer.final_layer_norm
            size = (norm.weight.square() + norm.bias.square()).mean().sqrt().detach()
            continue
        for zeroed in (layer.self_attn.out_proj, layer.fc2):
            nn.init.zeros_(zeroed.weight)
        for norm in (layer.self_attn_layer_norm, layer.final_layer_norm):
            norm.weight.data.fill_(size)
    return grown


def add_pieces(model: MarianMTModel, pieces: int) -> MarianMTModel:
    """The model over a vocabulary of `pieces` pieces, the new ones behind the old and before <pad>, which stays last.

    A new piece starts as a vector of its own in a random direction, as long as the others on average: cross-attention
    that hands on what it looks at can copy it at once.
    """
    old: int = model.config.pad_token_id
    if model.config.vocab_size != old + 1 or pieces < old:
        raise ValueError(f"{model.config.vocab_size} pieces with <pad> at {old} cannot become {pieces}")
    sizes = dict.fromkeys(("vocab_size", "decoder_vocab_size"), pieces + 1)
    places = dict.fromkeys(("pad_token_id", "decoder_start_token_id"), pieces)
    settings = {name: value for name, value in model.config.to_dict().items() if name != "bad_words_ids"}
    grown = MarianMTModel(MarianConfig(**settings | sizes | places))
    with torch.no_grad():
        state = model.state_dict()
        for name, weight in grown.state_dict().items():
            if weight.shape == state[name].shape:
                weight.copy_(state[name])
            elif name == "final_logits_bias":
                weight[:, :old].copy_(state[name][:, :old])
            else:
                mean = state[name][:old].norm(dim=1).mean()
                weight.copy_(functional.normalize(torch.randn_like(weight)) * mean)
                weight[:old].copy_(state[name][:old])
                weight[pieces].copy_(state[name][old])
    return grown


def _heads(x: Tensor, count: int) -> Tensor:
    """[rows, length, width] to [rows, heads, length, width of a head]."""
    return x.view(*x.shape[:-1], count, x.shape[-1] // count).transpose(1, 2)


def _attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Attention of heads under an additive mask: what was read [rows, length, width], and the probabilities."""
    scores = torch.matmul(q * q.shape[-1] ** -0.5, k.transpose(-1, -2)) + mask
    chance = torch.softmax(scores, -1)
    return torch.matmul(chance, v).transpose(1, 2).flatten(2), chance


def _self_attention(layer: Any, x: Tensor, mask: Tensor) -> Any:
    """The self-attention branch with its sum and norm; a layer is transformers' MarianEncoderLayer or -DecoderLayer."""
    a = layer.self_attn
    weight = torch.cat([a.q_proj.weight, a.k_proj.weight, a.v_proj.weight])
    bias = torch.cat([a.q_proj.bias, a.k_proj.bias, a.v_proj.bias])
    q, k, v = (_heads(part, a.num_heads) for part in functional.linear(x, weight, bias).chunk(3, -1))
    read, _ = _attend(q, k, v, mask)
    return layer.self_attn_layer_norm(x + a.out_proj(read))


def _feed_forward(layer: Any, x: Tensor) -> Any:
    """The feed-forward branch with its sum and norm."""
    return layer.final_layer_norm(x + layer.fc2(layer.activation_fn(layer.fc1(x))))


def _embed(model: MarianMTModel, stack: Any, ids: Tensor) -> Any:
    """Scaled piece embeddings plus static positions."""
    table = model.model.shared.weight
    return functional.embedding(ids, table) * table.shape[1] ** 0.5 + stack.embed_positions.weight[: ids.shape[1]]


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

    Only the `drawn` pieces enter the softmax, each divided by its chance of having been drawn, so that their sum
    estimates that over all pieces (compare Jean et al. 2015, https://arxiv.org/abs/1412.2007).
    """

    SLICE = 512

    @staticmethod
    def forward(
        ctx: Any, states: Tensor, table: Tensor, bias: Tensor, labels: Tensor, drawn: Tensor, chance: Tensor,
        smoothing: float,
    ) -> tuple[Tensor, Tensor]:  # fmt: skip
        """`states` [tokens, width], `table` [pieces, width], `bias` [pieces], `labels` [tokens], `chance` of `drawn`."""
        part, part_bias, surplus = table[drawn], bias[drawn] - chance.log(), chance.log()
        places = torch.searchsorted(drawn, labels)
        d_states, d_part = torch.empty_like(states), torch.zeros_like(part)
        middle = table.mean(0)
        plain, smooth = states.new_zeros(()), states.new_zeros(())
        slices = (torch.split(t, OutputLoss.SLICE) for t in (states, places[:, None], d_states))
        for s, label, d in zip(*slices, strict=True):
            logits = torch.addmm(part_bias, s, part.t())
            logits.scatter_add_(1, label, surplus[label])  # a token's own piece is there for certain
            softmax = torch.softmax(logits, 1)
            loss = -softmax.gather(1, label).clamp_min(1e-30).log()
            plain += loss.sum()
            smooth += (loss + logits.gather(1, label) - bias.mean()).sum() - (s @ middle).sum()
            softmax.scatter_add_(1, label, torch.full_like(loss, smoothing - 1))
            torch.mm(softmax, part, out=d)
            d_part.addmm_(softmax.t(), s)
        # The smoothed share is the same for every piece: taken off at once instead of from each logit.
        d_states.sub_(middle, alpha=smoothing)
        d_table = (states.sum(0) * (-smoothing / len(table))).repeat(len(table), 1).index_add_(0, drawn, d_part)
        ctx.save_for_backward(d_states, d_table)
        return (1 - smoothing) * plain + smoothing * smooth, plain

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Scale what forward computed."""
        d_states, d_table = ctx.saved_tensors
        return d_states * gradients[0], d_table * gradients[0], None, None, None, None, None


@dataclass(frozen=True, slots=True)
class Draw:
    """How pieces are drawn for the output layer: each with chance `share`, those in the batch for certain.

    `frequency` [pieces] is each piece's share of all target tokens.
    """

    share: float
    frequency: Tensor

    def __call__(self, labels: Tensor) -> tuple[Tensor, Tensor]:
        """The drawn pieces, sorted, and each one's chance of having been drawn by lot or by standing in the batch."""
        absent = (1 - self.share) * torch.exp(-len(labels) * self.frequency)
        inside = torch.rand(len(self.frequency)) < self.share
        inside[labels] = True
        drawn = inside.nonzero().squeeze(1)
        return drawn, 1 - absent[drawn]


def output_loss(
    model: MarianMTModel, states: Tensor, labels: Tensor, smoothing: float, draw: Draw | None = None
) -> tuple[Tensor, Tensor]:
    """Smoothed and plain cross-entropy, each summed over the tokens: `states` [tokens, width], `labels` [tokens].

    Over all pieces, or estimated from some of them.
    """
    table, bias = model.model.shared.weight, model.final_logits_bias[0]
    if states.is_cuda or torch.is_autocast_enabled("cpu"):
        logits = functional.linear(states, table, bias).float()
        smooth = functional.cross_entropy(logits, labels, label_smoothing=smoothing, reduction="sum")
        return smooth, functional.cross_entropy(logits.detach(), labels, reduction="sum")
    drawn, chance = draw(labels) if draw else (torch.arange(len(table)), torch.ones(len(table)))
    smooth, plain = OutputLoss.apply(states, table, bias, labels, drawn, chance, smoothing)  # type: ignore[no-untyped-call]
    return smooth, plain
