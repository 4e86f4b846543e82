"""The command as a user runs it: every kind of input, message and exit status."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.helpers.command import ROOT, SHARED, Command, command, environment, rows
from tests.helpers.hub import Hub
from translate.cli.options import program_name
from translate.model.catalog import BUNDLED

ECHO = ("--engine", "echo", "--model", "tiny-de-en")
TEXT = "Überschrift ohne Punkt\n\nDas ist ein Satz. „Und das?“, fragte sie.\r\n12,5\n"


@pytest.fixture
def text(tmp_path: Path) -> Path:
    """A text with what rows have to keep apart."""
    path = tmp_path / "data" / "a.txt"
    path.parent.mkdir()
    path.write_text(TEXT, encoding="utf-8", newline="")
    return path


def rebuild(text: str, found: list[dict[str, object]]) -> str:
    """The text again, from the rows and the white space between them."""
    built, position = "", 0
    for row in found:
        start, end = int(str(row["start"])), int(str(row["end"]))
        assert not text[position:start].strip()
        built += text[position:start] + str(row["source"])
        position = end
    assert not text[position:].strip()
    return built + text[position:]


def test_rows_rebuild_the_document(text: Path, translate: Command, tmp_path: Path) -> None:
    """Every character is in a row, or is white space between two."""
    done = translate("data/a.txt", *ECHO, "--text")
    assert done.returncode == 0, done.stderr
    found = rows(tmp_path / "out/tiny-de-en/data/a.jsonl")
    assert list(found[0]) == ["doc", "paragraph", "sentence", "start", "end", "source", "target", "score", "flags"]
    assert [row["source"] for row in found] == [
        "Überschrift ohne Punkt",
        "Das ist ein Satz.",
        "„Und das?“, fragte sie.",
        "12,5",
    ]
    assert [row["paragraph"] for row in found] == [0, 1, 1, 2]
    assert found[3]["flags"] == ["passthrough"]
    assert found[3]["score"] is None
    assert rebuild(TEXT, found) == TEXT
    english = (tmp_path / "out/tiny-de-en/data/a.en.txt").read_bytes().decode()
    assert (
        english == 'Punkt ohne Überschrift\n\nSatz. ein ist Das sie. fragte das?", "Und\r\n12,5\n'
    )  # its pieces know one mark


def test_run_json_tells_what_was_run(text: Path, translate: Command, tmp_path: Path) -> None:
    """Signature, model, settings, versions, documents; and the summary on standard output is one object."""
    done = translate("data/a.txt", *ECHO, "--json", "-q")
    summary = json.loads(done.stdout)
    run = json.loads((tmp_path / "out/tiny-de-en/run.json").read_text())
    assert run["signature"] == summary["signature"]
    assert run["finished"] is True
    assert run["documents"]["data/a.txt"]["rows"] == summary["sentences"] == 4
    assert {"python", "torch", "transformers"} <= set(run["versions"])
    contract = (
        "documents sentences from_memory flags seconds sentences_per_second source_tokens_per_second target_tokens_per_second "
        "model engine dtype signature load_seconds"
    )
    assert set(contract.split()) <= set(summary)
    assert done.stderr == ""


def test_the_word_run_may_be_left_out_and_a_file_may_be_called_like_a_command(
    translate: Command, tmp_path: Path
) -> None:
    """Options may stand first; ./models is a file."""
    (tmp_path / "models").write_text("Ja gut.")
    for arguments in ((*ECHO, "./models"), ("run", "./models", *ECHO), ("./models", *ECHO)):
        assert translate(*arguments).returncode == 0
    assert (tmp_path / "out/tiny-de-en/models.jsonl").is_file()


def test_standard_input_goes_to_standard_output(translate: Command, tmp_path: Path) -> None:
    """As rows; no folder is made."""
    done = translate("-", *ECHO, stdin="Ja gut.\nUnd nun?\n")
    assert [json.loads(line)["target"] for line in done.stdout.splitlines()] == ["gut. Ja", "nun? Und"]
    assert not (tmp_path / "out").exists()
    assert translate("-", *ECHO, "--memory", stdin="Ja gut.\n").returncode == 0
    assert (tmp_path / "out/tiny-de-en/memory.sqlite").is_file()
    bad = translate("-", *ECHO, stdin=b"K\xf6ln")
    assert (bad.returncode, bad.stdout) == (1, "")
    assert "error: standard input is not utf-8" in bad.stderr


def test_rows_stream_before_standard_input_ends() -> None:
    """The first window is small, so the first rows come while more is being written."""
    process = subprocess.Popen(
        command("-", *ECHO), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment()
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(b"Ja gut.\n" * 40)
    process.stdin.flush()
    assert json.loads(process.stdout.readline())["target"] == "gut. Ja"
    process.stdin.close()
    assert len(process.stdout.readlines()) == 39
    assert process.wait() == 0


def test_a_bad_file_does_not_stop_the_others(text: Path, translate: Command, tmp_path: Path) -> None:
    """They are translated, each is said when it is found and named at the end, and the status is 1."""
    (tmp_path / "bad.txt").write_bytes(b"K\xf6ln")
    done = translate("bad.txt", "nix.txt", "data", *ECHO)
    assert done.returncode == 1
    assert (tmp_path / "out/tiny-de-en/data/a.jsonl").is_file()
    assert not (tmp_path / "out/tiny-de-en/bad.jsonl").exists()
    assert "error: 'bad.txt' is not utf-8: byte 0xf6 at offset 1" in done.stderr
    assert "hint: say --encoding windows-1252" in done.stderr
    assert "error: no file or folder 'nix.txt'" in done.stderr
    assert "2 of 3 documents could not be translated: 'nix.txt', 'bad.txt'" in done.stderr
    assert done.stderr.count("error: ") == 2
    assert done.stderr.index("'nix.txt'") < done.stderr.index("loaded in") < done.stderr.rindex("'nix.txt'")
    assert translate("bad.txt", *ECHO, "--encoding", "latin-1").returncode == 0


REFUSED = {
    "no such file": (("nix.txt", *ECHO), 1, "no file or folder 'nix.txt'"),
    "empty folder": (("empty", *ECHO), 1, "no *.txt in the folder 'empty'"),
    "unknown model": (("a.txt", "--model", "nix"), 1, "no model 'nix'"),
    "hub model, no hub": (("a.txt", "--model", "A/b"), 1, "cannot have the model: A/b: not in the hub cache"),
    "no models file": (("a.txt", "--models-file", "nix"), 1, "no models file at 'nix'"),
    "unknown engine": (("a.txt", "--engine", "nix"), 2, "'nix' is none of auto"),
    "unknown dtype": (("a.txt", "--dtype", "float8"), 2, "'float8' is none of auto"),
    "unknown encoding": (("a.txt", "--encoding", "klingon"), 2, "unknown encoding 'klingon'"),
    "no beams": (("a.txt", "--beams", "0"), 2, "'--beams'"),
    "no batch": (("a.txt", "--batch-tokens", "0"), 2, "'--batch-tokens'"),
    "input beside files": (("-", "a.txt", *ECHO), 2, "goes alone"),
    "text of input": (("-", "--text", *ECHO), 2, "goes with files"),
    "a word like a command": (("benhc", "a.txt", *ECHO), 2, "Did you mean 'bench'?"),
    "unknown option": (("a.txt", "--nix"), 2, "No such option"),
    "output is a file": (("a.txt", *ECHO, "--output", "a.txt"), 1, "cannot write into 'a.txt/tiny-de-en'"),
    "same place": (("a.txt", "a", *ECHO), 1, "would both be written"),
    "same name outside": (("a.txt", "../a.txt", *ECHO), 1, "would both be written"),
}


@pytest.mark.parametrize(("arguments", "status", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_wrong_is_said(
    arguments: tuple[str, ...], status: int, message: str, translate: Command, tmp_path: Path
) -> None:
    """In one line with the bad value, with a hint, with the right status, and never as a traceback."""
    (tmp_path / "empty").mkdir()
    for path in (tmp_path / "a.txt", tmp_path / "a", tmp_path.parent / "a.txt"):
        path.write_text("Ja gut.")
    done = translate(*arguments)
    assert done.returncode == status, done.stderr
    assert message in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert status == 2 or "\nhint: " in "\n" + done.stderr


def test_another_run_s_folder_is_refused_and_can_be_replaced(text: Path, translate: Command, tmp_path: Path) -> None:
    """By naming what differs; --overwrite takes the old rows away."""
    assert translate("data/a.txt", *ECHO).returncode == 0
    run = tmp_path / "out/tiny-de-en/run.json"
    run.write_text(run.read_text().replace("split:200", "split:100"))
    (tmp_path / "b.txt").write_text("Ja gut.")
    refused = translate("b.txt", *ECHO)
    assert refused.returncode == 1
    assert "split 100 → 200" in refused.stderr
    assert "--overwrite" in refused.stderr
    assert translate("b.txt", *ECHO, "--overwrite").returncode == 0
    assert not (tmp_path / "out/tiny-de-en/data/a.jsonl").exists()


def test_strict_makes_doubts_an_error(translate: Command, tmp_path: Path) -> None:
    """But not what was only copied."""
    (tmp_path / "a.txt").write_text("12,5\n")
    assert translate("a.txt", *ECHO, "--strict").returncode == 0
    (tmp_path / "a.txt").write_text("Das konnte damals niemand wissen.\n")
    done = translate("a.txt", *ECHO, "--strict")
    assert done.returncode == 3
    assert "error: --strict, and some rows are flagged" in done.stderr


def test_when_the_default_cannot_be_had_the_next_is_used_and_said(text: Path, translate: Command) -> None:
    """Which, why, and how to insist: one warning, and none with --quiet."""
    done = translate("data/a.txt", "--engine", "echo")
    assert done.returncode == 0
    assert done.stderr.count("warning:") == 1
    assert "warning: not using Helsinki-NLP/opus-mt-de-en@6f6b" in done.stderr
    assert "HF_HUB_OFFLINE is set" in done.stderr
    assert "; using tiny-de-en instead; to have Helsinki-NLP/opus-mt-de-en@6f6b" in done.stderr
    assert translate("data/a.txt", "--engine", "echo", "--quiet").stderr == ""


def test_two_runs_in_one_folder_at_once(text: Path, translate: Command, tmp_path: Path) -> None:
    """The second says so and stops."""
    code = "import sys; from pathlib import Path; from translate.run.folder import _lock; p = Path(sys.argv[1]); p.mkdir(parents=True); l = _lock(p, None); print('held', flush=True); sys.stdin.read()"
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "out/tiny-de-en")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdout is not None
    holder.stdout.readline()
    done = translate("data/a.txt", *ECHO)
    assert done.returncode == 1
    assert "error: another run is writing into 'out/tiny-de-en'" in done.stderr
    holder.kill()
    holder.wait()
    assert translate("data/a.txt", *ECHO).returncode == 0


def test_segment_and_models_show_what_there_is(text: Path, translate: Command, tmp_path: Path) -> None:
    """Spans as JSON lines; models with their kind and whether they are here."""
    done = translate("segment", "data/a.txt")
    spans = [json.loads(line) for line in done.stdout.splitlines()]
    assert rebuild(TEXT, spans) == TEXT
    assert list(spans[0]) == ["doc", "paragraph", "sentence", "start", "end", "source"]
    assert translate("segment", "-", stdin="Ja. Nein.").stdout.count("\n") == 2
    assert translate("segment", "nix.txt").returncode == 1
    shown = translate("models").stdout
    assert "Helsinki-NLP/opus-mt-de-en" in shown
    assert "bundled  on this machine" in shown
    assert "\nhere tiny-de-en runs on " in shown
    fields = json.loads(translate("models", "--json").stdout)
    assert [model["name"] for model in fields["models"] if model["on_this_machine"]] == ["tiny-de-en"]
    used = fields["used"]
    assert f"runs on {used['device']} ({used['engine']}, {used['dtype']}" in shown
    assert used["error"] == ""


def test_models_tells_what_does_not_run(translate: Command, tmp_path: Path) -> None:
    """A folder that is none of a model is in the table all the same."""
    (tmp_path / "broken").mkdir()
    (tmp_path / "models.txt").write_text("./broken\n", encoding="utf-8")
    done = translate("models")
    assert done.returncode == 0, done.stderr
    assert "here ./broken does not run: " in done.stdout


def processor_seconds(*arguments: str) -> float:
    """Of the quickest of three runs: what else the machine does counts only in part."""
    seconds = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(seconds)


def test_help_comes_at_once() -> None:
    """In a small multiple of what importing Typer takes, on whatever machine; what is imported besides is told by test_imports."""
    assert processor_seconds("-m", "translate", "--help") < 3 * processor_seconds("-c", "import typer") + 0.1


def test_what_is_no_run_is_shown(translate: Command) -> None:
    """Help by each of its names, version, completion; without any word the help is on standard error, and wrong usage."""
    helped = translate("--help")
    assert helped.stdout.startswith("Usage: translate [OPTIONS]")
    assert translate("-h").stdout == helped.stdout
    assert translate("run", "-h").stdout == translate("run", "--help").stdout
    assert translate("--version").stdout.startswith("translate-batch ")
    assert "complete" in translate("--show-completion", "bash", _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1").stdout
    alone = translate()
    assert (alone.returncode, alone.stdout, alone.stderr) == (2, "", helped.stdout)


@pytest.mark.parametrize(
    ("called", "name"),
    [("/usr/bin/translate", "translate"), ("translate-batch.exe", "translate-batch"), ("-c", "translate")],
)
def test_help_uses_the_name_that_was_called(called: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two scripts are the same program; a name that is not ours is none to show."""
    monkeypatch.setattr(sys, "argv", [called])
    assert program_name() == name


def test_what_takes_long_is_said(translate: Command, tmp_path: Path) -> None:
    """A hub that takes its time to say no; with --quiet nothing but that it was passed over."""
    (tmp_path / "a.txt").write_text("Ja gut.", encoding="utf-8")
    (tmp_path / "models.txt").write_text("Some/model\ntiny-de-en bundled\n", encoding="utf-8")
    with Hub("Some/model", BUNDLED / "tiny-de-en", status=404, delay=3.3) as hub:
        changes = {"HF_ENDPOINT": hub.address, "HF_HOME": str(tmp_path / "cache"), "HF_HUB_OFFLINE": "0"}
        said = translate("a.txt", "--engine", "echo", **changes).stderr
        assert "\nasking the hub for Some/model\n" in "\n" + said
        assert "asking" not in translate("a.txt", "--engine", "echo", "--quiet", **changes).stderr


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_before_the_run_leaves_no_traceback(number: int, status: int, text: Path, tmp_path: Path) -> None:
    """At whatever import it comes; a shell shows 130 and 143 for a process that died of the signal, too."""
    statuses = set()
    for wait in (0.15, 0.25, 0.4, 0.6):
        process = subprocess.Popen(
            command("data/a.txt", *ECHO), cwd=tmp_path, env=environment(), stderr=subprocess.PIPE, text=True
        )
        time.sleep(wait)
        process.send_signal(number)
        _, said = process.communicate(timeout=60)
        assert process.returncode in (0, status, -number), said
        assert "Traceback" not in said
        statuses.add(process.returncode)
    assert statuses != {0}


def test_a_file_name_moves_no_cursor(translate: Command, tmp_path: Path) -> None:
    """An error is one line, whatever a name in it holds."""
    (tmp_path / "a\n\x1b[2J.txt").write_bytes(b"K\xf6ln")
    done = translate("a\n\x1b[2J.txt", *ECHO, "-q")
    assert done.returncode == 1
    assert "error: 'a\\n\\x1b[2J.txt' is not utf-8" in done.stderr
    assert "\x1b" not in done.stderr


def test_one_bad_name_in_a_folder_costs_no_other(translate: Command, tmp_path: Path) -> None:
    """One that is no UTF-8, and one that is too long: both are listed, the others are done."""
    (tmp_path / "data").mkdir()
    for name in ("a.txt", os.fsdecode(b"K\xf6ln.txt"), "n" * 251 + ".txt", "z.txt"):
        (tmp_path / "data" / name).write_text("Ja gut.")
    done = translate("data", *ECHO)
    assert done.returncode == 1
    assert "2 of 4 documents could not be translated" in done.stderr
    assert sorted(path.name for path in (tmp_path / "out").rglob("*.jsonl")) == ["a.jsonl", "z.jsonl"]


def test_python_m_is_the_command() -> None:
    """Where the installed script is not on the path."""
    done = subprocess.run([sys.executable, "-m", "translate", "--help"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("Usage: python -m translate [OPTIONS]")


def test_a_reader_that_stops_early_is_no_error() -> None:
    """`translate - | head` ends quietly, with the status of a program that died of SIGPIPE."""
    process = subprocess.Popen(
        command("-", *ECHO), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()
    )
    assert process.stdout is not None
    assert process.stdin is not None
    process.stdout.close()
    process.stdin.write(b"Ja gut.\n" * 3000)
    process.stdin.close()
    assert process.wait() == 141
    assert process.stderr is not None
    assert b"Traceback" not in process.stderr.read()


def test_the_samples_are_what_they_are_for(translate: Command, tmp_path: Path) -> None:
    """All of data/ through the pipeline, rebuilt to the character."""
    done = translate(str(ROOT / "data"), *ECHO)
    assert done.returncode == 0, done.stderr
    files = sorted((ROOT / "data").glob("*.txt"))
    assert len(files) >= 6
    for file in files:
        text = file.read_bytes().decode()
        assert rebuild(text, rows(tmp_path / f"out/tiny-de-en/{file.stem}.jsonl")) == text
        assert 250 <= len(text.split()) <= 700


REAL = [*sorted((SHARED / "articles").glob("*.txt")), SHARED / "eval" / "newstest2019.de"]


@pytest.mark.skipif(not SHARED.is_dir(), reason="the real articles are not kept with the project")
@pytest.mark.parametrize("file", REAL, ids=lambda path: path.name)
def test_real_texts_are_covered(file: Path, translate: Command, tmp_path: Path) -> None:
    """Damage and all: glued letters, headlines without a full stop, a quotation closed a sentence too early."""
    done = translate(str(file), *ECHO, "--text")
    assert done.returncode == 0, done.stderr
    text = file.read_bytes().decode()
    found = rows(next((tmp_path / "out").rglob("*.jsonl")))
    assert rebuild(text, found) == text
    assert len(found) >= len([line for line in text.splitlines() if line.strip()])


def test_a_terminal_shows_a_bar_and_a_log_plain_lines(text: Path, tmp_path: Path) -> None:
    """On a terminal rates and time left, redrawn in place; NO_COLOR is heeded; nothing of either in a log."""
    import pty

    (tmp_path / "long.txt").write_text("\n".join(f"Haus {i} stand leer, sagte sie." for i in range(8000)))
    main, side = pty.openpty()
    environment_here = environment(NO_COLOR="1", TERM="xterm", COLUMNS="100")
    process = subprocess.Popen(command("long.txt", *ECHO), cwd=tmp_path, env=environment_here, stderr=side)
    os.close(side)
    shown = b""
    while True:
        try:
            shown += os.read(main, 4096)
        except OSError:
            break
    assert process.wait() == 0
    os.close(main)
    assert b"sentences/s" in shown
    assert b"tokens/s" in shown
    assert b"\x1b[3" not in shown  # no colour
    assert b"1 document, 8,000 sentences" in shown
    logged = subprocess.run(
        command("long.txt", *ECHO), cwd=tmp_path, env=environment(), capture_output=True, text=True, check=True
    )
    assert "\x1b" not in logged.stderr
