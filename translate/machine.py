"""What machine this is, and with what a run was made: processors, graphics, versions of packages. No names, no addresses."""

from __future__ import annotations

import os
import platform
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

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


def count_processors() -> int:
    """How many this program may use, or as many as OMP_NUM_THREADS says."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return int(asked) if asked.isdecimal() and int(asked) else usable


@cache
def processor_features() -> frozenset[str]:
    """What the processor and the system have, by Linux's names ("avx2", "asimddp"); empty on other systems."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return frozenset()
    return frozenset(word for line in lines if line.startswith(("flags", "Features")) for word in line.split())


def has_fast_bfloat16() -> bool:
    """Whether this CPU has matrix instructions for bfloat16, by its own flags (Linux); elsewhere no."""
    features = processor_features()
    return bool(features & {"amx_bf16", "avx512_bf16"}) or (platform.machine() == "aarch64" and "bf16" in features)


def machine_kind() -> dict[str, str | int]:
    """System, processors, graphics: what figures hold for. Neither the machine's name nor its address."""
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return {
        "system": platform.system(),
        "machine": platform.machine(),
        "processor": _processor(),
        "cpus": affinity,
        "graphics": ", ".join(_graphics()),
    }


def _processor() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()


def _graphics() -> list[str]:
    """NVIDIA cards by their driver's own list (Linux), without loading anything."""
    found = []
    for path in sorted(Path("/proc/driver/nvidia/gpus").glob("*/information")):
        with suppress(OSError):
            lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
            found += [line.partition(":")[2].strip() for line in lines if line.startswith("Model")]
    return found
