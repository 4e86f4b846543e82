"""What a file's or folder's name means: a path on this machine, or one that fsspec reaches (`s3://…`, `gs://…`).

Those others are universal-pathlib's, which have the methods of Path that we use; `is_remote` tells them apart.
"""

from __future__ import annotations

import os
import re
from pathlib import Path, PurePosixPath
from typing import Any, cast

from translate.records import InputError

URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")


def as_path(text: str) -> Path:
    """The path. Raises InputError for a URL that no installed package can read."""
    if not URL.match(text):
        return Path(text)
    try:
        from upath import UPath

        path: Any = UPath(text)
        protocol = path.fs.protocol  # loads the file system's own package
    except ModuleNotFoundError as error:
        hint = "pip install 'translate-batch[remote]'; gs:// needs gcsfs beside it, other stores their own packages"
        raise InputError(f"'{text}' needs the package '{error.name}'", hint) from error
    except Exception as error:  # each file system has errors of its own
        raise InputError(f"cannot use '{text}': {error}", "check the address, and what its store needs") from error
    return Path(path.path) if "file" in protocol or "local" in protocol else cast(Path, path)


def is_remote(path: Path) -> bool:
    """Whether fsspec has to be asked for it."""
    return not isinstance(path, Path)


def absolute_name(path: Path) -> str:
    """What names the path from every folder, the reverse of `as_path`; links are not followed."""
    return str(path) if is_remote(path) else os.path.abspath(path)


def remote_name(path: Path) -> str:
    """A remote path below its store's root, bucket first. Raises InputError if it leads upwards, as no path on a disk may."""
    name = str(cast(Any, path).path).lstrip("/")
    if ".." in PurePosixPath(name).parts:
        raise InputError(f"'{path}' has '..' in it", "rename it: its rows would be written somewhere else")
    return name
