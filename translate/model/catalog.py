"""models.txt → a model on this machine: its folder, revision and fingerprint.

A line of models.txt is a hub name (`owner/name`, optionally `@revision`), a folder, or a bundled name followed by
`bundled`. Lines stand in order of preference; the first that can be had is used unless the user insists on one.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from translate.model.folder import OPTIONAL_FILES, SMALL_FILES, WEIGHT_FILES, fingerprint, read_canary
from translate.records import Model, ModelError

LOG = logging.getLogger(__name__)
HUB_SECONDS = 4.0
"""How long the hub may take to say what it has, once a process: a machine without network is translating soon."""

STALL_SECONDS, STALL_BYTES = 20.0, 20_000
"""A download that brings less in that time stands still."""

HUB_NAME = re.compile(
    r"(?=[^@]{3,96}(?:@|\Z))\w[\w.-]*(?<![.-])/\w[\w.-]*(?<![.-])(?:@(?![./])(?!.*\.\.)[\w./-]{1,200})?", re.ASCII
)
"""As the hub has it: letters, digits, and . _ - within, 96 characters at most. A revision leads to no other folder."""
SHOWN = 80
"""Characters of a name in a message."""
PACKAGE = Path(__file__).parent.parent
BUNDLED = PACKAGE / "model" / "bundled"


class Kind(StrEnum):
    """Where a line of models.txt says that its model is."""

    HUB = "hub"
    FOLDER = "folder"
    BUNDLED = "bundled"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of models.txt."""

    name: str
    kind: Kind
    revision: str | None = None

    def __str__(self) -> str:
        return f"{self.name}@{self.revision}" if self.revision else self.name


@dataclass(frozen=True, slots=True)
class Refusal:
    """An entry that could not be had, and why."""

    entry: Entry
    reason: str


@dataclass(frozen=True, slots=True)
class Resolution:
    """The model to use, and the preferred ones that could not be had."""

    model: Model
    refusals: tuple[Refusal, ...]


class _Unavailable(Exception):
    """A model that cannot be had just now; another one may do."""


def find_models_file(given: Path | None) -> Path:
    """The models.txt that holds: the one given, the working folder's, or the one in the package.

    Raises ModelError if the given one does not exist.
    """
    if given is not None:
        if not given.is_file():
            raise ModelError(
                f"no models file at '{given}'", "give --models-file the path of a text file, one model a line"
            )
        return given
    places = (Path("models.txt"), PACKAGE / "models.txt", PACKAGE.parent / "models.txt")
    return next(place for place in places if place.is_file())


def read_models_file(path: Path) -> list[Entry]:
    """The entries of a models.txt, in order. Raises ModelError that names the line that cannot be understood."""
    entries = []
    for number, line in enumerate(_read_lines(path), 1):
        words = re.sub(r"(^|\s)#.*", "", line).split()
        if not words:
            continue
        if len(words) > 2 or (len(words) == 2 and words[1] != "bundled"):
            hint = "a line is a hub name, a folder, or a bundled name followed by the word bundled; # starts a comment"
            raise ModelError(f"'{path}' line {number}: cannot understand '{line.strip()[:80]}'", hint)
        try:
            entries.append(Entry(words[0], Kind.BUNDLED) if len(words) == 2 else _parse_line(words[0]))
        except ModelError as error:
            raise ModelError(f"'{path}' line {number}: {error.message}", error.hint) from error
    if not entries:
        raise ModelError(f"'{path}' names no model", "write one a line, for example Helsinki-NLP/opus-mt-de-en")
    return entries


def _read_lines(path: Path) -> list[str]:
    """The lines of a file. Raises ModelError that names the one that is not UTF-8."""
    try:
        data = path.read_bytes().removeprefix(b"\xef\xbb\xbf")
    except OSError as error:
        raise ModelError(f"cannot read '{path}': {error}", "models.txt is UTF-8 text, one model a line") from error
    lines = []
    for number, line in enumerate(data.splitlines(), 1):
        try:
            lines.append(line.decode())
        except UnicodeDecodeError as error:
            hint = "models.txt is UTF-8 text, one model a line"
            raise ModelError(f"cannot read '{path}' line {number}: it is not UTF-8 ({error.reason})", hint) from error
    return lines


def _parse_line(name: str) -> Entry:
    """What a line of models.txt means; a path is a folder, whether it is there or not."""
    if name.startswith(("/", "./", "../", "~")) and not is_folder(name):
        return Entry(name, Kind.FOLDER)
    return parse_name(name)


def parse_name(name: str) -> Entry:
    """What a model's name means: a folder that is there, a bundled model, or a name on the hub.

    Raises ModelError if it can be none of them.
    """
    if is_folder(name):
        return Entry(name, Kind.FOLDER)
    if re.fullmatch(r"[\w.-]{1,96}", name) and (BUNDLED / name / "config.json").is_file():
        return Entry(name, Kind.BUNDLED)
    if HUB_NAME.fullmatch(name):
        repository, _, revision = name.partition("@")
        return Entry(repository, Kind.HUB, revision or None)
    hint = "give a folder, a hub name such as Helsinki-NLP/opus-mt-de-en, or a name that `translate models` lists"
    raise ModelError(f"no model '{name[:SHOWN]}'", hint)


def is_folder(name: str) -> bool:
    """Whether there is a folder of that name; False for one that no folder can have."""
    try:
        return bool(name) and Path(name).is_dir()
    except (OSError, ValueError):
        return False


def resolve_model(name: str | None, models_file: Path | None = None) -> Resolution:
    """The model to use: `name` and no other, or the first of models.txt that can be had.

    Raises ModelError if the one insisted on, or all of models.txt, cannot be had.
    """
    path = None if name and models_file is None and is_folder(name) else find_models_file(models_file)
    entries = [_find_entry(name, path)] if name else read_models_file(path) if path else []
    refusals: list[Refusal] = []
    for entry in entries:
        try:
            return Resolution(locate_model(entry), tuple(refusals))
        except _Unavailable as error:
            refusals.append(Refusal(entry, str(error)))
        except ModelError as error:
            if name:
                raise
            refusals.append(Refusal(entry, error.message))
    reasons = "; ".join(f"{refusal.entry}: {refusal.reason}" for refusal in refusals)
    hint = "go online once to fill the hub cache, give --model a folder, or --model tiny-de-en for the bundled model"
    raise ModelError(f"cannot have the model: {reasons}", hint)


def locate_model(entry: Entry) -> Model:
    """The entry's model on this machine, downloaded if need be. Raises _Unavailable or ModelError."""
    revision = None
    if entry.kind is Kind.BUNDLED:
        folder = BUNDLED / entry.name
        if not is_folder(str(folder)):
            raise ModelError(f"no bundled model '{entry.name[:SHOWN]}'", f"bundled are: {', '.join(bundled_names())}")
    elif entry.kind is Kind.FOLDER:
        folder = Path(entry.name)
        if not is_folder(entry.name):
            raise _Unavailable("there is no such folder")
    else:
        folder, revision = _cached_folder(entry) or _download(entry)
    name = folder.resolve().name if entry.kind is Kind.FOLDER else entry.name
    found = fingerprint(folder)
    if entry.kind is Kind.BUNDLED and found != read_canary(folder).fingerprint:
        raise ModelError(f"files of the bundled model '{entry.name}' are damaged", "install the package again")
    return Model(name, folder, revision, found, bundled=entry.kind is Kind.BUNDLED)


def is_present(entry: Entry) -> bool:
    """Whether the model can be used without asking the hub."""
    if entry.kind is Kind.HUB:
        return _cached_folder(entry) is not None
    return (BUNDLED / entry.name if entry.kind is Kind.BUNDLED else Path(entry.name)).is_dir()


def bundled_names() -> list[str]:
    """The models inside the package."""
    return sorted(path.parent.name for path in BUNDLED.glob("*/config.json"))


def _find_entry(name: str, models_file: Path | None) -> Entry:
    """The entry of models.txt that is called `name` in full or by its last part, or what the name itself means."""
    entries = read_models_file(models_file) if models_file else []
    for entry in entries:
        if name in (str(entry), entry.name, entry.name.rsplit("/", 1)[-1]):
            return entry
    return parse_name(name)


def _import_hub() -> Any:
    """The hub's library, told beforehand to send nothing but what is asked for. It reads its settings when imported."""
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")  # how far it is, this module says
    os.environ.setdefault(
        "HF_HUB_DISABLE_XET", "1"
    )  # it collects 64 MB before it writes: no telling whether it stands still
    import huggingface_hub
    import huggingface_hub.errors

    return huggingface_hub


def _cached_folder(entry: Entry) -> tuple[Path, str] | None:
    """The snapshot folder and commit in the hub's cache, if every needed file is there. Asks nobody."""
    huggingface_hub = _import_hub()

    def cached(filename: str) -> Path | None:
        found = huggingface_hub.try_to_load_from_cache(entry.name, filename, revision=entry.revision)
        return Path(found) if isinstance(found, str) else None

    weights = next((path for path in map(cached, WEIGHT_FILES) if path), None)
    needed = [cached(name) for name in SMALL_FILES if name not in OPTIONAL_FILES]
    if weights is None or None in needed:
        return None
    return weights.parent, weights.parent.name


_unreachable: dict[str, str] = {}
"""Hub address → why it cannot be reached; asked once a process."""


def _download(entry: Entry) -> tuple[Path, str]:
    """Fetch the entry's files into the hub's cache. Raises _Unavailable, or ModelError for a model without weights."""
    huggingface_hub = _import_hub()
    endpoint = os.environ.get("HF_ENDPOINT", "https://huggingface.co")
    if huggingface_hub.constants.HF_HUB_OFFLINE:
        raise _Unavailable("not in the hub cache, and HF_HUB_OFFLINE is set")
    if endpoint in _unreachable:
        raise _Unavailable(_unreachable[endpoint])
    LOG.info("asking the hub for %s", entry)
    try:
        info = within(
            HUB_SECONDS,
            lambda: huggingface_hub.HfApi().model_info(
                entry.name, revision=entry.revision, timeout=HUB_SECONDS, files_metadata=True
            ),
        )
    except huggingface_hub.errors.HfHubHTTPError as error:
        status = error.response.status_code if error.response is not None else "an error"
        raise _Unavailable(f"the hub at {endpoint} answered {status}") from error
    except Exception as error:  # what "no connection" is called depends on the HTTP library of the day
        _unreachable[endpoint] = f"not in the hub cache, and {endpoint} cannot be reached ({type(error).__name__})"
        raise _Unavailable(_unreachable[endpoint]) from error
    offered = {sibling.rfilename: sibling.lfs.sha256 if sibling.lfs else None for sibling in info.siblings or []}
    weights = next((name for name in WEIGHT_FILES if name in offered), None)
    if weights is None or info.sha is None:
        raise _Unavailable(f"the hub's repository has neither {' nor '.join(WEIGHT_FILES)}")
    wanted = {name: offered[name] for name in (*SMALL_FILES, weights) if name in offered}
    held = Path(huggingface_hub.constants.HF_HUB_CACHE) / f"models--{entry.name.replace('/', '--')}" / "blobs"

    def count_fetched() -> int:
        fetched = _count_bytes(held)
        LOG.info("fetching %s: %.1f MB", entry, fetched / 1e6)
        return fetched

    try:
        paths = within(
            STALL_SECONDS,
            lambda: [Path(huggingface_hub.hf_hub_download(entry.name, name, revision=info.sha)) for name in wanted],
            progress=count_fetched,
        )
    except Exception as error:
        raise _Unavailable(f"the download broke off ({type(error).__name__}: {str(error)[:120]})") from error
    _check_download(dict(zip(paths, wanted.values(), strict=True)))
    return paths[-1].parent, info.sha


def _check_download(files: Mapping[Path, str | None]) -> None:
    """Raise _Unavailable, and take the file out of the cache, if one is not what the hub says it is (path → sha256)."""
    for path, expected in files.items():
        if expected is None:
            continue
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != expected:
            path.resolve().unlink()
            path.unlink(missing_ok=True)
            raise _Unavailable(f"the hub sent another {path.name} than the one it lists")


def _count_bytes(folder: Path) -> int:
    """How many bytes a folder's files have, those that are being written among them."""
    try:
        return sum(path.stat().st_size for path in folder.iterdir())
    except OSError:  # not there yet, or a file just got its name
        return 0


def within(seconds: float, call: Callable[[], Any], progress: Callable[[], int] = lambda: 0) -> Any:
    """What `call` returns, or TimeoutError after so many seconds in which `progress` has not told of STALL_BYTES more.

    A thread, because a name look-up that hangs heeds no timeout of an HTTP library; it is left behind as a daemon.
    """
    outcome: list[Any] = []

    def run() -> None:
        try:
            outcome.extend((True, call()))
        except Exception as error:
            outcome.extend((False, error))

    thread = threading.Thread(target=run, daemon=True, name="ask the hub")
    thread.start()
    done, since = progress(), time.monotonic()
    while thread.is_alive() and time.monotonic() - since < seconds:
        thread.join(min(seconds, 0.5))
        if abs(progress() - done) >= STALL_BYTES:
            done, since = progress(), time.monotonic()
    if not outcome:
        raise TimeoutError(f"no answer within {seconds:g} s")
    succeeded, value = outcome
    if not succeeded:
        raise value
    return value


def list_models(models_file: Path | None) -> Iterator[tuple[Entry, bool]]:
    """Each entry of models.txt, and whether it is on this machine."""
    for entry in read_models_file(find_models_file(models_file)):
        yield entry, is_present(entry)
