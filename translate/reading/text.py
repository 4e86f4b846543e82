"""Articles as lines for a terminal: paragraphs in both languages, doubts below them, or a list of the rows with one flag."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence

from translate.reading.articles import Article, join_sentences
from translate.records import Flag, Origin, Row
from translate.run.checks import find_doubts

INDENT = "    "
ANY = "any"
"""Stands for every flag."""


def format_article(article: Article, width: int) -> Iterator[str]:
    """The whole article. `width` in characters."""
    flagged = sum(bool(doubts(row)) for row in article.rows)
    yield ""
    yield f"{article.name} ({len(article.rows):,} rows, {flagged:,} with flags)"
    for numbered in article.paragraphs():
        rows = [row for _, row in numbered]
        yield ""
        yield from wrap(join_sentences(rows, [row.source for row in rows]), width, "  ")
        yield from wrap(join_sentences(rows, [row.target for row in rows]), width, INDENT)
        for line, row in numbered:
            if row.flags or row.origin:
                yield from wrap(f"{article.path}:{line}: {describe(row)}", width, INDENT + "! ")


def format_flagged(article: Article, flags: Collection[str], width: int) -> Iterator[str]:
    """The rows with one of the flags: file and line, what the flags mean, both texts."""
    for line, row in enumerate(article.rows, 1):
        if has_flag(row, flags):
            yield f"{article.path}:{line}: {describe(row)}"
            yield from wrap(row.source, width, INDENT)
            yield from wrap(row.target, width, INDENT)


def has_flag(row: Row, flags: Collection[str]) -> bool:
    """Whether the row has one of the flags or origins; `any` means each flag that is a doubt."""
    return any(flag in flags for flag in (*row.flags, row.origin)) or (ANY in flags and bool(doubts(row)))


def doubts(row: Row) -> list[Flag]:
    """The row's flags without the one that says that there was nothing to translate."""
    return [flag for flag in row.flags if flag != Flag.PASSTHROUGH]


def describe(row: Row) -> str:
    """The row's flags, each with what is wrong or what it means, and whose translation it is."""
    meanings = {
        None: [],
        Origin.HUMAN: ["corrected by a person"],
        Origin.TRANSLATION_MEMORY: ["from the translation memory"],
    }
    return "; ".join([*(f"{flag} ({reason})" for flag, reason in reasons(row).items()), *meanings[row.origin]])


def reasons(row: Row) -> dict[Flag, str]:
    """The row's flags, each with what is wrong with this row as far as its two texts tell, or with what the flag means."""
    found = {doubt.flag: doubt.reason for doubt in find_doubts(row.source, row.target)} if row.flags else {}
    return {flag: found.get(flag, flag.meaning) for flag in row.flags}


def wrap(text: str, width: int, indent: str) -> list[str]:
    """The text in lines of at most so many characters, the indent included; long words are broken."""
    return textwrap.wrap(text, width, initial_indent=indent, subsequent_indent=" " * len(indent)) or [indent.rstrip()]


def count_all(rows: Iterable[Row]) -> Counter[str]:
    """Flag or origin → rows that have it."""
    return Counter(name for row in rows for name in (*row.flags, row.origin) if name)


def format_counts(counts: Counter[str], place: str) -> Sequence[str]:
    """The closing lines: how often each flag stands, and the command that lists one."""
    if not counts:
        return ["no flags"]
    counted = ", ".join(f"{name} {number:,}" for name, number in counts.most_common())
    return [f"flags: {counted}", f"rows with one of them, with file and line: translate show {place} --flag NAME"]
