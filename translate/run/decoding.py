"""Sentences → requests → hypotheses → translations: what is done to each sentence by itself."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate

from translate.engines.alignment import Aligner, spread
from translate.engines.base import Engine
from translate.model.tokenizer import GIANT, Tokenizer
from translate.protect.mask import Masked
from translate.protect.placing import Alignment, Token, make_words, place_marks, place_terms, put_back
from translate.protect.protector import UNPROTECTED, Protector
from translate.protect.standins import find_names
from translate.records import Flag, Hypothesis, Request, Settings, Translation
from translate.run.checks import check_target, choose_better, order_flags, worth_retrying
from translate.run.loading import batch_tokens
from translate.run.windows import make_batches
from translate.text.wrapped import unwrap

HOLE = "\ue000"
"""Stands for a stand-in where words are written anew: a character that is in no word, and of no use in a text."""

SPLIT_RETRY_TOKENS = 48
"""A doubtful row of more source tokens than this is split for its second try."""


@dataclass(frozen=True, slots=True)
class Try:
    """A sentence and how it is to be translated this time."""

    source: str
    names: int = 0
    """The list of stand-ins; behind the last one there is none."""
    weak: tuple[int, ...] = ()
    """Where terms begin that are to have stand-ins."""
    safer: bool = False
    """With decoding that cannot loop, and longer sentences split in two."""

    @property
    def protected(self) -> bool:
        """Whether spans have stand-ins."""
        return self.names < UNPROTECTED

    def more_safely(self) -> Try:
        """With safer decoding, and the next list of stand-ins if it has any."""
        return replace(self, names=(self.names + 1) % UNPROTECTED if self.protected else self.names, safer=True)


@dataclass(frozen=True, slots=True)
class Decoded:
    """A sentence as the engine translated it, and the tokens that it took."""

    tried: Try
    translation: Translation
    source_tokens: int
    target_tokens: int
    lost: int = 0
    """Spans that do not come out as they went in."""
    weak: tuple[int, ...] = ()
    """Where terms begin whose English may be in a wrong place."""

    @property
    def source(self) -> str:
        """The sentence."""
        return self.tried.source

    def improve(self, second: Decoded) -> Decoded:
        """The better of this and a second, safer try, with the tokens of both."""
        if second.lost > self.lost:
            better = replace(self.translation, flags=order_flags((*self.translation.flags, Flag.RETRIED)))
        else:
            better = choose_better(self.translation, second.translation)
        return replace(self, translation=better).count(second)

    def count(self, other: Decoded) -> Decoded:
        """The same with the tokens of another try."""
        source, target = self.source_tokens + other.source_tokens, self.target_tokens + other.target_tokens
        return replace(self, source_tokens=source, target_tokens=target)


@dataclass(slots=True)
class Pending:
    """A sentence on its way through the engine: in one part or, if it is long, in several."""

    tried: Try
    masked: Masked
    parts: tuple[str, ...]
    requests: tuple[Request, ...]
    hypotheses: dict[int, Hypothesis] = field(default_factory=dict)

    @property
    def source(self) -> str:
        """The sentence."""
        return self.tried.source


class SentenceDecoder:
    """Sentences → requests → hypotheses → translations: what is done to each sentence by itself.

    The aligner tells what English was made from what German; without one, marks and terms have stand-ins.
    """

    def __init__(
        self, engine: Engine, tokenizer: Tokenizer, settings: Settings, aligner: Aligner | None = None
    ) -> None:
        self._engine, self._tokenizer, self._settings, self._aligner = engine, tokenizer, settings, aligner
        self._protector = Protector(settings.glossary, aligned=aligner is not None)
        self._batch_tokens = batch_tokens(engine, settings)

    def prepare(self, sources: Sequence[str], *, number: int = 0) -> list[Pending]:
        """Each source with its requests, numbered from `number`."""
        return self._prepare([Try(source) for source in sources], number=number)

    def _prepare(self, tries: Sequence[Try], *, number: int = 0) -> list[Pending]:
        masks = [self._protector.mask(unwrap(tried.source), tried.names, tried.weak) for tried in tries]
        texts = [recase(masked, self._tokenizer) for masked in masks]
        pendings = []
        for tried, masked, text, ids in zip(tries, masks, texts, self._encode_sentences(texts), strict=True):
            parts = self._cut(text, ids, safer=tried.safer)
            encoded = [ids] if ids is not None and len(parts) == 1 else self._tokenizer.encode(parts)
            requests = tuple(Request(number + i, part, tried.safer) for i, part in enumerate(encoded))
            pendings.append(Pending(tried, masked, tuple(parts), requests))
            number += len(parts)
        return pendings

    def make_batches(self, requests: Sequence[Request]) -> list[list[Request]]:
        """The requests in batches as the settings want them, longest first."""
        size = self._settings.batch_size
        lengths = [len(request.source) for request in requests]
        batches = make_batches(lengths, tokens=None if size else self._batch_tokens, size=size)
        return [[requests[i] for i in indices] for indices in batches]

    def decode(self, requests: Iterable[Request], owners: dict[int, Pending]) -> Generator[Decoded]:
        """Each sentence as soon as its last part is there; its numbers are taken out of the owners then."""
        for hypothesis in self._engine.translate(requests):
            pending = owners[hypothesis.number]
            pending.hypotheses[hypothesis.number] = hypothesis
            if len(pending.hypotheses) == len(pending.requests):
                for request in pending.requests:
                    del owners[request.number]
                yield self._assemble(pending)

    def settle(self, decoded: Sequence[Decoded]) -> list[Decoded]:
        """The sentences, in place of each doubtful one the best of it and further tries.

        Lost spans are tried with other stand-ins, terms that may be misplaced with stand-ins of their own, and what is hardly
        a translation with safer decoding.
        """
        settled = {one.source: one for one in decoded}
        for names in range(1, UNPROTECTED + 1):
            lost = [one for one in settled.values() if one.lost]
            for second in self._try_again([replace(one.tried, names=names) for one in lost]):
                first = settled[second.source]
                settled[second.source] = second.count(first) if second.lost < first.lost else first.count(second)
        weak = {one.source: one for one in settled.values() if one.weak and one.tried.protected}
        for names in range(UNPROTECTED):
            for second in self._try_again([replace(one.tried, names=names, weak=one.weak) for one in weak.values()]):
                first = settled[second.source]
                if self._places_better(first, second):
                    del weak[second.source]
                    settled[second.source] = second.count(first)
                else:
                    settled[second.source] = first.count(second)
        doubtful = [one for one in settled.values() if worth_retrying(one.translation.flags)]
        for second in self._try_again([one.tried.more_safely() for one in doubtful]):
            settled[second.source] = settled[second.source].improve(second)
        return list(settled.values())

    @staticmethod
    def _places_better(first: Decoded, second: Decoded) -> bool:
        """Whether a try with stand-ins for terms is to be taken: all are there, and it is no worse otherwise."""
        severe = worth_retrying(second.translation.flags) and not worth_retrying(first.translation.flags)
        return second.lost <= first.lost and not severe and Flag.TERM_MISSING not in second.translation.flags

    def _try_again(self, tries: Sequence[Try]) -> Iterator[Decoded]:
        pendings = self._prepare(tries)
        owners = find_owners(pendings)
        for batch in self.make_batches([request for pending in pendings for request in pending.requests]):
            yield from self.decode(batch, owners)

    def _encode_sentences(self, texts: Sequence[str]) -> list[tuple[int, ...] | None]:
        """The ids of each text; None for one that is too long whatever its tokens are.

        A sentence may have ten million letters. It is cut before it is tokenised, which takes most of its time.
        """
        short = iter(self._tokenizer.encode([text for text in texts if len(text) <= GIANT]))
        return [None if len(text) > GIANT else next(short) for text in texts]

    def _cut(self, text: str, ids: tuple[int, ...] | None, *, safer: bool) -> list[str]:
        """The text in the parts that the model gets."""
        limit = self._settings.comfortable_tokens
        if ids is not None and safer and len(ids) > SPLIT_RETRY_TOKENS:
            limit = min(limit, len(ids) * 2 // 3)
        return self._tokenizer.split(text, limit) if ids is None or len(ids) > limit else [text]

    def _assemble(self, pending: Pending) -> Decoded:
        """The parts' translations joined, what was masked put back, with all the doubts there are."""
        hypotheses = [pending.hypotheses[request.number] for request in pending.requests]
        texts = [self._tokenizer.decode(hypothesis.target) for hypothesis in hypotheses]
        gaps = [" " if part[-1:].isspace() else "" for part in pending.parts[:-1]] + [""]
        answer = "".join(text + gap for text, gap in zip(texts, gaps, strict=True))
        weights = [len(hypothesis.target) + 1 for hypothesis in hypotheses]
        score = sum(h.score * weight for h, weight in zip(hypotheses, weights, strict=True)) / sum(weights)
        masked = pending.masked
        flags = [*check_target(masked.text, answer), *self._model_flags(pending, hypotheses)]
        target, lost, weak = answer, 0, tuple[int, ...]()
        if not (masked.plain and pending.tried.protected):
            lost = self._protector.count_lost(unwrap(pending.source), masked, answer)
            target, weak = self._put_back(pending, [text + gap for text, gap in zip(texts, gaps, strict=True)])
            flags += [Flag.PROTECTED_LOST] * bool(lost)
        if self._protector.misses_term(unwrap(pending.source), target):
            flags.append(Flag.TERM_MISSING)
        source_tokens = sum(len(request.source) for request in pending.requests)
        translation = Translation(target, round(score, 6), order_flags(flags))
        return Decoded(pending.tried, translation, source_tokens, sum(weights), lost, weak)

    def _put_back(self, pending: Pending, answers: Sequence[str]) -> tuple[str, tuple[int, ...]]:
        """The sentence's English from the parts' answers, and where terms begin whose English may be in a wrong place."""
        masked, answer = pending.masked, "".join(answers)
        if not (masked.marks or masked.terms) or self._aligner is None:
            return put_back(masked, answer), ()
        alignment = self._align(pending, answers, self._aligner)
        placed = place_terms(masked, alignment)
        edits = [*place_marks(masked, alignment), *(edit for one in placed for edit in one.edits)]
        return put_back(masked, answer, edits), tuple(one.use.place for one in placed if one.weak)

    def _align(self, pending: Pending, answers: Sequence[str], aligner: Aligner) -> Alignment:
        """Which words of the answers were made from which source tokens, those of all parts counted through."""
        tokens: list[Token] = []
        firsts = [0, *accumulate(len(request.source) for request in pending.requests)]
        written = 0
        for number, (request, answer) in enumerate(zip(pending.requests, answers, strict=True)):
            ids = pending.hypotheses[request.number].target
            shares = spread(aligner.align(request.source, ids), firsts[number], firsts[-1])
            ends = [len(self._tokenizer.decode(ids[:count])) for count in range(len(ids) + 1)]
            tokens += [
                Token(written + start, written + end, row)
                for start, end, row in zip(ends, ends[1:], shares, strict=False)
            ]
            written += len(answer)

        def find_token(place: int) -> int:
            for part, first in zip(pending.parts, firsts, strict=False):
                if place < len(part):
                    return first + len(self._tokenizer.encode([part[:place]])[0]) - 1
                place -= len(part)
            return firsts[-1] - 1

        target = "".join(answers)
        return Alignment(target, make_words(target, tokens), find_token)

    def _model_flags(self, pending: Pending, hypotheses: Sequence[Hypothesis]) -> Iterator[Flag]:
        """The doubts that token ids give."""
        sides = (*(hypothesis.target for hypothesis in hypotheses), *(request.source for request in pending.requests))
        if any(self._tokenizer.unknown in ids for ids in sides):
            yield Flag.UNKNOWN_TOKEN
        if not all(hypothesis.complete for hypothesis in hypotheses):
            yield Flag.MAX_LENGTH
        if len(pending.parts) > 1:
            yield Flag.SPLIT


def recase(masked: Masked, tokenizer: Tokenizer) -> str:
    """The model's text with words in capitals as the model knows them, but for stand-ins, and not where places would move."""
    if not masked.names:
        text = tokenizer.recase(masked.text)
    else:
        if HOLE in masked.text:
            return masked.text
        places = [match.span() for match in find_names(masked.names, masked.text)]
        bare, kept = masked.text, [masked.text[start:end] for start, end in places]
        for start, end in reversed(places):
            bare = bare[:start] + HOLE + bare[end:]
        parts = tokenizer.recase(bare).split(HOLE)
        text = parts[0] + "".join(name + part for name, part in zip(kept, parts[1:], strict=True))
    moved = (masked.marks or masked.terms) and len(text) != len(masked.text)
    return masked.text if moved else text


def find_owners(pendings: Iterable[Pending]) -> dict[int, Pending]:
    """Request number → the sentence that it belongs to."""
    return {request.number: pending for pending in pendings for request in pending.requests}
