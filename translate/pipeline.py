"""Files → files: composes the stages, as a generator of progress events.

One window of sentences is in memory at a time, whatever the size of the corpus. Rows are written in reading order when
their window is done; a document gets its name when its last row is written. A document that cannot be read does not
stop the others.
"""

from __future__ import annotations

import dataclasses
import os
import platform
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from itertools import islice
from pathlib import Path

from translate import output
from translate.batches import make_chunks
from translate.catalog import resolve_model
from translate.documents import (
    STANDARD_INPUT,
    document_name,
    find_files,
    open_document,
    read_paragraphs,
    standard_input,
)
from translate.engine import Engine, load_engine
from translate.events import Begin, DocumentDone, DocumentFailed, End, Event, Found, Item, Loaded, Step, Tally
from translate.memory import Memory
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
from translate.runfolder import RunFolder, check_no_link, check_places, leave_out_unwritable
from translate.sentences import split_sentences
from translate.tokens import Tokenizer
from translate.translator import Progress, Translator, batch_tokens, check_canary, make_signature, refusals_of

PACKAGES = ("translate-batch", "torch", "transformers", "sentencepiece", "sacremoses", "choppa-srx", "ctranslate2")
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


def run(job: Job, stop: Callable[[], bool] = lambda: False) -> Iterator[Event]:
    """Translate the job's documents. Rows are events for standard input only; those of files go to files.

    Raises TranslateError for what concerns the whole run, Interrupted when `stop` says so.
    """
    piped = job.arguments == (STANDARD_INPUT,)
    paths, failures = ({}, []) if piped else find_documents(job.arguments)
    failures += [DocumentFailed(name, error) for name, error in leave_out_unwritable(paths, text=job.text)]
    if not paths and failures:
        raise failures[0].error
    check_places(job.output, paths, text=job.text)
    yield Found(len(paths), sum(path.stat().st_size for path in paths.values()))
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
    with ExitStack() as stack:
        outputs = None
        if not piped:
            record = _first_record(job, loaded, batch_tokens(engine, job.settings))
            outputs = stack.enter_context(RunFolder(folder, record, overwrite=job.overwrite, text=job.text))
        memory = stack.enter_context(_open_memory(folder, signature)) if job.memory else None
        translator = Translator(engine, tokenizer, job.settings, memory=memory, stop=stop)
        items = _piped_items(job.encoding) if piped else _file_items(paths, job.encoding)
        size = job.settings.chunk_sentences
        chunks = _growing_chunks(items, size) if piped else make_chunks(items, size)
        tally = Tally(loaded, failed=len(failures))
        for chunk in chunks:
            for event in _translate_chunk(chunk, translator):
                tally.count(event)
                yield from _write(event, outputs)
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
    if os.path.abspath(held) != os.path.abspath(
        path
    ):  # not resolved: two names are two documents, whatever they link to
        hint = "translate them one after the other, each with its own --output; or from a working folder above both"
        raise OutputError(f"'{held}' and '{path}' would both be written as '{name}'", hint)


def _file_items(paths: Mapping[str, Path], encoding: str) -> Iterator[Item]:
    for name, path in paths.items():
        try:
            document = open_document(path, encoding)
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


def _write(event: Step, outputs: RunFolder | None) -> Iterator[Event]:
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


def _open_memory(folder: Path, signature: Signature) -> Memory:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        check_no_link(folder / output.MEMORY_FILE)
    except OSError as error:
        hint = "give --output a folder that can be written, or --no-memory"
        raise OutputError(f"cannot write into '{folder}': {error.strerror}", hint) from error
    return Memory(folder / output.MEMORY_FILE, format_signature(signature))


def _first_record(job: Job, loaded: Loaded, tokens: int) -> output.RunRecord:
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


def package_versions() -> dict[str, str]:
    """Python's version and those of the packages that a translation goes through."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def describe_machine(device: str) -> dict[str, str | int]:
    """The kind of machine, without its name or address."""
    return {"system": platform.system(), "machine": platform.machine(), "cpus": os.cpu_count() or 1, "device": device}
