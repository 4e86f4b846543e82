"""What of a generation_config.json and of the user's settings the searches of the engine `native` follow."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from translate.engines.base import SAFER_BEAMS, SAFER_NGRAM
from translate.records import EngineError, Request, Settings

UNSUPPORTED = {
    "min_length": 0,
    "min_new_tokens": 0,
    "repetition_penalty": 1.0,
    "encoder_repetition_penalty": 1.0,
    "no_repeat_ngram_size": 0,
    "encoder_no_repeat_ngram_size": 0,
    "forced_bos_token_id": None,
    "suppress_tokens": None,
    "begin_suppress_tokens": None,
    "sequence_bias": None,
    "exponential_decay_length_penalty": None,
    "num_beam_groups": 1,
}
"""What a generation_config may ask for and this engine does not do → the value that asks for nothing."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What of a generation_config a search follows."""

    beams: int
    length_penalty: float
    early_stopping: bool | str
    """False, True or "never"; transformers' documentation of GenerationConfig says what they mean."""
    renormalize: bool
    start: int
    end: int
    barred: tuple[int, ...]
    """Tokens that are never chosen."""
    ngram: int = 0
    """Tokens: no sequence of so many occurs twice. 0 is no such rule."""


def read_rules(generation: Mapping[str, Any], settings: Settings) -> Rules:
    """What the search follows of a generation_config.json and the user's settings. Raises EngineError for what it cannot.

    A forced end never comes about: every row's limit is before the model's last position.
    """
    hint = "use --engine transformers for this model"
    for name, nothing in UNSUPPORTED.items():
        if generation.get(name, nothing) != nothing:
            raise EngineError(f"the engine 'native' does not know {name}={generation[name]!r}", hint)
    end, barred = generation["eos_token_id"], generation.get("bad_words_ids") or []
    ends = end if isinstance(end, list) else [end]
    if len(ends) != 1 or any(len(ids) != 1 for ids in barred):
        said = f"eos {ends}, bad words {barred}"
        raise EngineError(f"the engine 'native' bars single tokens and knows one end: {said}", hint)
    penalty = generation.get("length_penalty") if settings.length_penalty is None else settings.length_penalty
    return Rules(
        beams=settings.beams or generation.get("num_beams") or 1,
        length_penalty=1.0 if penalty is None else float(penalty),
        early_stopping=generation.get("early_stopping") or False,
        renormalize=bool(generation.get("renormalize_logits")),
        start=generation["decoder_start_token_id"],
        end=ends[0],
        barred=tuple(ids[0] for ids in barred if ids[0] != ends[0]),
    )


def safer_rules(rules: Rules) -> Rules:
    """More beams, and no n-gram twice."""
    return replace(rules, beams=rules.beams + SAFER_BEAMS, ngram=SAFER_NGRAM)


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
