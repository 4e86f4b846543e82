"""Files → files: composes the stages, as a generator of progress events.

One window of sentences is in memory at a time, whatever the size of the corpus. Rows are written in reading order when
their window is done; a document gets its name when its last row is written. A document that cannot be read does not
stop the others.
"""

from __future__ import annotations

import dataclasses
import hashlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from translate import output
from translate.batches import make_chunks
from translate.destinations import check_no_link, check_places, leave_out_unwritable
from translate.engines.base import Engine, load_engine
from translate.events import Begin, DocumentDone, DocumentFailed, End, Event, Found, Item, Loaded, Step, Tally
from translate.machine import describe_machine, package_versions
from translate.memory import Memory
from translate.model.catalog import resolve_model
from translate.model.tokenizer import Tokenizer
from translate.output import rows_path
from translate.recommendations import advise
from translate.records import (
    InputError,
    Model,
    OutputError,
    Row,
    Settings,
    Signature,
    Translation,
    format_signature,
)
from translate.runfolder import RunFolder
from translate.shards import Shard
from translate.storage import absolute_name, is_remote, user_cache_folder
from translate.text.documents import (
    STANDARD_INPUT,
    document_name,
    find_files,
    open_document,
    read_paragraphs,
    standard_input,
)
from translate.text.sentences import split_sentences
from translate.translator import Progress, Translator, batch_tokens, check_canary, make_signature, refusals_of

FIRST_PIPED_WINDOW = 16
"""Sentences. From standard input windows begin small and double, so that the first rows come soon."""


@dataclass(frozen=True, slots=True)
class Job:
    """What to translate, with what, and where to."""

    arguments: tuple[str, ...]
    output: Path = Path("out")
    model: str | None = None
    models_file: Path | None = None
    settings: Settings = field(default_factory=Settings)
    encoding: str = "utf-8"
    text: bool = False
    memory: bool = True
    overwrite: bool = False
    shard: Shard | None = None
    """Only this part of the documents."""
    memory_folder: Path | None = None
    """Where memory and lock are, if not with the rows."""


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
        engine, settings, advice = _load_advised(resolution.model, job.settings)
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


def _load_advised(model: Model, settings: Settings) -> tuple[Engine, Settings, str]:
    """The engine, the settings as `translate bench` recommends them if it was run for such a run, and how it put it."""
    advice = advise(model, settings)
    if advice is not None:
        engine = load_engine(model, advice.settings)
        if (engine.dtype, engine.device) == (advice.dtype, advice.device):
            return engine, advice.settings, advice.reason
    return load_engine(model, settings), settings, ""


def choose_documents(job: Job) -> tuple[dict[str, Path], list[DocumentFailed]]:
    """Name → path of the documents that are the job's, and the arguments that name none.

    Raises InputError if there is nothing else, OutputError if two documents would be written to one file.
    """
    paths, failures = find_documents(job.arguments)
    failures += [DocumentFailed(name, error) for name, error in leave_out_unwritable(paths, text=job.text)]
    if not paths and failures:
        raise failures[0].error
    check_places(job.output, paths, text=job.text)
    return (job.shard.choose(paths) if job.shard else paths), failures


def describe_documents(paths: Mapping[str, Path]) -> Found:
    """How many there are, and how large they are together."""
    return Found(len(paths), sum(path.stat().st_size for path in paths.values()))


def find_documents(arguments: Iterable[str]) -> tuple[dict[str, Path], list[DocumentFailed]]:
    """Document name → path, each file once, in order; and the arguments that name none.

    Two files outside the working folder may have one name: then both are there, and `check_places` refuses them.
    """
    found: dict[str, Path] = {}
    failures = []
    for argument in arguments:
        try:
            paths = find_files(argument)
        except InputError as error:
            failures.append(DocumentFailed(argument, error))
            continue
        for path in paths:
            try:
                _add_document(found, path)
            except InputError as error:  # of a folder's files the others are there
                failures.append(DocumentFailed(str(path), error))
    return found, failures


def _add_document(found: dict[str, Path], path: Path) -> None:
    name = document_name(path)
    held = found.setdefault(name, path)
    if absolute_name(held) != absolute_name(path):  # not resolved: two names are two documents, whatever they link to
        hint = "translate them one after the other, each with its own --output; or from a working folder above both"
        raise OutputError(f"'{held}' and '{path}' would both be written as '{name}'", hint)


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


def _translate_chunk(chunk: Sequence[Item], translator: Translator) -> Iterator[Step]:
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


def write_event(event: Step, outputs: RunFolder | None) -> Iterator[Event]:
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


def kept_folder(job: Job, model: Model) -> Path:
    """Where memory and lock are: with the rows, unless these go to an object store, which can hold neither."""
    if job.memory_folder is not None:
        return job.memory_folder / model.short_name
    if is_remote(job.output):
        name = hashlib.blake2b(absolute_name(job.output).encode(), digest_size=8).hexdigest()
        return user_cache_folder() / "runs" / name / model.short_name
    return job.output / model.short_name


def memory_path(job: Job, folder: Path) -> Path:
    """The file of the job's memory, or of its shard's own; its folder is there. Raises OutputError."""
    path = folder / f"memory{job.shard.suffix if job.shard else ''}.sqlite"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        check_no_link(path)
    except OSError as error:
        hint = "give --output a folder that can be written, or --no-memory"
        raise OutputError(f"cannot write into '{folder}': {error.strerror}", hint) from error
    return path


def first_record(job: Job, loaded: Loaded, tokens: int) -> output.RunRecord:
    """run.json as it stands when the run begins."""
    model = loaded.model
    return output.RunRecord(
        signature=loaded.signature,
        model={
            "name": model.name,
            "revision": model.revision,
            "fingerprint": model.fingerprint,
            "bundled": model.bundled,
            "preferred": [{"model": str(refusal.entry), "reason": refusal.reason} for refusal in loaded.refusals],
        },
        settings={
            **dataclasses.asdict(job.settings),
            "batch_tokens": tokens,
            "recommendation": loaded.advice or None,
            "encoding": job.encoding,
            "memory": job.memory,
        },
        versions=package_versions(),
        machine=describe_machine(loaded.device),
    )
