"""Figures that another program or a person gave for each row → metrics beside our own: `--metric NAME=FILE`.

A file has a number for each row of its run, in the run's order: a line each, or JSON lines with the number as `score` or `prediction`, as
COMET and MetricX give them, with `doc` and `sentence` where the order is another. A file that the page of a comparison exported
holds a person's marks of all runs at once.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from translate.compare.inputs import Run
from translate.records import InputError
from translate.text.documents import existing_file

LOWER = frozenset({"mqm", "metricx", "errors", "wer", "cer", "ter"})
"""Metrics that count what is wrong: the lower the better."""
ERRORS = " errors"
"""Behind the name of a metric of marks: the points of the errors that were marked, beside the share of comparisons won."""
SEVERITIES = {"minor": 1.0, "major": 5.0, "critical": 25.0}
"""Points of an error, as MQM has them (Freitag et al. 2021)."""
WON = {"first": (1.0, 0.0), "equal": (0.5, 0.5), "second": (0.0, 1.0)}
"""What a comparison of two runs gives to the first and to the second."""

RowKey = tuple[str, int]
"""Document and sentence."""
Values = Mapping[RowKey, float]


@dataclass(frozen=True, slots=True)
class ExternalMetric:
    """A metric's values, for each run."""

    name: str
    values: tuple[Values, ...]

    @property
    def lower_is_better(self) -> bool:
        """Whether it counts errors."""
        return self.name.casefold().removesuffix(ERRORS) in LOWER or self.name.endswith(ERRORS)


def parse_metrics(texts: Sequence[str]) -> dict[str, tuple[Path, ...]]:
    """`NAME=FILE`, as often as given → the files of each name, in their order. Raises InputError."""
    found: dict[str, tuple[Path, ...]] = {}
    for text in texts:
        name, separator, path = text.partition("=")
        if not name.strip() or not separator or not path:
            raise InputError(
                f"cannot understand --metric '{text}'", "say NAME=FILE, such as comet=greedy.comet, once for each run"
            )
        if name.strip().casefold() in ("bleu", "chrf", "chrf++", "ter"):
            raise InputError(
                f"--metric '{text}' has the name of a metric that is computed here", "give it another name"
            )
        found[name.strip()] = (*found.get(name.strip(), ()), Path(path))
    return found


def read_metrics(files: Mapping[str, tuple[Path, ...]], runs: Sequence[Run]) -> Iterator[ExternalMetric]:
    """The metrics that the files hold. Raises InputError for one that does not fit its run, or is missing for a run."""
    for name, paths in files.items():
        lines = {path: _read_lines(path) for path in paths}
        if len(paths) == 1 and (marks := _as_marks(lines[paths[0]])):
            yield from _read_marks(name, paths[0], marks, runs)
            continue
        if len(paths) != len(runs):
            hint = f"say --metric {name}=FILE once for each run, in the order of the runs"
            raise InputError(f"{len(paths)} files for the metric '{name}', and {len(runs)} runs", hint)
        yield ExternalMetric(name, tuple(_read_values(p, lines[p], run) for p, run in zip(paths, runs, strict=True)))


def _read_lines(path: Path) -> list[str]:
    try:
        return existing_file(path).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read '{path}': {error}", "give a file of numbers or JSON lines, in UTF-8") from error


def _read_values(path: Path, lines: Sequence[str], run: Run) -> Values:
    """A number for each row of the run."""
    keys = [(row.doc, row.sentence) for rows in run.documents.values() for row in rows]
    values: dict[RowKey, float] = {}
    for number, line in enumerate(filter(str.strip, lines)):
        key, value = _parse_value(path, line)
        if key is None:
            key = keys[number] if number < len(keys) else ("", -1 - number)
        values[key] = value
    if len(values) != len(keys) or values.keys() != set(keys):
        strangers = [key for key in values if key not in set(keys) and key[0]]
        hint = "give a number for each row of that run, in the order of its rows, or JSON lines with doc and sentence"
        found = f"'{strangers[0][0]}', sentence {strangers[0][1]}" if strangers else f"{len(values):,} numbers"
        raise InputError(f"'{path}' has {found}, which does not fit the {len(keys):,} rows of '{run.path}'", hint)
    return values


def _parse_value(path: Path, line: str) -> tuple[RowKey | None, float]:
    """A line's number, and its row if it tells."""
    try:
        fields = json.loads(line)
        key = None
        if isinstance(fields, dict):
            if "doc" in fields and "sentence" in fields:
                key = str(fields["doc"]), int(fields["sentence"])
            fields = fields["score"] if "score" in fields else fields["prediction"]
        if isinstance(fields, bool) or not isinstance(fields, int | float) or not math.isfinite(fields):
            raise ValueError
        return key, float(fields)
    except (ValueError, KeyError, TypeError):
        hint = "each line is to be a number, or a JSON object with one as score or prediction"
        raise InputError(f"'{path}' has a line that is no figure: '{line[:60]}'", hint) from None


def _as_marks(lines: Sequence[str]) -> list[dict[str, Any]]:
    """The lines as marks that the page exported; none if they are something else."""
    marks = []
    for line in filter(str.strip, lines):
        try:
            fields = json.loads(line)
        except ValueError:
            return []
        if not isinstance(fields, dict) or fields.get("mark") not in ("better", "error"):
            return []
        marks.append(fields)
    return marks


def _read_marks(
    name: str, path: Path, marks: Sequence[dict[str, Any]], runs: Sequence[Run]
) -> Iterator[ExternalMetric]:
    """The share of comparisons won, and the points of errors, wherever such marks were set."""
    won: list[dict[RowKey, list[float]]] = [{} for _ in runs]
    points: list[dict[RowKey, float]] = [{} for _ in runs]
    try:
        for mark in marks:
            places = _places(path, mark, runs)
            if mark["mark"] == "better":
                for side, value in zip(("first", "second"), WON[mark["better"]], strict=True):
                    for key in places[mark[side]]:
                        won[_place(mark, mark[side], runs, path)].setdefault(key, []).append(value)
            for system, keys in places.items():
                for key in keys:
                    points[_place(mark, system, runs, path)].setdefault(key, 0.0)
            if mark["mark"] == "error":
                key = places[mark["system"]][0]
                points[_place(mark, mark["system"], runs, path)][key] += SEVERITIES[mark["severity"]]
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise InputError(
            f"cannot read the marks in '{path}': {error!r}", "give a file that the page exported"
        ) from error
    if any(won):
        yield ExternalMetric(name, tuple({k: sum(v) / len(v) for k, v in held.items()} for held in won))
    if any(mark["mark"] == "error" for mark in marks):
        yield ExternalMetric(name + ERRORS, tuple(points))


def _places(path: Path, mark: Mapping[str, Any], runs: Sequence[Run]) -> dict[str, list[RowKey]]:
    """For each run that the marked row has, by its letter there: its document and sentences."""
    found: dict[str, list[RowKey]] = {}
    for system, sentences in mark["sentences"].items():
        run = runs[_place(mark, system, runs, path)]
        doc = mark["doc"] if mark["doc"] in run.documents or len(run.documents) > 1 else next(iter(run.documents), "")
        found[system] = [(doc, int(sentence)) for sentence in sentences]
    return found


def _place(mark: Mapping[str, Any], system: str, runs: Sequence[Run], path: Path) -> int:
    """Which of the runs the letter means: the one of the same name, wherever it stands now."""
    label = mark["systems"][system]
    for number, run in enumerate(runs):
        if run.label == label:
            return number
    names = ", ".join(f"'{run.label}'" for run in runs)
    raise InputError(f"'{path}' has marks of '{label}', which is none of {names}", "compare the runs that were marked")
