"""The command line: options, progress, messages, exit statuses.

Exit status: 0 all done · 1 error · 2 wrong usage · 3 --strict found flags · 4 a comparison fails · 130, 143 interrupted.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import Annotated

import typer

from translate.cli.bench import bench_command
from translate.cli.compare import compare_command
from translate.cli.progress import say, say_error
from translate.cli.run import run_command
from translate.cli.show import models_command, segment_command
from translate.records import TranslateError

DISTRIBUTION = "translate-batch"
PROGRAM_OPTIONS = ("--help", "--version", "--install-completion", "--show-completion")

app = typer.Typer(
    name="translate",
    no_args_is_help=True,
    rich_markup_mode=None,  # rich costs a tenth of a second at each start
    pretty_exceptions_enable=False,
    help="Translate many German texts into English with open Marian models: `translate data/*.txt`.",
    epilog="A first word that is no command is a file: `translate FILES…` is `translate run FILES…`. Options: `translate run --help`.",
)


def show_version(wanted: bool) -> None:
    """Print the version and end, if asked to."""
    if wanted:
        print(f"{DISTRIBUTION} {version(DISTRIBUTION)}")
        raise typer.Exit


@app.callback()
def common(
    version: Annotated[
        bool, typer.Option("--version", callback=show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """What stands before the command."""


app.command("run", help="Translate text files (default command; the word `run` may be omitted).")(run_command)
app.command("segment", help="Show the sentence spans of text files as JSON lines.")(segment_command)
app.command("models", help="Show what models.txt offers, and which of it is on this machine.")(models_command)
app.command("compare", help="Compare two or more runs, with or without a reference.")(compare_command)
app.command("bench", help="Measure which batch size and engine is best here, and keep it for `translate`.")(
    bench_command
)


def insert_run(arguments: Sequence[str]) -> list[str]:
    """The arguments with the word `run` in front, unless they begin with a command or an option of the whole program."""
    commands = {command.name for command in app.registered_commands}
    if not arguments or arguments[0] in commands or arguments[0] in PROGRAM_OPTIONS:
        return list(arguments)
    return ["run", *arguments]


def main() -> None:
    """The program `translate`. A TranslateError becomes two lines and status 1; a bug keeps its traceback."""
    try:
        app(args=insert_run(sys.argv[1:]), prog_name="translate")
    except TranslateError as error:
        say_error(error)
        sys.exit(1)
    except KeyboardInterrupt:
        say("stopped")
        sys.exit(128 + signal.SIGINT)
    except BrokenPipeError:  # whoever read our rows has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(128 + signal.SIGPIPE)


if __name__ == "__main__":
    main()
