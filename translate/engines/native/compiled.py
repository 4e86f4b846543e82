"""The engine in C (`c/`), called from here: a model's weights, and workers that translate with them.

kernels.py chooses the library.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from translate.engines.native.checkpoint import Fused
from translate.engines.native.rules import Rules, Task, Tasks
from translate.model.config import ModelConfig
from translate.records import Hypothesis

FOLDER = Path(__file__).with_name("c")
WIDTH_STEP = 32
"""Columns: all widths are multiples of it, on every processor."""
HEAD_STEP = 16
"""Numbers: heads are multiples of it."""
WIDEST_HEAD = 128
MOST_BEAMS = 16
"""Of a search, a second and safer try's SAFER_BEAMS among them."""
ABI = 7
"""Of `interface.h`: what the records below and the functions in `_declare` look like."""
TYPES = {"float32": 0, "bfloat16": 1, "int8": 2}
ACTIVATIONS = {"swish": 1, "silu": 1, "relu": 2}
STOPPING: dict[bool | str, int] = {False: 0, True: 1, "never": 2}
NO_MEMORY, REFUSED = -1, -2
STEPS = 32
"""Decoding steps before a worker looks up, so that it can be stopped."""
SOME = 8
"""An eighth of the slots is free before sources are encoded into them: a few at once cost less each."""


def _numbers(names: str) -> list[tuple[str, type[ctypes.c_int64]]]:
    return [(name, ctypes.c_int64) for name in names.split()]


class Kernels(ctypes.Structure):
    """What a library was compiled for; this and the following are the records of `interface.h`, field by field."""

    _fields_ = _numbers(
        "kernels_bytes sizes_bytes weights_bytes layer_bytes rules_bytes source_bytes finished_bytes "
        "width_step head_step widest_head most_beams bfloat16 tiles"
    )


class Sizes(ctypes.Structure):
    """A model's sizes."""

    _fields_ = _numbers(
        "bytes type activation d encoder_heads decoder_heads encoder_inner decoder_inner encoder_layers decoder_layers "
        "source_vocabulary target_vocabulary positions logits"
    )


class Pair(ctypes.Structure):
    """A weight and a bias."""

    _fields_ = [("weight", ctypes.c_void_p), ("bias", ctypes.c_void_p)]


class LayerWeights(ctypes.Structure):
    """Named as in checkpoint.FusedLayer."""

    _fields_ = [
        (name, Pair)
        for name in ("qkv", "out", "norm", "cross_query", "cross_out", "cross_norm", "up", "down", "final_norm")
    ]


class Weights(ctypes.Structure):
    """Named as in checkpoint.Fused."""

    _fields_ = [
        *_numbers("bytes encoder_layers decoder_layers"),
        *((side, ctypes.POINTER(LayerWeights)) for side in ("encoder", "decoder")),
        *((f"{side}_{table}", ctypes.c_void_p) for table in ("tokens", "positions") for side in ("source", "target")),
        ("memory", Pair),
        ("logits", Pair),
    ]


class SearchRules(ctypes.Structure):
    """What a search follows."""

    _fields_ = [
        *_numbers("bytes beams stopping renormalise start end ngram bars"),
        ("barred", ctypes.POINTER(ctypes.c_int64)),
        ("length_penalty", ctypes.c_double),
    ]


class Source(ctypes.Structure):
    """A source to translate."""

    _fields_ = _numbers("number length limit")


class Finished(ctypes.Structure):
    """A finished row."""

    _fields_ = [*_numbers("number length ended"), ("sum", ctypes.c_float), ("unused", ctypes.c_int32)]


class CompiledModel:
    """A model's packed weights; only read, so that several workers may share it."""

    def __init__(self, library: ctypes.CDLL, fused: Fused, dtype: str) -> None:
        """Raises ValueError for weights whose shapes do not fit together, MemoryError."""
        self.library, config = library, fused.config
        self._tables = {
            f"{side}_{table}": _array(getattr(fused, f"{side}_{table}"))
            for side in ("source", "target")
            for table in ("tokens", "positions")
        }
        """Not copied, so kept here."""
        self.sizes = Sizes(
            bytes=ctypes.sizeof(Sizes),
            type=TYPES[dtype],
            activation=ACTIVATIONS[config.activation_function],
            d=config.d_model,
            encoder_heads=config.encoder.heads,
            decoder_heads=config.decoder.heads,
            encoder_inner=config.encoder.ffn_dim,
            decoder_inner=config.decoder.ffn_dim,
            encoder_layers=config.encoder.layers,
            decoder_layers=config.decoder.layers,
            source_vocabulary=len(self._tables["source_tokens"]),
            target_vocabulary=len(self._tables["target_tokens"]),
            positions=min(len(self._tables["source_positions"]), len(self._tables["target_positions"])),
            logits=len(fused.logits[1]),
        )
        if any(table.shape[1:] != (self.sizes.d,) for table in self._tables.values()):
            raise ValueError(f"tables of {[table.shape for table in self._tables.values()]} for d_model {self.sizes.d}")
        weights, kept = _weights(fused, self._tables, self.sizes)
        handle = ctypes.c_void_p()
        _check(library.model_new(ctypes.byref(self.sizes), ctypes.byref(weights), ctypes.byref(handle)), "a model")
        del kept
        self.handle = handle

    def __del__(self) -> None:
        if hasattr(self, "handle"):
            self.library.model_free(self.handle)


Array = np.ndarray[Any, np.dtype[np.float32]]


def _array(tensor: Any) -> Array:
    return np.ascontiguousarray(np.asarray(tensor), dtype=np.float32)


def _weights(fused: Fused, tables: Mapping[str, Array], sizes: Sizes) -> tuple[Weights, list[Any]]:
    """All weights by their names; and what has to live as long as they are read. Raises ValueError for another shape."""
    kept: list[Any] = []

    def pair(name: str, tensors: Any, shape: tuple[int, ...]) -> Pair:
        weight, bias = (_array(tensor) for tensor in tensors)
        if weight.shape != shape or bias.shape != shape[:1]:
            raise ValueError(f"{name} is {weight.shape} with a bias of {bias.shape}, not {shape}")
        kept.extend((weight, bias))
        return Pair(weight.ctypes.data, bias.ctypes.data)

    def layers(side: str) -> ctypes.Array[LayerWeights]:
        d, inner = sizes.d, getattr(sizes, f"{side}_inner")
        shapes: dict[str, tuple[int, ...]] = {"qkv": (3 * d, d), "up": (inner, d), "down": (d, inner)}
        shapes |= dict.fromkeys(("out", "cross_query", "cross_out"), (d, d))
        shapes |= dict.fromkeys(("norm", "cross_norm", "final_norm"), (d,))
        given = getattr(fused, side)
        records = (LayerWeights * len(given))()
        for record, layer in zip(records, given, strict=True):
            for name, shape in shapes.items():
                if (tensors := getattr(layer, name)) is not None:
                    setattr(record, name, pair(f"{side} {name}", tensors, shape))
        kept.append(records)
        return records

    encoder, decoder = layers("encoder"), layers("decoder")
    weights = Weights(
        bytes=ctypes.sizeof(Weights),
        encoder_layers=len(encoder),
        decoder_layers=len(decoder),
        encoder=encoder,
        decoder=decoder,
        memory=pair("memory", fused.memory, (2 * sizes.d * sizes.decoder_layers, sizes.d)),
        logits=pair("logits", fused.logits, (sizes.logits, sizes.d)),
        **{name: table.ctypes.data for name, table in tables.items()},
    )
    return weights, kept


def _check(status: int, what: str) -> int:
    """What a function of the library gave. Raises MemoryError, or ValueError where it refused."""
    if status == NO_MEMORY:
        raise MemoryError("the engine 'native' got no more memory; a smaller --batch-size or --batch-tokens needs less")
    if status == REFUSED:
        raise ValueError(f"the engine 'native' refuses {what}: a number is out of bounds")
    return status


def suits(config: ModelConfig) -> bool:
    """Whether the compiled engine can compute such a model: whole vectors, an activation that it has."""
    d, sides = config.d_model, (config.encoder, config.decoder)
    heads = [d // side.heads for side in sides]
    whole = all(width % WIDTH_STEP == 0 for width in (d, *(side.ffn_dim for side in sides)))
    whole = whole and all(head % HEAD_STEP == 0 for head in heads)
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

        Raises ValueError for what the model has no place for, MemoryError.
        """
        if not 1 <= rules.beams <= MOST_BEAMS:
            raise ValueError(f"{rules.beams} beams: the engine 'native' has 1 to {MOST_BEAMS}")
        self._model, self._library, self._jobs, self._size, self._tokens = model, model.library, jobs, size, tokens
        barred = tuple(dict.fromkeys(rules.barred))
        search = SearchRules(
            bytes=ctypes.sizeof(SearchRules),
            beams=rules.beams,
            stopping=STOPPING[rules.early_stopping],
            renormalise=rules.renormalize,
            start=rules.start,
            end=rules.end,
            ngram=rules.ngram,
            bars=len(barred),
            barred=(ctypes.c_int64 * len(barred))(*barred),
            length_penalty=rules.length_penalty,
        )
        handle = ctypes.c_void_p()
        status = self._library.worker_new(model.handle, ctypes.byref(search), size, positions, ctypes.byref(handle))
        _check(status, f"{size} slots of {positions} positions, or the search's {rules}")
        self._handle = handle
        self._finished = np.zeros(size, dtype=np.dtype(Finished))
        self._targets = np.zeros((size, positions), dtype=np.int32)

    def run(self) -> Iterator[list[Hypothesis]]:
        """The rows as they finish, some at a time. Raises ValueError for a source that the model has no place for, MemoryError."""
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
        if not jobs:
            return 0
        lengths, sizes = [len(job.request.source) for job in jobs], self._model.sizes
        ids = np.fromiter((token for job in jobs for token in job.request.source), dtype=np.int64, count=sum(lengths))
        if not 1 <= min(lengths) <= max(lengths) <= sizes.positions:
            raise ValueError(f"a source has {min(lengths)} to {max(lengths)} tokens, not 1 to {sizes.positions}")
        if not 0 <= ids.min() <= ids.max() < sizes.source_vocabulary:
            raise ValueError(f"a source has tokens {ids.min()} to {ids.max()}, of {sizes.source_vocabulary}")
        sources = (Source * len(jobs))(
            *(Source(job.request.number, length, job.limit) for job, length in zip(jobs, lengths, strict=True))
        )
        ids = ids.astype(np.int32)
        status = self._library.worker_add(self._handle, len(jobs), sources, len(ids), ids.ctypes.data)
        _check(status, f"{len(jobs)} sources with limits up to {max(job.limit for job in jobs)}")
        return len(jobs)

    def _decode(self, enough: int) -> list[Hypothesis]:
        """Step until so many rows are finished, but not for ever; the finished ones. Other Python threads run meanwhile."""
        if not _check(self._library.worker_run(self._handle, enough, STEPS), "a step"):
            return []
        targets, rows = self._targets, self._finished
        count = self._library.worker_take(
            self._handle, self._size, rows.ctypes.data, targets.shape[1], targets.ctypes.data
        )
        _check(count, "to give its rows")
        named = (rows[name][:count].tolist() for name in ("number", "length", "ended", "sum"))
        return [
            Hypothesis(number, tuple(tokens[: length - ended].tolist()), total / max(1, length), bool(ended))
            for number, length, ended, total, tokens in zip(*named, targets[:count], strict=True)
        ]

    def __del__(self) -> None:
        if hasattr(self, "_handle"):
            self._library.worker_free(self._handle)


def declare(library: ctypes.CDLL) -> ctypes.CDLL:
    """Tell ctypes what the functions take. Raises AttributeError if one is missing, OSError for a library of another ABI."""
    pointer, number = ctypes.c_void_p, ctypes.c_int64
    signatures = {
        "abi": (number, []),
        "kernels_of": (None, [pointer]),
        "may_run": (number, []),
        "model_new": (number, [pointer, pointer, pointer]),
        "model_free": (None, [pointer]),
        "worker_new": (number, [pointer, pointer, number, number, pointer]),
        "worker_free": (None, [pointer]),
        "worker_add": (number, [pointer, number, pointer, number, pointer]),
        "worker_run": (number, [pointer, number, number]),
        "worker_take": (number, [pointer, number, pointer, number, pointer]),
    }
    for name, (gives, takes) in signatures.items():
        function = getattr(library, name)
        function.restype, function.argtypes = gives, takes
    if library.abi() != ABI:
        raise OSError(f"a library of ABI {library.abi()}, not {ABI}")
    found = read_kernels(library)
    expected = {
        **{f"{name}_bytes": ctypes.sizeof(record) for name, record in RECORDS.items()},
        "width_step": WIDTH_STEP,
        "head_step": HEAD_STEP,
        "widest_head": WIDEST_HEAD,
        "most_beams": MOST_BEAMS,
    }
    for name, value in expected.items():
        if getattr(found, name) != value:
            raise OSError(f"a library of other kernels: {name} is {getattr(found, name)}, not {value}")
    return library


RECORDS: Mapping[str, type[ctypes.Structure]] = {
    "kernels": Kernels,
    "sizes": Sizes,
    "weights": Weights,
    "layer": LayerWeights,
    "rules": SearchRules,
    "source": Source,
    "finished": Finished,
}


def read_kernels(library: ctypes.CDLL) -> Kernels:
    """What a library was compiled for."""
    kernels = Kernels()
    library.kernels_of(ctypes.byref(kernels))
    return kernels
