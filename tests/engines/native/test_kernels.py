"""Variants of the kernels: chosen by the processor, forced by a variable, and of one family where they give the same bytes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers.native import TEXTS, ask, native
from translate.engines.base import choose_engine
from translate.engines.native import kernels
from translate.model.tokenizer import Tokenizer
from translate.records import EngineError, Model, Settings

USABLE = [found.name for found in kernels.available_kernels() if not found.reason]
pytestmark = pytest.mark.skipif(not USABLE, reason="no kernels are built here")


@pytest.fixture(params=USABLE)
def forced(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each variant that this machine can run."""
    monkeypatch.setenv(kernels.FORCED, request.param)
    return str(request.param)


ROWS: dict[tuple[str, str], object] = {}
"""Number type and family → the rows of the first variant that gave them."""


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "int8"])
def test_variants_of_a_family_give_the_same_bytes(forced: str, tiny: Model, tokenizer: Tokenizer, dtype: str) -> None:
    """Of every row, and the same alone; in float32 and in int8 all variants are one family."""
    rows = tokenizer.encode(TEXTS)
    engine = native(tiny, beams=2, dtype=dtype)
    assert engine.kernels == forced
    answers = ask(engine, rows)
    found = [(h.target, h.score) for h in answers]
    assert [(h.target, h.score) for row in rows[:3] for h in ask(engine, [row])] == found[:3]
    assert ROWS.setdefault((dtype, engine.signature["kernels"]), found) == found
    assert engine.signature["kernels"] == "all" or dtype == "bfloat16"


def test_the_fastest_is_chosen(tiny: Model) -> None:
    """The first of those that can run here."""
    assert native(tiny).kernels == USABLE[0]


@pytest.mark.parametrize(
    ("name", "reason"),
    [("sse9", "no such variant"), *((f.name, f.reason) for f in kernels.available_kernels() if f.reason)],
)
def test_a_variant_that_cannot_run_is_an_error(name: str, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which says why, and lists the choices; it is never opened."""
    monkeypatch.setenv(kernels.FORCED, name)
    with pytest.raises(EngineError, match=reason) as caught:
        kernels.chosen_kernels()
    assert caught.value.hint == f"{kernels.FORCED} can be: {', '.join(USABLE)}"


def test_nothing_takes_the_place_of_forced_kernels(tiny: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even `auto` falls back: the user asked for exactly these."""
    monkeypatch.setenv(kernels.FORCED, "sse9")
    with pytest.raises(EngineError, match="no such variant"):
        choose_engine(tiny, Settings(device="cpu"))


@pytest.mark.parametrize("damage", ["missing", "cut", "empty"])
def test_a_damaged_library_is_not_used(
    damage: str, tiny: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without any, the engine computes with torch and says so in its signature."""
    if damage != "missing":
        (tmp_path / f"{USABLE[-1]}.so").write_bytes(b"" if damage == "empty" else b"\x7fELF")
    monkeypatch.setattr(kernels, "BUILT", tmp_path)
    kernels._choose.cache_clear()
    try:
        assert native(tiny).signature["kernels"] == "torch"
    finally:
        kernels._choose.cache_clear()
