"""run.json: what was run, on what, with what. The only module that reads and writes it."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from translate.records import OutputError, Signature, format_signature, parse_signature
from translate.run.rows import rows_path, text_path
from translate.storage import write_atomically

RUN_FILE = "run.json"
RUN_FILES = re.compile(r"run(?:-[0-9]+-of-([0-9]+))?\.json")
"""A run's record, or that of one shard of it; group 1 is the number of shards."""


@dataclass(frozen=True, slots=True)
class DocumentRecord:
    """What run.json keeps of one document."""

    sha256: str
    rows: int
    flags: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RunRecord:
    """run.json: what was run, on what, with what. Everything that a reader of the rows may want to know later."""

    signature: Signature
    model: Mapping[str, Any]
    settings: Mapping[str, Any]
    versions: Mapping[str, str]
    machine: Mapping[str, Any]
    documents: Mapping[str, DocumentRecord] = field(default_factory=dict)
    timings: Mapping[str, float] = field(default_factory=dict)
    finished: bool = False
    kernels: str = ""
    """The variant of the kernels that computed, for an engine that has some."""


def write_run(folder: Path, record: RunRecord, name: str = RUN_FILE) -> None:
    """Write run.json, or that of a shard. Raises OutputError."""
    fields = {**dataclasses.asdict(record), "signature": format_signature(record.signature)}
    with write_atomically(folder / name) as file:
        file.write(json.dumps(fields, ensure_ascii=False, indent=1) + "\n")


def find_run_files(folder: Path) -> list[Path]:
    """The folder's run.json, and those of shards (run-3-of-16.json)."""
    return sorted(path for path in folder.glob("run*.json") if RUN_FILES.fullmatch(path.name))


def read_run(folder: Path) -> RunRecord | None:
    """What the folder's run.json says, or those of its shards together; None if there is none.

    Raises OutputError if one cannot be understood, or shards do not belong together.
    """
    records = read_records(folder)
    return _merge_records(folder, records) if records else None


def read_records(folder: Path) -> dict[str, RunRecord]:
    """File name → what it says, of run.json and those of shards. Raises OutputError if one cannot be understood."""
    return {path.name: _read_record(path) for path in find_run_files(folder)}


def _read_record(path: Path) -> RunRecord:
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        fields["signature"] = parse_signature(fields["signature"])
        fields["documents"] = {name: DocumentRecord(**record) for name, record in fields["documents"].items()}
        return RunRecord(**fields)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OSError) as error:
        raise OutputError(f"cannot read '{path}': {error}", "move the file away, or use another --output") from error


def _merge_records(folder: Path, records: Mapping[str, RunRecord]) -> RunRecord:
    """The first record with the documents of all. Finished when every shard is there and finished."""
    first = next(iter(records.values()))
    if any(record.signature != first.signature for record in records.values()):
        names = ", ".join(f"'{name}'" for name in records)
        raise OutputError(f"'{folder}' holds runs of several settings: {names}", "move all but one kind away")
    documents = {name: record for run in records.values() for name, record in run.documents.items()}
    counts = {int(found[1] or 1) for name in records if (found := RUN_FILES.fullmatch(name))}
    slowest = max(records.values(), key=lambda record: record.timings.get("seconds", 0))
    return dataclasses.replace(
        first,
        documents=dict(sorted(documents.items())),
        timings=slowest.timings,
        finished=all(record.finished for record in records.values()) and counts == {len(records)},
    )


def check_signature(folder: Path, signature: Signature) -> RunRecord | None:
    """The record of the run that the folder holds, None if it holds none.

    Raises OutputError that names what differs if that run has another signature.
    """
    record = read_run(folder)
    if record is None or record.signature == signature:
        return record
    held = record.signature
    names = [name for name in {**held, **signature} if held.get(name) != signature.get(name)]
    differences = [f"{name} {held.get(name, '(none)')} → {signature.get(name, '(none)')}" for name in names]
    hint = "--output DIR for a second run (to compare the two), or --overwrite to replace the first"
    if names == ["batch"] and "batch" in held:
        count, _, unit = held["batch"].partition("-")
        hint = f"--batch-{'size' if unit == 'sentences' else unit} {count} to go on with it; {hint}"
    raise OutputError(f"'{folder}' holds a run with other settings: {'; '.join(differences)}", hint)


def remove_rows(folder: Path, record: RunRecord) -> None:
    """Delete the files that a run wrote, except its memory. Raises OutputError."""
    try:
        for name in record.documents:
            rows_path(folder, name).unlink(missing_ok=True)
            text_path(folder, name).unlink(missing_ok=True)
        for path in find_run_files(folder):
            path.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"cannot replace the run in '{folder}': {error}", "check the folder's permissions") from error


def summary_line(fields: Mapping[str, Any]) -> str:
    """The object that `--json` prints last."""
    return json.dumps(fields, ensure_ascii=False)
