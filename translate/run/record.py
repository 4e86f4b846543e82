"""run.json: what was run, on what, with what, by one machine or in shards. The only module that reads and writes it."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from translate.records import InputError, OutputError, Signature, format_signature, parse_signature
from translate.run.rows import rows_path, written_paths
from translate.storage import write_atomically

T = TypeVar("T")

RUN_FILE = "run.json"
RUN_FILES = re.compile(r"run(?:-[0-9]+-of-([0-9]+))?\.json")
"""A run's record, or that of one shard of it; group 1 is the number of shards."""


@dataclass(frozen=True, slots=True)
class Shard:
    """One of `count` parts of a run's documents, counted from 1: shard 3/16 has every 16th, beginning with the third.

    A document's shard is decided by its place in the list sorted by name, so every machine that is given the same files
    comes to the same answer. No machine needs to know of another. Each shard has a record of its own.
    """

    number: int
    count: int

    @property
    def suffix(self) -> str:
        """What sets this part's own files apart: `-3-of-16`."""
        return f"-{self.number}-of-{self.count}"

    def choose(self, documents: Mapping[str, T]) -> dict[str, T]:
        """This part's documents (by name), in the order of their names."""
        names = sorted(documents)[self.number - 1 :: self.count]
        return {name: documents[name] for name in names}


def parse_shard(text: str) -> Shard:
    """`3/16` → a shard. Raises InputError for anything else."""
    found = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", text)
    if found is None or not 1 <= int(found[1]) <= int(found[2]):
        raise InputError(f"'{text}' is no part of a whole", "write 1/16, 2/16 … 16/16: the part, and of how many")
    return Shard(int(found[1]), int(found[2]))


@dataclass(frozen=True, slots=True)
class DocumentRecord:
    """What run.json keeps of one document."""

    sha256: str
    """Of the input's bytes."""
    rows: int
    """How many rows its file has."""
    flags: Mapping[str, int] = field(default_factory=dict)
    """Flag → number of rows that have it."""
    origins: Mapping[str, int] = field(default_factory=dict)
    """`human` and `translation-memory` → number of rows that are from there."""
    path: str = ""
    """Where the input was, as seen from this folder. Empty in the records of older versions."""


@dataclass(frozen=True, slots=True)
class RunRecord:
    """run.json: what was run, on what, with what. Everything that a reader of the rows may want to know later."""

    signature: Signature
    """Everything that can change a row, as one string of `key:value` parts."""
    model: Mapping[str, Any]
    """Name, hub revision, fingerprint, whether it is the bundled one, and preferred models that were not available."""
    settings: Mapping[str, Any]
    """What was asked for (table below), with the batch in use, the input's encoding and advice from `translate bench`."""
    versions: Mapping[str, str]
    """Python and the packages that a translation goes through."""
    machine: Mapping[str, Any]
    """System, kind of machine, number of processors, device. Neither its name nor its address."""
    documents: Mapping[str, DocumentRecord] = field(default_factory=dict)
    """Name → what is kept of that document (table below)."""
    timings: Mapping[str, float] = field(default_factory=dict)
    """Seconds of loading and of translating, once the run has finished."""
    finished: bool = False
    """Whether the run came to its end."""
    kernels: str = ""
    """The variant of the kernels that computed, for an engine that has some."""
    command: Sequence[str] = ()
    """The words of the command, to go on with; none for a run from Python."""
    planned: Sequence[str] = ()
    """The documents that the run is to make, by name."""
    failed: Mapping[str, str] = field(default_factory=dict)
    """Document or argument → why it could not be read."""


def write_run(folder: Path, record: RunRecord, name: str = RUN_FILE) -> None:
    """Write run.json, or that of a shard. Raises OutputError."""
    fields = {**dataclasses.asdict(record), "signature": format_signature(record.signature)}
    text = json.dumps(fields, ensure_ascii=False, indent=1) + "\n"
    with write_atomically(folder / name) as file:
        # A name that is no Unicode is there as an escape, which JSON gives back as it was.
        file.write(text.encode("utf-8", "backslashreplace").decode())


def find_run_files(folder: Path) -> list[Path]:
    """The folder's run.json, and those of shards (run-3-of-16.json)."""
    return sorted(path for path in folder.glob("run*.json") if RUN_FILES.fullmatch(path.name))


def find_runs_below(folder: Path) -> list[Path]:
    """The folders in it that hold a run, by name."""
    return sorted({path.parent for path in folder.glob("*/run*.json") if RUN_FILES.fullmatch(path.name)})


def find_run(out: Path) -> Path:
    """The folder of the run that `out` means: this one, or the one in it (`out` for `out/<model>`).

    Raises InputError if it holds none, or those of several models.
    """
    if find_run_files(out):
        return out
    below = find_runs_below(out)
    if len(below) > 1:
        names = ", ".join(f"'{folder}'" for folder in below)
        raise InputError(f"'{out}' holds the runs of several models", f"give one of {names}")
    if not below:
        what = "no run in" if out.is_dir() else "there is no folder"
        raise InputError(f"{what} '{out}'", "give the folder that translate wrote: out, or out/<model>")
    return below[0]


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
        fields |= {name: tuple(fields.get(name, ())) for name in ("command", "planned")}
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
        planned=tuple(sorted({name for record in records.values() for name in record.planned})),
        failed={name: reason for record in records.values() for name, reason in record.failed.items()},
        timings=slowest.timings,
        finished=all(record.finished for record in records.values()) and counts == {len(records)},
    )


def find_rows(folder: Path, record: RunRecord) -> dict[str, Path]:
    """Document → its file of rows, of the documents that are done, in the order in which the run took them.

    run.json is written when a run begins and when it ends, so a run that was killed has files of which it knows only the plan.
    One that an older version wrote, and that was killed, knows of none: then the files themselves say what there is.
    """
    names = dict.fromkeys((*record.planned, *record.documents))
    if not names:
        return {path.relative_to(folder).with_suffix("").as_posix(): path for path in sorted(folder.rglob("*.jsonl"))}
    return {name: path for name in names if (path := rows_path(folder, name)).is_file()}


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
            for path in written_paths(folder, name, text=True):
                path.unlink(missing_ok=True)
        for path in find_run_files(folder):
            path.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"cannot replace the run in '{folder}': {error}", "check the folder's permissions") from error


def summary_line(fields: Mapping[str, Any]) -> str:
    """The object that `--json` prints last."""
    return json.dumps(fields, ensure_ascii=False)
