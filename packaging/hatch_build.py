"""The build hook: kernels for the engine `native` into the wheel, or beside the sources of an editable installation.

Without a C compiler the wheel is pure and the installation succeeds. Set TRANSLATE_REQUIRE_KERNELS=1 where that is an error,
as for a release. TRANSLATE_WHEEL_PLATFORM (a tag) and TRANSLATE_WHEEL_MACHINE cross-compile, with a compiler for it in CC.
"""

from __future__ import annotations

import os
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

sys.path.insert(0, str(Path(__file__).parent))
from kernels import BUILT, compile_variants, find_compiler  # beside this file, which is no package


class KernelsHook(BuildHookInterface[Any]):
    """Compiles them, and tags the wheel for the platform: the libraries are for every Python."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """version: "editable" or "standard". Raises RuntimeError if a variant is missing that is required."""
        self._folder = tempfile.TemporaryDirectory(prefix="kernels-")
        folder = BUILT if version == "editable" else Path(self._folder.name)
        compiler, required = find_compiler(), os.environ.get("TRANSLATE_REQUIRE_KERNELS") == "1"
        machine = os.environ.get("TRANSLATE_WHEEL_MACHINE")
        results = compile_variants(compiler, folder, machine) if compiler else {}
        problems = {name: problem for name, problem in results.items() if problem}
        if not results:
            problems["all"] = "there is no C compiler (cc, gcc or clang), or none of the variants is for this machine"
        for name, problem in problems.items():
            self.app.display_warning(f"kernels of the engine 'native': {name}: {problem}")
        if problems and required:
            raise RuntimeError(f"kernels are missing: {problems}")
        made = [folder / f"{name}.so" for name in results if name not in problems]
        if made and version != "editable":
            names = {str(path): f"translate/engines/native/built/{path.name}" for path in made}
            build_data["force_include"].update(names)
            tag = os.environ.get("TRANSLATE_WHEEL_PLATFORM") or sysconfig.get_platform()
            build_data["pure_python"] = False
            build_data["tag"] = f"py3-none-{tag.replace('-', '_').replace('.', '_')}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """The wheel is written."""
        self._folder.cleanup()
