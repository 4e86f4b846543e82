"""What a CUDA graph does, on a CPU: operations taken down with the very tensors they ran on, and run again on them.

As with a graph, no Python runs when a tape is played: a number that the host had while recording stays as it was, a
tensor that was replaced since is not seen, and nothing that a step leaves outside its tensors can be relied on. What a
capture forbids raises RuntimeError while recording.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

ON_THE_HOST = {
    "item": "reads a value",
    "_local_scalar_dense": "reads a value",
    "is_nonzero": "reads a value",
    "equal": "reads a value",
    "resolve_conj": "reads all values, as tolist() and numpy() do",
    "nonzero": "has a result of unknown size",
    "masked_select": "has a result of unknown size",
    "_unique2": "has a result of unknown size",
    "lift_fresh": "makes a tensor of Python's numbers",
}
"""Operation → why it makes the device and the host wait for each other."""

GARBAGE = {torch.float32: -1e30, torch.float16: -6e4, torch.bfloat16: -1e30, torch.long: -(2**31)}
"""What is where a step has left something."""


def check(name: str, inputs: list[Tensor]) -> None:
    """Raises RuntimeError for an operation that waits."""
    reason = ON_THE_HOST.get(name)
    if name in ("index", "index_put_", "index_put") and any(x.dtype in (torch.bool, torch.uint8) for x in inputs[1:]):
        reason = "looks for the places where a mask holds"
    if reason:
        raise RuntimeError(f"{name} {reason}: not in a recorded step")


class _Taking(TorchDispatchMode):
    """Runs operations and takes them down; keeps what they overwrite that is not their own."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.operations: list[tuple[Callable[..., Any], tuple[Any, ...], Mapping[str, Any], list[Tensor]]] = []
        self.before: dict[int, tuple[Tensor, Tensor]] = {}
        self.own: set[int] = set()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        inputs = [value for value in tree_leaves((args, kwargs)) if isinstance(value, Tensor)]
        check(func.overloadpacket.__name__, inputs)
        for number, argument in enumerate(func._schema.arguments):
            if argument.alias_info is not None and argument.alias_info.is_write:
                self._keep(kwargs[argument.name] if argument.name in kwargs else args[number])
        known = {where(value) for value in inputs}
        result = func(*args, **kwargs)
        outputs = [value for value in tree_leaves(result) if isinstance(value, Tensor)]
        self.own |= {where(value) for value in outputs} - known
        self.operations.append((func, args, kwargs, outputs))
        return result

    def _keep(self, tensor: Tensor) -> None:
        place = where(tensor)
        if place not in self.own and place not in self.before:
            whole = tensor.as_strided((tensor.untyped_storage().nbytes() // tensor.itemsize,), (1,), 0)
            self.before[place] = (whole, whole.clone())


def where(tensor: Tensor) -> int:
    """The address of all that it shares memory with."""
    return tensor.untyped_storage().data_ptr()


class Tapes:
    """A recorder (`engine_native_graphs.Recorder`), and what was asked of it."""

    made: list[Tapes]

    def __init__(self) -> None:
        self.warm, self.recorded, self.played = 0, 0, 0

    def warm_up(self, step: Callable[[], None]) -> None:
        """Make the step."""
        self.warm += 1
        step()

    def record(self, step: Callable[[], None]) -> Callable[[], None]:
        """Make the step, take down how, and make it undone."""
        self.recorded += 1
        with _Taking() as taking:
            step()
        for tensor, old in taking.before.values():
            tensor.copy_(old)

        def play() -> None:
            self.played += 1
            for *_, outputs in taking.operations:  # other graphs have used this memory
                for output in outputs:
                    if where(output) in taking.own:
                        output.fill_(GARBAGE.get(output.dtype, 1))
            for func, args, kwargs, outputs in taking.operations:
                fresh = [value for value in tree_leaves(func(*args, **kwargs)) if isinstance(value, Tensor)]
                for output, value in zip(outputs, fresh, strict=True):
                    if output.data_ptr() != value.data_ptr():
                        output.copy_(value)

        return play
