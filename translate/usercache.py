"""Where this program keeps what it can make again: converted models, what `translate bench` found out."""

from __future__ import annotations

import os
import sys
from pathlib import Path

PROGRAM = "translate-batch"


def user_cache_folder() -> Path:
    """The user's cache folder for this program; it need not exist yet.

    As the system has it: XDG_CACHE_HOME where set (https://specifications.freedesktop.org/basedir-spec), else
    ~/Library/Caches on macOS, LOCALAPPDATA on Windows, ~/.cache elsewhere.
    """
    if given := os.environ.get("XDG_CACHE_HOME"):
        return Path(given) / PROGRAM
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / PROGRAM
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / PROGRAM / "Cache"
    return Path.home() / ".cache" / PROGRAM
