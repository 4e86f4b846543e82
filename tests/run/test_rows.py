"""Rows, run.json, and files that are complete or not there."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from translate.records import Flag, OutputError, Row, format_signature, parse_signature
from translate.run.record import DocumentRecord, RunRecord, check_signature, read_run, write_run
from translate.run.rows import count_flags, format_row, parse_row, read_rows, rows_path, text_path
from translate.storage import write_atomically

ROW = Row("data/a.txt", 0, 0, 0, 5, "Hallo", "Hello", -0.41, (Flag.RETRIED,))
RUN = RunRecord(
    {"model": "x", "beams": "4"}, {"name": "x"}, {}, {}, {}, {"a.txt": DocumentRecord("00", 3, {"loop": 1})}
)


def test_a_row_is_the_line_that_the_contract_shows() -> None:
    """Field for field, in this order, without blanks."""
    line = '{"doc":"data/a.txt","paragraph":0,"sentence":0,"start":0,"end":5,"source":"Hallo","target":"Hello","score":-0.41,"flags":["retried"]}'
    assert format_row(ROW) == line
    assert parse_row(line) == ROW


@given(st.text(st.characters(exclude_categories=["Cs"])), st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_makes_one_line_and_comes_back(source: str, target: str) -> None:
    """Whatever a reader of lines takes for a line end is escaped."""
    row = Row("a", 0, 0, 0, 1, source, target, None)
    line = format_row(row)
    assert len(line.splitlines()) == 1
    assert parse_row(line) == row
    assert json.loads(line)["score"] is None


def test_rows_are_read_by_the_tools_of_the_field(tmp_path: Path) -> None:
    """One JSON object a line, UTF-8, \\n."""
    (tmp_path / "a.jsonl").write_text(format_row(ROW) + "\n", encoding="utf-8", newline="\n")
    assert list(read_rows(tmp_path / "a.jsonl")) == [ROW]
    (tmp_path / "b.jsonl").write_text(format_row(ROW) + '\n{"a":1}\n', encoding="utf-8")
    with pytest.raises(OutputError, match=r"b.jsonl' line 2: not a row"):
        list(read_rows(tmp_path / "b.jsonl"))


@pytest.mark.parametrize(
    ("document", "rows", "text"),
    [
        ("data/a.txt", "out/data/a.jsonl", "out/data/a.en.txt"),
        ("a.md", "out/a.md.jsonl", "out/a.en.md"),
        ("a", "out/a.jsonl", "out/a.en.txt"),
    ],
)
def test_places(document: str, rows: str, text: str) -> None:
    """.txt becomes .jsonl, another ending is kept before it."""
    assert rows_path(Path("out"), document) == Path(rows)
    assert text_path(Path("out"), document) == Path(text)


def test_a_file_is_there_when_it_is_complete(tmp_path: Path) -> None:
    """What fails half way leaves nothing, and not the old file's half either."""
    path = tmp_path / "d" / "a.jsonl"
    with write_atomically(path) as file:
        file.write("old\n")
    with suppress(RuntimeError), write_atomically(path) as file:
        file.write("new")
        raise RuntimeError
    assert path.read_text() == "old\n"
    assert os.listdir(path.parent) == ["a.jsonl"]


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """A folder that is a file, a name that is too long."""
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file" / "a.jsonl", tmp_path / f"{'n' * 250}.jsonl"):
        with pytest.raises(OutputError, match="cannot write"), write_atomically(path):
            pass
    assert os.listdir(tmp_path) == ["file"]


def test_run_json_comes_back(tmp_path: Path) -> None:
    """As it was written; None where there is none; named where it is damaged."""
    assert read_run(tmp_path) is None
    write_run(tmp_path, RUN)
    assert read_run(tmp_path) == RUN
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(OutputError, match=r"cannot read '.*run.json'"):
        read_run(tmp_path)


def test_another_signature_is_refused_by_what_differs(tmp_path: Path) -> None:
    """Field by field, those that only one side has among them."""
    write_run(tmp_path, RUN)
    assert check_signature(tmp_path, RUN.signature) == RUN
    with pytest.raises(OutputError) as caught:
        check_signature(tmp_path, {"model": "x", "beams": "1", "dtype": "float32"})
    assert caught.value.message.endswith("other settings: beams 4 → 1; dtype (none) → float32")
    assert "--overwrite" in caught.value.hint


@pytest.mark.parametrize(
    ("batch", "option"), [("2048-tokens", "--batch-tokens 2048"), ("8-sentences", "--batch-size 8")]
)
def test_another_batch_is_refused_with_the_option_that_goes_on(batch: str, option: str, tmp_path: Path) -> None:
    """If nothing else differs; the default may have changed with the machine or a measurement."""
    run = replace(RUN, signature={**RUN.signature, "batch": batch})
    write_run(tmp_path, run)
    with pytest.raises(OutputError) as caught:
        check_signature(tmp_path, {**run.signature, "batch": "512-tokens"})
    assert caught.value.hint.startswith(f"{option} to go on")
    with pytest.raises(OutputError) as caught:
        check_signature(tmp_path, {**run.signature, "batch": "512-tokens", "beams": "1"})
    assert option not in caught.value.hint


def test_signatures_are_written_like_sacrebleu_s() -> None:
    """key:value|key:value, and back."""
    assert format_signature(RUN.signature) == "model:x|beams:4"
    assert parse_signature("model:x|beams:4|engine:a:b") == {"model": "x", "beams": "4", "engine": "a:b"}


def test_flags_are_counted_in_their_order() -> None:
    """Those that never stand are left out."""
    assert list(count_flags([Flag.RETRIED, Flag.LOOP, Flag.RETRIED]).items()) == [("loop", 1), ("retried", 2)]


def test_a_planted_link_is_not_written_through(tmp_path: Path) -> None:
    """The temporary file is begun anew, whatever lies in its place."""
    with write_atomically(tmp_path / "a.jsonl") as file:
        temporary = next(path for path in tmp_path.iterdir() if path.suffix == ".tmp")
        file.write("old\n")
    (tmp_path / "victim").write_text("mine")
    temporary.symlink_to("victim")
    with write_atomically(tmp_path / "a.jsonl") as file:
        file.write("new\n")
    assert (tmp_path / "victim").read_text() == "mine"
    assert (tmp_path / "a.jsonl").read_text() == "new\n"


def test_json_that_is_nested_without_end_is_named(tmp_path: Path) -> None:
    """In run.json and in rows."""
    (tmp_path / "run.json").write_text("[" * 100_000)
    with pytest.raises(OutputError, match="cannot read"):
        read_run(tmp_path)
    (tmp_path / "a.jsonl").write_text("[" * 100_000 + "\n")
    with pytest.raises(OutputError, match="line 1"):
        list(read_rows(tmp_path / "a.jsonl"))
