"""Translations that anyone made with any tool, as rows of JSON or of two columns → the same rows with our doubts about them.

A file is looked through once before the first row comes, so that what cannot be read is said before anything is written.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

from translate.protect.kinds import find_spans
from translate.records import Flag, InputError
from translate.run.checks import Doubt, find_doubts, order_flags
from translate.run.rows import LINE_BREAKS
from translate.storage import as_path
from translate.text.documents import STANDARD_INPUT, existing_file, open_document, standard_lines, stream_lines

HINT = 'give rows of JSON with "source" and "target", or lines of two columns with a tab between them'
HEADER = ("source", "target")
DECIDED = frozenset(Flag) - {Flag.PASSTHROUGH, Flag.SPLIT, Flag.UNKNOWN_TOKEN, Flag.MAX_LENGTH, Flag.RETRIED}
"""What the two texts decide. The other flags tell how a row was made; only the program that made it knows that."""


COPIED = frozenset(("brace", "printf", "tag", "iban", "isbn", "path", "file"))
"""Kinds of spans that every translation has as they are. Codes, units and names of products are now and then rightly changed."""


@dataclass(frozen=True, slots=True)
class CheckedRow:
    """A row as it was read, with what is doubted of it."""

    line: int
    """From 1, blank lines counted."""
    source: str
    target: str
    doubts: tuple[Doubt, ...]
    fields: dict[str, Any]
    """All that its object holds, or its two columns; written out by `format_checked`."""


@dataclass(frozen=True, slots=True)
class _Pair:
    """A row before it is checked."""

    line: int
    source: str
    target: str
    fields: dict[str, Any]


def check_file(argument: str, encoding: str = "utf-8") -> Iterator[CheckedRow]:
    """The rows of a file (`-`: of standard input), each as soon as it is checked, so that there may be any number of them.

    Lines that begin with `{` are JSON, others have two columns; the first line decides. Blank lines are passed over, and so is a
    first line of `source` and `target`. Raises InputError with file and line for what is no row: of a file before the first
    row comes, of standard input when that line is reached.
    """
    if argument == STANDARD_INPUT:
        document, lines = standard_lines(encoding)
        return _check(_read_pairs(lines, "standard input"))
    path = as_path(argument)
    if path.is_dir():
        raise InputError(f"'{argument}' is a folder", "name one file, or - for standard input")
    document = open_document(existing_file(path), encoding)
    for _ in _read_pairs(stream_lines(document), f"'{document.name}'"):
        pass
    return _check(_read_pairs(stream_lines(document), f"'{document.name}'"))


def format_checked(row: CheckedRow) -> str:
    """The row as one line of JSON, its `flags` ours. Flags that tell how a row of ours was made stay."""
    before = row.fields.get("flags")
    kept = [flag for flag in Flag if flag not in DECIDED and isinstance(before, list) and flag.value in before]
    flags = order_flags([*kept, *(doubt.flag for doubt in row.doubts)])
    fields = {**row.fields, "flags": list(flags)}
    text = json.dumps(fields, ensure_ascii=False, separators=(",", ":")).translate(LINE_BREAKS)
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a character, which JSON can spell and UTF-8 cannot
        return json.dumps(fields, separators=(",", ":"))
    return text


def _check(pairs: Iterable[_Pair]) -> Iterator[CheckedRow]:
    for pair in pairs:
        doubts = list(find_doubts(pair.source, pair.target))
        if not any(doubt.flag in (Flag.EMPTY, Flag.PROTECTED_LOST) for doubt in doubts):
            doubts += _find_lost(pair.source, pair.target)
        yield CheckedRow(pair.line, pair.source, pair.target, tuple(doubts), pair.fields)


def _find_lost(source: str, target: str) -> Iterator[Doubt]:
    """A doubt if a placeholder, a tag or the like stands less often in the target than in the source."""
    spans = Counter(source[span.start : span.end] for span in find_spans(source) if span.kind in COPIED)
    for text, count in spans.items():
        if target.count(text) < count:
            yield Doubt(
                Flag.PROTECTED_LOST,
                f"source has {text}, which the target does not have{' as often' * (text in target)}",
            )
            return


def _read_pairs(lines: Iterable[str], name: str) -> Iterator[_Pair]:
    """The pairs of the lines, which keep their ends."""
    numbered = ((number, line) for number, line in enumerate(lines, 1) if not line.isspace())
    first = next(numbered, None)
    if first is None:
        return
    is_json = first[1].lstrip().startswith("{")
    read: Callable[[str], dict[str, Any]] = _read_object if is_json else _read_columns
    if not is_json and tuple(_read_columns(first[1]).values() if first[1].count("\t") == 1 else ()) == HEADER:
        first = next(numbered, None)
    for number, line in chain([first] if first else [], numbered):
        try:
            fields = read(line)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{name} line {number}: {error}", HINT) from None
        yield _Pair(number, fields["source"], fields["target"], fields)


def _read_object(line: str) -> dict[str, Any]:
    """An object that has both texts. Raises ValueError for anything else."""
    try:
        fields = json.loads(line, parse_constant=_refuse)
        json.dumps(fields, allow_nan=False)  # 1e999 is read as infinity
    except json.JSONDecodeError as error:
        raise ValueError(f"no JSON ({error.msg} at character {error.pos + 1})") from None
    except RecursionError:
        raise ValueError("JSON that is nested too deep") from None
    if not isinstance(fields, dict):
        raise ValueError("JSON, but no object")
    for name in HEADER:
        if name not in fields:
            raise ValueError(f"no field '{name}'")
        if not isinstance(fields[name], str):
            raise ValueError(f"the field '{name}' is no text")
    return fields


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number of JSON")


def _read_columns(line: str) -> dict[str, Any]:
    """Two columns. Raises ValueError for any other number."""
    columns = line.rstrip("\r\n").split("\t")
    if len(columns) != len(HEADER):
        raise ValueError(f"{len(columns)} column{'s' * (len(columns) != 1)}, not two")
    return dict(zip(HEADER, columns, strict=True))
