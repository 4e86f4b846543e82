"""A comparison and the demands of `--fail-under` and `--fail-on-change` → the reasons for which it fails."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from translate.compare.findings import CompareError, Comparison, Pair


@dataclass(frozen=True, slots=True)
class Limit:
    """A demand on a figure: at least `value`, or at most for a metric that counts errors."""

    metric: str
    value: float


PAIR_METRICS = ("identical", "mutual-bleu", "mutual-chrf")
"""Of two systems, without a reference: share of identical rows in percent, BLEU and chrF of one against the other."""


def parse_limit(text: str, metrics: Sequence[str]) -> Limit:
    """`METRIC=VALUE`. Raises CompareError for another form or an unknown metric."""
    name, _, value = text.partition("=")
    known = (*metrics, *PAIR_METRICS)
    try:
        found = next((metric for metric in known if metric.casefold() == name.casefold()), None)
        if found is None:
            raise ValueError
        return Limit(found, float(value))
    except ValueError:
        hint = f"say METRIC=VALUE with one of {', '.join(known)}, such as bleu=25"
        raise CompareError(f"cannot understand --fail-under '{text}'", hint) from None


def find_failures(comparison: Comparison, limits: Sequence[Limit], *, on_change: bool = False) -> list[str]:
    """The reasons for which a comparison fails, in words; none if it passes. Raises CompareError without reference."""
    reasons = []
    for limit in limits:
        for name, value in _figures(comparison, limit.metric).items():
            lower = comparison.evaluation is not None and limit.metric in comparison.evaluation.lower
            if value > limit.value if lower else value < limit.value:
                word = "over" if lower else "under"
                reasons.append(f"{limit.metric} of {name} is {value:.2f}, {word} {limit.value:g}")
    for pair in comparison.pairs if on_change else ():
        changed, alone = pair.rows - pair.identical, pair.only_first + pair.only_second
        if changed or alone or pair.other_source:
            reasons.append(
                f"{pair.first} and {pair.second} differ: {changed:,} rows changed, {alone:,} without a partner, "
                f"{pair.other_source:,} with another source"
            )
    return reasons


def _figures(comparison: Comparison, metric: str) -> Mapping[str, float]:
    """What a limit is held against: name → value."""
    if metric in PAIR_METRICS:
        return {f"{pair.first} and {pair.second}": _pair_figure(pair, metric) for pair in comparison.pairs}
    evaluation = comparison.evaluation
    if evaluation is None:
        raise CompareError(f"--fail-under {metric} needs a reference", "give --reference, or use mutual-chrf=VALUE")
    if metric not in evaluation.metrics:
        raise CompareError(f"--fail-under {metric}, but --metrics leaves it out", f"add {metric} to --metrics")
    return {system.key: evaluation.score(system.key, metric) for system in comparison.systems}


def _pair_figure(pair: Pair, metric: str) -> float:
    return {"identical": 100 * pair.share_identical, "mutual-bleu": pair.bleu, "mutual-chrf": pair.chrf}[metric]
