"""The package as a wheel: one for every Python of a platform, with all kernels in it, and usable where there is no compiler."""

from __future__ import annotations

import importlib.util
import json
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from translate.engines.native.variants import variants_for

ROOT = Path(__file__).resolve().parents[3]
KERNELS = "translate/engines/native/built/"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(importlib.util.find_spec("hatchling") is None, reason="needs hatchling"),
]


def build(folder: Path, changes: Mapping[str, str]) -> Path:
    """Build a wheel in the folder; its path."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TRANSLATE_")}
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, env={**environment, **changes}, check=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


def install(wheel: Path, venv: Path) -> Path:
    """A new environment with the wheel and, by a path file, what this one has installed; its folder of commands."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(venv)}))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(packages)
    (packages / "others.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    return venv / "bin"


def translate(bin_folder: Path, output: Path, *options: str) -> tuple[subprocess.CompletedProcess[str], str]:
    """Translate a sentence with no other command within reach; what was said, and the variant of the kernels."""
    (output.parent / "one.txt").write_text("Guten Morgen.\n", encoding="utf-8")
    command = [str(bin_folder / "python"), "-m", "translate", "one.txt", "--model", "tiny-de-en", "--engine", "native"]
    environment = {"PATH": str(bin_folder), "HOME": str(output.parent), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [*command, "-o", str(output), *options],
        cwd=output.parent,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done, json.loads((output / "tiny-de-en" / "run.json").read_text(encoding="utf-8"))["kernels"]


@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")
def test_a_wheel_has_all_kernels_and_translates_without_a_compiler(tmp_path: Path) -> None:
    """Its name says the platform and no Python's version; a missing variant fails the build."""
    wheel = build(tmp_path / "wheel", {"TRANSLATE_REQUIRE_KERNELS": "1"})
    assert "-py3-none-" in wheel.name
    assert not wheel.name.endswith("-any.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {name for name in names if name.startswith(KERNELS)} == {
        KERNELS + variant.file for variant in variants_for(platform.machine())
    }
    bin_folder = install(wheel, tmp_path / "venv")
    assert translate(bin_folder, tmp_path / "out")[1] in {variant.name for variant in variants_for(platform.machine())}


def test_without_a_compiler_the_installation_succeeds(tmp_path: Path) -> None:
    """As a wheel without kernels; the run says once what is missing, and translates. A release does not succeed."""
    nothing = {"PATH": str(tmp_path), "CC": ""}
    wheel = build(tmp_path / "wheel", nothing)
    assert wheel.name.endswith("-py3-none-any.whl")
    with zipfile.ZipFile(wheel) as archive:
        assert not [name for name in archive.namelist() if name.startswith(KERNELS)]
    done, kernels = translate(install(wheel, tmp_path / "venv"), tmp_path / "out")
    assert kernels == ""
    assert done.stderr.count("C compiler") == 1
    with pytest.raises(subprocess.CalledProcessError):
        build(tmp_path / "release", {**nothing, "TRANSLATE_REQUIRE_KERNELS": "1"})


def test_a_compiler_that_fails_leaves_its_variants_out(tmp_path: Path) -> None:
    """The installation succeeds, a release does not."""
    failing = {"CC": f"{sys.executable} -c 'raise SystemExit(1)'"}
    wheel = build(tmp_path / "wheel", failing)
    assert wheel.name.endswith("-py3-none-any.whl")
    with pytest.raises(subprocess.CalledProcessError):
        build(tmp_path / "release", {**failing, "TRANSLATE_REQUIRE_KERNELS": "1"})
