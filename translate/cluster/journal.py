"""The one process of a cluster run that keeps: memory, who owns which sentence, how far each worker is.

It runs on the driver's machine, so the memory is a file there. Windows are entered in reading order, before any of them
is translated: a sentence that stands in several belongs to the first, as on one machine, and each window is made into
the batches that one machine would have made. Nothing here knows Ray: the cluster makes an actor of the class.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from translate.records import Translation
from translate.run.events import Progress
from translate.run.memory import Memory, Remembered, window_key


class Known(IntEnum):
    """What is known of a sentence when its window begins."""

    NO = 0
    HERE = 1  # translated in this window, by an attempt that did not end
    ELSEWHERE = 2  # translated, or being translated, in another window


@dataclass(frozen=True, slots=True)
class JournalState:
    """How the run stands: what all workers have done, and who or what has been silent for so many seconds."""

    progress: Progress
    silent: Mapping[str, float]
    refusal: tuple[str, str] | None
    """Why a node was refused, and what to do."""


class Journal:
    """Holds the memory. Its methods are called by the planner, the workers and the driver, one at a time."""

    def __init__(self, path: Path, signature: str, *, alone: bool = False) -> None:
        self._memory = Memory(path, signature, alone=alone)
        self._owners: dict[str, str] = {}  # sentence → the window that is to translate it
        self._owned: dict[str, list[str]] = {}  # the reverse, by window
        self._elsewhere: dict[str, frozenset[str]] = {}
        self._done = Progress()
        self._attempts: dict[str, Progress] = defaultdict(Progress)
        self._working: dict[str, tuple[str, float]] = {}  # worker → its window, and when it last said something
        self._idle: dict[str, None] = {}  # workers that have done a window and not begun another
        self._changed = time.monotonic()  # when a window was last entered or done
        self._refusal: tuple[str, str] | None = None

    def plan(self, window: str, texts: Sequence[str]) -> None:
        """Enter a window: each of its sentences that nobody has or will have is its own. Entering it again is nothing."""
        if window in self._elsewhere:
            return
        key, sources = window_key(dict.fromkeys(texts)), dict.fromkeys(texts)
        known = self._memory.find(sources)
        self._elsewhere[window] = frozenset(
            text for text in sources if text in self._owners or (text in known and known[text].window != key)
        )
        self._owned[window] = [text for text in sources if text not in known and text not in self._elsewhere[window]]
        self._owners.update(dict.fromkeys(self._owned[window], window))
        self._changed = time.monotonic()

    def begin(self, worker: str, window: str, texts: Sequence[str]) -> list[Known]:
        """A worker begins a window, or begins it again after another one died: what is known of each sentence."""
        for other, (its, _) in list(self._working.items()):
            if its == window:
                del self._working[other]
        self._working[worker] = (window, time.monotonic())
        self._idle.pop(worker, None)
        self._attempts[window] = Progress()
        known = self._memory.find(texts)
        elsewhere = self._elsewhere.get(window, frozenset())
        return [Known.ELSEWHERE if text in elsewhere else Known.HERE if text in known else Known.NO for text in texts]

    def add(self, worker: str, key: int, translations: Sequence[tuple[str, Translation]]) -> None:
        """Keep what a worker has translated, for good."""
        self._memory.add(key, translations)
        self._touch(worker)

    def report(self, worker: str, window: str, progress: Progress) -> None:
        """So much more has been done of the window."""
        self._attempts[window] += progress
        self._touch(worker)

    def finish(self, worker: str, window: str) -> None:
        """The window is done, and all of it is in the memory."""
        self._done += self._attempts.pop(window, Progress())
        self._elsewhere.pop(window, None)
        for text in self._owned.pop(window, []):
            self._owners.pop(text, None)
        self._working.pop(worker, None)
        self._idle[worker] = None
        self._changed = time.monotonic()

    def find(self, texts: Sequence[str]) -> dict[str, Translation]:
        """The translations of sentences whose windows are done."""
        return {text: entry.translation for text, entry in self._memory.find(texts).items()}

    def refuse(self, message: str, hint: str) -> None:
        """A node that does not fit: why, and what to do. The first one counts."""
        self._refusal = self._refusal or (message, hint)

    def state(self) -> JournalState:
        """How the run stands."""
        now = time.monotonic()
        total = sum(self._attempts.values(), self._done)
        silent = {f"{who} is at work and has said nothing": now - since for who, (_, since) in self._working.items()}
        if self._elsewhere and not self._working:  # one may hang that could not yet say what it begins
            idle = f" (idle: {'; '.join(self._idle)})" if self._idle else ""
            silent[f"{len(self._elsewhere)} windows wait, and no worker has begun one{idle}"] = now - self._changed
        return JournalState(total, silent, self._refusal)

    def close(self) -> None:
        """Close the memory."""
        self._memory.close()

    def _touch(self, worker: str) -> None:
        with suppress(KeyError):  # it was given up for dead
            self._working[worker] = (self._working[worker][0], time.monotonic())


def remember(known: Mapping[str, Known], key: int) -> dict[str, Remembered]:
    """As a translator wants to hear it. The translations stay with the journal: a worker needs to know only whose they are."""
    nothing = Translation("", None)
    return {
        text: Remembered(nothing, key if what is Known.HERE else ~key)
        for text, what in known.items()
        if what is not Known.NO
    }
