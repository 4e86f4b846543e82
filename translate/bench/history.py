"""Benches one after the other → one file that each adds a line to, and the rates of one machine and model over time."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from translate.bench.measurements import Quartiles
from translate.bench.sweep import Bench
from translate.records import OutputError
from translate.storage import write_atomically

HISTORY_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Entry:
    """One bench: when, of what, and each variant's rate with its default batches, else with its best."""

    time: datetime
    model: str
    machine: Mapping[str, Any]
    version: str
    noise: str
    rates: Mapping[str, Quartiles]
    """By the variant's name: source tokens a second, so that other sentences can be compared as well as may be."""


def make_entry(bench: Bench, versions: Mapping[str, str], now: datetime | None = None) -> Entry:
    """What the history keeps of a bench."""
    rates: dict[str, Quartiles] = {}
    for row in sorted(bench.measurements, key=lambda row: (not row.default, -row.rate.median if row.seconds else 0)):
        if not row.problem and str(row.variant) not in rates:
            each = row.source_tokens / row.sentences
            rates[str(row.variant)] = Quartiles(*(round(v * each, 2) for v in dataclasses.astuple(row.rate)))
    version = versions.get("translate-batch", "")
    return Entry(now or datetime.now(UTC), bench.model.name, dict(bench.machine), version, bench.noise, rates)


def append_entry(path: Path, entry: Entry) -> list[Entry]:
    """Add the bench to the file, and give all that it holds, the oldest first. Raises OutputError for another kind of file."""
    entries = [*read_history(path), entry]
    with write_atomically(path) as file:
        for held in entries:
            file.write(json.dumps(_fields(held), ensure_ascii=False, separators=(",", ":")) + "\n")
    return entries


def _fields(entry: Entry) -> dict[str, Any]:
    rates = {name: dataclasses.asdict(rate) for name, rate in entry.rates.items()}
    when = entry.time.isoformat(timespec="seconds")
    return {"format": HISTORY_FORMAT, **{f.name: getattr(entry, f.name) for f in dataclasses.fields(entry)}} | {
        "time": when,
        "rates": rates,
    }


def read_history(path: Path) -> list[Entry]:
    """The benches that the file holds; none if there is no file. Raises OutputError."""
    if not path.exists():
        return []
    try:
        return [_parse(json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        hint = "give --history a file that this program wrote, or one that does not exist yet"
        raise OutputError(f"cannot read '{path}': {error}", hint) from error


def _parse(fields: dict[str, Any]) -> Entry:
    if fields["format"] != HISTORY_FORMAT:
        raise ValueError(f"format {fields['format']!r} is not {HISTORY_FORMAT}")
    rates = {
        str(name): Quartiles(*(float(rate[n]) for n in ("low", "median", "high")))
        for name, rate in fields["rates"].items()
    }
    time = datetime.fromisoformat(fields["time"])
    if time.tzinfo is None:
        raise ValueError(f"time {fields['time']!r} has no time zone")
    return Entry(time, fields["model"], dict(fields["machine"]), fields["version"], fields["noise"], rates)


def comparable(entries: list[Entry]) -> list[Entry]:
    """Those of the newest one's model and kind of machine: figures of others belong into no line with its own."""
    newest = entries[-1]
    return [entry for entry in entries if (entry.model, entry.machine) == (newest.model, newest.machine)]
