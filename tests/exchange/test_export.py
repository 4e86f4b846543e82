"""`translate export`: a run to files of every format."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.command import Command, environment
from tests.helpers.runs import make_rows, write_rows
from translate.cli.exchange import FORMATS as OFFERED
from translate.exchange.export import FORMATS, export
from translate.records import InputError, OutputError, Row

PAIRS = [("Ja.", "Yes."), ("Nein.", "No."), ("Ja.", "Yes.")]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run of two documents."""
    return write_rows(tmp_path / "out" / "m", [*make_rows(PAIRS, "a.txt"), *make_rows(PAIRS, "d/b.txt")]).parent


def test_the_command_offers_what_there_is() -> None:
    """Its list is written out, so that help comes without the formats."""
    assert tuple(FORMATS) == OFFERED


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_written_whole(name: str, run: Path, tmp_path: Path) -> None:
    """To one file, or to a file a document in the run's folders; how far it is is told."""
    told: list[tuple[int, int]] = []
    exported = export(run, name, tmp_path / "x" / "y", lambda *how_far: told.append(how_far))
    assert exported.rows == 6
    written = sorted(str(path.relative_to(tmp_path / "x")) for path in (tmp_path / "x").rglob("*") if path.is_file())
    ending = FORMATS[name].ending
    assert written == ([f"y/a.{ending}", f"y/d/b.{ending}"] if FORMATS[name].by_document else ["y"])
    assert exported.files == len(written)


@pytest.mark.parametrize("name", FORMATS)
def test_a_damaged_row_leaves_nothing_half_written(name: str, run: Path, tmp_path: Path) -> None:
    """File and line are named, an older file stays."""
    (run / "m/a.jsonl").write_text((run / "m/a.jsonl").read_text() + "{}\n")
    place = tmp_path / "x" / ("a." + FORMATS[name].ending if FORMATS[name].by_document else "y")
    place.parent.mkdir()
    place.write_text("older")
    with pytest.raises(OutputError, match=r"a\.jsonl' line 4"):
        export(run, name, tmp_path / "x" if FORMATS[name].by_document else place)
    assert place.read_text() == "older"
    assert os.listdir(place.parent) == [place.name]


def test_places_that_cannot_be_are_named(run: Path, tmp_path: Path) -> None:
    """A folder for a file, a file for a folder, the run's own folder, no run, no document."""
    (tmp_path / "file").write_text("")
    for name, place, message in (
        ("csv", tmp_path, "is a folder"),
        ("txt", tmp_path / "file", "is no folder"),
        ("csv", tmp_path / "file" / "x.csv", "cannot write"),
        ("csv", run / "m" / "x.csv", "in the run's own folder"),
    ):
        with pytest.raises(OutputError, match=message):
            export(run, name, place)
    with pytest.raises(InputError, match="there is no folder"):
        export(tmp_path / "nothing", "csv", tmp_path / "x.csv")
    write_rows(tmp_path / "empty" / "m", [])
    with pytest.raises(InputError, match="no document is done"):
        export(tmp_path / "empty", "csv", tmp_path / "x.csv")
    write_rows(run / "second", make_rows(PAIRS))
    with pytest.raises(InputError, match="several models") as caught:
        export(run, "csv", tmp_path / "x.csv")
    assert "out/m', '" in caught.value.hint


def test_a_missing_package_names_the_extra(run: Path, tmp_path: Path) -> None:
    """Where pyarrow or python-docx is not installed."""
    for name, package, extra in (("parquet", "pyarrow", "parquet"), ("docx", "docx", "docx")):
        code = (
            f"import sys; sys.modules['{package}'] = None; from translate.__main__ import main; "
            f"sys.argv = ['translate', 'export', '{run}', '--to', '{name}', '-o', '{tmp_path}/x']; main()"
        )
        done = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True)
        assert done.returncode == 1, done.stderr
        assert f"error: --to {name} needs the package '{package}'" in done.stderr
        assert f"'.[{extra}]'" in done.stderr


def test_the_command_says_what_it_has_written(run: Path, translate: Command) -> None:
    """One object with --json, nothing else there; wrong usage has status 2."""
    done = translate("export", "out", "--to", "csv", "--output", "x.csv", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"path": "x.csv", "files": 1, "rows": 6}
    assert "6 rows in 1 file: 'x.csv'" in done.stderr
    assert translate("export", "out", "--to", "pdf", "--output", "x").returncode == 2


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak is told by Linux")
def test_many_rows_need_little_memory(tmp_path: Path) -> None:
    """100,000 rows in one file: less than 100 MB for each format of one file but Parquet, whose library alone takes that."""
    text = "Ein Satz von gewöhnlicher Länge, wie er in der Zeitung steht, mit einem Komma und einer Zahl: 12."
    rows = [Row("a.txt", n // 4, n, n * 100, n * 100 + 98, f"{text} {n}", f"{text} {n}", -0.5) for n in range(100_000)]
    write_rows(tmp_path / "out" / "m", rows)
    code = (
        "import sys; from translate.exchange.export import export; from pathlib import Path; "
        "export(Path('out'), sys.argv[1], Path('x.' + sys.argv[1])); "
        "print(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')))"
    )
    for name in ("csv", "tsv", "tmx", "xliff", "parquet"):
        arguments = [sys.executable, "-c", code, name]
        done = subprocess.run(arguments, cwd=tmp_path, env=environment(), capture_output=True, text=True, check=True)
        assert int(done.stdout) < (400_000 if name == "parquet" else 100_000), name
