"""A joint SentencePiece vocabulary in the files that transformers' MarianTokenizer reads."""

import json
import tempfile
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import sentencepiece
from sentencepiece import sentencepiece_model_pb2

FILES = ("source.spm", "target.spm", "vocab.json", "tokenizer_config.json")
EOS = 0  # Marian's place for the end mark; <unk> is 1, <pad> comes last

# Quotation marks are written in many ways in German text; the model sees one of each kind. Dashes and ellipses likewise.
_FOLDED = {
    **dict.fromkeys("„“”‟«»〝〞", '"'),
    **dict.fromkeys("‚‘’‛‹›´`ʼ", "'"),
    **dict.fromkeys("‐‑‒", "-"),
    **dict.fromkeys("―—", "–"),
    **dict.fromkeys("\u00ad\u200b\u200c\u200d\u2060\ufeff", ""),
}

SEEN = 30  # a character that the training text has as often is worth a piece: €, § and ° are rare in sentences, not in news


def normalization_rules() -> str:
    """NFKC and the folded marks as SentencePiece's table: hexadecimal code points, a tab, their replacement."""
    rules = dict(_FOLDED)
    for point in range(0xA0, 0x3000):
        character = chr(point)
        if character in rules or unicodedata.category(character) in {"Cn", "Cs"}:
            continue
        normal = unicodedata.normalize("NFKC", character)
        apart = unicodedata.normalize("NFD", character)
        rules |= {form: normal for form in {character, apart} if form != normal and len(form) < 4}
    rules |= {"\t": " ", "\u00a0": " ", "\u202f": " ", "\u2009": " "}
    spell = " ".join
    return "".join(
        f"{spell(f'{ord(c):X}' for c in found)}\t{spell(f'{ord(c):X}' for c in put)}\n" for found, put in rules.items()
    )


def frequent_characters(lines: Iterable[str]) -> list[str]:
    """The characters that stand in the lines SEEN times or more and that normalisation leaves as they are, sorted."""
    counts: Counter[str] = Counter()
    for line in lines:
        counts.update(line)
    kept = (c for c, count in counts.items() if count >= SEEN and not c.isspace() and c not in _FOLDED)
    return sorted(c for c in kept if unicodedata.normalize("NFKC", c) == c and not unicodedata.combining(c))


def train_vocabulary(lines: Sequence[str], folder: Path, *, size: int) -> None:
    """Train `size` pieces on lines of both languages and write source.spm, target.spm, vocab.json, tokenizer_config.json.

    Digits stay single, so that a number is copied digit by digit instead of being a rare piece.
    """
    with tempfile.TemporaryDirectory() as scratch:
        rules, text = Path(scratch) / "rules.tsv", Path(scratch) / "text"
        rules.write_text(normalization_rules(), encoding="utf-8", newline="\n")
        text.write_text("".join(line + "\n" for line in lines), encoding="utf-8", newline="\n")
        sentencepiece.SentencePieceTrainer.train(
            input=str(text), model_prefix=str(Path(scratch) / "spm"), vocab_size=size, model_type="unigram",
            character_coverage=0.9999, required_chars="".join(frequent_characters(lines)), split_digits=True,
            normalization_rule_tsv=str(rules), eos_id=EOS, unk_id=1, bos_id=-1, pad_id=-1, max_sentence_length=2000,
            num_threads=2, hard_vocab_limit=False, minloglevel=1,
        )  # fmt: skip
        _write(folder, (Path(scratch) / "spm.model").read_bytes())


def extend_vocabulary(start: Path, lines: Iterable[str], folder: Path) -> int:
    """Write the vocabulary of `start` with the lines' frequent characters that it lacks; return how many there are.

    For a checkpoint with one SentencePiece model for both languages whose <pad> comes last, as `train_vocabulary` writes it.
    """
    pieces = load_pieces(start)
    model = sentencepiece_model_pb2.ModelProto()
    model.ParseFromString((start / "source.spm").read_bytes())
    lacking = [c for c in frequent_characters(lines) if pieces.unk_id() in pieces.encode(c)]
    lowest = min(piece.score for piece in model.pieces)  # taken only where no other piece fits
    for character in lacking:
        model.pieces.add(piece=character, score=lowest)
    _write(folder, model.SerializeToString())
    return len(lacking)


def _write(folder: Path, model: bytes) -> None:
    """The files of a vocabulary with this one SentencePiece model."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("source.spm", "target.spm"):
        (folder / name).write_bytes(model)
    pieces = load_pieces(folder)
    vocabulary = {pieces.id_to_piece(i): i for i in range(len(pieces))} | {"<pad>": len(pieces)}
    (folder / "vocab.json").write_text(json.dumps(vocabulary, ensure_ascii=False, indent=0), encoding="utf-8")
    settings = {
        "source_lang": "de", "target_lang": "en", "model_max_length": 512,
        "tokenizer_class": "MarianTokenizer", "separate_vocabs": False,
    }  # fmt: skip
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=1) + "\n", encoding="utf-8")


def load_pieces(folder: Path, side: str = "source") -> sentencepiece.SentencePieceProcessor:
    """The SentencePiece model of one side of a checkpoint folder."""
    return sentencepiece.SentencePieceProcessor(model_file=str(folder / f"{side}.spm"))


def encode(folder: Path, side: str, lines: list[str]) -> list[list[int]]:
    """Token ids of lines as the checkpoint's vocab.json numbers them, without end marks.

    A checkpoint with two SentencePiece models over one vocab.json (Helsinki-NLP's) has numbers of its own for pieces.
    """
    pieces = load_pieces(folder, side)
    vocabulary: dict[str, int] = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))
    unknown = vocabulary["<unk>"]
    number: npt.NDArray[np.int64] = np.array(
        [vocabulary.get(pieces.id_to_piece(i), unknown) for i in range(len(pieces))]
    )
    encoded: list[list[int]] = pieces.encode(lines, num_threads=2)
    if np.array_equal(number, np.arange(len(number))):
        return encoded
    return [number[ids].tolist() for ids in encoded]
