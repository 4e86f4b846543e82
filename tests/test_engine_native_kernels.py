"""The compiled kernels give what torch gives, row by row; and without a compiler the engine works all the same."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch.nn import functional

from test_engine_native import TEXTS, agree, ask, native
from translate import engine_native_kernels
from translate.engine_native_kernels import Kernels, load_kernels, suits_kernels
from translate.records import Model
from translate.tokens import Tokenizer

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler here")


@pytest.fixture(scope="module")
def kernels() -> Kernels:
    """Compiled here."""
    found = load_kernels()
    assert found is not None
    return found


def numbers(*shape: int, seed: int = 1) -> torch.Tensor:
    return 3 * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("head", [8, 32, 64])
@pytest.mark.parametrize("masked", [False, True])
def test_attention_is_that_of_torch(kernels: Kernels, head: int, masked: bool) -> None:
    """Over each slot's own columns, with strides, with a mask."""
    slots, queries, heads, columns = 3, 2, 4, 21
    query = numbers(slots, queries, 3, heads, head)[:, :, 1] / 10
    keys, values = numbers(2, slots, heads, 2 * columns, head, seed=2)[:, :, :, :columns]
    lengths = torch.tensor([1, 13, 21])
    behind = torch.arange(columns) >= lengths[:, None]
    mask = torch.zeros(slots, queries, columns)
    if masked:
        mask[:, 1, 1::3] = -math.inf
    allowed = mask.masked_fill(behind[:, None], -math.inf)[:, None]
    out = torch.empty(slots, queries, heads, head)
    kernels.attend(query, keys, values, lengths, mask=mask if masked else None, out=out)
    expected = functional.scaled_dot_product_attention(query.transpose(1, 2), keys, values, allowed, scale=1.0)
    torch.testing.assert_close(out, expected.transpose(1, 2), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("count", [1, 5])
def test_choice_is_that_of_torch(kernels: Kernels, count: int) -> None:
    """Best tokens, the first of equals, and both sums; barred tokens are not chosen."""
    logits = numbers(9, 640)
    logits[2, 100:110] = 50.0
    everything = torch.logsumexp(logits, -1)
    barred = torch.tensor([int(logits[0].argmax()), 639])
    expected = logits.clone()
    expected[:, barred] = -math.inf
    best, tokens, allowed, found = kernels.choose(logits, count, barred)
    assert torch.equal(best, expected.topk(count).values)
    assert torch.equal(expected.gather(1, tokens), best)
    assert tokens[2, 0] == 100
    torch.testing.assert_close(found, everything)
    torch.testing.assert_close(allowed, torch.logsumexp(expected, -1))


def test_small_steps_are_those_of_torch(kernels: Kernels) -> None:
    """Normalisation, activations far out too, quantising and scaling back, keys and values put away."""
    x, before, weight, bias = numbers(5, 64), numbers(5, 64, seed=2), numbers(64, seed=3), numbers(64, seed=4)
    expected = functional.layer_norm(x + before, (64,), weight, bias, 1e-5)
    torch.testing.assert_close(kernels.normalise(x.clone(), before, weight, bias), expected, atol=1e-5, rtol=1e-5)
    far = torch.tensor([[-1e4, -100.0, -88.0, -1.0, 0.0, 1.0, 100.0, 1e4]])
    torch.testing.assert_close(kernels.activate(far.clone(), "swish"), functional.silu(far))
    assert torch.equal(kernels.activate(far.clone(), "relu"), far.relu())
    scaled = torch.empty_like(x)
    scales = kernels.quantise(x, 63, scaled)
    torch.testing.assert_close(scaled.abs().amax(1), torch.full((5,), 63.0))
    torch.testing.assert_close(kernels.scale_back(scaled, scales, torch.zeros(64)), x)
    past, fused = torch.zeros(2, 3, 2, 9, 8), numbers(6, 3, 2, 8)
    own = torch.tensor([[0, 1], [4, 5], [6, 7]])
    kernels.remember(past, fused, own)
    for row in range(6):
        assert torch.equal(past[:, row // 2, :, own.flatten()[row]], fused[row, 1:])


def test_widths_that_are_no_whole_vectors_are_for_torch() -> None:
    """And heads wider than the kernels hold."""
    assert suits_kernels((256, 1024), heads=(32, 32))
    assert not suits_kernels((256, 1024), heads=(12, 12))
    assert not suits_kernels((256, 1024), heads=(32, 4))
    assert not suits_kernels((250, 1000), heads=(8, 8))
    assert not suits_kernels((512, 1024), heads=(256, 256))


@pytest.fixture
def no_compiler(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As on a machine without one."""
    monkeypatch.setattr(engine_native_kernels, "COMPILERS", ("no-such-compiler",))
    load_kernels.cache_clear()
    yield
    load_kernels.cache_clear()


@pytest.mark.parametrize(("dtype", "beams"), [("float32", 1), ("float32", 3), ("int8", 1)])
def test_without_a_compiler(
    tiny: Model, tokenizer: Tokenizer, dtype: str, beams: int, no_compiler: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The signature says so; rows do not depend on the batch; in float32 the targets are the same."""
    rows = [*tokenizer.encode(TEXTS), (0,), (17,) * 8 + (0,)] * 3
    engine = native(tiny, beams=beams, dtype=dtype)
    assert engine.signature["kernels"] == "torch"
    answers = ask(engine, rows)
    alone = native(tiny, beams=beams, dtype=dtype, batch_size=1)
    assert [(h.target, h.score) for h in ask(alone, rows[:9])] == [(h.target, h.score) for h in answers[:9]]
    load_kernels.cache_clear()
    monkeypatch.undo()
    compiled = native(tiny, beams=beams, dtype=dtype)
    assert compiled.signature["kernels"] == "compiled"
    if dtype == "float32":
        agree(ask(compiled, rows), answers)


def test_a_compiler_that_fails_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """And nothing half made is left in the cache; a second load finds what the first one made."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    broken = tmp_path / "broken.c"
    broken.write_text("int main( {")
    with monkeypatch.context() as patch:
        patch.setattr(engine_native_kernels, "SOURCE", broken)
        load_kernels.cache_clear()
        assert load_kernels() is None
    assert "without its kernels" in caplog.text
    for _ in range(2):
        load_kernels.cache_clear()
        assert load_kernels() is not None
        made = [path.name for path in tmp_path.glob("translate-batch/kernels/*")]
        assert [name[-3:] for name in made] == [".so"]
    load_kernels.cache_clear()
