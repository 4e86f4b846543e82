"""The engine `native`: our own decoding loop on Marian's weights, with continuous batching.

On a CPU with a C compiler it is the compiled engine (`c/`); elsewhere, torch does the same. A row's result does not
depend on what shares its batch, on the batch's size, on order or on threads: the compiled engine computes each row by
itself; for torch see torch_steps, and `batch_independent` says whether this machine's libraries keep to it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import version
from itertools import islice
from queue import SimpleQueue

import torch

from translate.engines.base import LONGEST_PER_SOURCE, LONGEST_SLACK, SAFER_BEAMS
from translate.engines.devices import choose_device, choose_dtype
from translate.engines.native.checkpoint import fuse, read_checkpoint
from translate.engines.native.compiled import MOST_BEAMS, CompiledLoop, compile_model
from translate.engines.native.rules import Task, Tasks, read_rules, safer_rules
from translate.engines.native.torch_loop import Loop, Queue
from translate.engines.native.torch_search import make_search
from translate.engines.native.torch_steps import ROW_BLOCK, Decoder, keeps_rows, whole_blocks
from translate.engines.native.torch_weights import pack_weights
from translate.machine import count_processors
from translate.records import EngineError, Hypothesis, Model, Request, Settings, Signature

VERSION = "4"
"""Of this engine: raised whenever the same request could come out differently."""
WINDOW = 8192
"""Requests read ahead and sorted by length."""
ROWS = 128
"""Rows of a worker's decoding step, beams counted: enough to reach the matrix peak, and few enough to stay in the cache."""
GPU_ROWS = 1024
MOST_WORKERS = 8
"""Python threads with torch: what they do between two products, they do one at a time."""
CPU_BATCH_TOKENS = 16_384
GPU_BATCH_TOKENS = 65_536
"""Padded source tokens in all slots: holds down what long sources take of memory."""


class NativeEngine:
    """Slots that decode together, each taken by the next source as soon as its row is finished."""

    name = "native"

    def __init__(self, model: Model, settings: Settings) -> None:
        """Load and pack the weights. Raises EngineError for a setting it cannot do, ModelError for bad weights."""
        self.device = choose_device(settings.device)
        self.dtype = choose_native_dtype(settings.dtype, self.device)
        checkpoint = read_checkpoint(model.folder)
        self._rules = read_rules(checkpoint.generation, settings)
        longest = int(checkpoint.generation.get("max_length") or 512)
        self._positions = min(int(checkpoint.config["max_position_embeddings"]), longest)
        self._pad = int(checkpoint.config["pad_token_id"])
        fused = fuse(checkpoint)
        on_gpu = not self.device.startswith("cpu")
        suits = not on_gpu and self._rules.beams + SAFER_BEAMS <= MOST_BEAMS
        self._compiled = compile_model(fused, self.dtype) if suits else None
        if self._compiled is None and self.dtype == "int8":
            hint = "install a C compiler (gcc or clang), or use another --dtype or --engine ctranslate2"
            raise EngineError(
                "the engine 'native' has int8 only in its compiled form, and cannot compile it here", hint
            )
        self._weights = None if self._compiled else pack_weights(fused, self.dtype, self.device)
        self.batch_tokens = GPU_BATCH_TOKENS if on_gpu else CPU_BATCH_TOKENS
        self._tokens = settings.batch_tokens or self.batch_tokens
        self._size = settings.batch_size
        self._rows = GPU_ROWS if on_gpu else ROWS
        with torch.inference_mode():
            self.batch_independent = self._weights is None or keeps_rows(
                self._weights, self._rows, (self._rules.beams, self._rules.beams + SAFER_BEAMS)
            )
        self.signature: Signature = {
            "engine": f"native-{VERSION}",
            "torch": str(version("torch")),
            "device": torch.device(self.device).type,
            "dtype": self.dtype,
            "kernels": self._compiled.kind if self._compiled else "torch",
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
        """Longest first: what shares a step is of about one length, and caches are at their largest at once.

        On a CPU each core is a worker with its own slots, and computes alone: small products lose more by being shared
        than they win, and a row's sums cannot depend on the number of threads.
        """
        jobs = [Task(request, self._limit(request)) for request in requests]
        threads = count_processors() if self.device == "cpu" else 1
        most = threads if self._compiled else MOST_WORKERS
        workers = max(1, min(threads, most, len(jobs) // ROW_BLOCK))
        shared, results = Tasks(jobs), SimpleQueue[list[Hypothesis] | BaseException | None]()

        def work() -> None:
            try:
                if self._weights is not None:
                    torch.set_num_threads(max(1, threads // most))
                with torch.inference_mode():
                    loop = self._make_loop(shared, jobs, workers, safer=safer)
                    for found in loop.run():
                        results.put(found)
                results.put(None)
            except BaseException as error:
                results.put(error)

        running = [threading.Thread(target=work, daemon=True) for _ in range(workers)]
        before = torch.get_num_threads()
        try:
            for thread in running:
                thread.start()
            left = workers
            while left:
                found = results.get()
                if isinstance(found, BaseException):
                    raise found
                if found is None:
                    left -= 1
                else:
                    yield from found
        finally:
            shared.stop()
            for thread in running:
                thread.join()
            torch.set_num_threads(before)

    def _limit(self, request: Request) -> int:
        return min(self._positions - 2, LONGEST_PER_SOURCE * len(request.source) + LONGEST_SLACK)

    def _make_loop(self, shared: Tasks, jobs: Sequence[Task], workers: int, *, safer: bool) -> Loop | CompiledLoop:
        """One worker's slots and search."""
        rules = safer_rules(self._rules) if safer else self._rules
        size = min(len(jobs), -(-self._size // workers) if self._size else max(1, self._rows // rules.beams))
        positions = max(job.limit for job in jobs)
        if self._compiled is not None:
            return CompiledLoop(self._compiled, rules, shared, size, self._tokens // workers, positions)
        assert self._weights is not None
        slots = whole_blocks(size)
        search = make_search(rules, slots, positions, self._weights)
        decoder = Decoder(self._weights, slots, rules.beams)
        return Loop(Queue(self._weights, shared, self._pad), decoder, search, size, self._tokens // workers)


def choose_native_dtype(name: str, device: str) -> str:
    """As the engine `transformers` chooses; int8 on the CPU besides. Raises EngineError."""
    if name != "int8":
        return choose_dtype(name, device)
    if device != "cpu":
        raise EngineError(f"the engine 'native' has no int8 on '{device}'", "use --dtype auto, or --device cpu")
    return name
