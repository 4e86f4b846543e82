"""Real Ray clusters of several nodes on this machine, and a driver for them; every port is on the loopback interface.

    python tests/helpers/clusters.py FOLDER ADDRESS ENGINE SILENT_SECONDS

translates FOLDER/data into FOLDER/out; `-` for an address means without Ray.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

ENVIRONMENT = {
    "HF_HUB_OFFLINE": "1",
    "OMP_NUM_THREADS": "1",
    "PYTHONPATH": str(Path(__file__).parent.parent.parent),
    "RAY_AUTH_MODE": "token",
    "RAY_AUTH_TOKEN": "only-for-tests-0123456789-0123456789",
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # Ray's switch for clusters that open their ports on loopback only
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}
LOOPBACK = {"127.0.0.1", "::ffff:127.0.0.1", "::1"}
STORE = 100 << 20
"""Bytes of each node's object store."""
QUICK = {"health_check_initial_delay_ms": 1000, "health_check_period_ms": 1000, "health_check_failure_threshold": 3}
"""So that a dead node is noticed within seconds."""
WORKER, JOURNAL = "MapBatches(Worker)", "ray::Journal"


class Nodes:
    """A running cluster."""

    def __init__(self, *environments: dict[str, str]) -> None:
        """A head, and a node for each environment (the variables that it has more than the others)."""
        os.environ.update(ENVIRONMENT)
        from ray.cluster_utils import Cluster

        common = {"num_cpus": 2, "object_store_memory": STORE, "node_ip_address": "127.0.0.1"}
        self._cluster: Any = Cluster(
            initialize_head=True,
            head_node_args={**common, "num_cpus": 3, "include_dashboard": False, "_system_config": QUICK},
        )
        for environment in environments:
            self._cluster.add_node(**common, env_vars=environment)
        self.address: str = self._cluster.address

    def raylets(self) -> list[psutil.Process]:
        """The process of each node that is alive."""
        started = [node.all_processes["raylet"][0].process for node in self._cluster.list_all_nodes()]
        return [psutil.Process(process.pid) for process in started if process.poll() is None]

    def kill_worker(self) -> None:
        """Kill a process that translates."""
        find_processes(self.raylets(), WORKER)[0].kill()

    def kill_node(self) -> None:
        """Kill a node that translates, and is not the one where the journal is."""
        for raylet in self.raylets():
            if find_processes([raylet], WORKER) and not find_processes([raylet], JOURNAL):
                raylet.kill()
                return
        raise AssertionError("no node translates that has not the journal")

    def shutdown(self) -> None:
        """End all of it."""
        self._cluster.shutdown()


def listening(parent: psutil.Process) -> set[str]:
    """The addresses on which any process below the parent listens."""
    found = set()
    for process in parent.children(recursive=True):
        try:
            sockets = process.net_connections("tcp")
        except psutil.Error:
            continue
        found |= {socket.laddr.ip for socket in sockets if socket.status == psutil.CONN_LISTEN}
    return found


def find_processes(parents: list[psutil.Process], name: str) -> list[psutil.Process]:
    """Those of Ray's processes below the parents whose title holds the name."""
    found = []
    for parent in parents:
        for process in parent.children(recursive=True):
            try:
                if name in " ".join(process.cmdline()):
                    found.append(process)
            except psutil.Error:
                continue
    return found


@contextmanager
def cluster(*environments: dict[str, str]) -> Iterator[Nodes]:
    """A cluster of a head and so many nodes, for the block."""
    nodes = Nodes(*environments)
    try:
        yield nodes
    finally:
        nodes.shutdown()


def start_driver(folder: Path, address: str, engine: str, silent: float = 60.0) -> subprocess.Popen[str]:
    """The driver, as a process of its own."""
    arguments = [sys.executable, __file__, str(folder), address, engine, str(silent)]
    return subprocess.Popen(
        arguments,
        cwd=folder,
        env={**os.environ, **ENVIRONMENT},
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def wait_until(condition: Callable[[], bool], process: subprocess.Popen[str], seconds: float = 120) -> None:
    """Wait for it, as long as the process runs."""
    until = time.monotonic() + seconds
    while not condition():
        if process.poll() is not None:
            raise AssertionError(f"it ended with status {process.returncode}: {process.communicate()}")
        assert time.monotonic() < until
        time.sleep(0.05)


def drive(folder: Path, address: str, engine: str, silent: float) -> None:
    """Translate; small windows and batches, so that there is something to interrupt."""
    from translate.cli.run import load_runner
    from translate.cluster.options import Cluster
    from translate.records import Settings
    from translate.run.pipeline import run
    from translate.run.plan import Job

    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    settings = Settings(engine=engine, dtype="float32", device="cpu", beams=1, batch_tokens=100, chunk_sentences=60)
    job = Job(("data",), Path("out"), model="tiny-de-en", settings=settings)
    job_cluster = Cluster(address, workers=3, silent_seconds=silent)
    events = run(job) if address == "-" else load_runner(job_cluster)(job, job_cluster, lambda: False)
    for event in events:
        last = event
    sys.stdout.write(f"{last}\n")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    drive(Path(sys.argv[1]), sys.argv[2], sys.argv[3], float(sys.argv[4]))
