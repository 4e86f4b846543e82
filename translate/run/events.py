"""What a run tells while it runs, and what it has counted when it ends."""

from __future__ import annotations

import operator
import time
from collections import Counter
from dataclasses import astuple, dataclass
from pathlib import Path

from translate.model.catalog import Refusal
from translate.records import (
    Document,
    Flag,
    InputError,
    Located,
    Model,
    Origin,
    Row,
    Signature,
    Translation,
    format_signature,
)
from translate.run.rows import count_flags, count_origins


@dataclass(frozen=True, slots=True)
class DocumentsFound:
    """The files are known: so many documents, so many bytes."""

    documents: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Loaded:
    """The engine is ready."""

    model: Model
    refusals: tuple[Refusal, ...]
    engine: str
    device: str
    dtype: str
    signature: Signature
    seconds: float
    advice: str = ""
    """What of the settings `translate bench` has recommended, in its words, or why the engine is not native."""
    kernels: str = ""
    """The variant of the kernels that computes, for an engine that has some."""


@dataclass(frozen=True, slots=True)
class DocumentDone:
    """A document's file has its name."""

    name: str
    path: Path | None
    rows: int


@dataclass(frozen=True, slots=True)
class DocumentFailed:
    """A document could not be read; there is no file for it."""

    name: str
    error: InputError


@dataclass(frozen=True, slots=True)
class Summary:
    """The run in numbers. Rates are over `seconds`, which is all but loading, and of what was translated in them."""

    documents: int
    failed: int
    sentences: int
    from_memory: int
    from_people: dict[str, int]
    """`human` and `translation-memory` → sentences; they are not counted under `from_memory`."""
    flags: dict[str, int]
    words: int
    seconds: float
    load_seconds: float
    sentences_per_second: float
    source_tokens_per_second: float
    target_tokens_per_second: float
    model: str
    engine: str
    dtype: str
    signature: str


@dataclass(frozen=True, slots=True)
class Progress:
    """So much has been done since the last one. A sentence that occurs twice is translated once and counts twice."""

    sentences: int = 0
    characters: int = 0
    from_memory: int = 0
    source_tokens: int = 0
    target_tokens: int = 0

    def __add__(self, other: Progress) -> Progress:
        return Progress(*map(operator.add, astuple(self), astuple(other)))

    def __sub__(self, other: Progress) -> Progress:
        return Progress(*map(operator.sub, astuple(self), astuple(other)))


@dataclass(frozen=True, slots=True)
class Begin:
    """A document's first sentence comes next."""

    document: Document


@dataclass(frozen=True, slots=True)
class End:
    """The document's last sentence has been; `space` is the white space behind it."""

    document: Document
    space: str = ""


@dataclass(frozen=True, slots=True)
class RecordEnd:
    """The last sentence of a dataset's record has been, if it has any; `space` is the white space behind it."""

    document: Document
    space: str = ""


Item = Begin | Located | RecordEnd | End | DocumentFailed
"""What flows into the windows: a document's beginning, its sentences, its end; or that it failed."""


@dataclass(frozen=True, slots=True)
class Translated:
    """A sentence in its document, with its translation."""

    located: Located
    translation: Translation

    @property
    def row(self) -> Row:
        """What is written of it."""
        sentence = self.located.sentence
        return Row(
            doc=self.located.document.name,
            paragraph=sentence.paragraph,
            sentence=sentence.number,
            start=sentence.start,
            end=sentence.end,
            source=sentence.text,
            target=self.translation.target,
            score=self.translation.score,
            flags=self.translation.flags,
            id=self.located.id,
            origin=self.translation.origin,
        )


WindowEvent = Progress | Begin | Translated | RecordEnd | End | DocumentFailed
"""What comes out of the windows: how far they are, and their items in reading order, the sentences translated."""


Event = DocumentsFound | Loaded | Progress | Row | DocumentDone | DocumentFailed | Summary


class Tally:
    """Counts what happens, for the summary."""

    def __init__(self, loaded: Loaded, *, failed: int) -> None:
        self._loaded, self._failed = loaded, failed
        self._started = time.perf_counter()
        self._flags: Counter[Flag] = Counter()
        self._origins: Counter[Origin] = Counter()
        self._documents = self._rows = self._words = 0
        self._from_memory = self._source_tokens = self._target_tokens = 0

    def count(self, event: WindowEvent) -> None:
        """Add the event to what it concerns."""
        match event:
            case Progress():
                self._from_memory += event.from_memory
                self._source_tokens += event.source_tokens
                self._target_tokens += event.target_tokens
            case Translated(located, translation):
                self._rows += 1
                self._words += len(located.sentence.text.split())
                self._flags.update(translation.flags)
                self._origins.update([translation.origin] if translation.origin is not None else [])
            case End():
                self._documents += 1
            case DocumentFailed():
                self._failed += 1

    def timings(self) -> dict[str, float]:
        """Seconds of translating (all but loading) and of loading."""
        return {
            "seconds": round(time.perf_counter() - self._started, 3),
            "load_seconds": round(self._loaded.seconds, 3),
        }

    def summarize(self) -> Summary:
        """The run in numbers, as of now."""
        timings = self.timings()
        seconds = max(timings["seconds"], 1e-3)
        return Summary(
            documents=self._documents,
            failed=self._failed,
            sentences=self._rows,
            from_memory=self._from_memory,
            from_people=count_origins(self._origins),
            flags=count_flags(self._flags),
            words=self._words,
            sentences_per_second=round(
                max(0, self._rows - self._from_memory - sum(self._origins.values())) / seconds, 2
            ),
            source_tokens_per_second=round(self._source_tokens / seconds, 1),
            target_tokens_per_second=round(self._target_tokens / seconds, 1),
            model=self._loaded.model.name,
            engine=self._loaded.engine,
            dtype=self._loaded.dtype,
            signature=format_signature(self._loaded.signature),
            **timings,
        )
