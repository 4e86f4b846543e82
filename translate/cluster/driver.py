"""The same job on a Ray cluster, through Ray Data: documents → windows of sentences → a pool of engines → rows in order.

Scheduling, retrying and shipping are Ray's. Ours are the windows, which have the same names in every attempt, and the
journal (`journal`), which keeps each finished batch in the memory. So an actor or node that dies costs the
batches that it was at, and a driver that dies is started again with the same command. The rows of a window are put
together here from the memory, when the window comes back, and written as on one machine.
"""

from __future__ import annotations

import dataclasses
import logging
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, Queue
from typing import Any

import ray
import ray.data
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from translate.cluster.connection import SPARE_CPUS, connected, plain_errors, quiet_data
from translate.cluster.journal import Journal, JournalState
from translate.cluster.options import Cluster
from translate.cluster.worker import Equipment, Planning, Report, Worker, split_documents, store_model, unpack_items
from translate.machine import package_versions
from translate.model.catalog import Resolution, resolve_model
from translate.records import EngineError, ModelError, Translation, format_signature
from translate.run.events import Event, Loaded, Progress, Tally, WindowEvent
from translate.run.pipeline import open_folder, open_people, put_people_first, write_event
from translate.run.plan import Job, choose_documents, describe_documents, kept_folder, memory_path
from translate.run.translator import Interrupted, copy_untranslatable
from translate.run.windows import ReadingOrder
from translate.storage import absolute_name

log = logging.getLogger(__name__)

LIGHT = 0.1
"""Logical processors of a stage that mostly waits."""
MOST_BLOCKS = 4096
"""Pieces that the list of documents is cut into; a task reads the documents of a piece."""
POLL_SECONDS = 0.5
ANSWER_SECONDS = 120.0
"""A journal that does not answer for so long is lost."""


@dataclass(frozen=True, slots=True)
class Size:
    """What of the cluster the run takes."""

    workers: int
    gpus: float
    nodes: int


def run_on_cluster(job: Job, cluster: Cluster, stop: Callable[[], bool] = lambda: False) -> Iterator[Event]:
    """Translate the job's documents on the cluster. The events are those of `pipeline.run`.

    Raises TranslateError for what concerns the whole run, Interrupted when `stop` says so.
    """
    paths, failures = choose_documents(job)
    yield describe_documents(paths)
    yield from failures
    started = time.perf_counter()
    resolution = resolve_model(job.model, job.models_file)
    with open_people(job) as people, connected(cluster), plain_errors():
        size = _measure(cluster)
        equipment = Equipment(
            resolution.model, job.settings, package_versions(), journal=None, files=store_model(resolution.model)
        )
        report = _ask_first_worker(equipment, size)
        equipment = dataclasses.replace(equipment, signature=report.signature)
        seconds = time.perf_counter() - started
        loaded = people.sign(_describe(resolution, report, job, size, seconds))
        yield loaded
        tally = Tally(loaded, failed=len(failures))
        with open_folder(job, loaded, report.batch_tokens, paths, failures) as outputs:
            if not job.overwrite:
                outputs.check_inputs(paths)
            journal = _start_journal(job, kept_folder(job, resolution.model), report)
            equipment = dataclasses.replace(equipment, journal=journal)
            windows = _make_windows(paths, job, equipment, report, size) if paths else None
            results = _Results(cluster, equipment.journal, stop).follow(windows)
            for event in put_people_first(results, people):
                tally.count(event)
                yield from write_event(event, outputs)
            ray.get(equipment.journal.close.remote())
            outputs.finish(tally.timings())
    yield tally.summarize()


def _describe(resolution: Resolution, report: Report, job: Job, size: Size, seconds: float) -> Loaded:
    return Loaded(
        resolution.model,
        resolution.refusals,
        report.engine,
        report.device,
        report.dtype,
        {**report.signature, **job.reading.signature},
        seconds,
        f"{size.workers} workers on a Ray cluster of {size.nodes} nodes",
    )


def _measure(cluster: Cluster) -> Size:
    """How many workers, and what each takes. Raises EngineError for more than the cluster has."""
    have = ray.cluster_resources()
    cpus, gpus = have.get("CPU", 0.0), have.get("GPU", 0.0)
    each = cluster.gpus_per_worker if cluster.gpus_per_worker is not None else float(gpus > 0)
    most = int(min(cpus - SPARE_CPUS, gpus / each if each else cpus))
    workers = cluster.workers or max(1, most)
    if workers > most:
        needs = f"{workers + SPARE_CPUS} CPUs" + (f" and {workers * each:g} GPUs" if each else "")
        hint = f"{SPARE_CPUS} CPUs are for reading and splitting; take fewer --workers, or add nodes"
        raise EngineError(f"{workers} workers need {needs}; the cluster has {cpus:g} CPUs and {gpus:g} GPUs", hint)
    return Size(workers, each, sum(node["Alive"] for node in ray.nodes()))


def _ask_first_worker(equipment: Equipment, size: Size) -> Report:
    """What an engine of this cluster is; the process ends with the answer, and lets its GPU go."""
    task = ray.remote(num_cpus=1, num_gpus=size.gpus, max_calls=1)(_report)
    report: Report = ray.get(task.remote(equipment))
    return report


def _report(equipment: Equipment) -> Report:
    return Worker(equipment).report()


def _start_journal(job: Job, folder: Path, report: Report) -> Any:
    """The journal as an actor on this machine. It is not restarted: without it the run ends, and can be started again."""
    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    actor = ray.remote(Journal).options(num_cpus=0, max_restarts=0, scheduling_strategy=here)
    path = memory_path(job, folder)
    journal = actor.remote(path.absolute(), format_signature(report.signature), alone=job.shard is not None)
    ray.get(journal.state.remote())
    return journal


def _make_windows(paths: Mapping[str, Path], job: Job, equipment: Equipment, report: Report, size: Size) -> Any:
    """The data set of finished windows, in reading order; nothing runs until it is read."""
    context = ray.data.DataContext.get_current()
    context.execution_options.preserve_order = True
    context.enable_progress_bars = False
    quiet_data(logging.ERROR)  # below are plans and timings, which the user has not asked for
    warnings.filterwarnings("ignore", "The minimum number of concurrent actors")  # it counts documents, not windows
    documents = [{"name": name, "path": absolute_name(path)} for name, path in paths.items()]
    reading = {"reading": job.reading, "versions": equipment.versions, "journal": equipment.journal}
    tables = {"batch_size": None, "batch_format": "pyarrow"}
    one, pool = ray.data.ActorPoolStrategy(size=1), ray.data.ActorPoolStrategy(size=size.workers)
    return (
        ray.data.from_items(documents, override_num_blocks=min(len(documents), MOST_BLOCKS))
        .map_batches(split_documents, fn_kwargs=reading, num_cpus=LIGHT, **tables)
        .repartition(target_num_rows_per_block=report.window, strict=True)
        .map_batches(Planning, fn_constructor_args=(equipment.journal,), compute=one, num_cpus=LIGHT, **tables)
        .map_batches(Worker, fn_constructor_args=(equipment,), compute=pool, num_cpus=1, num_gpus=size.gpus, **tables)
    )


class _Results:
    """Finished windows → what the pipeline's own windows give: progress, and items with their rows."""

    def __init__(self, cluster: Cluster, journal: Any, stop: Callable[[], bool]) -> None:
        self._cluster, self._journal, self._stop = cluster, journal, stop
        self._before = Progress()
        self._told: dict[str, float] = {}

    def follow(self, windows: Any | None) -> Iterator[WindowEvent]:
        """Progress while windows are on their way; then the items of each, sentences as rows."""
        for window in _read_aside(windows) if windows is not None else ():
            yield from self._look()
            if window is not None:
                order = ReadingOrder()
                texts = order.enter(unpack_items(window))
                yield from order.take(self._find(texts))
        yield from self._look()

    def _look(self) -> Iterator[Progress]:
        """What has happened since the last look. Raises ModelError for a node that was refused, Interrupted."""
        state: JournalState = ray.get(self._journal.state.remote(), timeout=ANSWER_SECONDS)
        if state.refusal is not None:
            raise ModelError(*state.refusal)
        self._warn(state.silent)
        if state.progress != self._before:
            yield state.progress - self._before
            self._before = state.progress
        if self._stop():
            raise Interrupted

    def _warn(self, silent: Mapping[str, float]) -> None:
        """Say who has been silent, and again whenever that has doubled."""
        self._told = {who: seconds for who, seconds in self._told.items() if silent.get(who, 0) >= seconds}
        for who, seconds in silent.items():
            if seconds >= max(self._cluster.silent_seconds, 2 * self._told.get(who, 0)):
                self._told[who] = seconds
                log.warning("%s for %.0f seconds", who, seconds)

    def _find(self, texts: Sequence[str]) -> dict[str, Translation]:
        copied = copy_untranslatable(dict.fromkeys(texts))
        asked = [text for text in dict.fromkeys(texts) if text not in copied]
        found: dict[str, Translation] = ray.get(self._journal.find.remote(asked))
        return copied | found


def _read_aside(windows: Any) -> Iterator[Any]:
    """The data set's tables, read by another thread; None whenever there is none for a while. Raises what reading raises."""
    queue: Queue[Any] = Queue(maxsize=2)
    end = object()

    def read() -> None:
        try:
            for table in windows.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=1):
                queue.put(table)
            queue.put(end)
        except BaseException as error:  # whatever it is, the other thread has to hear of it
            queue.put(error)

    threading.Thread(target=read, daemon=True).start()
    while True:
        try:
            got = queue.get(timeout=POLL_SECONDS)
        except Empty:
            got = None
        if got is end:
            return
        if isinstance(got, BaseException):
            raise got
        yield got
