"""The options of `translate bench`: files and settings → a sweep, its progress, its table and files."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from translate.cli.progress import say

if TYPE_CHECKING:
    from translate.bench.report import Baseline
    from translate.bench.samples import Text
    from translate.bench.sweep import Bench, Sweep
    from translate.records import Model

LEAST_REPEATS = 5


def bench_command(
    files: Annotated[list[str], typer.Argument(metavar="FILES…", help="Text like that to be translated later.")],
    engines: Annotated[
        str | None, typer.Option("--engines", help="auto is the usual one. Default: all that are installed.")
    ] = None,
    batch_sizes: Annotated[
        str | None, typer.Option("--batch-sizes", metavar="1,2,4,…", help="Sentences a batch.")
    ] = None,
    batch_tokens: Annotated[
        str | None,
        typer.Option(
            "--batch-tokens", metavar="512,1024,…", help="Padded source tokens a batch. Default: as time allows."
        ),
    ] = None,
    dtypes: Annotated[str, typer.Option("--dtypes", help="auto, float32, bfloat16, float16, int8.")] = "auto",
    beams: Annotated[str | None, typer.Option("--beams", metavar="1,4,…", help="Default: the model's own.")] = None,
    threads: Annotated[
        str | None, typer.Option("--threads", metavar="1,2,…", help="Default: as each engine does.")
    ] = None,
    reference: Annotated[
        list[Path] | None,
        typer.Option(
            "--reference", "-r", help="Lines that translate the lines of FILES: adds BLEU and chrF. One a file."
        ),
    ] = None,
    baseline: Annotated[
        Path | None,
        typer.Option("--baseline", metavar="OLD.json", help="Repeat an older bench, and mark what differs."),
    ] = None,
    repeats: Annotated[
        int, typer.Option("--repeats", min=LEAST_REPEATS, help="Passes of each setting.")
    ] = LEAST_REPEATS,
    sentences: Annotated[
        int | None,
        typer.Option("--sentences", min=2, help="Spread over the files. Default: as many as there is time for."),
    ] = None,
    seconds: Annotated[float, typer.Option("--seconds", min=1, help="For the measuring, where the rest is open.")] = 60,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="For bench.json and bench.svg.")] = Path(
        "out"
    ),
    model: Annotated[str | None, typer.Option("--model", "-m", help="As with the main command.")] = None,
    models_file: Annotated[Path | None, typer.Option("--models-file", help="Instead of ./models.txt.")] = None,
    device: Annotated[str, typer.Option("--device", "-D", help="auto, cpu, cuda, cuda:N or mps.")] = "auto",
    encoding: Annotated[str, typer.Option("--encoding", "-e", help="Of files without a byte order mark.")] = "utf-8",
    keep: Annotated[bool, typer.Option("--keep/--no-keep", help="Keep what is recommended for `translate`.")] = True,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """Measure, show, write, keep."""
    counts = {
        "--batch-sizes": _numbers(batch_sizes, "--batch-sizes"),
        "--batch-tokens": _numbers(batch_tokens, "--batch-tokens"),
        "--beams": _numbers(beams, "--beams"),
        "--threads": _numbers(threads, "--threads"),
    }
    from translate.bench.report import read_bench
    from translate.bench.samples import read_text
    from translate.bench.sweep import Sweep
    from translate.engines.base import AUTO, installed_engines
    from translate.model.catalog import resolve_model
    from translate.run.advice import Batching, Variant

    old = read_bench(baseline) if baseline else None
    names = _words(engines) or [name for name in installed_engines() if name != "echo"]
    variants = tuple(
        Variant(AUTO if name == "auto" else name, dtype, device, some, many)
        for name, dtype in product(names, _words(dtypes))
        for some in counts["--beams"] or (None,)
        for many in counts["--threads"] or (None,)
    )
    batchings = tuple(Batching(size=n) for n in counts["--batch-sizes"])
    batchings += tuple(Batching(tokens=n) for n in counts["--batch-tokens"])
    sweep = Sweep(variants, batchings, repeats, sentences, seconds)
    if old is not None:
        sweep = _repeat(sweep, old, all_engines=engines is None)
    resolution = resolve_model(model, models_file)
    for refusal in resolution.refusals:
        say(f"warning: not using {refusal.entry}: {refusal.reason}")
    text = read_text(files, reference or [], encoding)
    bench = show_bench(resolution.model, text, sweep, quiet=quiet)
    report(bench, old, output, keep=keep)


def _words(text: str | None) -> list[str]:
    return list(dict.fromkeys(word.strip() for word in (text or "").split(",") if word.strip()))


def _numbers(text: str | None, option: str) -> list[int]:
    """The numbers of `1,2,4`. Raises a usage error for anything else."""
    words = _words(text)
    if not all(word.isascii() and word.isdigit() and int(word) > 0 for word in words) or (
        text is not None and not words
    ):
        raise typer.BadParameter(f"'{text}' is no list of numbers above 0, such as 1,2,4", param_hint=option)
    return [int(word) for word in words]


def _repeat(sweep: Sweep, old: Baseline, *, all_engines: bool) -> Sweep:
    """The sweep with the baseline's number of sentences, and its settings and variants where none were named."""
    variants = tuple(dict.fromkeys(row.variant for row in old.rows)) if all_engines else sweep.variants
    batchings = sweep.batchings or tuple(dict.fromkeys(row.batching for row in old.rows))
    return dataclasses.replace(
        sweep, variants=variants, batchings=batchings, sentences=sweep.sentences or old.sentences
    )


def show_bench(model: Model, text: Text, sweep: Sweep, *, quiet: bool) -> Bench:
    """Run it, and show on standard error how long it will take and how far it is."""
    from translate.bench.sweep import Bench, Planned, SweepStep, run_bench

    if not quiet:
        say(f"{model.name}: loading {', '.join(map(str, sweep.variants))}")
    with show_count("passes", quiet=quiet) as advance:
        for event in run_bench(model, text, sweep):
            match event:
                case Planned():
                    for variant, failure in event.failures.items():
                        say(f"warning: {variant} is left out: {failure.message}")
                    if not quiet:
                        say(
                            f"measuring with {event.sentences} of {len(text.sentences)} sentences, {event.passes} passes: "
                            f"about {event.seconds:.0f} s"
                        )
                case SweepStep(done, passes):
                    advance(done, passes)
                case Bench():
                    return event
    raise RuntimeError("a bench that ended without a result")


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


def report(bench: Bench, old: Baseline | None, output: Path, *, keep: bool) -> None:
    """The table and the recommendation on standard output, bench.json and bench.svg, the kept recommendation."""
    from translate.bench.plot import write_plot
    from translate.bench.report import compare_with, format_table, write_bench
    from translate.machine import package_versions
    from translate.run.advice import keep as keep_recommendations

    differences = compare_with(bench, old) if old else {}
    for line in format_table(bench, differences):
        typer.echo(line)
    typer.echo("")
    if old is not None:
        typer.echo(
            old.refuse(bench) or f"baseline: '{old.path}'; a difference is real where the middle halves are apart"
        )
    if bench.noise:
        typer.echo(f"noisy: {bench.noise}; take the figures with caution, or run it again on a quiet machine")
    for found in bench.recommendations:
        typer.echo(f"{found.variant}: batches of {found.batching}: {found.reason}")
    write_bench(bench, package_versions(), output / "bench.json", differences)
    write_plot(bench, output / "bench.svg")
    typer.echo(f"written: {output / 'bench.json'}, {output / 'bench.svg'}")
    if keep and bench.recommendations:
        keep_recommendations(bench.model, bench.recommendations)
        typer.echo("translate uses this from now on for this model on this machine; --batch-tokens overrides it")
