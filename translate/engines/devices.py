"""What the engines that run on torch share: which device, which number type."""

from __future__ import annotations

import torch

from translate.machine import has_fast_bfloat16
from translate.records import EngineError


def choose_device(name: str) -> str:
    """The torch device of that name; `auto` is CUDA, else Apple's MPS, else the CPU. Raises EngineError."""
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


def choose_dtype(name: str, device: str) -> str:
    """`auto`: float16 on CUDA, bfloat16 on a CPU that multiplies it in hardware, else float32. Raises EngineError."""
    if name == "int8":
        raise EngineError("the engine 'transformers' has no int8", "use --dtype auto, float32, bfloat16 or float16")
    if name != "auto":
        return name
    if device.startswith("cuda"):
        return "float16"
    return "bfloat16" if device == "cpu" and has_fast_bfloat16() else "float32"
