"""Files → files: composes the stages, as a generator of progress events.

What is in memory at a time is a window of sentences, whatever the size of the corpus. Rows are written in reading order
as soon as they and those before them are done; a document gets its name when its last row is written. A document that
cannot be read does not stop the others.
"""

from __future__ import annotations

import dataclasses
import hashlib
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

from translate.formats.opening import Reading
from translate.human.corrections import Corrections, collect_pairs
from translate.human.tmx import read_tmx
from translate.model.catalog import Resolution, resolve_model
from translate.records import format_signature
from translate.run.events import (
    Begin,
    DocumentFailed,
    End,
    Event,
    Item,
    Loaded,
    Progress,
    RecordEnd,
    Tally,
    Translated,
    WindowEvent,
)
from translate.run.folder import RunFolder
from translate.run.loading import LoadedModel, load
from translate.run.memory import Memory, Oblivion, People, PeopleFirst
from translate.run.plan import (
    Job,
    choose_documents,
    corrections_path,
    describe_documents,
    first_record,
    kept_folder,
    memory_path,
)
from translate.run.translator import SentenceTranslator, make_translator
from translate.run.windows import ReadingOrder, make_chunks, make_growing_chunks, read_items, read_piped_items
from translate.text.documents import STANDARD_INPUT

LOG = logging.getLogger(__name__)


def run(job: Job, stop: Callable[[], bool] = lambda: False) -> Iterator[Event]:
    """Translate the job's documents. Rows are events for standard input only; those of files go to files.

    Raises TranslateError for what concerns the whole run, Interrupted when `stop` says so.
    """
    piped = job.arguments == (STANDARD_INPUT,)
    paths, failures = ({}, []) if piped else choose_documents(job)
    yield describe_documents(paths)
    yield from failures
    with ExitStack() as stack:
        people = stack.enter_context(open_people(job))
        started = time.perf_counter()
        resolution = resolve_model(job.model, job.models_file)
        LOG.info("loading %s", resolution.model.name)
        model = load(resolution.model, job.settings, advised=True)
        job = dataclasses.replace(job, settings=model.settings)
        loaded = people.sign(_describe_model(resolution, model, job.reading, time.perf_counter() - started))
        yield loaded
        tally = Tally(loaded, failed=len(failures))
        outputs = None if piped else stack.enter_context(open_folder(job, loaded, model.batch_tokens, paths, failures))
        if outputs is not None and not job.overwrite:
            outputs.check_inputs(paths)
        memory = stack.enter_context(_open_memory(job, model)) if job.memory else Oblivion()
        translator = make_translator(model, PeopleFirst(people, memory), stop)
        windows = make_chunks(read_items(paths, job.reading), model.window)
        events = _translate_piped(job, translator) if piped else translate_windows(windows, translator)
        for event in put_people_first(events, people):
            tally.count(event)
            yield from write_event(event, outputs)
        if outputs is not None:
            outputs.finish(tally.timings())
    yield tally.summarize()


def _describe_model(resolution: Resolution, model: LoadedModel, reading: Reading, seconds: float) -> Loaded:
    """What the user is told of the model that was found, and loaded in so many seconds."""
    engine = model.engine
    return Loaded(
        resolution.model,
        resolution.refusals,
        engine.name,
        engine.device,
        engine.dtype,
        {**model.signature, **reading.signature},
        seconds,
        model.advice,
        getattr(engine, "kernels", ""),
    )


@contextmanager
def open_people(job: Job) -> Iterator[People]:
    """What people have translated for this job. Raises OutputError or InputError if a file of theirs cannot be read."""
    path, given = corrections_path(job.output), job.translation_memory
    with ExitStack() as stack:
        here = job.arguments != (STANDARD_INPUT,) and path.is_file()
        corrections = stack.enter_context(Corrections(path)) if here else None
        if given is None:
            yield People(corrections)
            return
        matches = stack.enter_context(collect_pairs(read_tmx(given)))
        with given.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        yield People(corrections, matches, digest)


def put_people_first(events: Iterable[WindowEvent], people: People) -> Iterator[WindowEvent]:
    """The same events, each sentence with a person's translation where there is one for its place."""
    for event in events:
        match event:
            case Begin(document):
                people.begin(document)
            case Translated(located) if found := people.find_next(located.sentence.text):
                event = Translated(located, found)
        yield event


def open_folder(
    job: Job, loaded: Loaded, batch_tokens: int, paths: Iterable[str], failures: Sequence[DocumentFailed]
) -> RunFolder:
    """The model's folder below the job's output, for this run alone. Raises OutputError."""
    folder, kept = job.output / loaded.model.short_name, kept_folder(job, loaded.model)
    record = first_record(job, loaded, batch_tokens, paths)
    record = dataclasses.replace(record, failed={failure.name: failure.error.message for failure in failures})
    options = {"overwrite": job.overwrite, "text": job.text}
    return RunFolder(folder, record, kept, **options, shard=job.shard, reading=job.reading)


def _open_memory(job: Job, model: LoadedModel) -> Memory:
    path = memory_path(job, kept_folder(job, model.model))
    return Memory(path, format_signature(model.signature), alone=job.shard is not None)


def _translate_piped(job: Job, translator: SentenceTranslator) -> Iterator[WindowEvent]:
    """Window by window: who pipes in a little and waits is answered."""
    for window in make_growing_chunks(read_piped_items(job.reading), job.settings.chunk_sentences):
        yield from translate_windows([window], translator)


def translate_windows(windows: Iterable[Sequence[Item]], translator: SentenceTranslator) -> Iterator[WindowEvent]:
    """How far the windows are, and their items in reading order, each sentence with its translation."""
    order = ReadingOrder()
    for outcome in translator.translate(map(order.enter, windows)):
        yield outcome.progress
        yield from order.take(outcome.translations)


def write_event(event: WindowEvent, outputs: RunFolder | None) -> Iterator[Event]:
    """Put the event where it belongs, and tell the user what concerns the user."""
    match event:
        case Progress():
            yield event
        case Translated(located):
            if outputs is None:
                yield event.row
            else:
                outputs.write(event.row, located.space)
        case Begin(document):
            if outputs is not None:
                outputs.begin(document)
        case RecordEnd(_, space):
            if outputs is not None:
                outputs.end_record(space)
        case End(document, space):
            if outputs is not None:
                yield outputs.end(document, space)
        case DocumentFailed(name, error):
            if outputs is not None:
                outputs.fail(name, error.message)
            yield event
