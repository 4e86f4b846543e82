"""`translate compare`: a question put together, the answer printed or written, and the exit status."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from translate.cli.help import complete_limit, complete_metrics
from translate.cli.options import check_new_file, interruptible
from translate.cli.progress import Activity
from translate.cli.streams import say, show

if TYPE_CHECKING:
    from translate.compare.findings import Comparison

EXIT_FAILED = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareOptions:
    """What `translate compare` is told, in the order of its help."""

    runs: Annotated[
        list[Path],
        typer.Argument(
            metavar="RUNS…",
            help="Two or more: folders of rows (out/<model>), files of rows (*.jsonl), or files of plain lines (one "
            "translation a line, any other ending).",
        ),
    ]
    reference: Annotated[
        Path | None,
        typer.Option(
            "--reference", "-r", help="A file of plain lines or rows, or a folder with such a file for each document."
        ),
    ] = None
    source: Annotated[
        Path | None,
        typer.Option(
            "--source",
            "-s",
            help="The text whose lines the plain lines translate, line by line. Without it they belong to the "
            "paragraphs of the one document of a run of rows, or are matched by number.",
        ),
    ] = None
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write everything as JSON.")] = None
    html_file: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write one page to read and search offline.")
    ] = None
    metrics: Annotated[
        str,
        typer.Option("--metrics", help="Against the reference; TER takes longest.", autocompletion=complete_metrics),
    ] = "bleu,chrf++,ter"
    metric: Annotated[
        list[str] | None,
        typer.Option(
            "--metric",
            metavar="NAME=FILE",
            help="Figures computed elsewhere, a number a row: once for each run, in their order. Or marks that the page exported.",
        ),
    ] = None
    rows: Annotated[int, typer.Option("--rows", "-n", min=0, help="How many of the rows to print.")] = 10
    fail_under: Annotated[
        list[str] | None,
        typer.Option(
            "--fail-under",
            metavar="METRIC=VALUE",
            help="Exit status 4 if a run is worse: bleu, chrf++, ter (over VALUE); without a reference "
            "identical (percent of rows), mutual-bleu, mutual-chrf. May be given several times.",
            autocompletion=complete_limit,
        ),
    ] = None
    fail_on_change: Annotated[
        bool, typer.Option("--fail-on-change", help="Exit status 4 if any two runs differ in any row.")
    ] = False
    encoding: Annotated[str, typer.Option("--encoding", "-e", help="Of plain lines without a byte order mark.")] = (
        "utf-8"
    )
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors and reasons to fail.")] = False


def compare_command(options: CompareOptions) -> None:
    """Compare, show, and end with the status that the demands give."""
    metrics = check_metrics(options.metrics)
    from translate.compare.comparison import Question, compare
    from translate.compare.evidence.external import parse_metrics
    from translate.compare.limits import find_failures, parse_limit

    figures = parse_metrics(options.metric or ())
    limits = [parse_limit(text, (*metrics, *figures)) for text in options.fail_under or ()]
    for file in (options.json_file, options.html_file):
        if file:
            check_new_file(file)
    with interruptible(), Activity("comparing", quiet=options.quiet) as activity:
        question = Question(
            tuple(options.runs), options.reference, options.source, options.encoding, metrics=metrics, figures=figures
        )
        comparison = compare(question)
        failures = find_failures(comparison, limits, on_change=options.fail_on_change)
        activity.change("writing")
        write_comparison(comparison, options)
    for reason in failures:
        say(f"failed: {reason}")
    if failures:
        raise typer.Exit(EXIT_FAILED)


def write_comparison(comparison: Comparison, options: CompareOptions) -> None:
    """As text on standard output, and to the files that are asked for. Raises OutputError."""
    from translate.compare.report import format_text, write_json

    if not options.quiet:
        width = min(shutil.get_terminal_size((120, 24)).columns, 200)
        show(*format_text(comparison, rows=options.rows, width=width))
    if options.json_file:
        write_json(comparison, options.json_file)
    if options.html_file:
        from translate.compare.page import write_page

        write_page(comparison, options.html_file)


def check_metrics(text: str) -> tuple[str, ...]:
    """The names in `bleu,chrf++,ter`. Raises a usage error for others."""
    names = tuple(dict.fromkeys(name.strip().lower() for name in text.split(",") if name.strip()))
    known = ("bleu", "chrf++", "ter")
    if not names or not set(names) <= set(known):
        raise typer.BadParameter(f"'{text}' is no list of {', '.join(known)}", param_hint="--metrics")
    return names
