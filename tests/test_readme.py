"""The README's commands run as they are written."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from tests.helpers.command import ROOT, command, environment

README = (ROOT / "README.md").read_text(encoding="utf-8")


def shell_blocks() -> list[str]:
    """What stands between ```sh and ```."""
    return re.findall(r"^```sh\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def test_the_commands_of_the_readme_run(tmp_path: Path) -> None:
    """Each `translate …` line, in order, in a folder that holds what a clone holds; the engine is a dry run's."""
    shutil.copytree(ROOT / "data", tmp_path / "data")
    shutil.copy(ROOT / "models.txt", tmp_path)
    lines = [line for block in shell_blocks() for line in block.splitlines() if line.startswith("translate ")]
    assert len(lines) > 5
    for line in lines:
        words = line.split()[1:]
        files = [
            str(path.relative_to(tmp_path)) for word in words if "*" in word for path in sorted(tmp_path.glob(word))
        ]
        arguments = [word for word in words if "*" not in word]
        translates = words[0] not in ("segment", "models", "run", "--help", "compare", "bench")
        dry = ["--engine", "echo", "--overwrite"] if translates else []
        done = subprocess.run(
            command(*files, *arguments, *dry),
            cwd=tmp_path,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=100,
        )
        assert done.returncode == 0, f"{line}: {done.stderr}"
    assert (tmp_path / "out/tiny-de-en/data/dialog.jsonl").is_file()


def test_the_first_two_commands_set_everything_up() -> None:
    """A virtual environment, the package, the samples; then the package for developers and its tests, as .ci/run does."""
    first, second = shell_blocks()[:2]
    assert first.splitlines() == [
        "python3 -m venv .venv && . .venv/bin/activate",
        "pip install .",
        "translate data/*.txt",
    ]
    assert second.splitlines() == ["pip install '.[dev]'", "pytest -n auto --dist loadfile"]
    assert "<!-- install for tests -->" in README
    assert "README.md" in (ROOT / ".ci/run").read_text(encoding="utf-8")


def test_links_lead_somewhere() -> None:
    """Those within the project."""
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert target.startswith("https://") or (ROOT / target).exists(), target


def test_the_readme_s_row_is_a_row() -> None:
    """With the fields of the contract, in their order."""
    from translate.run.rows import format_row, parse_row

    line = re.findall(r"^```json\n(.*?)\n```$", README, re.MULTILINE | re.DOTALL)[0]
    assert format_row(parse_row(line)) == line


def test_every_flag_and_option_is_in_the_readme() -> None:
    """What a row can hold, and what a user can say."""
    from translate.records import Flag

    for flag in Flag:
        assert f"`{flag.value}`" in README
    shown = subprocess.run(
        command("run", "--help"), capture_output=True, text=True, check=True, env=environment()
    ).stdout
    for option in re.findall(r"--[a-z-]+", shown):
        assert option in README or option in ("--help", "--memory", "--normalize"), option
