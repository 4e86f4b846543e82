"""The engine's form for GPUs, for models that the kernels cannot compute, and for machines without kernels: by torch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch

from translate.engines.native.checkpoint import Fused
from translate.engines.native.rules import Rules, Tasks
from translate.engines.native.torch_loop import Loop, Queue
from translate.engines.native.torch_search import make_search
from translate.engines.native.torch_steps import Decoder, keeps_rows, whole_blocks
from translate.engines.native.torch_weights import pack_weights
from translate.machine import count_processors
from translate.records import Hypothesis

MOST_WORKERS = 8
"""Python threads: what they do between two products, they do one at a time."""


class TorchForm:
    """A model's weights for torch; only read, so that several workers may share them."""

    def __init__(self, fused: Fused, dtype: str, device: str) -> None:
        """dtype: float32, bfloat16 or float16."""
        self.most_workers = MOST_WORKERS if device == "cpu" else 1
        self._weights = pack_weights(fused, dtype, device)
        self._pad = fused.config.pad_token_id

    @torch.inference_mode()
    def keeps_rows(self, rows: int, beams: Sequence[int]) -> bool:
        """Whether on this machine a row is the same whatever shares its batch, for each of these numbers of beams."""
        return keeps_rows(self._weights, rows, beams)

    def decode(
        self, rules: Rules, tasks: Tasks, *, size: int, tokens: int, positions: int
    ) -> Iterator[list[Hypothesis]]:
        """One worker's rows as they finish.

        size: slots; tokens: padded source tokens in all of them at most; positions: target tokens of the longest row.
        """
        torch.set_num_threads(max(1, count_processors() // MOST_WORKERS))
        with torch.inference_mode():
            slots = whole_blocks(size)
            search = make_search(rules, slots, positions, self._weights)
            decoder = Decoder(self._weights, slots, rules.beams)
            yield from Loop(Queue(self._weights, tasks, self._pad), decoder, search, size, tokens).run()


@contextmanager
def kept_threads() -> Iterator[None]:
    """The caller gets back the number of threads that torch had before."""
    before = torch.get_num_threads()
    try:
        yield
    finally:
        torch.set_num_threads(before)
