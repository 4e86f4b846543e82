"""Pairs of which it is known what belongs to what: by them an aligner finds the layer of the decoder that follows the source."""

from __future__ import annotations

from collections.abc import Sequence

from translate.model.tokenizer import Tokenizer

PAIRS = (
    ("Frau Schmidt traf Herrn Weber am Montag in Berlin.", "Ms Schmidt met Mr Weber in Berlin on Monday.", "Schmidt Weber Berlin"),
    ("Im Sommer fuhr Peter mit Anna nach Hamburg.", "In summer Peter went to Hamburg with Anna.", "Peter Anna Hamburg"),
    ("Toyota und Samsung verkauften mehr als Sony.", "Toyota and Samsung sold more than Sony.", "Toyota Samsung Sony"),
    ("Gestern sprach Martin in Paris mit Maria über Robert.", "Yesterday Martin spoke with Maria about Robert in Paris.", "Martin Paris Maria Robert"),
    ("Aus Texas kam Michael, aus London kam Thomas.", "Michael came from Texas, Thomas came from London.", "Texas Michael London Thomas"),
)  # fmt: skip
"""German, English, and the names that stand in both."""

Known = tuple[tuple[tuple[int, ...], tuple[int, ...]], tuple[tuple[int, int], ...]]


def make_known_pairs(tokenizer: Tokenizer) -> list[Known]:
    """Each pair's source and target ids, and the places (source token, target token) of its names' first pieces."""
    known = []
    for german, english, names in PAIRS:
        source, target = tokenizer.encode([german])[0], tokenizer.encode_target([english])[0]
        places = [
            (
                len(tokenizer.encode([german.partition(name)[0]])[0]) - 1,
                len(tokenizer.encode_target([english.partition(name)[0]])[0]),
            )
            for name in names.split()
        ]
        known.append(
            ((source, target), tuple(place for place in places if place[0] < len(source) and place[1] < len(target)))
        )
    return known


def known_words(tokenizer: Tokenizer, words: Sequence[str]) -> list[str]:
    """Those of the words that the model's vocabulary can write."""
    return [word for word, ids in zip(words, tokenizer.encode(words), strict=True) if tokenizer.unknown not in ids]
