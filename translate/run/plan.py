"""What is to be done: the job, which documents are its own, and where its memory lies."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from translate.formats.opening import Reading
from translate.human.corrections import CORRECTIONS_FILE
from translate.machine import describe_machine, package_versions
from translate.records import (
    InputError,
    Model,
    OutputError,
    Settings,
)
from translate.run.events import DocumentFailed, DocumentsFound, Loaded
from translate.run.folder import check_no_link
from translate.run.record import RunRecord, Shard
from translate.run.rows import rows_path, written_paths
from translate.storage import LONGEST_NAME, absolute_name, is_remote, user_cache_folder
from translate.text.documents import (
    document_name,
    find_files,
)


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
    wrapped: bool = False
    """Whether the lines of texts are broken by width."""
    field: str | None = None
    """The column of datasets that is translated."""
    id: str | None = None
    """The column that tells a dataset's records apart."""

    translation_memory: Path | None = None
    """A TMX file whose exact matches are taken."""
    command: tuple[str, ...] = ()
    """The words that the job was given by, for `translate status`."""

    @property
    def reading(self) -> Reading:
        """How the documents are read."""
        return Reading(self.encoding, self.wrapped, self.field, self.id)


def choose_documents(job: Job) -> tuple[dict[str, Path], list[DocumentFailed]]:
    """Name → path of the documents that are the job's, and the arguments that name none.

    Raises InputError if there is nothing else, OutputError if two documents would be written to one file.
    """
    paths, failures = find_documents(job.arguments, job.output)
    failures += [DocumentFailed(name, error) for name, error in leave_out_unwritable(paths, text=job.text)]
    if not paths and failures:
        raise failures[0].error
    check_places(job.output, paths, text=job.text)
    return (job.shard.choose(paths) if job.shard else paths), failures


def describe_documents(paths: Mapping[str, Path]) -> DocumentsFound:
    """How many there are, and how large they are together."""
    return DocumentsFound(len(paths), sum(path.stat().st_size for path in paths.values()))


def find_documents(
    arguments: Iterable[str], output: Path | None = None
) -> tuple[dict[str, Path], list[DocumentFailed]]:
    """Document name → path, each file once, in order; and the arguments that name none. Nothing below `output` is found.

    Two files outside the working folder may have one name: then both are there, and `check_places` refuses them.
    """
    found: dict[str, Path] = {}
    failures = []
    for argument in arguments:
        try:
            paths = find_files(argument, output)
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


def check_places(folder: Path, names: Mapping[str, Path], *, text: bool = False) -> None:
    """Raise OutputError if two of the documents (name → input) would be written to one file, or one's file would have to
    be another's folder.
    """
    taken: dict[Path, str] = {}
    for name in names:
        for place in written_paths(folder, name, text=text):
            if taken.get(place, name) != name:
                raise _collision(taken[place], name, f"would both be written to '{place}'")
            taken[place] = name
    for name in names:
        for parent in rows_path(folder, name).parents:
            if parent in taken:
                raise _collision(taken[parent], name, f"would need '{parent}' as a file and as a folder")


def _collision(first: str, second: str, what: str) -> OutputError:
    hint = "translate them one after the other, each with its own --output; or rename one"
    return OutputError(f"'{first}' and '{second}' {what}", hint)


def leave_out_unwritable(names: dict[str, Path], *, text: bool) -> Iterator[tuple[str, InputError]]:
    """Take the documents out whose files no file system could name, and tell which and why."""
    for name in list(names):
        place = max(written_paths(Path(), name, text=text), key=lambda place: len(os.fsencode(place.name)))
        size = len(os.fsencode(place.name))
        if size > LONGEST_NAME:
            del names[name]
            ending = ".en.txt" if text else ".jsonl"
            hint = f"a file name may have {LONGEST_NAME} bytes, the ending {ending} included: rename the input"
            yield name, InputError(f"'{place.name}' would be a name of {size} bytes", hint)


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


def corrections_path(output: Path) -> Path:
    """The file of people's corrections for all models below `output`; for an object store, which cannot hold it, in the cache."""
    if is_remote(output):
        name = hashlib.blake2b(absolute_name(output).encode(), digest_size=8).hexdigest()
        return user_cache_folder() / "runs" / name / CORRECTIONS_FILE
    return output / CORRECTIONS_FILE


def first_record(job: Job, loaded: Loaded, tokens: int, planned: Iterable[str] = ()) -> RunRecord:
    """run.json as it stands when the run begins, with the names of the documents that are to be made."""
    model = loaded.model
    return RunRecord(
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
            "glossary": len(job.settings.glossary),
            "recommendation": loaded.advice or None,
            "encoding": job.encoding,
            "wrapped": job.wrapped,
            "field": job.field,
            "id": job.id,
            "memory": job.memory,
        },
        versions=package_versions(),
        machine=describe_machine(loaded.device),
        kernels=loaded.kernels,
        command=job.command,
        planned=tuple(planned),
    )
