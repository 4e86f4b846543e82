"""A model and settings → an engine that has proved itself, and the signature of its rows: for every command alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from translate.engines.alignment import Aligner, make_aligner
from translate.engines.base import Engine, SelfCheck, choose_engine, refusals_of
from translate.model.folder import read_canary
from translate.model.tokenizer import Tokenizer
from translate.protect.known import make_known_pairs
from translate.protect.protector import sign_protection
from translate.records import Flag, Model, ModelError, Request, Settings, Signature
from translate.run.advice import advise
from translate.run.checks import check_target
from translate.text.sentences import RULES

BEHAVIOUR = "3"
"""Part of the signature: raised whenever the same engine's rows would come out differently."""

STREAM_WINDOW = 500
"""Sentences read at once where rows do not depend on it: few, so that little is read ahead and waits to be written."""

MOST_DIFFERING = 1
"""Sentences of the canary that may come out differently in bfloat16, float16 or int8."""

CANARY = ("Das ist ein Haus.", "Guten Morgen, wie geht es Ihnen?", "Ich habe heute zwei Bücher gekauft.")


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model that is ready to translate: its engine and tokenizer, and the settings that they were loaded with."""

    model: Model
    engine: Engine
    tokenizer: Tokenizer
    settings: Settings
    signature: Signature
    advice: str
    """What `translate bench` has recommended, in its words, or why `auto` is not the engine native; empty if neither."""
    aligner: Aligner | None = None
    """What tells which English was made from which German; None where nothing can."""

    @property
    def batch_tokens(self) -> int:
        """Padded source tokens a batch."""
        return batch_tokens(self.engine, self.settings)

    @property
    def window(self) -> int:
        """Sentences that are read at once."""
        wanted = self.settings.chunk_sentences
        return min(STREAM_WINDOW, wanted) if self.engine.batch_independent else wanted

    def sign(self, settings: Settings) -> Signature:
        """The signature of rows that the engine would give with other batches."""
        return make_signature(self.model, self.engine, self.tokenizer, settings)


def load(model: Model, settings: Settings, *, advised: bool = False) -> LoadedModel:
    """Load the model, and let it prove itself. `advised`: with what `translate bench` recommends for such a run.

    Raises EngineError for an engine or a setting that cannot be; ModelError for a model whose files do not belong
    together, that breaks the engine, or that does not translate the canary as it should.
    """
    tokenizer = Tokenizer(model, normalize=settings.normalize, target=settings.target_language)
    engine, settings, advice = _choose(model, settings, make_check(model, tokenizer), advised=advised)
    check_canary(model, engine, tokenizer)
    signature = make_signature(model, engine, tokenizer, settings)
    aligner = make_aligner(engine, model, make_known_pairs(tokenizer))
    return LoadedModel(model, engine, tokenizer, settings, signature, advice, aligner)


def _choose(model: Model, settings: Settings, check: SelfCheck, *, advised: bool) -> tuple[Engine, Settings, str]:
    """The engine, the settings as the bench recommends them if it was run for such a run, and a line that says why."""
    with refusals_of(model):
        if advised and (advice := advise(model, settings)) is not None:
            choice = choose_engine(model, advice.settings, check)
            if (choice.engine.dtype, choice.engine.device) == (advice.dtype, advice.device) and not choice.fallback:
                return choice.engine, advice.settings, advice.reason
        choice = choose_engine(model, settings, check)
    return choice.engine, settings, choice.fallback


def make_check(model: Model, tokenizer: Tokenizer) -> SelfCheck:
    """The canary's sentences for an engine's check of itself."""
    stored = read_canary(model.folder).answers.get("1") if model.bundled else None
    return SelfCheck(tuple(tokenizer.encode(CANARY)), stored)


def batch_tokens(engine: Engine, settings: Settings) -> int:
    """Padded source tokens a batch: as set, else as suits the engine's hardware."""
    return settings.batch_tokens or engine.batch_tokens


def make_signature(model: Model, engine: Engine, tokenizer: Tokenizer, settings: Settings) -> Signature:
    """Everything that can change an output.

    The batch is part of it where rows depend on what shares it. In float32, too: there it moves sums by some 1e-7 only,
    but a run that went on with other batches would not end with the bytes of an unbroken one.
    """
    signature = {"model": model.short_name, "weights": model.fingerprint[:12], **engine.signature}
    if not engine.batch_independent:
        signature["batch"] = (
            f"{settings.batch_size}-sentences" if settings.batch_size else f"{batch_tokens(engine, settings)}-tokens"
        )
    signature |= {
        "sentences": RULES,
        "normalize": tokenizer.normalization,
        **({"target": tokenizer.target} if tokenizer.target else {}),
        "split": str(settings.comfortable_tokens),
        "behaviour": BEHAVIOUR,
        **sign_protection(settings.glossary),
    }
    return signature


def check_canary(model: Model, engine: Engine, tokenizer: Tokenizer) -> None:
    """Raise ModelError unless the engine translates a few fixed sentences as it should.

    A bundled model has to give its stored ids in float32; in another number type one of them may differ. Any other model may
    not echo, loop or fall silent on most of them.
    """
    if engine.name == "echo":
        return
    requests = [Request(i, ids) for i, ids in enumerate(tokenizer.encode(CANARY))]
    with refusals_of(model):
        targets = {hypothesis.number: hypothesis.target for hypothesis in engine.translate(requests)}
    answers = [targets[i] for i in range(len(CANARY))]
    if _is_wrong(model, engine, tokenizer, answers):
        raise _canary_error(model, engine, [tokenizer.decode(ids) for ids in answers])


def _is_wrong(model: Model, engine: Engine, tokenizer: Tokenizer, answers: Sequence[tuple[int, ...]]) -> bool:
    """Whether these target ids are no answers to the canary."""
    if model.bundled:
        expected = read_canary(model.folder).answers.get(engine.signature.get("beams", ""))
        differing = sum(found != stored for found, stored in zip(answers, expected or answers, strict=True))
        return differing > (0 if engine.dtype == "float32" else MOST_DIFFERING)
    doubts = [set(check_target(text, tokenizer.decode(ids))) for text, ids in zip(CANARY, answers, strict=True)]
    return sum(bool(flags & {Flag.ECHO, Flag.LOOP, Flag.EMPTY}) for flags in doubts) * 2 > len(CANARY)


def _canary_error(model: Model, engine: Engine, answers: Sequence[str]) -> ModelError:
    said = "; ".join(f"'{text}' → '{answer[:60]}'" for text, answer in zip(CANARY, answers, strict=True))
    named = [f"{name} {value}" for name, value in engine.signature.items() if name in ("engine", "torch", "dtype")]
    hint = "these library versions may not suit the model, or its files are damaged; try --dtype float32, or other versions"
    return ModelError(f"'{model.name}' does not translate as it should ({', '.join(named)}): {said}", hint)
