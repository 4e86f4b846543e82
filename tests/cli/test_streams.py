"""Standard input, output and error that are closed, full or left by their reader: a status and a sentence, no traceback."""

from __future__ import annotations

import io
import os
import subprocess
from pathlib import Path

import pytest

from tests.helpers.command import Command, command, environment
from translate.cli.streams import Messages, escape

ECHO = ("--engine", "echo", "--model", "tiny-de-en")
STREAMS = {
    "segment, output closed": (("segment", "a.txt"), ">&-", 1, "error: cannot write to standard output: Bad file"),
    "segment, disk full": (("segment", "a.txt"), "> /dev/full", 1, "error: cannot write to standard output: No space"),
    "rows, disk full": (("-", *ECHO), "< a.txt > /dev/full", 1, "error: cannot write to standard output: No space"),
    "models, disk full": (("models",), "> /dev/full", 1, "error: cannot write to standard output: No space"),
    "help, disk full": (("--help",), "> /dev/full", 1, "error: cannot write to standard output: No space"),
    "summary, output closed": (("a.txt", *ECHO, "--json"), ">&-", 1, "error: cannot write to standard output"),
    "files, output closed": (("a.txt", *ECHO), ">&-", 0, "1 document, 3 sentences"),
    "files, errors closed": (("a.txt", *ECHO), "2>&-", 0, ""),
    "files, errors full": (("a.txt", *ECHO), "2> /dev/full", 0, ""),
    "files, all closed": (("a.txt", *ECHO), "<&- >&- 2>&-", 0, ""),
    "input closed": (("-", *ECHO), "<&-", 1, "error: cannot read standard input: Bad file descriptor"),
    "segment, input closed": (("segment", "-"), "<&-", 1, "error: cannot read standard input: Bad file descriptor"),
}


@pytest.mark.parametrize(("arguments", "ends", "status", "said"), STREAMS.values(), ids=STREAMS.keys())
def test_a_stream_that_cannot_be_used(
    arguments: tuple[str, ...], ends: str, status: int, said: str, tmp_path: Path
) -> None:
    """Data that cannot be written is one error; a message that cannot be shown costs nothing."""
    (tmp_path / "a.txt").write_text("Ja gut. Und nun?\nNein.\n", encoding="utf-8")
    shell = ["bash", "-c", f'"$@" {ends}', "bash", *command(*arguments)]
    done = subprocess.run(shell, cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=120)
    assert done.returncode == status, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    if "a.txt" in arguments and status == 0:
        assert (tmp_path / "out/tiny-de-en/a.jsonl").read_text(encoding="utf-8").count("\n") == 3


@pytest.mark.parametrize("arguments", [("segment", "a.txt"), ("a.txt", *ECHO, "--json", "-q")])
def test_a_reader_that_has_gone(arguments: tuple[str, ...], tmp_path: Path) -> None:
    """141, as a program that dies of SIGPIPE, however little there is to write."""
    (tmp_path / "a.txt").write_text("Ja gut.\n", encoding="utf-8")
    process = subprocess.Popen(
        command(*arguments), cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == b""
    assert process.wait(timeout=120) == 141


@pytest.mark.parametrize(
    "arguments",
    [
        ("a.txt", "--engine", "x\x1b[2J"),
        ("a.txt", "--\x1b[2J"),
        ("x\x1b[2J.txt", *ECHO),
        ("a.txt", "--model", "x\x1b[2J"),
        ("models", "--models-file", "x\x1b[2J"),
        ("bench", "a.txt", "--batch-sizes", "x\x1b[2J"),
        ("compare", "x\x1b[2J", "a.txt"),
    ],
)
def test_no_name_reaches_the_terminal_raw(arguments: tuple[str, ...], translate: Command, tmp_path: Path) -> None:
    """Errors, usage errors and tables show what would move the cursor as its code."""
    (tmp_path / "a.txt").write_text("Ja gut.\n", encoding="utf-8")
    done = translate(*arguments)
    assert done.returncode in (1, 2)
    assert "\x1b" not in done.stdout + done.stderr
    assert "\\x1b[2J" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("{file}", "-o", "{out}", *ECHO), 1, "error: the working folder does not exist any more"),
        (("segment", "{file}"), 1, "error: the working folder does not exist any more"),
        (("models",), 1, "error: the working folder does not exist any more"),
        (("--help",), 0, ""),
        (("--version",), 0, ""),
    ],
)
def test_a_working_folder_that_is_gone(arguments: tuple[str, ...], status: int, said: str, tmp_path: Path) -> None:
    """One error and its hint, whatever is asked for; help and version need no folder."""
    (tmp_path / "a.txt").write_text("Ja gut.\n", encoding="utf-8")
    (tmp_path / "gone").mkdir()
    named = [argument.format(file=tmp_path / "a.txt", out=tmp_path / "out") for argument in arguments]
    shell = ["bash", "-c", 'cd "$0" && rmdir "$0" && "$@"', str(tmp_path / "gone"), *command(*named)]
    done = subprocess.run(shell, env=environment(), capture_output=True, text=True, timeout=120)
    assert done.returncode == status, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("streams", [("stdout",), ("stderr",), ("stdout", "stderr")])
def test_a_terminal_that_is_gone(streams: tuple[str, ...], tmp_path: Path) -> None:
    """A run into files ends well all the same."""
    (tmp_path / "a.txt").write_text("Ja gut.\n", encoding="utf-8")
    master, slave = os.openpty()
    output, errors = (slave if name in streams else subprocess.PIPE for name in ("stdout", "stderr"))
    process = subprocess.Popen(command("a.txt", *ECHO), cwd=tmp_path, env=environment(), stdout=output, stderr=errors)
    os.close(slave)
    os.close(master)
    process.communicate(timeout=120)
    assert process.returncode == 0
    assert (tmp_path / "out/tiny-de-en/a.jsonl").is_file()


def test_escape_leaves_text_alone() -> None:
    """Letters of any language, and no control character."""
    assert escape("Größe „gut“ – 中 🙂") == "Größe „gut“ – 中 🙂"
    assert escape("a\n\x1b[31m\x9b\u202eb") == r"a\n\x1b[31m\x9b\u202eb"


def test_a_status_line_makes_way() -> None:
    """For another one, and for a message; it is erased when it is no longer wanted."""
    raw = io.BytesIO()
    messages = Messages(raw, encoding="utf-8", line_buffering=True)
    for status in ("loading, 1 s", "loading, 2 s"):
        messages.show_status(status)
    print("a warning", file=messages)
    messages.show_status("")
    messages.show_status("loading, 3 s")
    messages.show_status("")
    erase = "\r\x1b[K"
    parts = (f"{erase}loading, 1 s", f"{erase}loading, 2 s", f"{erase}a warning\n", f"{erase}loading, 3 s", erase)
    assert raw.getvalue().decode() == "".join(parts)
