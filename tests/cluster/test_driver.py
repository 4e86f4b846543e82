"""The job on a Ray cluster: the same bytes as on one machine, whatever dies on the way."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import psutil
import pytest

from tests.helpers.clusters import (
    ENVIRONMENT,
    LOOPBACK,
    WORKER,
    Nodes,
    cluster,
    find_processes,
    listening,
    start_driver,
    wait_until,
)
from tests.helpers.command import Command, command, environment
from tests.helpers.texts import count_remembered, outputs, write_texts
from translate.model.catalog import BUNDLED
from translate.model.folder import fingerprint

pytestmark = pytest.mark.slow
ENGINE = "transformers"


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What one machine makes of the texts."""
    folder = tmp_path_factory.mktemp("single")
    write_texts(folder / "data", documents=5, sentences=80, longest=6)
    driver = start_driver(folder, "-", ENGINE)
    out, errors = driver.communicate(timeout=250)
    assert driver.returncode == 0, errors
    assert "from_memory=0" not in out  # some sentences stand in several documents
    return outputs(folder / "out")


@pytest.fixture
def nodes() -> Iterator[Nodes]:
    """Three nodes."""
    with cluster({}, {}) as started:
        yield started


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The same texts."""
    write_texts(tmp_path / "data", documents=5, sentences=80, longest=6)
    return tmp_path


def test_a_worker_a_node_and_the_driver_are_killed(nodes: Nodes, folder: Path, expected: dict[str, bytes]) -> None:
    """One after the other, in mid-run: nothing is lost, nothing doubled, no byte differs. All ports are on loopback."""
    driver = start_driver(folder, nodes.address, ENGINE)
    wait_until(lambda: count_remembered(folder) > 20, driver)
    assert listening(psutil.Process()) <= LOOPBACK
    driver.kill()
    driver.wait()
    kept = count_remembered(folder)
    assert kept > 20
    driver = start_driver(folder, nodes.address, ENGINE)
    wait_until(lambda: count_remembered(folder) > kept + 20, driver)
    nodes.kill_worker()
    kept = count_remembered(folder)
    wait_until(lambda: count_remembered(folder) > kept + 20, driver)
    nodes.kill_node()
    assert count_remembered(folder) < 300  # of some 390: in mid-run
    _, errors = driver.communicate(timeout=280)
    assert driver.returncode == 0, errors
    assert len(nodes.raylets()) == 2
    assert outputs(folder / "out") == expected


def test_a_stuck_worker_is_named(nodes: Nodes, folder: Path, expected: dict[str, bytes]) -> None:
    """While it is at work and silent, or before it has begun; when it goes on, so does the run."""
    driver = start_driver(folder, nodes.address, ENGINE, silent=3)
    wait_until(lambda: count_remembered(folder) > 20, driver)
    stuck = find_processes(nodes.raylets(), WORKER)[0]
    stuck.suspend()
    assert driver.stderr is not None
    assert any(f"worker {stuck.pid} on " in line or "no worker has begun one" in line for line in driver.stderr)
    stuck.resume()
    _, errors = driver.communicate(timeout=250)
    assert driver.returncode == 0, errors
    assert outputs(folder / "out") == expected


def test_weights_come_once_to_each_node_and_others_are_refused(tmp_path: Path) -> None:
    """A node keeps them in its own cache; where that holds something else, the node is named and nothing is written."""
    write_texts(tmp_path / "data", documents=3, sentences=20)
    caches = [tmp_path / "one", tmp_path / "two"]
    with cluster(*({"XDG_CACHE_HOME": str(cache)} for cache in caches)) as nodes:
        driver = start_driver(tmp_path, nodes.address, "echo")
        _, errors = driver.communicate(timeout=250)
        assert driver.returncode == 0, errors
        kept = [path for cache in caches for path in cache.glob("translate-batch/models/*/model.safetensors")]
        assert kept
        for weights in kept:
            assert fingerprint(weights.parent) == fingerprint(BUNDLED / "tiny-de-en")
            weights.write_bytes(weights.read_bytes()[:-1] + b"x")
        shutil.rmtree(tmp_path / "out")
        driver = start_driver(tmp_path, nodes.address, "echo")
        _, errors = driver.communicate(timeout=250)
    assert driver.returncode == 1
    assert re.search(r"ModelError: worker \d+ on .+ \(node \w{8}\) has weights '\w+', not '\w+'", errors), errors
    assert not outputs(tmp_path / "out")


def test_other_library_versions_are_refused(tmp_path: Path) -> None:
    """By the names of node and package."""
    write_texts(tmp_path / "data", documents=3, sentences=20)
    other = tmp_path / "site/sacremoses-0.0.1.dist-info"
    other.mkdir(parents=True)
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: sacremoses\nVersion: 0.0.1\n")
    path = os.pathsep.join([str(other.parent), ENVIRONMENT["PYTHONPATH"]])
    with cluster({"PYTHONPATH": path}, {"PYTHONPATH": path}) as nodes:
        driver = start_driver(tmp_path, nodes.address, "echo")
        _, errors = driver.communicate(timeout=250)
    assert driver.returncode == 1
    assert re.search(rf"ModelError: worker \d+ on .+ has sacremoses 0.0.1, not {version('sacremoses')}", errors), errors


def test_the_command_on_a_cluster_of_its_own(translate: Command, tmp_path: Path) -> None:
    """--ray local: the same files, the same summary; an unreadable document is told at the end, and does not stop it."""
    write_texts(tmp_path / "data", documents=4, sentences=50)
    (tmp_path / "data/bad.txt").write_bytes(b"Gr\xfc\xdfe aus Wien.")
    (tmp_path / "data/empty.txt").write_bytes(b"")
    options = ("data", "--engine", "echo", "--model", "tiny-de-en", "--json", "--text")
    plain = translate(*options, "--output", "plain")
    done = translate(*options, "--ray", "local", "--workers", "2", **ENVIRONMENT)
    assert plain.returncode == done.returncode == 1
    assert "error: 'data/bad.txt' is not utf-8: byte 0xfc at offset 2" in done.stderr
    assert "2 workers on a Ray cluster of 1 nodes" in done.stderr
    assert "Traceback" not in done.stderr
    assert outputs(tmp_path / "out") == outputs(tmp_path / "plain")
    for text in (tmp_path / "plain").rglob("*.en.txt"):
        assert (tmp_path / "out" / text.relative_to(tmp_path / "plain")).read_bytes() == text.read_bytes()
    here, there = json.loads(done.stdout), json.loads(plain.stdout)
    for field in ("documents", "failed", "sentences", "from_memory", "flags", "words", "signature"):
        assert here[field] == there[field]


def test_a_cluster_that_is_not_there(translate: Command, tmp_path: Path) -> None:
    """Is said in two lines."""
    (tmp_path / "a.txt").write_text("Ja gut.")
    options = ("a.txt", "--engine", "echo", "--model", "tiny-de-en")
    done = translate(*options, "--ray", "127.0.0.1:1", **ENVIRONMENT)
    assert done.returncode == 1
    assert "error: no Ray cluster at '127.0.0.1:1'" in done.stderr
    assert "Traceback" not in done.stderr
    done = translate(*options, "--ray", "local", "--workers", "2", "--gpus-per-worker", "1", **ENVIRONMENT)
    assert done.returncode == 1
    assert "error: 2 workers need 4 CPUs and 2 GPUs; the cluster has 4 CPUs and 0 GPUs" in done.stderr
    done = translate(*options, "--ray", "ray://127.0.0.1:1")
    assert "error: 'ray://127.0.0.1:1' is not the address of a Ray cluster's head node" in done.stderr
    assert translate(*options, "--workers", "2").returncode == 2
    assert translate(*options, "--ray", "auto", "--no-memory").returncode == 2


def test_a_shard_on_a_cluster(translate: Command, tmp_path: Path) -> None:
    """--shard beside --ray: with the other part, done without Ray, it makes the whole; a part of nothing is nothing."""
    write_texts(tmp_path / "data", documents=3, sentences=50)
    options = ("data", "--engine", "echo", "--model", "tiny-de-en", "-q")
    on_ray = ("--ray", "local", "--workers", "1")
    assert translate(*options, "--output", "whole").returncode == 0
    done = translate(*options, "--shard", "1/2", *on_ray, **ENVIRONMENT)
    assert done.returncode == 0, done.stderr
    assert translate(*options, "--shard", "2/2").returncode == 0
    assert outputs(tmp_path / "out") == outputs(tmp_path / "whole")
    assert (tmp_path / "out/tiny-de-en/memory-1-of-2.sqlite").is_file()
    done = translate(*options, "--shard", "9/9", *on_ray, "--output", "none", **ENVIRONMENT)
    assert done.returncode == 0, done.stderr


def test_ctrl_c_says_how_to_go_on(tmp_path: Path) -> None:
    """It stops a run on a cluster as it stops any, and what was done is kept. All ports were on loopback meanwhile."""
    write_texts(tmp_path / "data", documents=3, sentences=3000)
    arguments = ("data", "--engine", "native", "--model", "tiny-de-en", "--ray", "local", "--workers", "1")
    variables = environment(**ENVIRONMENT)
    del variables["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"]  # so that loopback is the command's own choice
    process = subprocess.Popen(command(*arguments), cwd=tmp_path, env=variables, stderr=subprocess.PIPE, text=True)
    wait_until(lambda: count_remembered(tmp_path) > 0, process)
    opened = listening(psutil.Process(process.pid))
    assert opened
    assert opened <= LOOPBACK
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "run the same command again to go on" in said
    assert "Traceback" not in said
    assert count_remembered(tmp_path) > 0
