"""What machine this is, and with what a run was made: processors, graphics, versions of packages. No names, no addresses."""

from __future__ import annotations

import os
import platform
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version

PACKAGES = ("translate-batch", "torch", "transformers", "sentencepiece", "sacremoses", "choppa-srx", "ctranslate2")


def package_versions() -> dict[str, str]:
    """Python's version and those of the packages that a translation goes through."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def describe_machine(device: str) -> dict[str, str | int]:
    """The kind of machine, without its name or address."""
    return {"system": platform.system(), "machine": platform.machine(), "cpus": os.cpu_count() or 1, "device": device}
