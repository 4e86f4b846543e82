"""Kernels in C for what torch does in many passes or over padding, compiled where there is a compiler.

engine_native_kernels.c says what they compute. They are compiled once a machine, in a second or two, into the user's cache
folder. Without a compiler, or on another device than a CPU, the engine does the same by torch, more slowly.
"""

from __future__ import annotations

import ctypes
import hashlib
import logging
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

from translate.usercache import user_cache_folder

log = logging.getLogger(__name__)

SOURCE = Path(__file__).with_name("engine_native_kernels.c")
COMPILERS = ("cc", "gcc", "clang")
FLAGS = ("-O3", "-march=native", "-shared", "-fPIC")
COMPILE_SECONDS = 60
LANES = 8
"""All widths are multiples of it."""
WIDEST_HEAD = 128
ACTIVATIONS = {"swish": 1, "silu": 1, "relu": 2}


class Kernels:
    """The compiled functions, called with tensors of float32 on the CPU that are contiguous, except where strides are told.

    A call lets other Python threads run. Each result takes part in nothing but its own row.
    """

    def __init__(self, library: ctypes.CDLL) -> None:
        pointer, number, real = ctypes.c_void_p, ctypes.c_int64, ctypes.c_float
        self._attend = _declare(library.attend, [pointer] * 9)
        self._remember = _declare(library.remember, [pointer] * 5)
        self._choose = _declare(
            library.choose, [pointer, number, number, number, pointer, number, pointer, pointer, pointer, pointer]
        )
        self._quantise = _declare(library.quantise, [pointer, pointer, pointer, number, number, real])
        self._finish = _declare(library.finish, [pointer, pointer, pointer, pointer, number, number, number])
        self._normalise = _declare(library.normalise, [pointer, pointer, pointer, pointer, pointer, number, number])

    def attend(
        self,
        query: Tensor,
        keys: Tensor,
        values: Tensor,
        lengths: Tensor,
        *,
        mask: Tensor | None = None,
        out: Tensor,
    ) -> Tensor:
        """Attention over each slot's first columns, of them only those where the mask is 0.

        query [slots, queries, heads, head] whose queries stand evenly, keys and values [slots, heads, columns, head] of
        one stride, lengths [slots], mask [slots, queries, columns] → out [slots, queries, heads, head].
        """
        slots, queries, heads, head = query.shape
        steps = (query.stride(1), *keys.stride()[:3], *(mask.stride()[:2] if mask is not None else (0, 0)))
        room = keys.shape[2] + LANES
        scores, columns = torch.empty(room), torch.empty(room, dtype=torch.int32)
        self._attend(
            *map(_address, (out, query, keys, values, mask, lengths)),
            _sizes((slots, queries, heads, head, *steps)),
            *map(_address, (scores, columns)),
        )
        return out

    def remember(self, past: Tensor, fused: Tensor, own: Tensor) -> None:
        """Keys and values of fused [slots × beams, 3 × d] into columns own [slots, beams] of past [2, slots, heads, columns, head]."""
        _, _, heads, _, head = past.shape
        sizes = _sizes((*own.shape, heads, head, *past.stride()[1:3]))
        self._remember(*map(_address, (past[0], past[1], fused, own)), sizes)

    def choose(self, logits: Tensor, count: int, barred: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """The highest logits of each row in falling order and their tokens [rows, count]; the logarithms of the sums of
        the exponentials without the barred tokens, and with them [rows]. The barred logits become minus infinity.
        """
        rows, width = logits.shape
        best, tokens = torch.empty(rows, count), torch.empty(rows, count, dtype=torch.long)
        sums = torch.empty(2, rows)
        found = map(_address, (best, tokens, sums[0], sums[1]))
        self._choose(_address(logits), rows, width, count, _address(barred), len(barred), *found)
        return best, tokens, sums[0], sums[1]

    def quantise(self, x: Tensor, levels: int, out: Tensor) -> Tensor:
        """x [rows, width] over its rows' scales into `out`; the scales [rows] make each row's largest number `levels`."""
        scales = torch.empty(len(x))
        self._quantise(*map(_address, (out, scales, x)), *x.shape, float(levels))
        return scales

    def scale_back(self, product: Tensor, scales: Tensor, bias: Tensor) -> Tensor:
        """product [rows, width] times its rows' scales, plus the bias, in place."""
        self._finish(*map(_address, (product, product, scales, bias)), *product.shape, 0)
        return product

    def activate(self, x: Tensor, name: str) -> Tensor:
        """The activation of that name, in place."""
        self._finish(_address(x), _address(x), None, None, *x.shape, ACTIVATIONS[name])
        return x

    def normalise(self, x: Tensor, before: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """Layer normalisation of x + before, [rows, width]; overwrites x."""
        out = torch.empty_like(before)
        self._normalise(*map(_address, (out, x, before, weight, bias)), *x.shape)
        return out


def _declare(function: ctypes._NamedFuncPointer, types: list[object]) -> ctypes._NamedFuncPointer:
    function.argtypes, function.restype = types, None  # type: ignore[assignment]
    return function


def _address(tensor: Tensor | None) -> int | None:
    return None if tensor is None else tensor.data_ptr()


def _sizes(numbers: Sequence[int]) -> ctypes.Array[ctypes.c_int64]:
    return (ctypes.c_int64 * len(numbers))(*numbers)


def suits_kernels(widths: Sequence[int], *, heads: Sequence[int]) -> bool:
    """Whether the kernels can compute a model of these widths, of layers and of heads: all in whole vectors."""
    return all(width % LANES == 0 for width in (*widths, *heads)) and max(heads) <= WIDEST_HEAD


@cache
def load_kernels() -> Kernels | None:
    """The kernels, compiled now if need be; None, and a line in the log, where that cannot be done."""
    compiler = next(filter(None, map(shutil.which, COMPILERS)), None)
    if compiler is None:
        log.info("no C compiler: the engine 'native' works without its kernels, more slowly")
        return None
    text = SOURCE.read_bytes() + repr((compiler, FLAGS, platform.machine(), _describe_processor())).encode()
    library = user_cache_folder() / "kernels" / f"{hashlib.sha256(text).hexdigest()[:16]}.so"
    try:
        if not library.is_file():
            _compile(compiler, library)
        return Kernels(ctypes.CDLL(str(library)))
    except (OSError, subprocess.SubprocessError, AttributeError) as error:
        log.warning("the engine 'native' works without its kernels, more slowly: %s", error)
        return None


def _describe_processor() -> str:
    """What -march=native depends on: a cache folder may be shared by several machines."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return "".join(sorted({line for line in lines if line.startswith(("flags", "Features", "model name"))}))


def _compile(compiler: str, library: Path) -> None:
    """Under another name first: two runs may do it at once. Raises OSError or SubprocessError."""
    library.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=library.parent, prefix=".compiling-") as folder:
        made = Path(folder) / library.name
        command = [compiler, *FLAGS, "-o", str(made), str(SOURCE), "-lm"]
        subprocess.run(command, check=True, capture_output=True, timeout=COMPILE_SECONDS)
        made.replace(library)
