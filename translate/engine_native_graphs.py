"""Decoding steps that are recorded once and replayed: on CUDA as graphs, one launch for all of a step's kernels.

A step over tensors that stay where they are does the same operations whenever it has the same sizes. Its key names these
sizes: the first step of a key is made as usual, the second is recorded, and from then on it is replayed. Whoever records
has to be believed: each loop makes its first recorded step both ways, and the engine goes on without if they differ.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor

log = logging.getLogger(__name__)

Step = Callable[[], None]

TOLERANCES = {"float32": 1e-4, "float16": 1e-2, "bfloat16": 5e-2}
"""Relative and absolute, between a step's results made in two ways: the same kernels should give the same to the last bit,
but a library may choose others. What is wrong is wrong by more."""


class Recorder(Protocol):
    """Takes down what a step does to its tensors, wherever its results depend on nothing else."""

    def warm_up(self, step: Step) -> None:
        """Make a step as it is, in a way that it can be recorded afterwards."""
        ...

    def record(self, step: Step) -> Step:
        """What does the same to the same tensors again. The step is not made. Raises RuntimeError if it can't be recorded."""
        ...


class CUDARecorder:
    """Graphs that share the memory of what a step needs in between.

    As https://docs.pytorch.org/docs/stable/notes/cuda.html#cuda-graphs has it: warmed up on the stream that captures, so
    that libraries have their workspaces; one pool, since no two graphs run at once and no result stays in it.
    """

    def __init__(self, device: torch.device) -> None:
        self._device, self._stream = device, torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        self._pool = torch.cuda.graph_pool_handle()

    def warm_up(self, step: Step) -> None:
        """See `Recorder`."""
        current = torch.cuda.current_stream(self._device)
        self._stream.wait_stream(current)
        with torch.cuda.stream(self._stream):
            step()
        current.wait_stream(self._stream)

    def record(self, step: Step) -> Step:
        """See `Recorder`. Other threads of the program may use the GPU meanwhile."""
        graph = torch.cuda.CUDAGraph()
        # torch.cuda.graph does not give the stream back when the capture fails; this does.
        with (
            torch.cuda.stream(torch.cuda.current_stream(self._device)),
            torch.cuda.graph(graph, pool=self._pool, stream=self._stream, capture_error_mode="thread_local"),
        ):
            step()
        return graph.replay


@dataclass(slots=True)
class Recording:
    """How an engine's steps are recorded, as long as that works."""

    make: Callable[[], Recorder]
    dtype: str
    """Of the products."""
    failed: bool = False

    def give_up(self, reason: object) -> None:
        """Record no more, and say so once."""
        if not self.failed:
            first = str(reason).partition("\n")[0]
            log.warning("the engine 'native' decodes without recorded steps (CUDA graphs), more slowly: %s", first)
        self.failed = True

    def alike(self, one: Tensor, other: Tensor) -> bool:
        """Whether floating numbers are close, and all others equal."""
        if not one.is_floating_point():
            return torch.equal(one, other)
        tolerance = TOLERANCES[self.dtype]
        return torch.allclose(one, other, rtol=tolerance, atol=tolerance)


def choose_recording(device: str, dtype: str) -> Recording | None:
    """CUDA graphs on CUDA; elsewhere nothing can be gained."""
    place = torch.device(device)
    return Recording(lambda: CUDARecorder(place), dtype) if place.type == "cuda" else None


@dataclass(slots=True)
class RecordedSteps:
    """The steps of one loop. What was recorded is dropped as soon as one of the tensors is another."""

    recording: Recording | None
    _recorder: Recorder | None = None
    _places: list[tuple[int, torch.Size]] = field(default_factory=list)
    _replays: dict[Hashable, Step | None] = field(default_factory=dict)
    """None: made once, so that it is warm."""
    _checked: bool = False

    def run(self, key: Hashable, step: Step, tensors: Sequence[Tensor]) -> None:
        """Make the step, which reads and writes these tensors and no others but constant ones, one way or another.

        The step may not ask for a value on the host, and all of its results have to be in the tensors.
        """
        recording = self.recording
        if recording is None or recording.failed:
            self._recorder = None
            self._replays.clear()
            step()
            return
        recorder = self._recorder_for(recording, tensors)
        if key not in self._replays:
            self._replays[key] = None
            recorder.warm_up(step)
        elif (replay := self._replays[key] or self._record(recording, recorder, key, step)) is None:
            step()
        elif self._checked:
            replay()
        else:
            self._compare(recording, replay, step, tensors)

    def _recorder_for(self, recording: Recording, tensors: Sequence[Tensor]) -> Recorder:
        """The one of these tensors. A new one has memory of its own: a pool that no graph uses any more can't be shared."""
        places = [(tensor.data_ptr(), tensor.shape) for tensor in tensors]
        if self._recorder is None or places != self._places:
            self._replays.clear()
            self._recorder, self._places = recording.make(), places
        return self._recorder

    def _record(self, recording: Recording, recorder: Recorder, key: Hashable, step: Step) -> Step | None:
        try:
            replay = self._replays[key] = recorder.record(step)
        except RuntimeError as error:
            recording.give_up(error)
            return None
        return replay

    def _compare(self, recording: Recording, replay: Step, step: Step, tensors: Sequence[Tensor]) -> None:
        """Replay, then make the same step on the same tensors: its results stay, and those replayed have to be like them."""
        before: list[Tensor] = []
        replayed: list[Tensor] = []
        try:
            before = [tensor.clone() for tensor in tensors]
            replay()
            replayed = [tensor.clone() for tensor in tensors]
        except RuntimeError as error:
            recording.give_up(error)
        for tensor, old in zip(tensors, before, strict=False):  # none of them if there was no memory for all
            tensor.copy_(old)
        del before
        step()
        try:
            if replayed and not all(map(recording.alike, tensors, replayed)):
                raise RuntimeError("a recorded step gave other results than the step itself")
        except RuntimeError as error:
            recording.give_up(error)
        self._checked = True
