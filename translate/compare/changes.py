"""Pure: two translations of one source → which words differ, and classes of change found by rule.

The rules know English, look at the surface only, and err on the side of showing a row: they say where to look, not
which translation is right.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from rapidfuzz.distance import Levenshtein


class Change(StrEnum):
    """What is between two translations. The list is closed; a pair may be of several classes."""

    IDENTICAL = "identical"  # character by character
    PUNCTUATION = "punctuation"  # only punctuation, upper and lower case, or white space
    ORDER = "order"  # the same words in another order
    NUMBER = "number"  # a number, in digits or as a word, stands on one side only
    DATE = "date"  # a date, month or weekday stands on one side only
    NAME = "name"  # a capitalised word inside a sentence stands on one side only
    NEGATION = "negation"  # one side has more negations than the other
    MISSING = "missing"  # the second lacks several words in a row: a clause
    ADDED = "added"  # the second has several words more in a row
    WORDING = "wording"  # other words, and none of the above
    UNPAIRED = "unpaired"  # one of the two has no row here
    SOURCE = "source"  # the two were given different source texts


MEANING = frozenset({Change.NUMBER, Change.DATE, Change.NAME, Change.NEGATION, Change.MISSING, Change.ADDED})
"""Classes that are likely to change what a reader understands."""

CLAUSE_WORDS = 5
"""Words in a row that one side has more, for a clause to be missing or added."""

Span = tuple[int, int]
"""Start and end in code points."""

TOKEN = re.compile(r"\d+(?:[.,:]\d+)*(?:\w+)?|\w+(?:['’.-]\w+)*|[^\w\s]")
WORD = re.compile(r"\w")

MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
MONTH = r"(?P<{}>Jan|Feb|Mar|Apr|May|June?|July?|Aug|Sept?|Oct|Nov|Dec|" + "|".join(MONTHS) + r")\b\.?"
DAY = r"(?P<{}>\d{{1,2}})(?:st|nd|rd|th)?"
YEAR = r"(?:,? (?P<{}>\d{{4}}))?"
DATE = re.compile(
    r"\b(?:"
    + "|".join(
        (
            r"(?P<y1>\d{4})-(?P<m1>\d\d)-(?P<d1>\d\d)",
            r"(?P<d2>\d{1,2})[./](?P<m2>\d{1,2})[./](?P<y2>\d{2,4})",
            rf"{DAY.format('d3')} (?:of )?{MONTH.format('m3')}{YEAR.format('y3')}",
            rf"{MONTH.format('m4')} {DAY.format('d4')}{YEAR.format('y4')}",
            rf"{MONTH.format('m5')} (?P<y5>\d{{4}})",
        )
    )
    + r")\b"
)
CALENDAR_WORD = re.compile(r"\b(?:" + "|".join((*WEEKDAYS, *MONTHS)) + r")\b")
AMBIGUOUS_MONTHS = frozenset({"May", "March"})
"""Words of another meaning; without a day or year they count as months after a small word like `in` only."""
BEFORE_MONTH = re.compile(
    r"\b(?:in|since|until|till|by|of|last|next|this|early|mid|late|from|to|between|and)[ -]$", re.I
)

NEGATIONS = frozenset(
    ["not", "no", "never", "none", "nobody", "nothing", "neither", "nor", "nowhere", "without", "cannot"]
)
NUMBER_WORDS = {
    word: str(number)
    for number, words in {
        0: "zero",
        2: "two",
        3: "three third",
        4: "four fourth",
        5: "five fifth",
        6: "six sixth",
        7: "seven seventh",
        8: "eight eighth",
        9: "nine ninth",
        10: "ten tenth",
        11: "eleven eleventh",
        12: "twelve twelfth",
        13: "thirteen",
        14: "fourteen",
        15: "fifteen",
        16: "sixteen",
        17: "seventeen",
        18: "eighteen",
        19: "nineteen",
        20: "twenty",
        30: "thirty",
        40: "forty",
        50: "fifty",
        60: "sixty",
        70: "seventy",
        80: "eighty",
        90: "ninety",
        100: "hundred",
        1000: "thousand",
    }.items()
    for word in words.split()
}
"""Without `one`, `first` and `second`, which are seldom meant as numbers."""
NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
THOUSANDS = re.compile(r",(?=\d{3}(?!\d))")
SENTENCE_END = frozenset(".!?:;…")
QUOTES = frozenset("\"'“”„‚‘’«»()[]–—-*")


@dataclass(frozen=True, slots=True)
class Token:
    """A word, number or punctuation mark and where it stands."""

    text: str
    start: int
    end: int

    @property
    def is_word(self) -> bool:
        """Whether it has a letter or digit."""
        return bool(WORD.match(self.text))


@dataclass(frozen=True, slots=True)
class Edits:
    """Which words differ: their number (insertions, deletions and replacements), and the spans on either side."""

    count: int
    removed: tuple[Span, ...]
    added: tuple[Span, ...]
    missing_clause: bool
    added_clause: bool


def tokenize(text: str) -> list[Token]:
    """Words with their apostrophes, hyphens and decimal points; every other mark on its own."""
    return [Token(match[0], *match.span()) for match in TOKEN.finditer(text)]


def count_words(text: str) -> int:
    """Tokens that have a letter or digit."""
    return sum(token.is_word for token in tokenize(text))


def find_edits(first: Sequence[Token], second: Sequence[Token]) -> Edits:
    """The smallest number of token edits that make the second of the first (Levenshtein)."""
    codes = Levenshtein.opcodes([token.text for token in first], [token.text for token in second])
    blocks = [((c.src_start, c.src_end), (c.dest_start, c.dest_end)) for c in codes if c.tag != "equal"]
    count = sum(max(end - start, other_end - other_start) for (start, end), (other_start, other_end) in blocks)
    gains = [_words_between(second, there) - _words_between(first, here) for here, there in _bridge(blocks)]
    return Edits(
        count,
        _spans(first, [here for here, _ in blocks]),
        _spans(second, [there for _, there in blocks]),
        missing_clause=min(gains, default=0) <= -CLAUSE_WORDS,
        added_clause=max(gains, default=0) >= CLAUSE_WORDS,
    )


def _bridge(blocks: Sequence[tuple[Span, Span]]) -> list[tuple[Span, Span]]:
    """Blocks with a single equal token between them as one: a chance `the` or comma does not part a clause."""
    joined: list[tuple[Span, Span]] = []
    for (start, end), (other_start, other_end) in blocks:
        if joined and start - joined[-1][0][1] <= 1:
            start, other_start = joined[-1][0][0], joined[-1][1][0]
            joined.pop()
        joined.append(((start, end), (other_start, other_end)))
    return joined


def _words_between(tokens: Sequence[Token], span: Span) -> int:
    return sum(token.is_word for token in tokens[span[0] : span[1]])


def _spans(tokens: Sequence[Token], ranges: Sequence[Span]) -> tuple[Span, ...]:
    """Ranges of tokens as ranges of characters, neighbours joined."""
    joined: list[Span] = []
    previous = -1
    for start, end in ranges:
        if start == end:
            continue
        if joined and start == previous:
            joined[-1] = joined[-1][0], tokens[end - 1].end
        else:
            joined.append((tokens[start].start, tokens[end - 1].end))
        previous = end
    return tuple(joined)


def classify(first: str, second: str) -> tuple[tuple[Change, ...], Edits]:
    """The classes of change from the first translation to the second, in the order of `Change`, and the edits."""
    tokens, others = tokenize(first), tokenize(second)
    edits = find_edits(tokens, others)
    if first == second:
        return (Change.IDENTICAL,), edits
    words, other_words = _plain_words(tokens), _plain_words(others)
    if words == other_words:
        return (Change.PUNCTUATION,), edits
    if Counter(words) == Counter(other_words):
        return (Change.ORDER,), edits
    dates, rest = extract_dates(first)
    other_dates, other_rest = extract_dates(second)
    found = (
        (Change.NUMBER, _numbers(rest) != _numbers(other_rest)),
        (Change.DATE, dates != other_dates),
        (Change.NAME, _names_differ(tokens, others)),
        (Change.NEGATION, _count_negations(words) != _count_negations(other_words)),
        (Change.MISSING, edits.missing_clause),
        (Change.ADDED, edits.added_clause),
    )
    return tuple(change for change, is_so in found if is_so) or (Change.WORDING,), edits


def _plain_words(tokens: Sequence[Token]) -> list[str]:
    return [token.text.casefold().replace("’", "'") for token in tokens if token.is_word]


def extract_dates(text: str) -> tuple[Counter[tuple[str, ...]], str]:
    """The dates of a text, however written, and the text without them.

    A day and month is (day, month, year), a weekday or lone month itself. `3 May`, `May 3rd` are one date.
    """
    found: Counter[tuple[str, ...]] = Counter()

    def take(match: re.Match[str]) -> str:
        parts = {name[0]: value for name, value in match.groupdict().items() if value}
        found[parts.get("d", "").lstrip("0"), _month(parts["m"]), parts.get("y", "")] += 1
        return " "

    def take_word(match: re.Match[str]) -> str:
        if match[0] in AMBIGUOUS_MONTHS and not BEFORE_MONTH.search(match.string[: match.start()]):
            return match[0]
        found[(match[0],)] += 1
        return " "

    return found, CALENDAR_WORD.sub(take_word, DATE.sub(take, text))


def _month(text: str) -> str:
    """The month's number, from its number or name."""
    if text.isdigit():
        return text.lstrip("0")
    return str(next(number for number, name in enumerate(MONTHS, 1) if name[:3] == text[:3]))


def _numbers(text: str) -> Counter[str]:
    """The numbers of a text, 1,000 as 1000 and `three` as 3."""
    digits = (THOUSANDS.sub("", number) for number in NUMBER.findall(text))
    words = map(str.lower, re.findall(r"[A-Za-z]+", text))
    return Counter([*digits, *(NUMBER_WORDS[word] for word in words if word in NUMBER_WORDS)])


def _count_negations(words: Sequence[str]) -> int:
    return sum(word in NEGATIONS or word.endswith("n't") for word in words)


def _names_differ(first: Sequence[Token], second: Sequence[Token]) -> bool:
    """Whether a capitalised word of one side is nowhere on the other, written in whatever way."""
    return any(
        not _names(here) <= {_bare(token.text) for token in there} for here, there in ((first, second), (second, first))
    )


def _bare(word: str) -> str:
    return word.casefold().replace("’", "'").removesuffix("'s")


def _names(tokens: Sequence[Token]) -> set[str]:
    """Capitalised words that do not begin a sentence; dates and `I` are none."""
    names: set[str] = set()
    begins = True
    for token in tokens:
        if not token.is_word:
            begins = token.text in SENTENCE_END or (begins and token.text in QUOTES)
            continue
        is_name = token.text[0].isupper() and not begins and not token.text.startswith(("I'", "I’"))
        if is_name and token.text != "I" and token.text not in {*MONTHS, *WEEKDAYS}:
            names.add(_bare(token.text))
        begins = False
    return names
