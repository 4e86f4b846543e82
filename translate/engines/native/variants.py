"""The variants that the kernels in `c/` are compiled as: one source, for several kinds of processor.

The build hook reads this file by itself, before the package is installed: it imports nothing of it.
"""

from __future__ import annotations

from dataclasses import dataclass

FLAGS = ("-std=gnu11", "-O3", "-funroll-loops", "-ffp-contract=off", "-fPIC", "-shared")
"""For every compiler. How far a product and a sum become one operation is each compiler's choice, unless it is told not to."""
AVX512 = ("-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl", "-mavx512vnni")
AVX512_NEEDS = ("avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512_vnni")
ZIG = {"-march=armv8.2-a+dotprod": "-mcpu=generic+dotprod"}
"""What zig calls by another name."""
MACHINES = {"x86_64": "x86_64", "AMD64": "x86_64", "aarch64": "aarch64", "arm64": "aarch64"}
"""A machine's name as platform.machine() gives it → the one here."""


@dataclass(frozen=True, slots=True)
class Variant:
    """Kernels for one kind of processor."""

    name: str
    machine: str
    flags: tuple[str, ...] = ()
    """For gcc and clang alike, and for zig but those in ZIG: single instruction sets, where there is a flag for them."""
    needs: tuple[str, ...] = ()
    """What the processor must have, as Linux calls it; the same that the flags name."""

    @property
    def file(self) -> str:
        """The library's name."""
        return f"{self.name}.so"


VARIANTS = (
    Variant("amx", "x86_64", (*AVX512, "-mavx512bf16", "-mamx-tile", "-mamx-int8", "-mamx-bf16"),
            (*AVX512_NEEDS, "avx512_bf16", "amx_tile", "amx_int8", "amx_bf16")),
    Variant("avx512-bf16", "x86_64", (*AVX512, "-mavx512bf16"), (*AVX512_NEEDS, "avx512_bf16")),
    Variant("avx512-vnni", "x86_64", AVX512, AVX512_NEEDS),
    Variant("avx-vnni", "x86_64", ("-mavx2", "-mavxvnni"), ("avx2", "avx_vnni")),
    Variant("avx2", "x86_64", ("-mavx2",), ("avx2",)),
    Variant("x86-64", "x86_64"),
    Variant("neon-dot", "aarch64", ("-march=armv8.2-a+dotprod",), ("asimddp",)),
    Variant("neon", "aarch64"),
)  # fmt: skip
"""The fastest first."""


def variants_for(machine: str) -> tuple[Variant, ...]:
    """Those of a machine, by its name in platform.machine(); none for a machine that there are no kernels for."""
    return tuple(variant for variant in VARIANTS if variant.machine == MACHINES.get(machine))
