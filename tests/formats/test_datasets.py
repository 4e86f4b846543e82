"""A dataset's column: rows with ids, and the dataset with one more column, everything else as it was."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.helpers.command import Command, rows

LINES = (
    '{"nr": "x1", "text": "Guten Tag. Es regnet.\\nJa.", "n": 1.50}\n'
    '\n{"nr": "x2", "text": "", "n": null}\n{"nr": "x3", "text": null}\n{"nr":"x4","text":"Wo?","meta":{"a":[1,2]} }\n'
)
ECHO = ("--model", "tiny-de-en", "--engine", "echo")


def test_json_lines_come_back_with_one_more_field(translate: Command, tmp_path: Path) -> None:
    """Offsets count in the record's text; each line is as it was, down to its numbers, but for the new field."""
    (tmp_path / "a.jsonl").write_text(LINES, encoding="utf-8")
    done = translate("a.jsonl", "--field", "text", "--id", "nr", "--text", *ECHO)
    assert done.returncode == 0, done.stderr
    out = tmp_path / "out" / "tiny-de-en"
    found = rows(out / "a.jsonl.jsonl")
    assert [(row["id"], row["paragraph"], row["sentence"], row["start"]) for row in found] == [
        ("x1", 0, 0, 0), ("x1", 0, 1, 11), ("x1", 1, 2, 22), ("x4", 0, 0, 0),
    ]  # fmt: skip
    made = (out / "a.en.ndjson").read_text(encoding="utf-8").splitlines()
    before = [line for line in LINES.splitlines() if line]
    assert [line.partition(', "text_en"')[0] for line in made] == [
        line.rstrip("}").rstrip() if "meta" not in line else line[:-2] for line in before
    ]
    assert [json.loads(line)["text_en"] for line in made] == ["Tag. Guten regnet. Es\nJa.", "", "", "Wo?"]
    assert sorted(path.name for path in out.glob("*.jsonl")) == ["a.jsonl.jsonl"]


def test_packed_and_tables_and_parquet(translate: Command, tmp_path: Path) -> None:
    """Each comes back as what it is; records are numbered where no id is named."""
    with gzip.open(tmp_path / "a.jsonl.gz", "wt", encoding="utf-8") as file:
        file.write('{"text": "Guten Tag"}\n')
    (tmp_path / "b.csv").write_text('id;text\n1;"Guten ""Tag""; ja"\n2;Wo?\n', encoding="utf-8-sig")
    (tmp_path / "c.tsv").write_text('text\tx\nzwei "Zoll\t1\n'.replace('"', ""), encoding="utf-8")
    pq.write_table(pa.table({"k": pa.array([1, 2], pa.int8()), "text": ["Guten Tag", None]}), tmp_path / "d.parquet")
    names = ["a.jsonl.gz", "b.csv", "c.tsv", "d.parquet"]
    done = translate(*names, "--field", "text", "--text", *ECHO)
    assert done.returncode == 0, done.stderr
    out = tmp_path / "out" / "tiny-de-en"
    assert [[row["id"] for row in rows(out / f"{name}.jsonl")] for name in names] == [[0], [0, 1], [0], [0]]
    assert json.loads(gzip.decompress((out / "a.en.jsonl.gz").read_bytes())) == {
        "text": "Guten Tag",
        "text_en": "Tag Guten",
    }
    with (out / "b.en.csv").open(encoding="utf-8", newline="") as file:
        assert next(csv.reader(file, delimiter=";")) == ["id", "text", "text_en"]
    assert (out / "c.en.tsv").read_text(encoding="utf-8").splitlines()[0] == "text\tx\ttext_en"
    table = pq.read_table(out / "d.en.parquet")
    assert table.schema.field("k").type == pa.int8()
    assert table.column("text_en").to_pylist() == ["Tag Guten", ""]


@pytest.mark.parametrize(
    ("name", "text", "options", "said"),
    [
        ("a.jsonl", LINES, [], "which column is to be translated"),
        ("a.jsonl", LINES, ["--field", "txet"], "line 1: no column 'txet'"),
        ("a.jsonl", LINES, ["--field", "n"], "line 1: 'n' is 1.5, no text"),
        ("a.jsonl", '{"text": "a"}\n{"text": \n', ["--field", "text"], "line 2: "),
        ("a.jsonl", '{"text": "a"}\n[1]\n', ["--field", "text"], "line 2 is no object"),
        ("a.jsonl", '{"text": "a", "text_en": "b"}\n', ["--field", "text"], "has a column 'text_en' already"),
        ("a.csv", 'a,text\n1,"offen\n', ["--field", "text"], "line 2: "),
        ("a.csv", "a,text\n1,2,3\n", ["--field", "text"], "line 2 has 3 cells, not 2"),
        ("a.parquet", "kein Parquet", ["--field", "text"], "is no Parquet file"),
        ("a.jsonl.gz", "kein gzip", ["--field", "text"], "cannot read 'a.jsonl.gz'"),
        ("a.txt", "Text", ["--field", "text"], "is no dataset"),
    ],
)
def test_errors_name_line_and_column(
    name: str, text: str, options: list[str], said: str, translate: Command, tmp_path: Path
) -> None:
    """And leave nothing half-written."""
    (tmp_path / name).write_text(text, encoding="utf-8")
    done = translate(name, *options, "--text", *ECHO)
    assert (done.returncode, said in done.stderr) == (1, True), done.stderr
    assert "Traceback" not in done.stderr
    assert not list((tmp_path / "out" / "tiny-de-en").glob("a*"))


def test_options_that_do_not_go_together(translate: Command) -> None:
    """Wrong usage, before anything is read."""
    assert translate("a.jsonl", "--id", "nr").returncode == 2
    assert translate("-", "--field", "text").returncode == 2
