"""Options: a record of annotated fields becomes the command that Typer reads it from; options that commands share; checks.

What the checks need of other rooms is imported when something is checked: `--help` is to come at once.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
import signal
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_type_hints

import typer

from translate.cli.help import complete_device
from translate.cli.streams import say
from translate.records import OutputError, TranslateError

T = TypeVar("T")

Files = Annotated[
    list[str],
    typer.Argument(
        metavar="FILES…",
        help="Texts, HTML, DOCX, SRT, VTT, Markdown, datasets; folders of *.txt; or - for standard input.",
    ),
]
Encoding = Annotated[str, typer.Option("--encoding", "-e", help="Of files without a byte order mark.")]
Wrapped = Annotated[
    bool, typer.Option("--wrapped", "-w", help="Lines are broken by width: paragraphs end at blank lines.")
]
ModelsFile = Annotated[Path | None, typer.Option("--models-file", help="Instead of ./models.txt or the built-in one.")]
Device = Annotated[
    str, typer.Option("--device", "-D", help="auto, cpu, cuda, cuda:N or mps.", autocompletion=complete_device)
]

Out = Annotated[
    str, typer.Argument(metavar="[OUT]", help="A run's folder: out, or out/<model> where there are several.")
]

MOST_BEAMS = 64
"""More take minutes a sentence, and no model gains by them."""
DEVICE = re.compile(r"auto|cpu|mps|cuda(:\d{1,3})?", re.ASCII)


def as_command(run: Callable[[T], None]) -> Callable[..., None]:
    """The function that Typer calls for `run`, which takes a record of annotated fields as `options`.

    Typer reads a function's signature, so this one has a parameter for each field, in their order. A Ctrl-C that `run`
    lets through ends the program with 130 here, before Typer would do so in silence.
    """
    record: type[Any] = get_type_hints(run)["options"]
    annotations = get_type_hints(record, include_extras=True)

    def command(**values: Any) -> None:
        try:
            run(record(**values))
        except KeyboardInterrupt:
            say("stopped")
            raise typer.Exit(128 + signal.SIGINT) from None

    command.__signature__ = inspect.Signature(  # type: ignore[attr-defined]  # inspect looks for it
        [
            inspect.Parameter(
                field.name,
                inspect.Parameter.KEYWORD_ONLY,
                default=inspect.Parameter.empty if field.default is dataclasses.MISSING else field.default,
                annotation=annotations[field.name],
            )
            for field in dataclasses.fields(record)
        ]
    )
    command.__annotations__ = annotations
    return command


def program_name() -> str:
    """What the user has called: `translate`, `translate-batch`, or `python -m translate`."""
    name = Path(sys.argv[0]).name.removesuffix(".exe")
    if name == "__main__.py":
        return "python -m translate"
    return name if name.startswith("translate") else "translate"


Refusal = tuple[bool, str, str]
"""Whether something is wrong, with which option, and what."""


def refuse(refusals: Iterable[Refusal]) -> None:
    """Raise a usage error for the first thing that is wrong."""
    for is_wrong, option, problem in refusals:
        if is_wrong:
            raise typer.BadParameter(problem, param_hint=option)


def check_option(value: str, check: Callable[[str], T], option: str) -> T:
    """What `check` makes of the value. Raises a usage error if it raises a TranslateError."""
    try:
        return check(value)
    except TranslateError as error:
        raise typer.BadParameter(f"{error.message}; {error.hint}", param_hint=option) from None


def check_choice(value: str, choices: Sequence[str], option: str) -> None:
    """Raise a usage error if the value is none of the choices."""
    refuse([(value not in choices, option, f"'{value}' is none of {', '.join(choices)}")])


def check_device(name: str) -> None:
    """Raise a usage error for a device that no machine has. Whether this one has it, the engine says."""
    refuse([(not DEVICE.fullmatch(name), "--device", f"'{name}' is none of auto, cpu, cuda, cuda:N, mps")])


def check_folder(name: str, option: str) -> Path:
    """The folder of that name. Raises a usage error if it is empty, which would mean the working folder."""
    from translate.storage import as_path

    refuse([(not name, option, "an empty name is no folder; the working folder is .")])
    return check_option(name, as_path, option)


def check_out(name: str) -> Path:
    """The folder or file of a run. Raises a usage error for an empty name."""
    return check_folder(name, "OUT")


def check_new_file(path: Path) -> None:
    """Raise OutputError if a file cannot have this name, since a folder has it."""
    if path.is_dir() or not path.name:
        raise OutputError(f"'{path}' is a folder", "name the file that is to be written")


def is_piped(files: Sequence[str]) -> bool:
    """Whether the text comes from standard input."""
    from translate.text.documents import STANDARD_INPUT

    return STANDARD_INPUT in files


def check_sources(files: Sequence[str], encoding: str) -> None:
    """Raise a usage error for standard input beside files, and for an unknown encoding."""
    from translate.text.documents import check_encoding

    refuse([(is_piped(files) and len(files) > 1, "FILES", "- (standard input) goes alone")])
    check_option(encoding, check_encoding, "--encoding")
