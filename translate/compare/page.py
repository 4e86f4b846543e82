"""A Comparison → one HTML file that needs nothing else: opened from disk, searched, sorted and printed offline."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from translate.compare.changes import Change, Span
from translate.compare.evidence.verdicts import digits_of, judge
from translate.compare.findings import Cell, ComparedRow, Comparison, Difference, label
from translate.compare.plots import draw_plots
from translate.compare.report import show
from translate.pages.page import embed
from translate.pages.page import write_page as write
from translate.records import Flag, format_signature

CHANGES, FLAGS = tuple(Change), tuple(Flag)
MOST_DOCUMENTS = 1000
"""In the table; the filter has all."""


def write_page(comparison: Comparison, path: Path) -> None:
    """Write the page. Raises OutputError."""
    write(
        path,
        "translate.compare",
        "compare",
        scripts=("marks.js",),
        comparison=comparison,
        evaluation=comparison.evaluation,
        verdicts=judge(comparison),
        label=label,
        show=show,
        digits_of=digits_of,
        documents=_documents(comparison),
        links={doc: quote(doc, safe="") for doc in dict.fromkeys(row.doc for row in comparison.rows)},
        changes=[change for change in CHANGES if any(change in pair.changes for pair in comparison.pairs)],
        flags=sorted({found.flag for pair in comparison.pairs for found in pair.flags}, key=FLAGS.index),
        signatures={s.key: format_signature(s.signature) for s in comparison.systems if s.signature},
        plots=[(plot.caption, Markup(plot.svg)) for plot in draw_plots(comparison)],  # pygal escapes its labels
        most_documents=MOST_DOCUMENTS,
        data=embed(_data(comparison)),
    )


@dataclass(frozen=True, slots=True)
class DocumentLine:
    """A document in the table: its rows, those that differ, flags a system, and its scores by the first metric."""

    name: str
    rows: int
    changed: int
    flagged: tuple[int, ...]
    scores: tuple[float | None, ...]


def _documents(comparison: Comparison) -> list[DocumentLine]:
    """The documents that have most rows that differ, first."""
    rows: dict[str, list[ComparedRow]] = {}
    for row in comparison.rows:
        rows.setdefault(row.doc, []).append(row)
    evaluation = comparison.evaluation
    scores = {b.name: b.scores for b in evaluation.buckets if b.kind == "document"} if evaluation else {}
    metric = evaluation.metrics[0] if evaluation else ""
    lines = [
        DocumentLine(
            name,
            len(some),
            sum(not row.is_identical for row in some),
            tuple(
                sum(bool(cell and cell.flags) for cell in column)
                for column in zip(*(row.cells for row in some), strict=True)
            ),
            tuple(scores.get(name, {}).get(system.key, {}).get(metric) for system in comparison.systems),
        )
        for name, some in rows.items()
    ]
    return sorted(lines, key=lambda line: (-line.changed, line.name))[:MOST_DOCUMENTS]


def _data(comparison: Comparison) -> dict[str, object]:
    """What the script shows: names once, rows as lists, so that 50,000 rows load in a moment."""
    keys = [system.key for system in comparison.systems]
    docs = {doc: n for n, doc in enumerate(dict.fromkeys(row.doc for row in comparison.rows))}
    evaluation = comparison.evaluation
    metrics = evaluation.row_metrics if evaluation else ()
    rows = [_row(row, docs[row.doc], keys, metrics) for row in comparison.rows]
    return {
        "id": hashlib.blake2b(json.dumps(rows, ensure_ascii=False).encode(), digest_size=8).hexdigest(),
        "systems": [[system.key, system.label] for system in comparison.systems],
        "pairs": [[keys.index(pair.first), keys.index(pair.second)] for pair in comparison.pairs],
        "changes": CHANGES,
        "flags": FLAGS,
        "docs": list(docs),
        "metrics": [label(metric) for metric in metrics],
        "reference": bool(evaluation and evaluation.path),
        "rows": rows,
    }


def _row(row: ComparedRow, doc: int, keys: Sequence[str], metrics: Sequence[str]) -> list[Any]:
    """Document, source, words, cells, differences, reference."""
    texts = {key: cell.text if cell else "" for key, cell in zip(keys, row.cells, strict=True)}
    differences = [
        found and _difference(found, texts[first], texts[second]) for (first, second), found in row.differences.items()
    ]
    return [
        doc,
        row.source,
        row.words,
        [cell and _cell(cell, metrics) for cell in row.cells],
        differences,
        row.reference,
    ]


def _cell(cell: Cell, metrics: Sequence[str]) -> list[Any]:
    """Text, score, flags, quality by each metric, another source, sentences."""
    score = None if cell.score is None else round(cell.score, 3)
    quality = [None if (value := cell.quality.get(metric)) is None else float(f"{value:.4g}") for metric in metrics]
    return [cell.text, score, [FLAGS.index(flag) for flag in cell.flags], quality, cell.source, cell.sentences]


def _difference(difference: Difference, first: str, second: str) -> list[Any]:
    """Changes, edits, chrF, disagreement, removed and added spans."""
    return [
        [CHANGES.index(change) for change in difference.changes],
        difference.edits,
        round(difference.chrf, 1),
        round(difference.disagreement, 1),
        _utf16(first, difference.removed),
        _utf16(second, difference.added),
    ]


def _utf16(text: str, spans: Sequence[Span]) -> list[int]:
    """Starts and ends as JavaScript counts them: a character beyond the basic plane is two."""
    flat = list(chain.from_iterable(spans))
    if not flat or max(text) <= "\uffff":
        return flat
    return [place + sum(character > "\uffff" for character in text[:place]) for place in flat]
