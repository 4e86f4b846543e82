"""The engine in C (`c/`): compiled on first use where there is a compiler, and called from here.

It is compiled once a machine, in a few seconds, into the user's cache folder. Without a compiler, or on another device than
a CPU, the engine does the same by torch, more slowly.
"""

from __future__ import annotations

import ctypes
import hashlib
import logging
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import numpy as np

from translate.engines.native.checkpoint import Fused
from translate.engines.native.rules import Rules, Task, Tasks
from translate.machine import _describe_processor
from translate.model.config import ModelConfig
from translate.records import Hypothesis
from translate.storage import user_cache_folder

log = logging.getLogger(__name__)

FOLDER = Path(__file__).with_name("c")
COMPILERS = ("cc", "gcc", "clang")
FLAGS = ("-O3", "-funroll-loops", "-march=native", "-shared", "-fPIC")
WITHOUT_TILES = ("-mno-amx-tile", "-mno-amx-int8", "-mno-amx-bf16")
"""For a system that refuses a program the use of the processor's matrix tiles."""
COMPILE_SECONDS = 120
PANEL = 32
"""Columns: all widths are multiples of it, on every processor."""
LANES = 16
"""Numbers: heads are multiples of it."""
WIDEST_HEAD = 128
MOST_BEAMS = 16
TYPES = {"float32": 0, "bfloat16": 1, "int8": 2}
ACTIVATIONS = {"swish": 1, "silu": 1, "relu": 2}
STOPPING: dict[bool | str, int] = {False: 0, True: 1, "never": 2}
STEPS = 32
"""Decoding steps before a worker looks up, so that it can be stopped."""
SOME = 8
"""An eighth of the slots is free before sources are encoded into them: a few at once cost less each."""


class CompiledModel:
    """A model's packed weights; only read, so that several workers may share it."""

    def __init__(self, library: ctypes.CDLL, fused: Fused, dtype: str) -> None:
        self.library, config = library, fused.config
        self.vocabulary = min(len(fused.source_tokens), len(fused.target_tokens))
        self.logits = len(fused.logits[1])
        self.positions = min(len(fused.source_positions), len(fused.target_positions))
        self.kind = f"compiled-{library.levels()}" if dtype == "int8" else "compiled"
        """What of the compiled engine can change a row; int8 has fewer levels where the processor lacks an instruction."""
        tensors = [np.ascontiguousarray(tensor) for tensor in fused.tensors()]
        self._tables = tensors[:4]
        both = [
            getattr(side, what) for what in ("heads", "ffn_dim", "layers") for side in (config.encoder, config.decoder)
        ]
        activation = ACTIVATIONS[config.activation_function]
        sizes = _words(TYPES[dtype], config.d_model, *both, self.logits, activation)
        pointers = (ctypes.c_void_p * len(tensors))(*(tensor.ctypes.data for tensor in tensors))
        self.handle = library.model_new(sizes, pointers)

    def __del__(self) -> None:
        if hasattr(self, "handle"):
            self.library.model_free(self.handle)


def compile_model(fused: Fused, dtype: str) -> CompiledModel | None:
    """The model for the compiled engine; None where that cannot compute it or cannot be compiled."""
    if dtype not in TYPES or not suits(fused.config):
        return None
    library = load_library()
    return None if library is None else CompiledModel(library, fused, dtype)


def suits(config: ModelConfig) -> bool:
    """Whether the compiled engine can compute such a model: whole vectors, an activation that it has."""
    d, sides = config.d_model, (config.encoder, config.decoder)
    heads = [d // side.heads for side in sides]
    whole = all(width % PANEL == 0 for width in (d, *(side.ffn_dim for side in sides)))
    whole = whole and all(head % LANES == 0 for head in heads)
    return whole and max(heads) <= WIDEST_HEAD and config.activation_function in ACTIVATIONS


class CompiledLoop:
    """A worker's slots: they decode together, and each takes the next job as soon as its row is finished."""

    def __init__(
        self,
        model: CompiledModel,
        rules: Rules,
        jobs: Tasks,
        size: int,
        tokens: int,
        positions: int,
    ) -> None:
        """size: slots; tokens: padded source tokens in all of them at most; positions: target tokens of the longest row.

        Raises ValueError for what the model has no place for: C would read beyond its tables.
        """
        ids = (rules.start, rules.end, *rules.barred)
        if not all(0 <= token < model.vocabulary for token in ids) or positions >= model.positions:
            raise ValueError(f"tokens {ids} or {positions} positions, of {model.vocabulary} and {model.positions}")
        self._model, self._library, self._jobs, self._size, self._tokens = model, model.library, jobs, size, tokens
        stopping = STOPPING[rules.early_stopping]
        numbers = (
            rules.beams,
            stopping,
            int(rules.renormalize),
            rules.start,
            rules.end,
            rules.ngram,
            len(rules.barred),
        )
        words = _words(*numbers, *rules.barred)
        self._handle = self._library.worker_new(model.handle, words, rules.length_penalty, size, positions)
        self._figures = np.zeros((size, 3), dtype=np.int64)
        self._sums = np.zeros(size, dtype=np.float32)
        self._targets = np.zeros((size, positions), dtype=np.int32)

    def run(self) -> Iterator[list[Hypothesis]]:
        """The rows as they finish, some at a time."""
        active, some = 0, max(1, self._size // SOME)
        while not self._jobs.stopped:
            if self._size - active >= some or not active:
                active += self._add(self._jobs.take(self._room(active)))
            if not active:
                return
            if finished := self._decode(min(some, active)):
                active -= len(finished)
                yield finished

    def _room(self, active: int) -> int:
        """How many jobs there is a place for."""
        longest = max(1, self._jobs.longest())
        return max(min(self._size, self._tokens // longest) - active, int(not active))

    def _add(self, jobs: Sequence[Task]) -> int:
        """Encode sources into free slots; how many. Raises ValueError for ids that the model does not have."""
        sources = [job.request.source for job in jobs]
        lengths = [len(source) for source in sources]
        ids = np.fromiter((token for source in sources for token in source), dtype=np.int32, count=sum(lengths))
        if not jobs:
            return 0
        if ids.min() < 0 or ids.max() >= self._model.vocabulary or not 0 < max(lengths) <= self._model.positions:
            raise ValueError(f"a source has {max(lengths)} tokens up to number {ids.max()}")
        numbers, limits = (job.request.number for job in jobs), (job.limit for job in jobs)
        words = (_words(*numbers), _words(*lengths), _words(*limits))
        self._library.worker_add(self._handle, len(jobs), *words, ids.ctypes.data)
        return len(jobs)

    def _decode(self, enough: int) -> list[Hypothesis]:
        """Step until so many rows are finished, but not for ever; the finished ones. Other Python threads run meanwhile."""
        if not self._library.worker_run(self._handle, enough, STEPS):
            return []
        arrays = (self._figures, self._sums, self._targets)
        count = self._library.worker_take(self._handle, self._size, *(array.ctypes.data for array in arrays))
        rows = zip(self._figures[:count].tolist(), self._sums[:count].tolist(), self._targets[:count], strict=True)
        return [
            Hypothesis(number, tuple(tokens[: length - ended].tolist()), total / max(1, length), bool(ended))
            for (number, length, ended), total, tokens in rows
        ]

    def __del__(self) -> None:
        if hasattr(self, "_handle"):
            self._library.worker_free(self._handle)


def _words(*numbers: int) -> ctypes.Array[ctypes.c_int64]:
    return (ctypes.c_int64 * len(numbers))(*numbers)


def _declare(library: ctypes.CDLL) -> ctypes.CDLL:
    """Tell ctypes what the functions take. Raises AttributeError if one is missing."""
    pointer, number, real = ctypes.c_void_p, ctypes.c_int64, ctypes.c_double
    signatures = {
        "may_run": (number, []),
        "levels": (number, []),
        "model_new": (pointer, [pointer, pointer]),
        "model_free": (None, [pointer]),
        "worker_new": (pointer, [pointer, pointer, real, number, number]),
        "worker_free": (None, [pointer]),
        "worker_add": (None, [pointer, number, pointer, pointer, pointer, pointer]),
        "worker_run": (number, [pointer, number, number]),
        "worker_take": (number, [pointer, number, pointer, pointer, pointer]),
    }
    for name, (gives, takes) in signatures.items():
        function = getattr(library, name)
        function.restype, function.argtypes = gives, takes
    return library


@cache
def load_library(flags: tuple[str, ...] = FLAGS) -> ctypes.CDLL | None:
    """The compiled engine, compiled now if need be; None, and a line in the log, where that cannot be done."""
    compiler = next(filter(None, map(shutil.which, COMPILERS)), None)
    if compiler is None:
        log.info("no C compiler: the engine 'native' computes with torch, more slowly")
        return None
    try:
        library = _open(compiler, flags)
        if not library.may_run() and not set(WITHOUT_TILES) & set(flags):
            return load_library((*flags, *WITHOUT_TILES))
        return library
    except (OSError, subprocess.SubprocessError, AttributeError) as error:
        said = getattr(error, "stderr", b"") or b""  # of the compiler
        first = next((line for line in said.decode(errors="replace").splitlines() if "error" in line), error)
        log.warning("the engine 'native' computes with torch, more slowly: it could not be compiled: %s", first)
        return None


def _open(compiler: str, flags: tuple[str, ...]) -> ctypes.CDLL:
    sources = sorted(FOLDER.glob("*.[ch]"))
    text = b"".join(path.read_bytes() for path in sources)
    text += repr((compiler, flags, platform.machine(), _describe_processor())).encode()
    library = user_cache_folder() / "native" / f"{hashlib.sha256(text).hexdigest()[:16]}.so"
    if not library.is_file():
        _compile(compiler, flags, library)
    return _declare(ctypes.CDLL(str(library)))


def _compile(compiler: str, flags: tuple[str, ...], library: Path) -> None:
    """Under another name first: two runs may do it at once. Raises OSError or SubprocessError."""
    library.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=library.parent, prefix=".compiling-") as folder:
        made = Path(folder) / library.name
        command = [compiler, *flags, "-o", str(made), str(FOLDER / "engine.c"), "-lm"]
        subprocess.run(command, check=True, capture_output=True, timeout=COMPILE_SECONDS)
        made.replace(library)
