"""Rows in the tools of people who work with data: datasets, pandas, Polars, DuckDB, jq; and the row's own schema."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import jsonschema
import pandas
import polars
import pytest

from tests.helpers.command import ROOT, Command, environment, rows
from translate import row_features, row_schema
from translate.human.corrections import ANYWHERE, Corrections
from translate.records import Flag, Origin, Row
from translate.run.rows import CARD_MARK, COLUMNS, format_row

ECHO = ("--engine", "echo", "--model", "tiny-de-en", "-q")


@pytest.fixture
def out(translate: Command, tmp_path: Path) -> Path:
    """A run whose first file gives no tool a hint: no flag, no score, no origin; the second has all three."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data/a.txt").write_text("Erstens.\nZweitens.")
    (tmp_path / "data/b.txt").write_text("Drittens.\n12,5\nDas Zeichen 漢.")
    with_folder = tmp_path / "out"
    with_folder.mkdir()
    with Corrections(with_folder / "corrections.sqlite") as corrections:
        for word in ("Erstens.", "Zweitens."):
            corrections.add(word, f"{word} (en)", ANYWHERE)
        corrections.commit()
    assert translate("data", *ECHO).returncode == 0
    return with_folder / "tiny-de-en"


def test_datasets_loads_a_run_by_itself(out: Path, tmp_path: Path) -> None:
    """By the card beside the rows, whatever the first rows hold; a single file with the features that the package gives."""
    from datasets import load_dataset

    loaded = load_dataset(str(out), cache_dir=str(tmp_path / "cache"))["train"]
    assert loaded.features == row_features()
    assert loaded["doc"][:] == ["data/a.txt"] * 2 + ["data/b.txt"] * 3
    assert loaded["origin"][:] == ["human", "human", None, None, None]
    assert loaded["flags"][3:] == [["passthrough"], ["unknown-token"]]
    assert loaded["score"][0] is None
    files = {"train": str(out / "data/a.jsonl")}
    alone = load_dataset("json", data_files=files, features=row_features(), cache_dir=str(tmp_path / "cache"))["train"]
    assert alone.features == loaded.features
    assert list(COLUMNS) == list(loaded.features)


def test_a_card_that_somebody_has_written_stays(out: Path, translate: Command) -> None:
    """Ours is written anew; it is no document and no row."""
    card = out / "README.md"
    assert CARD_MARK in card.read_text()
    card.write_text(card.read_text().replace("tiny-de-en", "old"))
    assert translate("data", *ECHO).returncode == 0
    assert "tiny-de-en" in card.read_text()
    card.write_text("# Ours\n")
    assert translate("data", *ECHO).returncode == 0
    assert card.read_text() == "# Ours\n"
    assert translate("out", *ECHO).returncode == 1  # no *.txt there


def test_pandas_polars_duckdb(out: Path) -> None:
    """Each reads the rows with its own reader, and counts the same."""
    files = sorted(map(str, out.rglob("*.jsonl")))
    frame = pandas.concat(pandas.read_json(file, lines=True) for file in files)
    assert len(frame) == 5
    assert sum("unknown-token" in flags for flags in frame["flags"]) == 1
    # Polars takes the kind of each column from the first file, and reads what does not fit as null.
    types: Any = polars.from_arrow(row_features().arrow_schema.empty_table()).schema
    table: Any = polars.read_ndjson(files, schema=types)
    assert table.height == 5
    assert table.filter(polars.col("flags").list.contains("unknown-token")).height == 1
    query = f"SELECT count(*), count(*) FILTER (list_contains(flags, 'unknown-token')) FROM read_json('{out}/**/*.jsonl', union_by_name = true)"
    assert duckdb.sql(query).fetchall() == [(5, 1)]


@pytest.mark.skipif(not shutil.which("jq"), reason="needs jq on the path")
def test_jq(out: Path) -> None:
    """A line of the how-to page."""
    wanted = 'select(.flags | index("unknown-token")) | .source'
    files = sorted(map(str, out.rglob("*.jsonl")))
    done = subprocess.run(["jq", "-r", wanted, *files], capture_output=True, text=True, check=True)
    assert done.stdout == "Das Zeichen 漢.\n"


def test_rows_hold_their_schema(out: Path) -> None:
    """Those of a run, and what the writer makes of every flag and origin."""
    checker = jsonschema.Draft202012Validator(row_schema())
    checker.check_schema(row_schema())
    written = [row for path in out.rglob("*.jsonl") for row in rows(path)]
    every = [
        Row("a", 0, 0, 0, 1, "x", "y", score, tuple(Flag), origin)
        for score in (None, -0.5)
        for origin in (None, *Origin)
    ]
    for row in [*written, *(json.loads(format_row(row)) for row in every)]:
        checker.validate(row)


@pytest.mark.parametrize(
    "change",
    [
        {"doc": 1},
        {"paragraph": -1},
        {"score": "high"},
        {"flags": ["unheard-of"]},
        {"flags": None},
        {"origin": "machine"},
        {"more": 1},
    ],
)
def test_what_is_no_row_fails_the_schema(change: dict[str, object]) -> None:
    """A field of another kind, an unknown flag, one field more."""
    row = {**json.loads(format_row(Row("a", 0, 0, 0, 1, "x", "y", None))), **change}
    assert not jsonschema.Draft202012Validator(row_schema()).is_valid(row)


def test_features_without_the_library_are_an_error_that_says_so() -> None:
    """One line, and what to install."""
    code = "import sys; sys.modules['datasets'] = None; import translate; translate.row_features()"
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(PYTHONPATH=str(ROOT)), capture_output=True, text=True
    )
    assert "needs the package 'datasets'" in done.stderr
