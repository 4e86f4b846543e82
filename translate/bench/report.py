"""A bench → a table for people, bench.json, CSV and Markdown for programs and reports; and bench.json back again."""

from __future__ import annotations

import csv
import dataclasses
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from translate.bench.intervals import Ratio
from translate.bench.measurements import Measurement, Proof
from translate.bench.sweep import Bench
from translate.bench.verdicts import SpeedChange, compare_with_baseline
from translate.pages.tables import format_table
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
    yardstick: tuple[float, ...] = ()

    @property
    def counts(self) -> dict[Variant, int]:
        """Sentences that each variant was measured with."""
        return {row.variant: row.sentences for row in self.rows if not row.problem}

    def refuse(self, bench: Bench) -> str:
        """Why the two cannot be compared; empty if they can."""
        if self.machine != bench.machine:
            names = [name for name in bench.machine if self.machine.get(name) != bench.machine[name]]
            apart = "; ".join(f"{name} {self.machine.get(name)!s} → {bench.machine[name]!s}" for name in names)
            return f"not compared with '{self.path}': it is of another machine ({apart})"
        old = {row.variant: row.sample or self.sample for row in self.rows if not row.problem}
        if any(row.sample != old.get(row.variant, row.sample) for row in bench.measurements if not row.problem):
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
        "available": bench.available,
        "yardstick_seconds": [round(seconds, 6) for seconds in bench.yardstick],
        "load_average": {"before": bench.load[0], "after": bench.load[1]},
        "noise": bench.noise,
        "seconds": bench.seconds,
        "measurements": [_describe(row, bench, differences or {}) for row in bench.measurements],
        "proofs": [_describe_proof(proof) for proof in bench.proofs.values() if proof is not None],
        "recommendations": [dataclasses.asdict(recommendation) for recommendation in bench.recommendations],
        "answers": [f"{answer.recommendation.variant}: {answer.sentence}" for answer in bench.answers],
    }
    with write_atomically(path) as file:
        file.write(json.dumps(fields, ensure_ascii=False, indent=1) + "\n")


def _describe(row: Measurement, bench: Bench, differences: Differences) -> dict[str, Any]:
    """The row's fields, and the rates that follow from them. Memory is in bytes, under either name."""
    fields = dataclasses.asdict(row) | {"memory_bytes": row.memory, "cuda_memory_bytes": row.cuda_memory}
    if not row.problem:
        rate = row.rate
        fields["rates"] = {
            "sentences_per_second": _round(dataclasses.asdict(rate)),
            "source_tokens_per_second": round(rate.median * row.source_tokens / row.sentences, 2),
            "target_tokens_per_second": round(rate.median * row.target_tokens / row.sentences, 2),
        }
    if ratio := bench.ratios.get((row.variant, row.batching)):
        fields["against_default"] = _describe_ratio(ratio)
    if difference := differences.get((row.variant, row.batching)):
        fields["baseline"] = {"real": difference.real, **_finite(dataclasses.asdict(difference))}
    return fields


def _describe_ratio(ratio: Ratio) -> dict[str, Any]:
    word = "faster" if ratio.is_faster else "slower" if ratio.is_slower else "no difference shown"
    return {**_finite(dataclasses.asdict(ratio)), "verdict": word}


def _describe_proof(proof: Proof) -> dict[str, Any]:
    return dataclasses.asdict(proof) | {"speed": _describe_ratio(proof.speed), "cpu": _describe_ratio(proof.cpu)}


def _finite(figures: Mapping[str, float]) -> dict[str, float | None]:
    """JSON has no word for an interval without an end."""
    return {name: round(value, 4) if math.isfinite(value) else None for name, value in figures.items()}


def _round(figures: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 3) for name, value in figures.items()}


def read_bench(path: Path) -> Baseline:
    """The rows of a bench.json. Raises OutputError if it is none."""
    try:
        found = parse_json(read_ordinary(path), _File)
        for row in found.measurements:
            if not row.problem and not (row.sentences > 0 and row.seconds and min(row.seconds) > 0):
                raise ValueError("measurements: one without sentences or seconds")
        known = found.machine, found.model.name, found.sentences, found.sample
        return Baseline(path, *known, found.measurements, found.yardstick_seconds)
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
    yardstick_seconds: tuple[float, ...] = ()


def compare_with(bench: Bench, baseline: Baseline) -> Differences:
    """The rows that both have; empty if the baseline is refused."""
    if baseline.refuse(bench):
        return {}
    return compare_with_baseline(bench.measurements, baseline.rows, (bench.yardstick, baseline.yardstick))


def make_table(bench: Bench, differences: Differences | None = None) -> list[list[str]]:
    """Titles, and a row a setting: `*` where it is recommended; columns that would be empty are left out."""
    advised = {(found.variant, found.batching) for found in bench.recommendations if not found.capped}
    cells = [
        ["*" if (row.variant, row.batching) in advised else "", *_cells(row, bench, differences or {})]
        for row in bench.measurements
    ]
    titles = ["", *(title for title, _ in COLUMNS), AGAINST, "baseline"]
    filled = [n for n in range(len(titles)) if any(line[n] for line in cells)]
    return [[line[n] for n in filled] for line in (titles, *cells)]


def format_bench(bench: Bench, differences: Differences | None = None, *, width: int = 160) -> Iterator[str]:
    """The table as lines of text, and what went wrong in which row."""
    table = make_table(bench, differences)
    words = [n for n, title in enumerate(table[0]) if title in ("", "engine", "batch", AGAINST, "baseline")]
    yield from format_table(table, width, left=table[0].index("batch") + 1, words=words)
    for row in bench.measurements:
        if row.problem:
            yield f"{row.variant}, {row.batching}: {row.problem}"


def write_csv(bench: Bench, path: Path) -> None:
    """A line a round of each setting: what a statistician asks for. Raises OutputError."""
    with write_atomically(path) as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(
            "engine dtype device beams threads batch_tokens batch_sentences default round sentences source_tokens "
            "target_tokens seconds cpu_seconds memory_bytes problem".split()
        )
        for row in bench.measurements:
            v, b = row.variant, row.batching
            begin = [
                v.engine,
                row.dtype or v.dtype,
                row.device or v.device,
                v.beams,
                v.threads,
                b.tokens,
                b.size,
                row.default,
            ]
            counts = [row.sentences, row.source_tokens, row.target_tokens]
            if row.problem:
                lines.writerow([*begin, "", *counts, "", "", "", row.problem])
            for number, (seconds, cpu) in enumerate(zip(row.seconds, row.cpu_seconds, strict=True), 1):
                lines.writerow([*begin, number, *counts, seconds, cpu, row.memory, ""])


def write_markdown(bench: Bench, path: Path, differences: Differences | None = None) -> None:
    """The table, what it means, and where it was measured, to stand in a report. Raises OutputError."""
    table = [[cell.replace("|", "\\|") for cell in line] for line in make_table(bench, differences)]
    kind = bench.machine.get("graphics") or bench.machine.get("processor") or bench.machine.get("machine")
    with write_atomically(path) as file:
        file.write(f"{bench.model.short_name} on {kind}, {bench.machine.get('cpus')} processors\n\n")
        for number, line in enumerate(table):
            file.write(f"| {' | '.join(line)} |\n")
            if number == 0:
                file.write("|---" * len(line) + "|\n")
        file.write(
            "\n" + "".join(f"- {answer.recommendation.variant}: {answer.sentence}\n" for answer in bench.answers)
        )
        if bench.noise:
            file.write(f"- noisy: {bench.noise}\n")


AGAINST = "against default"


def _cells(row: Measurement, bench: Bench, differences: Differences) -> list[str]:
    if row.problem:
        problem = "out of memory" if "memory" in row.problem else "not possible"
        return [str(row.variant), str(row.batching), problem, *[""] * (len(COLUMNS) - 1)]
    difference = differences.get((row.variant, row.batching))
    return [*(show(row) for _, show in COLUMNS), _against(row, bench), str(difference) if difference else ""]


def _against(row: Measurement, bench: Bench) -> str:
    """How the setting stands to the default, in words that promise nothing that the interval does not hold."""
    if row.default:
        return "default" if row.filled else "default, not filled"
    ratio = bench.ratios.get((row.variant, row.batching))
    if ratio is None or not ratio.rounds:
        return "not compared"
    word = "faster" if ratio.is_faster else "slower" if ratio.is_slower else "no difference shown"
    return f"{word} {ratio}"


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.0f}"


def _mebibytes(amount: int | None) -> str:
    return f"{amount / 2**20:,.0f}" if amount else ""


def _per_second(row: Measurement, count: int) -> str:
    return f"{row.rate.median * count / row.sentences:,.0f}"


COLUMNS: Sequence[tuple[str, Any]] = (
    ("engine", lambda row: str(row.variant)),
    ("batch", lambda row: str(row.batching)),
    ("sentences", lambda row: f"{row.sentences:,}"),
    ("sentences/s", lambda row: f"{row.rate.median:.1f}"),
    ("middle half", lambda row: f"{row.rate.low:.1f}-{row.rate.high:.1f}"),
    ("cpu ms/sentence", lambda row: "" if row.cpu_milliseconds is None else f"{row.cpu_milliseconds:,.1f}"),
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
