"""A working folder full of modules that are called like the library's and ours: none of them is ever run."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.helpers.command import ROOT, environment
from tests.reliability.attack import ECHO, Attack, Size, Tally, check

SCRIPT = """import sys
from translate.__main__ import main
if __name__ == "__main__":
    sys.exit(main())
"""
"""As pip writes the program: it lies in a folder of its own, which is first in the path."""
PAIRS = 1700
"""Enough that `compare` counts in several processes."""
COMMANDS: dict[str, tuple[str, ...]] = {
    "run": ("e.txt", *ECHO, "--text", "-o", "first"),
    "run again": ("e.txt", *ECHO, "-o", "second"),
    "run, standard input": ("-", *ECHO),
    "run, native": ("s.txt", "--engine", "native", "--model", "tiny-de-en"),
    "run, transformers": ("s.txt", "--engine", "transformers", "--model", "tiny-de-en", "--overwrite"),
    "run, ctranslate2": ("s.txt", "--engine", "ctranslate2", "--model", "tiny-de-en", "--overwrite"),
    "run, hub": ("s.txt", "--engine", "echo", "-o", "hub"),
    "segment": ("segment", "e.txt"),
    "models": ("models",),
    "compare": ("compare", "first", "second", "-r", "ref.en", "--html", "c.html", "--json", "c.json"),
    "bench": ("bench", "s.txt", "--engines", "echo", "--seconds", "1", "--no-keep", "--model", "tiny-de-en"),
    "version": ("--version",),
    "help": ("run", "--help"),
}
RAY = ("s.txt", *ECHO, "-o", "ray", "--ray", "local", "--workers", "1")


def attacks(size: Size, folder: Path) -> Iterator[Attack]:
    """The rows of this family."""
    yield partial(run_among_modules, folder, {**COMMANDS, "ray": RAY})


def plant(folder: Path) -> Path:
    """A file for each module that could be imported, which leaves a mark if it is; the mark."""
    mark = folder / "marks"
    for name in {*sys.stdlib_module_names, *packages_distributions(), "sitecustomize", "usercustomize"}:
        if name.isidentifier():
            code = f"open({str(mark)!r}, 'a').write({name!r} + '\\n')\nraise ImportError('planted')\n"
            (folder / f"{name}.py").write_text(code, encoding="utf-8")
    return mark


def run_among_modules(folder: Path, commands: dict[str, tuple[str, ...]]) -> Tally:
    """Each command in such a folder, and with an empty name in PYTHONPATH, which means that folder."""
    tally = Tally("working folder full of modules named like the library's")
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "bin").mkdir(parents=True)
    (folder / "data").mkdir()
    script, here = folder / "bin" / "translate", folder / "data"
    script.write_text(SCRIPT, encoding="utf-8")
    mark = plant(here)
    (here / "e.txt").write_text("".join(f"Das Haus Nummer {i} steht leer.\n" for i in range(PAIRS)), encoding="utf-8")
    (here / "ref.en").write_text("".join(f"House {i} is empty.\n" for i in range(PAIRS)), encoding="utf-8")
    (here / "s.txt").write_text("Das ist ein Haus.\nEs ist alt.\n", encoding="utf-8")
    for name, arguments in commands.items():
        done = subprocess.run(
            [sys.executable, script, *arguments],
            cwd=here,
            env=environment(PYTHONPATH=str(ROOT)),
            input=b"Ja.\n",
            capture_output=True,
            timeout=300,
        )
        ran = mark.read_text().split() if mark.exists() else []
        mark.unlink(missing_ok=True)
        problem = f"{name}: status {done.returncode}: {done.stderr.decode()[-900:]}" if done.returncode else ""
        tally.add(f"{name}: ran {sorted(set(ran))[:5]}" if ran else problem)
    return tally


def test_nothing_in_the_working_folder_is_imported(tmp_path: Path) -> None:
    """By no command, nor by a process that it starts; and all of them do their work."""
    check([partial(run_among_modules, tmp_path / "planted", COMMANDS)])


@pytest.mark.slow
def test_nor_by_the_workers_of_a_cluster(tmp_path: Path) -> None:
    """Ray puts the folder that it is begun in into its workers' path."""
    check([partial(run_among_modules, tmp_path / "ray", {"ray": RAY})])


@pytest.mark.parametrize("path", ["{root}:", ":{root}", "{root}:.", "x:{root}"])
def test_an_empty_name_in_the_path_is_no_folder(path: str, tmp_path: Path) -> None:
    """`PYTHONPATH=$PYTHONPATH:/x` begins with one where the variable was not set."""
    code = "import sys; from translate.__main__ import main; sys.argv[1:] = ['--version']\ntry: main()\nfinally: import os; print(sys.path, os.environ.get('PYTHONPATH'))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment(PYTHONPATH=path.format(root=ROOT)),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    found = done.stdout.splitlines()[-1]
    assert "''" not in found
    assert str(tmp_path) not in found
    assert "'.'" not in found
    assert found.endswith(f"] {ROOT}")
