"""The short-list's file, and `translate shortlist`: what is written is read again, and anything else is refused."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from conftest import Command, rows
from translate.records import EngineError, Model, ModelError, OutputError
from translate.shortlist import Shortlist, check_writable, read_shortlist, write_shortlist

TEXT = "Das ist ein Haus. Wie geht es Ihnen? Ich habe heute zwei Bücher gekauft. Das Haus ist alt. Er liest ein Buch.\n"


def make(model: Model, starts: list[int], tokens: list[int]) -> Shortlist:
    return Shortlist(model.fingerprint, np.array(starts), np.array(tokens, dtype=np.int32))


def test_what_is_written_is_read_again(tiny: Model, tmp_path: Path) -> None:
    """In a folder that was not there; nothing else is left, and the digest tells two tables apart."""
    path, table = tmp_path / "new" / "a.npz", make(tiny, [0, 2, 2, 3], [0, 1, 1])
    write_shortlist(table, path)
    found = read_shortlist(path, tiny)
    assert (found.starts.tolist(), found.tokens.tolist(), found.digest) == ([0, 2, 2, 3], [0, 1, 1], table.digest)
    assert list(path.parent.iterdir()) == [path]
    assert make(tiny, [0, 1, 2, 3], [0, 1, 1]).digest != table.digest


def test_another_model_s_is_refused_by_name(tiny: Model, tmp_path: Path) -> None:
    """With both fingerprints, and the command that makes the right one."""
    write_shortlist(make(tiny, [0, 0, 1], [0]), tmp_path / "a.npz")
    other = replace(tiny, name="other", fingerprint="f" * 64)
    with pytest.raises(
        ModelError, match=f"a.npz' is of another model than 'other': weights {tiny.fingerprint[:12]}"
    ) as caught:
        read_shortlist(tmp_path / "a.npz", other)
    assert "--model other" in caught.value.hint


@pytest.mark.parametrize(
    ("starts", "tokens"),
    [([0, 2, 1, 3], [0, 1, 1]), ([0, 1, 2, 9], [0, 1, 1]), ([1, 2, 3], [0, 0, 0]), ([0, 1, 2], [0, 1]), ([0, 1], [-1])],
)
def test_lists_beyond_the_table_or_the_vocabulary_are_refused(
    tiny: Model, tmp_path: Path, starts: list[int], tokens: list[int]
) -> None:
    """C reads them without looking."""
    write_shortlist(make(tiny, starts, tokens), tmp_path / "a.npz")
    with pytest.raises(ModelError, match="damaged"):
        read_shortlist(tmp_path / "a.npz", tiny)


def test_what_is_no_short_list_is_refused(tiny: Model, tmp_path: Path) -> None:
    """A text, an array, a cut file, none, a folder."""
    write_shortlist(make(tiny, [0] * 5000 + [1], [0]), tmp_path / "cut.npz")
    (tmp_path / "cut.npz").write_bytes((tmp_path / "cut.npz").read_bytes()[:-30])
    (tmp_path / "a.txt").write_text("Ja.", encoding="utf-8")
    (tmp_path / "empty").touch()
    np.save(tmp_path / "array.npy", np.arange(3))
    np.savez(tmp_path / "other.npz", a=np.arange(3))
    for name in ("cut.npz", "a.txt", "empty", "array.npy", "other.npz"):
        with pytest.raises(ModelError, match=f"{name}' is no short-list"):
            read_shortlist(tmp_path / name, tiny)
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(ModelError, match="cannot read"):
            read_shortlist(path, tiny)


def test_what_cannot_be_written_is_said_first(tmp_path: Path) -> None:
    """A folder; a file where a folder would have to be. What is there already stays as it is."""
    (tmp_path / "a.npz").write_text("before", encoding="utf-8")
    check_writable(tmp_path / "a.npz")
    assert (tmp_path / "a.npz").read_text(encoding="utf-8") == "before"
    for path in (tmp_path, tmp_path / "a.npz" / "b.npz"):
        with pytest.raises(OutputError, match="cannot write"):
            check_writable(path)
    assert [path.name for path in tmp_path.iterdir()] == ["a.npz"]


def test_the_commands_make_and_use_one(translate: Command, tmp_path: Path) -> None:
    """The table is in the signature: rows of a run without it are not mixed with its own."""
    (tmp_path / "a.txt").write_text(TEXT, encoding="utf-8")
    made = translate("shortlist", "a.txt", "--model", "tiny-de-en", "--output", "a.npz", "--best", "20")
    assert made.returncode == 0, made.stderr
    assert "learning from 5 of 5 sentences" in made.stderr
    asked = ("a.txt", "--model", "tiny-de-en", "--engine", "native", "--dtype", "float32", "--beams", "1")
    for shortlist in ((), ("--shortlist", "a.npz")):
        done = translate(*asked, *shortlist, "--output", "with" if shortlist else "without")
        if "compiled form" in done.stderr:
            pytest.skip("no C compiler here")
        assert done.returncode == 0, done.stderr
    found = {name: rows(tmp_path / name / "tiny-de-en" / "a.jsonl") for name in ("with", "without")}
    assert [row["target"] for row in found["with"]] == [row["target"] for row in found["without"]]
    signature = json.loads((tmp_path / "with/tiny-de-en/run.json").read_text(encoding="utf-8"))["signature"]
    assert re.search(r"\|shortlist:[0-9a-f]{12}\|", signature)
    mixed = translate(*asked, "--output", "with")
    assert mixed.returncode == 1
    assert re.search(r"other settings: shortlist [0-9a-f]{12} → \(none\)", mixed.stderr)


def test_errors_are_said(translate: Command, tmp_path: Path) -> None:
    """Nothing to learn from, another engine, no such table."""
    (tmp_path / "a.txt").write_text(TEXT, encoding="utf-8")
    (tmp_path / "empty.txt").write_text("1\n", encoding="utf-8")
    run = ("a.txt", "--model", "tiny-de-en", "--shortlist", "no.npz", "--engine")
    for arguments, message, hint in (
        (("shortlist", "empty.txt", "--model", "tiny-de-en"), "no sentence to learn from", "more text"),
        (("shortlist", "none.txt", "--model", "tiny-de-en"), "none.txt", ""),
        (("shortlist", "a.txt", "--model", "tiny-de-en", "--output", "."), "cannot write", "--output"),
        ((*run, "ctranslate2"), "the engine 'ctranslate2' has no short-list", "--engine native"),
        ((*run, "native"), "no.npz", "translate shortlist"),
    ):
        done = translate(*arguments)
        assert done.returncode == 1
        assert re.search(f"^error: .*{message}.*\nhint: .*{hint}", done.stderr, re.MULTILINE), done.stderr
    assert not (tmp_path / "shortlist.npz").exists()


def test_it_needs_the_compiled_form(tiny: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Torch has none."""
    from translate import engine_native_compiled
    from translate.engine import load_engine
    from translate.records import Settings

    write_shortlist(make(tiny, [0] * 8048 + [1], [0]), tmp_path / "a.npz")
    monkeypatch.setattr(engine_native_compiled, "load_library", lambda: None)
    with pytest.raises(EngineError, match="only in its compiled form"):
        load_engine(tiny, Settings(engine="native", device="cpu", shortlist=str(tmp_path / "a.npz")))
