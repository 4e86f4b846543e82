"""`translate corrections`: what a person has changed, in whatever file, goes before the model in this run and all that follow."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.helpers.command import Command, rows
from tests.helpers.runs import make_rows, write_rows
from translate.exchange.corrections import take_in
from translate.exchange.export import export
from translate.human.corrections import Corrections, Place
from translate.records import InputError, OutputError

ECHO = ("--engine", "echo", "--model", "tiny-de-en", "-q")
TEXT = "Das ist gut. Ja. Das ist alt.\n\nJa. 12,5\n"


@pytest.fixture
def run(translate: Command, tmp_path: Path) -> Path:
    """A run over two documents of the same text."""
    (tmp_path / "data").mkdir()
    for name in ("a", "b"):
        (tmp_path / "data" / f"{name}.txt").write_text(TEXT, encoding="utf-8")
    assert translate("data", *ECHO).returncode == 0
    return tmp_path / "out"


def targets(out: Path, model: str = "tiny-de-en") -> dict[str, list[object]]:
    """Document → English of its rows, those of people with a star."""
    found = {path.stem: rows(path) for path in sorted((out / model).rglob("*.jsonl"))}
    return {name: [f"{row['target']}{'*' * ('origin' in row)}" for row in held] for name, held in found.items()}


@pytest.mark.parametrize("name", ["csv", "tsv", "tmx", "xliff", "jsonl"])
def test_an_edited_file_comes_back(name: str, run: Path, translate: Command, tmp_path: Path) -> None:
    """One sentence, at one of the places where it stands; all else stays as it was, and nothing has to be overwritten."""
    path = tmp_path / f"edited.{name.replace('xliff', 'xlf')}"
    if name == "jsonl":
        path.write_bytes(b"".join((run / f"tiny-de-en/data/{doc}.jsonl").read_bytes() for doc in "ab"))
    else:
        export(run, name, path)
    before = targets(run)
    text = path.read_bytes().decode()
    at = text.index("alt. ist Das" if "alt. ist Das" in text else "alt.")
    word = before["a"][2]
    assert isinstance(word, str)
    at = text.index(word)
    path.write_bytes((text[:at] + "It is old." + text[at + len(word) :]).encode())
    taken = take_in(path, run)
    assert (taken.corrected, taken.kept, taken.unchanged, taken.foreign) == (1, 1, 8, 0)
    assert translate("data", *ECHO).returncode == 0
    after = targets(run)
    assert after["a"] == [*before["a"][:2], "It is old.*", *before["a"][3:]]
    assert after["b"] == [*before["b"][:2], f"{word}*", *before["b"][3:]]  # was left as it is by who saw both
    assert take_in(path, run).corrected == 0  # a pair equal to the row is no correction


def test_a_correction_outlives_the_model(run: Path, translate: Command, tmp_path: Path) -> None:
    """Another model, another number of beams, a replaced run, a new document; no memory is needed."""
    with Corrections(run / "corrections.sqlite") as corrections:
        corrections.add("Ja.", "Yes.", Place("data/a.txt", 1))
        corrections.commit()
    assert translate("data", *ECHO, "--no-memory").returncode == 0
    assert targets(run)["a"].count("Yes.*") == 2  # the only one for this sentence
    for options in (("--beams", "2", "--overwrite"), ("--no-normalize", "--overwrite")):
        assert translate("data", *ECHO, *options).returncode == 0
        assert targets(run)["b"][1] == "Yes.*"
    row = rows(run / "tiny-de-en/data/a.jsonl")[1]
    assert (row["origin"], row["score"], row["flags"]) == ("human", None, [])
    record = json.loads((run / "tiny-de-en/run.json").read_text())
    assert record["documents"]["data/a.txt"]["origins"] == {"human": 2}


def test_places_keep_their_own(run: Path, translate: Command, tmp_path: Path) -> None:
    """The same German in two places with two corrections; sentences that come before them later do not move them."""
    lines = [json.loads(line) for line in (run / "tiny-de-en/data/a.jsonl").read_text().splitlines()]
    lines[1]["target"], lines[3]["target"] = "Yes.", "Right."
    (tmp_path / "edited.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n")
    assert take_in(tmp_path / "edited.jsonl", run).corrected == 2
    (tmp_path / "data/a.txt").write_text(f"Etwas Neues. {TEXT}", encoding="utf-8")
    assert translate("data", *ECHO, "--text").returncode == 0
    found = targets(run)["a"]
    assert (found[2], found[4]) == ("Yes.*", "Right.*")
    assert "Right." in (run / "tiny-de-en/data/a.en.txt").read_text()


def test_two_people_work_on_copies_of_one_export(run: Path, tmp_path: Path) -> None:
    """What the one has left as it was does not undo what the other has corrected."""
    for number, name in ((0, "one"), (2, "two")):
        lines = [json.loads(line) for line in (run / "tiny-de-en/data/a.jsonl").read_text().splitlines()]
        lines[number]["target"] = name
        (tmp_path / f"{name}.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n")
        take_in(tmp_path / f"{name}.jsonl", run)
    with Corrections(run / "corrections.sqlite") as corrections:
        assert corrections.find("Das ist gut.", Place("data/a.txt", 0)) == "one"
        assert corrections.find("Das ist alt.", Place("data/a.txt", 0)) == "two"


def test_a_row_edited_in_its_place_is_known_by_the_memory(run: Path, translate: Command) -> None:
    """In the run's own file; without a memory nobody can say which row that was."""
    path = run / "tiny-de-en/data/a.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    lines[0]["target"], lines[4]["target"] = "That is good.", "12.5"
    path.write_text("\n".join(map(json.dumps, lines)) + "\n")
    taken = take_in(path, run)
    assert (taken.corrected, taken.unchanged) == (2, 3)
    assert translate("data", *ECHO).returncode == 0
    assert targets(run)["a"][0] == "That is good.*"
    assert targets(run)["a"][4] == "12.5*"
    assert take_in(path, run).corrected == 0
    for memory in (run / "tiny-de-en").glob("memory*"):
        memory.unlink()
    with pytest.raises(OutputError, match="no memory that says which rows were edited"):
        take_in(path, run)


def test_pairs_of_no_row_wait(run: Path, translate: Command, tmp_path: Path) -> None:
    """A translator's own memory: what stands in the run, what is empty, and what stands nowhere yet."""
    (tmp_path / "own.csv").write_text("source,target\nDas ist gut.,Good.\nJa.,\nGanz neu.,Brand new.\n")
    taken = take_in(tmp_path / "own.csv", run)
    assert (taken.corrected, taken.foreign, taken.empty) == (2, 1, 1)
    (tmp_path / "data/c.txt").write_text("Ganz neu.")
    assert translate("data", *ECHO).returncode == 0
    assert targets(run)["c"] == ["Brand new.*"]
    assert targets(run)["a"][0] == "Good.*"


def test_a_bad_file_changes_nothing(run: Path, tmp_path: Path) -> None:
    """Named, with what to do; what stood before the bad line is not kept either."""
    good = (run / "tiny-de-en/data/a.jsonl").read_text().replace("gut.", "anders.")
    for name, content, message in (
        ("a.jsonl", good + "{}\n", r"line 6: not a row"),
        (
            "b.jsonl",
            '{"doc":1,"paragraph":0,"sentence":0,"start":0,"end":1,"source":"x","target":null,"score":null,"flags":[]}',
            "not a row",
        ),
        ("a.docx", "PK", "none of the endings"),
        ("a.tmx", "PK", "line 1"),
        ("a.csv", "x", "no columns"),
        ("none.csv", None, "no file"),
    ):
        if content is not None:
            (tmp_path / name).write_text(content)
        with pytest.raises((InputError, OutputError), match=message) as caught:
            take_in(tmp_path / name, run)
        assert caught.value.hint
    with closing(sqlite3.connect(run / "corrections.sqlite")) as database:
        assert database.execute("SELECT count(*) FROM correction").fetchone() == (0,)


def test_several_models_are_named(run: Path, tmp_path: Path, translate: Command) -> None:
    """One of them has to be chosen; what it gets is for all."""
    write_rows(run / "other", make_rows([("Ja.", "Yes.")], "data/a.txt"))
    (tmp_path / "own.csv").write_text("source,target\nJa.,Yeah.\n")
    done = translate("corrections", "own.csv", "--output", "out")
    assert done.returncode == 1
    assert "error: 'out' holds the runs of several models" in done.stderr
    assert "'out/other', 'out/tiny-de-en'" in done.stderr
    done = translate("corrections", "own.csv", "--output", "out/other", "--json")
    assert json.loads(done.stdout)["path"] == "out/corrections.sqlite"
    assert translate("data", *ECHO).returncode == 0
    assert targets(run)["a"][1] == "Yeah.*"


def test_a_translation_memory_for_a_run(translate: Command, tmp_path: Path) -> None:
    """Exact matches are taken, checked, marked and counted apart; the file is part of the signature; corrections go before it."""
    (tmp_path / "a.txt").write_text("Das sind 12 Häuser. Ja. Nein.")
    units = [("Das sind 12 Häuser.", "These are houses."), ("Ja.", "Yes."), ("Wo?", "Where?")]
    (tmp_path / "own.tmx").write_text(
        "<tmx><body>"
        + "".join(
            f'<tu><tuv xml:lang="de"><seg>{de}</seg></tuv><tuv xml:lang="en"><seg>{en}</seg></tuv></tu>'
            for de, en in units
        )
        + "</body></tmx>"
    )
    done = translate("a.txt", *ECHO, "--translation-memory", "own.tmx", "--json")
    assert json.loads(done.stdout)["from_people"] == {"translation-memory": 2}
    first, second, third = rows(tmp_path / "out/tiny-de-en/a.jsonl")
    assert (first["target"], first["flags"], first["origin"]) == (
        "These are houses.",
        ["number-mismatch"],
        "translation-memory",
    )
    assert (second["origin"], second["score"]) == ("translation-memory", None)
    assert "origin" not in third
    assert translate("a.txt", *ECHO).returncode == 1  # other settings
    (tmp_path / "own.csv").write_text("source,target\nJa.,Yeah.\n")
    assert translate("corrections", "own.csv").returncode == 0
    done = translate("a.txt", *ECHO[:-1], "--translation-memory", "own.tmx")
    assert "1 corrected by people, 1 from the translation memory" in done.stderr
    assert rows(tmp_path / "out/tiny-de-en/a.jsonl")[1]["target"] == "Yeah."
    for name in ("none.tmx", "own.csv"):
        done = translate("a.txt", *ECHO, "--output", "second", "--translation-memory", name)
        assert done.returncode == 1
        assert name in done.stderr
        assert not (tmp_path / "second").exists()
