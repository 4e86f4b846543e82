"""The reference pages' tables, made from the code: options of each command, fields of rows and of run.json, flags, settings of a
model; and the JSON Schema of a row.

python benchmarks/reference.py           write them between the marks in the pages of docs/
python benchmarks/reference.py --check   end with status 1 if a page is not what the code says
"""

from __future__ import annotations

import argparse
import ast
import inspect
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import typer

from pages import insert_block
from translate.cli.app import app
from translate.model.generation import ALL, SETTINGS, Harmless, Honoured
from translate.records import Flag, Origin, Row, Settings
from translate.run.record import DocumentRecord, RunRecord

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"


TAKES = {"int": "N", "integer": "N", "float": "X", "str": "TEXT", "text": "TEXT", "path": "PATH"}
"""What an option takes that does not say it itself."""


def one_line(text: str) -> str:
    """The text as a cell of a table. Outside of code nothing in it is Markdown or HTML."""
    parts = " ".join(text.split()).replace("|", "\\|").split("`")
    parts[::2] = [part.replace("<", "&lt;").replace("*", "\\*") for part in parts[::2]]
    return "`".join(parts)


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table in Markdown."""
    names = list(head)
    lines = [names, ["---"] * len(names), *rows]
    return "\n".join(f"| {' | '.join(map(one_line, line))} |" for line in lines)


def option_row(parameter: Any) -> tuple[str, str]:
    """An option's names with what they take, and its help with the default."""
    names = ", ".join(f"`{name}`" for name in (*parameter.opts, *parameter.secondary_opts))
    default, text = parameter.default, parameter.help or ""
    if not parameter.is_flag:
        takes = parameter.metavar or TAKES.get(parameter.type.name.split()[0], "")
        names += f" `{takes}`" if takes else ""
    elif default and parameter.secondary_opts:
        default = parameter.opts[0]
    shown = not (default is None or default is False or callable(default) or not str(default))
    return names, f"{text} Default: `{default}`." if shown else text


def commands() -> Iterator[tuple[str, Any]]:
    """Each command of the program."""
    yield from getattr(typer.main.get_command(app), "commands").items()  # noqa: B009  # a group, whatever it is typed as


def panels(parameters: Iterable[Any]) -> dict[str, list[Any]]:
    """The options as `--help` groups them."""
    found: dict[str, list[Any]] = {}
    for parameter in parameters:
        if not getattr(parameter, "hidden", False) and "--help" not in parameter.opts:
            found.setdefault(getattr(parameter, "rich_help_panel", None) or "", []).append(parameter)
    return found


def options() -> str:
    """All commands with their options."""
    parts = []
    for name, command in commands():
        arguments = [p for p in command.params if p.param_type_name == "argument"]
        parts.append(f"## translate {name}\n\n{inspect.cleandoc(command.help or '').splitlines()[0]}")
        parts += [f"`{p.metavar or p.name}`: {one_line(p.help)}" for p in arguments]
        for title, held in panels(p for p in command.params if p.param_type_name == "option").items():
            parts += [f"**{title}**"] * bool(title)
            parts.append(table(("option", "what it does"), map(option_row, held)))
    return "\n\n".join(parts)


def documented_fields(record: type) -> dict[str, tuple[str, str]]:
    """Field of a record → its type as written, and the docstring below it."""
    body = ast.parse(inspect.getsource(record)).body[0]
    if not isinstance(body, ast.ClassDef):
        raise TypeError(f"{record} is no class")
    found = {}
    for node, after in zip(body.body, [*body.body[1:], None], strict=True):
        if not isinstance(node, ast.AnnAssign):
            continue
        if not (isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)):
            raise ValueError(f"{record.__name__}.{ast.unparse(node.target)} has no docstring")
        found[ast.unparse(node.target)] = ast.unparse(node.annotation), str(after.value.value)
    return found


def fields(record: type) -> str:
    """The fields of a record, each with the docstring below it."""
    rows = [(f"`{name}`", said) for name, (_, said) in documented_fields(record).items()]
    return table(("field", "what it holds"), rows)


SCHEMA = ROOT / "translate/run/row.schema.json"
TYPES: dict[str, dict[str, Any]] = {
    "str": {"type": "string"},
    "int": {"type": "integer", "minimum": 0},
    "float | None": {"type": ["number", "null"]},
    "tuple[Flag, ...]": {"type": "array", "uniqueItems": True, "items": {"enum": [flag.value for flag in Flag]}},
    "str | int | None": {"type": ["string", "integer"]},
    "Origin | None": {"enum": [origin.value for origin in Origin]},
}
"""A field's type → what JSON Schema calls it."""


def schema() -> str:
    """The JSON Schema of a row: the fields of the record; `origin` and `id` may be missing."""
    documented = documented_fields(Row)
    properties = {name: {**TYPES[kind], "description": said} for name, (kind, said) in documented.items()}
    whole = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A row of translate",
        "description": "One line of an output file: a sentence, where it stands, and its translation.",
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in ("origin", "id")],
        "additionalProperties": False,
    }
    return json.dumps(whole, ensure_ascii=False, indent=2) + "\n"


def flags() -> str:
    """The flags, each with what it means."""
    return table(("flag", "what it says of the row"), ((f"`{flag.value}`", flag.meaning) for flag in Flag))


def generation() -> str:
    """What becomes of each setting of a model's generation_config.json."""
    rows = []
    for name, rule in SETTINGS.items():
        if isinstance(rule, Honoured):
            what = (
                "honoured"
                if rule.engines == ALL
                else f"honoured by {', '.join(sorted(rule.engines))}; refused by the others"
            )
        else:
            what = f"{'changes nothing' if isinstance(rule, Harmless) else 'refused'}: {rule.why}"
        rows.append((f"`{name}`", what))
    return table(("setting", "what becomes of it"), rows)


BLOCKS = {
    "options": ("options.md", options),
    "row": ("files.md", lambda: fields(Row)),
    "flags": ("files.md", flags),
    "run": ("files.md", lambda: fields(RunRecord)),
    "document": ("files.md", lambda: fields(DocumentRecord)),
    "settings": ("files.md", lambda: fields(Settings)),
    "generation": ("own-model.md", generation),
}
"""Block → the page that holds it, and what makes it."""


def main() -> None:
    """Write the blocks, or check them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    stale = []
    for page in sorted({page for page, _ in BLOCKS.values()}):
        before = text = (DOCS / page).read_text(encoding="utf-8")
        for name, (place, make) in BLOCKS.items():
            text = insert_block(text, name, make()) if place == page else text
        stale += [page] * (text != before)
        if not check:
            (DOCS / page).write_text(text, encoding="utf-8")
    if not SCHEMA.is_file() or SCHEMA.read_text(encoding="utf-8") != schema():
        stale.append(SCHEMA.name)
        if not check:
            SCHEMA.write_text(schema(), encoding="utf-8")
    if check and stale:
        sys.exit(f"not what the code says: {', '.join(stale)}; run python benchmarks/reference.py")


if __name__ == "__main__":
    main()
