"""Pure: the rows of several runs of one document → groups of rows that say the same.

Where two runs have the same text, rows that overlap in it belong together. Where the text differs (the document was
changed between the runs), rows are aligned by their words: equal rows first, then the longest common subsequence of
the words between them. Both ways are monotone, so merged and split sentences come out as one group, and a row without
a partner as a group of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise

from rapidfuzz.distance import Indel, Opcodes

from translate.records import Row

Rows = Sequence[Row]
Group = tuple[tuple[Row, ...], ...]
"""For each run the rows that it has; () for a run that has none."""
Link = tuple[int, int]
Node = tuple[int, int]
"""Run, row."""

SHARED_WORDS = 0.5
"""Share of the shorter row's words that must be in the other row, in order, for the two to be partners."""


def align_rows(runs: Sequence[Rows]) -> list[Group]:
    """The groups in reading order; every row of every run is in exactly one.

    A run whose rows have no source (plain lines) follows the spans of the first run that has.
    """
    parents: dict[Node, Node] = {(k, i): (k, i) for k, rows in enumerate(runs) for i in range(len(rows))}
    first = next((k for k, rows in enumerate(runs) if _has_source(rows)), 0)
    for j, k in combinations(range(len(runs)), 2):
        for i, other in _link_rows(runs[j], runs[k], runs[first]):
            _unite(parents, (j, i), (k, other))
    members: dict[Node, list[Node]] = {}
    for node in parents:
        members.setdefault(_root(parents, node), []).append(node)
    return [
        tuple(tuple(rows[i] for run, i in members[root] if run == k) for k, rows in enumerate(runs))
        for root in _reading_order(runs, {node: _root(parents, node) for node in parents})
    ]


def _has_source(rows: Rows) -> bool:
    return any(row.source for row in rows)


def _root(parents: dict[Node, Node], node: Node) -> Node:
    while parents[node] != node:
        parents[node] = parents[parents[node]]
        node = parents[node]
    return node


def _unite(parents: dict[Node, Node], one: Node, other: Node) -> None:
    low, high = sorted((_root(parents, one), _root(parents, other)))
    parents[high] = low


def _reading_order(runs: Sequence[Rows], root_of: dict[Node, Node]) -> list[Node]:
    """The groups' roots as the first run has them; what it does not have stands after what precedes it in its own run."""
    places: dict[Node, tuple[int, ...]] = {}
    for k, rows in enumerate(runs):
        before: tuple[int, ...] = (0,)
        for i in range(len(rows)):
            root = root_of[k, i]
            if root in places:
                before = max(before, places[root])
            else:
                places[root] = (i + 1,) if k == 0 else (*before, k, i)
    return sorted(places, key=places.__getitem__)


def _link_rows(one: Rows, other: Rows, first: Rows) -> Iterator[Link]:
    """Which rows of the two are partners."""
    if _has_source(one) and _has_source(other):
        return _overlaps(one, other) if have_same_text(one, other) else _link_by_words(one, other)
    sourced = one if _has_source(one) else other
    if sourced is first or not _has_source(sourced) or have_same_text(sourced, first):
        return _overlaps(one, other)
    return iter(())


def _overlaps(one: Rows, other: Rows) -> Iterator[Link]:
    """Rows whose spans have a character in common. Both are sorted, and within a run no spans overlap."""
    i = j = 0
    while i < len(one) and j < len(other):
        if max(one[i].start, other[j].start) < min(one[i].end, other[j].end):
            yield i, j
        if one[i].end <= other[j].end:
            i += 1
        else:
            j += 1


def have_same_text(one: Rows, other: Rows) -> bool:
    """Whether the two have the same words wherever their spans overlap, and overlap at all."""
    links = list(_overlaps(one, other))
    return bool(links or not one or not other) and all(_agree(one[i], other[j]) for i, j in links)


def _agree(one: Row, other: Row) -> bool:
    start, end = max(one.start, other.start), min(one.end, other.end)
    mine, theirs = (row.source[start - row.start : end - row.start] for row in (one, other))
    return mine == theirs


def _link_by_words(one: Rows, other: Rows) -> Iterator[Link]:
    """Equal rows, and between them rows that share words."""
    matching = Indel.opcodes([row.source for row in one], [row.source for row in other])
    for tag, (start, end), (other_start, other_end) in _blocks(matching):
        if tag == "equal":
            yield from zip(range(start, end), range(other_start, other_end), strict=True)
        else:
            links = _link_block(one[start:end], other[other_start:other_end])
            yield from ((start + i, other_start + j) for i, j in links)


def _blocks(matching: Opcodes) -> Iterator[tuple[str, Link, Link]]:
    """The opcodes' ranges, with neighbouring differences as one."""
    i = j = 0
    for code in matching:
        if code.tag == "equal":
            if (i, j) != (code.src_start, code.dest_start):
                yield "differ", (i, code.src_start), (j, code.dest_start)
            i, j = code.src_end, code.dest_end
            yield "equal", (code.src_start, i), (code.dest_start, j)
    if (i, j) != (matching.src_len, matching.dest_len):
        yield "differ", (i, matching.src_len), (j, matching.dest_len)


def _link_block(one: Rows, other: Rows) -> Iterator[Link]:
    """Rows of which the shorter has at least `SHARED_WORDS` of its words in the other, along the common subsequence."""
    words, owners = _words(one)
    other_words, other_owners = _words(other)
    shared: Counter[Link] = Counter()
    for code in Indel.opcodes(words, other_words):
        if code.tag == "equal":
            pairs = zip(range(code.src_start, code.src_end), range(code.dest_start, code.dest_end), strict=True)
            shared.update((owners[i], other_owners[j]) for i, j in pairs)
    sizes, other_sizes = Counter(owners), Counter(other_owners)
    links = [link for link, n in shared.items() if n >= SHARED_WORDS * min(sizes[link[0]], other_sizes[link[1]])]
    yield from links
    yield from _close_gaps(links)


def _close_gaps(links: Sequence[Link]) -> Iterator[Link]:
    """The rows between two partners of one row: a group is a run of rows, or the reading order would be lost."""
    for (i, j), (after, other_after) in pairwise(sorted(links)):
        if i == after:
            yield from ((i, between) for between in range(j + 1, other_after))
        elif j == other_after:
            yield from ((between, j) for between in range(i + 1, after))


def _words(rows: Rows) -> tuple[list[str], list[int]]:
    """The words of all rows, and for each the row that it is from."""
    pairs = [(word.casefold(), i) for i, row in enumerate(rows) for word in row.source.split()]
    return [word for word, _ in pairs], [i for _, i in pairs]
