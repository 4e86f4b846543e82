"""TODO"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from translate.cluster.options import LOCAL, Cluster
from translate.records import EngineError

if TYPE_CHECKING:
    from translate.run.events import Event
    from translate.run.plan import Job

Runner = Callable[["Job", "Cluster", Callable[[], bool]], "Iterator[Event]"]


def load_runner(cluster: Cluster) -> Runner:
    """What runs a job on the cluster. Raises EngineError if Ray is not installed, or the address is of a kind that cannot do."""
    if "://" in cluster.address:
        hint = "run the command on a machine of the cluster, with --ray auto or --ray HOST:PORT"
        raise EngineError(f"'{cluster.address}' is not the address of a Ray cluster's head node", hint)
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # nothing is sent to anyone; read when a cluster starts
    os.environ["RAY_ENABLE_AUTO_CONNECT"] = "0"  # else a thread that outlives our connection starts a cluster
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # what goes wrong comes as an exception too
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # Ray's coming default, without its warning
    if cluster.address == LOCAL:
        # Ray's switch for clusters of one machine: every port is opened on the loopback interface only.
        os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
    try:
        from translate.cluster.driver import run
    except ModuleNotFoundError as error:
        if error.name not in ("ray", "pyarrow", "pandas"):
            raise
        raise EngineError("--ray needs the package 'ray'", "pip install 'translate-batch[ray]'") from error
    return run
