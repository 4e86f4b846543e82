"""Standard output and standard error: data in UTF-8 on the one, messages on the other, whatever stands at their ends.

Output that cannot be written is an error, since somebody wants it. A message that cannot be shown never ends a run.
"""

from __future__ import annotations

import io
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

from translate.records import OutputError, TranslateError, without_secrets

ERASE = "\r\x1b[K"
"""Puts the cursor to the beginning of an empty line."""


class ReaderGone(Exception):
    """Whoever read our standard output has seen enough. Not an OSError: Typer ends the program with 1 for that one."""


class Output(io.TextIOWrapper):
    """Standard output, in UTF-8 with \\n. Its methods raise ReaderGone, or OutputError for a full disk and the like."""

    def write(self, text: str, /) -> int:
        """Add the text."""
        with _named_errors():
            return super().write(text)

    def flush(self) -> None:
        """Send what is held back."""
        with _named_errors():
            super().flush()


@contextmanager
def _named_errors() -> Iterator[None]:
    """After the first of them, what is still held back goes nowhere: the end of the program would fail on it again."""
    try:
        yield
    except OSError as error:
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        if isinstance(error, BrokenPipeError):
            raise ReaderGone from None
        hint = "make room, or give standard output a file, a pipe or a terminal"
        raise OutputError(f"cannot write to standard output: {error.strerror or error}", hint) from error


class Messages(io.TextIOWrapper):
    """Standard error. What cannot be written there is lost. A status line at its end makes way for what comes next."""

    _status = ""
    _lock = threading.RLock()

    def write(self, text: str, /) -> int:
        """Add the text, in place of the status line."""
        with self._lock, suppress(OSError):
            if self._status:
                self._status, text = "", ERASE + text
            super().write(text)
        return len(text)

    def flush(self) -> None:
        """Send what is held back."""
        with suppress(OSError):
            super().flush()

    def show_status(self, text: str) -> None:
        """Show this as the last line, in place of what stood there, until something else is written or it is ''."""
        with self._lock:
            before, self._status = self._status, ""
            if before or text:
                self.write(ERASE + text)
                self.flush()
            self._status = text


def open_streams() -> None:
    """Make sys.stdin, sys.stdout and sys.stderr what this module says, also where the program was begun without them.

    The number of a closed stream would go to the next file that is opened, which would then hold our messages. So it is
    given to the null device: standard input and output such that using them is an error, standard error such that it is not.
    """
    for number, wrong_way in enumerate((os.O_WRONLY, os.O_RDONLY, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, wrong_way)  # gets the lowest number that is free, which is this one
    if sys.stdin is None:
        sys.stdin = open(0, closefd=False)  # noqa: SIM115  # open for as long as the program runs
    output = sys.stdout.buffer if sys.stdout is not None else open(1, "wb", closefd=False)  # noqa: SIM115
    sys.stdout = Output(output, encoding="utf-8", newline="\n", line_buffering=output.isatty())
    messages = sys.stderr.buffer if sys.stderr is not None else open(2, "wb", closefd=False)  # noqa: SIM115
    encoding = sys.stderr.encoding if sys.stderr is not None else "utf-8"
    sys.stderr = Messages(messages, encoding=encoding, errors="backslashreplace", line_buffering=True)


def show(*lines: str) -> None:
    """Lines for a reader on standard output, whatever a name in them holds."""
    _print(sys.stdout, lines)


def say(*lines: str) -> None:
    """Lines on standard error, whatever a name in them holds."""
    _print(sys.stderr, lines)


def say_error(error: TranslateError) -> None:
    """The error and what to do about it, a line each."""
    say(*error_lines(error))


def error_lines(error: TranslateError) -> list[str]:
    """The error and what to do about it."""
    return [f"error: {error.message}", *([f"hint: {error.hint}"] if error.hint else [])]


def _print(stream: TextIO, lines: tuple[str, ...]) -> None:
    print(*map(escape, lines), sep="\n", file=stream, flush=True)


def escape(text: str) -> str:
    """The text without secrets, and with what would move the cursor, or hide something, as an escape."""
    text = without_secrets(text)
    return text if text.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
