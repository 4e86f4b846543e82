"""What of a model's generation settings the searches of the engine `native` follow, and the tasks that they share."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace

from translate.engines.base import SAFER_BEAMS, safer_ngram
from translate.model.generation import EarlyStopping, GenerationSettings, unsupported
from translate.records import EngineError, Request


@dataclass(frozen=True, slots=True)
class Rules:
    """What of a generation_config a search follows."""

    beams: int
    length_penalty: float
    early_stopping: EarlyStopping
    """False, True or "never"; transformers' documentation of GenerationConfig says what they mean."""
    renormalize: bool
    start: int
    end: int
    barred: tuple[int, ...]
    """Tokens that are never chosen."""
    ngram: int = 0
    """Tokens: no sequence of so many occurs twice. 0 is no such rule."""


def read_rules(generation: GenerationSettings) -> Rules:
    """What the search follows of a model's generation settings. Raises EngineError for what it cannot.

    A forced end never comes about: every row's limit is before the model's last position.
    """
    if reasons := unsupported(generation, "native"):
        hint = "use --engine transformers for this model"
        raise EngineError(f"the model asks for what cannot be done: {reasons[0]}", hint)
    return Rules(
        beams=generation.num_beams,
        length_penalty=generation.length_penalty,
        early_stopping=generation.early_stopping,
        renormalize=generation.renormalize_logits,
        start=generation.decoder_start_token_id,
        end=generation.eos_token_id[0],
        barred=generation.single_barred,
        ngram=generation.no_repeat_ngram_size,
    )


def safer_rules(rules: Rules) -> Rules:
    """More beams, and no n-gram twice."""
    return replace(rules, beams=rules.beams + SAFER_BEAMS, ngram=safer_ngram(rules.ngram))


@dataclass(frozen=True, slots=True)
class Task:
    """A request and the most target tokens it may get, the end among them."""

    request: Request
    limit: int


class Tasks:
    """Longest first; each job is given once."""

    def __init__(self, jobs: Sequence[Task]) -> None:
        self._waiting = deque(jobs)
        self._lock = threading.Lock()
        self.stopped = False

    def longest(self) -> int:
        """Source tokens of the next job; 0 if there is none."""
        with self._lock:
            return len(self._waiting[0].request.source) if self._waiting else 0

    def take(self, count: int) -> list[Task]:
        """The next `count` jobs, or as many as there are."""
        with self._lock:
            return [self._waiting.popleft() for _ in range(min(len(self._waiting), count))]

    def stop(self) -> None:
        """Nothing more is wanted: every loop ends with its present step."""
        self.stopped = True
