"""Options that commands share, and how their values are checked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from translate.records import TranslateError

T = TypeVar("T")

Files = Annotated[
    list[str], typer.Argument(metavar="FILES…", help="Text files, folders of *.txt, or - for standard input.")
]
Encoding = Annotated[str, typer.Option("--encoding", "-e", help="Of files without a byte order mark.")]
ModelsFile = Annotated[Path | None, typer.Option("--models-file", help="Instead of ./models.txt or the built-in one.")]


def check_option(value: str, check: Callable[[str], T], option: str) -> T:
    """What `check` makes of the value. Raises a usage error if it raises a TranslateError."""
    try:
        return check(value)
    except TranslateError as error:
        raise typer.BadParameter(f"{error.message}; {error.hint}", param_hint=option) from None


def check_choice(value: str, choices: Sequence[str], option: str) -> None:
    """Raise a usage error if the value is none of the choices."""
    if value not in choices:
        raise typer.BadParameter(f"'{value}' is none of {', '.join(choices)}", param_hint=option)
