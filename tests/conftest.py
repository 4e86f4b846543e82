"""What the tests share: the command as a user runs it, a small model, texts."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.helpers.command import Command, command, environment
from translate.model.catalog import BUNDLED
from translate.model.folder import fingerprint
from translate.model.tokenizer import Tokenizer
from translate.records import Model

# A busy machine is slow, not wrong.
settings.register_profile("translate", suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("translate")

os.environ["XDG_CACHE_HOME"] = tempfile.mkdtemp(prefix="translate-tests-")
"""What `translate bench` found on this machine must not reach the tests, nor they it."""


@pytest.fixture
def translate(tmp_path: Path) -> Command:
    """Runs `translate` in an empty folder and returns what it did."""

    def run(*arguments: str, stdin: str | bytes = "", **changes: str) -> subprocess.CompletedProcess[str]:
        raw = stdin.encode() if isinstance(stdin, str) else stdin
        done = subprocess.run(
            command(*arguments), cwd=tmp_path, env=environment(**changes), input=raw, capture_output=True, timeout=200
        )
        return subprocess.CompletedProcess(
            done.args, done.returncode, done.stdout.decode(), done.stderr.decode(errors="replace")
        )

    return run


@pytest.fixture
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def tiny() -> Model:
    """The bundled model."""
    folder = BUNDLED / "tiny-de-en"
    return Model("tiny-de-en", folder, None, fingerprint(folder), bundled=True)


@pytest.fixture(scope="session")
def tokenizer(tiny: Model) -> Tokenizer:
    """Its vocabulary."""
    return Tokenizer(tiny)
