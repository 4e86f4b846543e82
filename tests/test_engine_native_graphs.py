"""Recorded steps give what steps give, hold to what a CUDA graph asks for, and whoever records badly is found out."""

from __future__ import annotations

import inspect
import logging
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import Tensor

from tapes import Tapes
from test_engine_native import TEXTS, agree, ask, native
from translate import engine_native_compiled
from translate.engine_native import NativeEngine
from translate.engine_native_checkpoint import read_checkpoint
from translate.engine_native_graphs import CUDARecorder, RecordedSteps, Recording, choose_recording
from translate.engine_native_rules import read_rules, safer_rules
from translate.engine_native_search import make_search
from translate.engine_native_steps import Buffers, Decoder, Group, whole_blocks, whole_powers
from translate.engine_native_weights import fuse, pack_weights
from translate.records import Hypothesis, Model, Settings
from translate.tokens import Tokenizer

Rows = list[tuple[int, ...]]


@pytest.fixture(scope="module")
def rows(tokenizer: Tokenizer) -> Rows:
    """Sources of 1 to 100 tokens: rows that end at different times, some of them late, one that loops up to its limit."""
    generator = random.Random(7)
    words = " ".join(TEXTS).split()
    texts = [" ".join(generator.choices(words, k=count)) for count in (1, 2, 4, 8, 16, 48) for _ in range(2)]
    return [*tokenizer.encode([*TEXTS, *texts]), (0,), (*[17] * 29, 0)]


@pytest.fixture(autouse=True)
def _torch_alone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One thread, and no compiled form. What a step needs in between holds nothing that it could rely on, as on CUDA."""
    before = torch.get_num_threads()
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setattr(engine_native_compiled, "load_library", lambda: None)
    monkeypatch.setattr(Buffers, "take", take_filled)
    yield
    torch.set_num_threads(before)


class Failing(Tapes):
    """Cannot record."""

    def record(self, step: Callable[[], None]) -> Callable[[], None]:
        raise RuntimeError("operation not permitted when stream is capturing")


def take_filled(buffers: Buffers, name: str, *shape: int) -> Tensor:
    return torch.full(shape, 1e30, device=buffers._device)


def recorded(model: Model, make: Callable[[], Any], **changes: Any) -> NativeEngine:
    """An engine whose steps are recorded."""
    engine = native(model, **changes)
    assert engine._recording is None
    engine._recording = Recording(make, engine.dtype)
    return engine


def plain(answers: list[Hypothesis]) -> list[tuple[Any, ...]]:
    return [(answer.target, answer.complete, answer.score) for answer in answers]


@pytest.mark.parametrize("safer", [False, True])
@pytest.mark.parametrize("beams", [1, 3])
def test_recorded_steps_give_the_same(tiny: Model, rows: Rows, beams: int, safer: bool) -> None:
    """Ids and scores to the last bit, over rows that end at different times, caches that widen, and more calls.

    What they are compared with has the same sizes. With the sizes of a CPU, a library may give other last bits.
    """
    made: list[Tapes] = []

    def make() -> Tapes:
        made.append(Tapes())
        return made[-1]

    engine = recorded(tiny, make, beams=beams, batch_size=16)
    unrecorded = ask(recorded(tiny, Failing, beams=beams, batch_size=16), rows, safer=safer)
    agree(unrecorded, ask(native(tiny, beams=beams, batch_size=16), rows, safer=safer))
    expected = plain(unrecorded)
    assert plain(ask(engine, rows, safer=safer)) == expected
    assert engine._recording
    assert not engine._recording.failed
    assert len(made) > 1  # caches have widened
    assert sum(tapes.played for tapes in made) > sum(tapes.warm for tapes in made) + sum(t.recorded for t in made)
    counts = []
    for _ in range(3):
        assert plain(ask(engine, rows[::-1], safer=safer)) == expected[::-1]
        counts.append((len(made), made[-1].recorded))
    assert counts[1] == counts[2]  # once every size has come twice, nothing is recorded any more


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_numbers_can_be_recorded(tiny: Model, rows: Rows, dtype: str) -> None:
    """As on CUDA, where float16 is the default."""
    few = rows[:6]
    engine = recorded(tiny, Tapes, dtype=dtype)
    assert plain(ask(engine, few)) == plain(ask(recorded(tiny, Failing, dtype=dtype), few))
    assert engine._recording
    assert not engine._recording.failed


@pytest.mark.parametrize(("beams", "safer"), [(1, False), (3, False), (1, True)])
def test_a_step_needs_no_values(tiny: Model, beams: int, safer: bool) -> None:
    """It runs on a device whose tensors have none: nothing in it looks at a number, or mixes in a tensor of the host's."""
    checkpoint = read_checkpoint(tiny.folder)
    weights = pack_weights(fuse(checkpoint), "float16", "meta")
    rules = read_rules(checkpoint.generation, Settings(beams=beams))
    rules = safer_rules(rules) if safer else rules
    decoder, search = Decoder(weights, 16, rules.beams), make_search(rules, 16, 40, weights)
    groups = (Group(0, 8, 32, 16), Group(8, 16, 16, 16))
    decoder.reserve(groups)
    tensors = [*decoder.tensors(), *search.tensors()]
    parents = search.advance(16, decoder.step(search.tokens, search.positions, groups), 32)
    if parents is not None:
        decoder.reorder(16, parents)
    assert all(one is other for one, other in zip(tensors, [*decoder.tensors(), *search.tensors()], strict=True))
    assert {tensor.device.type for tensor in tensors} == {"meta"}


@pytest.mark.parametrize(
    "illegal",
    [
        lambda x: x.sum().item(),
        lambda x: x.tolist(),
        lambda x: bool(x.any()),
        lambda x: x.nonzero(),
        lambda x: x[x > 0],
        lambda x: x.masked_fill_(torch.tensor([True, False]), 0.0),
        lambda x: x[[0, 1]],
        lambda x: x.numpy(),
    ],
)
def test_what_a_capture_forbids_is_noticed(illegal: Callable[[Tensor], Any]) -> None:
    """So that the other tests mean something."""
    with torch.inference_mode(), pytest.raises(RuntimeError, match="not in a recorded step"):
        Tapes().record(lambda: illegal(torch.ones(2)))


def test_a_tape_is_played_as_a_graph_is() -> None:
    """On the tensors of the recording, with its numbers, and without having made the step."""
    x, number = torch.zeros(2), 1

    def step() -> None:
        x.add_(torch.full_like(x, number) * 2)

    with torch.inference_mode():
        play = Tapes().record(step)
        assert x.tolist() == [0, 0]
        first, x, number = x, torch.zeros(2), 5
        play()
        play()
        assert (first.tolist(), x.tolist()) == ([4, 4], [0, 0])


class Breaking(Tapes):
    """Can, but not play."""

    def record(self, step: Callable[[], None]) -> Callable[[], None]:
        play = super().record(step)

        def broken() -> None:
            play()
            raise RuntimeError("out of memory")

        return broken


class Lying(Tapes):
    """Plays everything twice."""

    def record(self, step: Callable[[], None]) -> Callable[[], None]:
        play = super().record(step)
        return lambda: (play(), play())[0]


class Idle(Tapes):
    """Plays nothing."""

    def record(self, step: Callable[[], None]) -> Callable[[], None]:
        return lambda: None


@pytest.mark.parametrize("make", [Failing, Breaking, Lying, Idle])
def test_bad_recorders_are_found_out(
    tiny: Model, rows: Rows, make: type[Tapes], caplog: pytest.LogCaptureFixture
) -> None:
    """One line in the log, and the same text without it, in this call and in the next."""
    engine = recorded(tiny, make, batch_size=8)
    expected = ask(native(tiny, batch_size=8), rows)
    with caplog.at_level(logging.WARNING):
        agree(ask(engine, rows), expected)
        agree(ask(engine, rows), expected)
    assert [record.getMessage().partition(":")[0] for record in caplog.records] == [
        "the engine 'native' decodes without recorded steps (CUDA graphs), more slowly"
    ]


def test_steps_are_recorded_when_they_come_again() -> None:
    """Each key by itself, anew when a tensor is another; the first replay is compared with the step."""
    x, made, count = torch.zeros(2), [], 0

    def make() -> Tapes:
        made.append(Tapes())
        return made[-1]

    def step() -> None:
        nonlocal count
        count += 1
        x.add_(1)

    steps = RecordedSteps(Recording(make, "float32"))
    with torch.inference_mode():
        for key in "aabba":
            steps.run(key, step, [x])
        assert x.tolist() == [5, 5]
        assert (made[0].warm, made[0].recorded, made[0].played) == (2, 2, 3)
        assert count == 2 + 2 + 1  # warm, recording, comparing
        x = x.clone()
        for _ in range(4):
            steps.run("a", step, [x])
    assert x.tolist() == [9, 9]
    assert (made[1].warm, made[1].recorded, made[1].played) == (1, 1, 3)


def test_graphs_are_captured_as_torch_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    """No GPU is there, but every call to one is seen: its order, and arguments that torch's own functions take."""
    calls: list[str] = []

    class Stream:
        def __init__(self, name: object) -> None:
            self.name = "current" if name == "current" else "side"

        def wait_stream(self, other: Stream) -> None:
            calls.append(f"{self.name} waits for {other.name}")

    def current_stream(device: torch.device) -> Stream:
        return Stream("current")

    @contextmanager
    def within(name: str) -> Iterator[None]:
        calls.append(name)
        yield
        calls.append(f"end of {name}")

    class Graph:
        def replay(self) -> None:
            calls.append("replay")

    arguments = inspect.signature(torch.cuda.graph)

    def capture(*args: Any, **kwargs: Any) -> Any:
        bound = arguments.bind(*args, **kwargs).arguments
        return within(f"capture on {bound['stream'].name} into {bound['pool']}")

    monkeypatch.setattr(torch.cuda, "Stream", Stream)
    monkeypatch.setattr(torch.cuda, "current_stream", current_stream)
    monkeypatch.setattr(torch.cuda, "stream", lambda stream: within(stream.name))
    monkeypatch.setattr(torch.cuda, "graph_pool_handle", lambda: "pool")
    monkeypatch.setattr(torch.cuda, "CUDAGraph", Graph)
    monkeypatch.setattr(torch.cuda, "graph", capture)
    recorder = CUDARecorder(torch.device("cuda"))
    recorder.warm_up(lambda: calls.append("step"))
    assert calls == ["side waits for current", "side", "step", "end of side", "current waits for side"]
    calls.clear()
    recorder.record(lambda: calls.append("step"))()
    into = "capture on side into pool"
    assert calls == ["current", into, "step", f"end of {into}", "end of current", "replay"]


def test_only_cuda_records() -> None:
    """A CPU would gain nothing."""
    assert choose_recording("cpu", "float32") is None
    assert choose_recording("mps", "float32") is None
    assert choose_recording("cuda:1", "float16") is not None


@pytest.mark.parametrize(("count", "size"), [(1, 8), (8, 8), (9, 16), (17, 32), (24, 32), (33, 64), (1000, 1024)])
def test_sizes_that_come_again_are_few(count: int, size: int) -> None:
    """Whole blocks, and powers of two of them."""
    assert whole_powers(count) == size
    assert size % whole_blocks(1) == 0
