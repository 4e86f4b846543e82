"""What `translate bench` found out, kept in the user's cache for `translate`: one small file a model.

An entry holds for one model (by fingerprint), kind of machine, engine, dtype and device.
"""

from __future__ import annotations

import dataclasses
import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from translate.engines.base import AUTO, installed_engines
from translate.machine import machine_kind
from translate.records import Model, OutputError, Settings
from translate.storage import convert_json, parse_json, read_ordinary, user_cache_folder, write_atomically

LOG = logging.getLogger(__name__)
ADVICE_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Advice:
    """The settings of a run as the bench recommends them, and the sentence that says so."""

    settings: Settings
    dtype: str
    device: str
    reason: str


def recommendations_path(model: Model) -> Path:
    """Where the model's entries are."""
    return user_cache_folder() / "bench" / f"{model.fingerprint[:16]}.json"


def keep(model: Model, found: Iterable[Recommendation]) -> Path:
    """Keep the recommendations, each in place of the older one for the same engine, dtype, device, beams and machine.

    Those for a set number of threads are left out: `translate` uses them all. Raises OutputError.
    """
    machine = machine_kind()
    new: dict[tuple[Any, ...], Recommendation] = {}
    for recommendation in found:
        if recommendation.variant.threads is None:
            new.setdefault(_key(recommendation), recommendation)
    path = recommendations_path(model)
    kept = [(kind, held) for kind, held in _read(path) if kind != machine or _key(held) not in new]
    entries = [*kept, *((machine, recommendation) for recommendation in new.values())]
    fields = [{"machine": kind, **dataclasses.asdict(held)} for kind, held in entries]
    with write_atomically(path) as file:
        file.write(json.dumps({"format": ADVICE_FORMAT, "model": model.name, "entries": fields}, indent=1) + "\n")
    return path


def _key(held: Recommendation) -> tuple[Any, ...]:
    return held.variant.engine, held.dtype, held.device, held.variant.beams


def _read(path: Path) -> list[tuple[dict[str, Any], Recommendation]]:
    """The entries of a file; none if there is none, or if another version wrote it."""
    try:
        kept = parse_json(read_ordinary(path), _File)
        if kept.format != ADVICE_FORMAT:
            return []
        return [
            (convert_json(entry.get("machine"), dict[str, Any]), parse_recommendation(entry)) for entry in kept.entries
        ]
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        LOG.warning("what translate bench has kept cannot be read: '%s': %s; it is not followed", path, error)
        return []


def _read_kept(model: Model) -> list[tuple[dict[str, Any], Recommendation]]:
    """The model's entries; none for a user without a home, for whom nothing can have been kept."""
    try:
        return _read(recommendations_path(model))
    except OutputError:
        return []


def parse_recommendation(fields: Mapping[str, Any]) -> Recommendation:
    """The reverse of `dataclasses.asdict`. Raises ValueError for anything else."""
    found = convert_json(fields, Recommendation)
    batching = found.batching
    amounts = (batching.tokens, batching.size, found.variant.beams, found.variant.threads)
    if any(amount is not None and amount < 1 for amount in amounts) or (batching.tokens is None) is (
        batching.size is None
    ):
        raise ValueError(f"no such batches or numbers: {batching}, {found.variant}")
    return found


def advise(model: Model, settings: Settings) -> Advice | None:
    """What the bench recommends for a run with these settings, if it was run for such a one.

    The engine is its choice if the settings leave it open and the bench had the usual one in the race; the batches are
    if the settings name none.
    """
    machine = machine_kind()
    fitting = [held for kind, held in _read_kept(model) if kind == machine and _fits(held, settings)]
    usual = [held for held in fitting if held.variant.engine == AUTO]
    if settings.engine == "auto":
        able = {name for name in installed_engines() if name != "echo"}
        fitting = [held for held in fitting if held.variant.engine in able and (held.ahead or held in usual)]
        fitting = fitting if usual else []
    if not fitting:
        return None
    best = max(fitting, key=lambda held: held.rate)
    chosen = settings.engine if best.variant.engine == AUTO else best.variant.engine  # `auto` may still fall back
    advised = dataclasses.replace(settings, engine=chosen)
    reason = f"engine {best.variant.engine}" if settings.engine == "auto" else ""
    if settings.batch_tokens is None and settings.batch_size is None and not best.capped:
        advised = dataclasses.replace(advised, batch_tokens=best.batching.tokens, batch_size=best.batching.size)
        reason = f"{reason}, batches of {best.batching}".removeprefix(", ")
    if not reason:
        return None
    return Advice(advised, best.dtype, best.device, f"{reason}: as translate bench found here ({best.reason})")


def _fits(held: Recommendation, settings: Settings) -> bool:
    """Whether it was measured with what the settings ask for, by the word they use or by what the engine made of it."""
    return (
        settings.engine in ("auto", held.variant.engine)
        and settings.dtype in (held.variant.dtype, held.dtype)
        and settings.device in (held.variant.device, held.device)
        and settings.beams == held.variant.beams
    )


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'s' * (number != 1)}"


@dataclass(frozen=True, slots=True)
class Batching:
    """How sentences are put into batches: padded source tokens a batch, or sentences a batch."""

    tokens: int | None = None
    size: int | None = None

    def __str__(self) -> str:
        return f"{self.tokens} tokens" if self.size is None else _count(self.size, "sentence")


@dataclass(frozen=True, slots=True)
class Variant:
    """What is loaded. As asked for: `auto` and None leave it to the engine."""

    engine: str
    dtype: str = "auto"
    device: str = "auto"
    beams: int | None = None
    threads: int | None = None

    def __str__(self) -> str:
        extras = [self.dtype] if self.dtype != "auto" else []
        extras += [_count(self.beams, "beam")] if self.beams else []
        extras += [_count(self.threads, "thread")] if self.threads else []
        return f"{self.engine} ({', '.join(extras)})" if extras else self.engine


@dataclass(frozen=True, slots=True)
class Recommendation:
    """The setting to use with one engine and dtype on one kind of machine, and why."""

    variant: Variant
    batching: Batching
    dtype: str
    device: str
    rate: float
    """Source sentences a second."""
    reason: str
    capped: bool = False
    """Whether the engine's own batches stay: no others were proved faster."""
    ahead: bool = True
    """Whether it may take the place of the usual engine where the run leaves the engine open."""


@dataclass(frozen=True, slots=True)
class _File:
    """What a file of recommendations holds."""

    format: int
    entries: list[dict[str, Any]]
