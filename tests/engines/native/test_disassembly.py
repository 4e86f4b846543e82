"""The inner loops of products hold their sums in registers: what a compiler made of them is read."""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from translate.engines.native import compiled
from translate.engines.native.variants import FLAGS, variants_for

PRODUCTS = {
    "avx512-bf16": ("vpdpbusd", "vdpbf16ps", "vmulps"),
    "avx512-vnni": ("vpdpbusd", "vmulps"),
    "avx-vnni": ("vpdpbusd", "vmulps"),
    "avx2": ("vpmaddwd", "vmulps"),
}
"""A variant → the instruction that multiplies in int8, in bfloat16 where it has one, and in float32."""
TALLEST = 24
"""Sums of a vector each: 12 rows of two; half as many with half as many registers, a third where a product takes more of them."""
LEAST = 8
"""Sums of the lowest, of 4 rows."""
SOURCE = """
#include "dense.h"
void product(const Dense *dense, const Inputs *inputs, word rows, int activation, float *out) {
    multiply(dense, inputs, rows, 0, dense->columns, activation, out, dense->columns);
}
"""
INSTRUCTION = re.compile(r"\s*([0-9a-f]+):\s+(\S+)\s*(.*)")
ADDRESS = re.compile("([0-9a-f]+)( |$)")
STACK = "(%rsp"


def blocks(listing: str) -> list[list[str]]:
    """What runs without a jump, of what objdump writes. A block that begins where a jump goes ends the one before."""
    lines = listing.replace("{vex} ", "").splitlines()
    code = [(int(m[1], 16), m[2], m[3]) for line in lines if (m := INSTRUCTION.fullmatch(line))]
    targets = {int(m[1], 16) for _, name, operands in code if name.startswith("j") and (m := ADDRESS.match(operands))}
    found: list[list[str]] = [[]]
    for address, name, operands in code:
        if address in targets:
            found.append([])
        found[-1].append(f"{name} {operands}")
        if name.startswith("j"):
            found.append([])
    return found


def moves(block: list[str]) -> tuple[int, int]:
    """Vectors that are written to memory, and that are read from the stack."""
    vectors = [line for line in block if "%zmm" in line or "%ymm" in line]
    written = [line for line in vectors if line.startswith("vmov") and line.endswith(")")]
    return len(written), sum(STACK in line for line in vectors) - sum(STACK in line for line in written)


@pytest.mark.skipif(platform.machine() != "x86_64", reason="it reads x86's instructions")
@pytest.mark.parametrize("compiler", ["gcc", "clang"])
@pytest.mark.parametrize("name", PRODUCTS)
def test_sums_stay_in_registers(name: str, compiler: str, tmp_path: Path) -> None:
    """In every number type: with sums of another type than what is added up, gcc once moved 38 vectors for 24 products."""
    if missing := [program for program in (compiler, "objdump") if shutil.which(program) is None]:
        pytest.skip(f"no {missing[0]} here")
    variant = next(variant for variant in variants_for(platform.machine()) if variant.name == name)
    source, made = tmp_path / "product.c", tmp_path / "product.o"
    source.write_text(SOURCE, encoding="utf-8")
    flags = [flag for flag in FLAGS if flag != "-shared"]
    command = [compiler, *flags, *variant.flags, "-I", str(compiled.FOLDER), "-c", "-o", str(made), str(source)]
    subprocess.run(command, check=True, capture_output=True)
    listing = subprocess.run(
        ["objdump", "-d", "--no-show-raw-insn", str(made)], check=True, capture_output=True, text=True
    ).stdout
    most = TALLEST if name.startswith("avx512") else TALLEST // 2 if name == "avx-vnni" else TALLEST // 3
    tallest = dict.fromkeys(PRODUCTS[name], 0)
    for block in blocks(listing):
        if not any(line.startswith("prefetch") for line in block):
            continue  # no product's inner loop
        counts = {which: sum(line.startswith(which) for line in block) for which in tallest}
        assert max(counts.values()) >= LEAST, block
        written, read = moves(block)
        assert written + read <= max(counts.values()) / 4, block  # masks, for which there is no register
        tallest = {which: max(count, counts[which]) for which, count in tallest.items()}
    assert min(tallest.values()) >= most, tallest
