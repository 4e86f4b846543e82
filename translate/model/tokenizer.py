"""Text ↔ token ids, with the model's own SentencePiece files; and what happens to a text before it becomes tokens.

What MarianTokenizer of transformers does, without importing it: pieces of source.spm, looked up in vocab.json, the
end-of-sentence id behind them. A test holds the two equal.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from itertools import repeat

from translate.model.folder import read_origin, read_vocabulary
from translate.model.origin import trained_behind_moses
from translate.model.spelling import Speller, make_plain
from translate.records import Model, ModelError

CUTS = tuple(
    map(
        re.compile,
        (r"[;:.!?…]\W*\s+", r"[,–—]\W*\s+", r"\s+(?=(?:und|oder|aber|sondern|denn|weil|dass|wenn)\s)", r"\s+"),
    )
)
"""Where a long sentence may be cut, the best kind first: clause ends, commas and dashes, conjunctions, blanks."""

CHARACTERS_PER_TOKEN = 12
"""More than any real text has. A longer stretch is over the limit without being tokenised."""

SHOWN_CODES = 30
"""Targets in a message."""

GIANT = 100_000
"""Characters. Of a longer text not every stretch is tokenised before it is cut: tokenising takes most of the time."""

TARGET_CODE = re.compile(r">>([\w-]+)<<")
"""The piece that tells a model with several targets which one is wanted; it stands before the source."""
ENGLISH = ("eng", "en", "eng_Latn")

SPECIAL = frozenset(("</s>", "<pad>", "<s>"))
"""Pieces that are no text."""

HINT = "source.spm, target.spm and vocab.json must be those of the model; download it again"


class Tokenizer:
    """Text ↔ ids for one model.

    `normalize` asks for the Moses chain if the model was trained behind it, which translate.model.origin tells; other
    models get the text as it is. `normalization` says which it is: "moses" or "none".

    A model with several targets is told the wanted one, by a code such as `eng`; None is English. `target` is that code,
    empty for a model with one target. Raises ModelError if the files do not fit together, or there is no such target.
    """

    def __init__(self, model: Model, *, normalize: bool = True, target: str | None = None) -> None:
        import sentencepiece

        try:
            self._source = sentencepiece.SentencePieceProcessor(model_file=str(model.folder / "source.spm"))
            self._target = sentencepiece.SentencePieceProcessor(model_file=str(model.folder / "target.spm"))
        except (OSError, RuntimeError, ValueError, TypeError) as error:
            raise ModelError(f"cannot read the vocabulary in '{model.folder}': {str(error)[:200]}", HINT) from error
        self._ids = read_vocabulary(model.folder)
        self.target = _choose_target(model, self._ids, target)
        self._before = (self._ids[f">>{self.target}<<"],) if self.target else ()
        self._pieces = {
            number: "" if piece in SPECIAL or TARGET_CODE.fullmatch(piece) else piece
            for piece, number in self._ids.items()
        }
        missing = next((piece for piece in ("</s>", "<unk>") if piece not in self._ids), None)
        if missing is not None:
            raise ModelError(f"cannot read the vocabulary in '{model.folder}': it has no {missing}", HINT)
        self.end, self.unknown = self._ids["</s>"], self._ids["<unk>"]
        self.normalization = "moses" if normalize and trained_behind_moses(model, read_origin(model.folder)) else "none"
        self._normalize = _moses_normalizer() if self.normalization == "moses" else str
        self._speller = Speller(self._score)

    def encode(self, texts: Sequence[str]) -> list[tuple[int, ...]]:
        """Source ids of each text, the end-of-sentence id last; a piece that the vocabulary lacks is `unknown`."""
        pieces = self._source.encode([self.text_for_model(text) for text in texts], out_type=str)
        return [(*self._before, *map(self._ids.get, sentence, repeat(self.unknown)), self.end) for sentence in pieces]

    def encode_target(self, texts: Sequence[str]) -> list[tuple[int, ...]]:
        """Target ids of English texts, without an end."""
        pieces = self._target.encode(list(texts), out_type=str)
        return [tuple(map(self._ids.get, sentence, repeat(self.unknown))) for sentence in pieces]

    def text_for_model(self, text: str) -> str:
        """What the model gets in place of a text, before it becomes pieces; what must stay is kept from here by the caller."""
        return self._speller.respell(self._normalize(make_plain(text)))

    def recase(self, text: str) -> str:
        """The text with words in capitals as the model knows them: see translate.model.spelling."""
        return self._speller.recase(text)

    def _score(self, text: str) -> float:
        """The logarithm of the vocabulary's likelihood of a text; -inf if a piece is unknown."""
        score = 0.0
        for number in self._source.encode(text, out_type=int):
            if number == self._source.unk_id() or self._source.id_to_piece(number) not in self._ids:
                return -math.inf
            score += self._source.get_score(number)
        return score

    def decode(self, ids: Sequence[int]) -> str:
        """The text of target ids; special tokens but the unknown one leave no trace."""
        pieces = [*filter(None, map(self._pieces.get, ids, repeat("<unk>")))]
        text: str = self._target.decode_pieces(pieces)
        return text.replace("\u2581", " ").strip()

    def split(self, text: str, limit: int) -> list[str]:
        """The text in parts of at most `limit` tokens, cut at clause ends where there are any; `"".join` gives it back.

        [text] if it is short enough. Takes linear time.
        """
        parts: list[str] = []
        longest = limit * CHARACTERS_PER_TOKEN
        position = density = 0
        while len(text) - position > longest:
            stretch = text[position : position + longest]
            cut = _best_cut(stretch)
            if len(text) > GIANT and not density:  # the first stretch tells how dense all of it is
                density = len(self.encode([stretch])[0])
            parts += self._halve(stretch[:cut], limit, guess=density * cut // longest)
            position += cut
        return parts + self._halve(text[position:], limit, guess=0)

    def _halve(self, text: str, limit: int, *, guess: int) -> list[str]:
        """Cut near the middle, again and again; `guess` is about how many tokens there are, so that few need counting."""
        if len(text) < limit:
            return [text]
        tokens = guess if guess > 1.3 * limit else len(self.encode([text])[0])
        if tokens <= limit:
            return [text]
        cut = _best_cut(text)
        halves = (text[:cut], text[cut:])
        return [part for half in halves for part in self._halve(half, limit, guess=tokens * len(half) // len(text))]


def _choose_target(model: Model, vocabulary: Mapping[str, int], wanted: str | None) -> str:
    """The code of the target, as the vocabulary has it; empty if it has none. Raises ModelError for one that it lacks."""
    codes = sorted(match[1] for piece in vocabulary if (match := TARGET_CODE.fullmatch(piece)))
    if wanted is None and not codes:
        return ""
    chosen = next((code for code in ([wanted] if wanted else ENGLISH) if code in codes), None)
    if chosen is not None:
        return chosen
    if not codes:
        hint = "leave out --target-language: the model has one target"
        raise ModelError(f"'{model.name}' cannot be told to translate into '{wanted}'", hint)
    shown = ", ".join(codes[:SHOWN_CODES]) + (", …" if len(codes) > SHOWN_CODES else "")
    raise ModelError(
        f"'{model.name}' has no target '{wanted or ENGLISH[0]}'", f"say --target-language, one of: {shown}"
    )


def _best_cut(text: str) -> int:
    """Where to cut in two: the best kind of place within the middle half, and of these the one nearest the middle."""
    middle, low, high = len(text) // 2, len(text) // 4, len(text) * 3 // 4
    for pattern in CUTS:
        ends = [match.end() for match in pattern.finditer(text, low, high)]
        if ends:
            return min(ends, key=lambda end: abs(end - middle))
    while middle < high and unicodedata.combining(text[middle]):
        middle += 1  # a mark belongs to the letter before it
    return middle


def _moses_normalizer() -> Callable[[str], str]:
    """OPUS-MT's chain: replace-unicode-punctuation, remove-non-printing-char, normalize-punctuation -l de, one blank.

    Source: preprocess.sh in the OPUS-MT model archives, https://github.com/Helsinki-NLP/OPUS-MT-train
    """
    from sacremoses import MosesPunctNormalizer

    normalizer = MosesPunctNormalizer(lang="de", pre_replace_unicode_punct=True, post_remove_control_chars=True)

    def normalize(text: str) -> str:
        return " ".join(str(normalizer.normalize(make_plain(text))).split())

    return normalize
