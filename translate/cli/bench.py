"""`translate bench`: files and settings → a sweep, its progress, its table and files."""

from __future__ import annotations

import dataclasses
import shutil
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from translate.cli.help import complete_dtypes, complete_engines, complete_model
from translate.cli.options import (
    MOST_BEAMS,
    Device,
    Encoding,
    check_choice,
    check_device,
    check_folder,
    check_sources,
    interruptible,
    refuse,
)
from translate.cli.progress import Activity, refusals_line, show_count
from translate.cli.streams import say, show

if TYPE_CHECKING:
    from translate.bench.report import Baseline, Differences
    from translate.bench.samples import Text
    from translate.bench.sweep import Bench, Sweep
    from translate.records import Model

LEAST_REPEATS = 5
BASELINE_REPEATS = 10
"""Two benches cannot be taken round by round, which takes more rounds to tell them apart."""
HISTORY = "bench-history.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchOptions:
    """What `translate bench` is told, in the order of its help."""

    files: Annotated[list[str], typer.Argument(metavar="FILES…", help="Text like that to be translated later.")]
    engines: Annotated[
        str | None,
        typer.Option(
            "--engines", help="auto is the usual one. Default: all that are installed.", autocompletion=complete_engines
        ),
    ] = None
    batch_sizes: Annotated[str | None, typer.Option("--batch-sizes", metavar="1,2,4,…", help="Sentences a batch.")] = (
        None
    )
    batch_tokens: Annotated[
        str | None,
        typer.Option(
            "--batch-tokens", metavar="512,1024,…", help="Padded source tokens a batch. Default: as time allows."
        ),
    ] = None
    dtypes: Annotated[
        str, typer.Option("--dtypes", help="auto, float32, bfloat16, float16, int8.", autocompletion=complete_dtypes)
    ] = "auto"
    beams: Annotated[str | None, typer.Option("--beams", metavar="1,4,…", help="Default: the model's own.")] = None
    threads: Annotated[str | None, typer.Option("--threads", metavar="1,2,…", help="Default: as each engine does.")] = (
        None
    )
    reference: Annotated[
        list[Path] | None,
        typer.Option(
            "--reference", "-r", help="Lines that translate the lines of FILES: adds BLEU and chrF. One a file."
        ),
    ] = None
    baseline: Annotated[
        Path | None,
        typer.Option("--baseline", metavar="OLD.json", help="Repeat an older bench, and mark what differs."),
    ] = None
    repeats: Annotated[
        int | None,
        typer.Option(
            "--repeats", min=LEAST_REPEATS, help="Passes of each setting. Default: 5 or more, until enough is known."
        ),
    ] = None
    sentences: Annotated[
        int | None,
        typer.Option("--sentences", min=2, help="Spread over the files. Default: as many as there is time for."),
    ] = None
    seconds: Annotated[float, typer.Option("--seconds", min=1, help="For the measuring, where the rest is open.")] = 60
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="DIR", help="For bench.json, bench.svg, bench.csv and bench.md.")
    ] = "out"
    history: Annotated[
        Path | None,
        typer.Option(
            "--history", metavar="FILE", help=f"Each bench adds a line to it. Default: {HISTORY} in --output."
        ),
    ] = None
    model: Annotated[
        str | None, typer.Option("--model", "-m", help="As with the main command.", autocompletion=complete_model)
    ] = None
    models_file: Annotated[Path | None, typer.Option("--models-file", help="Instead of ./models.txt.")] = None
    device: Device = "auto"
    encoding: Encoding = "utf-8"
    keep: Annotated[bool, typer.Option("--keep/--no-keep", help="Keep what is recommended for `translate`.")] = True
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False


def bench_command(options: BenchOptions) -> None:
    """Measure, show, write, keep."""
    sweep = make_sweep(options)
    output = check_folder(options.output, "--output")
    from translate.bench.report import read_bench
    from translate.bench.samples import read_text
    from translate.model.catalog import resolve_model

    old = read_bench(options.baseline) if options.baseline else None
    if old is not None:
        sweep = repeat_bench(sweep, old, all_engines=options.engines is None)
    with Activity("looking for the model", quiet=options.quiet) as activity:
        resolution = resolve_model(options.model, options.models_file)
        if resolution.refusals and not options.quiet:
            say(refusals_line(resolution.refusals, resolution.model.name))
        activity.change("reading the files")
        text = read_text(options.files, options.reference or [], options.encoding)
    with interruptible():
        bench = show_bench(resolution.model, text, sweep, quiet=options.quiet)
        report(bench, old, output, options)


def make_sweep(options: BenchOptions) -> Sweep:
    """What is to be measured. Raises a usage error for a list that is none."""
    from translate.engines.base import AUTO, DTYPES, installed_engines

    check_device(options.device)
    check_sources(options.files, options.encoding)
    dtypes = _words(options.dtypes)
    check_choice(next((name for name in dtypes if name not in DTYPES), "auto"), DTYPES, "--dtypes")
    beams, threads = _numbers(options.beams, "--beams"), _numbers(options.threads, "--threads")
    sizes, tokens = (
        _numbers(options.batch_sizes, "--batch-sizes"),
        _numbers(options.batch_tokens, "--batch-tokens"),
    )
    refuse([(max(beams, default=1) > MOST_BEAMS, "--beams", f"'{options.beams}' has more than {MOST_BEAMS}")])
    from translate.bench.sweep import Sweep
    from translate.run.advice import Batching, Variant

    engines = _words(options.engines) or [name for name in installed_engines() if name != "echo"]
    variants = tuple(
        Variant(AUTO if name == "auto" else name, dtype, options.device, some, many)
        for name, dtype in product(engines, dtypes or ["auto"])
        for some in beams or (None,)
        for many in threads or (None,)
    )
    batchings = (*(Batching(size=number) for number in sizes), *(Batching(tokens=number) for number in tokens))
    return Sweep(variants, batchings, options.repeats, options.sentences, options.seconds)


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


def repeat_bench(sweep: Sweep, old: Baseline, *, all_engines: bool) -> Sweep:
    """The sweep with the baseline's numbers of sentences, and its settings and variants where none were named."""
    variants = tuple(dict.fromkeys(row.variant for row in old.rows)) if all_engines else sweep.variants
    batchings = sweep.batchings or tuple(dict.fromkeys(row.batching for row in old.rows))
    counts = {} if sweep.sentences else old.counts
    repeats = sweep.repeats or BASELINE_REPEATS
    return dataclasses.replace(sweep, variants=variants, batchings=batchings, counts=counts, repeats=repeats)


def show_bench(model: Model, text: Text, sweep: Sweep, *, quiet: bool) -> Bench:
    """Run it, and show on standard error how long it will take and how far it is."""
    from translate.bench.rounds import SweepStep
    from translate.bench.sweep import Bench, Planned, run_bench

    if not quiet:
        say(f"{model.name}: loading {', '.join(map(str, sweep.variants))}")
    with show_count("passes", quiet=quiet) as advance:
        for event in run_bench(model, text, sweep):
            match event:
                case Planned():
                    if not quiet:
                        for variant, failure in event.failures.items():
                            say(f"warning: {variant} is left out: {failure.message}")
                        counts = ", ".join(f"{variant} with {n:,}" for variant, n in event.sentences.items())
                        say(
                            f"measuring {counts} of {len(text.sentences):,} sentences, at least {event.passes} passes: "
                            f"about {event.seconds:.0f} s"
                        )
                case SweepStep(done, passes):
                    advance(done, passes)
                case Bench():
                    return event
    raise RuntimeError("a bench that ended without a result")


def report(bench: Bench, old: Baseline | None, output: Path, options: BenchOptions) -> None:
    """The table and the answers on standard output, the files, the kept recommendation."""
    from translate.bench.report import compare_with, format_bench
    from translate.run.advice import keep as keep_recommendations

    differences = compare_with(bench, old) if old else {}
    width = min(shutil.get_terminal_size((200, 24)).columns, 240)
    show(*format_bench(bench, differences, width=width))
    show("")
    if old is not None:
        show(
            old.refuse(bench)
            or f"baseline: '{old.path}'; faster or slower is only what is more than the machine's own change"
        )
    if bench.noise:
        show(f"noisy: {bench.noise}")
    written = write_files(bench, differences, output, options)
    show(f"written: {', '.join(map(str, written))}")
    for answer in bench.answers:
        show(f"batch size for {answer.recommendation.variant}: {answer.sentence}")
    if options.keep and bench.recommendations:
        keep_recommendations(bench.model, bench.recommendations)
        show("kept: translate uses this for this model on this machine from now on; --batch-tokens overrides it")


def write_files(bench: Bench, differences: Differences, output: Path, options: BenchOptions) -> list[Path]:
    """bench.json, bench.svg, bench.csv, bench.md, and the history with its plot once it has two benches."""
    from translate.bench.history import append_entry, comparable, make_entry
    from translate.bench.plot import write_history_plot, write_plot
    from translate.bench.report import write_bench, write_csv, write_markdown
    from translate.machine import package_versions

    versions = package_versions()
    paths = [output / f"bench.{ending}" for ending in ("json", "svg", "csv", "md")]
    write_bench(bench, versions, paths[0], differences)
    write_plot(bench, paths[1])
    write_csv(bench, paths[2])
    write_markdown(bench, paths[3], differences)
    history = options.history or output / HISTORY
    entries = append_entry(history, make_entry(bench, versions))
    paths.append(history)
    if len(comparable(entries)) > 1:
        paths.append(history.with_suffix(".svg"))
        write_history_plot(entries, paths[-1])
    return paths
