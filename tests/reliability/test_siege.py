"""The siege, a turn of each attack: what goes on for hours elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.reliability import siege


@pytest.mark.slow
@pytest.mark.parametrize("name", ["documents", "models", "kills"])
def test_a_turn_of_the_siege(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing that is made up is lost, hangs, or ends in a traceback; and the sums add up where an earlier call ended."""
    monkeypatch.setattr(siege, "AT_ONCE", 8)
    results: dict[str, Any] = {name: {"next": 1000, "tries": 0, "survived": 0, "complaints": []}}
    siege.besiege(results, 1, [name], lambda: None)
    assert results[name]["complaints"] == []
    assert results[name]["next"] > 1000


def test_a_spoilt_result_is_noticed() -> None:
    """Else a siege would prove nothing."""
    sound = {"name": "x", "seconds": 1.0, "rows": 4, "wrong": []}
    assert siege.judge_model(sound) == ""
    assert siege.judge_model({**sound, "seconds": 11.0})
    assert siege.judge_model({**sound, "wrong": ["Ja."]})
    assert siege.judge_model({"name": "x", "seconds": 1.0, "traceback": "t"})
    assert siege.judge_model({"name": "x", "seconds": 1.0, "error": "no", "hint": ""})
