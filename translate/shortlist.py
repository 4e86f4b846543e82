"""The vocabulary's short-list: a table of the target pieces that go with each source piece, and its file."""

from __future__ import annotations

import errno
import hashlib
import os
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from translate.records import Model, ModelError, OutputError

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Shortlist:
    """Candidates of each source piece, and last those of every source, one list behind the other."""

    fingerprint: str
    """Of the model that it was learned from."""
    starts: NDArray[np.int64]
    """[vocabulary + 2]: where each list begins in `tokens`, and the end."""
    tokens: NDArray[np.int32]

    @property
    def digest(self) -> str:
        """What a run's signature says of it."""
        digest = hashlib.sha256(self.fingerprint.encode())
        for array in (self.starts, self.tokens):
            digest.update(array.tobytes())
        return digest.hexdigest()[:12]


def write_shortlist(shortlist: Shortlist, path: Path) -> None:
    """Under another name first: under its own it is whole. Raises OutputError."""
    arrays: dict[str, Any] = {"starts": shortlist.starts, "tokens": shortlist.tokens}
    with _beside(path) as file:
        np.savez_compressed(file, format=np.array(FORMAT), model=np.array(shortlist.fingerprint), **arrays)
        file.flush()
        os.fsync(file.fileno())
        Path(file.name).replace(path)


def check_writable(path: Path) -> None:
    """Raise OutputError where `write_shortlist` would: before the work, not after it."""
    with _beside(path):
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))


@contextmanager
def _beside(path: Path) -> Iterator[IO[bytes]]:
    """A temporary file in the folder of the path, which is gone at the end, or has another name."""
    temporary = path.parent / f".{path.name}.tmp"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            yield file
    except OSError as error:
        hint = "give --output a file that can be written"
        raise OutputError(f"cannot write '{path}': {error.strerror or error}", hint) from error
    finally:
        with suppress(OSError):
            temporary.unlink()


def read_shortlist(path: Path, model: Model) -> Shortlist:
    """The reverse of `write_shortlist`. Raises ModelError for another model's, or what is none."""
    hint = f"make one for this model: translate shortlist TEXT… --model {model.name} --output FILE"
    try:
        with np.load(path, allow_pickle=False) as held:
            found = Shortlist(str(held["model"]), held["starts"].astype(np.int64), held["tokens"].astype(np.int32))
            version = int(held["format"])
    except OSError as error:
        raise ModelError(f"cannot read the short-list '{path}': {error.strerror or error}", hint) from error
    except (ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ModelError(f"'{path}' is no short-list, or is damaged", hint) from error
    if found.fingerprint != model.fingerprint:
        said = f"weights {found.fingerprint[:12]}, not {model.fingerprint[:12]}"
        raise ModelError(f"the short-list '{path}' is of another model than '{model.name}': {said}", hint)
    if version != FORMAT or not _is_sound(found):
        raise ModelError(f"'{path}' is damaged, or a short-list of another version", hint)
    return found


def _is_sound(shortlist: Shortlist) -> bool:
    """Whether every list is within the table, and every token in the vocabulary."""
    starts, tokens, vocabulary = shortlist.starts, shortlist.tokens, len(shortlist.starts) - 2
    whole = starts.ndim == tokens.ndim == 1 and vocabulary > 0 and starts[0] == 0 and starts[-1] == len(tokens)
    return bool(whole and (np.diff(starts) >= 0).all() and ((tokens >= 0) & (tokens < vocabulary)).all())
