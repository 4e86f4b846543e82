"""What machine this is, and with what a run was made: processors, graphics, versions of packages. No names, no addresses."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("translate-batch", "torch", "transformers", "sentencepiece", "sacremoses", "ctranslate2")


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


def usable_processors() -> int:
    """How many processors the system lets this program use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def count_processors() -> int:
    """How many to use: as many as OMP_NUM_THREADS says, else all that may be."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return int(asked) if asked.isdecimal() and int(asked) else usable_processors()


@dataclass(frozen=True, slots=True)
class _Processor:
    name: str
    flags: frozenset[str]


@cache
def _read_processor() -> _Processor:
    """What the system says of the processor; the name that Python has for it, and no flags, where it says nothing."""
    if sys.platform == "darwin":
        features = _ask_sysctl("machdep.cpu.features", "machdep.cpu.leaf7_features").lower().split()  # of Intel's
        return _Processor(_ask_sysctl("machdep.cpu.brand_string") or platform.processor(), frozenset(features))
    name, flags = "", set[str]()
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                name = name or value.strip()
            elif key.strip() in ("flags", "Features"):
                flags |= set(value.split())
    return _Processor(name or platform.processor(), frozenset(flags))


def _ask_sysctl(*names: str) -> str:
    """What macOS says, one line a name; nothing of a name that it does not have."""
    with suppress(OSError, subprocess.SubprocessError):
        asked = ["/usr/sbin/sysctl", "-n", *names]
        return subprocess.run(asked, capture_output=True, text=True, timeout=5, check=False).stdout.strip()
    return ""


def processor_name() -> str:
    """The processor as its maker calls it; may be empty."""
    return _read_processor().name


def processor_flags() -> frozenset[str]:
    """What the processor can do, by the names that Linux has for it; none where the system does not tell."""
    return _read_processor().flags


def has_fast_bfloat16() -> bool:
    """Whether this CPU has matrix instructions for bfloat16, by its own flags (Linux); elsewhere no."""
    flags = processor_flags()
    return bool(flags & {"amx_bf16", "avx512_bf16"}) or (platform.machine() == "aarch64" and "bf16" in flags)


def machine_kind() -> dict[str, str | int]:
    """System, processors, graphics: what figures hold for. Neither the machine's name nor its address."""
    return {
        "system": platform.system(),
        "machine": platform.machine(),
        "processor": processor_name(),
        "cpus": usable_processors(),
        "graphics": ", ".join(_graphics()),
    }


def _graphics() -> list[str]:
    """NVIDIA cards by their driver's own list (Linux), without loading anything."""
    found = []
    for path in sorted(Path("/proc/driver/nvidia/gpus").glob("*/information")):
        with suppress(OSError):
            lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
            found += [line.partition(":")[2].strip() for line in lines if line.startswith("Model")]
    return found
