"""Gradients by several threads, each with whole batches of its own."""

import copy
import queue
import threading
from pathlib import Path

import numpy as np
import torch
from transformers import MarianMTModel

import lexicon
import network
import pairs


def has_fast_bfloat16(device: str) -> bool:
    """Whether bfloat16 pays on this device: every recent GPU, and processors with AMX or AVX512-BF16."""
    if device != "cpu":
        return True
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    return "amx_bf16" in flags or "avx512_bf16" in flags


class Crew:
    """Threads that each compute gradients of whole batches on their own copy of one set of weights.

    One core a batch wastes nothing on waiting for the other cores inside each small operation, and goes on at full
    speed on the cores that are left when another program takes one.
    """

    def __init__(
        self,
        model: MarianMTModel,
        smoothing: float,
        draw: network.Draw | None,
        *,
        workers: int,
        device: str,
        compiled: bool,
    ) -> None:
        """Start the threads; `model`'s own gradients are where `step` sums up."""
        self.model, self.smoothing, self.draw, self.device = model, smoothing, draw, device
        self.pad: int = model.config.pad_token_id
        self.autocast = has_fast_bfloat16(device)
        self.forward = torch.compile(network.states, dynamic=True) if compiled else network.states
        self.todo: queue.SimpleQueue[tuple[pairs.Batch, np.ndarray | None, float]] = queue.SimpleQueue()
        self.done: queue.SimpleQueue[tuple[float, float, float] | BaseException] = queue.SimpleQueue()
        self.copies = [copy.deepcopy(model) for _ in range(workers)]
        for replica in self.copies:
            for mine, shared in zip(replica.parameters(), model.parameters(), strict=True):
                mine.data = shared.data
            threading.Thread(target=self._work, args=(replica,), daemon=True).start()

    def _work(self, replica: MarianMTModel) -> None:
        """One thread: batches in, sums of losses out, gradients into the replica."""
        while True:
            batch, alignment, guided = self.todo.get()
            try:
                self.done.put(self._backward(replica, batch, alignment, guided))
            except BaseException as problem:  # raised again by step, in the main thread
                self.done.put(problem)

    def _backward(
        self, replica: MarianMTModel, batch: pairs.Batch, alignment: np.ndarray | None, guided: float
    ) -> tuple[float, float, float]:
        """Add one batch's gradients, of sums over tokens; return its smoothed, plain and alignment losses."""
        source, target = (torch.from_numpy(ids).to(self.device) for ids in (batch.source, batch.target))
        shifted = torch.cat([target.new_full((len(target), 1), self.pad), target[:, :-1]], 1)
        inside = target != self.pad
        with torch.autocast(self.device.split(":")[0], torch.bfloat16, enabled=self.autocast):
            states, attention = self.forward(replica, source, shifted, self.pad)
            smooth, plain = network.output_loss(replica, states[inside], target[inside], self.smoothing, self.draw)
        extra = smooth.new_zeros(())
        if alignment is not None:
            wanted = torch.from_numpy(alignment).to(self.device)[inside]
            extra = -(wanted * attention.float()[inside].clamp_min(1e-6).log()).sum()
        (smooth + guided * extra).backward()  # type: ignore[no-untyped-call]
        return smooth.item(), plain.item(), extra.item()

    def step(self, batches: list[pairs.Batch], table: lexicon.Lexicon | None, guided: float) -> dict[str, float]:
        """Gradients of the mean loss over all batches into the model; return losses per token and the tokens."""
        for batch in batches:
            alignment = table.align(batch.source, batch.target, self.pad) if table and guided > 0 else None
            self.todo.put((batch, alignment, guided))
        sums = np.zeros(3)
        for _ in batches:
            result = self.done.get()
            if isinstance(result, BaseException):
                raise result
            sums += result
        tokens = sum(int((batch.target != self.pad).sum()) for batch in batches)
        self._gather(tokens)
        return dict(zip(("smoothed", "loss", "alignment"), (sums / tokens).tolist(), strict=True)) | {"tokens": tokens}

    def _gather(self, tokens: int) -> None:
        """Sum the replicas' gradients into the model's, divided by the tokens."""
        trained = [p for p in self.model.parameters() if p.requires_grad]
        for p in trained:
            p.grad = None
        for replica in self.copies:
            theirs = [p for p in replica.parameters() if p.requires_grad]
            found = [(p, t.grad) for p, t in zip(trained, theirs, strict=True) if t.grad is not None]
            for p, gradient in found:
                p.grad = gradient if p.grad is None else p.grad.add_(gradient)
            for t in theirs:
                t.grad = None
        torch._foreach_div_([p.grad for p in trained if p.grad is not None], tokens)
