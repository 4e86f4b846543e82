"""Shows on standard error what is going on: a status line or a bar on a terminal, lines in a log file, warnings and errors always."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from translate.cli.streams import Messages, error_lines, escape, say

if TYPE_CHECKING:
    from translate.run.events import Event, Loaded, Summary

SECONDS_A_LINE = 30
MOST_NAMES = 5
"""Of documents that failed, in the last line: each has had its own."""
"""Between two lines of progress in a log file."""
TICK = 1.0
"""Seconds that something may take before a terminal says what it is, and between two looks at it."""
PATIENCE = 2.0
"""Seconds that it may take before a log file says so."""


class Activity(logging.Handler):
    """Says what is being done, once it takes a while, and what the stages warn of.

    A stage that begins something long says so by `logging.info`, which takes the place of the first text.
    """

    def __init__(self, what: str, *, quiet: bool, say: Callable[..., None] = say) -> None:
        super().__init__(logging.INFO)
        self._quiet, self._say = quiet, say
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._tell, daemon=True, name="tell what is being done")
        self._what, self._since = what, time.monotonic()

    def __enter__(self) -> Activity:
        stages = logging.getLogger("translate")
        self._level = stages.level
        stages.setLevel(logging.INFO)
        stages.addHandler(self)
        if not self._quiet:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()
        stages = logging.getLogger("translate")
        stages.removeHandler(self)
        stages.setLevel(self._level)

    def change(self, what: str) -> None:
        """Something else is being done from now on; behind a colon stands how far it is."""
        if what.partition(":")[0] != self._what.partition(":")[0]:
            self._since = time.monotonic()
        self._what = what

    def end(self) -> None:
        """Nothing that takes long is being done any more; warnings are shown all the same."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    def emit(self, record: logging.LogRecord) -> None:
        """Show a warning; what is of less weight is what is being done."""
        if record.levelno >= logging.WARNING:
            self._say(f"warning: {record.getMessage()}")
        else:
            self.change(record.getMessage())

    def _tell(self) -> None:
        said = ""
        terminal = sys.stderr if isinstance(sys.stderr, Messages) and sys.stderr.isatty() else None
        while not self._ended.wait(TICK):
            what, seconds = self._what, time.monotonic() - self._since
            if terminal is not None:
                terminal.show_status(f"{escape(what)}, {seconds:.0f} s")
            elif seconds >= PATIENCE and what.partition(":")[0] != said:
                said = what.partition(":")[0]
                self._say(said)
        if terminal is not None:
            terminal.show_status("")


class Reporter:
    """Shows a run on standard error: a bar on a terminal, a line every 30 seconds in a log, nothing when quiet.

    What must not be missed, that another model is used or that a document failed, is said even then.
    """

    def __init__(self, *, quiet: bool) -> None:
        self._quiet, self._terminal = quiet, sys.stderr.isatty()
        self._activity = Activity("looking for the files", quiet=quiet, say=self.say)
        self._total = self._characters = self._sentences = self._tokens = self._finished = 0
        self._failed: list[str] = []
        self._started = self._last_line = time.monotonic()
        self._bar: Any = None
        self._task: Any = None
        self.translating = False

    def __enter__(self) -> Reporter:
        self._activity.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
        self._activity.__exit__(*error)

    def close(self) -> None:
        """Take the status line or the bar away."""
        self._activity.end()
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def show(self, event: Event) -> None:
        """Show what has happened."""
        from translate.run import events

        match event:
            case events.DocumentsFound(_, size):
                self._total = size
                self._activity.change("loading the model")
            case events.Loaded():
                self._show_loaded(event)
            case events.Progress():
                self._sentences += event.sentences
                self._characters += event.characters
                self._tokens += event.target_tokens
                self._show_progress()
            case events.DocumentDone():
                self._finished += 1
            case events.DocumentFailed():
                self._failed.append(event.name)
                self.say(*error_lines(event.error))

    def _show_loaded(self, loaded: Loaded) -> None:
        self._activity.end()
        for refusal in loaded.refusals:
            say(f"warning: not using {refusal.entry}: {refusal.reason}")
        if loaded.refusals:
            first = loaded.refusals[0].entry
            say(f"warning: using {loaded.model.name} instead; to have {first} or nothing, say --model {first}")
        if not self._quiet:
            kernels = [f"kernels {loaded.kernels}"] if loaded.kernels else []
            engine = ", ".join((loaded.engine, loaded.dtype, *kernels))
            say(f"{loaded.model.name} on {loaded.device} ({engine}), loaded in {loaded.seconds:.1f} s")
            if loaded.advice:
                say(loaded.advice)
        self._started = self._last_line = time.monotonic()
        self.translating = True
        if self._terminal and not self._quiet:
            self._start_bar()

    def _start_bar(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

        columns = (BarColumn(), TaskProgressColumn(), TextColumn("{task.description}"), TimeRemainingColumn())
        self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
        self._task = self._bar.add_task("", total=self._total or None)
        self._bar.start()

    def _show_progress(self) -> None:
        now = time.monotonic()
        seconds = max(now - self._started, 1e-3)
        rates = f"{self._sentences:,} sentences, {self._sentences / seconds:,.0f} sentences/s, {self._tokens / seconds:,.0f} tokens/s"
        if self._bar is not None:
            self._bar.update(self._task, completed=min(self._characters, self._total), description=rates)
        elif not self._quiet and now - self._last_line >= SECONDS_A_LINE:
            self._last_line = now
            share = min(self._characters / self._total, 1) if self._total else 0
            left = f", {100 * share:.0f} %, {seconds / share - seconds:,.0f} s left" if share else ""
            say(rates + left)

    def say(self, *lines: str) -> None:
        """Say something above the bar."""
        if self._bar is not None:
            self._bar.console.print("\n".join(map(escape, lines)), markup=False, highlight=False)
        else:
            say(*lines)

    def say_stopped(self, folder: Path | None) -> None:
        """What is kept of a run that was stopped: the documents finished in that folder; nothing if it is None."""
        self.close()
        if folder is None:
            say("stopped; nothing is kept with --no-memory")
            return
        finished = f"{count(self._finished, 'document')} finished in '{folder}'"
        say(f"stopped; {finished}; what was translated is kept: run the same command again to go on")

    def summarize(self, summary: Summary) -> None:
        """The closing lines: what was done, and what failed."""
        self.close()
        if self._failed:
            names = ", ".join(f"'{name}'" for name in self._failed[:MOST_NAMES])
            more = f" and {len(self._failed) - MOST_NAMES:,} more" * (len(self._failed) > MOST_NAMES)
            everything = summary.documents + len(self._failed)
            say(f"{len(self._failed):,} of {everything:,} documents could not be translated: {names}{more}")
        if self._quiet:
            return
        flags = ", ".join(f"{flag} {number:,}" for flag, number in summary.flags.items()) or "none"
        words = f"{summary.words / max(summary.seconds, 1e-3):,.0f} words/s"
        say(
            f"{count(summary.documents, 'document')}, {count(summary.sentences, 'sentence')} ({summary.from_memory:,} from memory) "
            f"in {summary.seconds:,.1f} s, {words}, {summary.model}",
            f"flags: {flags}",
        )


def count(number: int, thing: str) -> str:
    """`1 document`, `2,000 documents`."""
    return f"{number:,} {thing}{'s' * (number != 1)}"


@contextmanager
def show_count(what: str, *, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """What to call with the number done and of all: a bar on a terminal, a line a fifth of the way in a log."""
    if quiet or not sys.stderr.isatty():
        yield partial(_say_fifths, what) if not quiet else lambda *_: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("")
        yield lambda done, passes: bar.update(task, completed=done, total=passes)


def _say_fifths(what: str, done: int, whole: int) -> None:
    if done * 5 // whole != (done - 1) * 5 // whole:
        say(f"{done} of {whole} {what}")
