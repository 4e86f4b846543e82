"""Which of the installed kernels this machine computes with: chosen by its processor before any is opened.

A library for another processor would end the program where it is opened or first called.
"""

from __future__ import annotations

import ctypes
import logging
import os
import platform
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from translate.engines.base import ForcedError
from translate.engines.native.compiled import Kernels, declare, read_kernels
from translate.engines.native.variants import Variant, variants_for
from translate.machine import processor_flags

log = logging.getLogger(__name__)

BUILT = Path(__file__).with_name("built")
FORCED = "TRANSLATE_KERNELS"
"""The variable that names a variant."""


M_MMAP_THRESHOLD = -3
"""Of glibc's malloc.h."""
LARGE = 1 << 18
"""Bytes."""


def give_back_memory() -> None:
    """Let large blocks go back to the system as soon as they are freed, as those of a model that is being loaded are.

    glibc would keep all but the largest once one as large was freed: a third of what a run takes at its peak.
    """
    with suppress(AttributeError, OSError, TypeError):  # another system, or another library
        ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, LARGE)


@dataclass(frozen=True, slots=True)
class Available:
    """A variant for this kind of machine, and why it cannot be used here (empty if it can)."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Loaded:
    """A variant's library."""

    name: str
    library: ctypes.CDLL

    def family(self, dtype: str) -> str:
        """What of the kernels can change a row of that number type; variants of one family give the same bytes.

        float32 and int8 are the same on every processor. Those that multiply bfloat16 round in their own way.
        """
        kernels: Kernels = read_kernels(self.library)
        if dtype != "bfloat16" or not kernels.bfloat16:
            return "all"
        return "bf16-tiles" if kernels.tiles else "bf16"


def available_kernels() -> list[Available]:
    """The variants for this kind of machine, the fastest first, each with a reason if it cannot be used."""
    return [Available(variant.name, _why_not(variant)) for variant in variants_for(platform.machine())]


def _why_not(variant: Variant) -> str:
    if missing := [name for name in variant.needs if name not in processor_flags()]:
        return f"the processor has no {', '.join(missing)}"
    if not (BUILT / variant.file).is_file():
        return "it is not installed: there was no C compiler, or it failed"
    return ""


def chosen_kernels() -> Loaded | None:
    """The fastest variant that can be used, or the one that TRANSLATE_KERNELS names; None, and a line in the log, without any.

    Raises ForcedError if the named one is unknown or cannot run.
    """
    return _choose(os.environ.get(FORCED, ""))


@cache
def _choose(forced: str) -> Loaded | None:
    available = available_kernels()
    usable = [found.name for found in available if not found.reason]
    if forced:
        reason = next((found.reason for found in available if found.name == forced), "there is no such variant")
        loaded = None if reason else _open(forced)
        if loaded is None:
            hint = f"{FORCED} can be: {', '.join(usable) or 'nothing here'}"
            raise ForcedError(f"the kernels '{forced}' cannot be used: {reason or 'the system refuses them'}", hint)
        return loaded
    for name in usable:
        if (loaded := _open(name)) is not None:
            return loaded
    log.info("%s", _what_is_missing(available))
    return None


def _what_is_missing(available: Sequence[Available]) -> str:
    if not available:
        return f"no kernels: there are none for '{platform.machine()}'"
    return "no kernels: install a C compiler (gcc or clang), then the package again without pip's cache"


def _open(name: str) -> Loaded | None:
    """The library; None, and a line in the log, if it is none of this version's or the system refuses its instructions."""
    try:
        library = declare(ctypes.CDLL(str(BUILT / f"{name}.so")))
    except (OSError, AttributeError) as error:
        log.warning("the kernels '%s' cannot be used: %s", name, error)
        return None
    return Loaded(name, library) if library.may_run() else None
