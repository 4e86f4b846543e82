"""Who imports whom: the rooms' staircase, and the heavy packages."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

from tests.helpers.command import ROOT

PACKAGE = ROOT / "translate"
HEAVY: dict[str, str | tuple[str, ...]] = {
    "torch": "engines",
    "transformers": "engines",
    "ctranslate2": "engines/ctranslate2.py",
    "ray": "cluster",
    "pyarrow": ("cluster", "exchange/formats/parquet.py", "formats/datasets.py"),
    "trafilatura": "formats/html.py",
    "docx": ("exchange/formats/docx.py", "formats/word.py"),
    "pysubs2": "formats/subtitles.py",
    "markdown_it": "formats/markdown.py",
    "simplemma": "protect/terms.py",
    "inflect": "protect/english.py",
    "upath": "storage.py",
    "pygal": "pages",
    "rich": "cli",
}
"""Package → the room or module that may import it."""
MOST_FILES, MOST_AT_THE_TOP = 14, 7


def imported_packages(path: Path) -> set[str]:
    """The first names of all that a file imports, type-checking and lazy imports too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found


def test_rooms_stand_on_one_staircase() -> None:
    """The contract in pyproject.toml, held by import-linter."""
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([program], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_rooms_are_small_and_say_what_they_are() -> None:
    """At most 14 modules each, 7 at the top; each room's paragraph is all that its __init__ holds."""
    for folder in {path.parent for path in PACKAGE.rglob("*.py")}:
        assert len(list(folder.glob("*.py"))) <= (MOST_AT_THE_TOP if folder == PACKAGE else MOST_FILES), folder
        if folder != PACKAGE:
            module = ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))
            assert len(module.body) == 1, folder
            assert len((ast.get_docstring(module) or "").split()) > 15, folder


def test_heavy_packages_are_imported_where_their_name_says() -> None:
    """So that help and errors come without them."""
    for path in PACKAGE.rglob("*.py"):
        name = str(path.relative_to(PACKAGE))
        for package in imported_packages(path) & HEAVY.keys():
            assert name.startswith(HEAVY[package]), f"{name} imports {package}"


def test_help_and_errors_come_without_torch() -> None:
    """Importing the command and the pipeline loads no engine."""
    code = "import sys, translate.cli.app, translate.run.pipeline; print({'torch', 'transformers', 'numpy', 'rich', 'sacremoses', 'ray', 'pyarrow', 'upath', 'fsspec'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


def test_help_needs_no_room_but_the_command_line() -> None:
    """The records besides: whatever else is imported at the top of a command, each start has to wait for."""
    code = "import sys, translate.cli.app; print(*sorted({name.split('.')[1] for name in sys.modules if name.startswith('translate.')}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "cli cluster records\n"  # of cluster the record of its options, which imports nothing
