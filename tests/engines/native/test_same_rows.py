"""One family of rows: what the kernels give in float32 and int8 is the same on every processor, to the last bit."""

from __future__ import annotations

import platform
import shutil
import subprocess
from pathlib import Path

import pytest

from translate.engines.native import compiled
from translate.engines.native.variants import VARIANTS, Variant, variants_for
from translate.machine import processor_flags

SOURCE = Path(__file__).with_name("rows.c")
OTHERS = {"aarch64": ("aarch64-linux-gnu-gcc", "qemu-aarch64")}
"""A machine that this one is not → its compiler and what emulates it."""
TYPES = ("float32", "int8")


def give_rows(machine: str, flags: tuple[str, ...], folder: Path) -> list[str]:
    """What a variant prints for each number type. Skips where it cannot be compiled or run."""
    here = machine == variants_for(platform.machine())[0].machine
    compiler, *emulator = ("cc",) if here else OTHERS.get(machine, ("",))
    if missing := [name for name in (compiler, *emulator) if not shutil.which(name)]:
        pytest.skip(f"no {missing[0] or machine} here")
    program = folder / "rows"
    options = [
        "-std=gnu11",
        "-O1",
        "-ffp-contract=off",
        "-I",
        str(compiled.FOLDER),
        *flags,
        *([] if here else ["-static"]),
    ]
    subprocess.run([compiler, *options, "-o", str(program), str(SOURCE), "-lm"], check=True)
    run = [*emulator, "-cpu", "max", str(program)] if emulator else [str(program)]
    return [
        subprocess.run([*run, str(compiled.TYPES[name])], check=True, capture_output=True, text=True).stdout
        for name in TYPES
    ]


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The rows of this machine's least variant."""
    variants = variants_for(platform.machine())
    if not variants:
        pytest.skip("there are no kernels for this machine")
    return give_rows(variants[-1].machine, variants[-1].flags, tmp_path_factory.mktemp("plain"))


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_rows_are_the_same_on_every_processor(variant: Variant, plain: list[str], tmp_path: Path) -> None:
    """Ids and sums of log-probabilities, greedily and with beams; arm64 under emulation where there is one."""
    foreign = variant.machine != variants_for(platform.machine())[0].machine
    if missing := set() if foreign else set(variant.needs) - processor_flags():
        pytest.skip(f"this processor has no {', '.join(sorted(missing))}")
    rows = give_rows(variant.machine, variant.flags, tmp_path)
    assert all(len(some.splitlines()) == 12 for some in rows)
    assert rows == plain
