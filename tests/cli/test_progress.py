"""What is said while something takes long."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence

import pytest

from translate.cli import progress
from translate.cli.progress import Activity, Reporter, refusals_line
from translate.model.catalog import Entry, Kind, Refusal
from translate.records import InputError
from translate.run.events import DocumentFailed, DocumentsFound, Progress

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
def test_after_the_end_only_warnings_are_said(quiet: bool) -> None:
    """And nothing when quiet, or after leaving it."""
    said: list[str] = []
    with Activity("loading", quiet=quiet, say=said.append) as activity:
        activity.end()
        STAGE.info("fetching")
        time.sleep(0.1)
        STAGE.warning("slow")
    STAGE.warning("nobody shows this one")
    assert said == ([] if quiet else ["warning: slow"])


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


def make_reporter(*, total: int, events: Sequence[Progress]) -> Reporter:
    """Somebody who reports on a run of so many characters, of which this has been done."""
    reporter = Reporter(quiet=True)
    reporter.show(DocumentsFound(3, total))
    for event in events:
        reporter.show(event)
    return reporter


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_time_left_is_the_last_thing_to_go(width: int) -> None:
    """At 60 columns the bar still says how long it will take; wider ones say more."""
    reporter = make_reporter(total=1_000_000, events=[Progress(12_345, 250_000, 0, 300_000, 280_000)])
    text = reporter.describe(100.0, width - 10 - 7)
    assert text.endswith("5:00 left")
    assert len(text) <= width - 17
    assert ("tokens/s" in text) == (width > 60)


def test_rates_do_not_count_what_is_remembered() -> None:
    """Nine tenths from the memory, the rest in ten seconds: the rate and the time left are of the rest."""
    remembered = Progress(9000, 90_000, 9000)
    reporter = make_reporter(total=200_000, events=[remembered, Progress(1000, 10_000, 0, 1000, 1000)])
    assert reporter.describe(10.0, 200) == "10,000 sentences, 100 sentences/s, 100 tokens/s, 1:40 left"
    assert make_reporter(total=200_000, events=[remembered]).describe(10.0, 200) == "9,000 sentences"


def test_one_cause_is_one_warning() -> None:
    """Two models of one hub that cannot be reached; another cause is told beside them."""
    entries = [Entry(f"hub/{name}", Kind.HUB) for name in "abc"]
    refusals = [Refusal(entry, "no network" if n < 2 else "gone") for n, entry in enumerate(entries)]
    assert refusals_line(refusals[:2], "tiny") == (
        "warning: not using hub/a, hub/b: no network; using tiny instead; to have hub/a or nothing, say --model hub/a"
    )
    assert "hub/a, hub/b: no network; hub/c: gone; using tiny" in refusals_line(refusals, "tiny")
