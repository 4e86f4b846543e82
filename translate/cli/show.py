"""`translate segment` and `translate models`: what would be done, before it is done; and options that commands share."""

from __future__ import annotations

import sys

import typer

from translate.cli.options import Encoding, Files, ModelsFile, check_option
from translate.cli.progress import say_error
from translate.records import TranslateError
from translate.text.documents import check_encoding


def segment_command(files: Files, encoding: Encoding = "utf-8") -> None:
    """Documents → sentences → standard output."""
    check_option(encoding, check_encoding, "--encoding")
    from translate.run.plan import find_documents
    from translate.run.rows import format_span
    from translate.text.documents import STANDARD_INPUT, open_document, read_paragraphs, standard_input
    from translate.text.sentences import split_sentences

    sys.stdout.reconfigure(encoding="utf-8", newline="\n")  # type: ignore[union-attr]
    if files == [STANDARD_INPUT]:
        document, paragraphs = standard_input(encoding)
        for sentence in split_sentences(paragraphs):
            print(format_span(document.name, sentence))
        return
    paths, failures = find_documents(files)
    errors: list[TranslateError] = [failure.error for failure in failures]
    for path in paths.values():
        try:
            document = open_document(path, encoding)
            for sentence in split_sentences(read_paragraphs(document)):
                print(format_span(document.name, sentence))
        except TranslateError as error:
            errors.append(error)
    for problem in errors:
        say_error(problem)
    if errors:
        raise typer.Exit(1)


def models_command(models_file: ModelsFile = None) -> None:
    """A line a model, in order of preference; asks no hub."""
    from translate.model.catalog import find_models_file, list_models

    entries = list(list_models(models_file))
    width = max(len(str(entry)) for entry, _ in entries)
    for entry, present in entries:
        print(f"{entry!s:{width}}  {entry.kind:8} {'on this machine' if present else 'not on this machine'}")
    first, here = entries[0], next((entry for entry, present in entries if present), None)
    print(f"\nfrom {find_models_file(models_file)}; the first that can be had is used: {first[0]}", end="")
    print("" if first[1] else f"\nif the hub cannot be reached: {here or 'none'}")
