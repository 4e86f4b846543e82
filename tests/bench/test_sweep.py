"""The sweep with real processes: rows, files, recommendation and what follows from it. The engine is mostly `echo`."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from xml.etree import ElementTree

import pytest

from tests.helpers.command import ROOT, Command
from translate.bench.measurements import Pass
from translate.bench.worker import EngineProcess, Failure, Ready, ReadyEngine, Task, run_task
from translate.model.tokenizer import Tokenizer
from translate.records import Hypothesis, Model, Request, Settings, Signature
from translate.run.advice import Batching, Recommendation, Variant, advise, keep
from translate.run.loading import LoadedModel, load

TEXT = (ROOT / "data" / "nachricht.txt").read_text(encoding="utf-8")
ROW = {
    "variant",
    "batching",
    "dtype",
    "device",
    "signature",
    "sentences",
    "batches",
    "source_tokens",
    "target_tokens",
    "seconds",
    "batch_p50",
    "batch_p95",
    "source_padding",
    "target_padding",
    "memory",
    "cuda_memory",
    "identical",
    "bleu",
    "chrf",
    "problem",
    "rates",
    "cpu_seconds",
    "default",
    "filled",
    "sample",
    "memory_bytes",
    "cuda_memory_bytes",
}


@pytest.fixture
def bench(translate: Command, tmp_path: Path) -> Command:
    """Runs `translate bench` on a text, with a cache of its own."""
    (tmp_path / "a.txt").write_text(TEXT, encoding="utf-8")

    def run(*arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
        cache = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
        return translate("bench", "a.txt", "--model", "tiny-de-en", *arguments, **cache, **changes)

    return run


def test_sweep(bench: Command, tmp_path: Path) -> None:
    """A row a setting and one of the default, with every field; how long it takes is said before; the files are there."""
    done = bench("--engines", "echo", "--batch-sizes", "1,4", "--batch-tokens", "64")
    assert done.returncode == 0, done.stderr
    assert "passes: about" in done.stderr
    assert "24 of 24 passes" in done.stderr  # alone, a warm-up for all but that, 5 rounds of 4
    fields = json.loads((tmp_path / "out/bench.json").read_text(encoding="utf-8"))
    assert [row["batching"] for row in fields["measurements"]] == [
        {"tokens": None, "size": 1},
        {"tokens": None, "size": 4},
        {"tokens": 64, "size": None},
        {"tokens": 16_384, "size": None},
    ]
    assert [row["default"] for row in fields["measurements"]] == [False, False, False, True]
    for row in fields["measurements"]:
        assert set(row) - {"against_default"} == ROW
        assert len(row["seconds"]) == len(row["cpu_seconds"]) >= 5
        assert row["identical"] == row["sentences"] == fields["sentences"]
        assert row["rates"]["sentences_per_second"]["low"] <= row["rates"]["sentences_per_second"]["high"]
        assert row["memory"] == row["memory_bytes"] > 1 << 20
        assert row["signature"].startswith("model:tiny-de-en|weights:")
    assert fields["versions"]["translate-batch"]
    assert fields["machine"]["cpus"] >= 1
    assert len(fields["recommendations"]) == 1
    assert fields["recommendations"][0]["reason"] in done.stdout


def test_files_for_reports(bench: Command, tmp_path: Path) -> None:
    """Pictures that are XML with a line an engine and nothing from outside; a line a round as CSV; the table as Markdown."""
    arguments = ("--engines", "echo", "--batch-sizes", "1,4", "--threads", "1,2", "--quiet")
    done = bench(*arguments)
    assert done.returncode == 0, done.stderr
    svg = (tmp_path / "out/bench.svg").read_text(encoding="utf-8")
    panels = ElementTree.fromstring(svg).findall("{http://www.w3.org/2000/svg}svg")
    texts = ["".join(panel.itertext()) for panel in panels]
    assert [text for text in texts if "echo (1 thread)" in text and "echo (2 threads)" in text] == texts
    assert all(any(word in text for text in texts) for word in ("Throughput", "Latency"))
    assert "<script" not in svg
    assert "href" not in svg.replace("http://www.w3.org/1999/xlink", "")
    with (tmp_path / "out/bench.csv").open(encoding="utf-8", newline="") as file:
        rounds = list(csv.DictReader(file))
    measurements = json.loads((tmp_path / "out/bench.json").read_text(encoding="utf-8"))["measurements"]
    assert [float(line["seconds"]) for line in rounds] == [s for row in measurements for s in row["seconds"]]
    markdown = (tmp_path / "out/bench.md").read_text(encoding="utf-8")
    assert markdown.count("| echo (") == len(measurements) == 6
    assert not (tmp_path / "out/bench-history.svg").exists()
    assert bench(*arguments).returncode == 0  # a second one has a line over time
    history = (tmp_path / "out/bench-history.jsonl").read_text(encoding="utf-8").splitlines()
    assert [set(json.loads(line)["rates"]) for line in history] == [{"echo (1 thread)", "echo (2 threads)"}] * 2
    assert "echo (2 threads)" in (tmp_path / "out/bench-history.svg").read_text(encoding="utf-8")


def test_a_history_of_another_kind_is_refused(bench: Command, tmp_path: Path) -> None:
    """And left as it is."""
    (tmp_path / "notes.txt").write_text("dear diary\n", encoding="utf-8")
    done = bench("--engines", "echo", "--batch-sizes", "2", "--history", "notes.txt")
    assert done.returncode == 1
    assert "cannot read 'notes.txt'" in done.stderr
    assert (tmp_path / "notes.txt").read_text(encoding="utf-8") == "dear diary\n"


def test_settings_that_are_the_same_are_not_told_apart(bench: Command, tmp_path: Path) -> None:
    """Echo is as fast with any batch: nothing is called faster, nothing is advised, and the closing line says so."""
    done = bench("--engines", "echo", "--batch-sizes", "3,30")
    assert done.returncode == 0, done.stderr
    fields = json.loads((tmp_path / "out/bench.json").read_text(encoding="utf-8"))
    assert all(found["capped"] for found in fields["recommendations"])
    assert "batch size for echo: its default of 16384 tokens stays" in done.stdout
    assert " x, faster" not in done.stdout


def test_a_text_of_eighteen_sentences(bench: Command, tmp_path: Path) -> None:
    """Is measured all the same, and says why it is not enough."""
    (tmp_path / "a.txt").write_text(" ".join(f"Das ist Satz {n}." for n in range(18)), encoding="utf-8")
    done = bench("--engines", "echo", "--seconds", "2")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out/bench.json").exists()
    assert (tmp_path / "out/bench.svg").exists()
    assert "sentences do not fill it 3 times; give more text" in done.stdout


def test_the_next_run_uses_what_was_proved(
    translate: Command, tiny: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And says so, in run.json too; --batch-tokens overrides it."""
    (tmp_path / "a.txt").write_text(TEXT, encoding="utf-8")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    keep(tiny, [Recommendation(Variant("echo"), Batching(size=3), "none", "cpu", 10.0, "1.20 x [1.10, 1.30] as fast")])
    cache = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    arguments = ("a.txt", "--model", "tiny-de-en", "--engine", "echo", "--overwrite")
    run = translate(*arguments, **cache)
    settings = json.loads((tmp_path / "out/tiny-de-en/run.json").read_text(encoding="utf-8"))["settings"]
    assert settings["batch_size"] == 3
    assert "translate bench" in settings["recommendation"]
    assert settings["recommendation"] in run.stderr
    translate(*arguments, "--batch-tokens", "99", **cache)
    settings = json.loads((tmp_path / "out/tiny-de-en/run.json").read_text(encoding="utf-8"))["settings"]
    assert (settings["batch_size"], settings["batch_tokens"], settings["recommendation"]) == (None, 99, None)


def test_baseline(bench: Command, tmp_path: Path) -> None:
    """The same sentences and settings are measured again and compared; another machine is named, and not compared."""
    assert bench("--engines", "echo", "--batch-sizes", "2,8", "--sentences", "9").returncode == 0
    old = json.loads((tmp_path / "out/bench.json").read_text(encoding="utf-8"))
    for row in old["measurements"]:
        row["seconds"] = [1e6 * seconds for seconds in row["seconds"]]
    (tmp_path / "old.json").write_text(json.dumps(old), encoding="utf-8")
    done = bench("--baseline", "old.json")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(" x, faster") == 3
    new = json.loads((tmp_path / "out/bench.json").read_text(encoding="utf-8"))
    assert [row["batching"]["size"] for row in new["measurements"]] == [2, 8, None]
    assert all(row["baseline"]["real"] for row in new["measurements"])
    old["machine"]["processor"] = "Another One"
    (tmp_path / "old.json").write_text(json.dumps(old), encoding="utf-8")
    done = bench("--baseline", "old.json")
    assert "another machine (processor Another One →" in done.stdout
    assert " x, " not in done.stdout


def test_reference(bench: Command, tmp_path: Path) -> None:
    """BLEU and chrF of each row; echo gives words in reverse order, so a reference of the same is all right."""
    lines = [line for line in TEXT.split("\n") if line.strip()][:4]
    (tmp_path / "a.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (tmp_path / "ref.txt").write_text(
        "\n".join(" ".join(line.split()[::-1]) for line in lines) + "\n", encoding="utf-8"
    )
    done = bench("--engines", "echo", "--batch-sizes", "2", "--reference", "ref.txt")
    assert done.returncode == 0, done.stderr
    for row in json.loads((tmp_path / "out/bench.json").read_text(encoding="utf-8"))["measurements"]:
        assert row["bleu"] > 50
        assert row["chrf"] > 80
    (tmp_path / "ref.txt").write_text("only one\n", encoding="utf-8")
    done = bench("--engines", "echo", "--batch-sizes", "2", "--reference", "ref.txt")
    assert done.returncode == 1
    assert "lines of reference" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("--batch-sizes", "1,x"), 2, "'1,x' is no list of numbers"),
        (("--engines", "warp"), 1, "unknown engine 'warp'"),
        (("--baseline", "none.json"), 1, "cannot read 'none.json'"),
        (("--repeats", "2"), 2, "--repeats"),
    ],
)
def test_what_cannot_be(bench: Command, arguments: tuple[str, ...], status: int, words: str) -> None:
    """Usage errors and others, each quoting what was wrong."""
    done = bench(*arguments)
    assert done.returncode == status
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_what_one_engine_cannot_is_a_row(bench: Command) -> None:
    """The others are measured all the same."""
    done = bench("--engines", "echo,warp", "--batch-sizes", "2")
    assert done.returncode == 0, done.stderr
    assert "unknown engine 'warp'" in done.stdout
    assert "batch size for echo:" in done.stdout


def test_a_killed_process_is_a_failure_and_starts_again(tiny: Model, tokenizer: Tokenizer) -> None:
    """As the system kills what is too large."""
    task = Task(tokenizer.encode(["Ein Haus.", "Zwei Häuser."]), Batching(size=1))
    worker = EngineProcess(tiny, Settings(engine="echo"), None)
    try:
        worker.start()
        assert isinstance(worker.wait(), Ready)
        assert worker.process_id is not None
        os.kill(worker.process_id, signal.SIGKILL)
        assert worker.run(task) == Failure("out of memory: the system killed it")
        again = worker.run(task)
        assert isinstance(again, Pass)
        assert len(again.batches) == len(again.targets) == 2
    finally:
        worker.stop()


class Greedy:
    """An engine whose memory holds two sentences."""

    name, dtype, device = "greedy", "float32", "cpu"
    batch_tokens, batch_independent = 64, False
    signature: Signature = MappingProxyType({"engine": "greedy"})

    def translate(self, requests: Iterable[Request]) -> Iterator[Hypothesis]:
        """As `echo`, or out of memory."""
        held = list(requests)
        if len(held) > 2:
            raise MemoryError("no room for more than 2")
        for request in held:
            yield Hypothesis(request.number, request.source[:-1], 0.0)


@pytest.mark.parametrize(("size", "fits"), [(2, True), (3, False)])
def test_out_of_memory_is_a_failure(tiny: Model, tokenizer: Tokenizer, size: int, fits: bool) -> None:
    """Not a crash, and only where it happens."""
    loaded = ReadyEngine(LoadedModel(tiny, Greedy(), tokenizer, Settings(), {}, ""))
    result = run_task(loaded, Task(tokenizer.encode(["Ein Haus.", "Zwei Häuser.", "Drei."]), Batching(size=size)))
    assert isinstance(result, Pass) == fits
    if isinstance(result, Failure):
        assert result.message == "out of memory: no room for more than 2"


def test_auto_takes_the_engine_that_is_ahead(tiny: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the bench had the usual engine in the race; for the same dtype, device and beams only."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    ahead = Recommendation(Variant("transformers"), Batching(tokens=512), "float32", "cpu", 20.0, "the fastest")
    usual = Recommendation(Variant("native"), Batching(tokens=1024), "float32", "cpu", 10.0, "the fastest")
    assert advise(tiny, Settings()) is None
    keep(tiny, [ahead])
    assert advise(tiny, Settings()) is None
    keep(tiny, [usual])
    found = advise(tiny, Settings())
    assert found is not None
    assert (found.settings.engine, found.settings.batch_tokens) == ("transformers", 512)
    keep(tiny, [replace(ahead, ahead=False)])
    unsure = advise(tiny, Settings())
    assert unsure is not None
    assert (unsure.settings.engine, unsure.settings.batch_tokens) == ("auto", 1024)
    keep(tiny, [ahead])
    chosen = advise(tiny, Settings(batch_size=7))
    assert chosen is not None
    assert (chosen.settings.engine, chosen.settings.batch_size, chosen.settings.batch_tokens) == (
        "transformers",
        7,
        None,
    )
    keep(tiny, [replace(usual, capped=True)])
    assert advise(tiny, Settings(engine="native")) is None  # its own batch size stays
    keep(tiny, [usual])
    named = advise(tiny, Settings(engine="native", dtype="float32", device="cpu"))
    assert named is not None
    assert (named.settings.engine, named.settings.batch_tokens) == ("native", 1024)
    for other in (Settings(dtype="int8"), Settings(device="cuda"), Settings(beams=1), Settings(engine="echo")):
        assert advise(tiny, other) is None


def test_the_usual_engine_stays_auto(tiny: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If it is ahead: so it may still fall back where it cannot do what is asked for."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    keep(tiny, [Recommendation(Variant("native"), Batching(tokens=1024), "float32", "cpu", 10.0, "the fastest")])
    found = advise(tiny, Settings())
    assert found is not None
    assert (found.settings.engine, found.settings.batch_tokens) == ("auto", 1024)


def test_a_damaged_cache_is_no_cache(tiny: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is written anew by the next bench."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    usual = Recommendation(Variant("native"), Batching(tokens=1024), "float32", "cpu", 10.0, "the fastest")
    path = keep(tiny, [usual])
    path.write_text("{", encoding="utf-8")
    assert advise(tiny, Settings()) is None
    keep(tiny, [usual])
    assert advise(tiny, Settings()) is not None


def test_an_engine_that_makes_its_own_batches_is_told_of_others(tiny: Model, tokenizer: Tokenizer) -> None:
    """Without being loaded again, and with the same outputs; both open means its own."""
    ready = ReadyEngine(load(tiny, Settings(engine="native", beams=1)))
    if not ready.engine.batch_independent:
        pytest.skip("this machine's kernels do not compute rows independently")
    first, sources = ready.engine, tokenizer.encode(["Ein Haus.", "Zwei große Häuser.", "Drei."])
    found = []
    for batching in (Batching(size=1), Batching(tokens=64), Batching(tokens=ready.describe().batch_tokens)):
        result = run_task(ready, Task(sources, batching))
        assert isinstance(result, Pass)
        found.append(result.targets)
    assert ready.engine is first
    assert found[0] == found[1] == found[2]
    assert (ready.describe().slots or 0) > 1
