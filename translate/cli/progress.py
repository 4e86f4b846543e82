"""Shows on standard error what is going on: a status line or a bar on a terminal, lines in a log file, warnings and errors always."""

from __future__ import annotations

import logging
import shlex
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from translate.cli.streams import Messages, error_lines, escape, say

if TYPE_CHECKING:
    from translate.model.catalog import Refusal
    from translate.run.events import Event, Loaded, Summary

WIDE = 200
"""Columns of a log file: as many as one likes."""
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
            if not self._quiet:
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
    """Shows a run on standard error: a bar on a terminal, a line every 30 seconds in a log, nothing but errors when quiet."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet, self._terminal = quiet, sys.stderr.isatty()
        self._activity = Activity("looking for the files", quiet=quiet, say=self.say)
        self._total = self._characters = self._sentences = self._tokens = self._finished = 0
        self._remembered = self._skipped = 0  # sentences, and characters that took no time
        self._documents = 0
        self._failed: list[str] = []
        self._started = self._last_line = time.monotonic()
        self._bar: Any = None
        self._task: Any = None
        self.translating = False
        self.folder: Path | None = None
        """Where the run's rows are, once that is known; none for standard input."""

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
            case events.DocumentsFound(documents, size):
                self._documents, self._total = documents, size
                self._activity.change("loading the model")
            case events.Loaded():
                self._show_loaded(event)
            case events.Progress():
                self._sentences += event.sentences
                self._remembered += event.from_memory
                self._characters += event.characters
                if event.from_memory == event.sentences:
                    self._skipped += event.characters
                self._tokens += event.target_tokens
                self._show_progress()
            case events.DocumentDone():
                self._finished += 1
            case events.DocumentFailed():
                self._failed.append(event.name)
                self.say(*error_lines(event.error))

    def _show_loaded(self, loaded: Loaded) -> None:
        self._activity.end()
        if not self._quiet:
            if loaded.refusals:
                say(refusals_line(loaded.refusals, loaded.model.name))
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
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

        console = Console(stderr=True)
        columns = (
            BarColumn(bar_width=min(40, max(8, console.width // 6))),
            TaskProgressColumn(),
            TextColumn("{task.description}"),
        )
        self._bar = Progress(*columns, console=console, transient=True)
        self._task = self._bar.add_task("", total=self._total or None)
        self._bar.start()

    def _show_progress(self) -> None:
        now = time.monotonic()
        if self._bar is not None:
            room = self._bar.console.width - min(40, max(8, self._bar.console.width // 6)) - len(" 100%  ")
            text = self.describe(now - self._started, room)
            self._bar.update(self._task, completed=min(self._characters, self._total), description=text)
        elif not self._quiet and now - self._last_line >= SECONDS_A_LINE:
            self._last_line = now
            share = f"{100 * min(self._characters / self._total, 1):.0f} %, " if self._total else ""
            say(share + self.describe(now - self._started, WIDE))

    def describe(self, seconds: float, room: int) -> str:
        """How far the run is, in as many words as have room; the time that is left is the last thing to go.

        Rates are of what was translated: sentences from the memory cost nothing, and say nothing of what is to come.
        """
        seconds = max(seconds, 1e-3)
        translated = self._sentences - self._remembered
        rates = [f"{translated / seconds:,.0f} sentences/s", f"{self._tokens / seconds:,.0f} tokens/s"]
        parts = [f"{self._sentences:,} sentences", *(rates if translated else [])]
        left = self._time_left(seconds)
        while parts:
            text = ", ".join((*parts, *left))
            if len(text) <= room:
                return text
            parts.pop()
        return ", ".join(left)

    def _time_left(self, seconds: float) -> list[str]:
        """From the characters that took time; none while nothing is known."""
        done = self._characters - self._skipped
        if not self._total or done <= 0:
            return []
        minutes, rest = divmod(round(seconds * max(self._total - self._characters, 0) / done), 60)
        hours, minutes = divmod(minutes, 60)
        return [f"{hours}:{minutes:02}:{rest:02} left" if hours else f"{minutes}:{rest:02} left"]

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
        known = f" of {self._documents:,}" if self._documents else ""
        finished = (
            f"{self._finished:,}{known} documents finished in '{folder}'"
            if known
            else f"{count(self._finished, 'document')} finished in '{folder}'"
        )
        say(f"stopped; {finished}; what was translated is kept: run the same command again to go on")
        if self._finished:
            say(f"rows with a doubt: translate show {shlex.quote(str(folder))} --flag any")

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
        known = ", ".join((f"{summary.from_memory:,} from memory", *from_people(summary.from_people)))
        rate = f", {summary.sentences_per_second:,.1f} translated a second" if summary.sentences_per_second else ""
        where = f", in '{self.folder}'" if self.folder is not None else ""
        say(
            f"{count(summary.documents, 'document')}, {count(summary.sentences, 'sentence')} ({known}) "
            f"in {summary.seconds:,.1f} s{rate}, {summary.model}{where}",
            f"flags: {flags}",
            *([self.how_to_see(summary.flags)] if summary.flags else []),
        )

    def how_to_see(self, flags: Collection[str]) -> str:
        """The command that shows the rows with the most telling of the flags: any but one that is no doubt, if there is one."""
        if self.folder is None:
            return "the flags stand in the rows"
        flag = next((flag for flag in flags if flag not in ("passthrough", "split")), next(iter(flags)))
        return f"to see them: translate show {shlex.quote(str(self.folder))} --flag {flag}"


def refusals_line(refusals: Sequence[Refusal], model: str) -> str:
    """The models that could not be had, those of one cause together, and the one that takes their place: one warning."""
    reasons: dict[str, list[str]] = {}
    for refusal in refusals:
        reasons.setdefault(refusal.reason, []).append(str(refusal.entry))
    causes = "; ".join(f"{', '.join(entries)}: {reason}" for reason, entries in reasons.items())
    first = refusals[0].entry
    return f"warning: not using {causes}; using {model} instead; to have {first} or nothing, say --model {first}"


def from_people(counts: Mapping[str, int]) -> Iterator[str]:
    """What of a run people have translated, as the closing line says it."""
    names = {"human": "corrected by people", "translation-memory": "from the translation memory"}
    yield from (f"{number:,} {names[origin]}" for origin, number in counts.items())


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
