"""`translate run`: options become a job, the job's events go to the reporter, and how it ended becomes the exit status."""

from __future__ import annotations

import dataclasses
import math
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from translate.cli.help import complete_dtype, complete_engine, complete_model
from translate.cli.options import (
    MOST_BEAMS,
    Device,
    Encoding,
    Files,
    ModelsFile,
    Wrapped,
    check_choice,
    check_device,
    check_folder,
    check_option,
    check_sources,
    is_piped,
    program_name,
    refuse,
)
from translate.cli.progress import Reporter
from translate.cli.streams import say
from translate.cluster.options import LOCAL, Cluster
from translate.records import EngineError, Flag, Row, Settings

if TYPE_CHECKING:
    from translate.run.events import Event, Summary
    from translate.run.plan import Job

Runner = Callable[["Job", "Cluster", Callable[[], bool]], "Iterator[Event]"]


def load_runner(cluster: Cluster) -> Runner:
    """What runs a job on the cluster. Raises EngineError if Ray is not installed, or the address is of a kind that cannot do."""
    if "://" in cluster.address:
        hint = "run the command on a machine of the cluster, with --ray auto or --ray HOST:PORT"
        raise EngineError(f"'{cluster.address}' is not the address of a Ray cluster's head node", hint)
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # nothing is sent to anyone; read when a cluster starts
    os.environ["RAY_ENABLE_AUTO_CONNECT"] = "0"  # else a thread that outlives our connection starts a cluster
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # what goes wrong comes as an exception too
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # Ray's coming default, without its warning
    if cluster.address == LOCAL:
        # Ray's switch for clusters of one machine: every port is opened on the loopback interface only.
        os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
    try:
        from translate.cluster.driver import run_on_cluster
    except ModuleNotFoundError as error:
        if error.name not in ("ray", "pyarrow", "pandas"):
            raise
        raise EngineError("--ray needs the package 'ray'", "in the project's folder: pip install '.[ray]'") from error
    return run_on_cluster


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """What `translate run` is told, in the order of its help."""

    files: Files
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="DIR", help="Rows go to DIR/<model>/<path>.jsonl; also s3://….")
    ] = "out"
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            help="A hub name, a folder, or a name from models.txt; nothing else is tried.",
            autocompletion=complete_model,
        ),
    ] = None
    models_file: ModelsFile = None
    device: Device = "auto"
    dtype: Annotated[
        str, typer.Option("--dtype", help="auto, float32, bfloat16, float16 or int8.", autocompletion=complete_dtype)
    ] = "auto"
    engine: Annotated[
        str,
        typer.Option(
            "--engine",
            "-E",
            help="auto, transformers, native, ctranslate2 or echo (reverses words: a dry run).",
            autocompletion=complete_engine,
        ),
    ] = "auto"
    beams: Annotated[
        int | None, typer.Option("--beams", "-b", min=1, max=MOST_BEAMS, help="Instead of the model's own number.")
    ] = None
    length_penalty: Annotated[float | None, typer.Option("--length-penalty", help="Instead of the model's own.")] = None
    batch_size: Annotated[int | None, typer.Option("--batch-size", min=1, help="Sentences a batch.")] = None
    batch_tokens: Annotated[
        int | None, typer.Option("--batch-tokens", min=1, help="Padded source tokens a batch (the default way).")
    ] = None
    encoding: Encoding = "utf-8"
    wrapped: Wrapped = False
    field: Annotated[
        str | None,
        typer.Option(
            "--field", metavar="NAME", help="Of datasets (.jsonl, .csv, .tsv, .parquet): the column to translate."
        ),
    ] = None
    id: Annotated[
        str | None, typer.Option("--id", metavar="NAME", help="Of datasets: the column that tells records apart.")
    ] = None
    text: Annotated[
        bool, typer.Option("--text", "-t", help="Also write the English text, or the dataset with one more column.")
    ] = False
    memory: Annotated[
        bool | None,
        typer.Option(
            "--memory/--no-memory", help="Keep what is translated, and go on after a stop. Default: with files."
        ),
    ] = None
    memory_dir: Annotated[
        str | None, typer.Option("--memory-dir", metavar="DIR", help="Memory and lock are in DIR, not with the rows.")
    ] = None
    translation_memory: Annotated[
        Path | None,
        typer.Option("--translation-memory", metavar="FILE", help="A TMX file; its exact matches are taken."),
    ] = None
    normalize: Annotated[
        bool, typer.Option("--normalize/--no-normalize", help="Punctuation as OPUS-MT models learned it.")
    ] = True
    target_language: Annotated[
        str | None,
        typer.Option(
            "--target-language",
            metavar="CODE",
            help="Of models with several targets: another than English, such as fra.",
        ),
    ] = None
    glossary: Annotated[
        Path | None,
        typer.Option("--glossary", metavar="FILE", help="TSV, CSV or TBX: German term, English term, optionally keep."),
    ] = None
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit status 3 if any row has a flag other than passthrough.")
    ] = False
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a run that had other settings.")] = False
    shard: Annotated[
        str | None,
        typer.Option("--shard", metavar="K/N", help="Only every Nth document from the Kth on: one of N machines."),
    ] = None
    ray: Annotated[
        str | None,
        typer.Option(
            "--ray", metavar="auto|local|ADDRESS", help="On a Ray cluster (extra `ray`); local: on this machine."
        ),
    ] = None
    workers: Annotated[int | None, typer.Option("--workers", min=1, help="With --ray: how many engines.")] = None
    gpus_per_worker: Annotated[
        float | None, typer.Option("--gpus-per-worker", min=0, help="With --ray; default 1 where there are GPUs.")
    ] = None
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no summary.")] = False
    as_json: Annotated[bool, typer.Option("--json", help="One summary object on standard output, last.")] = False

    @property
    def piped(self) -> bool:
        """Whether the text comes from standard input."""
        return is_piped(self.files)


def run_command(options: RunOptions) -> None:
    """Put the options into a job, run it, show what happens."""
    job = make_job(options)
    cluster = Cluster(options.ray, options.workers, options.gpus_per_worker) if options.ray is not None else None
    reporter = Reporter(quiet=options.quiet)
    translate_job(job, reporter, strict=options.strict, as_json=options.as_json, cluster=cluster)


def check_run(options: RunOptions) -> None:
    """Raise a usage error for values that mean nothing, and for options that do not go together."""
    from translate.engines.base import DTYPES, ENGINES

    check_sources(options.files, options.encoding)
    penalty = options.length_penalty
    files_only = "goes with files, not with standard input"
    ray_only = "goes with --ray only"
    kept = "goes with files, and not with --no-memory: it keeps there what the workers have done"
    refuse(
        [
            (options.piped and options.text, "--text", files_only),
            (options.piped and options.shard is not None, "--shard", files_only),
            (options.ray is not None and (options.piped or options.memory is False), "--ray", kept),
            (options.piped and options.field is not None, "--field", files_only),
            (options.id is not None and options.field is None, "--id", "goes with --field only"),
            (options.ray is not None and options.field is not None, "--field", "does not go with --ray; use --shard"),
            (options.ray is None and options.workers is not None, "--workers", ray_only),
            (options.ray is None and options.gpus_per_worker is not None, "--gpus-per-worker", ray_only),
            (
                penalty is not None and not 0 <= penalty < math.inf,
                "--length-penalty",
                f"{penalty} is no number from 0 on",
            ),
            (None not in (options.batch_size, options.batch_tokens), "--batch-size", "does not go with --batch-tokens"),
        ]
    )
    check_device(options.device)
    check_choice(options.dtype, DTYPES, "--dtype")
    check_choice(options.engine, ("auto", *ENGINES), "--engine")


def make_job(options: RunOptions) -> Job:
    """The job that the options describe. Raises a usage error for what cannot be meant, before anything is loaded."""
    check_run(options)
    from translate.protect.glossary import read_glossary
    from translate.run.plan import Job
    from translate.run.record import parse_shard

    settings = Settings(
        engine=options.engine,
        device=options.device,
        dtype=options.dtype,
        beams=options.beams,
        length_penalty=options.length_penalty,
        batch_size=options.batch_size,
        batch_tokens=options.batch_tokens,
        normalize=options.normalize,
        target_language=options.target_language,
        glossary=() if options.glossary is None else read_glossary(options.glossary),
    )
    return Job(
        arguments=tuple(options.files),
        output=check_folder(options.output, "--output"),
        model=options.model,
        models_file=options.models_file,
        settings=settings,
        encoding=options.encoding,
        text=options.text,
        wrapped=options.wrapped,
        field=options.field,
        id=options.id,
        memory=not options.piped if options.memory is None else options.memory,
        overwrite=options.overwrite,
        shard=None if options.shard is None else check_option(options.shard, parse_shard, "--shard"),
        memory_folder=None if options.memory_dir is None else check_folder(options.memory_dir, "--memory-dir"),
        translation_memory=options.translation_memory,
        command=(program_name(), *(word for word in sys.argv[1:] if word != "--overwrite")),
    )


def translate_job(job: Job, reporter: Reporter, *, strict: bool, as_json: bool, cluster: Cluster | None = None) -> None:
    """Run the job, give rows and the summary to standard output, and end with the status that the run deserves."""
    from translate.run.record import summary_line

    summary = show_run(job, reporter, cluster)
    reporter.summarize(summary)
    if as_json:
        print(summary_line(dataclasses.asdict(summary)), flush=True)
    if summary.failed:
        raise typer.Exit(1)
    doubts = {flag: number for flag, number in summary.flags.items() if flag != Flag.PASSTHROUGH}
    if strict and doubts:
        counted = ", ".join(f"{flag} {number:,}" for flag, number in doubts.items())
        say(f"error: --strict, and some rows are flagged: {counted}", f"hint: {reporter.how_to_see(doubts)}")
        raise typer.Exit(3)


def show_run(job: Job, reporter: Reporter, cluster: Cluster | None) -> Summary:
    """Run the job, print the rows of standard input, and show the rest. Ends the program if the run is stopped."""
    from translate.run.events import Loaded, Summary
    from translate.run.pipeline import run
    from translate.run.rows import format_row
    from translate.run.translator import Interrupted

    start = partial(load_runner(cluster), job, cluster) if cluster is not None else partial(run, job)
    with reporter, stop_signals(lambda: reporter.translating, alone=cluster is None) as stopped:
        try:
            for event in start(lambda: bool(stopped)):
                if isinstance(event, Row):
                    print(format_row(event), flush=True)
                elif isinstance(event, Summary):
                    return event
                else:
                    reporter.show(event)
                if isinstance(event, Loaded) and not is_piped(job.arguments):
                    reporter.folder = job.output / event.model.short_name
        except (Interrupted, KeyboardInterrupt):
            reporter.say_stopped(reporter.folder or job.output if job.memory else None)
            raise typer.Exit(128 + (stopped[0] if stopped else signal.SIGINT)) from None
    raise RuntimeError("a run that was not interrupted has a summary")


@contextmanager
def stop_signals(translating: Callable[[], bool], *, alone: bool) -> Iterator[list[int]]:
    """A list that gets the number of the first SIGINT or SIGTERM. That one stops between batches; the next one at once.

    Before anything is translated there is no batch to finish. Then the first ends a program that is alone on the spot, since an
    exception in the midst of a library's import or start comes out as whatever the library makes of it; with a cluster it
    is a KeyboardInterrupt, so that the cluster is let go.
    """
    caught: list[int] = []

    def stop(number: int, _: FrameType | None) -> None:
        caught.append(number)
        if len(caught) > 1 or not (alone or translating()):
            raise KeyboardInterrupt
        if not translating():
            say("stopped before anything was translated: run the same command again")
            os._exit(128 + number)
        say("stopping when the running batch is done; once more to stop at once")

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield caught
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
