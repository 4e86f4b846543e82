"""Files → files: composes the stages, as a generator of progress events.

One window of sentences is in memory at a time, whatever the size of the corpus. Rows are written in reading order when
their window is done; a document gets its name when its last row is written. A document that cannot be read does not
stop the others.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path

from translate.engines.base import refusals_of
from translate.model.catalog import resolve_model
from translate.model.tokenizer import Tokenizer
from translate.records import (
    InputError,
    Row,
    Signature,
    Translation,
    format_signature,
)
from translate.run.batches import make_chunks
from translate.run.events import Begin, DocumentDone, DocumentFailed, End, Event, Item, Loaded, Tally, WindowEvent
from translate.run.folder import RunFolder
from translate.run.loading import batch_tokens, check_canary, load_advised, make_signature
from translate.run.memory import Memory
from translate.run.plan import Job, choose_documents, describe_documents, first_record, kept_folder, memory_path
from translate.run.rows import rows_path
from translate.run.translator import Progress, Translator
from translate.text.documents import (
    STANDARD_INPUT,
    open_document,
    read_paragraphs,
    standard_input,
)
from translate.text.sentences import split_sentences

FIRST_PIPED_WINDOW = 16
"""Sentences. From standard input windows begin small and double, so that the first rows come soon."""


def run(job: Job, stop: Callable[[], bool] = lambda: False) -> Iterator[Event]:
    """Translate the job's documents. Rows are events for standard input only; those of files go to files.

    Raises TranslateError for what concerns the whole run, Interrupted when `stop` says so.
    """
    piped = job.arguments == (STANDARD_INPUT,)
    paths, failures = ({}, []) if piped else choose_documents(job)
    yield describe_documents(paths)
    started = time.perf_counter()
    resolution = resolve_model(job.model, job.models_file)
    tokenizer = Tokenizer(resolution.model, normalize=job.settings.normalize)
    with refusals_of(resolution.model):
        engine, settings, advice = load_advised(resolution.model, job.settings)
    job = dataclasses.replace(job, settings=settings)
    check_canary(resolution.model, engine, tokenizer)
    signature = make_signature(resolution.model, engine, tokenizer, job.settings)
    loaded = Loaded(
        resolution.model,
        resolution.refusals,
        engine.name,
        engine.device,
        engine.dtype,
        signature,
        time.perf_counter() - started,
        advice,
        getattr(engine, "kernels", ""),
    )
    yield loaded
    yield from failures
    folder = job.output / resolution.model.short_name
    kept = kept_folder(job, resolution.model)
    with ExitStack() as stack:
        outputs = None
        if not piped:
            record = first_record(job, loaded, batch_tokens(engine, job.settings))
            outputs = stack.enter_context(
                RunFolder(folder, record, kept, overwrite=job.overwrite, text=job.text, shard=job.shard)
            )
        memory = stack.enter_context(_open_memory(job, kept, signature)) if job.memory else None
        translator = Translator(engine, tokenizer, job.settings, memory=memory, stop=stop)
        items = _piped_items(job.encoding) if piped else read_items(paths, job.encoding)
        size = job.settings.chunk_sentences
        chunks = _growing_chunks(items, size) if piped else make_chunks(items, size)
        tally = Tally(loaded, failed=len(failures))
        for chunk in chunks:
            for event in _translate_chunk(chunk, translator):
                tally.count(event)
                yield from write_event(event, outputs)
        if outputs is not None:
            outputs.finish(tally.timings())
    yield tally.summarize()


def read_items(paths: Mapping[str, Path], encoding: str) -> Iterator[Item]:
    """The documents (name → path), one after the other; one that cannot be read is an item too."""
    for name, path in paths.items():
        try:
            document = open_document(path, encoding, name)
            yield Begin(document)
            for sentence in split_sentences(read_paragraphs(document)):
                yield document, sentence
        except (InputError, OSError) as error:
            reason = (
                error
                if isinstance(error, InputError)
                else InputError(f"cannot read '{name}': {error}", "check the disk")
            )
            yield DocumentFailed(name, reason)
        else:
            yield End(document)


def _piped_items(encoding: str) -> Iterator[Item]:
    document, paragraphs = standard_input(encoding)
    yield Begin(document)
    for sentence in split_sentences(paragraphs):
        yield document, sentence
    yield End(document)


def _growing_chunks(items: Iterable[Item], largest: int) -> Iterator[list[Item]]:
    iterator, size = iter(items), min(FIRST_PIPED_WINDOW, largest)
    while chunk := list(islice(iterator, size)):
        yield chunk
        size = min(2 * size, largest)


def _translate_chunk(chunk: Sequence[Item], translator: Translator) -> Iterator[WindowEvent]:
    """The chunk's progress, then its items again, each sentence as a row."""
    results: dict[str, Translation] = {}
    yield from translator.translate([item[1].text for item in chunk if isinstance(item, tuple)], results)
    yield from make_rows(chunk, results)


def make_rows(
    chunk: Iterable[Item], results: Mapping[str, Translation]
) -> Iterator[Row | Begin | End | DocumentFailed]:
    """The chunk's items, each sentence as a row with its translation."""
    for item in chunk:
        if isinstance(item, tuple):
            document, sentence = item
            translation = results[sentence.text]
            yield Row(
                doc=document.name,
                paragraph=sentence.paragraph,
                sentence=sentence.number,
                start=sentence.start,
                end=sentence.end,
                source=sentence.text,
                target=translation.target,
                score=translation.score,
                flags=translation.flags,
            )
        else:
            yield item


def write_event(event: WindowEvent, outputs: RunFolder | None) -> Iterator[Event]:
    """Put the event where it belongs, and tell the user what concerns the user."""
    match event:
        case Progress():
            yield event
        case Row():
            if outputs is None:
                yield event
            else:
                outputs.write(event)
        case Begin(document):
            if outputs is not None:
                outputs.begin(document)
        case End(document):
            if outputs is not None:
                yield DocumentDone(document.name, rows_path(outputs.folder, document.name), outputs.end(document))
        case DocumentFailed():
            if outputs is not None:
                outputs.discard()
            yield event


def _open_memory(job: Job, folder: Path, signature: Signature) -> Memory:
    return Memory(memory_path(job, folder), format_signature(signature), alone=job.shard is not None)
