"""Requests for the engine `native`, and how its answers are held against those of `generate`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from translate.engines.native.engine import NativeEngine
from translate.records import Hypothesis, Model, Request, Settings

TEXTS = (
    "Ja.",
    "Das ist ein Haus.",
    "Guten Morgen, wie geht es Ihnen?",
    "Der Zug nach Berlin fährt heute um acht Uhr ab, weil gestern niemand gearbeitet hat.",
    "Die Regierung will bis 2030 rund 18,10 Milliarden Euro für Schulen, Straßen und Brücken ausgeben.",
    "Er sagte: „Ich komme nicht!“",
    "ha ha ha ha ha ha ha ha ha ha ha",
)


def native(model: Model, **changes: Any) -> NativeEngine:
    wanted: dict[str, Any] = {"engine": "native", "device": "cpu", "dtype": "float32", "beams": 1}
    return NativeEngine(model, Settings(**wanted | changes))


def ask(engine: Any, rows: Sequence[tuple[int, ...]], *, safer: bool = False) -> list[Hypothesis]:
    requests = [Request(number, source, safer) for number, source in enumerate(rows)]
    answers = sorted(engine.translate(requests), key=lambda hypothesis: hypothesis.number)
    assert [answer.number for answer in answers] == list(range(len(rows)))
    return answers


def agree(ours: Sequence[Hypothesis], reference: Sequence[Hypothesis]) -> None:
    assert [(h.target, h.complete) for h in ours] == [(h.target, h.complete) for h in reference]
    assert [h.score for h in ours] == pytest.approx([h.score for h in reference], abs=1e-4)
