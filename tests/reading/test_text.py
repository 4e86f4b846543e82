"""`translate show` on a terminal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.helpers.command import Command
from tests.helpers.runs import write_rows
from translate.records import Flag, Origin, Row

ROWS = [
    Row("d/a.txt", 0, 0, 0, 5, "Eins.", "One.", -0.5),
    Row("d/a.txt", 0, 1, 6, 11, "Zwei.", "Two. " * 30, -0.5, (Flag.LOOP, Flag.RETRIED)),
    Row("d/a.txt", 1, 2, 12, 14, "12", "12", None, (Flag.PASSTHROUGH,)),
    Row("b.txt", 0, 0, 0, 5, "\x1b[2J", "Three.", None, (), Origin.HUMAN),
]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A run of two documents."""
    return write_rows(tmp_path / "out" / "m", ROWS).parent


def test_articles_side_by_side(out: Path, translate: Command) -> None:
    """Paragraphs in both languages, doubts below with file, line and reason; nothing moves the cursor; no line too long."""
    done = translate("show", COLUMNS="80")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert "d/a.txt (3 rows, 1 with flags)" in lines
    assert lines[lines.index("  Eins. Zwei.") + 1].startswith("    One. Two. Two.")
    joined = " ".join(line.strip(" !") for line in lines)
    assert (
        f"out/m/d/a.jsonl:2: loop (target repeats itself where the source does not); retried ({Flag.RETRIED.meaning})"
        in joined
    )
    assert "out/m/b.jsonl:1: corrected by a person" in joined
    assert "\x1b" not in done.stdout
    assert max(map(len, lines)) <= 80
    assert done.stderr.splitlines() == [
        "flags: human 1, loop 1, retried 1, passthrough 1",
        "rows with one of them, with file and line: translate show out/m --flag NAME",
    ]


@pytest.mark.parametrize(
    ("flags", "shown"),
    [
        (("loop",), ["out/m/d/a.jsonl:2"]),
        (("passthrough",), ["out/m/d/a.jsonl:3"]),
        (("any",), ["out/m/d/a.jsonl:2"]),
        (("human", "passthrough"), ["out/m/b.jsonl:1", "out/m/d/a.jsonl:3"]),
        (("echo",), []),
    ],
)
def test_rows_with_a_flag(flags: tuple[str, ...], shown: list[str], out: Path, translate: Command) -> None:
    """With file and line; several flags are any of them; `any` is each that is a doubt."""
    options = [word for flag in flags for word in ("--flag", flag)]
    done = translate("show", "out", *options)
    heads = [": ".join(line.split(": ")[:1]) for line in done.stdout.splitlines() if not line.startswith(" ")]
    assert heads == shown
    found = [json.loads(line) for line in translate("show", *options, "--json").stdout.splitlines()]
    assert len(found) == len(shown)


def test_one_file_and_wrong_use(out: Path, translate: Command) -> None:
    """A file of rows can be shown alone; unknown flags, and options that do not go together, are wrong usage."""
    assert "b.txt" not in translate("show", "out/m/d/a.jsonl").stdout
    assert translate("show", "out", "--flag", "nonsense").returncode == 2
    assert translate("show", "out", "--html", "x.html", "--flag", "loop").returncode == 2
    assert translate("show", "out", "--html", "out").returncode == 1
    assert translate("show", "").returncode == 2


def test_hints_name_the_command(translate: Command, tmp_path: Path) -> None:
    """The closing lines of a run, and --strict."""
    (tmp_path / "a.txt").write_text("Das Zeichen 漢 ist schön.")
    command = "translate show out/tiny-de-en --flag unknown-token"
    done = translate("a.txt", "--engine", "echo", "--model", "tiny-de-en", "--strict")
    assert done.returncode == 3
    assert done.stderr.splitlines()[-3:] == [
        f"to see them: {command}",
        "error: --strict, and some rows are flagged: unknown-token 1",
        f"hint: to see them: {command}",
    ]
    assert "漢" in translate(*command.split()[1:]).stdout
