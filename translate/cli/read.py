"""`translate show` and `translate status`: a run to read, and how far it is."""

from __future__ import annotations

import dataclasses
import json
import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from translate.cli.options import Out, check_choice, check_new_file, check_out, refuse
from translate.cli.progress import Activity
from translate.cli.streams import say, show
from translate.records import Flag, Origin

if TYPE_CHECKING:
    from collections import Counter

    from translate.reading.articles import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowOptions:
    """What `translate show` is told, in the order of its help."""

    out: Out = "out"
    html_file: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write one page to read and correct it offline.")
    ] = None
    flags: Annotated[
        list[str] | None,
        typer.Option(
            "--flag",
            "-f",
            metavar="NAME",
            help="Only the rows with this flag, with file and line; any: with any doubt.",
        ),
    ] = None
    as_json: Annotated[bool, typer.Option("--json", help="The rows on standard output, as JSON lines.")] = False


def show_command(options: ShowOptions) -> None:
    """Open the run, and write the page or print its articles."""
    wanted = options.flags or []
    for flag in wanted:
        check_choice(flag, ("any", *Flag, *Origin), "--flag")
    refuse([(bool(options.html_file and (wanted or options.as_json)), "--html", "shows everything: it goes alone")])
    out = check_out(options.out)
    from translate.reading.articles import open_run

    run = open_run(out)
    if options.html_file is not None:
        check_new_file(options.html_file)
        from translate.reading.page import write_reading_page

        with Activity("writing the page", quiet=False):
            write_reading_page(run, options.html_file)
        say(f"'{options.html_file}' is written; edits made there come back with translate corrections")
    elif options.as_json:
        print_rows(run, wanted)
    else:
        print_articles(run, wanted)


def print_rows(run: Run, wanted: list[str]) -> None:
    """The rows as they are in their files."""
    from translate.reading.text import has_flag
    from translate.run.rows import format_row

    for article in run.articles():
        for row in article.rows:
            if not wanted or has_flag(row, wanted):
                print(format_row(row))


def print_articles(run: Run, wanted: list[str]) -> None:
    """The articles, or the rows with a flag, as text; at the end how often each flag stands."""
    from translate.reading.text import count_all, format_article, format_counts, format_flagged

    width = min(shutil.get_terminal_size((100, 24)).columns, 100)
    counts: Counter[str] = count_all(())
    for article in run.articles():
        lines = list(format_flagged(article, wanted, width) if wanted else format_article(article, width))
        if lines:
            show(*lines)
        counts += count_all(article.rows)
    say(*format_counts(counts, shlex.quote(str(run.place))))


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusOptions:
    """What `translate status` is told, in the order of its help."""

    out: Out = "out"
    as_json: Annotated[bool, typer.Option("--json", help="One object on standard output.")] = False


def status_command(options: StatusOptions) -> None:
    """What is done, under way, failed and left."""
    out = check_out(options.out)
    from translate.reading.status import format_status, read_status

    with Activity("reading the rows", quiet=False):
        status = read_status(out)
    if options.as_json:
        text = json.dumps(dataclasses.asdict(status), ensure_ascii=False)
        print(text.encode("utf-8", "backslashreplace").decode())  # for a name that is no Unicode
    else:
        show(*format_status(status))
