"""How the commands present themselves: help with its options in groups, and the completion of what one types.

Rich would draw panels, and costs a tenth of a second at each start; these groups cost nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from typing import Any

import typer
from typer.core import TyperCommand

GROUPS: Mapping[str, Sequence[str]] = {
    "Model and engine": (
        "--model --models-file --engine --device --dtype --beams --length-penalty --batch-size --batch-tokens --normalize "
        "--glossary --protect --translation-memory"
    ).split(),
    "Files": "--output --encoding --text --memory --memory-dir --overwrite --source --reference --html --json --to --history".split(),
    "What is measured": (
        "--engines --dtypes --threads --batch-sizes --baseline --repeats --sentences --seconds --keep --metrics --metric"
    ).split(),
    "Many machines": "--shard --ray --workers --gpus-per-worker".split(),
    "What it says, and how it ends": "--rows --strict --fail-under --fail-on-change --quiet --help".split(),
}
"""Group → its options, in every command that has them. `--json` says something on standard output in some commands."""
ELSE = "Options"


class GroupedCommand(TyperCommand):
    """A command whose help has its options in groups, those of no group before the last one."""

    def format_options(self, ctx: typer.Context, formatter: Any) -> None:  # type: ignore[override]  # Typer's context is its own
        """Write a section a group."""
        sections: dict[str, list[tuple[str, str]]] = {"Arguments": [], **{name: [] for name in [*GROUPS][:-1]}}
        sections |= {ELSE: [], [*GROUPS][-1]: []}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None:
                sections[group_of(parameter)].append(record)
        for name, records in sections.items():
            if records:
                with formatter.section(name):
                    formatter.write_dl(records)


def group_of(parameter: Any) -> str:
    """The group of an option, by its name."""
    if parameter.param_type_name == "argument":
        return "Arguments"
    if parameter.is_flag and "--json" in parameter.opts:
        return [*GROUPS][-1]
    return next((name for name, options in GROUPS.items() if set(options) & set(parameter.opts)), ELSE)


def complete_as_run(variables: MutableMapping[str, str], commands: Sequence[str]) -> None:
    """Where a shell asks for completion, put the word `run` in, as the program itself does when it is called without a command.

    The shells pass what has been typed in variables: bash its words and the number of the one to complete, the others all in one.
    """
    if not any(name.endswith("_COMPLETE") and value.startswith("complete_") for name, value in variables.items()):
        return
    for name in ("COMP_WORDS", "_TYPER_COMPLETE_ARGS"):
        program, space, rest = variables.get(name, "").partition(" ")
        first, more, _ = rest.partition(" ")
        is_whole = bool(more)  # else it is still being typed, and may become a command
        is_command = first in commands or first in ("--version", "--install-completion", "--show-completion")
        if not space or is_command or not (is_whole or first.startswith("-")):
            continue
        variables[name] = f"{program} run {rest}"
        if name == "COMP_WORDS" and variables.get("COMP_CWORD", "").isdecimal():
            variables["COMP_CWORD"] = str(int(variables["COMP_CWORD"]) + 1)


def complete_environment(commands: Sequence[str]) -> None:
    """The same with this process's own variables."""
    complete_as_run(os.environ, commands)


def complete_engine(incomplete: str) -> Iterator[str]:
    """The engines of `--engine`."""
    from translate.engines.base import ENGINES

    yield from (name for name in ("auto", *ENGINES) if name.startswith(incomplete))


def complete_dtype(incomplete: str) -> Iterator[str]:
    """The number types of `--dtype`."""
    from translate.engines.base import DTYPES

    yield from (name for name in DTYPES if name.startswith(incomplete))


def complete_device(incomplete: str) -> Iterator[str]:
    """The devices that a machine may have."""
    yield from (name for name in ("auto", "cpu", "cuda", "mps") if name.startswith(incomplete))


def complete_model(incomplete: str) -> Iterator[str]:
    """The names in models.txt."""
    from translate.model.catalog import list_models
    from translate.records import TranslateError

    try:
        yield from (entry.name for entry, _ in list_models(None) if entry.name.startswith(incomplete))
    except TranslateError:
        return


def complete_list(incomplete: str, names: Sequence[str]) -> Iterator[str]:
    """A list such as `native,tra`: what is there already, and a name that is not."""
    before, comma, last = incomplete.rpartition(",")
    taken = before.split(",")
    yield from (f"{before}{comma}{name}" for name in names if name.startswith(last) and name not in taken)


def complete_engines(incomplete: str) -> Iterator[str]:
    """The engines of `--engines`, a list."""
    from translate.engines.base import ENGINES

    yield from complete_list(incomplete, ("auto", *ENGINES))


def complete_dtypes(incomplete: str) -> Iterator[str]:
    """The number types of `--dtypes`, a list."""
    from translate.engines.base import DTYPES

    yield from complete_list(incomplete, DTYPES)


def complete_metrics(incomplete: str) -> Iterator[str]:
    """The metrics of `--metrics`, a list."""
    yield from complete_list(incomplete, ("bleu", "chrf++", "ter"))


def complete_limit(incomplete: str) -> Iterator[str]:
    """What `--fail-under` may ask for."""
    names = ("bleu", "chrf++", "ter", "identical", "mutual-bleu", "mutual-chrf")
    yield from (f"{name}=" for name in names if f"{name}=".startswith(incomplete))
