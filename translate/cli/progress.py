"""Shows a run on standard error: a bar on a terminal, lines in a log file, warnings and errors always.

With `cli` the only module that prints.
"""

from __future__ import annotations

import logging
import sys
import time
from typing import TYPE_CHECKING, Any

from translate.records import TranslateError

if TYPE_CHECKING:
    from translate.run.events import DocumentFailed, Event, Loaded, Summary

SECONDS_A_LINE = 30
"""Between two lines of progress in a log file."""


def say(*lines: str) -> None:
    """Lines on standard error."""
    print(*lines, sep="\n", file=sys.stderr, flush=True)


def say_error(error: TranslateError) -> None:
    """The error and what to do about it, a line each, whatever a file name in them holds."""
    say(f"error: {_show(error.message)}", *([f"hint: {_show(error.hint)}"] if error.hint else []))


def _show(text: str) -> str:
    """The text with what would move the cursor, or hide something, as an escape."""
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in text)


class Reporter:
    """Shows a run on standard error: a bar on a terminal, a line every 30 seconds in a log, nothing when quiet.

    What must not be missed, that another model is used or that a document failed, is said even then.
    """

    def __init__(self, *, quiet: bool) -> None:
        self._quiet, self._terminal = quiet, sys.stderr.isatty()
        self._total = self._characters = self._sentences = self._tokens = 0
        self._failures: list[DocumentFailed] = []
        self._started = self._last_line = time.monotonic()
        self._bar: Any = None
        self._task: Any = None
        self.translating = False

    def __enter__(self) -> Reporter:
        self._handler = _SayingHandler(self)
        logging.getLogger("translate").addHandler(self._handler)
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        logging.getLogger("translate").removeHandler(self._handler)

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def show(self, event: Event) -> None:
        """Show what has happened."""
        from translate.run import events

        match event:
            case events.DocumentsFound(_, size):
                self._total = size
            case events.Loaded():
                self._show_loaded(event)
            case events.Progress():
                self._sentences += event.sentences
                self._characters += event.characters
                self._tokens += event.target_tokens
                self._show_progress()
            case events.DocumentFailed():
                self._failures.append(event)

    def _show_loaded(self, loaded: Loaded) -> None:
        for refusal in loaded.refusals:
            say(f"warning: not using {refusal.entry}: {refusal.reason}")
        if loaded.refusals:
            first = loaded.refusals[0].entry
            say(f"warning: using {loaded.model.name} instead; to have {first} or nothing, say --model {first}")
        if not self._quiet:
            say(
                f"{loaded.model.name} on {loaded.device} ({loaded.engine}, {loaded.dtype}), loaded in {loaded.seconds:.1f} s"
            )
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
            self._bar.console.print("\n".join(lines), markup=False, highlight=False)
        else:
            say(*lines)

    def summarize(self, summary: Summary) -> None:
        """The closing lines: what was done, and what failed."""
        self.close()
        for failure in self._failures:
            say_error(failure.error)
        if self._failures:
            say(f"{len(self._failures)} of {summary.documents + len(self._failures)} documents could not be translated")
        if self._quiet:
            return
        flags = ", ".join(f"{flag} {count:,}" for flag, count in summary.flags.items()) or "none"
        words = f"{summary.words / max(summary.seconds, 1e-3):,.0f} words/s"
        say(
            f"{summary.documents:,} documents, {summary.sentences:,} sentences ({summary.from_memory:,} from memory) "
            f"in {summary.seconds:,.1f} s, {words}, {summary.model}",
            f"flags: {flags}",
        )


class _SayingHandler(logging.Handler):
    """Lets the stages' warnings appear as the run's own."""

    def __init__(self, reporter: Reporter) -> None:
        super().__init__(logging.WARNING)
        self._reporter = reporter

    def emit(self, record: logging.LogRecord) -> None:
        self._reporter.say(f"warning: {record.getMessage()}")
