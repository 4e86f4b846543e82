"""The engine `native`: our own decoding loop on Marian's weights, with continuous batching.

On a CPU it is the kernels (`c/`), and needs numpy and safetensors only. For what they cannot do, torch does the same and is
imported then. A row's result does not depend on what shares its batch, on the batch's size, on order or on threads: the
kernels compute each row by itself; for torch see torch_steps, and `batch_independent` says whether this machine's libraries
keep to it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from enum import Enum, auto
from importlib.metadata import version
from itertools import islice
from queue import SimpleQueue
from typing import TYPE_CHECKING

from translate.engines.base import SAFER_BEAMS, SelfCheck, row_limit
from translate.engines.devices import choose_device, choose_dtype
from translate.engines.native import kernels
from translate.engines.native.checkpoint import Checkpoint, Fused, fuse, read_checkpoint
from translate.engines.native.compiled import MOST_BEAMS, TYPES, CompiledLoop, CompiledModel, suits
from translate.engines.native.reference import decode_greedily
from translate.engines.native.rules import Feed, Rules, Task, Tasks, Window, read_rules, safer_rules
from translate.machine import count_processors
from translate.model.folder import read_generation
from translate.records import EngineError, Hypothesis, Model, Request, Settings, Signature

if TYPE_CHECKING:
    from translate.engines.native.torch_form import TorchForm

log = logging.getLogger(__name__)

VERSION = "6"
"""Of this engine: raised whenever the same request could come out differently."""
WINDOW = 512
"""Requests a worker that are sorted by length together; a second window is read ahead. So few that an article's last sentence
comes soon after its first, and enough to fill the slots several times (docs/native-engine.md has the figures)."""
TORCH_WINDOW = 8192
"""The same with torch, where one window ends before the next one begins to fill the slots."""
ROWS = 128
"""Rows of a worker's decoding step, beams counted: enough to reach the matrix peak, and few enough to stay in the cache."""
GPU_ROWS = 1024
CHECK_TOKENS = 24
"""Of a target in the self-check: what a wrong kernel gives need not end."""
CHECK_SHARE = 3
"""One of so many sentences may get another target in bfloat16 or int8 than in float32."""
SOURCES_A_WORKER = 8
"""At least: a worker with fewer decodes too few rows a step."""
CPU_BATCH_TOKENS = 16_384
GPU_BATCH_TOKENS = 65_536
"""Padded source tokens in all slots: holds down what long sources take of memory."""


class NativeEngine:
    """Slots that decode together, each taken by the next source as soon as its row is finished."""

    name = "native"

    def __init__(self, model: Model, settings: Settings, check: SelfCheck | None = None) -> None:
        """Load and pack the weights, and check what they give. Raises ModelError for bad weights.

        Raises EngineError for a setting that it cannot do, and for a self-check that fails. Where the kernels cannot compute
        what is asked for, torch does if the settings insist on this engine; else that is an EngineError too.
        """
        self.device = choose_device(settings.device)
        generation = read_generation(model.folder, settings)
        self._rules = read_rules(generation)
        kernels.give_back_memory()
        checkpoint = read_checkpoint(model.folder)
        self._positions = min(checkpoint.config.max_position_embeddings, generation.max_length)
        on_gpu = self.device != "cpu"
        self.batch_tokens = GPU_BATCH_TOKENS if on_gpu else CPU_BATCH_TOKENS
        self._tokens = settings.batch_tokens or self.batch_tokens
        self._size = settings.batch_size
        self._rows = GPU_ROWS if on_gpu else ROWS
        *better, last = native_dtypes(settings.dtype, self.device)
        for self.dtype in better:
            with suppress(EngineError):  # what `auto` would rather have; there is another
                self._prepare(checkpoint, check, insists=settings.engine == self.name)
                break
        else:
            self.dtype = last
            self._prepare(checkpoint, check, insists=settings.engine == self.name)
        beams = (self._rules.beams, self._rules.beams + SAFER_BEAMS)
        self.batch_independent = self._torch is None or self._torch.keeps_rows(self._rows, beams)
        self.signature: Signature = {
            "engine": f"native-{VERSION}",
            **({"torch": str(version("torch"))} if self._torch else {}),
            "device": self.device.partition(":")[0],
            "dtype": self.dtype,
            "kernels": self._family,
            "beams": str(self._rules.beams),
            "length-penalty": f"{self._rules.length_penalty:g}",
        }

    def _prepare(self, checkpoint: Checkpoint, check: SelfCheck | None, *, insists: bool) -> None:
        """Pack the weights in the number type, and check what they give. Raises EngineError as the constructor."""
        self.kernels, self._family = "", "torch"
        """The variant that computes, and the family of rows that it gives."""
        self._compiled: CompiledModel | None = None
        self._torch: TorchForm | None = None
        fused = fuse(checkpoint)
        loaded = self._choose_kernels(fused, insists=insists)
        if loaded is None:
            self._torch = self._make_torch(fused)
        else:
            self.kernels, self._family = loaded.name, loaded.family(self.dtype)
            if check is not None and self.dtype != "float32":  # first, so that one packed model is in memory at a time
                self._check(check, checkpoint, {"float32": CompiledModel(loaded.library, fused, "float32")})
            self._compiled = CompiledModel(loaded.library, fused, self.dtype)
        if check is not None:
            self._check(check, checkpoint, {self.dtype: self._compiled})

    def _choose_kernels(self, fused: Fused, *, insists: bool) -> kernels.Loaded | None:
        """None where they cannot do it and the user insists: then torch does. Raises EngineError if neither does."""
        reason = self._why_no_kernels(fused)
        loaded = None if reason else kernels.chosen_kernels()
        if loaded is not None:
            return loaded
        reason = reason or "none are installed that this machine can run; they need a C compiler at installation"
        if self.dtype == "int8":
            hint = "use another --dtype, or --engine ctranslate2"
            raise EngineError(f"the engine 'native' has int8 in its kernels only: {reason}", hint)
        if not insists:
            hint = "--engine native computes it with torch, --engine transformers with the reference"
            raise EngineError(f"the engine 'native' cannot use its kernels: {reason}", hint)
        if self.device == "cpu":
            log.warning("the engine 'native' computes with torch, more slowly: %s", reason)
        return None

    def _make_torch(self, fused: Fused) -> TorchForm:
        from translate.engines.native.torch_form import TorchForm

        return TorchForm(fused, self.dtype, self.device)

    def _why_no_kernels(self, fused: Fused) -> str:
        """What of the settings or the model the kernels cannot do; empty if they can."""
        if self.device != "cpu":
            return f"they are for the CPU, not for '{self.device}'"
        if self.dtype not in TYPES:
            return f"they have no {self.dtype}"
        if self._rules.beams + SAFER_BEAMS > MOST_BEAMS:
            return f"they have at most {MOST_BEAMS - SAFER_BEAMS} beams, not {self._rules.beams}"
        return "" if suits(fused.config) else "the model's sizes or its activation are none of theirs"

    def _check(self, check: SelfCheck, checkpoint: Checkpoint, forms: Mapping[str, CompiledModel | None]) -> None:
        """Raise EngineError unless these sentences get the targets that the plain reference gives, greedily; in each number type of these.

        In float32 the kernels have to give every one. The run's own number type may differ in a third of them; an echo, or
        anything else that is no translation, differs in all.
        """
        rules = replace(self._rules, beams=1, ngram=0)
        requests = [Request(number, source) for number, source in enumerate(check.sources)]
        tasks = [
            Task(request, min(row_limit(len(request.source), self._positions), CHECK_TOKENS)) for request in requests
        ]
        expected = check.greedy or [
            decode_greedily(checkpoint, rules, task.request.source, task.limit) for task in tasks
        ]
        for dtype, compiled in forms.items():
            found = self._decode_once(compiled, rules, tasks)
            wrong = [number for number, target in enumerate(expected) if found[number] != target]
            if len(wrong) > (0 if dtype == "float32" else len(tasks) // CHECK_SHARE):
                said = f"{list(found[wrong[0]])} where the reference gives {list(expected[wrong[0]])}"
                hint = "use --engine transformers; and please report what `translate models` says of this machine"
                raise EngineError(f"the engine 'native' fails its self-check in {dtype}: {said}", hint)

    def _decode_once(
        self, compiled: CompiledModel | None, rules: Rules, tasks: Sequence[Task]
    ) -> dict[int, tuple[int, ...]]:
        """Number → target of a few short tasks, in this thread."""
        ordered = sorted(tasks, key=lambda task: -len(task.request.source))
        loop = self._start(compiled, rules, Tasks(ordered), len(tasks), self._tokens, max(task.limit for task in tasks))
        return {hypothesis.number: hypothesis.target for some in loop for hypothesis in some}

    def rebatch(self, tokens: int | None, size: int | None) -> None:
        """Use other batches from the next request on, as if loaded with these settings; both None: its own."""
        self._tokens, self._size = tokens or self.batch_tokens, size

    @property
    def slots(self) -> int:
        """Sentences that are decoded at once where the budget of tokens does not hold them down."""
        return self._count_workers(1 << 30) * max(1, self._rows // self._rules.beams)

    def translate(self, requests: Iterable[Request]) -> Iterator[Hypothesis]:
        """One hypothesis for each request, as they finish. Requests are read two windows ahead, in the caller's thread.

        On a CPU each core is a worker with its own slots, and computes alone: small products lose more by being shared
        than they win, and a row's sums cannot depend on the number of threads.
        """
        windows = self._read_windows(requests)
        first = next(windows, None)
        if first is None:
            return
        results = SimpleQueue[list[Hypothesis] | BaseException | Signal]()
        workers = self._count_workers(len(first.requests))
        feed = Feed(workers, lambda: results.put(Signal.MORE))
        running = [
            threading.Thread(target=self._work, args=(feed, workers, results), daemon=True) for _ in range(workers)
        ]
        with ExitStack() as stack:
            if self._torch is not None:
                from translate.engines.native.torch_form import kept_threads

                stack.enter_context(kept_threads())
            stack.callback(_stop, feed, running)
            feed.add(first)
            for thread in running:
                thread.start()
            while workers:
                found = results.get()
                if isinstance(found, BaseException):
                    raise found
                if found is Signal.MORE:
                    feed.add(next(windows, None))
                elif found is Signal.END:
                    workers -= 1
                else:
                    yield from found

    def _read_windows(self, requests: Iterable[Request]) -> Iterator[Window]:
        """Longest first: what shares a step is of about one length, and caches are at their largest at once."""
        stream, size = iter(requests), TORCH_WINDOW if self._torch else WINDOW * count_processors()
        while some := list(islice(stream, size)):
            ordered = sorted(some, key=lambda request: -len(request.source))
            for safer in (False, True):
                tasks = [Task(r, row_limit(len(r.source), self._positions)) for r in ordered if r.safer is safer]
                if tasks:
                    yield Window(tasks, Tasks(tasks), safer)

    def _work(self, feed: Feed, workers: int, results: SimpleQueue[list[Hypothesis] | BaseException | Signal]) -> None:
        """What one worker does: its part of each window."""
        try:
            for window in feed.follow():
                for found in self._decode(window.shared, window.requests, workers, safer=window.safer):
                    results.put(found)
            results.put(Signal.END)
        except BaseException as error:  # whatever it is, the caller's thread has to hear of it
            results.put(error)

    def _count_workers(self, jobs: int) -> int:
        """Threads that decode so many jobs, each with slots of its own."""
        threads = count_processors() if self.device == "cpu" else 1
        if self._torch is not None:
            threads = min(threads, self._torch.most_workers)
        return max(1, min(threads, jobs // SOURCES_A_WORKER))

    def _decode(self, shared: Tasks, jobs: Sequence[Task], workers: int, *, safer: bool) -> Iterator[list[Hypothesis]]:
        """One worker's rows as they finish."""
        rules = safer_rules(self._rules) if safer else self._rules
        size = min(len(jobs), -(-self._size // workers) if self._size else max(1, self._rows // rules.beams))
        tokens, positions = self._tokens // workers, max(job.limit for job in jobs)
        return self._start(self._compiled, rules, shared, size, tokens, positions)

    def _start(
        self, compiled: CompiledModel | None, rules: Rules, shared: Tasks, size: int, tokens: int, positions: int
    ) -> Iterator[list[Hypothesis]]:
        """The rows of one loop over so many slots, by the kernels or, with none, by torch."""
        if compiled is not None:
            return CompiledLoop(compiled, rules, shared, size, tokens, positions).run()
        assert self._torch is not None
        return self._torch.decode(rules, shared, size=size, tokens=tokens, positions=positions)


class Signal(Enum):
    """What a worker says beside its results: the newest window is begun, or there is nothing more to do."""

    MORE = auto()
    END = auto()


def _stop(feed: Feed, running: Iterable[threading.Thread]) -> None:
    """End the workers that are still running."""
    feed.stop()
    for thread in running:
        thread.join()


def native_dtypes(name: str, device: str) -> tuple[str, ...]:
    """The number types to try, the best first: the named one, or for `auto` int8 on a CPU, then what `transformers` takes.

    Raises EngineError for int8 elsewhere.
    """
    if name == "int8" and device != "cpu":
        raise EngineError(f"the engine 'native' has no int8 on '{device}'", "use --dtype auto, or --device cpu")
    if name == "int8":
        return (name,)
    chosen = choose_dtype(name, device)
    return ("int8", chosen) if name == "auto" and device == "cpu" else (chosen,)
