"""Files → the sentences to measure with, and their references."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from translate.records import InputError
from translate.run.checks import needs_model
from translate.run.plan import find_documents
from translate.text.documents import open_document, read_lines, read_paragraphs
from translate.text.sentences import split_sentences


@dataclass(frozen=True, slots=True)
class Text:
    """The sentences to translate, each with its reference if there are any."""

    sentences: tuple[str, ...]
    references: tuple[str, ...] | None = None


def read_text(files: Sequence[str], references: Sequence[Path], encoding: str) -> Text:
    """The different sentences of the files that a model has to translate; with references, their lines as they are.

    Raises InputError for a file that cannot be read, or if files and references have not the same number of lines.
    """
    paths, failures = find_documents(files)
    if failures:
        raise failures[0].error
    if not references:
        documents = (open_document(path, encoding) for path in paths.values())
        texts = (s.text for document in documents for s in split_sentences(read_paragraphs(document)))
        return Text(tuple(dict.fromkeys(filter(needs_model, texts))))
    sources = [line.text for path in paths.values() for line in read_lines(path, encoding)]
    targets = [line.text for path in references for line in read_lines(path, encoding)]
    if len(sources) != len(targets):
        hint = "give a reference for each file, in the same order, that translates it line by line"
        raise InputError(f"{len(sources)} lines to translate, {len(targets)} lines of reference", hint)
    pairs = [pair for pair in zip(sources, targets, strict=True) if needs_model(pair[0])]
    return Text(tuple(source for source, _ in pairs), tuple(target for _, target in pairs))
