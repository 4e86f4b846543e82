"""`translate export` and `translate corrections`: a run as files of other programs, and what people have changed in them."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from translate.cli.options import Out, check_choice, check_folder, check_option, check_out
from translate.cli.progress import Activity, count, show_count
from translate.cli.streams import say

if TYPE_CHECKING:
    from translate.exchange.corrections import Taken

FORMATS = ("csv", "tsv", "tmx", "xliff", "parquet", "txt", "html", "docx")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportOptions:
    """What `translate export` is told, in the order of its help."""

    out: Out = "out"
    to: Annotated[str, typer.Option("--to", metavar="FORMAT", help=f"{', '.join(FORMATS)}.")]
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="PATH", help="The file; for txt, html and docx a folder.")
    ]
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no summary.")] = False
    as_json: Annotated[bool, typer.Option("--json", help="One object on standard output.")] = False


def export_command(options: ExportOptions) -> None:
    """Write the run in another format."""
    check_choice(options.to, FORMATS, "--to")
    out = check_out(options.out)
    from translate.exchange.export import export

    with show_count("rows", quiet=options.quiet) as told:
        exported = export(out, options.to, options.output, told)
    if options.as_json:
        print(json.dumps({"path": str(options.output), **dataclasses.asdict(exported)}, ensure_ascii=False))
    if not options.quiet:
        say(f"{count(exported.rows, 'row')} in {count(exported.files, 'file')}: '{options.output}'")


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectionsOptions:
    """What `translate corrections` is told, in the order of its help."""

    file: Annotated[Path, typer.Argument(metavar="FILE", help="Rows, TMX, XLIFF, CSV or TSV that a person has edited.")]
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="OUT", help="The run: out, or out/<model> where there are several.")
    ] = "out"
    encoding: Annotated[str, typer.Option("--encoding", "-e", help="Of a table without a byte order mark.")] = "utf-8"
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no summary.")] = False
    as_json: Annotated[bool, typer.Option("--json", help="One object on standard output.")] = False


def corrections_command(options: CorrectionsOptions) -> None:
    """Keep what a person has changed."""
    out = check_folder(options.output, "--output")
    from translate.text.documents import check_encoding

    check_option(options.encoding, check_encoding, "--encoding")
    from translate.exchange.corrections import take_in

    with Activity(f"reading '{options.file}'", quiet=options.quiet) as activity:
        taken = take_in(
            options.file,
            out,
            options.encoding,
            lambda number: activity.change(f"reading '{options.file}': {number:,} pairs"),
        )
    if options.as_json:
        print(json.dumps(dataclasses.asdict(taken), ensure_ascii=False))
    if not options.quiet:
        say(*describe_taken(taken))


def describe_taken(taken: Taken) -> list[str]:
    """What was kept, what was not and why, and how it gets into the rows."""
    lines = [f"{count(taken.corrected, 'correction')} in '{taken.path}'; {taken.unchanged:,} as in the run"]
    if taken.kept:
        lines.append(f"{taken.kept:,} kept as they are, because the same sentence was corrected elsewhere")
    if taken.empty:
        lines.append(f"{taken.empty:,} without English, left out")
    if taken.foreign:
        lines.append(
            f"{taken.foreign:,} of the corrections stand nowhere in this run; they wait for a text that has them"
        )
    if taken.corrected:
        from translate.reading.status import show_command

        lines.append(f"to write them into the rows: {show_command(taken.command)}")
    return lines
