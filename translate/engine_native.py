"""The engine `native`: our own decoding loop on Marian's weights, with continuous batching over static caches.

A row's result does not depend on what shares its batch, on the batch's size, on order or on threads: see
engine_native_steps. `batch_independent` says whether this machine's libraries keep to that.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from itertools import islice
from queue import SimpleQueue
from typing import Any

import torch

from translate.engine import LONGEST_PER_SOURCE, LONGEST_SLACK, SAFER_BEAMS, SAFER_NGRAM
from translate.engine_native_checkpoint import read_checkpoint
from translate.engine_native_loop import Job, Jobs, Loop, Queue
from translate.engine_native_scores import Rules
from translate.engine_native_search import make_search
from translate.engine_native_steps import BLOCK, Decoder, keeps_rows, whole_blocks
from translate.engine_native_weights import pack_weights
from translate.engine_torch import choose_device, choose_dtype
from translate.records import EngineError, Hypothesis, Model, Request, Settings, Signature

VERSION = "2"
"""Of this engine: raised whenever the same request could come out differently."""
WINDOW = 8192
"""Requests read ahead and sorted by length."""
ROWS = 128
"""Rows of a worker's decoding step, beams counted: enough to reach the matrix peak, and few enough to stay in the cache."""
GPU_ROWS = 1024
MOST_WORKERS = 8
"""Python threads: what they do between two products, they do one at a time."""
CPU_BATCH_TOKENS = 8192
GPU_BATCH_TOKENS = 65_536
"""Padded source tokens in all slots: holds down what long sources take of memory."""

UNSUPPORTED = {
    "min_length": 0,
    "min_new_tokens": 0,
    "repetition_penalty": 1.0,
    "encoder_repetition_penalty": 1.0,
    "no_repeat_ngram_size": 0,
    "encoder_no_repeat_ngram_size": 0,
    "forced_bos_token_id": None,
    "suppress_tokens": None,
    "begin_suppress_tokens": None,
    "sequence_bias": None,
    "exponential_decay_length_penalty": None,
    "num_beam_groups": 1,
}
"""What a generation_config may ask for and this engine does not do → the value that asks for nothing."""


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
        self._weights = pack_weights(checkpoint, self.dtype, self.device)
        on_gpu = not self.device.startswith("cpu")
        self.batch_tokens = GPU_BATCH_TOKENS if on_gpu else CPU_BATCH_TOKENS
        self._tokens = settings.batch_tokens or self.batch_tokens
        self._size = settings.batch_size
        self._rows = GPU_ROWS if on_gpu else ROWS
        with torch.inference_mode():
            self.batch_independent = keeps_rows(self._weights, self._rows)
        self.signature: Signature = {
            "engine": f"native-{VERSION}",
            "torch": str(version("torch")),
            "device": torch.device(self.device).type,
            "dtype": self.dtype,
            "kernels": "compiled" if self._weights.kernels else "torch",
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
        jobs = [Job(request, self._limit(request)) for request in requests]
        threads = torch.get_num_threads() if self._weights.device.type == "cpu" else 1
        workers = max(1, min(threads, MOST_WORKERS, len(jobs) // BLOCK))
        shared, results = Jobs(jobs), SimpleQueue[list[Hypothesis] | BaseException | None]()

        def work() -> None:
            try:
                torch.set_num_threads(max(1, threads // MOST_WORKERS))
                with torch.inference_mode():
                    for found in self._make_loop(shared, jobs, workers, safer=safer).run():
                        results.put(found)
                results.put(None)
            except BaseException as error:
                results.put(error)

        running = [threading.Thread(target=work, daemon=True) for _ in range(workers)]
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
            torch.set_num_threads(threads)

    def _limit(self, request: Request) -> int:
        return min(self._positions - 2, LONGEST_PER_SOURCE * len(request.source) + LONGEST_SLACK)

    def _make_loop(self, shared: Jobs, jobs: Sequence[Job], workers: int, *, safer: bool) -> Loop:
        """One worker's slots and search."""
        rules = safer_rules(self._rules) if safer else self._rules
        size = -(-self._size // workers) if self._size else max(1, self._rows // rules.beams)
        slots = whole_blocks(min(size, len(jobs)))
        search = make_search(rules, slots, max(job.limit for job in jobs), self._weights)
        decoder = Decoder(self._weights, slots, rules.beams)
        return Loop(Queue(self._weights, shared, self._pad), decoder, search, size, self._tokens // workers)


def choose_native_dtype(name: str, device: str) -> str:
    """As the engine `transformers` chooses; int8 on the CPU besides. Raises EngineError."""
    if name != "int8":
        return choose_dtype(name, device)
    if device != "cpu":
        raise EngineError(f"the engine 'native' has no int8 on '{device}'", "use --dtype auto, or --device cpu")
    return name


def read_rules(generation: Mapping[str, Any], settings: Settings) -> Rules:
    """What the search follows of a generation_config.json and the user's settings. Raises EngineError for what it cannot.

    A forced end never comes about: every row's limit is before the model's last position.
    """
    hint = "use --engine transformers for this model"
    for name, nothing in UNSUPPORTED.items():
        if generation.get(name, nothing) != nothing:
            raise EngineError(f"the engine 'native' does not know {name}={generation[name]!r}", hint)
    end, barred = generation["eos_token_id"], generation.get("bad_words_ids") or []
    ends = end if isinstance(end, list) else [end]
    if len(ends) != 1 or any(len(ids) != 1 for ids in barred):
        said = f"eos {ends}, bad words {barred}"
        raise EngineError(f"the engine 'native' bars single tokens and knows one end: {said}", hint)
    penalty = generation.get("length_penalty") if settings.length_penalty is None else settings.length_penalty
    return Rules(
        beams=settings.beams or generation.get("num_beams") or 1,
        length_penalty=1.0 if penalty is None else float(penalty),
        early_stopping=generation.get("early_stopping") or False,
        renormalize=bool(generation.get("renormalize_logits")),
        start=generation["decoder_start_token_id"],
        end=ends[0],
        barred=tuple(ids[0] for ids in barred if ids[0] != ends[0]),
    )


def safer_rules(rules: Rules) -> Rules:
    """More beams, and no n-gram twice."""
    return replace(rules, beams=rules.beams + SAFER_BEAMS, ngram=SAFER_NGRAM)
