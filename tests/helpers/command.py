"""The command as a user runs it, and where things are."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
SHARED = ROOT.parent / "shared"
"""Test sets too large or not free enough to be kept with the project; tests that need them say so where they are not."""

Command = Callable[..., subprocess.CompletedProcess[str]]


def environment(**changes: str) -> dict[str, str]:
    """The environment of a command: no hub, unless the test brings one."""
    return {**os.environ, "HF_HUB_OFFLINE": "1", "PYTHONUTF8": "1", **changes}


def command(*arguments: str) -> list[str]:
    """The command line of `translate`, as the installed script runs it."""
    return [sys.executable, "-P", "-c", "from translate.__main__ import main; main()", *arguments]


def rows(path: Path) -> list[dict[str, object]]:
    """The rows of a file, as any JSON reader sees them."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n")[:-1]]
