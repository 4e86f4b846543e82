"""`translate run`: options become a job, the job's events go to the reporter, and how it ended becomes the exit status."""

from __future__ import annotations

import dataclasses
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from translate.cli.options import Encoding, Files, ModelsFile, check_choice, check_option
from translate.cli.progress import Reporter, say
from translate.cluster.options import LOCAL, Cluster
from translate.engines.base import DTYPES, ENGINES
from translate.records import EngineError, Flag, Row, Settings
from translate.run.record import parse_shard
from translate.storage import as_path
from translate.text.documents import check_encoding

if TYPE_CHECKING:
    from translate.run.events import Event
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
        raise EngineError("--ray needs the package 'ray'", "pip install 'translate-batch[ray]'") from error
    return run_on_cluster


Device = Annotated[str, typer.Option("--device", "-D", help="auto, cpu, cuda, cuda:N or mps.")]
Dtype = Annotated[str, typer.Option("--dtype", help="auto, float32, bfloat16, float16 or int8.")]
EngineName = Annotated[
    str,
    typer.Option("--engine", "-E", help="auto, transformers, native, ctranslate2 or echo (reverses words: a dry run)."),
]
ModelName = Annotated[
    str | None,
    typer.Option("--model", "-m", help="A hub name, a folder, or a name from models.txt; nothing else is tried."),
]


def run_command(
    files: Files,
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="DIR", help="Rows go to DIR/<model>/<path>.jsonl; also s3://….")
    ] = "out",
    model: ModelName = None,
    models_file: ModelsFile = None,
    device: Device = "auto",
    dtype: Dtype = "auto",
    engine: EngineName = "auto",
    beams: Annotated[
        int | None, typer.Option("--beams", "-b", min=1, help="Instead of the model's own number.")
    ] = None,
    length_penalty: Annotated[
        float | None, typer.Option("--length-penalty", help="Instead of the model's own.")
    ] = None,
    batch_size: Annotated[int | None, typer.Option("--batch-size", min=1, help="Sentences a batch.")] = None,
    batch_tokens: Annotated[
        int | None, typer.Option("--batch-tokens", min=1, help="Padded source tokens a batch (the default way).")
    ] = None,
    encoding: Encoding = "utf-8",
    text: Annotated[
        bool, typer.Option("--text", "-t", help="Also write the English text, with the source's paragraphs.")
    ] = False,
    memory: Annotated[
        bool | None,
        typer.Option(
            "--memory/--no-memory", help="Keep what is translated, and go on after a stop. Default: with files."
        ),
    ] = None,
    memory_dir: Annotated[
        Path | None, typer.Option("--memory-dir", metavar="DIR", help="Memory and lock are in DIR, not with the rows.")
    ] = None,
    normalize: Annotated[
        bool, typer.Option("--normalize/--no-normalize", help="Punctuation as OPUS-MT models learned it.")
    ] = True,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit status 3 if any row has a flag other than passthrough.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a run that had other settings.")] = False,
    shard: Annotated[
        str | None,
        typer.Option("--shard", metavar="K/N", help="Only every Nth document from the Kth on: one of N machines."),
    ] = None,
    ray: Annotated[
        str | None,
        typer.Option(
            "--ray", metavar="auto|local|ADDRESS", help="On a Ray cluster (extra `ray`); local: on this machine."
        ),
    ] = None,
    workers: Annotated[int | None, typer.Option("--workers", min=1, help="With --ray: how many engines.")] = None,
    gpus_per_worker: Annotated[
        float | None, typer.Option("--gpus-per-worker", min=0, help="With --ray; default 1 where there are GPUs.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no summary.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One summary object on standard output, last.")] = False,
) -> None:
    """Put the options into a job, run it, show what happens."""
    if "-" in files and len(files) > 1:
        raise typer.BadParameter("- (standard input) goes alone", param_hint="FILES")
    if "-" in files and text:
        raise typer.BadParameter("goes with files, not with standard input", param_hint="--text")
    if "-" in files and shard:
        raise typer.BadParameter("goes with files, not with standard input", param_hint="--shard")
    if ray is not None and ("-" in files or memory is False):
        problem = "goes with files, and not with --no-memory: it keeps there what the workers have done"
        raise typer.BadParameter(problem, param_hint="--ray")
    if ray is None and not workers is gpus_per_worker is None:
        raise typer.BadParameter("goes with --ray only", param_hint="--workers" if workers else "--gpus-per-worker")
    check_choice(dtype, DTYPES, "--dtype")
    check_choice(engine, ("auto", *ENGINES), "--engine")
    check_option(encoding, check_encoding, "--encoding")
    part = check_option(shard, parse_shard, "--shard") if shard else None
    from translate.run.plan import Job

    settings = Settings(
        engine=engine,
        device=device,
        dtype=dtype,
        beams=beams,
        length_penalty=length_penalty,
        batch_size=batch_size,
        batch_tokens=batch_tokens,
        normalize=normalize,
    )
    job = Job(
        arguments=tuple(files),
        output=check_option(output, as_path, "--output"),
        model=model,
        models_file=models_file,
        settings=settings,
        encoding=encoding,
        text=text,
        memory="-" not in files if memory is None else memory,
        overwrite=overwrite,
        shard=part,
        memory_folder=memory_dir,
    )
    cluster = Cluster(ray, workers, gpus_per_worker) if ray is not None else None
    translate_job(job, Reporter(quiet=quiet), strict=strict, as_json=as_json, cluster=cluster)


def translate_job(job: Job, reporter: Reporter, *, strict: bool, as_json: bool, cluster: Cluster | None = None) -> None:
    """Run the job, give rows and the summary to standard output, and end with the status that the run deserves."""
    from translate.run.events import Summary
    from translate.run.pipeline import run
    from translate.run.record import summary_line
    from translate.run.rows import format_row
    from translate.run.translator import Interrupted

    sys.stdout.reconfigure(encoding="utf-8", newline="\n")  # type: ignore[union-attr]  # a TextIOWrapper, unless a test replaced it
    start = partial(load_runner(cluster), job, cluster) if cluster is not None else partial(run, job)
    summary = None
    with reporter, stop_signals(lambda: reporter.translating) as stopped:
        try:
            for event in start(lambda: bool(stopped)):
                if isinstance(event, Row):
                    print(format_row(event), flush=True)
                elif isinstance(event, Summary):
                    summary = event
                else:
                    reporter.show(event)
        except (Interrupted, KeyboardInterrupt):
            reporter.close()
            kept = (
                "what was translated is kept: run the same command again to go on"
                if job.memory
                else "nothing is kept with --no-memory"
            )
            say(f"stopped; {kept}")
            raise typer.Exit(128 + (stopped[0] if stopped else signal.SIGINT)) from None
    if summary is None:
        raise RuntimeError("a run that was not interrupted has a summary")
    reporter.summarize(summary)
    if as_json:
        print(summary_line(dataclasses.asdict(summary)), flush=True)
    if summary.failed:
        raise typer.Exit(1)
    if strict and any(flag != Flag.PASSTHROUGH for flag in summary.flags):
        say(
            "error: --strict, and some rows are flagged",
            f"hint: look for the flags {', '.join(summary.flags)} in the rows",
        )
        raise typer.Exit(3)


@contextmanager
def stop_signals(gently: Callable[[], bool]) -> Iterator[list[int]]:
    """A list that gets the number of the first SIGINT or SIGTERM. That one stops between batches; the next one at once.

    While `gently` is False there is no batch to finish, and the first stops at once.
    """
    caught: list[int] = []

    def stop(number: int, _: FrameType | None) -> None:
        caught.append(number)
        if len(caught) > 1 or not gently():
            raise KeyboardInterrupt
        say("stopping when the running batch is done; once more to stop at once")

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield caught
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
