"""Which Ray cluster, and how much of it. Knows nothing of Ray, so that the command line can be read without it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    pass

LOCAL, AUTO = "local", "auto"


@dataclass(frozen=True, slots=True)
class Cluster:
    """Where to run: `auto` is the cluster that Ray finds, `local` one on this machine for this run, else host:port."""

    address: str
    workers: int | None = None
    """Engines; None: one for each GPU, or for each processor but two."""
    gpus_per_worker: float | None = None
    """None: 1 where there are GPUs."""
    silent_seconds: float = 60.0
    """After so long without a word from a worker, the user is told."""
