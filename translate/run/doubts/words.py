"""Number words of German and English → amounts. German writes one word (dreiundzwanzig), English several (twenty-three)."""

from __future__ import annotations

from functools import lru_cache

GERMAN_UNITS = {
    "null": 0, "ein": 1, "zwei": 2, "zwo": 2, "drei": 3, "vier": 4, "fünf": 5, "sechs": 6, "sieben": 7, "acht": 8, "neun": 9,
}  # fmt: skip
GERMAN_TEENS = {
    "zehn": 10, "elf": 11, "zwölf": 12, "dreizehn": 13, "vierzehn": 14, "fünfzehn": 15, "sechzehn": 16, "siebzehn": 17,
    "achtzehn": 18, "neunzehn": 19,
}  # fmt: skip
GERMAN_TENS = {
    "zwanzig": 20, "dreißig": 30, "dreissig": 30, "vierzig": 40, "fünfzig": 50, "sechzig": 60, "siebzig": 70, "achtzig": 80,
    "neunzig": 90,
}  # fmt: skip
GERMAN_STEMS = {"erst": 1, "dritt": 3, "siebt": 7}
"""Of ordinals that the number itself does not begin."""

ENGLISH_WORDS = {
    word: value
    for value, words in {
        0: "zero nought", 1: "one first", 2: "two second", 3: "three third", 4: "four fourth", 5: "five fifth",
        6: "six sixth", 7: "seven seventh", 8: "eight eighth", 9: "nine ninth", 10: "ten tenth", 11: "eleven eleventh",
        12: "twelve twelfth", 13: "thirteen thirteenth", 14: "fourteen fourteenth", 15: "fifteen fifteenth",
        16: "sixteen sixteenth", 17: "seventeen seventeenth", 18: "eighteen eighteenth", 19: "nineteen nineteenth",
        20: "twenty twentieth", 30: "thirty thirtieth", 40: "forty fortieth", 50: "fifty fiftieth", 60: "sixty sixtieth",
        70: "seventy seventieth", 80: "eighty eightieth", 90: "ninety ninetieth", 100: "hundred hundredth",
        1000: "thousand thousandth",
    }.items()
    for word in words.split()
}  # fmt: skip


def _any(words: dict[str, int]) -> str:
    return "|".join(sorted(words, key=len, reverse=True))


def german_pattern() -> str:
    """Matches the longest number that a German word, in small letters, begins with, up to 999,999; or nothing at all.

    Each part may be missing, so that the pattern is short: it is compiled at each start of the program.
    """
    units, tens = _any(GERMAN_UNITS), _any(GERMAN_TENS)
    low = f"(?:(?:{units})und(?:{tens})|{tens}|{_any(GERMAN_TEENS)}|{units})"
    hundreds = f"(?:{low})?(?:hundert(?:(?:und)?{low})?)?"
    return f"(?:{_any(GERMAN_STEMS)}|{hundreds}(?:tausend(?:und)?{hundreds})?)"


def english_pattern() -> str:
    """Matches an English number in words, in small letters: `three hundred and twenty-first`; or nothing at all."""
    small = {word: value for word, value in ENGLISH_WORDS.items() if value < 20}
    tens = {word: value for word, value in ENGLISH_WORDS.items() if 20 <= value < 100}
    units = {word: value for word, value in small.items() if 0 < value < 10}
    low = rf"(?:(?:{_any(tens)})(?:[- ](?:{_any(units)})(?![a-z]))?|{_any(small)})"
    hundreds = rf"(?:[- ]?hundred(?:th)?(?:(?: and |[- ]){low}(?![a-z]))?)?"
    thousands = rf"(?:[- ]?thousand(?:th)?(?:(?:,? and |,? |-){low}(?![a-z]){hundreds})?)?"
    return rf"(?:{low}|an?(?=[- ](?:hundred|thousand)))?{hundreds}{thousands}"


def english_counts() -> str:
    """Matches the words that count parts: `two` thirds, the `second` half."""
    return _any({word: value for word, value in ENGLISH_WORDS.items() if value < 20})


@lru_cache(4096)
def read_german(word: str) -> int:
    """The value of what `german_pattern` matched."""
    if "tausend" in word:
        before, _, after = word.partition("tausend")
        return (read_german(before) if before else 1) * 1000 + read_german(after.removeprefix("und"))
    if "hundert" in word:
        before, _, after = word.partition("hundert")
        return (read_german(before) if before else 1) * 100 + read_german(after.removeprefix("und"))
    for words in (GERMAN_UNITS, GERMAN_TEENS, GERMAN_TENS, GERMAN_STEMS):
        if word in words:
            return words[word]
    unit, und, tens = word.partition("und")
    return GERMAN_UNITS[unit] + GERMAN_TENS[tens] if und else 0


@lru_cache(4096)
def read_english(words: str) -> int:
    """The value of what `english_pattern` matched."""
    total = part = 0
    for word in words.replace("-", " ").replace(",", " ").split():
        value = ENGLISH_WORDS.get(word, 0)
        if value == 100:
            part = max(part, 1) * 100
        elif value == 1000:
            total, part = total + max(part, 1) * 1000, 0
        else:
            part += value
    return total + part


def is_english_ordinal(words: str) -> bool:
    """Whether it is `third` or `twenty-first`, which may also be a part: a third."""
    return words.endswith(("st", "nd", "rd", "th")) and not words.endswith("thousand")


def read_roman(numeral: str) -> int:
    """XIV → 14."""
    values = [{"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}[letter] for letter in numeral]
    return sum(-value if value < after else value for value, after in zip(values, [*values[1:], 0], strict=True))
