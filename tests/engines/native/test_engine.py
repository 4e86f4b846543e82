"""The engine `native`: what `generate` gives, whatever shares the batch."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import psutil
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.helpers.command import SHARED
from tests.helpers.native import TEXTS, agree, ask, native
from translate.engines.base import load_engine
from translate.engines.devices import choose_dtype
from translate.engines.native import engine as engine_native
from translate.engines.native import kernels as kernels_module
from translate.engines.native.checkpoint import fuse, read_checkpoint
from translate.engines.native.engine import NativeEngine, native_dtypes
from translate.engines.native.rules import read_rules
from translate.engines.native.torch_loop import arrange
from translate.engines.native.torch_scores import bar_repeated, best_token, best_tokens
from translate.engines.native.torch_steps import MOST_COLUMNS, ROW_BLOCK, Buffers, attend, column_mask, keeps_columns
from translate.engines.native.torch_weights import pack_weights
from translate.engines.transformers import TransformersEngine
from translate.model.generation import EarlyStopping, GenerationSettings
from translate.model.tokenizer import Tokenizer
from translate.records import EngineError, Model, Request, Settings
from translate.run.loading import make_check
from translate.run.windows import make_batches


@pytest.fixture(scope="module")
def sources(tokenizer: Tokenizer) -> list[tuple[int, ...]]:
    """Ordinary ones and odd ones: only the end, one piece, an unknown piece, one that loops."""
    odd = [(0,), (5, 0), (tokenizer.unknown, 0), (17, 17, 17, 17, 17, 17, 17, 17, 0)]
    return [*tokenizer.encode(TEXTS), *odd]


@pytest.fixture(scope="module")
def rows(sources: list[tuple[int, ...]], tokenizer: Tokenizer) -> list[tuple[int, ...]]:
    """More than fit a few slots: these sources and some of different lengths."""
    generator = random.Random(5)
    words = " ".join(TEXTS).split()
    texts = [" ".join(generator.choices(words, k=generator.randint(1, 16))) for _ in range(16)]
    return [*sources, *tokenizer.encode(texts)]


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    """On busy cores, threads that wait for each other take many times as long."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        yield
    torch.set_num_threads(before)


@pytest.fixture
def two_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on two cores, whatever this machine has."""
    monkeypatch.setenv("OMP_NUM_THREADS", "2")


@pytest.fixture(params=["compiled", "torch"])
def form(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The engine in C, and what torch does on a machine without a compiler."""
    if request.param == "torch":
        monkeypatch.setattr(kernels_module, "chosen_kernels", lambda: None)
    elif kernels_module.chosen_kernels() is None:
        pytest.skip("no kernels are built here")
    return str(request.param)


@pytest.mark.parametrize("beams", [1, 2, 3, 4, 5, 6])
def test_answers_are_those_of_generate(tiny: Model, sources: list[tuple[int, ...]], beams: int, form: str) -> None:
    """Ids, scores and completeness over the beams, odd sources among them."""
    reference = TransformersEngine(tiny, Settings(device="cpu", dtype="float32", beams=beams))
    engine = native(tiny, beams=beams)
    assert (engine.signature["kernels"] == "torch") == (form == "torch")
    agree(ask(engine, sources), ask(reference, sources))


@pytest.mark.parametrize("changes", [{"length_penalty": 0.0}, {"length_penalty": 2.0}])
def test_length_penalty_is_that_of_generate(
    tiny: Model, sources: list[tuple[int, ...]], changes: dict[str, Any], form: str
) -> None:
    """None, and a strong one."""
    reference = TransformersEngine(tiny, Settings(device="cpu", dtype="float32", beams=3, **changes))
    agree(ask(native(tiny, beams=3, **changes), sources), ask(reference, sources))


@pytest.mark.parametrize(("early", "renormalize"), [(True, True), ("never", True), (False, False)])
def test_stopping_rules_are_those_of_generate(
    tiny: Model, sources: list[tuple[int, ...]], early: EarlyStopping, renormalize: bool, form: str
) -> None:
    """`early_stopping` in its three kinds, logits renormalised or not; "never" asks for the batch's limit, so one at a time."""
    reference = TransformersEngine(tiny, Settings(device="cpu", dtype="float32", beams=3))
    ours = native(tiny, beams=3)
    reference._config.update(early_stopping=early, renormalize_logits=renormalize)
    ours._rules = replace(ours._rules, early_stopping=early, renormalize=renormalize)
    for some in [[source] for source in sources[:3]] if early == "never" else [sources]:
        agree(ask(ours, some), ask(reference, some))


@pytest.mark.parametrize("beams", [1, 3])
def test_safer_requests_are_those_of_generate(
    tiny: Model, sources: list[tuple[int, ...]], beams: int, form: str
) -> None:
    """Two beams more, no four tokens twice."""
    reference = TransformersEngine(tiny, Settings(device="cpu", dtype="float32", beams=beams))
    agree(ask(native(tiny, beams=beams), sources, safer=True), ask(reference, sources, safer=True))


def test_longest_source_and_all_ending_at_once(tiny: Model, sources: list[tuple[int, ...]], form: str) -> None:
    """As many tokens as the model has positions; and equal rows, which all end in one step."""
    longest = (*(sources[3][:-1] * 40)[:508], 0)
    reference = TransformersEngine(tiny, Settings(device="cpu", dtype="float32", beams=1))
    agree(ask(native(tiny), [longest]), ask(reference, [longest]))
    assert len({h.target for h in ask(native(tiny, batch_size=8), [sources[1]] * 20)}) == 1


def test_newstest_is_that_of_generate(tiny: Model, tokenizer: Tokenizer) -> None:
    """All of 40 sentences of newstest2019, greedily."""
    path = SHARED / "eval" / "newstest2019.de"
    if not path.is_file():
        pytest.skip("newstest2019 is not here")
    rows = tokenizer.encode(path.read_text(encoding="utf-8").split("\n")[:40])
    reference = TransformersEngine(tiny, Settings(device="cpu", dtype="float32", beams=1))
    answers = ask(native(tiny), rows)
    for batch in make_batches([len(row) for row in rows], tokens=512):
        agree([answers[i] for i in batch], ask(reference, [rows[i] for i in batch]))


@pytest.mark.parametrize(
    ("dtype", "beams"), [("float32", 1), ("float32", 3), ("int8", 1), ("int8", 3), ("bfloat16", 1), ("bfloat16", 3)]
)
def test_rows_do_not_depend_on_the_batch(
    tiny: Model, rows: list[tuple[int, ...]], dtype: str, beams: int, two_threads: None, form: str
) -> None:
    """Batch sizes 1 to 256, any order, any company, one thread or two: the same ids and the same score, to the last bit."""
    if form == "torch" and dtype != "float32":
        rows = rows[:8]  # without the instructions for it, a product takes long
        if dtype == "int8":
            with pytest.raises(EngineError, match="int8"):
                native(tiny, dtype=dtype)
            return
    expected = [(h.target, h.score) for h in ask(native(tiny, beams=beams, dtype=dtype), rows)]
    engines = {size: native(tiny, beams=beams, dtype=dtype, batch_size=size) for size in (1, 7, 8, 32, 256)}
    if form == "torch" and not engines[1].batch_independent:
        pytest.skip("this machine's libraries do not keep rows, and the engine says so")

    @settings(max_examples=3, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(
        st.sampled_from(sorted(engines)),
        st.permutations(range(len(rows))),
        st.integers(1, len(rows)),
        st.integers(1, 2),
    )
    def same(size: int, order: list[int], count: int, threads: int) -> None:
        patch.setenv("OMP_NUM_THREADS", str(threads))
        some = order[:count]
        got = [(h.target, h.score) for h in ask(engines[size], [rows[i] for i in some])]
        assert got == [expected[i] for i in some]

    with pytest.MonkeyPatch.context() as patch:
        same()


def test_engine_says_whether_rows_are_independent(tiny: Model, form: str) -> None:
    """By its design; where libraries multiply, it measures them, and here they may not keep rows (MKL with AVX2 does not)."""
    assert (
        load_engine(tiny, Settings(engine="native", device="cpu", dtype="float32")).batch_independent or form == "torch"
    )


@pytest.mark.parametrize("count", [1, 3, 8])
def test_best_tokens_are_those_of_topk(count: int) -> None:
    """In two stages as in one."""
    logits = torch.randn(9, 640, generator=torch.Generator().manual_seed(1))
    values, tokens = best_tokens(logits, count)
    expected = logits.topk(count)
    assert torch.equal(values, expected.values)
    assert torch.equal(tokens, expected.indices)
    assert torch.equal(best_token(logits)[1][:, 0], logits.argmax(-1))


@pytest.mark.parametrize("queries", [1, 2, 4, 6])
@pytest.mark.parametrize("length", [13, 200, MOST_COLUMNS - 1, MOST_COLUMNS + 3])
def test_columns_behind_a_row_do_not_matter(queries: int, length: int, tiny: Model) -> None:
    """To the last bit, attention over what a row has is that over up to 512 columns more; or the library is found out.

    On some processors torch's products of several queries do not keep to it: then the engine must say that its rows depend
    on their batch.
    """
    generator = torch.Generator().manual_seed(1)
    query, keys = (torch.randn(ROW_BLOCK, 8, count, 32, generator=generator) for count in (queries, MOST_COLUMNS + 512))
    results = []
    for columns in (-(-length // 16) * 16, MOST_COLUMNS + 136, MOST_COLUMNS + 512):
        some, mask = keys[:, :, :columns].contiguous(), column_mask(torch.full((ROW_BLOCK,), length), columns)
        results.append(attend(query, some, some, mask, Buffers(torch.device("cpu"))))
    if not all(torch.equal(results[0], result) for result in results[1:]):
        weights = pack_weights(fuse(read_checkpoint(tiny.folder)), "float32", "cpu")
        assert not keeps_columns(weights, queries)


def test_repeated_ngrams_are_barred() -> None:
    """What followed the same tokens before; not across what fills a history in front."""
    logits = torch.zeros(3, 10)
    history = torch.tensor([[1, 2, 3, 1, 2], [-1, -1, 4, 4, 4], [-1, -1, -1, -1, 1]])
    bar_repeated(logits, history, 3)
    assert [row.nonzero()[:, 0].tolist() for row in logits.isinf()] == [[3], [4], []]


@given(st.data())
def test_arrangement_brings_long_rows_to_the_front(data: st.DataObject) -> None:
    """Every row that goes on is in exactly one slot, the long ones first, and the free slots are told."""
    used = data.draw(st.integers(1, 12))
    long = data.draw(st.integers(0, used))
    finished = data.draw(st.sets(st.integers(0, used - 1)))
    grown = data.draw(st.sets(st.integers(long, used - 1))) if long < used else set()
    plan = arrange(used, long, finished, grown)
    slots = list(range(used))
    for target, source in zip(plan.targets, plan.sources, strict=True):
        slots[target] = source
    kept = [slot for slot in range(used) if slot not in plan.free]
    assert sorted(slots[i] for i in kept) == sorted(set(range(used)) - finished)
    front = {slot for slot in range(used) if slot < long or slot in grown} - finished
    assert {slots[i] for i in range(plan.long)} == front
    assert not set(plan.free) & set(range(plan.long))


def test_what_it_cannot_do_is_said() -> None:
    """With the engine that can."""
    generation = GenerationSettings(decoder_start_token_id=1, eos_token_id=(0,))
    assert read_rules(generation).end == 0
    with pytest.raises(EngineError, match="repetition_penalty") as caught:
        read_rules(replace(generation, repetition_penalty=1.5))
    assert "--engine transformers" in caught.value.hint


def test_int8_is_for_the_cpu(tiny: Model) -> None:
    """Elsewhere it says so."""
    with pytest.raises(EngineError, match="int8"):
        native_dtypes("int8", "cuda")


@pytest.mark.skipif(kernels_module.chosen_kernels() is None, reason="no kernels are built here")
def test_auto_is_int8_if_that_holds(tiny: Model, tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that loses too much by it gets the number type that the reference takes."""
    assert native(tiny, dtype="auto").dtype == "int8"
    check = NativeEngine._check

    def fail_in_int8(self: NativeEngine, given: Any, checkpoint: Any, forms: Any) -> None:
        if "int8" in forms:
            raise EngineError("fails its self-check in int8")
        check(self, given, checkpoint, forms)

    monkeypatch.setattr(NativeEngine, "_check", fail_in_int8)
    engine = NativeEngine(tiny, Settings("native", device="cpu"), make_check(tiny, tokenizer))
    assert engine.dtype == choose_dtype("auto", "cpu")
    with pytest.raises(EngineError, match="in int8"):
        NativeEngine(tiny, Settings("native", device="cpu", dtype="int8"), make_check(tiny, tokenizer))


def test_stopping_early_ends_the_workers(tiny: Model, rows: list[tuple[int, ...]], two_threads: None) -> None:
    """A caller that wants no more gets its thread count back, and the engine can be asked again."""
    engine = native(tiny, batch_size=8)
    before = torch.get_num_threads()
    stream = engine.translate([Request(number, source) for number, source in enumerate(rows)])
    next(iter(stream))
    stream.close()  # type: ignore[attr-defined]  # it is a generator
    assert torch.get_num_threads() == before
    assert len(ask(engine, rows[:3])) == 3


@pytest.mark.slow
def test_memory_does_not_grow(tiny: Model, tokenizer: Tokenizer) -> None:
    """Over 20,000 sentences, once the buffers are there."""
    engine = native(tiny, dtype="int8")
    rows = tokenizer.encode(["Ja.", "Nein.", "Guten Morgen!", "Danke."] * 1250)
    process = psutil.Process()
    ask(engine, rows)
    before = process.memory_info().rss
    for _ in range(4):
        ask(engine, rows)
    assert process.memory_info().rss - before < 30e6


@pytest.fixture
def small_windows(monkeypatch: pytest.MonkeyPatch) -> int:
    """Requests a window, few enough to have several."""
    monkeypatch.setattr(engine_native, "WINDOW", 12)  # for each of two threads
    monkeypatch.setattr(engine_native, "TORCH_WINDOW", 24)
    return 24


@pytest.mark.usefixtures("two_threads", "form")
def test_requests_are_read_ahead_but_not_far(tiny: Model, tokenizer: Tokenizer, small_windows: int) -> None:
    """A window that is begun, one to come, and what a slower worker holds; each row once, the same as alone."""
    texts = [f"Haus {i} ist {'sehr ' * (i % 3)}alt." for i in range(100)]
    requests = [Request(number, source, number % 30 == 7) for number, source in enumerate(tokenizer.encode(texts))]
    engine = load_engine(tiny, Settings(engine="native", device="cpu", dtype="float32", beams=1))
    read, furthest, found = 0, 0, []

    def reading() -> Iterator[Request]:
        nonlocal read
        for request in requests:
            read += 1
            yield request

    for hypothesis in engine.translate(reading()):
        found.append(hypothesis)
        furthest = max(furthest, read - len(found))
    assert furthest <= 3 * small_windows
    alone = [hypothesis for request in requests[:40:3] for hypothesis in engine.translate([request])]
    assert len({hypothesis.number for hypothesis in found}) == len(found) == 100
    assert [
        hypothesis for hypothesis in sorted(found, key=lambda h: h.number) if hypothesis.number in range(0, 40, 3)
    ] == alone


@pytest.mark.usefixtures("two_threads", "form", "small_windows")
def test_an_error_among_the_requests_ends_the_workers(tiny: Model, tokenizer: Tokenizer) -> None:
    """Whatever is read ahead may fail: the error comes out, and no thread is left. Nor is one where nobody reads on."""
    engine = load_engine(tiny, Settings(engine="native", device="cpu", dtype="float32", beams=1))
    sources = tokenizer.encode(["Ja, das ist gut."] * 60)
    before = threading.active_count()

    def requests() -> Iterator[Request]:
        yield from (Request(number, source) for number, source in enumerate(sources))
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        list(engine.translate(requests()))
    assert threading.active_count() == before
    rows = engine.translate(Request(number, source) for number, source in enumerate(sources))
    next(rows)
    del rows
    assert threading.active_count() == before
