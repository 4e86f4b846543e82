"""The connection to a Ray cluster, and what of Ray's errors a user has to know."""

from __future__ import annotations

import logging
import os
import signal
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ray

from translate.cluster.options import AUTO, LOCAL, Cluster
from translate.records import EngineError, TranslateError

LOCAL_STORE = 512 << 20
"""Bytes of the object store of a cluster on this machine; what does not fit goes to disk."""
KNOCK_SECONDS = 5.0
SPARE_CPUS = 2
"""Logical processors that are left for reading, splitting and dealing into windows; Ray Data takes a whole one for the last."""


@contextmanager
def connected(cluster: Cluster) -> Iterator[None]:
    """A connection to the cluster, which a `local` one begins and ends with. Raises EngineError."""
    options: dict[str, Any] = {"address": cluster.address}
    if cluster.address == LOCAL:
        cpus = (cluster.workers or os.cpu_count() or 1) + SPARE_CPUS
        options |= {"num_cpus": cpus, "object_store_memory": LOCAL_STORE, "include_dashboard": False}
    elif cluster.address == AUTO:
        options = {"address": os.environ.get("RAY_ADDRESS", AUTO)}
    _knock(options["address"])
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    empty = tempfile.TemporaryDirectory(prefix="translate-ray-", ignore_cleanup_errors=True)
    try:
        # The folder that Ray is begun in comes first in its workers' path of modules. The user's holds data.
        with _working_in(empty.name):
            ray.init(**options, log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, RuntimeError, ValueError) as error:
        hint = "start one (`ray start --head`), give its HOST:PORT, or say --ray local"
        raise EngineError(f"no Ray cluster at '{cluster.address}': {_first_line(error)}", hint) from error
    if threading.current_thread() is threading.main_thread():
        for number, handler in handlers.items():  # Ray has its own, which end the program at once
            signal.signal(number, handler)
    try:
        yield
    finally:
        # Its threads may be at work still, and would tell of the connection's end by a traceback.
        quiet_data(logging.CRITICAL)
        ray.shutdown()
        empty.cleanup()


@contextmanager
def _working_in(folder: str) -> Iterator[None]:
    """That is the working folder, in this block."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def quiet_data(level: int) -> None:
    """Nothing of Ray Data's log below the level."""
    for name in ("ray.data", "ray.data._internal.execution"):
        logging.getLogger(name).setLevel(level)


def _knock(address: str) -> None:
    """Raise EngineError if nobody listens at host:port; Ray itself would try for minutes."""
    host, _, port = address.rpartition(":")
    if host and port.isdecimal():
        try:
            socket.create_connection((host.strip("[]"), int(port)), KNOCK_SECONDS).close()
        except OSError as error:
            hint = "give the HOST:PORT that `ray start --head` told, or say --ray local"
            raise EngineError(f"no Ray cluster at '{address}': {error.strerror or error}", hint) from error


@contextmanager
def plain_errors() -> Iterator[None]:
    """What happened on a node, as our own error where it is one, else as one line."""
    try:
        yield
    except TranslateError as error:
        raise _find_ours(error) or error from None
    except ray.exceptions.RayError as error:
        ours = _find_ours(error)
        if ours is not None:
            raise ours from None
        hint = "what is finished is in the memory: the same command goes on"
        raise EngineError(f"Ray gave the run up: {_first_line(error)}", hint) from error


def _find_ours(error: BaseException | None) -> TranslateError | None:
    """The TranslateError in a chain of causes, without Ray's wrapping."""
    while error is not None:
        if isinstance(error, TranslateError) and not isinstance(error, ray.exceptions.RayError):
            return error
        error = getattr(error, "cause", None) or error.__cause__
    return None


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)[:300]
