"""A model and settings → an engine that has proved itself, and the signature of its rows."""

from __future__ import annotations

from importlib.metadata import version

from translate.engines.base import Engine, load_engine, refusals_of
from translate.model.folder import read_canary
from translate.model.tokenizer import Tokenizer
from translate.records import (
    Flag,
    Model,
    ModelError,
    Request,
    Settings,
    Signature,
)
from translate.run.advice import advise
from translate.run.checks import check_target


def load_advised(model: Model, settings: Settings) -> tuple[Engine, Settings, str]:
    """The engine, the settings as `translate bench` recommends them if it was run for such a run, and how it put it."""
    advice = advise(model, settings)
    if advice is not None:
        engine = load_engine(model, advice.settings)
        if (engine.dtype, engine.device) == (advice.dtype, advice.device):
            return engine, advice.settings, advice.reason
    return load_engine(model, settings), settings, ""


BEHAVIOUR = "2"
"""Part of the signature: raised whenever the same engine's rows would come out differently."""


CANARY = ("Das ist ein Haus.", "Guten Morgen, wie geht es Ihnen?", "Ich habe heute zwei Bücher gekauft.")


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
        "sentences": f"choppa-{version('choppa-srx')}",
        "normalize": tokenizer.normalization,
        "split": str(settings.comfortable_tokens),
        "behaviour": BEHAVIOUR,
    }
    return signature


def check_canary(model: Model, engine: Engine, tokenizer: Tokenizer) -> None:
    """Raise ModelError unless the engine translates a few fixed sentences as it should.

    A bundled model has to give its stored ids in float32. Any other may not echo, loop or
    fall silent on most of them.
    """
    if engine.name == "echo":
        return
    requests = [Request(i, ids) for i, ids in enumerate(tokenizer.encode(CANARY))]
    with refusals_of(model):
        targets = {hypothesis.number: hypothesis.target for hypothesis in engine.translate(requests)}
    answers = [targets[i] for i in range(len(CANARY))]
    if model.bundled:
        expected = read_canary(model.folder).answers.get(engine.signature.get("beams", ""))
        wrong = engine.dtype == "float32" and expected is not None and tuple(answers) != expected
    else:
        doubts = [set(check_target(text, tokenizer.decode(ids))) for text, ids in zip(CANARY, answers, strict=True)]
        wrong = sum(bool(flags & {Flag.ECHO, Flag.LOOP, Flag.EMPTY}) for flags in doubts) * 2 > len(CANARY)
    if wrong:
        said = "; ".join(
            f"'{text}' → '{tokenizer.decode(ids)[:60]}'" for text, ids in zip(CANARY, answers, strict=True)
        )
        versions = ", ".join(
            f"{name} {value}" for name, value in engine.signature.items() if name in ("engine", "torch", "dtype")
        )
        hint = "these library versions may not suit the model, or its files are damaged; try --dtype float32, or other versions"
        raise ModelError(f"'{model.name}' does not translate as it should ({versions}): {said}", hint)
