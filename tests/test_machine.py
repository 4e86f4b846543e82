"""What machine this is, told by the system itself."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from translate import machine


def test_the_processor_is_the_system_s() -> None:
    """Its name and its flags, word by word; both stand in /proc/cpuinfo on Linux."""
    path = Path("/proc/cpuinfo")
    if not path.is_file():
        pytest.skip("another system")
    text = path.read_text(encoding="utf-8")
    assert machine.processor_name() == machine.machine_kind()["processor"]
    assert "model name" not in text or f": {machine.processor_name()}\n" in text
    assert all(f" {flag} " in text.replace("\n", " ") for flag in machine.processor_flags())
    assert machine.processor_flags()


def test_processors_are_those_that_may_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """Or as many as OMP_NUM_THREADS says, if it says a number."""
    usable = machine.usable_processors()
    assert 1 <= usable <= (os.cpu_count() or 1)
    for said, expected in (("3", 3), ("0", usable), ("all", usable), ("", usable)):
        monkeypatch.setenv("OMP_NUM_THREADS", said)
        assert machine.count_processors() == expected
    assert machine.machine_kind()["cpus"] == usable
