"""The device is found without torch where only a CPU can be."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from translate.engines import devices


def test_a_cpu_is_chosen_without_torch(tmp_path: Path) -> None:
    """On Linux without any driver's device file `auto` imports nothing; neither does `cpu`, anywhere."""
    code = (
        "import sys; from translate.engines import devices; devices.GPU_FILES = (sys.argv[2],); "
        "sys.platform = 'linux'; print(devices.choose_device(sys.argv[1]), 'torch' in sys.modules)"
    )
    for name in ("auto", "cpu"):
        command = [sys.executable, "-c", code, name, str(tmp_path / "nvidia0")]
        assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "cpu False\n"


def test_a_driver_or_another_system_may_have_a_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A device file is enough to ask torch; on other systems there is no such file to look for."""
    monkeypatch.setattr(devices, "GPU_FILES", (str(tmp_path / "nvidia0"),))
    monkeypatch.setattr(sys, "platform", "linux")
    assert not devices.may_have_gpu()
    (tmp_path / "nvidia0").touch()
    assert devices.may_have_gpu()
    monkeypatch.setattr(devices, "GPU_FILES", ())
    monkeypatch.setattr(sys, "platform", "darwin")
    assert devices.may_have_gpu()
