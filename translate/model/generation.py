"""How a model wants to be decoded: generation_config.json, read once for all engines.

If the folder has a generation_config.json, it alone is followed; if not, config.json, as the first OPUS-MT uploads had
it. Start and end tokens that it leaves out come from config.json in either case, and what the user sets goes before both.

SETTINGS has every setting that transformers' GenerationConfig knows. One is honoured, by all engines or by those named;
or harmless, since it changes no row; or refused, for all engines, if it asks for anything. A run's rows have to come out
the same again, so what draws lots or looks at the clock is refused. A name that is not in the table is not looked at:
`generate` does not know it either.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, cast

from translate.model.config import MOST_POSITIONS, ModelConfig
from translate.model.fields import Fields, is_real, is_sequence
from translate.records import Settings

MOST_BEAMS = 64
LEAST_LENGTH = 8
MOST_LEAST = 32
"""Target tokens that a model may ask for at the least: a row of a short source ends soon after so many, whatever it asks."""
DEFAULT_LENGTH = 512
"""Target tokens, where the file does not say: what OPUS-MT models have."""
STEEPEST = 10.0
"""Of a length penalty: 512 tokens to a higher power leave float32 behind."""
MOST_NGRAM = 1024

ALL = frozenset(("transformers", "ctranslate2", "native"))
TRANSFORMERS = frozenset(("transformers",))

EarlyStopping = bool | Literal["never"]


class Honoured(NamedTuple):
    """A setting that is followed."""

    engines: frozenset[str] = ALL
    """By these; the others refuse it."""


class Harmless(NamedTuple):
    """A setting that changes no row, and why."""

    why: str


class Refused(NamedTuple):
    """A setting that no engine follows, and why."""

    why: str
    nothing: tuple[object, ...] = ()
    """The values that ask for nothing, beside null."""


SAMPLING = Harmless("only sampling looks at it, which is refused")
CACHE = Harmless("it says where keys and values are kept, not what they are; each engine has its own way")
SPEED = Harmless("it is about speed and memory; each engine has its own way")
ASSISTANT = Harmless("it is for decoding with a second, smaller model, of which there is none")
OUTPUT = Harmless("it says what generate hands back; each engine asks for what it needs")
GONE = "it takes code from the hub, which is never run"

SETTINGS: Mapping[str, Honoured | Harmless | Refused] = {
    # length
    "max_length": Honoured(),
    "max_new_tokens": Honoured(),
    "min_length": Honoured(TRANSFORMERS),
    "min_new_tokens": Honoured(TRANSFORMERS),
    "early_stopping": Honoured(),  # ctranslate2 has a rule of its own, near to false
    "max_time": Refused("rows would depend on the clock"),
    "stop_strings": Refused("engines know token ids, not strings"),
    # strategy
    "do_sample": Refused("rows have to come out the same again", (False,)),
    "num_beams": Honoured(),
    "num_beam_groups": Refused(GONE, (1,)),
    "diversity_penalty": Refused(GONE, (0.0,)),
    "penalty_alpha": Refused(GONE, (0.0,)),
    "dola_layers": Refused(GONE),
    "constraints": Refused(GONE),
    "force_words_ids": Refused(GONE),
    "use_mtp": SPEED,
    # cache
    "use_cache": CACHE,
    "cache_implementation": CACHE,
    "cache_config": CACHE,
    "max_cache_len": CACHE,
    # probabilities
    "temperature": SAMPLING,
    "top_k": SAMPLING,
    "top_p": SAMPLING,
    "min_p": SAMPLING,
    "top_h": SAMPLING,
    "typical_p": SAMPLING,
    "epsilon_cutoff": SAMPLING,
    "eta_cutoff": SAMPLING,
    "repetition_penalty": Honoured(TRANSFORMERS),
    "encoder_repetition_penalty": Honoured(TRANSFORMERS),
    "length_penalty": Honoured(),
    "no_repeat_ngram_size": Honoured(),
    "encoder_no_repeat_ngram_size": Honoured(TRANSFORMERS),
    "bad_words_ids": Honoured(),
    "renormalize_logits": Honoured(),  # ctranslate2 always does
    "forced_bos_token_id": Honoured(TRANSFORMERS),
    "forced_eos_token_id": Harmless("every row ends before the last position, where the end would be forced"),
    "remove_invalid_values": Harmless("a model whose numbers are not finite does not pass the first sentences"),
    "exponential_decay_length_penalty": Honoured(TRANSFORMERS),
    "suppress_tokens": Honoured(),
    "begin_suppress_tokens": Honoured(TRANSFORMERS),
    "sequence_bias": Honoured(TRANSFORMERS),
    "token_healing": Harmless("it mends the end of a prompt, of which there is none"),
    "guidance_scale": Refused("it needs a second prompt, of which there is none", (1, 1.0)),
    "watermarking_config": Refused("a translation would get other words than the model's"),
    # what is handed back
    "num_return_sequences": Harmless("the best translation is taken"),
    "output_attentions": OUTPUT,
    "output_hidden_states": OUTPUT,
    "output_scores": OUTPUT,
    "output_logits": OUTPUT,
    "return_dict_in_generate": OUTPUT,
    # special tokens
    "pad_token_id": Harmless("what fills up a batch is masked; config.json's is taken"),
    "bos_token_id": Harmless("a target begins with decoder_start_token_id"),
    "eos_token_id": Honoured(),
    "decoder_start_token_id": Honoured(),
    # decoding ahead
    "is_assistant": ASSISTANT,
    "num_assistant_tokens": ASSISTANT,
    "num_assistant_tokens_schedule": ASSISTANT,
    "assistant_confidence_threshold": ASSISTANT,
    "assistant_early_exit": ASSISTANT,
    "assistant_lookbehind": ASSISTANT,
    "target_lookbehind": ASSISTANT,
    "assistant_ensemble_weight": ASSISTANT,
    "speculation_type": ASSISTANT,
    "prompt_lookup_num_tokens": SPEED,
    "max_matching_ngram_size": SPEED,
    "compile_config": SPEED,
    "disable_compile": SPEED,
    "continuous_batching_config": SPEED,
    "low_memory": SPEED,
    "prefill_chunk_size": SPEED,
    "transformers_version": Harmless("it says who wrote the file"),
}


@dataclass(frozen=True, slots=True)
class GenerationSettings:
    """What is honoured of a model's generation settings, by transformers' names; a default asks for nothing."""

    decoder_start_token_id: int
    eos_token_id: tuple[int, ...]
    """Each of them ends a row."""
    num_beams: int = 1
    length_penalty: float = 1.0
    early_stopping: EarlyStopping = False
    renormalize_logits: bool = False
    max_length: int = DEFAULT_LENGTH
    """Target tokens, the start among them, at most; max_new_tokens and the start if the file says that."""
    bad_words_ids: tuple[tuple[int, ...], ...] = ()
    """Sequences that never come about; the end alone is none of them, as in `generate`."""
    suppress_tokens: tuple[int, ...] = ()
    """Tokens that are never chosen."""
    no_repeat_ngram_size: int = 0
    """Tokens: no sequence of so many occurs twice. 0 is no such rule."""
    min_length: int = 0
    min_new_tokens: int = 0
    repetition_penalty: float = 1.0
    encoder_repetition_penalty: float = 1.0
    encoder_no_repeat_ngram_size: int = 0
    forced_bos_token_id: int | None = None
    begin_suppress_tokens: tuple[int, ...] = ()
    exponential_decay_length_penalty: tuple[int, float] | None = None
    sequence_bias: tuple[tuple[tuple[int, ...], float], ...] = ()

    @property
    def single_barred(self) -> tuple[int, ...]:
        """The tokens that are never chosen, whatever was before them; each once."""
        words = (ids[0] for ids in self.bad_words_ids if len(ids) == 1)
        return tuple(dict.fromkeys((*self.suppress_tokens, *words)))


@dataclass(frozen=True, slots=True)
class Unsupported:
    """A setting that a model asks for and an engine cannot do."""

    setting: str
    reason: str

    def __str__(self) -> str:
        return f"{self.setting}: {self.reason}"


def unsupported(settings: GenerationSettings, engine: str) -> tuple[Unsupported, ...]:
    """What the model asks for and the engine of that name cannot do; nothing for most models and engines."""
    found = []
    for field in dataclasses.fields(settings):
        rule, value = SETTINGS[field.name], getattr(settings, field.name)
        if isinstance(rule, Honoured) and engine not in rule.engines and value != field.default:
            found.append(Unsupported(field.name, f"the engine '{engine}' does not know it"))
    if engine == "native" and len(settings.eos_token_id) > 1:
        found.append(Unsupported("eos_token_id", f"the engine '{engine}' knows one end, not {settings.eos_token_id}"))
    if engine == "native" and any(len(ids) > 1 for ids in settings.bad_words_ids):
        found.append(Unsupported("bad_words_ids", f"the engine '{engine}' bars single tokens only"))
    return tuple(found)


def parse_generation(fields: Fields, config: ModelConfig) -> GenerationSettings:
    """The record of what a generation_config.json or an old config.json says.

    Raises ModelError that names the file and the setting, for what is refused and for what is no such setting's value.
    """
    for name, rule in SETTINGS.items():
        value = fields.get(name)
        if isinstance(rule, Refused) and value is not None and value not in rule.nothing:
            raise fields.error(name, f"left out: {rule.why}")
    size = config.target_vocab_size
    ends = fields.tokens("eos_token_id", size) or config.eos_token_ids
    suppressed = fields.tokens("suppress_tokens", size)
    if set(suppressed) & set(ends):
        raise fields.error("suppress_tokens", f"without the end {ends}: no row would come to one")
    bad_words = fields.sequences("bad_words_ids", size)
    start = fields.token("decoder_start_token_id", size, default=config.decoder_start_token_id)
    longest = _parse_longest(fields)
    least = min(MOST_LEAST, longest - 2, config.max_position_embeddings - 2)
    return GenerationSettings(
        decoder_start_token_id=cast(int, start),
        eos_token_id=tuple(dict.fromkeys(ends)),
        num_beams=fields.whole("num_beams", 1, MOST_BEAMS, default=1),
        length_penalty=fields.real("length_penalty", -STEEPEST, STEEPEST, default=1.0),
        early_stopping=_parse_stopping(fields),
        renormalize_logits=fields.flag("renormalize_logits", default=False),
        max_length=longest,
        bad_words_ids=tuple(ids for ids in bad_words if len(ids) > 1 or ids[0] not in ends),
        suppress_tokens=suppressed,
        no_repeat_ngram_size=fields.whole("no_repeat_ngram_size", 0, MOST_NGRAM, default=0),
        min_length=fields.whole("min_length", 0, least, default=0),
        min_new_tokens=fields.whole("min_new_tokens", 0, least, default=0),
        repetition_penalty=fields.real("repetition_penalty", 0.01, 100, default=1.0),
        encoder_repetition_penalty=fields.real("encoder_repetition_penalty", 0.01, 100, default=1.0),
        encoder_no_repeat_ngram_size=fields.whole("encoder_no_repeat_ngram_size", 0, MOST_NGRAM, default=0),
        forced_bos_token_id=fields.token("forced_bos_token_id", size),
        begin_suppress_tokens=fields.tokens("begin_suppress_tokens", size),
        exponential_decay_length_penalty=_parse_decay(fields),
        sequence_bias=_parse_biases(fields, size),
    )


def apply_user_settings(model: GenerationSettings, user: Settings) -> GenerationSettings:
    """The model's settings with those that the user gave in their place."""
    return dataclasses.replace(
        model,
        num_beams=user.beams or model.num_beams,
        length_penalty=model.length_penalty if user.length_penalty is None else user.length_penalty,
    )


def _parse_stopping(fields: Fields) -> EarlyStopping:
    value = fields.get("early_stopping")
    if value is not None and not isinstance(value, bool) and value != "never":
        raise fields.error("early_stopping", 'true, false or "never"')
    return cast(EarlyStopping, value or False)


def _parse_longest(fields: Fields) -> int:
    """max_new_tokens goes before max_length, as in `generate`."""
    longest = fields.whole("max_length", LEAST_LENGTH, MOST_POSITIONS, default=DEFAULT_LENGTH)
    new = fields.whole("max_new_tokens", LEAST_LENGTH - 1, MOST_POSITIONS - 1, default=longest - 1)
    return new + 1


def _parse_decay(fields: Fields) -> tuple[int, float] | None:
    value = fields.get("exponential_decay_length_penalty")
    if value is None:
        return None
    if isinstance(value, list) and len(value) == 2:
        start, factor = value
        if type(start) is int and 0 <= start <= MOST_POSITIONS and is_real(factor) and 0 < factor <= 100:
            return start, float(factor)
    raise fields.error("exponential_decay_length_penalty", "[a number of tokens, a factor above 0]")


def _parse_biases(fields: Fields, size: int) -> tuple[tuple[tuple[int, ...], float], ...]:
    value = fields.get("sequence_bias")
    if value is None:
        return ()
    pairs: list[Any] = value if isinstance(value, list) else [None]
    for pair in pairs:
        if not (isinstance(pair, list) and len(pair) == 2 and is_sequence(pair[0], size) and is_real(pair[1])):
            raise fields.error("sequence_bias", f"a list of [[token ids below {size}], number]")
    return tuple((tuple(ids), float(bias)) for ids, bias in pairs)
