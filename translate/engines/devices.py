"""Which device and which number type: torch is asked only where there may be something else than a CPU."""

from __future__ import annotations

import sys
from pathlib import Path

from translate.machine import has_fast_bfloat16
from translate.records import EngineError

GPU_FILES = ("/dev/nvidiactl", "/dev/nvidia0", "/dev/dxg", "/dev/kfd", "/dev/nvhost-ctrl")
"""What a driver of a GPU that torch can use makes on Linux: NVIDIA's, Windows' for Linux, AMD's, NVIDIA's for its boards."""


def choose_device(name: str) -> str:
    """The torch device of that name; `auto` is CUDA, else Apple's MPS, else the CPU. Raises EngineError."""
    if name == "cpu" or (name == "auto" and not may_have_gpu()):
        return "cpu"  # without torch, whose import takes longer than a short translation
    import torch

    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError:
        raise EngineError(f"unknown device '{name}'", "devices are auto, cpu, cuda, cuda:N, mps") from None
    there = {
        "cpu": True,
        "cuda": torch.cuda.is_available() and (device.index or 0) < torch.cuda.device_count(),
        "mps": torch.backends.mps.is_available(),
    }
    if not there.get(device.type, False):
        raise EngineError(f"no device '{name}' here", "--device auto takes what there is; --device cpu always works")
    return name


def may_have_gpu() -> bool:
    """False only where torch can find no GPU: on Linux without any driver's device file."""
    return sys.platform != "linux" or any(Path(file).exists() for file in GPU_FILES)


def choose_dtype(name: str, device: str) -> str:
    """`auto`: float16 on CUDA, bfloat16 on a CPU that multiplies it in hardware, else float32. Raises EngineError."""
    if name == "int8":
        raise EngineError("the engine 'transformers' has no int8", "use --dtype auto, float32, bfloat16 or float16")
    if name != "auto":
        return name
    if device.startswith("cuda"):
        return "float16"
    return "bfloat16" if device == "cpu" and has_fast_bfloat16() else "float32"
