"""The engine in C: its products are right in every number type and for every kind of processor; what it is not for is said."""

from __future__ import annotations

import ctypes
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import MarianConfig, MarianMTModel

from tests.helpers.native import TEXTS, agree, ask, native
from translate.engines.native import compiled
from translate.engines.transformers import TransformersEngine
from translate.model.config import parse_config
from translate.model.fields import Fields
from translate.model.folder import fingerprint
from translate.model.tokenizer import Tokenizer
from translate.records import Model, Settings

pytestmark = pytest.mark.skipif(compiled.load_library() is None, reason="no C compiler here")

PROBE = """
#include "attention.h"
void probe(long type, const float *weight, const float *bias, long inputs, long width, const float *x, long rows, long swish, float *out) {
    Dense dense;
    Buffer room = {0};
    pack_dense(&dense, type, weight, bias, inputs, width, 0);
    tiles_begin();
    apply(&dense, x, rows, swish, out, &room);
    tiles_end();
    free_dense(&dense), free(room.at);
}
/* Of `queries` queries over `tokens` tokens, whose keys are remembered in two goes, in pages that held something else. */
void attention(long type, long heads, long head, long tokens, long queries, const float *query, const float *keys, const float *values, float *out) {
    long d = heads * head, first = tokens / 3;
    Layout layout = {heads, head, d, 1, type == INT8 && LEVELS < 127 ? BFLOAT16 : type};
    Pool pool = {.bytes = page_bytes(&layout)};
    Pages pages = {0};
    Buffer room = {0};
    reserve_pages(&pages, tokens, &pool);
    for (long i = 0; i < pages.count; i++) memset(pages.at[i], 0xff, pool.bytes);
    remember(&layout, &pages, 0, 0, first, keys, values, d);
    remember(&layout, &pages, 0, first, tokens - first, keys + first * d, values + first * d, d);
    attend(&layout, queries, query, d, &pages, &pages, 0, tokens, NULL, 0, out, d, &room);
    free(room.at), free(pages.at), free_pool(&pool);
}
/* Of all tokens over each other, with tiles; 0 where there are none. */
long within(long heads, long head, long tokens, const float *fused, float *out) {
    Layout layout = {heads, head, heads * head, 1, BFLOAT16};
    Buffer room = {0};
    if (!TILED_HEAD(head)) return 0;
    tiles_begin();
    attend_within(&layout, tokens, fused, out, &room);
    tiles_end();
    free(room.at);
    return 1;
}
"""
PROCESSORS = {
    "this one": ("-march=native", ()),
    "no tiles": ("-march=native", compiled.WITHOUT_TILES),
    "avx512-vnni": ("-march=cascadelake", ("avx512_vnni",)),
    "avx512": ("-march=skylake-avx512", ("avx512bw", "avx512vl")),
    "avx-vnni": ("-march=alderlake", ("avx_vnni", "gfni")),
    "avx2": ("-march=haswell", ("avx2", "fma")),
    "any": ("-march=x86-64", ("sse2",)),
}
"""Name → what to compile for, and the flags that this processor needs to run it (or more options, for the second)."""


def options_for(name: str) -> tuple[str, ...]:
    """The compiler's options for such a processor; skips where this one cannot run what comes out."""
    march, needs = PROCESSORS[name]
    if name in ("this one", "no tiles"):
        return (march, *needs)
    words = set(Path("/proc/cpuinfo").read_text(encoding="utf-8").split()) if Path("/proc/cpuinfo").exists() else set()
    if not set(needs) <= words:
        pytest.skip(f"this processor cannot run {name}")
    return (march, "-Wno-psabi")


@pytest.fixture(scope="module", params=PROCESSORS)
def probe(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """The C code by itself, compiled for one kind of processor."""
    tmp_path = tmp_path_factory.mktemp("probe")
    (tmp_path / "probe.c").write_text(PROBE, encoding="utf-8")
    library = tmp_path / "probe.so"
    options = ("-O2", "-shared", "-fPIC", *options_for(request.param), f"-I{compiled.FOLDER}")
    subprocess.run(["cc", *options, "-o", library, tmp_path / "probe.c", "-lm"], check=True, capture_output=True)
    return ctypes.CDLL(str(library))


def call(function: Any, *arguments: int | np.ndarray) -> int:
    """Call a C function with numbers and arrays."""
    return int(
        function(
            *(a.ctypes.data_as(ctypes.c_void_p) if isinstance(a, np.ndarray) else ctypes.c_long(a) for a in arguments)
        )
    )


@pytest.mark.parametrize("swish", [0, 1])
def test_products_are_right_on_every_processor(probe: ctypes.CDLL, swish: int) -> None:
    """Against float64, in three number types, for whole and odd numbers of rows; a row's bits do not depend on the others."""
    random = np.random.default_rng(1)
    for inputs, width in ((64, 96), (256, 96), (96, 32), (512, 64)):
        weight = random.standard_normal((width, inputs), dtype=np.float32) / 8
        bias = random.standard_normal(width, dtype=np.float32)
        x = random.standard_normal((70, inputs), dtype=np.float32)
        x[7] *= 100
        exact = x.astype(np.float64) @ weight.T.astype(np.float64) + bias
        if swish:
            exact /= 1 + np.exp(-exact.clip(-500))
        size = np.abs(x).max(1, keepdims=True) * np.sqrt(inputs) / 8
        for kind, within in (("float32", 1e-6), ("bfloat16", 0.01), ("int8", 0.03)):
            found = {}
            for rows in (70, 64, 41, 32, 17, 13, 1):
                out = np.zeros((rows, width), dtype=np.float32)
                call(probe.probe, compiled.TYPES[kind], weight, bias, inputs, width, x, rows, swish, out)
                found[rows] = out
                assert (np.abs(out - exact[:rows]) < within * size[:rows] + 1e-5).all(), (kind, inputs, width, rows)
            assert all((out == found[70][:rows]).all() for rows, out in found.items())


@pytest.mark.parametrize("head", [16, 32, 64])
def test_attention_is_right_on_every_processor(probe: ctypes.CDLL, head: int) -> None:
    """Against float64: over what is cached, in three number types, whatever the memory held before; and within a sentence."""
    random, heads = np.random.default_rng(4), 3
    for tokens in (1, 3, 15, 16, 17, 32, 41, 70):
        fused = random.standard_normal((tokens, 3, heads, head), dtype=np.float32)
        fused[:, 0] /= head**0.5
        query, keys, values = (fused[:, part].astype(np.float64) for part in range(3))
        scores = np.einsum("qhi,khi->hqk", query, keys)
        shares = np.exp(scores - scores.max(-1, keepdims=True))
        exact = np.einsum("hqk,khi->qhi", shares / shares.sum(-1, keepdims=True), values)
        parts = [np.ascontiguousarray(fused[:, part]) for part in range(3)]
        for kind, most in (("float32", 1e-5), ("bfloat16", 0.03), ("int8", 0.06)):
            for queries in {1, min(tokens, 4), tokens}:
                out = np.zeros((queries, heads, head), dtype=np.float32)
                call(probe.attention, compiled.TYPES[kind], heads, head, tokens, queries, *parts, out)
                assert np.abs(out - exact[:queries]).max() < most, (kind, tokens, queries)
        out = np.zeros((tokens + 31, heads, head), dtype=np.float32)
        if call(probe.within, heads, head, tokens, fused, out):
            assert np.abs(out[:tokens] - exact).max() < 0.03, tokens


@pytest.mark.parametrize("name", [name for name in PROCESSORS if name != "this one"])
def test_answers_are_the_same_on_every_processor(
    name: str, tiny: Model, tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In float32, compiled for it: the ids of this one. The other number types give every row, and the same one alone."""
    rows = tokenizer.encode(TEXTS)
    expected = ask(native(tiny, beams=2), rows)
    library = compiled.load_library(("-O2", "-shared", "-fPIC", *options_for(name)))
    assert library is not None
    monkeypatch.setattr(compiled, "load_library", lambda: library)
    agree(ask(native(tiny, beams=2), rows), expected)
    for dtype in ("bfloat16", "int8"):
        engine = native(tiny, dtype=dtype)
        answers = [(h.target, h.score) for h in ask(engine, rows)]
        assert [(h.target, h.score) for row in rows[:3] for h in ask(engine, [row])] == answers[:3]


@pytest.fixture(scope="module")
def odd_model(tmp_path_factory: pytest.TempPathFactory, tiny: Model) -> Model:
    """Random weights of odd sizes: heads of 16 and 32, widths that differ, a vocabulary smaller than a panel, relu."""
    torch.manual_seed(3)
    folder = tmp_path_factory.mktemp("odd")
    marian = MarianMTModel(
        MarianConfig(
            vocab_size=27, d_model=64, encoder_layers=1, decoder_layers=3, encoder_attention_heads=2,
            decoder_attention_heads=4, encoder_ffn_dim=96, decoder_ffn_dim=32, max_position_embeddings=64,
            activation_function="relu", scale_embedding=False, pad_token_id=26, decoder_start_token_id=26, eos_token_id=0,
            init_std=0.3,
        )
    )  # fmt: skip
    marian.generation_config.update(num_beams=1, max_length=64, bad_words_ids=[[26]])
    marian.save_pretrained(folder)
    (folder / "vocab.json").write_text(json.dumps({f"p{i}": i for i in range(27)}), encoding="utf-8")
    for file in ("source.spm", "target.spm"):
        (folder / file).write_bytes((tiny.folder / file).read_bytes())
    return Model("odd", folder, None, fingerprint(folder))


@pytest.mark.parametrize("beams", [1, 4])
def test_odd_sizes_are_computed(odd_model: Model, beams: int) -> None:
    """With `generate`'s ids and scores."""
    random = np.random.default_rng(2)
    rows = [(*random.integers(1, 26, size=n).tolist(), 0) for n in (1, 2, 5, 9, 15, 16, 17, 3, 3, 1)]
    engine = native(odd_model, beams=beams)
    assert engine.signature["kernels"] == "compiled"
    reference = TransformersEngine(odd_model, Settings(device="cpu", dtype="float32", beams=beams))
    agree(ask(engine, rows), [ask(reference, [row])[0] for row in rows])  # alone: the limit is the row's own


CONFIG = {
    "vocab_size": 60_000,
    "d_model": 256,
    "encoder_layers": 1,
    "decoder_layers": 1,
    "encoder_ffn_dim": 1024,
    "decoder_ffn_dim": 1024,
    "encoder_attention_heads": 8,
    "decoder_attention_heads": 8,
    "activation_function": "swish",
}


@pytest.mark.parametrize(
    "changes",
    [
        {"d_model": 250},
        {"encoder_ffn_dim": 1000},
        {"decoder_attention_heads": 32},
        {"encoder_attention_heads": 1},
        {"activation_function": "gelu"},
    ],
)
def test_what_does_not_suit_is_for_torch(changes: dict[str, object]) -> None:
    """Widths that are no whole vectors, heads that are none or too wide, another activation."""
    assert compiled.suits(parse_config(Fields(Path("config.json"), CONFIG)))
    assert not compiled.suits(parse_config(Fields(Path("config.json"), CONFIG | changes)))


def test_ids_beyond_the_vocabulary_never_reach_the_engine(tiny: Model) -> None:
    """It would read what stands behind its tables."""
    for source in ((5_000_000, 0), (-1, 0), tuple([5] * 600)):
        with pytest.raises(ValueError, match="a source has"):
            ask(native(tiny), [source])


@pytest.fixture
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty cache folder; nothing that was loaded before counts."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    compiled.load_library.cache_clear()
    yield tmp_path / "translate-batch" / "native"
    compiled.load_library.cache_clear()


def test_without_a_compiler(fresh: Path, tiny: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """The signature says that torch computes."""
    monkeypatch.setattr(compiled, "COMPILERS", ("no-such-compiler",))
    assert native(tiny).signature["kernels"] == "torch"
    assert not fresh.exists()


def test_a_compiler_that_fails_is_said(
    fresh: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """And nothing half made is left in the cache; a second load finds what the first one made."""
    (tmp_path / "engine.c").write_text("int main( {")
    with monkeypatch.context() as patch:
        patch.setattr(compiled, "FOLDER", tmp_path)
        assert compiled.load_library() is None
    assert "computes with torch" in caplog.text
    assert "engine.c:1" in caplog.text
    for _ in range(2):
        compiled.load_library.cache_clear()
        assert compiled.load_library() is not None
        assert [path.suffix for path in fresh.iterdir()] == [".so"]


OUT_OF_MEMORY = """
import resource
from pathlib import Path
from translate.engines.native.checkpoint import fuse, read_checkpoint
from translate.engines.native.compiled import _words, compile_model
import sys
model = compile_model(fuse(read_checkpoint(Path(sys.argv[1]))), "int8")
resource.setrlimit(resource.RLIMIT_AS, (1 << 31, 1 << 31))
model.library.worker_new(model.handle, _words(1, 0, 0, 0, 0, 0, 0), 1.0, 1, 1 << 40)
"""


def test_no_more_memory_is_an_error_with_a_hint(tiny: Model) -> None:
    """Not a crash: status 1, and how to go on."""
    command = [sys.executable, "-c", OUT_OF_MEMORY, str(tiny.folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("error: the engine 'native' got no more memory\nhint: the same command goes on")
