"""What is still to be translated, shared by the workers of the engine `native`."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from translate.records import Request


@dataclass(frozen=True, slots=True)
class Job:
    """A request and the most target tokens it may get, the end among them."""

    request: Request
    limit: int


class Jobs:
    """Longest first; each job is given once."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._waiting = deque(jobs)
        self._lock = threading.Lock()
        self.stopped = False

    def longest(self) -> int:
        """Source tokens of the next job; 0 if there is none."""
        with self._lock:
            return len(self._waiting[0].request.source) if self._waiting else 0

    def take(self, count: int) -> list[Job]:
        """The next `count` jobs, or as many as there are."""
        with self._lock:
            return [self._waiting.popleft() for _ in range(min(len(self._waiting), count))]

    def stop(self) -> None:
        """Nothing more is wanted: every loop ends with its present step."""
        self.stopped = True
