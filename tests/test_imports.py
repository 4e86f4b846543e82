"""The module map is true."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import translate

PACKAGE = Path(translate.__file__).parent
HEAVY = {
    "torch": "engine_",
    "transformers": "engine_",
    "ctranslate2": "engine_ct2",
    "ray": "cluster",
    "pyarrow": "cluster",
}
HEAVY["upath"] = "places"
"""Package → the beginning of the names of the modules that may import it."""


def read_map() -> dict[str, str]:
    """Module → what it may import, out of the package's docstring."""
    lines = re.findall(r"^(\w+) {2,}\S.*? {2,}(\S.*)$", translate.__doc__ or "", re.MULTILINE)
    return dict(lines)


def imports(path: Path) -> set[str]:
    """Every module that a file names in an import, type-checking and lazy ones too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= (
                {f"{node.module}.{alias.name}" for alias in node.names} if node.module == "translate" else {node.module}
            )
    return found


def test_the_map_names_every_module() -> None:
    """And no other."""
    assert set(read_map()) == {path.stem for path in PACKAGE.glob("*.py")} - {"__init__"}


def test_modules_import_what_the_map_allows() -> None:
    """`nothing`, a list of modules, or all that stand above."""
    above: list[str] = []
    for module, allowed in read_map().items():
        ours = {name.split(".")[1] for name in imports(PACKAGE / f"{module}.py") if name.startswith("translate.")}
        may = set(above) if allowed.startswith("all") else set() if allowed == "nothing" else set(allowed.split(", "))
        assert ours <= may, f"{module} imports {ours - may}"
        above.append(module)


def test_heavy_packages_are_imported_where_their_name_says() -> None:
    """So that help and errors come without them."""
    for path in PACKAGE.glob("*.py"):
        for name in imports(path):
            package = name.split(".")[0]
            if package in HEAVY:
                assert path.stem.startswith(HEAVY[package]), f"{path.stem} imports {package}"


def test_help_and_errors_come_without_torch() -> None:
    """Importing the command and the pipeline loads no engine."""
    code = "import sys, translate.cli, translate.pipeline; print({'torch', 'transformers', 'sacremoses', 'ray', 'pyarrow', 'upath', 'fsspec'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"
