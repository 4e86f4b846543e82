"""Places in a pair of sentences where something can be put that stands on both sides: a name, a bracket, the end."""

import re
from collections.abc import Callable
from dataclasses import replace
from random import Random

from pairs import Pair

Way = Callable[[Pair, Random], Pair | None]
"""Makes a pair of another one, or none where it does not fit."""

_NAME = re.compile(r"(?<![\w'-])[A-ZÄÖÜ][a-zäöüß]{3,}(?![\w'-])")
_STOP = ".!?"


def with_texts(pair: Pair, source: str, target: str) -> Pair:
    """The pair with other texts."""
    return replace(pair, source=source, target=target)


def shared_name(pair: Pair, rng: Random) -> str | None:
    """A word with a capital that stands once on each side, not as the first of the source: nearly always a name."""
    names = [m.group() for m in _NAME.finditer(pair.source) if m.start() > 0]
    fit = [n for n in names if names.count(n) == 1 and len(re.findall(rf"\b{n}\b", pair.target)) == 1]
    return rng.choice(fit) if fit else None


def replace_name(pair: Pair, german: str, english: str, rng: Random) -> Pair | None:
    """The pair with something else in the place of a name that both sides have."""
    name = shared_name(pair, rng)
    if name is None:
        return None
    place = re.compile(rf"(?<![\w'-]){name}(?![\w'-])")
    if not place.search(pair.target):
        return None
    return with_texts(pair, german.join(place.split(pair.source, 1)), english.join(place.split(pair.target, 1)))


def add_bracket(pair: Pair, german: str, english: str, _rng: Random) -> Pair | None:
    """The pair with something in brackets before the last stop."""
    if pair.source[-1:] not in _STOP or pair.target[-1:] not in _STOP:
        return None
    source, target = (f"{t[:-1]} ({new}){t[-1]}" for t, new in ((pair.source, german), (pair.target, english)))
    return with_texts(pair, source, target)


def add_after(pair: Pair, german: str, english: str, rng: Random) -> Pair | None:
    """The pair with something behind a colon, with or without a last stop."""
    if not (pair.source.endswith(".") and pair.target.endswith(".")):
        return None
    end = rng.choice(("", "."))
    return with_texts(pair, f"{pair.source[:-1]}: {german}{end}", f"{pair.target[:-1]}: {english}{end}")


def add_before(pair: Pair, german: str, english: str, rng: Random) -> Pair | None:
    """The pair with something in front of it, behind a mark that parts it from the sentence."""
    mark = rng.choice((": ", " – ", " - "))
    return with_texts(pair, f"{german}{mark}{pair.source}", f"{english}{mark}{pair.target}")


PLACES = (replace_name, add_bracket, add_after, add_before)


def put_somewhere(pair: Pair, german: str, english: str, rng: Random) -> Pair | None:
    """The pair with something in a place drawn by lot."""
    place = rng.choices(PLACES, weights=(5, 3, 3, 1))[0]
    return place(pair, german, english, rng)
