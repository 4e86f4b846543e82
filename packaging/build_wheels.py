"""Wheels for several platforms from one machine: python packaging/build_wheels.py [--out FOLDER] [PLATFORM …]

Needs `pip install ziglang hatchling`: zig is the C compiler for all of them. A variant that does not compile is an error.
Those for macOS have never been run.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PLATFORMS = {
    "manylinux_2_17_x86_64": ("x86_64", "x86_64-linux-gnu.2.17"),
    "manylinux_2_17_aarch64": ("aarch64", "aarch64-linux-gnu.2.17"),
    "macosx_11_0_arm64": ("aarch64", "aarch64-macos.11.0"),
}
"""A wheel's tag → the machine, and zig's name for the platform."""


def build_wheel(platform: str, out: Path) -> None:
    """One wheel, of exactly the package's files and all variants. Raises CalledProcessError."""
    machine, target = PLATFORMS[platform]
    environment = os.environ | {
        "CC": f"{sys.executable} -m ziglang cc -target {target}"
        + (" -mcpu=baseline -s" if machine == "x86_64" else ""),
        "TRANSLATE_REQUIRE_KERNELS": "1",
        "TRANSLATE_WHEEL_MACHINE": machine,
        "TRANSLATE_WHEEL_PLATFORM": platform,
    }
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out.resolve())]
    subprocess.run(command, cwd=ROOT, env=environment, check=True)


def main() -> None:
    """Build those that are asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("platforms", nargs="*", metavar="PLATFORM", help=", ".join(PLATFORMS))
    parser.add_argument("--out", type=Path, default=ROOT / "dist")
    options = parser.parse_args()
    if unknown := set(options.platforms) - PLATFORMS.keys():
        parser.error(f"unknown platforms: {', '.join(sorted(unknown))}; there are: {', '.join(PLATFORMS)}")
    for platform in options.platforms or PLATFORMS:
        build_wheel(platform, options.out)


if __name__ == "__main__":
    main()
