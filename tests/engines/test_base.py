"""Every engine keeps the seam's contract: one table of engines, the same tests for each."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.command import Command
from translate.engines.base import (
    AUTO,
    ENGINES,
    REFERENCE,
    Engine,
    SelfCheck,
    choose_engine,
    installed_engines,
    load_engine,
)
from translate.model.tokenizer import Tokenizer
from translate.records import EngineError, Model, Request, Settings
from translate.run.loading import make_check

TEXTS = (
    "Das ist ein Haus.",
    "Guten Morgen!",
    "Ich habe heute zwei Bücher gekauft.",
    "Der Zug nach Berlin fährt um acht Uhr ab.",
    "Ja.",
    "Morgen wird es regnen.",
)
INT8 = {"ctranslate2"}
"""The engines that can; of the others `native` may, where torch can."""


@pytest.fixture(scope="module", params=list(ENGINES))
def engine(request: pytest.FixtureRequest, tiny: Model, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Each registered engine, greedy in float32, with an empty cache."""
    name = request.param
    if name not in installed_engines():
        pytest.skip(f"{name} is not installed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield load_engine(tiny, Settings(engine=name, dtype="float32", beams=1, device="cpu"))


@pytest.fixture(scope="module")
def sources(tokenizer: Tokenizer) -> list[tuple[int, ...]]:
    """TEXTS as token ids."""
    return tokenizer.encode(TEXTS)


def test_numbers_come_back_once_each(engine: Engine, sources: list[tuple[int, ...]]) -> None:
    """Whatever the numbers are, and some of the requests safer."""
    requests = [Request(100 - 7 * i, source, safer=i % 3 == 2) for i, source in enumerate(sources)]
    hypotheses = list(engine.translate(iter(requests)))
    assert sorted(h.number for h in hypotheses) == sorted(r.number for r in requests)


def test_results_return_to_their_owners(engine: Engine, sources: list[tuple[int, ...]]) -> None:
    """In reverse order each source gets the same target."""
    forward = {h.number: h.target for h in engine.translate([Request(i, s) for i, s in enumerate(sources)])}
    backward = {h.number: h.target for h in engine.translate([Request(i, s) for i, s in enumerate(sources)][::-1])}
    assert forward == backward
    assert len(set(forward.values())) > 1


def test_nothing_gives_nothing(engine: Engine) -> None:
    """No request, no hypothesis."""
    assert list(engine.translate([])) == []


def test_hypotheses_are_plain(engine: Engine, sources: list[tuple[int, ...]], tokenizer: Tokenizer) -> None:
    """Targets hold no special ids at their ends; scores are log-probabilities; short texts are complete."""
    for hypothesis in engine.translate([Request(i, source) for i, source in enumerate(sources)]):
        assert all(isinstance(number, int) and number != tokenizer.end for number in hypothesis.target)
        assert hypothesis.score <= 0
        assert hypothesis.complete


def test_signature_can_be_written(engine: Engine) -> None:
    """It names the engine, and no field would break `key:value|…`."""
    assert engine.signature["engine"].startswith(engine.name)
    assert not any(set("|:") & set(key + value) for key, value in engine.signature.items())
    assert engine.batch_tokens > 0


def test_greedy_targets_are_the_reference_ones(engine: Engine, sources: list[tuple[int, ...]], tiny: Model) -> None:
    """In float32 every engine that runs the model gives what `transformers` gives; scores too, forbidden words apart."""
    if engine.name in ("echo", "transformers"):
        return
    reference = load_engine(tiny, Settings(engine="transformers", dtype="float32", beams=1, device="cpu"))
    requests = [Request(i, source) for i, source in enumerate(sources)]
    expected = {h.number: h for h in reference.translate(requests)}
    for hypothesis in engine.translate(requests):
        assert hypothesis.target == expected[hypothesis.number].target
        assert hypothesis.score == pytest.approx(expected[hypothesis.number].score, abs=1e-2)


def test_a_limit_is_the_rows_own(engine: Engine, sources: list[tuple[int, ...]]) -> None:
    """No row is longer than 3 × its source + 32 tokens, whatever shares its batch."""
    rows = [Request(0, sources[4]), Request(1, (*sources[3][:-1] * 8, sources[3][-1]))]
    for hypothesis in engine.translate(rows):
        assert len(hypothesis.target) <= 3 * len(rows[hypothesis.number].source) + 32


def test_a_row_that_runs_on_is_the_same_in_company(engine: Engine, tokenizer: Tokenizer) -> None:
    """Its target, and the score of that target: not of what a longer row's limit would let it say."""
    alone, longer = (Request(i, ids) for i, ids in enumerate(tokenizer.encode(["ha " * 14, "ha " * 25])))
    (expected,) = engine.translate([alone])
    found = next(h for h in engine.translate([alone, longer]) if h.number == alone.number)
    assert (found.target, found.complete) == (expected.target, expected.complete)
    assert found.score == pytest.approx(expected.score, abs=1e-5)


@pytest.mark.parametrize("name", [name for name in ENGINES if name not in ("echo", "native")])
def test_int8_where_it_can(name: str, tiny: Model, sources: list[tuple[int, ...]], tmp_path: Path) -> None:
    """An engine that has int8 uses it and says so; another one refuses it."""
    if name not in installed_engines():
        pytest.skip(f"{name} is not installed")
    settings = Settings(engine=name, dtype="int8", beams=1, device="cpu")
    if name not in INT8:
        with pytest.raises(EngineError, match="int8"):
            load_engine(tiny, settings)
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path))
        loaded = load_engine(tiny, settings)
    assert loaded.dtype == loaded.signature["dtype"] == "int8"
    assert len(list(loaded.translate([Request(0, sources[0])]))) == 1


def test_missing_package_names_its_extra(tiny: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence, one hint with the extra to install."""
    monkeypatch.setitem(sys.modules, "ctranslate2", None)
    monkeypatch.delitem(sys.modules, "translate.engines.ctranslate2", raising=False)
    with pytest.raises(EngineError, match="not installed") as caught:
        load_engine(tiny, Settings(engine="ctranslate2"))
    assert ".[ctranslate2]" in caught.value.hint


def test_unknown_device_and_dtype(tiny: Model) -> None:
    """`ctranslate2` names what it cannot have."""
    pytest.importorskip("ctranslate2")
    with pytest.raises(EngineError, match="'cuda:77'"):
        load_engine(tiny, Settings(engine="ctranslate2", device="cuda:77"))
    with pytest.raises(EngineError, match="float16"):
        load_engine(tiny, Settings(engine="ctranslate2", device="cpu", dtype="float16"))


def test_a_model_is_converted_once(tiny: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Into the user's cache, under its fingerprint, with nothing left beside it."""
    pytest.importorskip("ctranslate2")
    from translate.engines.ctranslate2 import converted_folder

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = converted_folder(tiny)
    written = (folder / "model.bin").stat().st_mtime_ns
    assert tiny.fingerprint[:16] in folder.name
    assert converted_folder(tiny) == folder
    assert (folder / "model.bin").stat().st_mtime_ns == written
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_command_translates_with_ctranslate2(translate: Command, tmp_path: Path) -> None:
    """The whole program with the engine, and again from its memory."""
    pytest.importorskip("ctranslate2")
    (tmp_path / "a.txt").write_text("Das ist ein Haus.\nGuten Morgen!\n", encoding="utf-8")
    arguments = ("a.txt", "--model", "tiny-de-en", "--engine", "ctranslate2", "--beams", "1")
    for _ in range(2):
        done = translate(*arguments, XDG_CACHE_HOME=str(tmp_path / "cache"))
        assert done.returncode == 0, done.stderr
    assert "2 from memory" in done.stderr


def test_auto_is_native(tiny: Model, tokenizer: Tokenizer) -> None:
    """Where its kernels can do what is asked for; nothing is said."""
    choice = choose_engine(tiny, Settings(device="cpu"), make_check(tiny, tokenizer))
    assert (choice.engine.name, choice.fallback) == (AUTO, "")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"beams": 15}, "at most 14 beams, not 15"),
        ({"dtype": "float16"}, "they have no float16"),
    ],
)
def test_auto_falls_back_to_the_reference(changes: dict[str, Any], reason: str, tiny: Model) -> None:
    """With the true reason; an engine that is named does not, and computes with torch."""
    choice = choose_engine(tiny, Settings(device="cpu", **changes))
    assert choice.engine.name == REFERENCE
    assert choice.fallback.startswith("using the engine 'transformers': ")
    assert reason in choice.fallback
    named = choose_engine(tiny, Settings("native", device="cpu", **changes))
    assert (named.engine.signature["kernels"], named.fallback) == ("torch", "")


def test_what_a_model_asks_for_is_a_reason(tiny: Model, tmp_path: Path) -> None:
    """A setting that only the reference honours; an engine that is named refuses it."""
    folder = shutil.copytree(tiny.folder, tmp_path / "m")
    said = json.loads((folder / "generation_config.json").read_text())
    (folder / "generation_config.json").write_text(json.dumps({**said, "repetition_penalty": 1.5}))
    model = Model("m", folder, None, "")
    choice = choose_engine(model, Settings(device="cpu"))
    assert choice.engine.name == REFERENCE
    assert "repetition_penalty" in choice.fallback
    with pytest.raises(EngineError, match="repetition_penalty"):
        load_engine(model, Settings("native", device="cpu"))


def test_a_failed_self_check_is_a_reason(tiny: Model, tokenizer: Tokenizer) -> None:
    """For `auto`; of an engine that is named it is an error."""
    check = make_check(tiny, tokenizer)
    wrong = SelfCheck(check.sources, tuple((5, 6, 7) for _ in check.sources))
    choice = choose_engine(tiny, Settings(device="cpu"), wrong)
    assert choice.engine.name == REFERENCE
    assert "fails its self-check in float32" in choice.fallback
    with pytest.raises(EngineError, match="fails its self-check"):
        load_engine(tiny, Settings("native", device="cpu"), wrong)


def test_int8_is_not_fallen_back_with(tiny: Model) -> None:
    """The reference has none, so what native says is the error."""
    with pytest.raises(EngineError, match="int8 in its kernels only: they have at most 14 beams, not 20"):
        load_engine(tiny, Settings(device="cpu", dtype="int8", beams=20))


def test_the_terminal_says_why(translate: Command, tmp_path: Path) -> None:
    """One line, and the signature of the engine that has done it."""
    (tmp_path / "a.txt").write_text("Ja.\n", encoding="utf-8")
    done = translate("a.txt", "--model", "tiny-de-en", "--beams", "15", "--json")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("using the engine 'transformers': the engine 'native' cannot use its kernels: ") == 1
    assert '"engine": "transformers"' in done.stdout


def test_numpy_is_imported_with_one_thread() -> None:
    """Threads of its library that wait for others spin; torch, which may read the same variable, is not bound by it."""
    code = "import os; from translate.engines.base import _one_thread_in_numpy as one\nwith one(): print(os.environ['OPENBLAS_NUM_THREADS'])\nprint('OPENBLAS_NUM_THREADS' in os.environ)"
    environ = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
    done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True)
    assert done.stdout == "1\nFalse\n"
