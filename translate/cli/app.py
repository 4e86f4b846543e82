"""The command line: options, progress, messages, exit statuses.

Exit status: 0 all done · 1 error · 2 wrong usage · 3 --strict found flags · 4 a comparison fails · 130, 143 interrupted
· 141 the reader of standard output has gone.
"""

from __future__ import annotations

import difflib
import signal
import sys
from collections.abc import Callable, Sequence
from io import StringIO
from pathlib import Path
from typing import Annotated, Any

import typer

from translate.cli.bench import bench_command
from translate.cli.check import check_command
from translate.cli.compare import compare_command
from translate.cli.exchange import corrections_command, export_command
from translate.cli.help import GroupedCommand, complete_environment
from translate.cli.options import as_command, program_name
from translate.cli.read import show_command, status_command
from translate.cli.run import run_command
from translate.cli.show import models_command, segment_command
from translate.cli.streams import ReaderGone, escape, open_streams, say, say_error
from translate.records import TranslateError

DISTRIBUTION = "translate-batch"
PROGRAM_OPTIONS = ("--help", "-h", "--version", "--install-completion", "--show-completion")
UsageError: Any = typer.BadParameter.__bases__[0]
"""Typer's for all wrong usage, which it does not export."""

app = typer.Typer(
    name="translate",
    no_args_is_help=True,
    rich_markup_mode=None,  # rich costs a tenth of a second at each start
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
    help="Translate many German texts into English with open Marian models: `translate data/*.txt`.",
    epilog="A first word that is no command is a file: `translate FILES…` is `translate run FILES…`. Options: `translate run --help`.",
)


def show_version(wanted: bool) -> None:
    """Print the version and end, if asked to."""
    if wanted:
        from importlib.metadata import version  # costs a third of the start

        print(f"{DISTRIBUTION} {version(DISTRIBUTION)}")
        raise typer.Exit


@app.callback()
def common(
    version: Annotated[
        bool, typer.Option("--version", callback=show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """What stands before the command."""


def examples(*lines: str) -> str:
    """The end of a command's help, its lines kept as they are."""
    return "\n  ".join(("\b\nExamples:", *lines))


app.command(
    "run",
    help="Translate text files (default command; the word `run` may be omitted).",
    epilog=examples("translate data/*.txt", "translate articles --model tiny-de-en --output out --text"),
)(as_command(run_command))
app.command(
    "segment",
    help="Show the sentence spans of text files as JSON lines.",
    epilog=examples("translate segment data/nachricht.txt", "translate segment articles > sentences.jsonl"),
)(as_command(segment_command))
app.command(
    "models",
    help="Show what models.txt offers, and which of it is on this machine.",
    epilog=examples("translate models", "translate models --models-file models.txt --json"),
)(as_command(models_command))
app.command(
    "check",
    help="Check translations that anyone made: numbers, loops, echoes, lost addresses, lengths.",
    epilog=examples("translate check pairs.tsv", "translate check rows.jsonl --json > checked.jsonl"),
)(as_command(check_command))
app.command(
    "show",
    help="Read a run: its articles on the terminal or on a page, its rows with a flag.",
    epilog=examples("translate show out --html read.html", "translate show out --flag number-mismatch"),
)(as_command(show_command))
app.command(
    "status",
    help="Show how far a run is: documents done, under way, failed and left, and how to go on.",
    epilog=examples("translate status", "translate status out/tiny-de-en --json"),
)(as_command(status_command))
app.command(
    "export",
    help="Write a run as CSV, TSV, TMX, XLIFF, Parquet, text, HTML or Word files.",
    epilog=examples(
        "translate export out --to tmx --output run.tmx", "translate export out --to docx --output english"
    ),
)(as_command(export_command))
app.command(
    "corrections",
    help="Keep what people have corrected; the next run writes it.",
    epilog=examples("translate corrections corrections.jsonl", "translate corrections run.tmx --output out/tiny-de-en"),
)(as_command(corrections_command))
app.command(
    "compare",
    help="Compare two or more runs, with or without a reference.",
    epilog=examples(
        "translate compare out/tiny-de-en out/opus-mt-de-en --html compare.html",
        "translate compare out/tiny-de-en system.en --reference ref.en --fail-under bleu=25",
    ),
)(as_command(compare_command))
app.command(
    "bench",
    help="Measure which batch size and engine is best here, and keep it for `translate`.",
    epilog=examples(
        "translate bench data/*.txt", "translate bench data/*.txt --engines native --dtypes float32,int8 --seconds 120"
    ),
)(as_command(bench_command))


for command in app.registered_commands:
    command.cls = GroupedCommand


def command_names() -> list[str]:
    """The words that are commands."""
    return [command.name or "" for command in app.registered_commands]


def insert_run(arguments: Sequence[str]) -> list[str]:
    """The arguments with the word `run` in front, unless they begin with a command or an option of the whole program.

    A word that is no file and resembles a command stays first too: Typer refuses it and says what may be meant.
    """
    commands = command_names()
    if not arguments or arguments[0] in (*commands, *PROGRAM_OPTIONS):
        return list(arguments)
    first = arguments[0]
    if first.isalpha() and difflib.get_close_matches(first, commands) and not Path(first).exists():
        return list(arguments)
    return ["run", *arguments]


def main() -> None:
    """The program `translate`. A TranslateError becomes two lines and status 1; a bug keeps its traceback."""
    open_streams()
    complete_environment(command_names())
    arguments = insert_run(sys.argv[1:])
    status = status_of(lambda: app(args=arguments, prog_name=program_name(), standalone_mode=False))
    sys.exit(status_of(sys.stdout.flush) or status)


def status_of(call: Callable[[], int | None]) -> int:
    """The exit status that a call gives, or that its error stands for, having said what is wrong."""
    try:
        return call() or 0
    except UsageError as error:
        text = StringIO()
        error.message = "\n".join(map(escape, error.message.split("\n")))  # else Typer drops what it holds
        error.show(text)
        say(*text.getvalue().removesuffix("\n").split("\n"))
        return 2
    except ReaderGone:
        return 128 + signal.SIGPIPE
    except TranslateError as error:
        say_error(error)
        return 1
    except KeyboardInterrupt:
        say("stopped")
        return 128 + signal.SIGINT
