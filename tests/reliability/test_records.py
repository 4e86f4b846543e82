"""Files that are read back: rows, run.json, what bench keeps, bench.json. Whatever stands in them, a named error or a record
of the right types; and no name in them leads out of the folder.
"""

from __future__ import annotations

import copy
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.reliability.attack import ECHO, SMALL, Attack, Size, Tally, check, complain, run
from translate.bench.report import read_bench
from translate.compare.comparison import Question, compare
from translate.compare.page import write_page
from translate.compare.report import write_json
from translate.library import read_rows
from translate.records import InputError, Model, OutputError, Settings, TranslateError
from translate.run import advice
from translate.run.record import read_run

VALUES: tuple[object, ...] = (
    *(None, True, False, 0, -1, 1, 1e300, 2**63, 10**40, "", "x", "..", "../../x", "/x", "\0", "\x1b[2J"),
    *("loop", [], [None], ["x"], [[]], {}, {"x": 1}, {"a": {"b": []}}),
)
RAW = ("NaN", "Infinity", "-Infinity", "9e999", '"\\ud800"', '"\\udfff\\ud800"', '"\udcff"', "", "}", "01", "'x'")
"""What stands in JSON's place and is no value, or none that UTF-8 or a page could hold."""
WHOLE = (b"", b"[]", b"null", b"{", b"[" * 100_000, b'{"a":' * 50_000, b"\xff\xfe", b"\0" * 100, b"{}" * 2, b'"x"')
MARK = "@@here@@"

ROW: Mapping[str, Any] = {
    **{"doc": "a.txt", "paragraph": 0, "sentence": 0, "start": 0, "end": 3, "source": "Ja.", "target": "Yes."},
    **{"score": -0.5, "flags": ["loop"]},
}
RUN: Mapping[str, Any] = {
    "signature": "model:x|dtype:float32",
    "model": {"name": "x", "preferred": []},
    "settings": {"beams": 1},
    "versions": {"python": "3"},
    "machine": {"cpus": 1},
    "documents": {"a.txt": {"sha256": "00", "rows": 1, "flags": {"loop": 1}}},
    "timings": {"seconds": 1.0, "load_seconds": 0.1},
    "finished": True,
    "kernels": "",
}
VARIANT = {"engine": "native", "dtype": "auto", "device": "auto", "beams": None, "threads": None}
BATCHING = {"tokens": 512, "size": None}
RECOMMENDATION = {
    "variant": VARIANT,
    "batching": BATCHING,
    "dtype": "float32",
    "device": "cpu",
    "rate": 1.0,
    "reason": "x",
}
KEPT: Mapping[str, Any] = {
    "format": 1,
    "model": "x",
    "entries": [{"machine": {"cpus": 1}, **RECOMMENDATION, "capped": False}],
}
BENCH: Mapping[str, Any] = {
    "format": 1,
    "model": {"name": "x", "revision": None, "fingerprint": "00"},
    "machine": {"cpus": 1},
    "sentences": 2,
    "sample": "00",
    "measurements": [
        {"variant": VARIANT, "batching": BATCHING, "sentences": 2, "seconds": [0.5, 0.5], "source_tokens": 9}
    ],
}


def attacks(size: Size, folder: Path) -> Iterator[Attack]:
    """The rows of this family."""
    for name, (sound, read) in READERS.items():
        yield partial(change_values, name, folder / name.replace(" ", "-"), sound, read, size)
    yield partial(delete_elsewhere, folder / "elsewhere")


def spoil(sound: Mapping[str, Any]) -> Iterator[bytes]:
    """A file with each of its values, at any depth, replaced by another or left out; and files that are no such thing at all."""
    for path in find_paths(sound):
        for value in VALUES:
            yield json.dumps(replaced(sound, path, value)).encode()
        for raw in RAW:
            text = json.dumps(replaced(sound, path, MARK)).replace(f'"{MARK}"', raw)
            yield text.encode(errors="surrogateescape")
        yield json.dumps(replaced(sound, path, MARK, leave_out=True)).encode()
    data = json.dumps(sound).encode()
    yield from (data[:end] for end in range(0, len(data), 7))
    yield from WHOLE


def find_paths(value: object, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where values are: the keys and numbers that lead to each."""
    items = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*above, key)
        yield from find_paths(inner, (*above, key))


def replaced(sound: Mapping[str, Any], path: tuple[Any, ...], value: object, *, leave_out: bool = False) -> Any:
    """A copy with another value there, or none."""
    changed: Any = copy.deepcopy(dict(sound))
    inner = changed
    for key in path[:-1]:
        inner = inner[key]
    if leave_out:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return changed


def read_compared(folder: Path, data: bytes) -> None:
    """Two runs, one with that line, as text, page and JSON that any reader of JSON understands."""
    for name, line in (("one", json.dumps(ROW).encode()), ("two", data)):
        (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / name / "a.jsonl").write_bytes(line + b"\n")
    comparison = compare(Question((folder / "one", folder / "two"), None, None, "utf-8", ("bleu",)))
    write_page(comparison, folder / "page.html")
    write_json(comparison, folder / "all.json")
    json.loads((folder / "all.json").read_text(encoding="utf-8"), parse_constant=refuse_constant)


def refuse_constant(name: str) -> None:
    """NaN and Infinity are no JSON."""
    raise AssertionError(f"{name} in JSON")


def read_whole_run(folder: Path, data: bytes) -> None:
    """run.json and the rows that it names."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "run.json").write_bytes(data)
    (folder / "a.jsonl").write_text(json.dumps(ROW) + "\n", encoding="utf-8")
    found = read_run(folder)
    assert found is not None
    max(found.timings.values(), default=0.0)
    list(read_rows(folder))


def read_kept(folder: Path, data: bytes) -> None:
    """What `translate bench` keeps; it is advice, so that nothing of it ends a run."""
    os.environ["XDG_CACHE_HOME"] = str(folder.absolute())
    model = Model("x", folder, None, "0" * 64)
    path = advice.recommendations_path(model)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    advice.advise(model, Settings())
    advice.keep(model, [])


def read_baseline(folder: Path, data: bytes) -> None:
    """An older bench.json."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "bench.json").write_bytes(data)
    for row in read_bench(folder / "bench.json").rows:
        if not row.problem:
            row.rate  # noqa: B018  # it divides


READERS: Mapping[str, tuple[Mapping[str, Any], Callable[[Path, bytes], None]]] = {
    "rows": (ROW, read_compared),
    "run.json": (RUN, read_whole_run),
    "kept by bench": (KEPT, read_kept),
    "bench.json": (BENCH, read_baseline),
}


def change_values(
    name: str, folder: Path, sound: Mapping[str, Any], read: Callable[[Path, bytes], None], size: Size
) -> Tally:
    """Every changed file is read, or refused by a message that names it."""
    tally = Tally(f"values of a file that is read back ({name})")
    cache = os.environ.get("XDG_CACHE_HOME")
    read(folder, json.dumps(sound).encode())
    cases = list(spoil(sound))
    for data in cases[:: 1 if size is not SMALL or name != "rows" else 6]:
        try:
            read(folder, data)
            tally.add()
        except TranslateError as error:
            named = str(folder) in error.message or name == "rows"
            tally.add("" if named and error.hint else f"{data[:80]!r}: {error.message}")
        except Exception as error:
            tally.add(f"{data[:200]!r}: {error!r}")
    if cache is not None:
        os.environ["XDG_CACHE_HOME"] = cache
    shutil.rmtree(folder)
    return tally


def delete_elsewhere(folder: Path) -> Tally:
    """run.json names files elsewhere, as documents of a run that `--overwrite` replaces."""
    tally = Tally("names in run.json that lead elsewhere, with --overwrite")
    names = ["{0}/victim/data", "../../victim/data", "link/data", "x/../../../victim/data", "./../../victim/data"]
    for number, name in enumerate([*names, "\0", "/"]):
        here = folder / str(number)
        out = here / "out" / "tiny-de-en"
        (here / "victim").mkdir(parents=True)
        out.mkdir(parents=True)
        (here / "a.txt").write_text("Ja.\n", encoding="utf-8")
        (out / "link").symlink_to(here / "victim")
        for ending in (".jsonl", ".en.txt", ""):
            (here / "victim" / f"data{ending}").write_text("keep", encoding="utf-8")
        record = {**RUN, "documents": {name.format(here): {"sha256": "", "rows": 0}}}
        (out / "run.json").write_text(json.dumps(record), encoding="utf-8")
        done = run(("a.txt", *ECHO, "-q", "--overwrite"), here)
        left = sorted(path.name for path in (here / "victim").iterdir())
        problem = complain(done, 1)
        tally.add(f"{name}: deleted, {left}" if len(left) < 3 else problem and f"{name}: {problem}")
    return tally


@pytest.mark.parametrize("name", READERS)
def test_values_of_wrong_types(name: str, tmp_path: Path) -> None:
    """No traceback, and no figure that is none, whatever stands in a file."""
    check([partial(change_values, name, tmp_path / "x", *READERS[name], SMALL)])


def test_nothing_is_deleted_elsewhere(tmp_path: Path) -> None:
    """Names of run.json lead into its folder, or the file is refused."""
    check([partial(delete_elsewhere, tmp_path)])


@pytest.mark.parametrize("kind", ["pipe", "endless", "folder", "dangling"])
@pytest.mark.parametrize("read", [read_whole_run, read_baseline, read_kept], ids=["run.json", "bench.json", "kept"])
def test_files_that_are_none(kind: str, read: Callable[[Path, bytes], None], tmp_path: Path) -> None:
    """A pipe, an endless device or a folder in a file's place is named at once, and never waited for."""
    read(tmp_path, json.dumps(next(sound for sound, reader in READERS.values() if reader is read)).encode())
    place = next(path for path in tmp_path.rglob("*.json") if path.name != "a.jsonl")
    place.unlink()
    if kind == "pipe":
        os.mkfifo(place)
    elif kind == "folder":
        place.mkdir()
    else:
        place.symlink_to("/dev/zero" if kind == "endless" else "nowhere")
    if read is read_kept:
        advice.advise(Model("x", tmp_path, None, "0" * 64), Settings())
        return
    with pytest.raises((OutputError, InputError), match="cannot read"):
        read_run(tmp_path) if read is read_whole_run else read_bench(place)
