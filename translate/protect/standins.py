"""What takes a span's place in the model's input: short names that models copy, in lists that are tried one after the other.

Measured with the bundled model by benchmarks/protect.py: a capital and a digit come out once in nearly every sentence;
where one does not, names of another sort mostly do. Brackets, braces, and other signs are unknown pieces and spoil the rest.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain, product

LISTS: tuple[tuple[str, ...], ...] = (
    ("Q7", "K9", "Z4", "W3", "X5", "V8", "J6", "H2"),
    ("Toyota", "Samsung", "Sony", "Siemens", "Nokia", "Philips", "Canon", "Nissan"),
    ("Alabama", "Texas", "Boston", "Nevada", "Oregon", "Dallas", "Miami", "Denver"),
    ("ABC", "XYZ", "DEF", "KLM", "GHI", "PQR", "STU", "VWX"),
)
"""In the order in which they are tried."""


def generate_names(number: int) -> Iterator[str]:
    """The names of a list, then more of a capital and a digit: a sentence may have any number of spans."""
    more = (f"{letter}{digit}" for digit, letter in product("7943586", "QKZWXVJHPTBRDFGLMNSYUACE"))
    longer = (f"{letter}{value}" for value in range(10, 100) for letter in "QKZWXVJHPT")
    return chain(LISTS[number], more, longer)


def choose_names(number: int, count: int, text: str) -> list[str]:
    """So many names of a list that the text does not have, each another one. Fewer if the text has too many of them."""
    found: dict[str, None] = {}
    for name in generate_names(number):
        if len(found) == count:
            break
        if name not in text:
            found[name] = None
    return list(found)


def find_names(names: tuple[str, ...], text: str) -> Iterator[re.Match[str]]:
    """Where the names stand in a text as words, case and all."""
    if not names:
        return iter(())
    longest_first = sorted(names, key=len, reverse=True)
    return re.finditer(rf"(?<![A-Za-z0-9])(?:{'|'.join(map(re.escape, longest_first))})(?![A-Za-z0-9])", text)
