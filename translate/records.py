"""The records that travel between the stages, and the errors that any of them may raise.

A text flows: Document → Paragraph → Sentence → Located → (batch of) Request → Hypothesis → Translation → Row.
Nothing here knows files, models or JSON.

TranslateError              one sentence that quotes the bad value, one hint that says what to do
├── InputError              a document that cannot be read as text
├── OutputError             a place that cannot be written, or holds something else
├── ModelError              a model that cannot be had or cannot be trusted
└── EngineError             an engine that is unknown, not installed, or gave nonsense
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class TranslateError(Exception):
    """A problem that the user can do something about: `message` says what, `hint` what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class InputError(TranslateError):
    """A document that cannot be read as text."""


class OutputError(TranslateError):
    """A place that cannot be written, or that holds something else."""


class ModelError(TranslateError):
    """A model that cannot be had, or cannot be trusted."""


class EngineError(TranslateError):
    """An engine that is unknown, not installed, or gave nonsense."""


class Flag(StrEnum):
    """A doubt about one row, or a note on how it was made, with what it means. The list is closed."""

    meaning: str

    def __new__(cls, name: str, meaning: str = "") -> Flag:
        """A member is written with its meaning, and found by its name alone."""
        flag = str.__new__(cls, name)
        flag._value_ = name
        flag.meaning = meaning
        return flag

    PASSTHROUGH = "passthrough", "no word in it (number, punctuation, URL, list mark): copied as it is"
    SPLIT = "split", "translated in parts, cut at clause ends, and joined: over 200 tokens, or over 48 in a second try"
    LOOP = "loop", "the target repeats itself where the source does not"
    ECHO = "echo", "the target is the German source again"
    LENGTH_RATIO = "length-ratio", "the target is far too short or too long for its source"
    OMISSION = "omission", "the target is so short for its source that a clause seems to be left out"
    NUMBER_MISMATCH = "number-mismatch", "a number, date, clock time or amount is not the same on both sides"
    NEGATION = "negation", "a plain negation is on one side only"
    PROTECTED_LOST = (
        "protected-lost",
        "an address, placeholder, tag or code of the source is not in the target as it is",
    )
    TERM_MISSING = "term-missing", "a term of the glossary is in the source, its English not in the target"
    UNKNOWN_TOKEN = "unknown-token", "characters that the model's vocabulary does not have"
    MAX_LENGTH = "max-length", "decoding was stopped at the row's limit, 3 × its source + 32 tokens"
    EMPTY = "empty", "the model gave nothing"
    RETRIED = "retried", "translated a second time with safer decoding; the row holds the better of both"


class Origin(StrEnum):
    """Where a translation is from that no model made."""

    HUMAN = "human"
    """A person's correction, given to `translate corrections`."""
    TRANSLATION_MEMORY = "translation-memory"
    """An exact match in the file given with `--translation-memory`."""


@dataclass(frozen=True, slots=True)
class Document:
    """One input text. `name` is the `doc` of its rows; `path` is None for standard input."""

    name: str
    path: Path | None
    encoding: str
    sha256: str
    size: int
    """Bytes."""


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A non-empty line: `text` without its line ending, `start` in code points from the document's start."""

    number: int
    start: int
    text: str


@dataclass(frozen=True, slots=True)
class Sentence:
    """A span of a document: `document_text[start:end] == text`, in code points; no white space at its ends."""

    paragraph: int
    number: int
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Located:
    """A sentence in its document; `space` is the white space between it and the sentence before it."""

    document: Document
    sentence: Sentence
    space: str = ""
    id: str | int | None = None
    """Of the dataset's record that it stands in."""


@dataclass(frozen=True, slots=True)
class Request:
    """What an engine is asked: source token ids, the end-of-sentence id included.

    `safer` asks for decoding that cannot loop (no repeated n-grams, more beams), for a second try.
    """

    number: int
    source: tuple[int, ...]
    safer: bool = False


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """What an engine answers: target token ids without start and end, and their mean log-probability.

    `score` counts the end-of-sentence token; `complete` is False where decoding ran out of positions.
    """

    number: int
    target: tuple[int, ...]
    score: float
    complete: bool = True


@dataclass(frozen=True, slots=True)
class Translation:
    """A source sentence's English, with its score (None if it never saw the model), flags, and origin if that is no model."""

    target: str
    score: float | None
    flags: tuple[Flag, ...] = ()
    origin: Origin | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One line of an output file: a sentence, where it stands, and its translation."""

    doc: str
    """Name of the document: its path below the working folder, or the bare file name for one outside it."""
    paragraph: int
    """Number of the non-empty line, from 0."""
    sentence: int
    """Number of the sentence in the document, from 0."""
    start: int
    """Where the sentence begins in the decoded document, in code points."""
    end: int
    """Where it ends: `text[start:end] == source`."""
    source: str
    """The German sentence as it stands in the document."""
    target: str
    """The English sentence."""
    score: float | None
    """Mean log-probability of the target's tokens under the model; null for a row that never saw the model."""
    flags: tuple[Flag, ...] = ()
    """Doubts and notes, from the list below; mostly empty."""
    origin: Origin | None = None
    """`human` for a person's correction, `translation-memory` for an exact match there; not written where a model translated."""
    id: str | int | None = None
    """Of the dataset's record that it stands in: `--id`, or the record's number from 0. Only in rows of datasets."""


@dataclass(frozen=True, slots=True)
class Model:
    """A model that is on this machine: a folder in transformers' Marian format.

    `fingerprint` is the sha256 over every file that can change a row: weights, vocabulary, SentencePiece models and
    configurations. `revision` is the hub's commit, if it came from there.
    """

    name: str
    folder: Path
    revision: str | None
    fingerprint: str
    bundled: bool = False

    @property
    def short_name(self) -> str:
        """The last part of the name: the folder under `--output`."""
        return self.name.rstrip("/").rsplit("/", 1)[-1]


@dataclass(frozen=True, slots=True)
class Term:
    """An entry of a glossary: how a German term is to be called in English."""

    german: str
    """In its base form; one word or several."""
    english: str
    """In the singular, if it has one."""
    keep: bool = False
    """Whether the English is written as it stands here: never in the plural, never with another capital."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How to translate. None means: as the model's generation_config or the hardware says."""

    engine: str = "auto"
    """As `--engine` says."""
    device: str = "auto"
    """As `--device` says."""
    dtype: str = "auto"
    """As `--dtype` says."""
    beams: int | None = None
    """As `--beams` says; null is the model's own number."""
    length_penalty: float | None = None
    """As `--length-penalty` says; null is the model's own."""
    batch_size: int | None = None
    """Sentences a batch; takes the place of the token budget."""
    batch_tokens: int | None = None
    """Padded source tokens a batch."""
    normalize: bool = True
    """Whether punctuation is normalised for models that were trained on normalised text."""
    comfortable_tokens: int = 200
    """Source tokens; a longer sentence is split at a clause end."""
    chunk_sentences: int = 1_000
    """Sentences in the window that is sorted by length."""
    target_language: str | None = None
    """As `--target-language` says; null is English."""
    glossary: tuple[Term, ...] = ()
    """The terms of `--glossary`."""


Signature = Mapping[str, str]
"""Everything that can change an output, field → value, in writing order."""


def format_signature(signature: Signature) -> str:
    """`model:opus-mt-de-en|dtype:float32|…`, as sacreBLEU prints its own."""
    return "|".join(f"{key}:{value}" for key, value in signature.items())


def parse_signature(text: str) -> Signature:
    """The reverse of `format_signature`."""
    return dict(field.split(":", 1) for field in text.split("|") if ":" in field)
