"""`translate check`: our doubts about translations that anyone made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from translate.cli.options import Encoding, check_sources
from translate.cli.progress import Activity
from translate.cli.streams import say, show

if TYPE_CHECKING:
    from translate.exchange.checking import CheckedRow

LONGEST_SHOWN = 400
"""Characters of a text, which are shown of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckOptions:
    """What `translate check` is told, in the order of its help."""

    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE", help="Rows of JSON with `source` and `target`, or two columns; - for standard input."
        ),
    ]
    encoding: Encoding = "utf-8"
    as_json: Annotated[
        bool, typer.Option("--json", help="Every row on standard output, one object a line, with its `flags`.")
    ] = False
    strict: Annotated[bool, typer.Option("--strict", help="Exit status 3 if any row is doubted.")] = False
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no counts.")] = False


def check_command(options: CheckOptions) -> None:
    """Rows → doubts → standard output; counts on standard error where rows are on standard output."""
    check_sources([options.file], options.encoding)
    from translate.exchange.checking import check_file, format_checked
    from translate.run.rows import count_flags

    rows = doubted = 0
    flags: Counter[str] = Counter()
    with Activity("checking", quiet=options.quiet) as activity:
        for row in check_file(options.file, options.encoding):
            rows += 1
            doubted += bool(row.doubts)
            flags.update(count_flags(doubt.flag for doubt in row.doubts))
            if options.as_json:
                print(format_checked(row))
            elif row.doubts:
                show_doubted(options.file, row)
            if rows % 1000 == 0:
                activity.change(f"checking: {rows:,} rows, {doubted:,} doubted")
    if not options.quiet:
        tell = say if options.as_json else show
        tell(*summarise(rows, doubted, flags))
    if options.strict and doubted:
        say("error: --strict, and some rows are doubted")
        raise typer.Exit(3)


def show_doubted(file: str, row: CheckedRow) -> None:
    """Where it stands, what is wrong with it, and both texts."""
    reasons = (f"{file}:{row.line}: {doubt.flag}: {doubt.reason}" for doubt in row.doubts)
    show(*reasons, *(f"    {shorten(text)}" for text in (row.source, row.target)))


def shorten(text: str) -> str:
    """The text, or its beginning if it is long."""
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"


def summarise(rows: int, doubted: int, flags: Counter[str]) -> Iterable[str]:
    """The numbers of rows, and of each flag."""
    yield f"{rows:,} row{'s' * (rows != 1)}, {doubted:,} doubted"
    if flags:
        yield "flags: " + ", ".join(f"{name} {count:,}" for name, count in sorted(flags.items()))
