"""Help in groups with examples, and completion in the form that is taught: without the word `run`."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.helpers.command import Command
from translate.cli.app import app, command_names
from translate.cli.help import GROUPS, complete_as_run, group_of

COMMANDS = command_names()


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_groups_and_two_examples(translate: Command, command: str) -> None:
    """Each option once, under a head; two lines that can be typed."""
    lines = translate(command, "--help").stdout.splitlines()
    assert sum(line.strip().startswith("translate ") for line in lines) >= 2
    assert any(line == "What it says, and how it ends:" for line in lines)
    assert sum(line.lstrip().startswith("--help") or " --help" in line.partition("  ")[0] for line in lines) <= 1


def test_every_group_has_options_of_its_own() -> None:
    """No option is in two groups, and `run` leaves none without a group."""
    names = [option for options in GROUPS.values() for option in options]
    assert len(names) == len(set(names))


def complete(directory: Path, shell: str, line: str) -> list[str]:
    """What a shell would offer behind this line."""
    words = line.split(" ")
    variables = {"_TRANSLATE_COMPLETE": f"complete_{shell}"}
    if shell == "bash":
        variables |= {"COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    else:
        variables |= {"_TYPER_COMPLETE_ARGS": line, "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    from tests.helpers.command import command, environment

    done = subprocess.run(
        command(), cwd=directory, env=environment(**variables), capture_output=True, text=True, timeout=60
    )
    return done.stdout.split()


OFFERED = [
    ("translate a.txt --eng", "--engine"),
    ("translate --eng", "--engine"),
    ("translate run --eng", "--engine"),
    ("translate com", "compare"),
    ("translate a.txt --engine n", "native"),
    ("translate a.txt -E tr", "transformers"),
    ("translate a.txt --dtype int", "int8"),
    ("translate bench a.txt --engines native,tr", "native,transformers"),
    ("translate compare a b --fail-under mutual-b", "mutual-bleu="),
    ("translate --model tiny", "tiny-de-en"),
]
"""What is typed, and what is to be offered for it."""


@pytest.mark.parametrize(
    ("shell", "line", "offered"),
    [
        (shell, line, offered)
        for shell in ("bash", "zsh", "fish")
        for line, offered in (OFFERED if shell == "bash" else OFFERED[:1] + OFFERED[4:7])
    ],
)
def test_completion(tmp_path: Path, shell: str, line: str, offered: str) -> None:
    """Options, commands and values, whether or not `run` is typed."""
    assert any(offered in word for word in complete(tmp_path, shell, line))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("translate a.txt --eng", "translate run a.txt --eng"),
        ("translate compare a --j", "translate compare a --j"),
        ("translate comp", "translate comp"),
        ("translate --version", "translate --version"),
        ("translate", "translate"),
        ("translate ", "translate "),
    ],
)
def test_where_run_is_put_in(line: str, expected: str) -> None:
    """Not before a command, nor before a word that may become one; and never outside of completion."""
    variables = {"_TRANSLATE_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": "2"}
    complete_as_run(variables, COMMANDS)
    assert variables["COMP_WORDS"] == expected
    assert variables["COMP_CWORD"] == ("3" if expected != line else "2")
    alone = {"COMP_WORDS": line}
    complete_as_run(alone, COMMANDS)
    assert alone == {"COMP_WORDS": line}


def test_groups_are_found_by_name() -> None:
    """`--json` writes a file in one command and prints in others."""
    from typer.main import get_command

    commands = get_command(app).commands  # type: ignore[attr-defined]  # a group
    groups = {name: {p.opts[0]: group_of(p) for p in commands[name].params} for name in ("run", "compare")}
    assert groups["compare"]["--json"] == "Files"
    assert groups["run"]["--json"] == "What it says, and how it ends"
    assert groups["run"]["--engine"] == "Model and engine"
    assert groups["run"]["files"] == "Arguments"
