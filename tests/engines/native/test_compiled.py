"""The engine in C: its products are right in every number type and for every kind of processor; what it is not for is said."""

from __future__ import annotations

import ctypes
import functools
import gc
import itertools
import json
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import MarianConfig, MarianMTModel

from tests.helpers.native import agree, ask, native
from translate.engines.native import compiled
from translate.engines.native import kernels as kernels_module
from translate.engines.native.checkpoint import fuse, read_checkpoint
from translate.engines.native.rules import Rules, Task, Tasks
from translate.engines.native.variants import variants_for
from translate.engines.transformers import TransformersEngine
from translate.machine import processor_flags
from translate.model.config import parse_config
from translate.model.fields import Fields
from translate.model.folder import fingerprint
from translate.records import Hypothesis, Model, Request, Settings

pytestmark = pytest.mark.skipif(kernels_module.chosen_kernels() is None, reason="no kernels are built here")

PROCESSORS = {variant.name: variant for variant in variants_for(platform.machine())}


def options_for(name: str) -> tuple[str, ...]:
    """The compiler's options for such a processor; skips where this one cannot run what comes out."""
    if missing := set(PROCESSORS[name].needs) - processor_flags():
        pytest.skip(f"this processor has no {', '.join(sorted(missing))}")
    return ("-ffp-contract=off", *PROCESSORS[name].flags)


WARNINGS = ("-Wall", "-Wextra", "-Werror")
REFERENCE = compiled.FOLDER / "reference.c"
"""The engine with a plain form of each kernel, and with allocations that can be made to fail."""


def compile_reference(folder: Path, *options: str) -> ctypes.CDLL:
    """As a library of its own."""
    library = folder / "reference.so"
    command = ["cc", "-O1", "-shared", "-fPIC", *WARNINGS, *options, "-o", str(library), str(REFERENCE), "-lm"]
    subprocess.run(command, check=True)
    return ctypes.CDLL(str(library))


@pytest.fixture(scope="module", params=PROCESSORS)
def kernels(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """The C code by itself, compiled for one kind of processor."""
    return compile_reference(tmp_path_factory.mktemp("kernels"), *options_for(request.param))


def call(function: Any, *arguments: int | np.ndarray[Any, Any]) -> int:
    """Call a C function with numbers and arrays."""
    return int(
        function(
            *(a.ctypes.data_as(ctypes.c_void_p) if isinstance(a, np.ndarray) else ctypes.c_int64(a) for a in arguments)
        )
    )


def normal(random: np.random.Generator, *shape: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Random numbers of that shape."""
    return random.standard_normal(shape, dtype=np.float32)


@pytest.mark.parametrize("activation", [0, 1, 2])
def test_products_are_the_plain_ones(kernels: ctypes.CDLL, activation: int) -> None:
    """In three number types, for whole and odd numbers of rows; a row's bits do not depend on the others."""
    random = np.random.default_rng(1)
    for inputs, width in ((64, 96), (256, 96), (96, 32), (512, 64), (64, 27)):
        weight, bias, x = normal(random, width, inputs) / 8, normal(random, width), normal(random, 70, inputs)
        x[7] *= 100
        size = np.abs(x).max(1, keepdims=True) * np.sqrt(inputs) / 8
        columns = -(-width // 32) * 32
        for kind, within in (("float32", 1e-6), ("bfloat16", 2e-4), ("int8", 2e-4)):
            sizes, rough = (compiled.TYPES[kind], activation, inputs, width), 1e-5 if kind == "float32" else 2e-4
            plain = np.zeros((70, width), dtype=np.float32)
            call(kernels.product_plain, *sizes, 70, weight, bias, x, plain)
            found = {}
            for rows in (70, 64, 41, 32, 17, 13, 1):
                out = np.zeros((rows, columns), dtype=np.float32)
                assert call(kernels.product_fast, *sizes, rows, weight, bias, x, out)
                found[rows] = out[:, :width]
                error = np.abs(found[rows] - plain[:rows])
                assert (error < within * size[:rows] + rough).all(), (kind, inputs, width, rows)
            assert all((out == found[70][:rows]).all() for rows, out in found.items())


def test_normalisation_is_the_plain_one(kernels: ctypes.CDLL) -> None:
    """For widths of one panel to many, far from 0 as well."""
    random = np.random.default_rng(2)
    for rows, d in ((1, 32), (5, 96), (3, 512), (2, 1024)):
        weight, bias, added, x = (
            normal(random, d),
            normal(random, d),
            normal(random, rows, d) + 3,
            normal(random, rows, d),
        )
        plain = x.copy()
        call(kernels.normalise_plain, rows, d, weight, bias, added, plain)
        call(kernels.normalise_fast, rows, d, weight, bias, added, x)
        assert np.abs(x - plain).max() < 1e-5


@pytest.mark.parametrize("head", [16, 32, 48, 64])
def test_attention_is_the_plain_one(kernels: ctypes.CDLL, head: int) -> None:
    """Over what is cached, in three number types, whatever the memory held before; and within a sentence."""
    random, heads = np.random.default_rng(4), 3
    for tokens in (1, 3, 15, 16, 17, 32, 41, 70):
        fused = normal(random, tokens, 3, heads, head)
        fused[:, 0] /= head**0.5
        parts = [np.ascontiguousarray(fused[:, part]) for part in range(3)]
        plain = np.zeros((tokens, heads, head), dtype=np.float32)
        call(kernels.attention_plain, heads, head, tokens, tokens, *parts, plain)
        for kind, most in (("float32", 1e-5), ("bfloat16", 0.03), ("int8", 0.06)):
            for queries in {1, min(tokens, 4), tokens}:
                out = np.zeros((queries, heads, head), dtype=np.float32)
                assert call(kernels.attention_fast, compiled.TYPES[kind], heads, head, tokens, queries, *parts, out)
                assert np.abs(out - plain[:queries]).max() < most, (kind, tokens, queries)
        out = np.zeros((tokens + 31, heads, head), dtype=np.float32)
        if call(kernels.within_fast, heads, head, tokens, fused, out):
            assert np.abs(out[:tokens] - plain).max() < 0.03, tokens


@pytest.mark.parametrize("rough", [0, 1])
def test_choice_is_the_plain_one(kernels: ctypes.CDLL, rough: int) -> None:
    """The best tokens exactly, of equals the first; the logarithms of sums as near as the exponentials are."""
    random = np.random.default_rng(5)
    for count, width in ((1, 64), (4, 64), (32, 576)):
        logits = np.round(normal(random, width) * 4, 1)  # so that some are equal
        barred = random.choice(width, size=3, replace=False).astype(np.int64)
        answers = []
        for way in (kernels.choice_plain, functools.partial(kernels.choice_fast, ctypes.c_int64(rough))):
            best, tokens, sums = np.zeros(count, np.float32), np.zeros(count, np.int32), np.zeros(2)
            way(
                *(ctypes.c_int64(number) for number in (count, width)),
                *(
                    a.ctypes.data_as(ctypes.c_void_p) if isinstance(a, np.ndarray) else ctypes.c_int64(a)
                    for a in (logits.copy(), 3, barred, best, tokens, sums)
                ),
            )
            answers.append((best, tokens, sums))
        (best, tokens, sums), (fast_best, fast_tokens, fast_sums) = answers
        assert (best == fast_best).all()
        assert (tokens == fast_tokens).all()
        assert np.abs(sums - fast_sums).max() < 1e-4


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
@pytest.mark.parametrize("name", PROCESSORS)
def test_compilers_have_nothing_to_say(compiler: str, name: str) -> None:
    """No warning and no error, for processors that this one cannot run, too."""
    if shutil.which(compiler) is None:
        pytest.skip(f"no {compiler} here")
    for options in ((), ("-DPROFILE",)):
        command = [
            compiler,
            "-fsyntax-only",
            "-std=gnu11",
            *PROCESSORS[name].flags,
            *WARNINGS,
            *options,
            str(REFERENCE),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def test_records_are_those_of_the_header() -> None:
    """Field by field, in the same order and of the same kind; and so are constants."""
    text = re.sub(r"/\*.*?\*/", "", (compiled.FOLDER / "interface.h").read_text(encoding="utf-8"), flags=re.DOTALL)
    fields: dict[str, list[tuple[str, str]]] = {}
    for body, name in re.findall(r"typedef struct \{(.*?)\} (\w+);", text, flags=re.DOTALL):
        fields[name] = []
        for line in body.split(";")[:-1]:
            kind, names = re.fullmatch(r"\s*(?:const )?(\w+) (.*)", line, flags=re.DOTALL).groups()  # type: ignore[union-attr]
            fields[name] += [(field.strip(" *\n"), "pointer" if "*" in field else kind) for field in names.split(",")]
    kinds = {
        ctypes.c_int64: "word",
        ctypes.c_double: "double",
        ctypes.c_float: "float",
        ctypes.c_int32: "int32_t",
        compiled.Pair: "Pair",
    }
    records: dict[str, type[ctypes.Structure]]
    records = {**{record.__name__: record for record in compiled.RECORDS.values()}, "Pair": compiled.Pair}
    records["Rules"] = records.pop("SearchRules")
    assert fields == {
        name: [(field, kinds.get(kind, "pointer")) for field, kind, *_ in record._fields_]
        for name, record in records.items()
    }


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
    assert engine.kernels
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
        {"d_model": 248},
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


@pytest.mark.parametrize(
    "sources",
    [
        [(5_000_000, 0)],
        [(-1, 0)],
        [(1 << 40, 0)],
        [(5,) * 600],
        [()],
        [(5, 0), *[()] * 1199],
    ],
)
def test_bad_sources_are_refused(tiny: Model, sources: list[tuple[int, ...]]) -> None:
    """C would read what stands behind its tables; and empty ones have no place in its lists."""
    with pytest.raises(ValueError, match="a source has"):
        ask(native(tiny), sources)


def test_more_beams_than_there_are_places_for(tiny: Model) -> None:
    """The limit is named."""
    model = native(tiny)._compiled
    assert model is not None
    rules = Rules(17, 1.0, False, False, start=1, end=0, barred=())
    with pytest.raises(ValueError, match="17 beams: the engine 'native' has 1 to 16"):
        compiled.CompiledLoop(model, rules, Tasks([]), 1, 1, 1)


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """A library whose allocations can be made to fail."""
    return compiled.declare(compile_reference(tmp_path_factory.mktemp("checked")))


def test_each_failed_allocation_is_a_memory_error(
    odd_model: Model, checked: ctypes.CDLL, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The n-th of loading a model and of translating, for every n: nothing leaks, and afterwards the same engine works."""
    monkeypatch.setattr(kernels_module, "chosen_kernels", lambda: kernels_module.Loaded("checked", checked))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    rows = [(*[5] * n, 0) for n in (1, 20, 3, 40)]
    before = checked.count_allocations()

    def without(failing: int, work: Callable[[], Any]) -> Any:
        """What the work gives whose n-th allocation fails; None if that was a MemoryError."""
        checked.fail_allocation(failing)
        with suppress(MemoryError):
            return work()
        gc.collect()  # an error's traceback holds what it went through in a circle
        return None

    for failing in itertools.count(1):
        if engine := without(failing, lambda: native(odd_model, beams=2, dtype="bfloat16")):
            break
        assert checked.count_allocations() == before
    assert failing > 100
    checked.fail_allocation(0)
    expected, loaded = ask(engine, rows, safer=True), checked.count_allocations()
    for failing in itertools.count(1):
        if answers := without(failing, lambda: ask(engine, rows, safer=True)):
            break
        assert checked.count_allocations() == loaded
        checked.fail_allocation(0)
        assert ask(engine, rows, safer=True) == expected
    assert answers == expected
    assert failing > 20
    checked.fail_allocation(0)


def test_a_step_without_memory_can_be_taken_again(
    odd_model: Model, checked: ctypes.CDLL, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What failed changed nothing: the rows of a loop whose calls are repeated are those of one that never failed."""
    monkeypatch.setattr(kernels_module, "chosen_kernels", lambda: kernels_module.Loaded("checked", checked))
    engine = native(odd_model, beams=2)
    model, rules = engine._compiled, engine._rules
    assert model is not None
    jobs = [Task(Request(i, (*[3 + i] * length, 0)), 60) for i, length in enumerate((30, 9, 17, 2))]

    def decode(failing: int) -> list[tuple[int, tuple[int, ...], float]]:
        loop, active = compiled.CompiledLoop(model, rules, Tasks([]), 4, 1000, 60), 0
        rows: list[Hypothesis] = []
        armed = True
        while len(rows) < 4:
            checked.fail_allocation(failing if armed else 0)
            armed = True
            try:
                active += loop._add(jobs[active:])
                rows += loop._decode(1)
            except MemoryError:
                failed.append(failing)
                armed = False  # the same call again has memory
        checked.fail_allocation(0)
        return sorted((row.number, row.target, row.score) for row in rows)

    failed: list[int] = []
    expected = decode(0)
    assert all(decode(failing) == expected for failing in range(1, 20))
    assert len(failed) > 20


REFUSED: list[tuple[str, dict[str, Any]]] = [
    ("sizes", {"bytes": 8}),
    ("sizes", {"type": 3}),
    ("sizes", {"activation": 0}),
    ("sizes", {"d": 0}),
    ("sizes", {"d": 1 << 40}),
    ("sizes", {"encoder_heads": 0}),
    ("sizes", {"decoder_heads": 3}),
    ("sizes", {"encoder_inner": 33}),
    ("sizes", {"decoder_layers": 0}),
    ("sizes", {"decoder_layers": 2}),
    ("sizes", {"encoder_layers": 2}),
    ("sizes", {"positions": 0}),
    ("sizes", {"logits": 28}),
    ("weights", {"bytes": 8}),
    ("weights", {"encoder_layers": 0}),
    ("weights", {"memory": compiled.Pair()}),
    ("weights", {"source_tokens": None}),
    ("rules", {"bytes": 8}),
    ("rules", {"beams": 0}),
    ("rules", {"beams": 17}),
    ("rules", {"stopping": 3}),
    ("rules", {"start": 27}),
    ("rules", {"end": -1}),
    ("rules", {"ngram": -1}),
    ("rules", {"bars": 1}),
    ("rules", {"length_penalty": float("nan")}),
    ("worker", {"slots": 0}),
    ("worker", {"slots": 1 << 40}),
    ("worker", {"positions": 0}),
    ("worker", {"positions": 64}),
    ("source", {"length": 0}),
    ("source", {"length": -1}),
    ("source", {"length": 65}),
    ("source", {"limit": 0}),
    ("source", {"limit": 61}),
    ("add", {"count": 5}),
    ("add", {"count": -1}),
    ("add", {"tokens": 3}),
    ("add", {"first": 27}),
    ("add", {"first": -1}),
    ("take", {"positions": 59}),
]
"""A record or a call → what is wrong with it."""


@pytest.mark.parametrize(("what", "changes"), REFUSED)
def test_the_library_checks_by_itself(odd_model: Model, what: str, changes: dict[str, Any]) -> None:
    """Whatever Python has let pass: nothing is made, nothing is read."""
    loaded = kernels_module.chosen_kernels()
    assert loaded is not None
    library = loaded.library
    fused = fuse(read_checkpoint(odd_model.folder))
    model = compiled.CompiledModel(library, fused, "float32")
    weights, _kept = compiled._weights(fused, model._tables, model.sizes)
    records: dict[str, Any] = {
        "sizes": model.sizes,
        "weights": weights,
        "rules": compiled.SearchRules(bytes=ctypes.sizeof(compiled.SearchRules), beams=2, start=26, length_penalty=1.0),
        "source": compiled.Source(number=1, length=2, limit=60),
    }
    calls: dict[str, dict[str, int]] = {
        "worker": {"slots": 4, "positions": 60},
        "add": {"count": 1, "tokens": 2, "first": 5},
        "take": {"positions": 60},
    }
    for name, value in changes.items():
        if what in records:
            assert hasattr(records[what], name)
            setattr(records[what], name, value)
        else:
            assert name in calls[what]
            calls[what][name] = value
    made, worker, ids = ctypes.c_void_p(), ctypes.c_void_p(), np.array([calls["add"]["first"], 0], dtype=np.int32)
    rows, tokens = (compiled.Finished * 4)(), np.zeros((4, 60), dtype=np.int32)
    statuses = {
        "model": library.model_new(ctypes.byref(model.sizes), ctypes.byref(weights), ctypes.byref(made)),
        "worker": library.worker_new(
            model.handle, ctypes.byref(records["rules"]), *calls["worker"].values(), ctypes.byref(worker)
        ),
    }
    if worker:
        count, total, _ = calls["add"].values()
        statuses["add"] = library.worker_add(
            worker, count, (compiled.Source * 1)(records["source"]), total, ids.ctypes.data
        )
        statuses["take"] = library.worker_take(worker, 4, rows, calls["take"]["positions"], tokens.ctypes.data)
        library.worker_free(worker)
    library.model_free(made) if made else None
    refused = {"sizes": "model", "weights": "model", "rules": "worker", "source": "add"}.get(what, what)
    assert {name for name, status in statuses.items() if status} == {refused}
    assert statuses[refused] == compiled.REFUSED


def test_a_library_of_another_abi_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor one whose records are as long as others, or whose limits differ."""
    loaded = kernels_module.chosen_kernels()
    assert loaded is not None
    library = loaded.library
    for name, value in (("ABI", 1), ("MOST_BEAMS", 8), ("RECORDS", {"sizes": compiled.Pair})):
        with monkeypatch.context() as patch:
            patch.setattr(compiled, name, value)
            with pytest.raises(OSError, match="a library of"):
                compiled.declare(library)


OUT_OF_MEMORY = """
import resource, sys
from pathlib import Path
from tests.helpers.native import native
from translate.records import Model, Request
engine = native(Model("tiny", Path(sys.argv[1]), None, ""), batch_size=100_000)
held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (held + (100 << 20),) * 2)
requests = [Request(number, (5,) * 400) for number in range(2_000)]
try:
    list(engine.translate(requests))
except MemoryError as error:
    print(error)
"""


def test_no_more_memory_is_an_exception(tiny: Model) -> None:
    """Of this process, which goes on."""
    command = [sys.executable, "-c", OUT_OF_MEMORY, str(tiny.folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "got no more memory" in done.stdout
    assert done.returncode == 0
