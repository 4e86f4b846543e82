"""English words in the form that their place in a sentence asks for: plural, a or an, a capital."""

from __future__ import annotations

import functools
import re
from typing import Any

FUNCTION_WORDS = frozenset(
    """
    a an the this that these those my your his her its our their some any no every each all both of to in on at by for from with
    without about into onto over under between among through during before after against as than and or but nor not so if is are
    was were be been being has have had do does did will would can could shall should may might must it he she they we you i there
    which who whom whose what when where how very more most also only just up out off
    """.split()
)
WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
ARTICLE = re.compile(r"\b([Aa])n? \Z")
HEAD = re.compile(r"(?= (?:of|for|in|on|at|to|by|with|from) )")
SINGULAR = re.compile(r"(?:ss|us|is)\Z")


@functools.cache
def _inflect() -> Any:
    import inflect  # here, for it takes a second

    engine = inflect.engine()
    engine.classical(persons=True)  # persons, not people: "displaced persons"
    return engine


def is_plural(words: str) -> bool:
    """Whether the last word, or the one before `of`, is a plural."""
    last = HEAD.split(words, maxsplit=1)[0].split(" ")[-1].removesuffix("'s").removesuffix("’s").removesuffix("'")
    return (
        len(last) > 2
        and not SINGULAR.search(last)
        and bool(_inflect().singular_noun(last.lower()))
        and last.lower()[-1:] != "'"
    )


def pluralize(words: str) -> str:
    """The plural of a term: of its last word, or of the one before `of`; what is a plural already stays."""
    if is_plural(words):
        return words
    head, *rest = HEAD.split(words, maxsplit=1)
    first, blank, last = head.rpartition(" ")
    plural: str = _inflect().plural_noun(last) or last
    return first + blank + plural + "".join(rest)


def choose_article(words: str) -> str:
    """`a` or `an`, as these words want it before them."""
    return str(_inflect().a(words)).split(" ", 1)[0].lower()
