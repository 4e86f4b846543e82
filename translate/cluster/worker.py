"""What runs on the nodes of a cluster: documents → sentences, and windows of sentences → translations in the memory.

A window travels as an Arrow table, a row an item (a document's beginning, a sentence, its end), so that the driver can
write the rows of a finished window without having read the document.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
import socket
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import ray
from filelock import FileLock

from translate.cluster.journal import Known, remember
from translate.formats.opening import Reading
from translate.machine import package_versions
from translate.model.folder import CANARY_FILE, SMALL_FILES, fingerprint, weight_file
from translate.records import (
    Document,
    InputError,
    Located,
    Model,
    ModelError,
    Sentence,
    Settings,
    Signature,
    Translation,
)
from translate.run.events import Begin, DocumentFailed, End, Item, RecordEnd
from translate.run.loading import load
from translate.run.memory import Remembered, window_key
from translate.run.translator import make_translator
from translate.run.windows import make_chunks, read_items
from translate.storage import absolute_name, as_path, user_cache_folder, write_folder

BLOCK_ITEMS = 10_000
"""Items in a table that a document's sentences travel in until they are dealt into windows."""

ITEMS = pa.schema(
    [("kind", pa.string()), ("name", pa.string()), ("path", pa.string()), ("encoding", pa.string())]
    + [(column, pa.int64()) for column in ("paragraph", "number", "start", "end")]
    + [("text", pa.string()), ("space", pa.string())]
)


def pack_items(items: Sequence[Item]) -> Any:
    """Items → an Arrow table."""
    return pa.Table.from_pylist([_pack_item(item) for item in items], schema=ITEMS)


def _pack_item(item: Item) -> dict[str, str | int]:
    match item:
        case Located(document, sentence, space):
            place = {"paragraph": sentence.paragraph, "number": sentence.number}
            span = {"start": sentence.start, "end": sentence.end}
            return {"kind": "sentence", "name": document.name, "text": sentence.text, "space": space, **place, **span}
        case DocumentFailed(name, error):
            return {"kind": "failed", "name": name, "text": error.message, "encoding": error.hint}
        case RecordEnd():
            raise ValueError("a dataset's records are translated on one machine")
        case Begin(document):
            return {"kind": "begin", **_pack_document(document)}
        case End(document, space):
            return {"kind": "end", "space": space, **_pack_document(document)}


def _pack_document(document: Document) -> dict[str, str | int]:
    where = {"path": absolute_name(document.path) if document.path else "", "encoding": document.encoding}
    return {"name": document.name, "text": document.sha256, "end": document.size, **where}


def unpack_items(table: Any) -> list[Item]:
    """The reverse of `pack_items`. A sentence's document is known by its name only; the whole is in Begin and End."""
    documents: dict[str, Document] = {}
    return [_unpack_item(row, documents) for row in table.to_pylist()]


def _unpack_item(row: dict[str, Any], documents: dict[str, Document]) -> Item:
    name = row["name"]
    match row["kind"]:
        case "sentence":
            document = documents.setdefault(name, Document(name, None, "", "", 0))
            sentence = Sentence(row["paragraph"], row["number"], row["start"], row["end"], row["text"])
            return Located(document, sentence, row["space"])
        case "failed":
            return DocumentFailed(name, InputError(row["text"], row["encoding"]))
        case kind:
            document = Document(name, as_path(row["path"]), row["encoding"], row["text"], row["end"])
            return Begin(document) if kind == "begin" else End(document, row["space"])


def window_texts(window: Any) -> list[str]:
    """The sentences of a window, in order."""
    texts: list[str] = window.filter(pc.equal(window["kind"], "sentence"))["text"].to_pylist()
    return texts


def window_name(window: Any) -> str:
    """A window's name, the same in every attempt: the place of its first item, which is in no other window."""
    return ":".join(str(window[column][0].as_py()) for column in ("kind", "number", "name"))


def split_documents(documents: Any, *, reading: Reading, versions: Mapping[str, str], journal: Any) -> Iterator[Any]:
    """A table of names and paths → tables of items, in order. Raises ModelError where the node's versions are not the driver's."""
    check_versions(versions, journal)
    paths = {row["name"]: as_path(row["path"]) for row in documents.to_pylist()}
    for items in make_chunks(read_items(paths, reading), BLOCK_ITEMS):
        yield pack_items(items)


class Planning:
    """The stage that one process does, window after window: tells the journal of each before it is translated."""

    def __init__(self, journal: Any) -> None:
        self._journal = journal

    def __call__(self, window: Any) -> Any:
        """The same window, entered."""
        ray.get(self._journal.plan.remote(window_name(window), window_texts(window)))
        return window


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """A model's files in the cluster's object store: `contents` refers to name → bytes, `home` is the driver's node."""

    name: str
    contents: Any
    home: str


def store_model(model: Model) -> ModelFiles:
    """Put the model's files where every node can fetch them."""
    names = [weight_file(model.folder).name, *SMALL_FILES, CANARY_FILE]
    contents = {name: np.fromfile(model.folder / name, np.uint8) for name in names if (model.folder / name).is_file()}
    digest = hashlib.blake2b(digest_size=16)
    for name, data in contents.items():
        digest.update(name.encode() + b"\0" + hashlib.sha256(data.tobytes()).digest())
    # The list keeps Ray from fetching the files wherever the reference goes.
    return ModelFiles(digest.hexdigest(), [ray.put(contents)], ray.get_runtime_context().get_node_id())


def fetch_model(model: Model, files: ModelFiles) -> Path:
    """The model's folder on this node: fetched by the first worker there, and kept in the user's cache."""
    if ray.get_runtime_context().get_node_id() == files.home:
        return model.folder
    folder = user_cache_folder() / "models" / files.name
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_suffix(".lock")):
        if not folder.is_dir():
            hint = "make room there, or set XDG_CACHE_HOME on that node to a folder that can be written"
            with write_folder(folder, hint) as made:
                made.mkdir()
                for name, data in ray.get(files.contents[0]).items():
                    data.tofile(made / name)
    return folder


def node_name() -> str:
    """How a message names this process: its machine, Ray node and process number."""
    node = ray.get_runtime_context().get_node_id()
    return f"worker {os.getpid()} on {socket.gethostname()} (node {node[:8]})"


def check_versions(wanted: Mapping[str, str], journal: Any) -> None:
    """Raise ModelError unless this node has the packages that the driver has."""
    found = package_versions()
    for package in {**wanted, **found}:
        ours, theirs = wanted.get(package, "(none)"), found.get(package, "(none)")
        if ours != theirs:
            hint = "install the same versions on every node"
            refuse(journal, ModelError(f"{node_name()} has {package} {theirs}, not {ours}", hint))


def refuse(journal: Any, error: ModelError) -> None:
    """Tell the journal, if there is one yet; the driver asks it. Raises the error."""
    if journal is not None:
        ray.get(journal.refuse.remote(error.message, error.hint))
    raise error


@dataclass(frozen=True, slots=True)
class Equipment:
    """What a worker needs to be one."""

    model: Model
    settings: Settings
    versions: Mapping[str, str]
    journal: Any
    files: ModelFiles
    signature: Signature | None = None
    """What the first worker reported; None for the first worker itself."""


@dataclass(frozen=True, slots=True)
class Report:
    """What the first worker says of itself: with this all others have to agree."""

    signature: Signature
    engine: str
    device: str
    dtype: str
    batch_tokens: int
    window: int
    """Items a window."""


class Worker:
    """An engine on a node. Raises ModelError where weights or versions are not those of the run."""

    def __init__(self, equipment: Equipment) -> None:
        self._journal = equipment.journal
        self.name = node_name()
        check_versions(equipment.versions, self._journal)
        model = dataclasses.replace(equipment.model, folder=fetch_model(equipment.model, equipment.files))
        self._check("weights", model.fingerprint, fingerprint(model.folder), f"remove '{model.folder}' there")
        self._loaded = load(model, equipment.settings)
        for field, value in (equipment.signature or {}).items():
            found = self._loaded.signature.get(field, "(none)")
            self._check(field, value, found, "give all nodes the same hardware and packages")

    def _check(self, what: str, ours: str, theirs: str, hint: str) -> None:
        if ours != theirs:
            refuse(self._journal, ModelError(f"{node_name()} has {what} '{theirs[:40]}', not '{ours[:40]}'", hint))

    def report(self) -> Report:
        """What this worker is."""
        loaded, engine = self._loaded, self._loaded.engine
        return Report(loaded.signature, engine.name, engine.device, engine.dtype, loaded.batch_tokens, loaded.window)

    def __call__(self, window: Any) -> Any:
        """Translate a window into the memory; the same window, done."""
        name = window_name(window)
        texts = window_texts(window)
        memory = JournalMemory(self._journal, self.name, name, window_key(dict.fromkeys(texts)))
        for outcome in make_translator(self._loaded, memory).translate([texts]):
            self._journal.report.remote(self.name, name, outcome.progress)
        ray.get(self._journal.finish.remote(self.name, name))
        return window


class JournalMemory:
    """The journal as a translator's memory, for one window."""

    def __init__(self, journal: Any, worker: str, window: str, key: int) -> None:
        self._journal, self._worker, self._window, self._key = journal, worker, window, key

    def find(self, sources: Iterable[str]) -> dict[str, Remembered]:
        """Those that somebody has translated or is to translate, without their translations."""
        texts = list(sources)
        known: list[Known] = ray.get(self._journal.begin.remote(self._worker, self._window, texts))
        return remember(dict(zip(texts, known, strict=True)), self._key)

    def add(self, window: int, translations: Sequence[tuple[str, Translation]]) -> None:
        """Kept when this returns."""
        ray.get(self._journal.add.remote(self._worker, window, list(translations)))
