"""Compile the kernels of the engine `native`, as the build hook does: python packaging/kernels.py

Into the source tree, beside what runs from there. The compiler is $CC, or the first of cc, gcc and clang.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parent.parent
NATIVE = ROOT / "translate" / "engines" / "native"
BUILT = NATIVE / "built"
COMPILERS = ("cc", "gcc", "clang")


def _load_variants() -> ModuleType:
    """The list of variants, without importing the package: what that needs may not be installed yet."""
    spec = importlib.util.spec_from_file_location("kernel_variants", NATIVE / "variants.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def find_compiler() -> list[str]:
    """The compiler's command; empty if there is none."""
    if asked := shlex.split(os.environ.get("CC", "")):
        return asked
    return next(([found] for name in COMPILERS if (found := shutil.which(name))), [])


def compile_variants(compiler: Sequence[str], folder: Path, machine: str | None = None) -> dict[str, str]:
    """Compile every variant of a machine (this one) into the folder, side by side; name → what went wrong, "" for nothing."""
    list_of = _load_variants()
    folder.mkdir(parents=True, exist_ok=True)

    def make(variant: object) -> str:
        made = folder / variant.file  # type: ignore[attr-defined]
        beside = made.with_suffix(f".{os.getpid()}")
        flags = (*list_of.FLAGS, *variant.flags)  # type: ignore[attr-defined]
        if "ziglang" in compiler:
            flags = tuple(list_of.ZIG.get(flag, flag) for flag in flags)
        command = [*compiler, *flags, "-o", str(beside), str(NATIVE / "c" / "engine.c"), "-lm"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
        except OSError as error:
            return str(error)
        if done.returncode:
            beside.unlink(missing_ok=True)
            return next((line for line in done.stderr.splitlines() if "error" in line), f"status {done.returncode}")
        beside.replace(made)
        return ""

    variants = list_of.variants_for(machine or platform.machine())
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(zip((variant.name for variant in variants), pool.map(make, variants), strict=True))


def main() -> None:
    """Compile into the source tree, and say what there is."""
    compiler = find_compiler()
    if not compiler:
        sys.exit("no C compiler (cc, gcc or clang)")
    results = compile_variants(compiler, BUILT)
    for name, problem in results.items():
        print(f"{name}: {problem or 'compiled'}")
    sys.exit(any(results.values()))


if __name__ == "__main__":
    main()
