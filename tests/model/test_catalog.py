"""models.txt → a model on this machine; the hub is a real HTTP server here."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tests.helpers.command import ROOT
from tests.helpers.hub import COMMIT, Hub
from translate.model.catalog import (
    Entry,
    Kind,
    bundled_names,
    find_models_file,
    parse_name,
    read_models_file,
    resolve_model,
    within,
)
from translate.model.folder import check_folder, fingerprint
from translate.records import Model, ModelError

NAME = "Somebody/opus-mt-de-en"


def test_lines_of_models_txt(in_folder: Path) -> None:
    """Hub names, revisions, folders, bundled names, comments, blank lines, a byte order mark."""
    Path("here").mkdir()
    text = "\ufeff# comment\n\nA/b@r1  # why\nA/b\n./here\ntiny-de-en bundled\nhere # a folder\n"
    Path("models.txt").write_text(text, encoding="utf-8")
    assert read_models_file(find_models_file(None)) == [
        Entry("A/b", Kind.HUB, "r1"),
        Entry("A/b", Kind.HUB),
        Entry("./here", Kind.FOLDER),
        Entry("tiny-de-en", Kind.BUNDLED),
        Entry("here", Kind.FOLDER),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a b c\n", "line 1: cannot understand 'a b c'"),
        ("# nothing\n", "names no model"),
        ("\nnix\n", "line 2: no model 'nix'"),
        ("a/b surplus\n", "cannot understand"),
        ("a/b\nc/d\xff".encode("latin-1"), "models.txt' line 2: it is not UTF-8"),
        ("a/b/c", "line 1: no model 'a/b/c'"),
    ],
)
def test_garbage_in_models_txt_is_named(text: str | bytes, message: str, in_folder: Path) -> None:
    """With its line."""
    Path("models.txt").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ModelError) as caught:
        read_models_file(Path("models.txt"))
    assert message in caught.value.message


def test_the_working_folder_s_models_txt_wins(in_folder: Path) -> None:
    """Over the package's, and the given one over both; a given one that is not there is an error."""
    built_in = find_models_file(None)
    assert Entry("tiny-de-en", Kind.BUNDLED) in read_models_file(built_in)
    Path("models.txt").write_text("tiny-de-en bundled\n")
    assert find_models_file(None) == Path("models.txt") != built_in
    Path("other.txt").write_text("a/b\n")
    assert find_models_file(Path("other.txt")) == Path("other.txt")
    with pytest.raises(ModelError, match=r"no models file at 'nix.txt'"):
        find_models_file(Path("nix.txt"))


def test_the_default_is_the_one_of_the_contract() -> None:
    """Pinned, then unpinned, then bundled."""
    entries = read_models_file(ROOT / "models.txt")
    assert list(map(str, entries)) == [
        "Helsinki-NLP/opus-mt-de-en@6f6b23ef5ef8a586414ad9d2b7dda64ca5352935",
        "Helsinki-NLP/opus-mt-de-en",
        "Helsinki-NLP/opus-mt-tc-big-gmw-gmw",
        "Helsinki-NLP/opus-mt-gmw-en",
        "tiny-de-en",
    ]


def test_a_model_is_known_by_its_weights_and_vocabulary(tiny: Model, tmp_path: Path) -> None:
    """One byte of either changes the fingerprint; the README does not."""
    copy = shutil.copytree(tiny.folder, tmp_path / "m")
    assert fingerprint(copy) == tiny.fingerprint
    (copy / "README.md").write_text("other")
    assert fingerprint(copy) == tiny.fingerprint
    data = bytearray((copy / "model.safetensors").read_bytes())
    data[-1] ^= 1
    (copy / "model.safetensors").write_bytes(data)
    assert fingerprint(copy) != tiny.fingerprint


@pytest.mark.parametrize("missing", ["config.json", "source.spm", "vocab.json", "model.safetensors"])
def test_an_incomplete_folder_is_named(missing: str, tiny: Model, tmp_path: Path) -> None:
    """With the file that it lacks."""
    copy = shutil.copytree(tiny.folder, tmp_path / "m", copy_function=shutil.copy)
    (copy / missing).unlink()
    with pytest.raises(ModelError, match=missing.split(".")[0] if missing != "model.safetensors" else "no weights"):
        fingerprint(copy)


def test_another_kind_of_model_is_named(tiny: Model, tmp_path: Path) -> None:
    """And a configuration that is none."""
    copy = shutil.copytree(tiny.folder, tmp_path / "m")
    (copy / "config.json").write_text(json.dumps({"model_type": "llama"}))
    with pytest.raises(ModelError, match="of type 'llama'"):
        check_folder(copy)
    (copy / "config.json").write_text("[")
    with pytest.raises(ModelError, match="cannot read"):
        check_folder(copy)


def test_a_line_that_cannot_be_had_is_skipped(in_folder: Path, tiny: Model) -> None:
    """With its reason: a folder that is not there, a file, a folder without a model. Who insists on one gets the error."""
    Path("empty").mkdir()
    Path("models.txt").write_text("./missing\n/etc/passwd\nempty\ntiny-de-en bundled\n")
    found = resolve_model(None)
    assert found.model.name == "tiny-de-en"
    assert [(refusal.entry.name, refusal.reason) for refusal in found.refusals] == [
        ("./missing", "there is no such folder"),
        ("/etc/passwd", "there is no such folder"),
        ("empty", "'empty' holds no config.json"),
    ]
    for name in ("./missing", "empty"):
        with pytest.raises(ModelError):
            resolve_model(name)


def test_names_that_are_nothing_are_errors(in_folder: Path) -> None:
    """With a hint, and without asking anybody."""
    for name in ("nix", "../x", "a/b/c", "", "a b"):
        with pytest.raises(ModelError, match="no model"):
            parse_name(name)
    assert bundled_names() == ["tiny-de-en"]


def test_a_call_that_hangs_is_left_behind() -> None:
    """A name look-up heeds no timeout; the bound does."""
    started = time.perf_counter()
    with pytest.raises(TimeoutError):
        within(0.2, lambda: time.sleep(5))
    assert time.perf_counter() - started < 2
    assert within(5, lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        within(5, lambda: 1 // 0)


def resolve(folder: Path, hub: Hub | str, *models: str, insist: str = "") -> dict[str, object]:
    """What another process resolves: the hub's address is read when its library is imported."""
    (folder / "models.txt").write_text("\n".join(models) + "\n")
    code = (
        "import json, sys, time; from translate.model.catalog import resolve_model; from translate.records import TranslateError\n"
        "start = time.perf_counter()\n"
        "try:\n"
        "    r = resolve_model(sys.argv[1] or None)\n"
        "    said = dict(name=r.model.name, revision=r.model.revision, folder=str(r.model.folder), fingerprint=r.model.fingerprint,\n"
        "                refusals=[[str(x.entry), x.reason] for x in r.refusals])\n"
        "except TranslateError as error:\n"
        "    said = dict(error=error.message, hint=error.hint)\n"
        "print(json.dumps(said | dict(seconds=time.perf_counter() - start)))\n"
    )
    from tests.helpers.command import environment

    address = hub if isinstance(hub, str) else hub.address
    changes = {
        "HF_ENDPOINT": address,
        "HF_HOME": str(folder / "cache"),
        "HF_HUB_OFFLINE": "0",
        "HF_HUB_DISABLE_XET": "1",
    }
    import sys

    done = subprocess.run(
        [sys.executable, "-c", code, insist],
        cwd=folder,
        env=environment(**changes),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_a_pinned_model_comes_from_the_hub_once(tiny: Model, tmp_path: Path) -> None:
    """At its revision, whole; the next run asks nobody."""
    with Hub(NAME, tiny.folder) as hub:
        found = resolve(tmp_path, hub, f"{NAME}@{COMMIT}", "tiny-de-en bundled")
        assert (found["name"], found["revision"], found["fingerprint"]) == (NAME, COMMIT, tiny.fingerprint)
        assert f"/api/models/{NAME}/revision/{COMMIT}" in {path.split("?")[0] for path in hub.asked}
        assert not any("README" in path for path in hub.asked)
        count = len(hub.asked)
        assert resolve(tmp_path, hub, f"{NAME}@{COMMIT}")["revision"] == COMMIT
        assert len(hub.asked) == count
    assert resolve(tmp_path, "http://127.0.0.1:9", NAME, insist=NAME).get("error")


def test_an_unpinned_model_is_kept_with_its_commit(tiny: Model, tmp_path: Path) -> None:
    """So that run.json can say which it was."""
    with Hub(NAME, tiny.folder) as hub:
        assert resolve(tmp_path, hub, NAME)["revision"] == COMMIT


@pytest.mark.parametrize("status", [401, 404, 500])
def test_a_hub_that_says_no_is_passed_over(status: int, tiny: Model, tmp_path: Path) -> None:
    """The next line is used and the reason is told; who insists gets an error."""
    with Hub(NAME, tiny.folder, status=status) as hub:
        found = resolve(tmp_path, hub, f"{NAME}@{COMMIT}", "tiny-de-en bundled")
        assert found["name"] == "tiny-de-en"
        assert f"answered {status}" in str(found["refusals"])
        refused = resolve(tmp_path, hub, "tiny-de-en bundled", insist=NAME)
        assert f"answered {status}" in str(refused["error"])
        assert "--model" in str(refused["hint"])


def test_a_hub_that_does_not_answer_costs_five_seconds_at_most(tiny: Model, tmp_path: Path) -> None:
    """In all, whatever number of lines name it."""
    with Hub(NAME, tiny.folder, delay=60) as hub:
        found = resolve(tmp_path, hub, f"{NAME}@{COMMIT}", NAME, "A/other", "tiny-de-en bundled")
        assert found["name"] == "tiny-de-en"
        assert len(found["refusals"]) == 3  # type: ignore[arg-type]
        assert isinstance(found["seconds"], float)
        assert found["seconds"] < 6.5  # 5 s, and the import of the hub's library on a busy machine
        assert len(hub.asked) == 1


def test_a_hub_that_is_not_there_costs_next_to_nothing(tmp_path: Path) -> None:
    """Port 9 discards."""
    found = resolve(tmp_path, "http://127.0.0.1:9", NAME, "tiny-de-en bundled")
    assert found["name"] == "tiny-de-en"
    assert "cannot be reached" in str(found["refusals"])


def test_a_download_that_breaks_off_is_no_model(tiny: Model, tmp_path: Path) -> None:
    """Half of the weights are not used, now or in the next run."""
    with Hub(NAME, tiny.folder, broken=True) as hub:
        found = resolve(tmp_path, hub, NAME, "tiny-de-en bundled")
        assert found["name"] == "tiny-de-en"
        assert "broke off" in str(found["refusals"])


def test_a_folder_is_a_model_under_its_own_name(tiny: Model, in_folder: Path) -> None:
    """Wherever it lies, and with a slash behind it."""
    shutil.copytree(tiny.folder, "my-model")
    for name in ("my-model", "./my-model/", str(in_folder / "my-model")):
        model = resolve_model(name).model
        assert (model.short_name, model.fingerprint, model.bundled) == ("my-model", tiny.fingerprint, False)


def test_weights_that_are_not_what_the_hub_lists_are_no_model(tiny: Model, tmp_path: Path) -> None:
    """They are taken out of the cache again, so that the next run can have the right ones."""
    with Hub(NAME, tiny.folder, swapped=True) as hub:
        found = resolve(tmp_path, hub, NAME, "tiny-de-en bundled")
        assert found["name"] == "tiny-de-en"
        assert "another model.safetensors than the one it lists" in str(found["refusals"])
        hub.swapped = False
        assert resolve(tmp_path, hub, NAME)["fingerprint"] == tiny.fingerprint


def test_a_call_may_take_as_long_as_it_comes_forward() -> None:
    """What stands still is left behind."""
    done = [0]

    def work() -> int:
        for _ in range(12):
            time.sleep(0.1)
            done[0] += 1_000_000
        return done[0]

    assert within(0.6, work, progress=lambda: done[0]) == 12_000_000
    with pytest.raises(TimeoutError):
        within(0.6, lambda: time.sleep(5), progress=lambda: done[0])


def test_a_damaged_bundled_model_is_named(tiny: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its fingerprint, so that no row is translated with it."""
    from translate.model import catalog

    shutil.copytree(tiny.folder, tmp_path / "tiny-de-en")
    monkeypatch.setattr(catalog, "BUNDLED", tmp_path)
    assert resolve_model("tiny-de-en").model.fingerprint == tiny.fingerprint
    with (tmp_path / "tiny-de-en" / "vocab.json").open("a") as file:
        file.write(" ")
    with pytest.raises(ModelError, match="bundled model 'tiny-de-en' are damaged"):
        resolve_model("tiny-de-en")


@pytest.mark.parametrize("name", ["config.json", "generation_config.json", "vocab.json", "target.spm"])
def test_every_file_that_can_change_a_row_is_in_the_fingerprint(name: str, tiny: Model, tmp_path: Path) -> None:
    """Settings as well as weights."""
    copy = shutil.copytree(tiny.folder, tmp_path / "m")
    (copy / name).write_bytes((copy / name).read_bytes() + b" ")
    assert fingerprint(copy) != tiny.fingerprint


@pytest.mark.parametrize("name", ["x/..", "--/--", "x/y@../../z", "x/y@/z", "a" * 100_000, f"x/{'y' * 100}", "\0"])
def test_names_that_lead_elsewhere_or_nowhere_are_none(name: str, in_folder: Path) -> None:
    """The hub's library would raise errors of its own, or look in another folder."""
    with pytest.raises(ModelError, match="no model"):
        parse_name(name)
