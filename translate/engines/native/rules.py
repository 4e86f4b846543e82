"""What of a model's generation settings the searches of the engine `native` follow, and the tasks that they share."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count

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


@dataclass(frozen=True, slots=True)
class Window:
    """Tasks that are decoded together, longest first, with the rules of a first or of a safer try."""

    requests: Sequence[Task]
    shared: Tasks
    safer: bool


class Feed:
    """Windows on their way to the workers. All workers are at a window together, and each goes on alone to the next one:
    so nobody waits for the last row of a window.
    """

    def __init__(self, workers: int, wanted: Callable[[], None]) -> None:
        """`wanted` is called, by a worker, as soon as the newest window is begun: then there should be another."""
        self._workers, self._wanted = workers, wanted
        self._windows: dict[int, Window | None] = {}
        self._begun: Counter[int] = Counter()
        self._added = 0
        self._changed = threading.Condition()
        self._stopped = False

    def add(self, window: Window | None) -> None:
        """One more window; None is the end."""
        with self._changed:
            self._windows[self._added] = window
            self._added += 1
            self._changed.notify_all()

    def follow(self) -> Iterator[Window]:
        """The windows in order, for one worker; waits for those that are not there yet."""
        for number in count():
            window = self._wait(number)
            if window is None:
                return
            yield window

    def stop(self) -> None:
        """Nothing more is wanted: every worker ends with its present step."""
        with self._changed:
            self._stopped = True
            for window in self._windows.values():
                if window is not None:
                    window.shared.stop()
            self._changed.notify_all()

    def _wait(self, number: int) -> Window | None:
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or number in self._windows)
            window = None if self._stopped else self._windows[number]
            self._begun[number] += 1
            if window is not None and self._begun[number] == 1:
                self._wanted()
            if number and self._begun[number] == self._workers:  # nobody is at the one before
                self._windows.pop(number - 1, None)
                del self._begun[number - 1]
        return window
