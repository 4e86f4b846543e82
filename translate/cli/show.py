"""`translate segment` and `translate models`: what would be done, before it is done."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from translate.cli.options import Encoding, Files, ModelsFile, Wrapped, check_sources, is_piped
from translate.cli.progress import Activity
from translate.cli.streams import say_error, show
from translate.records import Settings, TranslateError

if TYPE_CHECKING:
    from translate.model.catalog import Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentOptions:
    """What `translate segment` is told, in the order of its help."""

    files: Files
    encoding: Encoding = "utf-8"
    wrapped: Wrapped = False
    as_json: Annotated[bool, typer.Option("--json", help="JSON lines on standard output: what it gives anyway.")] = (
        False
    )


def segment_command(options: SegmentOptions) -> None:
    """Documents → sentences → standard output."""
    check_sources(options.files, options.encoding)
    from translate.formats.opening import Reading, open_text
    from translate.run.plan import find_documents
    from translate.run.rows import format_span
    from translate.text.documents import split_lines, standard_input
    from translate.text.wrapped import join_wrapped, split_joined

    if is_piped(options.files):
        document, paragraphs = standard_input(options.encoding, join_wrapped if options.wrapped else None)
        for sentence in split_joined(paragraphs):
            print(format_span(document.name, sentence))
        return
    paths, failures = find_documents(options.files)
    errors: list[TranslateError] = [failure.error for failure in failures]
    for path in paths.values():
        try:
            document, lines = open_text(path, Reading(options.encoding, options.wrapped))
            for sentence in split_joined(split_lines(lines)):
                print(format_span(document.name, sentence))
        except TranslateError as error:
            errors.append(error)
    for problem in errors:
        say_error(problem)
    if errors:
        raise typer.Exit(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelsOptions:
    """What `translate models` is told, in the order of its help."""

    models_file: ModelsFile = None
    as_json: Annotated[bool, typer.Option("--json", help="One object on standard output.")] = False


def models_command(options: ModelsOptions) -> None:
    """A line a model, in order of preference, and what would be used of the machine; asks no hub."""
    from translate.model.catalog import find_models_file, list_models

    path, entries = find_models_file(options.models_file), list(list_models(options.models_file))
    here = next((entry for entry, present in entries if present), None)
    use = find_use(here) if here else None
    if options.as_json:
        print(format_models(path, entries, use))
        return
    width = max(len(str(entry)) for entry, _ in entries)
    for entry, present in entries:
        show(f"{entry!s:{width}}  {entry.kind:8} {'on this machine' if present else 'not on this machine'}")
    first, is_here = entries[0]
    show("", f"from {path}; the first that can be had is used: {first}")
    if not is_here:
        show(f"if the hub cannot be reached: {here or 'none'}")
    if use is not None:
        show(f"here {use}")


@dataclass(frozen=True, slots=True)
class Use:
    """What a model runs with on this machine where the options leave it open, and why; or the error that it ends with."""

    model: str
    engine: str = ""
    device: str = ""
    dtype: str = ""
    kernels: str = ""
    reason: str = ""
    error: str = ""

    def __str__(self) -> str:
        if self.error:
            return f"{self.model} does not run: {self.error}"
        kernels = f", kernels {self.kernels}" if self.kernels else ""
        reason = f": {self.reason}" if self.reason else ""
        return f"{self.model} runs on {self.device} ({self.engine}, {self.dtype}{kernels}){reason}"


def find_use(entry: Entry) -> Use:
    """What a run would use, found out by loading the model as a run does."""
    from translate.model.catalog import locate_model
    from translate.run.loading import load

    with Activity(f"loading {entry}", quiet=False):
        try:
            loaded = load(locate_model(entry), Settings(), advised=True)
        except TranslateError as error:
            return Use(str(entry), error=error.message)
    engine, kernels = loaded.engine, getattr(loaded.engine, "kernels", "")
    return Use(str(entry), engine.name, engine.device, engine.dtype, kernels, loaded.advice)


def format_models(path: Path, entries: Sequence[tuple[Entry, bool]], use: Use | None) -> str:
    """The same as one line of JSON."""
    models = [
        {"name": entry.name, "revision": entry.revision, "kind": entry.kind, "on_this_machine": present}
        for entry, present in entries
    ]
    fields = {"models_file": str(path), "models": models, "used": use and dataclasses.asdict(use)}
    return json.dumps(fields, ensure_ascii=False)
