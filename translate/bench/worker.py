"""One engine in a process of its own, timed from inside: what it takes of memory is its own, and its death is not ours."""

from __future__ import annotations

import gc
import logging
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import pairwise
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Protocol, runtime_checkable

from translate.bench.measurements import Pass
from translate.engines.base import Engine
from translate.records import Hypothesis, Model, Request, Settings, TranslateError, format_signature
from translate.run.advice import Batching
from translate.run.loading import LoadedModel, load
from translate.run.windows import make_batches

WARMUP = 2
"""Requests that an engine translates before it is timed, after it was loaded anew."""


@dataclass(frozen=True, slots=True)
class Ready:
    """The engine is loaded."""

    dtype: str
    device: str
    batch_independent: bool
    batch_tokens: int
    """Padded source tokens a batch where nobody says otherwise."""
    slots: int | None = None
    """Sentences that it decodes at once at most; None where only the batch says how many."""


@dataclass(frozen=True, slots=True)
class Failure:
    """There is no result: what went wrong, and what to do about it."""

    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Task:
    """Translate these sources in batches of that kind; `warm` only the first, largest batch, to have it done once."""

    sources: Sequence[tuple[int, ...]]
    batching: Batching
    warm: bool = False


class EngineProcess:
    """A process with one variant's engine. One that died is started again when it is next asked."""

    def __init__(self, model: Model, settings: Settings, threads: int | None) -> None:
        self._start = (model, settings, threads)
        self._process: multiprocessing.process.BaseProcess | None = None
        self._connection: Connection | None = None

    def start(self) -> None:
        """Begin to load the engine; `wait` tells how it went."""
        context = multiprocessing.get_context("spawn")  # a forked process would inherit threads of torch, half alive
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, *self._start), daemon=True)
        self._process.start()
        theirs.close()

    def wait(self) -> Ready | Failure:
        """Whether the engine is loaded."""
        answer = self._receive()
        if isinstance(answer, Pass):
            raise RuntimeError("a pass that nobody asked for")
        return answer

    def run(self, task: Task) -> Pass | Failure:
        """Do the task. A process that dies of it, as one does that the system takes for too large, is a Failure."""
        if self._connection is None:
            self.start()
            answer = self.wait()
            if isinstance(answer, Failure):
                return answer
        try:
            assert self._connection is not None
            self._connection.send(task)
        except OSError:
            return self._bury()
        result = self._receive()
        if isinstance(result, Ready):
            raise RuntimeError("an engine that was loaded twice")
        return result

    def stop(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.terminate()
            self._process.join()
        self._process = self._connection = None

    @property
    def process_id(self) -> int | None:
        """The process's number, None while there is none."""
        return self._process.pid if self._process else None

    def _receive(self) -> Ready | Pass | Failure:
        assert self._connection is not None
        try:
            answer: Ready | Pass | Failure = self._connection.recv()
        except (EOFError, OSError):
            return self._bury()
        return answer

    def _bury(self) -> Failure:
        assert self._process is not None
        self._process.join()
        status = self._process.exitcode
        self.stop()
        killed = status == -signal.SIGKILL
        return Failure("out of memory: the system killed it" if killed else f"the engine's process ended with {status}")


def _serve(connection: Connection, model: Model, settings: Settings, threads: int | None) -> None:
    """Load the engine, then do tasks until the connection ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that shows the bench
    if threads:
        os.environ["OMP_NUM_THREADS"] = str(threads)  # torch and ctranslate2 read it when they are imported
    try:
        loaded = ReadyEngine(load(model, settings))
    except TranslateError as error:
        connection.send(Failure(error.message, error.hint))
        return
    connection.send(loaded.describe())
    while True:
        try:
            task = connection.recv()
        except EOFError:
            return
        connection.send(run_task(loaded, task))


@runtime_checkable
class Rebatching(Protocol):
    """An engine that makes its own batches and can be told of others while it is loaded."""

    def rebatch(self, tokens: int | None, size: int | None) -> None:
        """Use these from the next request on."""


class ReadyEngine:
    """An engine that is loaded again for another batching if it makes its own batches, which it is told when loaded."""

    def __init__(self, loaded: LoadedModel) -> None:
        self._loaded = loaded
        self._model, self._settings = loaded.model, loaded.settings
        self._batching: Batching | None = None

    @property
    def engine(self) -> Engine:
        """The engine, with the batching that it was last prepared for."""
        return self._loaded.engine

    def describe(self) -> Ready:
        """What was loaded."""
        engine = self.engine
        slots = getattr(engine, "slots", None)
        return Ready(engine.dtype, engine.device, engine.batch_independent, engine.batch_tokens, slots)

    def sign(self, batching: Batching) -> str:
        """The signature of a run that uses it."""
        return format_signature(self._loaded.sign(self._settings_for(batching)))

    def prepare(self, task: Task) -> Engine:
        """The engine with the task's batches: told of them if it can be, else loaded again, and then warm."""
        if not self.engine.batch_independent or self._batching == task.batching:
            return self.engine
        if isinstance(self.engine, Rebatching):
            self.engine.rebatch(task.batching.tokens, task.batching.size)
            self._batching = task.batching
        else:
            del self._loaded  # two would take twice the memory
            gc.collect()
            self._loaded, self._batching = load(self._model, self._settings_for(task.batching)), task.batching
            list(self.engine.translate([Request(i, source) for i, source in enumerate(task.sources[:WARMUP])]))
        return self.engine

    def _settings_for(self, batching: Batching) -> Settings:
        return replace(self._settings, batch_tokens=batching.tokens, batch_size=batching.size)


def run_task(loaded: ReadyEngine, task: Task) -> Pass | Failure:
    """One pass. Out of memory is a Failure, or a problem of the Pass if the engine found a way out."""
    warnings = _Warnings()
    logger = logging.getLogger("translate")
    logger.addHandler(warnings)
    try:
        result = time_pass(loaded.prepare(task), task)
    except (MemoryError, RuntimeError, TranslateError) as error:
        text = str(error) or type(error).__name__
        if isinstance(error, MemoryError) or "memory" in text:
            return Failure(f"out of memory: {text.splitlines()[0][:200]}")
        if isinstance(error, TranslateError):
            return Failure(error.message, error.hint)
        raise
    finally:
        logger.removeHandler(warnings)
    problem = next((text for text in warnings.texts if "out of memory" in text), "")
    return replace(result, signature=loaded.sign(task.batching), problem=problem)


class _Warnings(logging.Handler):
    """Keeps what the stages warn of."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())


def time_pass(engine: Engine, task: Task) -> Pass:
    """Translate the task's sources, longest first, as the pipeline does.

    An engine that makes its own batches gets all at once; its batch is then as many results as one would have held.
    """
    batches = make_batches([len(s) for s in task.sources], tokens=task.batching.tokens, size=task.batching.size)
    batches = batches[:1] if task.warm else batches
    streams = [[i for batch in batches for i in batch]] if engine.batch_independent else batches
    _reset_peaks()
    arrivals: list[float] = []
    hypotheses: list[Hypothesis] = []
    started, processor = time.perf_counter(), time.process_time()
    for stream in streams:
        for hypothesis in engine.translate([Request(i, task.sources[i]) for i in stream]):
            hypotheses.append(hypothesis)
            arrivals.append(time.perf_counter() - started)
    seconds, processor = time.perf_counter() - started, time.process_time() - processor
    targets = {hypothesis.number: hypothesis.target for hypothesis in hypotheses}
    return Pass(
        seconds,
        processor,
        tuple(_batch_seconds(arrivals, [len(batch) for batch in batches])),
        () if task.warm else tuple(targets[i] for i in range(len(task.sources))),
        _peak_memory(),
        _peak_cuda_memory(),
    )


def _batch_seconds(arrivals: Sequence[float], sizes: Sequence[int]) -> list[float]:
    """Seconds from one batch's last result to the next one's."""
    ends, count = [0.0], 0
    for size in sizes:
        count += size
        ends.append(arrivals[count - 1])
    return [end - begin for begin, end in pairwise(ends)]


def _reset_peaks() -> None:
    """Forget how much memory was used at most, where the system can (Linux; see proc(5), clear_refs)."""
    gc.collect()
    with suppress(OSError):  # then the peak is that of the process's whole life
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.reset_peak_memory_stats()


def _peak_memory() -> int:
    """Bytes that were resident at most; 0 where the system does not tell."""
    with suppress(OSError, StopIteration):
        lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))
    try:
        import resource
    except ImportError:
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _peak_cuda_memory() -> int | None:
    """Bytes that torch held on its GPU at most; None without one. What ctranslate2 holds, torch does not see."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_initialized():
        return None
    return int(torch.cuda.max_memory_reserved())
