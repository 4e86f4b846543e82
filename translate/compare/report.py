"""A Comparison → text for a terminal, and JSON with everything."""

from __future__ import annotations

import dataclasses
import json
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from translate.compare.changes import Change, Span
from translate.compare.evidence.verdicts import digits_of, judge
from translate.compare.findings import Cell, ComparedRow, Comparison, Difference, Evaluation, Pair, System, label
from translate.pages.tables import format_table
from translate.records import format_signature
from translate.storage import write_atomically

MOST_DOCUMENTS = 12
"""In the table of the text; JSON and HTML have all."""
MOST_GAINS = 5
"""N-grams in the text, for each run of a pair; JSON and HTML have more."""


def format_text(comparison: Comparison, *, rows: int = 10, width: int = 100) -> Iterator[str]:
    """Lines for a terminal: the systems, what differs, the scores, and the rows most worth reading."""
    for line in (*judge(comparison), *(f"note: {notice}" for notice in comparison.notices)):
        yield from _fold(line, width)
    yield ""
    yield from _systems(comparison.systems, width)
    yield ""
    yield from _pairs(comparison.pairs, width)
    if comparison.evaluation:
        yield ""
        yield from _evaluation(comparison, comparison.evaluation, width)
    yield from _unpaired(comparison, rows, width)
    worst = comparison.worst(rows)
    if worst:
        yield ""
        yield from _fold(
            f"most worth reading, {len(worst)} of {comparison.changed:,} changed rows, [-removed-] {{+added+}}", width
        )
    for row in worst:
        yield ""
        yield from _row(row, comparison, width)


def _fold(text: str, width: int) -> list[str]:
    """The text in lines no wider than that."""
    return textwrap.wrap(text, width, subsequent_indent="  ", break_on_hyphens=False)


def _systems(systems: Sequence[System], width: int) -> Iterator[str]:
    table = [["", "run", "documents", "rows", "mean score", "flagged"]]
    for system in systems:
        flags = f"{sum(system.flags.values()):,}"
        table.append(
            [system.key, system.label, f"{system.documents:,}", f"{system.rows:,}", _score(system.score), flags]
        )
    yield from format_table(table, width, left=2)


def _score(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _pairs(pairs: Sequence[Pair], width: int) -> Iterator[str]:
    """A column a pair."""
    lines = [
        ["", *(f"{p.first} → {p.second}" for p in pairs)],
        ["rows that both have", *(f"{p.rows:,}" for p in pairs)],
        ["only in the first, only in the second", *(f"{p.only_first:,}, {p.only_second:,}" for p in pairs)],
        ["identical", *(p.identical_in_words for p in pairs)],
        ["chrF of the second against the first", *(_of(p, f"{p.chrf:.1f}") for p in pairs)],
        ["BLEU of the second against the first", *(_of(p, f"{p.bleu:.1f}") for p in pairs)],
        ["token edits per 100 tokens", *(_of(p, f"{100 * p.edits / max(1, p.tokens):.1f}") for p in pairs)],
        ["length, second : first", *(_of(p, f"{p.length_ratio:.3f}") for p in pairs)],
        ["mean score, second − first", *(_signed(p.score_difference) for p in pairs)],
    ]
    for change in (change for change in Change if any(change in pair.changes for pair in pairs)):
        lines.append([f"rows: {change}", *(f"{pair.changes.get(change, 0):,}" for pair in pairs)])
    for flag in dict.fromkeys(found.flag for pair in pairs for found in pair.flags):
        counts = [{found.flag: (found.won, found.lost) for found in pair.flags}.get(flag, (0, 0)) for pair in pairs]
        lines.append([f"flag {flag}: gone, new", *(f"−{lost:,} +{won:,}" for won, lost in counts)])
    yield from format_table(lines, width)
    for pair in pairs:
        if pair.settings:
            yield from _fold(f"{pair.first} → {pair.second}: {'; '.join(pair.settings)}", width)


def _of(pair: Pair, figure: str) -> str:
    """The figure, which says nothing of two runs without a row in common."""
    return figure if pair.rows else "–"


def _signed(value: float | None) -> str:
    return "–" if value is None else f"{value:+.3f}"


def _evaluation(comparison: Comparison, evaluation: Evaluation, width: int) -> Iterator[str]:
    against = f"against {evaluation.path}, " if evaluation.path else ""
    yield from _fold(f"{against}{evaluation.rows:,} rows, with 95 % intervals", width)
    names = [label(name) for name in evaluation.metrics]
    table = [["", "run", *names]]
    for system in comparison.systems:
        scores = [q for q in evaluation.qualities if q.system == system.key]
        shown = [f"{show(q.score)} ({show(q.interval.low)}–{show(q.interval.high)})" for q in scores]
        table.append([system.key, system.label, *shown])
    yield from format_table(table, width, left=2)
    for name, rows in evaluation.counts.items():
        yield f"{label(name)}: over {rows:,} rows"
    if lower := [label(name) for name in evaluation.metrics if name in evaluation.lower]:
        yield f"{', '.join(lower)}: the lower the better"
    yield ""
    yield from _fold("significance: difference, p by paired bootstrap, p by approximate randomization", width)
    yield from format_table([["", *names], *_significance_lines(comparison.pairs, evaluation)], width)
    yield from ("", *_buckets(comparison, evaluation, width), "")
    yield from _words(evaluation, width)
    for name in evaluation.metrics:
        if name in evaluation.signatures:
            yield from _fold(f"{label(name)}: {evaluation.signatures[name]}", width)


def show(value: float) -> str:
    """A score: figures from elsewhere may lie between 0 and 1."""
    return f"{value:.1f}" if abs(value) >= 2 else f"{value:.3f}"


def _words(evaluation: Evaluation, width: int) -> Iterator[str]:
    """What one run gets right and the other does not, and how often rare words are right."""
    for gains in evaluation.gains:
        a, b = gains.first, gains.second
        of_first = "; ".join(f"{gain.text} ({gain.first}, {gain.second})" for gain in gains.of_first[:MOST_GAINS])
        of_second = "; ".join(f"{gain.text} ({gain.second}, {gain.first})" for gain in gains.of_second[:MOST_GAINS])
        for key, other, listed in ((a, b, of_first), (b, a, of_second)):
            if listed:
                yield from _fold(f"right in {key} only, in {other} only: {listed}", width)
    if evaluation.rarities:
        keys = list(evaluation.rarities[0].right)
        table = [["source word", "words", *(f"right in {key}" for key in keys)]]
        table += [
            [rarity.name, f"{rarity.words:,}", *(f"{100 * rarity.right[key] / rarity.words:.1f} %" for key in keys)]
            for rarity in evaluation.rarities
        ]
        yield ""
        yield from format_table(table, width)
        yield ""


def _significance_lines(pairs: Sequence[Pair], evaluation: Evaluation) -> Iterator[list[str]]:
    for pair in pairs:
        tests = [t for t in evaluation.tests if (t.first, t.second) == (pair.first, pair.second)]
        shown = [f"{t.difference:+.{digits_of(t)}f}, {t.p_bootstrap:.4f}, {t.p_randomization:.4f}" for t in tests]
        yield [f"{pair.first} → {pair.second}", *shown]


def _buckets(comparison: Comparison, evaluation: Evaluation, width: int) -> Iterator[str]:
    documents = sum(bucket.kind == "document" for bucket in evaluation.buckets)
    keys = [system.key for system in comparison.systems]
    columns = [(key, metric) for metric in evaluation.metrics for key in keys]
    table = [["by", "", "rows", *(f"{label(metric)} {key}" for key, metric in columns)]]
    for bucket in evaluation.buckets:
        if bucket.kind != "document" or 1 < documents <= MOST_DOCUMENTS:
            scores = (
                show(bucket.scores[key][metric]) if metric in bucket.scores[key] else "–" for key, metric in columns
            )
            table.append([bucket.kind, bucket.name, f"{bucket.rows:,}", *scores])
    yield from format_table(table, width, left=2)
    if documents > MOST_DOCUMENTS:
        yield f"{documents:,} documents: see --json or --html"


def _unpaired(comparison: Comparison, rows: int, width: int) -> Iterator[str]:
    unpaired = comparison.unpaired()
    if unpaired:
        yield from ("", f"{len(unpaired):,} rows without a partner in some run")
    for row in unpaired[:rows]:
        keys = [system.key for system, cell in zip(comparison.systems, row.cells, strict=True) if cell]
        text = row.source or row.reference or next((cell.text for cell in row.cells if cell), "")
        yield textwrap.shorten(f"#{row.number} {row.doc}, only in {', '.join(keys) or 'the reference'}: {text}", width)
    if len(unpaired) > rows:
        yield f"… and {len(unpaired) - rows:,} more: see --json or --html"


def _row(row: ComparedRow, comparison: Comparison, width: int) -> Iterator[str]:
    """A row with its words marked as between the two systems that disagree most."""
    (first, second), difference = max(
        ((key, found) for key, found in row.differences.items() if found), key=lambda pair: pair[1].disagreement
    )
    cells = {system.key: cell for system, cell in zip(comparison.systems, row.cells, strict=True)}
    changes = ", ".join(difference.changes)
    yield from _fold(f"#{row.number} {row.doc}  {changes}; {difference.edits} edits; chrF {difference.chrf:.0f}", width)
    marks: Mapping[str, tuple[Sequence[Span], str, str]] = {
        first: (difference.removed, "[-", "-]"),
        second: (difference.added, "{+", "+}"),
    }
    yield from _wrap("source", row.source, width)
    for key, cell in cells.items():
        if cell:
            yield from _wrap(key, _mark(cell.text, *marks.get(key, ((), "", ""))), width, _flags(cell))
    if row.reference is not None:
        yield from _wrap("ref.", row.reference, width)


def _flags(cell: Cell) -> str:
    return f" ({', '.join(cell.flags)})" if cell.flags else ""


def _mark(text: str, spans: Sequence[Span], opening: str, closing: str) -> str:
    for start, end in reversed(spans):
        text = f"{text[:start]}{opening}{text[start:end]}{closing}{text[end:]}"
    return text


def _wrap(name: str, text: str, width: int, end: str = "") -> Iterator[str]:
    """The text beside its name. Control characters, which a terminal would obey, are shown as their codes."""
    shown = "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in " ".join(text.split()))
    yield from textwrap.wrap(
        shown + end, width, initial_indent=f"  {name:7}", subsequent_indent=" " * 9, break_on_hyphens=False
    ) or [f"  {name:7}(empty)"]


def write_json(comparison: Comparison, path: Path) -> None:
    """Everything, as one object. Raises OutputError."""
    with write_atomically(path) as file:
        file.write('{"systems":' + _dump([_system_fields(system) for system in comparison.systems]))
        file.write(',\n"notices":' + _dump(comparison.notices))
        verdicts = judge(comparison)
        pairs = [_pair_fields(pair) | {"verdict": v} for pair, v in zip(comparison.pairs, verdicts, strict=True)]
        file.write(',\n"pairs":' + _dump(pairs))
        evaluation = comparison.evaluation and dataclasses.asdict(comparison.evaluation)
        file.write(',\n"evaluation":' + _dump(evaluation))
        file.write(',\n"rows":[')
        for n, row in enumerate(comparison.rows):
            file.write(("\n" if n == 0 else ",\n") + _dump(_row_fields(row)))
        file.write("\n]}\n")


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _system_fields(system: System) -> dict[str, object]:
    signature = None if system.signature is None else format_signature(system.signature)
    return _fields(system) | {"signature": signature}


def _pair_fields(pair: Pair) -> dict[str, object]:
    return dataclasses.asdict(pair) | {"share_identical": pair.share_identical}


def _row_fields(row: ComparedRow) -> dict[str, object]:
    """Without dataclasses.asdict, whose copying takes a minute for 50,000 rows."""
    cells = [cell and _fields(cell) for cell in row.cells]
    differences = [found and _fields(found) for found in row.differences.values()]
    return _fields(row) | {"cells": cells, "differences": differences}


def _fields(record: Cell | ComparedRow | Difference | System) -> dict[str, object]:
    return {field.name: getattr(record, field.name) for field in dataclasses.fields(record)}
