"""Continuous batching: sources wait encoded in a queue, and each takes a slot as soon as another row is finished."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from translate.engines.native.rules import Task, Tasks
from translate.engines.native.torch_search import Search
from translate.engines.native.torch_steps import SHORTEST, Decoder, Encoder, Group, whole_blocks
from translate.engines.native.torch_weights import Weights
from translate.records import Hypothesis

ENCODER_TOKENS = 1024
"""Padded source tokens that are encoded at once, ahead of the slots that wait for them."""
LONG = 64
"""Target tokens. Rows that have more stand in front, so that one endless row doesn't widen the attention of all."""


@dataclass(slots=True)
class Encoded:
    """Sources that wait for slots: memory [n, columns, …], of which the first `used` have gone."""

    jobs: Sequence[Task]
    memory: Tensor
    used: int = 0


class Queue:
    """Tasks of one worker, encoded a batch at a time."""

    def __init__(self, weights: Weights, jobs: Tasks, pad: int) -> None:
        self._encoder, self._device = Encoder(weights), weights.device
        self._jobs, self._pad = jobs, pad
        self._ready: Encoded | None = None

    @property
    def stopped(self) -> bool:
        """Whether nothing more is wanted."""
        return self._jobs.stopped

    def longest(self) -> int:
        """The source length of the next job, 0 if there is none; encodes it if need be."""
        if self._ready is None:
            columns = whole_blocks(self._jobs.longest(), SHORTEST)
            batch = self._jobs.take(max(1, ENCODER_TOKENS // columns))
            self._ready = self._encode(batch) if batch else None
        return len(self._ready.jobs[self._ready.used].request.source) if self._ready else 0

    def take(self, count: int) -> tuple[Sequence[Task], Tensor]:
        """At most `count` jobs of those that are encoded, and their memory [n, columns, …]."""
        ready = self._ready
        assert ready is not None
        first, ready.used = ready.used, min(len(ready.jobs), ready.used + count)
        if ready.used == len(ready.jobs):
            self._ready = None
        return ready.jobs[first : ready.used], ready.memory[first : ready.used]

    def _encode(self, batch: list[Task]) -> Encoded:
        columns = whole_blocks(len(batch[0].request.source), SHORTEST)
        rows = [[*job.request.source, *[self._pad] * (columns - len(job.request.source))] for job in batch]
        lengths = torch.tensor([len(job.request.source) for job in batch], device=self._device)
        return Encoded(batch, self._encoder.encode(torch.tensor(rows, device=self._device), lengths))


@dataclass(frozen=True, slots=True)
class Arrangement:
    """Which slots to copy where at once (targets and sources), which are then free, and how many long rows are in front."""

    targets: list[int]
    sources: list[int]
    free: list[int]
    long: int


def arrange(used: int, long: int, finished: set[int], grown: set[int]) -> Arrangement:
    """Bring the rows that have grown long to the front, behind those that already are, with the fewest copies.

    The first `used` slots are in use, of them the first `long` hold long rows; `finished` ones are free.
    """
    front = [slot for slot in range(used) if (slot < long or slot in grown) and slot not in finished]
    size = len(front)
    come = [slot for slot in front if slot >= size]
    belongs = set(front)
    places = [slot for slot in range(size) if slot not in belongs]
    displaced = [slot for slot in places if slot not in finished]
    vacant = sorted((finished - set(range(size))) | set(come))
    return Arrangement([*places, *vacant[: len(displaced)]], [*come, *displaced], vacant[len(displaced) :], size)


@dataclass(frozen=True, slots=True)
class Placed:
    """What is in a slot: a job, and the loop's step before its first."""

    job: Task
    began: int


@dataclass(slots=True)
class Loop:
    """Steps all slots until the queue is empty and every row is finished. The slots in use are always the first ones.

    How far each row is, the loop knows by itself; the one thing that it has to ask of the device is which are finished.
    """

    queue: Queue
    decoder: Decoder
    search: Search
    size: int
    """Slots at most."""
    tokens: int
    """Padded source tokens in all slots at most."""
    rows: list[Placed] = field(default_factory=list)
    """Of the slots in use."""
    long: int = 0
    clock: int = 0
    """Steps made."""

    def run(self) -> Iterator[list[Hypothesis]]:
        """What each step finishes, if anything."""
        self._fill([])
        while self.rows and not self.queue.stopped:
            finished = self._step()
            grown = [slot for slot, row in enumerate(self.rows) if self.clock - row.began == LONG]
            if finished:
                found = self.search.results(finished)
                yield [
                    Hypothesis(self.rows[slot].job.request.number, tuple(each.target), each.score, each.complete)
                    for slot, each in zip(finished, found, strict=True)
                ]
            if finished or grown:
                plan = arrange(len(self.rows), self.long, set(finished), set(grown))
                self.long = plan.long
                self._move(plan.targets, plan.sources)
                self._close(self._fill(plan.free))

    def _step(self) -> list[int]:
        """One token more for every slot; the slots that it finished."""
        used, groups = len(self.rows), self._groups()
        self.decoder.reserve(groups)
        self.search.positions[used : groups[-1].last] = 0  # of slots that only fill the block
        self._advance(groups)
        self.clock += 1
        return [slot for slot, done in enumerate(self.search.done[:used].tolist()) if done]

    def _advance(self, groups: Sequence[Group]) -> None:
        """Nothing here asks for a value on the host."""
        n, decoder, search = groups[-1].last, self.decoder, self.search
        logits = decoder.step(search.tokens[:n], search.positions[:n], groups)
        parents = search.advance(n, logits, max(group.past for group in groups))
        if parents is not None:
            decoder.reorder(n, parents)

    def _groups(self) -> tuple[Group, ...]:
        """The long rows and the others."""

        def group(first: int, last: int) -> Group:
            rows = self.rows[first:last]
            past = max((self.clock - row.began for row in rows), default=0) + 1
            source = max((len(row.job.request.source) for row in rows), default=1)
            return Group(first, last, whole_blocks(past, SHORTEST), whole_blocks(source, SHORTEST))

        n = min(whole_blocks(len(self.rows)), self.decoder.slots)
        long = min(whole_blocks(self.long), n) if self.long else 0
        return tuple(group(first, last) for first, last in ((0, long), (long, n)) if first < last)

    def _fill(self, free: list[int]) -> list[int]:
        """Put waiting jobs into the free slots and behind the used ones, while there is room; what stays free."""
        while longest := self.queue.longest():
            used = len(self.rows)
            room = min(self.size, max(1, self.tokens // whole_blocks(longest, SHORTEST))) - used + len(free)
            if room <= 0:
                break
            jobs, memory = self.queue.take(room)
            slots = [*free[: len(jobs)], *range(used, used + len(jobs) - len(free))]
            free = free[len(jobs) :]
            for slot, job in zip(slots, jobs, strict=True):
                self.rows[slot : slot + 1] = [Placed(job, self.clock)]
            places = torch.tensor(slots, device=memory.device)
            lengths = torch.tensor([len(job.request.source) for job in jobs], device=memory.device)
            self.decoder.start(places, memory, lengths)
            self.search.start(places, torch.tensor([job.limit for job in jobs], device=memory.device))
        return free

    def _close(self, free: list[int]) -> None:
        """Move the last slots in use into the free ones before them."""
        left = len(self.rows) - len(free)
        sources = [slot for slot in range(left, len(self.rows)) if slot not in free]
        self._move([slot for slot in free if slot < left], sources)
        del self.rows[left:]

    def _move(self, targets: list[int], sources: list[int]) -> None:
        if not targets:
            return
        moved = [self.rows[source] for source in sources]
        for target, row in zip(targets, moved, strict=True):
            self.rows[target] = row
        device = self.search.tokens.device
        to, come = torch.tensor(targets, device=device), torch.tensor(sources, device=device)
        self.decoder.move(to, come)
        self.search.move(to, come)
