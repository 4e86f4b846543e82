"""Pure: a comparison → one sentence for each two runs that says which is better, or that nothing shows it, and what changed."""

from __future__ import annotations

from collections.abc import Iterator

from translate.compare.changes import MEANING, Change
from translate.compare.findings import Comparison, Evaluation, Pair, Significance, label

SIGNIFICANT = 0.05
"""p below which a difference counts, shared out among the pairs that are compared."""
FEWEST = 10
"""Rows that have to differ before p by approximate randomization means anything."""
PLURALS = {
    Change.NUMBER: ("number", "numbers"),
    Change.DATE: ("date", "dates"),
    Change.NAME: ("name", "names"),
    Change.NEGATION: ("negation", "negations"),
    Change.MISSING: ("clause missing", "clauses missing"),
    Change.ADDED: ("clause added", "clauses added"),
}


def judge(comparison: Comparison) -> list[str]:
    """A sentence for each pair, in their order."""
    return [judge_pair(comparison, pair) for pair in comparison.pairs]


def judge_pair(comparison: Comparison, pair: Pair) -> str:
    """`B is better than A: BLEU +0.9 [0.4, 1.4], p 0.001; 34 % of rows differ, 41 numbers changed; flags: 12 gone, 3 new.`"""
    changed = describe_changes(pair)
    evaluation = comparison.evaluation
    if evaluation is None:
        return f"{pair.first} → {pair.second}: {changed}."
    tests = [t for t in evaluation.tests if (t.first, t.second) == pair.key]
    better = {_better(t, evaluation) for t in tests if _is_shown(t, pair, len(comparison.pairs))}
    if len(better) == 2:
        head = f"{pair.first} and {pair.second}: the metrics disagree"
    elif better:
        (winner,) = better
        loser = pair.first if winner == pair.second else pair.second
        head = f"{winner} is better than {loser}"
    else:
        head = f"{pair.first} and {pair.second}: neither is shown to be better"
    figures = "; ".join(_figure(test) for test in tests)
    return f"{head}: {figures}; {changed}."


def _is_shown(test: Significance, pair: Pair, pairs: int) -> bool:
    """Whether both tests and the interval say that the two differ."""
    p = max(test.p_bootstrap, test.p_randomization)
    is_apart = test.interval.low > 0 or test.interval.high < 0
    return is_apart and p < SIGNIFICANT / pairs and pair.rows - pair.identical >= FEWEST


def _better(test: Significance, evaluation: Evaluation) -> str:
    return test.second if (test.difference > 0) != (test.metric in evaluation.lower) else test.first


def _figure(test: Significance) -> str:
    digits = digits_of(test)
    p = max(test.p_bootstrap, test.p_randomization)
    low, high = (f"{value:.{digits}f}" for value in (test.interval.low, test.interval.high))
    return f"{label(test.metric)} {test.difference:+.{digits}f} [{low}, {high}], p {'< 0.001' if p < 0.001 else f'{p:.3f}'}"


def digits_of(test: Significance) -> int:
    """As many digits behind the point as the difference's interval deserves: figures from elsewhere may lie between 0 and 1."""
    width = test.interval.high - test.interval.low
    return 1 if width >= 0.2 else 2 if width >= 0.02 else 4


def describe_changes(pair: Pair) -> str:
    """How many rows differ, what of their meaning, and which way the flags went."""
    if not pair.rows:
        return "they have no row in common"
    differing = pair.rows - pair.identical
    if not differing:
        parts = [f"all {pair.rows:,} rows are identical"]
    else:
        percent = 100 * differing / pair.rows
        shown = f"{percent:.0f} %" if 1 <= percent <= 99 else f"{percent:.1f} %"
        parts = [f"{shown} of rows differ ({differing:,} of {pair.rows:,})", *_meanings(pair)]
    alone = pair.only_first + pair.only_second
    parts += [f"{alone:,} rows have no partner"] if alone else []
    gone, new = sum(found.lost for found in pair.flags), sum(found.won for found in pair.flags)
    flags = f"flags: {gone:,} gone, {new:,} new" if gone or new else ""
    return "; ".join(filter(None, (", ".join(parts), flags)))


def _meanings(pair: Pair) -> Iterator[str]:
    for change in Change:
        if change in MEANING and (count := pair.changes.get(change, 0)):
            word = PLURALS[change][count != 1]
            yield f"{count:,} {word}" + ("" if change in (Change.MISSING, Change.ADDED) else " changed")
