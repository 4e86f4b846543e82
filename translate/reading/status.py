"""How far a run is: from run.json, the files that are there, its lock, and the corrections beside it."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, takewhile
from pathlib import Path

from translate.human.corrections import Corrections
from translate.records import Flag, Origin
from translate.run.folder import is_busy
from translate.run.plan import corrections_path
from translate.run.record import DocumentRecord, find_rows, find_run, read_run
from translate.run.rows import count_flags, count_origins, read_rows, rows_path
from translate.storage import is_being_written, is_remote

LONGEST_COMMAND = 300
"""Characters: of a longer command the beginning and the end are shown."""
MOST_NAMES = 5
"""Documents that are named one by one."""


@dataclass(frozen=True, slots=True)
class Status:
    """A run as it stands now."""

    folder: str
    model: str
    state: str
    """`finished`, `running`, or `stopped`: with the command it goes on."""
    done: int
    """Documents."""
    under_way: tuple[str, ...]
    failed: Mapping[str, str]
    """Document or argument → why it could not be read."""
    left: tuple[str, ...]
    """Documents that are neither done nor under way nor failed."""
    rows: int
    flags: Mapping[str, int]
    from_people: Mapping[str, int]
    """`human` and `translation-memory` → rows."""
    corrections: int
    """Sentences in the file of corrections, for all models."""
    command: tuple[str, ...]
    """The words of the command that goes on; none for a run from Python."""


def read_status(out: Path) -> Status:
    """The status of the run that `out` means. Raises InputError if there is none, or several; OutputError for a damaged file."""
    folder = find_run(out)
    record = read_run(folder)
    if record is None:
        raise ValueError(f"{folder} has no record")
    done = find_rows(folder, record)
    documents = {name: record.documents.get(name) or _count_rows(path) for name, path in done.items()}
    failed = {name: reason for name, reason in record.failed.items() if name not in done}
    open_ones = [name for name in record.planned if name not in done and name not in failed]
    busy = not is_remote(folder) and is_busy(folder)
    under_way = tuple(name for name in open_ones if busy and is_being_written(rows_path(folder, name)))
    flags: Counter[str] = Counter()
    origins: Counter[str] = Counter()
    for document in documents.values():
        flags.update(document.flags)
        origins.update(document.origins)
    return Status(
        folder=str(folder),
        model=str(record.model.get("name", folder.name)),
        state="running" if busy else "finished" if record.finished and not open_ones else "stopped",
        done=len(done),
        under_way=under_way,
        failed=failed,
        left=tuple(name for name in open_ones if name not in under_way),
        rows=sum(document.rows for document in documents.values()),
        flags={flag.value: flags[flag] for flag in Flag if flags[flag]},
        from_people={origin.value: origins[origin] for origin in Origin if origins[origin]},
        corrections=count_corrections(folder),
        command=tuple(record.command),
    )


def _count_rows(path: Path) -> DocumentRecord:
    """What run.json will say of a document whose file it does not know yet."""
    rows = list(read_rows(path))
    flags = count_flags(flag for row in rows for flag in row.flags)
    return DocumentRecord("", len(rows), flags, count_origins(row.origin for row in rows if row.origin is not None))


def count_corrections(folder: Path) -> int:
    """How many sentences people have corrected, of the runs beside this one."""
    path = corrections_path(folder.parent)
    if not path.is_file():
        return 0
    with Corrections(path) as corrections:
        return corrections.count()


def format_status(status: Status) -> Iterator[str]:
    """The status as lines to read, with the commands that lead on."""
    planned = status.done + len(status.under_way) + len(status.left)
    yield f"{status.folder}: {status.state}, {status.done:,} of {planned:,} documents done, {status.rows:,} rows"
    yield from _names("under way", status.under_way)
    yield from _names("left", status.left)
    if status.failed:
        yield f"failed: {len(status.failed):,}"
        yield from (f"  {reason}" for reason in list(status.failed.values())[:MOST_NAMES])
        if len(status.failed) > MOST_NAMES:
            yield f"  … and {len(status.failed) - MOST_NAMES:,} more, in '{status.folder}/run.json'"
    for flag, count in status.flags.items():
        yield f"{flag}: {count:,} row{'s' * (count != 1)}: translate show {shlex.quote(status.folder)} --flag {flag}"
    for origin, count in status.from_people.items():
        yield f"{origin}: {count:,} row{'s' * (count != 1)}"
    if status.corrections:
        yield f"corrections: {status.corrections:,} in '{corrections_path(Path(status.folder).parent)}'"
    if status.state == "stopped":
        yield f"go on with: {show_command(status.command)}"


def _names(title: str, names: Sequence[str]) -> Iterator[str]:
    if names:
        more = f", and {len(names) - MOST_NAMES:,} more" if len(names) > MOST_NAMES else ""
        yield f"{title}: {len(names):,} ({', '.join(names[:MOST_NAMES])}{more})"


def show_command(words: Sequence[str]) -> str:
    """The command to type; of a very long one the beginning and the end."""
    if not words:
        return "the call of translate_files that began it"
    quoted = [shlex.quote(word) for word in words]
    first, last = _fitting(quoted), _fitting(quoted[::-1])
    if first + last >= len(quoted):
        return " ".join(quoted)
    hidden = f"… ({len(quoted) - first - last:,} words more: run.json has them under 'command') …"
    return " ".join((*quoted[:first], hidden, *quoted[-last:]))


def _fitting(words: Sequence[str]) -> int:
    """How many of the words, one at least, have room in half a line."""
    lengths = accumulate(len(word) + 1 for word in words)
    return max(1, sum(1 for _ in takewhile(lambda length: length <= LONGEST_COMMAND // 2, lengths)))
