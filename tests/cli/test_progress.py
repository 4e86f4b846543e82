"""What is said while something takes long."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

import pytest

from translate.cli import progress
from translate.cli.progress import Activity, Reporter
from translate.records import InputError
from translate.run.events import DocumentFailed

STAGE = logging.getLogger("translate.run.stage")


@pytest.fixture
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second is a hundredth."""
    monkeypatch.setattr(progress, "TICK", 0.01)
    monkeypatch.setattr(progress, "PATIENCE", 0.02)


def wait_for(said: list[str], number: int) -> None:
    """Until so many lines have been said, for ten seconds at most."""
    latest = time.monotonic() + 10
    while len(said) < number and time.monotonic() < latest:
        time.sleep(0.005)


@pytest.mark.usefixtures("hurry")
def test_a_log_says_once_what_takes_long() -> None:
    """First what was begun, then what a stage says it does; its warnings at once."""
    said: list[str] = []
    with Activity("loading", quiet=False, say=said.append):
        wait_for(said, 1)
        STAGE.info("fetching %s", "a model")
        wait_for(said, 2)
        STAGE.warning("slow")
        time.sleep(0.1)
    assert said == ["loading", "fetching a model", "warning: slow"]


@pytest.mark.usefixtures("hurry")
@pytest.mark.parametrize("quiet", [True, False])
def test_after_the_end_and_when_quiet_only_warnings_are_said(quiet: bool) -> None:
    """And after leaving it, nothing."""
    said: list[str] = []
    with Activity("loading", quiet=quiet, say=said.append) as activity:
        activity.end()
        STAGE.info("fetching")
        time.sleep(0.1)
        STAGE.warning("slow")
    STAGE.warning("nobody shows this one")
    assert said == ["warning: slow"]


def show_failure(reporter: Reporter) -> None:
    """A file that is not there."""
    reporter.show(DocumentFailed("nix.txt", InputError("no file or folder 'nix.txt'", "check the path")))


@pytest.mark.parametrize(
    ("act", "expected"),
    [
        (show_failure, "error: no file or folder 'nix.txt'\nhint: check the path\n"),
        (lambda reporter: reporter.say_stopped(None), "stopped; nothing is kept with --no-memory\n"),
    ],
)
def test_what_must_not_be_missed_is_said_when_quiet(
    act: Callable[[Reporter], None], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A failure before anything is loaded is named at once."""
    with Reporter(quiet=True) as reporter:
        act(reporter)
    assert capsys.readouterr().err == expected
