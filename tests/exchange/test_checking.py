"""Translations that anyone made: what can be read as rows, what is doubted of them, and what is said of what cannot be read."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.command import command, environment
from translate.exchange.checking import check_file, format_checked
from translate.records import Flag, InputError

WRONG = {"source": "Rund 2.500 Menschen kamen.", "target": "About 2.500 people came."}
RIGHT = {"source": "Rund 2.500 Menschen kamen.", "target": "About 2,500 people came."}


def check(path: Path, text: str | bytes) -> list[dict[str, object]]:
    """The rows of a file of this text, as they are written."""
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return [json.loads(format_checked(row)) for row in check_file(str(path))]


def run(folder: Path, *arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
    """`translate check` in a folder."""
    return subprocess.run(
        command("check", *arguments),
        cwd=folder,
        env=environment(),
        input=text,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_rows_of_json_keep_what_else_they_hold(tmp_path: Path) -> None:
    """In their order, with our flags, and with those that only tell how a row was made."""
    first = {"id": 7, **WRONG, "flags": ["split", "echo", "mine"], "more": {"a": [1, 2.5, None, "ä\u2028"]}}
    rows = check(tmp_path / "a.jsonl", json.dumps(first) + "\n" + json.dumps({**RIGHT, "id": 8}) + "\n")
    assert rows[0] == {**first, "flags": ["split", "number-mismatch"]}
    assert list(rows[0]) == list(first)
    assert rows[1] == {**RIGHT, "id": 8, "flags": []}


@pytest.mark.parametrize("head", ["", "source\ttarget\n", "\n \n"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_rows_of_two_columns(head: str, end: str, tmp_path: Path) -> None:
    """With or without names on top; the last line may have no end."""
    text = (head + "Ja.\tYes.\n\nEs kamen 5.\tSix came.").replace("\n", end)
    assert check(tmp_path / "a.tsv", text) == [
        {"source": "Ja.", "target": "Yes.", "flags": []},
        {"source": "Es kamen 5.", "target": "Six came.", "flags": ["number-mismatch"]},
    ]


def test_an_empty_file_has_no_rows(tmp_path: Path) -> None:
    """Which is no error."""
    assert check(tmp_path / "a.tsv", "") == check(tmp_path / "b.tsv", "\n\n") == []


def test_other_encodings_are_told_by_their_mark(tmp_path: Path) -> None:
    """As everywhere."""
    assert check(tmp_path / "a.tsv", "Größe 5\tsize 6\n".encode("utf-16"))[0]["flags"] == ["number-mismatch"]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('{"source": "Ja."}', "no field 'target'"),
        ('{"source": "Ja.", "target": null}', "the field 'target' is no text"),
        ('{"source": "Ja.", "target": "Yes."', "no JSON (Expecting ',' delimiter at character 36)"),
        ('{"source": "Ja.", "target": "Yes.", "x": NaN}', "NaN is no number of JSON"),
        ('{"source": "Ja.", "target": "Yes.", "x": 1e999}', "Out of range float values are not JSON compliant"),
        ("[1]", "JSON, but no object"),
        ("Ja.\tYes.", "no JSON"),
        ('{"x":' + "[" * 100_000, "JSON that is nested too deep"),
    ],
)
def test_what_is_no_row_is_named(line: str, problem: str, tmp_path: Path) -> None:
    """With file and line, before the first row comes."""
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps(RIGHT) + "\n\n" + line + "\n", encoding="utf-8")
    with pytest.raises(InputError) as caught:
        check_file(str(path))
    assert "a.jsonl' line 3: " in caught.value.message
    assert problem in caught.value.message
    assert "two columns" in caught.value.hint


@pytest.mark.parametrize(("text", "columns"), [("Ja.\n", "1 column,"), ("Ja.\tYes.\n1\t2\t3\n", "3 columns,")])
def test_another_number_of_columns_is_an_error(text: str, columns: str, tmp_path: Path) -> None:
    """A tab within a text would move everything behind it."""
    with pytest.raises(InputError, match=columns):
        check(tmp_path / "a.tsv", text)


@pytest.mark.parametrize(
    ("source", "target", "lost"),
    [
        ("Hallo {name}!", "Hello {name}!", ""),
        ("Hallo {name}!", "Hello name!", "{name}"),
        ("Noch %d Dateien", "%d files left", ""),
        ("Noch %d Dateien", "Files left", "%d"),
        ("<p>Eins</p><p>Zwei</p>", "<p>One</p>Two", "<p>"),
        ("Siehe config.yaml.", "See config.yml.", "config.yaml"),
        ("20 EUR für A4", "20 euros for A4", ""),
    ],
)
def test_what_must_stay_is_looked_for(source: str, target: str, lost: str, tmp_path: Path) -> None:
    """Placeholders, tags, names of files: as often as in the source."""
    (tmp_path / "a.jsonl").write_text(json.dumps({"source": source, "target": target}), encoding="utf-8")
    (row,) = check_file(str(tmp_path / "a.jsonl"))
    reasons = [doubt.reason for doubt in row.doubts if doubt.flag == Flag.PROTECTED_LOST]
    assert [reason.split(",")[0] for reason in reasons] == [f"source has {lost}"] * bool(lost)


def test_half_a_character_is_written_as_it_was(tmp_path: Path) -> None:
    """JSON can spell it; UTF-8 cannot hold it."""
    rows = check(tmp_path / "a.jsonl", '{"source":"Ja.","target":"Yes.","x":"\\ud800"}\n')
    assert rows[0]["x"] == "\ud800"


def test_rows_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    """A row comes before the next is read, and ten thousand take no more memory than a few."""
    read = 0

    def lines() -> Iterator[bytes]:
        nonlocal read
        for read in range(1, 10_001):
            yield f"Es kamen {read} Leute.\t{read} people came.\n".encode()

    class Stream(io.RawIOBase):
        rest = b""
        more = lines()

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
            self.rest = self.rest or next(self.more, b"")
            size = min(len(buffer), len(self.rest))
            buffer[:size], self.rest = self.rest[:size], self.rest[size:]
            return size

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(Stream(), 4096)))
    rows = check_file("-")
    assert next(rows).line == 1
    assert read < 1000
    tracemalloc.start()
    assert sum(1 for _ in rows) == 9_999
    assert tracemalloc.get_traced_memory()[1] < 5_000_000
    tracemalloc.stop()


def test_the_command_says_what_is_wrong_in_words(tmp_path: Path) -> None:
    """Line, flag and reason of each doubted row, and how often each flag was raised."""
    (tmp_path / "a.tsv").write_text("Ja.\tYes.\nRund 2.500 kamen.\tAbout 2.500 came.\n", encoding="utf-8")
    done = run(tmp_path, "a.tsv")
    assert done.stdout.split("\n") == [
        "a.tsv:2: number-mismatch: source has 2.500, target has 2.500: a thousand times less",
        "    Rund 2.500 kamen.",
        "    About 2.500 came.",
        "2 rows, 1 doubted",
        "flags: number-mismatch 1",
        "",
    ]
    assert (done.returncode, done.stderr) == (0, "")


def test_json_has_every_row_and_strict_ends_with_3(tmp_path: Path) -> None:
    """Counts go to standard error; rows that are all right end with 0."""
    text = f"{json.dumps(RIGHT)}\n{json.dumps(WRONG)}\n"
    done = run(tmp_path, "-", "--json", "--strict", text=text)
    assert [json.loads(line)["flags"] for line in done.stdout.splitlines()] == [[], [Flag.NUMBER_MISMATCH]]
    assert done.returncode == 3
    assert "2 rows, 1 doubted" in done.stderr
    done = run(tmp_path, "-", "--strict", "--quiet", text=json.dumps(RIGHT))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_bad_file_leaves_standard_output_empty(tmp_path: Path) -> None:
    """Nothing is half written: one error, and status 1."""
    (tmp_path / "a.jsonl").write_text(f"{json.dumps(WRONG)}\n{{}}\n", encoding="utf-8")
    done = run(tmp_path, "a.jsonl", "--json")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: 'a.jsonl' line 2: no field 'source'\nhint: ")
    for name in ("missing.tsv", "."):
        done = run(tmp_path, name)
        assert (done.returncode, done.stdout, done.stderr[:6]) == (1, "", "error:")
