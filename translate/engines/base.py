"""The seam between the pipeline and whatever translates: token ids in, token ids out, as a stream.

An engine knows token ids, never files or documents. Requests carry a number; hypotheses carry the same number, come
when they are ready, in any order, and the pipeline puts them back.
"""

from __future__ import annotations

import dataclasses
import gc
import importlib
import importlib.util
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from itertools import chain
from types import MappingProxyType
from typing import Protocol

from translate.model.folder import read_vocabulary
from translate.model.generation import GenerationSettings
from translate.records import EngineError, Hypothesis, Model, ModelError, Request, Settings, Signature

AUTO = "native"
"""What `auto` means wherever it can do what is asked for and passes its self-check."""
REFERENCE = "transformers"
"""What `auto` means elsewhere."""
ENGINES = {
    REFERENCE: "translate.engines.transformers:TransformersEngine",
    "ctranslate2": "translate.engines.ctranslate2:CTranslate2Engine",
    AUTO: "translate.engines.native.engine:NativeEngine",
    "echo": "translate.engines.base:EchoEngine",
}
"""Name → module:class, imported on use."""

NEEDS = {"ctranslate2": "ctranslate2"}
"""Engine → the optional package that it needs."""

SAFER_BEAMS = 2
"""How many beams a second try has more than the first."""
SAFER_NGRAM = 4
"""Tokens: a second try repeats no sequence of so many."""
LONGEST_PER_SOURCE = 3
LONGEST_SLACK = 32
"""Target tokens: a row ends at 3 × its source + 32 at the latest. No translation is so long; a loop is, and would hold
up its batch until the model's last position. A row's limit depends on that row alone."""


def row_limit(source_tokens: int, positions: int) -> int:
    """Target tokens, the end among them, after which a row ends: before the last of the model's positions."""
    return min(positions - 2, LONGEST_PER_SOURCE * source_tokens + LONGEST_SLACK)


def safer_settings(settings: GenerationSettings) -> GenerationSettings:
    """Those of a second try: more beams, and no n-gram twice."""
    beams, ngram = settings.num_beams + SAFER_BEAMS, safer_ngram(settings.no_repeat_ngram_size)
    return dataclasses.replace(settings, num_beams=beams, no_repeat_ngram_size=ngram)


def safer_ngram(own: int) -> int:
    """The n-grams that a second try does not repeat, for a model that forbids those of `own` tokens (0: none)."""
    return min(own or SAFER_NGRAM, SAFER_NGRAM)


NUMPY_THREADS = "OPENBLAS_NUM_THREADS"
"""Read by numpy's library when it is loaded."""

DTYPES = ("auto", "float32", "bfloat16", "float16", "int8")


@dataclass(frozen=True, slots=True)
class SelfCheck:
    """A few short sentences by which an engine can check itself at load."""

    sources: tuple[tuple[int, ...], ...]
    """Token ids, the end-of-sentence id last."""
    greedy: tuple[tuple[int, ...], ...] | None = None
    """Each one's target ids by a greedy search in float32, without start and end; None if nobody has stored them."""


class Engine(Protocol):
    """What every engine offers."""

    name: str
    dtype: str
    device: str
    batch_tokens: int
    """Padded source tokens a batch that suit the hardware."""
    batch_independent: bool
    """Whether a row's result is the same whatever shares its batch. If so, `translate` may get a whole window at once."""
    signature: Signature
    """What of the engine can change an output: versions, decoding settings."""

    def translate(self, requests: Iterable[Request]) -> Iterator[Hypothesis]:
        """One hypothesis for each request, in any order."""
        ...


class ForcedError(EngineError):
    """What the user insists on cannot be: nothing takes its place."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The engine of a run."""

    engine: Engine
    fallback: str = ""
    """Why `auto` is not the engine native this time; empty if it is, or if an engine was named."""


def choose_engine(model: Model, settings: Settings, check: SelfCheck | None = None) -> Choice:
    """The engine that the settings name, with the model's weights; `auto` is native, or transformers and why.

    With a self-check, native checks itself by it. Raises EngineError for an unknown engine, one whose packages are missing, a
    setting that it cannot do, or a failed self-check of an engine that was named; ModelError for weights that do not load.
    """
    if settings.engine != "auto":
        if settings.engine not in ENGINES:
            raise EngineError(f"unknown engine '{settings.engine}'", f"engines are: auto, {', '.join(ENGINES)}")
        return Choice(_load(settings.engine, model, settings, check))
    try:
        return Choice(_load(AUTO, model, settings, check))
    except ForcedError:
        raise
    except EngineError as error:
        if settings.dtype == "int8":
            raise  # the reference has no int8 either
        reason = error.message
    return Choice(_load(REFERENCE, model, settings, check), f"using the engine '{REFERENCE}': {reason}")


def load_engine(model: Model, settings: Settings, check: SelfCheck | None = None) -> Engine:
    """As `choose_engine`, for callers that say nothing to a user."""
    return choose_engine(model, settings, check).engine


def _load(name: str, model: Model, settings: Settings, check: SelfCheck | None) -> Engine:
    # A thread that waits for another sleeps instead of spinning. Where other programs run too, spinning made two threads
    # five times as slow as one, or worse. OpenMP reads this when torch or ctranslate2 is imported.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    module, _, attribute = ENGINES[name].partition(":")
    with _garbage_kept(), _one_thread_in_numpy() if name == AUTO else nullcontext():
        make = getattr(importlib.import_module(module), attribute)
    engine: Engine = make(model, settings, check) if name == AUTO else make(model, settings)
    return engine


@contextmanager
def _one_thread_in_numpy() -> Iterator[None]:
    """If numpy is imported now, its products are made by one thread: they are few, and threads that wait for others spin.

    On a busy machine the self-check took 8 seconds so, instead of half a second.
    """
    before = os.environ.get(NUMPY_THREADS)
    os.environ.setdefault(NUMPY_THREADS, "1")
    try:
        yield
    finally:
        if before is None:  # torch may read it too, and its products are many
            del os.environ[NUMPY_THREADS]


@contextmanager
def _garbage_kept() -> Iterator[None]:
    """No garbage collection: importing torch and transformers makes so many objects that it took a sixth of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def installed_engines() -> list[str]:
    """The engines whose packages are there."""
    return [name for name in ENGINES if name not in NEEDS or importlib.util.find_spec(NEEDS[name]) is not None]


class EchoEngine:
    """Gives the source's words in reverse order: for dry runs, and for tests of everything but the translating."""

    name = "echo"
    dtype = "none"
    device = "cpu"
    batch_tokens = 16_384
    batch_independent = True
    signature: Signature = MappingProxyType({"engine": "echo"})

    def __init__(self, model: Model, settings: Settings) -> None:
        """Reads the model's vocabulary, to know which pieces begin a word; needs none of the settings."""
        self.word_starts = {
            number for piece, number in read_vocabulary(model.folder).items() if piece.startswith("\u2581")
        }

    def rebatch(self, tokens: int | None, size: int | None) -> None:
        """Other batches: it has none."""

    def translate(self, requests: Iterable[Request]) -> Iterator[Hypothesis]:
        """Each request's source without the end-of-sentence id, its words reversed."""
        for request in requests:
            source = request.source[:-1]
            starts = [i for i, token in enumerate(source) if token in self.word_starts and i]
            words = [source[start:end] for start, end in zip([0, *starts], [*starts, len(source)], strict=True)]
            yield Hypothesis(request.number, tuple(chain.from_iterable(reversed(words))), 0.0)


@contextmanager
def refusals_of(model: Model) -> Iterator[None]:
    """Where a model is tried for the first time: what its settings and weights break in a library is a ModelError.

    Files that passed their own checks may still ask a library for what it cannot do. Its error stays behind ours, for
    whoever looks for a bug. Memory that runs out is an EngineError: no file is to blame.
    """
    try:
        yield
    except (ArithmeticError, LookupError, MemoryError, RuntimeError, TypeError, ValueError) as error:
        said = next(iter(str(error).splitlines()), "")[:200]
        if isinstance(error, MemoryError) or "out of memory" in said or "can't allocate memory" in said:
            hint = "use --dtype int8 or float16, fewer --beams, smaller batches, or a machine with more memory"
            raise EngineError(f"there is too little memory for the model '{model.name}'", hint) from error
        hint = "try another --engine; if none runs it, its files do not fit together: download the model again"
        raise ModelError(f"the model '{model.name}' does not run: {type(error).__name__}: {said}", hint) from error
