"""config.json of a Marian model: its shape and special tokens, checked before anything is built from them."""

from __future__ import annotations

from dataclasses import dataclass

from translate.model.fields import Fields
from translate.records import ModelError

MOST_LAYERS = 256
LEAST_POSITIONS, MOST_POSITIONS = 8, 65_536
WIDEST = 65_536
"""Numbers in a token's vector, or in a feed-forward layer."""
LARGEST_VOCABULARY = 1 << 24
DEFAULT_POSITIONS, DEFAULT_START, DEFAULT_END = 1024, 58_100, 0
"""What transformers' MarianConfig takes where the file says nothing. Sizes of the weights have no default here."""
ALIASES = {
    "hidden_size": "d_model",
    "num_attention_heads": "encoder_attention_heads",
    "num_hidden_layers": "encoder_layers",
}
"""Other names that transformers has for a setting; which one it follows when they differ depends on its version."""


@dataclass(frozen=True, slots=True)
class Stack:
    """The shape of the encoder or of the decoder."""

    layers: int
    heads: int
    ffn_dim: int
    """Numbers in the middle of a feed-forward layer."""


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """What a config.json says of a model, with transformers' defaults for what it may leave out."""

    d_model: int
    """Numbers in a token's vector; the heads of both stacks divide it."""
    encoder: Stack
    decoder: Stack
    vocab_size: int
    """Rows of the source embeddings."""
    target_vocab_size: int
    """Rows of the target embeddings: those of the source where the two are shared."""
    max_position_embeddings: int
    activation_function: str
    scale_embedding: bool
    share_encoder_decoder_embeddings: bool
    tie_word_embeddings: bool
    """Whether the decoder's embeddings are the output's weights too."""
    pad_token_id: int
    decoder_start_token_id: int
    eos_token_ids: tuple[int, ...]


def parse_config(fields: Fields) -> ModelConfig:
    """The record of a config.json. Raises ModelError that names the file and the setting."""
    for alias, name in ALIASES.items():
        if fields.get(alias) not in (None, fields.get(name)):
            raise fields.error(alias, f"the same as {name}, {fields.get(name)!r:.60}")
    d_model = fields.whole("d_model", 1, WIDEST)
    vocab_size = fields.whole("vocab_size", 2, LARGEST_VOCABULARY)
    own = fields.whole("decoder_vocab_size", 0, LARGEST_VOCABULARY, default=vocab_size) or vocab_size
    shared = fields.flag("share_encoder_decoder_embeddings", default=True)
    targets = vocab_size if shared else own
    return ModelConfig(
        d_model=d_model,
        encoder=_parse_stack(fields, "encoder", d_model),
        decoder=_parse_stack(fields, "decoder", d_model),
        vocab_size=vocab_size,
        target_vocab_size=targets,
        max_position_embeddings=fields.whole(
            "max_position_embeddings", LEAST_POSITIONS, MOST_POSITIONS, default=DEFAULT_POSITIONS
        ),
        activation_function=fields.text("activation_function", default="gelu"),
        scale_embedding=fields.flag("scale_embedding", default=False),
        share_encoder_decoder_embeddings=shared,
        tie_word_embeddings=fields.flag("tie_word_embeddings", default=True),
        pad_token_id=_parse_token(fields, "pad_token_id", targets),
        decoder_start_token_id=_parse_token(fields, "decoder_start_token_id", targets),
        eos_token_ids=fields.tokens("eos_token_id", targets) or (DEFAULT_END,),
    )


def _parse_stack(fields: Fields, side: str, d_model: int) -> Stack:
    heads = fields.whole(f"{side}_attention_heads", 1, d_model)
    if d_model % heads:
        raise fields.error(f"{side}_attention_heads", f"a divisor of d_model, {d_model}")
    layers = fields.whole(f"{side}_layers", 1, MOST_LAYERS)
    return Stack(layers, heads, fields.whole(f"{side}_ffn_dim", 1, WIDEST))


def _parse_token(fields: Fields, name: str, size: int) -> int:
    token = fields.token(name, size, default=DEFAULT_START)
    if token is None or token >= size:
        raise ModelError(f"'{fields.path}' does not say {name}", "it has to be a token of the vocabulary")
    return token
