"""A Comparison → one HTML file that needs nothing else: opened from disk, searched, sorted and printed offline."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from markupsafe import Markup

from translate.compare.changes import Change, Span
from translate.compare.findings import LABELS, Cell, ComparedRow, Comparison, Difference
from translate.compare.plots import draw_plots
from translate.pages.page import embed
from translate.pages.page import write_page as write
from translate.records import Flag, format_signature

CHANGES, FLAGS = tuple(Change), tuple(Flag)
MOST_DOCUMENTS = 40
"""In the table; the filter has all."""


def write_page(comparison: Comparison, path: Path) -> None:
    """Write the page. Raises OutputError."""
    write(
        path,
        "translate.compare",
        "compare",
        comparison=comparison,
        evaluation=comparison.evaluation,
        labels=LABELS,
        changes=[change for change in CHANGES if any(change in pair.changes for pair in comparison.pairs)],
        flags=sorted({found.flag for pair in comparison.pairs for found in pair.flags}, key=FLAGS.index),
        signatures={s.key: format_signature(s.signature) for s in comparison.systems if s.signature},
        plots=[(plot.caption, Markup(plot.svg)) for plot in draw_plots(comparison)],  # pygal escapes its labels
        most_documents=MOST_DOCUMENTS,
        data=embed(_data(comparison)),
    )


def _data(comparison: Comparison) -> dict[str, object]:
    """What the script shows: names once, rows as lists, so that 50,000 rows load in a moment."""
    keys = [system.key for system in comparison.systems]
    docs = {doc: n for n, doc in enumerate(dict.fromkeys(row.doc for row in comparison.rows))}
    return {
        "systems": [[system.key, system.label] for system in comparison.systems],
        "pairs": [[keys.index(pair.first), keys.index(pair.second)] for pair in comparison.pairs],
        "changes": CHANGES,
        "flags": FLAGS,
        "docs": list(docs),
        "reference": comparison.evaluation is not None,
        "rows": [_row(row, docs[row.doc], keys) for row in comparison.rows],
    }


def _row(row: ComparedRow, doc: int, keys: Sequence[str]) -> list[Any]:
    """Document, source, words, cells, differences, reference."""
    texts = {key: cell.text if cell else "" for key, cell in zip(keys, row.cells, strict=True)}
    differences = [
        found and _difference(found, texts[first], texts[second]) for (first, second), found in row.differences.items()
    ]
    return [doc, row.source, row.words, [cell and _cell(cell) for cell in row.cells], differences, row.reference]


def _cell(cell: Cell) -> list[Any]:
    """Text, score, flags, quality, another source, sentences."""
    score = None if cell.score is None else round(cell.score, 3)
    quality = next((round(value, 1) for value in cell.quality.values()), None)
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
