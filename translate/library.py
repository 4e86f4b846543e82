"""The package as a library: what the command does, without files, signals, prints or exit statuses."""

from __future__ import annotations

import io
import json
import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from os import PathLike
from pathlib import Path
from statistics import fmean
from typing import Any

from translate.model.catalog import resolve_model
from translate.protect.glossary import read_glossary
from translate.records import Document, Flag, InputError, OutputError, Row, Settings, format_signature
from translate.run.checks import order_flags
from translate.run.events import DocumentDone, DocumentFailed, End, Event, Item, Summary, Translated
from translate.run.loading import load
from translate.run.memory import Memory
from translate.run.pipeline import run, translate_windows
from translate.run.plan import Job
from translate.run.record import read_run
from translate.run.rows import COLUMNS, rows_path
from translate.run.rows import read_rows as read_file
from translate.run.translator import SentenceTranslator, make_translator
from translate.run.windows import locate_sentences, make_growing_chunks
from translate.storage import as_path

log = logging.getLogger(__name__)

LARGEST_WINDOW = 1024
"""Sentences that are translated together, and so read ahead, at most. The first window is small."""


@dataclass(frozen=True, slots=True)
class TextTranslation:
    """A text and its English."""

    source: str
    target: str
    """The text with each sentence replaced by its translation, and all white space between sentences as it was."""
    score: float | None
    """The mean of its sentences' scores, each the mean log-probability of a token; None if none saw the model."""
    flags: tuple[Flag, ...]
    """The doubts about its sentences, each once."""
    rows: tuple[Row, ...]
    """Its sentences, one by one, with their places in the text; `doc` is the text's number."""


class Translator:
    """A model that is loaded once and translates texts for as long as it is not closed.

    >>> from translate import Translator
    >>> with Translator("tiny-de-en") as translator:
    ...     for text in translator.translate(["Guten Tag.", "Das ist ein Haus. Es ist alt."]):
    ...         print(len(text.rows), text.source, "→", text.target)
    1 Guten Tag. → Good day.
    2 Das ist ein Haus. Es ist alt. → That's a house. It's old.

    `model` is a hub name, a folder or a name of models.txt; None is the first of models.txt that is there. The other words
    are those of the command: `translate --help`. `memory` is a file that keeps every sentence for the next time, and may be
    the memory.sqlite of a run; `glossary` is a file of terms. Raises TranslateError, whose `message` says what is wrong and whose `hint` what to do.
    Not to be used by two threads at once.
    """

    def __init__(
        self,
        model: str | None = None,
        *,
        engine: str = "auto",
        dtype: str = "auto",
        device: str = "auto",
        beams: int | None = None,
        normalize: bool = True,
        target_language: str | None = None,
        glossary: str | PathLike[str] | None = None,
        memory: str | PathLike[str] | None = None,
    ) -> None:
        settings = Settings(
            engine=engine,
            dtype=dtype,
            device=device,
            beams=beams,
            normalize=normalize,
            target_language=target_language,
            glossary=() if glossary is None else read_glossary(Path(glossary)),
        )
        resolution = resolve_model(model, None)
        for refusal in resolution.refusals:
            log.warning("not using %s: %s; using %s", refusal.entry, refusal.reason, resolution.model.name)
        loaded = load(resolution.model, settings, advised=True)
        self.signature = format_signature(loaded.signature)
        """Everything that can change a translation, as run.json has it."""
        self._memory = Memory(Path(memory), self.signature) if memory is not None else None
        self._translator: SentenceTranslator | None = make_translator(loaded, self._memory)

    def translate(self, texts: Iterable[str]) -> Iterator[TextTranslation]:
        """One record a text, in the order of the texts.

        A text is a document: its lines are paragraphs, which are split into sentences, translated, and put together again.
        Texts are read as they are needed: some sentences at first, so that the first translations come soon, and 1024 ahead
        at most, so that there may be more texts than memory holds.

        >>> from translate import Translator
        >>> with Translator("tiny-de-en") as translator:
        ...     [text.target for text in translator.translate(["Wo?\\n\\nHier."])]
        ['Where?\\n\\nHere.']
        """
        if isinstance(texts, str):
            raise TypeError("translate takes several texts, such as a list; for one, give [text]")
        return self._translate(texts)

    def _translate(self, texts: Iterable[str]) -> Iterator[TextTranslation]:
        sources: deque[str] = deque()
        sentences: list[Translated] = []
        for window in make_growing_chunks(_locate(texts, sources), LARGEST_WINDOW):
            if self._translator is None:
                raise ValueError("this translator is closed")
            for event in translate_windows([window], self._translator):
                if isinstance(event, Translated):
                    sentences.append(event)
                elif isinstance(event, End):
                    yield _put_together(sources.popleft(), sentences, event.space)
                    sentences = []

    def close(self) -> None:
        """Let go of model and memory."""
        self._translator = None
        if self._memory is not None:
            self._memory.close()

    def __enter__(self) -> Translator:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _locate(texts: Iterable[str], sources: deque[str]) -> Iterator[Item]:
    """The texts' items, each text as a document; the texts themselves wait in `sources` until they are put together."""
    for number, text in enumerate(texts):
        sources.append(text)
        yield from locate_sentences(Document(str(number), None, "", "", 0), io.StringIO(text, newline=""))


def _put_together(source: str, sentences: Sequence[Translated], space: str) -> TextTranslation:
    rows = tuple(sentence.row for sentence in sentences)
    target = "".join(sentence.located.space + sentence.translation.target for sentence in sentences) + space
    scores = [row.score for row in rows if row.score is not None]
    flags = order_flags([flag for row in rows for flag in row.flags])
    return TextTranslation(source, target, fmean(scores) if scores else None, flags, rows)


@dataclass(frozen=True, slots=True)
class FilesTranslation:
    """What was made of files: the run in numbers, the documents that are done, and those that could not be read."""

    summary: Summary
    done: tuple[DocumentDone, ...]
    failed: tuple[DocumentFailed, ...]


def translate_files(
    files: Iterable[str | PathLike[str]],
    output: str | PathLike[str] = "out",
    *,
    model: str | None = None,
    settings: Settings | None = None,
    text: bool = False,
    memory: bool = True,
    overwrite: bool = False,
    wrapped: bool = False,
    field: str | None = None,
    id: str | None = None,
    on_event: Callable[[Event], None] = lambda _: None,
) -> FilesTranslation:
    """Translate files and folders into rows below `output`, as the command does; the same call again goes on.

    >>> import tempfile
    >>> from pathlib import Path
    >>> from translate import read_rows, translate_files
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "letter.txt").write_text("Guten Tag. Es regnet.", encoding="utf-8")
    >>> result = translate_files([folder / "letter.txt"], folder / "out", model="tiny-de-en")
    >>> result.summary.sentences
    2
    >>> [row.target for row in read_rows(result.done[0].path)]
    ['Good day.', 'It rains.']

    `wrapped`, `field` and `id` are the options of these names. A file that cannot be read does not stop the others: it is in `failed`. `on_event` is told of everything that happens.
    Raises TranslateError for what concerns the whole run: no file at all, the model, the output folder.
    """
    names = tuple(str(file) for file in files)
    if "-" in names:
        raise ValueError("standard input is the command's; give texts to Translator.translate")
    job = Job(
        names,
        as_path(str(output)),
        model,
        settings=settings or Settings(),
        text=text,
        memory=memory,
        overwrite=overwrite,
        wrapped=wrapped,
        field=field,
        id=id,
    )
    events: list[DocumentDone | DocumentFailed | Summary] = []
    for event in run(job):
        on_event(event)
        if isinstance(event, DocumentDone | DocumentFailed | Summary):
            events.append(event)
    return FilesTranslation(
        next(event for event in events if isinstance(event, Summary)),
        tuple(event for event in events if isinstance(event, DocumentDone)),
        tuple(event for event in events if isinstance(event, DocumentFailed)),
    )


def read_rows(path: str | PathLike[str]) -> Iterator[Row]:
    """The rows of a file, or of a run's folder (the one with run.json), document by document in the order of run.json.

    >>> from translate import read_rows
    >>> next(read_rows("no-such-folder"))
    Traceback (most recent call last):
    translate.records.OutputError: no rows in 'no-such-folder'

    Raises OutputError where there are none, or where a line is no row.
    """
    place = as_path(str(path))
    if place.is_file():
        yield from read_file(place)
        return
    record = read_run(place)
    if record is None:
        raise OutputError(
            f"no rows in '{place}'", "give a file of rows, or a folder with run.json, such as out/tiny-de-en"
        )
    for name in record.documents:
        yield from read_file(rows_path(place, name))


def row_features() -> Any:
    """The types of a row's fields for the library datasets: `load_dataset("json", data_files=…, features=row_features())`.

    A whole run needs none: `load_dataset("out/<model>")` finds them in the card beside the rows. Raises InputError if the library
    is not installed.
    """
    try:
        from datasets import Features, List, Value
    except ModuleNotFoundError as error:
        raise InputError(f"row_features needs the package '{error.name}'", "pip install datasets") from error
    kinds = {name: kind.removeprefix("list of ") for name, kind in COLUMNS.items()}
    return Features({name: Value(kind) if kind == COLUMNS[name] else List(Value(kind)) for name, kind in kinds.items()})


def row_schema() -> dict[str, Any]:
    """The JSON Schema of a row, which is in the package as translate/run/row.schema.json.

    >>> from translate import row_schema
    >>> row_schema()["required"]
    ['doc', 'paragraph', 'sentence', 'start', 'end', 'source', 'target', 'score', 'flags']
    """
    text = files("translate.run").joinpath("row.schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema
