"""A bench → a table for people, bench.json for programs, and back."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from translate.bench.measurements import Measurement, SpeedChange, compare_rows
from translate.bench.sweep import Bench
from translate.records import OutputError
from translate.run.advice import Batching, Variant
from translate.storage import parse_json, read_ordinary, write_atomically

REPORT_FORMAT = 1
"""Of bench.json."""

Differences = Mapping[tuple[Variant, Batching], SpeedChange]


@dataclass(frozen=True, slots=True)
class Baseline:
    """What an older bench.json tells: its rows, and what they hold for."""

    path: Path
    machine: Mapping[str, Any]
    model: str
    sentences: int
    sample: str
    rows: tuple[Measurement, ...]

    def refuse(self, bench: Bench) -> str:
        """Why the two cannot be compared; empty if they can."""
        if self.machine != bench.machine:
            names = [name for name in bench.machine if self.machine.get(name) != bench.machine[name]]
            apart = "; ".join(f"{name} {self.machine.get(name)!s} → {bench.machine[name]!s}" for name in names)
            return f"not compared with '{self.path}': it is of another machine ({apart})"
        if self.sample != bench.sample:
            return f"not compared with '{self.path}': it translated other sentences"
        return ""


def write_bench(bench: Bench, versions: Mapping[str, str], path: Path, differences: Differences | None = None) -> None:
    """Write bench.json. Raises OutputError."""
    model = {"name": bench.model.name, "revision": bench.model.revision, "fingerprint": bench.model.fingerprint}
    fields = {
        "format": REPORT_FORMAT,
        "model": model,
        "machine": dict(bench.machine),
        "versions": dict(versions),
        "sentences": bench.sentences,
        "sample": bench.sample,
        "load_average": {"before": bench.load[0], "after": bench.load[1]},
        "noise": bench.noise,
        "seconds": bench.seconds,
        "measurements": [_describe(row, differences or {}) for row in bench.measurements],
        "recommendations": [dataclasses.asdict(recommendation) for recommendation in bench.recommendations],
    }
    with write_atomically(path) as file:
        file.write(json.dumps(fields, ensure_ascii=False, indent=1) + "\n")


def _describe(row: Measurement, differences: Differences) -> dict[str, Any]:
    """The row's fields, and the rates that follow from them."""
    fields = dataclasses.asdict(row)
    if not row.problem:
        rate = row.rate
        fields["rates"] = {
            "sentences_per_second": _round(dataclasses.asdict(rate)),
            "source_tokens_per_second": round(rate.median * row.source_tokens / row.sentences, 2),
            "target_tokens_per_second": round(rate.median * row.target_tokens / row.sentences, 2),
        }
    if difference := differences.get((row.variant, row.batching)):
        fields["baseline"] = dataclasses.asdict(difference)
    return fields


def _round(figures: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 3) for name, value in figures.items()}


def read_bench(path: Path) -> Baseline:
    """The rows of a bench.json. Raises OutputError if it is none."""
    try:
        found = parse_json(read_ordinary(path), _File)
        for row in found.measurements:
            if not row.problem and not (row.sentences > 0 and row.seconds and min(row.seconds) > 0):
                raise ValueError("measurements: one without sentences or seconds")
        return Baseline(path, found.machine, found.model.name, found.sentences, found.sample, found.measurements)
    except (OSError, ValueError) as error:
        raise OutputError(
            f"cannot read '{path}': {error}", "give --baseline a bench.json that this program wrote"
        ) from error


@dataclass(frozen=True, slots=True)
class _Model:
    name: str


@dataclass(frozen=True, slots=True)
class _File:
    """What of bench.json a later bench looks at."""

    model: _Model
    machine: Mapping[str, Any]
    sentences: int
    sample: str
    measurements: tuple[Measurement, ...]


def compare_with(bench: Bench, baseline: Baseline) -> Differences:
    """The rows that both have; empty if the baseline is refused."""
    return {} if baseline.refuse(bench) else compare_rows(bench.measurements, baseline.rows)


def format_table(bench: Bench, differences: Differences | None = None) -> Iterator[str]:
    """Lines of text: a row a setting, `*` where it is recommended, columns that would be empty left out."""
    advised = {(found.variant, found.batching) for found in bench.recommendations}
    cells = [
        ["*" if (row.variant, row.batching) in advised else "", *_cells(row, differences or {})]
        for row in bench.measurements
    ]
    titles = ["", *(title for title, _ in COLUMNS), "baseline"]
    filled = [n for n in range(len(titles)) if any(line[n] for line in cells)]
    widths = {n: max(len(titles[n]), *(len(line[n]) for line in cells)) for n in filled}
    for line in (titles, *cells):
        yield "  ".join(
            line[n].ljust(widths[n]) if n in (0, 1, len(titles) - 1) else line[n].rjust(widths[n]) for n in filled
        ).rstrip()
    for row in bench.measurements:
        if row.problem:
            yield f"{row.variant}, {row.batching}: {row.problem}"


def _cells(row: Measurement, differences: Differences) -> list[str]:
    if row.problem:
        problem = "out of memory" if "memory" in row.problem else "not possible"
        return [str(row.variant), str(row.batching), problem, *[""] * (len(COLUMNS) - 2)]
    difference = differences.get((row.variant, row.batching))
    return [*(show(row) for _, show in COLUMNS), str(difference) if difference else ""]


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.0f}"


def _mebibytes(amount: int | None) -> str:
    return f"{amount / 2**20:,.0f}" if amount else ""


def _per_second(row: Measurement, count: int) -> str:
    return f"{row.rate.median * count / row.sentences:,.0f}"


COLUMNS: Sequence[tuple[str, Any]] = (
    ("engine", lambda row: str(row.variant)),
    ("batch", lambda row: str(row.batching)),
    ("sentences/s", lambda row: f"{row.rate.median:.1f}"),
    ("middle half", lambda row: f"{row.rate.low:.1f}-{row.rate.high:.1f}"),
    ("source tok/s", lambda row: _per_second(row, row.source_tokens)),
    ("target tok/s", lambda row: _per_second(row, row.target_tokens)),
    ("s/batch p50", lambda row: f"{row.batch_p50:.3f}"),
    ("p95", lambda row: f"{row.batch_p95:.3f}"),
    ("padding % source", lambda row: _percent(row.source_padding)),
    ("target", lambda row: _percent(row.target_padding)),
    ("memory MiB", lambda row: _mebibytes(row.memory)),
    ("CUDA MiB", lambda row: _mebibytes(row.cuda_memory)),
    ("same as alone", lambda row: "" if row.identical is None else f"{row.identical}/{row.sentences}"),
    ("BLEU", lambda row: "" if row.bleu is None else f"{row.bleu:.1f}"),
    ("chrF", lambda row: "" if row.chrf is None else f"{row.chrf:.1f}"),
)
"""Title → how a row shows it."""
