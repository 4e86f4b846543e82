"""The engine `native`: our own decoding loop on Marian's weights, with continuous batching over static caches.

A row's result does not depend on what shares its batch, on the batch's size, on order or on threads: see engine_native_steps.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from itertools import islice
from typing import Any

import torch
from torch import Tensor

from translate.engine_hf import (
    LONGEST_PER_SOURCE,
    LONGEST_SLACK,
    SAFER_BEAMS,
    SAFER_NGRAM,
    choose_device,
    choose_dtype,
    generation_config,
    load_weights,
)
from translate.engine_native_scores import Rules
from translate.engine_native_search import Search, make_search
from translate.engine_native_steps import SHORTEST, Decoder, Encoder, whole_blocks
from translate.engine_native_weights import Weights, pack_weights
from translate.records import EngineError, Hypothesis, Model, Request, Settings, Signature

VERSION = "1"
"""Of this engine: raised whenever the same request could come out differently."""
WINDOW = 8192
"""Requests read ahead and sorted by length."""
ROWS = 128
"""Rows of a decoding step, beams counted: enough to reach the matrix peak, and few enough to stay in the cache."""
GPU_ROWS = 1024
ENCODER_TOKENS = 1024
"""Padded source tokens that are encoded at once, ahead of the slots that wait for them."""
CPU_BATCH_TOKENS = 8192
GPU_BATCH_TOKENS = 65_536
"""Padded source tokens in all slots: holds down what long sources take of memory."""

UNSUPPORTED = {
    "min_length": (None, 0),
    "min_new_tokens": (None, 0),
    "repetition_penalty": (None, 1.0),
    "encoder_repetition_penalty": (None, 1.0),
    "no_repeat_ngram_size": (None, 0),
    "encoder_no_repeat_ngram_size": (None, 0),
    "forced_bos_token_id": (None,),
    "suppress_tokens": (None,),
    "begin_suppress_tokens": (None,),
    "sequence_bias": (None,),
    "exponential_decay_length_penalty": (None,),
    "num_beam_groups": (None, 1),
}
"""What a generation_config may ask for and this engine does not do → values that ask for nothing."""


class NativeEngine:
    """Slots that decode together, each taken by the next source as soon as its row is finished."""

    name = "native"
    batch_independent = True

    def __init__(self, model: Model, settings: Settings) -> None:
        """Load and pack the weights. Raises EngineError for a setting it cannot do, ModelError for bad weights."""
        self.device = choose_device(settings.device)
        self.dtype = choose_native_dtype(settings.dtype, self.device)
        loaded = load_weights(model.folder, torch.float32).eval()
        config = generation_config(model.folder, loaded, settings)
        self._rules = read_rules(config)
        self._positions = min(int(loaded.config.max_position_embeddings), int(config.max_length or 512))
        self._pad = int(loaded.config.pad_token_id)
        self._weights = pack_weights(loaded, self.dtype, self.device)
        on_gpu = not self.device.startswith("cpu")
        self.batch_tokens = GPU_BATCH_TOKENS if on_gpu else CPU_BATCH_TOKENS
        self._tokens = settings.batch_tokens or self.batch_tokens
        self._size = settings.batch_size
        self._rows = GPU_ROWS if on_gpu else ROWS
        self.signature: Signature = {
            "engine": f"native-{VERSION}",
            "torch": str(version("torch")),
            "device": torch.device(self.device).type,
            "dtype": self.dtype,
            "beams": str(self._rules.beams),
            "length-penalty": f"{self._rules.length_penalty:g}",
        }

    def translate(self, requests: Iterable[Request]) -> Iterator[Hypothesis]:
        """One hypothesis for each request, as they finish."""
        stream = iter(requests)
        while window := list(islice(stream, WINDOW)):
            for safer in (False, True):
                some = sorted((r for r in window if r.safer is safer), key=lambda request: -len(request.source))
                if some:
                    yield from self._translate_sorted(some, safer=safer)

    def _translate_sorted(self, requests: Sequence[Request], *, safer: bool) -> Iterator[Hypothesis]:
        """Longest first: what shares a step is of about one length, and caches are at their largest at once."""
        rules = safer_rules(self._rules) if safer else self._rules
        size = self._size or max(1, self._rows // rules.beams)
        slots = whole_blocks(min(size, len(requests)))
        limits = [
            min(self._positions - 2, LONGEST_PER_SOURCE * len(request.source) + LONGEST_SLACK) for request in requests
        ]
        search = make_search(rules, slots, max(limits), self._weights.device)
        decoder = Decoder(self._weights, slots, rules.beams)
        loop = Loop(Queue(self._weights, requests, limits, self._pad), decoder, search, size, self._tokens)
        with torch.inference_mode():
            steps = iter(loop.run())
        while True:
            with torch.inference_mode():  # not held while the caller works between two results
                found = next(steps, None)
            if found is None:
                return
            yield from found


@dataclass(slots=True)
class Encoded:
    """Sources that are encoded and wait for slots: memory [n, columns, …], of which the first `used` have gone."""

    requests: Sequence[Request]
    limits: Sequence[int]
    memory: Tensor
    used: int = 0


class Queue:
    """Requests in order, encoded a batch at a time, ahead of their being needed."""

    def __init__(self, weights: Weights, requests: Sequence[Request], limits: Sequence[int], pad: int) -> None:
        self._encoder, self._device, self._pad = Encoder(weights), weights.device, pad
        self._waiting = deque(zip(requests, limits, strict=True))
        self._ready: Encoded | None = None

    @property
    def longest(self) -> int:
        """The source length of the next request, 0 if there is none."""
        if self._ready is not None:
            return len(self._ready.requests[self._ready.used].source)
        return len(self._waiting[0][0].source) if self._waiting else 0

    def take(self, count: int) -> tuple[Sequence[Request], Sequence[int], Tensor] | None:
        """At most `count` requests, their limits and their memory [n, columns, …]; None if there are none left."""
        if self._ready is None:
            if not self._waiting:
                return None
            self._ready = self._encode()
        ready, first = self._ready, self._ready.used
        ready.used = last = min(len(ready.requests), first + count)
        if last == len(ready.requests):
            self._ready = None
        return ready.requests[first:last], ready.limits[first:last], ready.memory[first:last]

    def _encode(self) -> Encoded:
        """The next sources, as many as ENCODER_TOKENS allows."""
        columns = whole_blocks(len(self._waiting[0][0].source), SHORTEST)
        batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), max(1, ENCODER_TOKENS // columns)))]
        rows = [[*request.source, *[self._pad] * (columns - len(request.source))] for request, _ in batch]
        lengths = torch.tensor([len(request.source) for request, _ in batch], device=self._device)
        memory = self._encoder.encode(torch.tensor(rows, device=self._device), lengths)
        return Encoded([request for request, _ in batch], [limit for _, limit in batch], memory)


class Loop:
    """Steps all slots until the queue is empty and every row is finished. The slots in use are always the first ones."""

    def __init__(self, queue: Queue, decoder: Decoder, search: Search, size: int, tokens: int) -> None:
        self._queue, self._decoder, self._search = queue, decoder, search
        self._size, self._tokens = size, tokens
        self._requests: list[Request] = []
        """Of the slots in use."""

    def run(self) -> Iterator[list[Hypothesis]]:
        """What each step finishes, if anything."""
        self._fill([])
        while self._requests:
            finished = self._step()
            if finished:
                found = self._search.results(finished)
                yield [
                    Hypothesis(self._requests[slot].number, tuple(each.target), each.score, each.complete)
                    for slot, each in zip(finished, found, strict=True)
                ]
                self._close(self._fill(finished))

    def _step(self) -> list[int]:
        """One token more for every slot; the slots that it finished."""
        used = len(self._requests)
        n = whole_blocks(used)
        search = self._search
        search.positions[used:n] = 0  # of slots that only fill the block
        longest = int(search.positions[:n].max())
        source = max(len(request.source) for request in self._requests)
        logits = self._decoder.step(search.tokens[:n], search.positions[:n], longest=longest, source=source)
        finished, parents = search.advance(n, logits)
        if parents is not None:
            self._decoder.reorder(n, parents)
        return [slot for slot in finished.nonzero()[:, 0].tolist() if slot < used]

    def _fill(self, free: list[int]) -> list[int]:
        """Put waiting requests into the free slots and behind the used ones, while there is room; what stays free."""
        while True:
            used, columns = len(self._requests), whole_blocks(self._queue.longest, SHORTEST)
            room = min(self._size, max(1, self._tokens // columns)) - used + len(free)
            taken = self._queue.take(room) if room > 0 else None
            if taken is None:
                return free
            requests, limits, memory = taken
            slots = [*free[: len(requests)], *range(used, used + len(requests) - len(free))]
            free = free[len(requests) :]
            for slot, request in zip(slots, requests, strict=True):
                self._requests[slot : slot + 1] = [request]
            self._start(slots, limits, memory)

    def _start(self, slots: list[int], limits: Sequence[int], memory: Tensor) -> None:
        places = torch.tensor(slots, device=memory.device)
        lengths = [len(self._requests[slot].source) for slot in slots]
        self._decoder.start(places, memory, torch.tensor(lengths, device=memory.device))
        self._search.start(places, torch.tensor(list(limits), device=memory.device))

    def _close(self, free: list[int]) -> None:
        """Move the last slots in use into the free ones before them."""
        left = len(self._requests) - len(free)
        sources = [slot for slot in range(left, len(self._requests)) if slot not in free]
        targets = [slot for slot in free if slot < left]
        for target, source in zip(targets, sources, strict=True):
            self._requests[target] = self._requests[source]
        del self._requests[left:]
        if targets:
            device = self._search.tokens.device
            to, come = torch.tensor(targets, device=device), torch.tensor(sources, device=device)
            self._decoder.move(to, come)
            self._search.move(to, come)


def choose_native_dtype(name: str, device: str) -> str:
    """As the engine `transformers` chooses; int8 on the CPU besides. Raises EngineError."""
    if name != "int8":
        return choose_dtype(name, device)
    if device != "cpu":
        raise EngineError(f"the engine 'native' has no int8 on '{device}'", "use --dtype auto, or --device cpu")
    return name


def read_rules(config: Any) -> Rules:
    """What the search follows of a GenerationConfig. Raises EngineError for what this engine does not do.

    A forced end never comes about: every row's limit is before the model's last position.
    """
    hint = "use --engine transformers for this model"
    for name, nothing in UNSUPPORTED.items():
        value = getattr(config, name, None)
        if value not in nothing:
            raise EngineError(f"the engine 'native' does not know {name}={value!r}", hint)
    ends = config.eos_token_id if isinstance(config.eos_token_id, list) else [config.eos_token_id]
    barred = config.bad_words_ids or []
    if len(ends) != 1 or any(len(ids) != 1 for ids in barred):
        said = f"eos {ends}, bad words {barred}"
        raise EngineError(f"the engine 'native' bars single tokens and knows one end: {said}", hint)
    return Rules(
        beams=config.num_beams,
        length_penalty=float(config.length_penalty),
        early_stopping=config.early_stopping or False,
        renormalize=bool(config.renormalize_logits),
        start=config.decoder_start_token_id,
        end=ends[0],
        barred=tuple(ids[0] for ids in barred if ids[0] != ends[0]),
    )


def safer_rules(rules: Rules) -> Rules:
    """More beams, and no n-gram twice."""
    return replace(rules, beams=rules.beams + SAFER_BEAMS, ngram=SAFER_NGRAM)
