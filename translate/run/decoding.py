"""Sentences → requests → hypotheses → translations: what is done to each sentence by itself."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from translate.engines.base import Engine
from translate.model.tokenizer import GIANT, Tokenizer
from translate.records import Flag, Hypothesis, Request, Settings, Translation
from translate.run.checks import check_target, choose_better, order_flags, worth_retrying
from translate.run.loading import batch_tokens
from translate.run.windows import make_batches

SPLIT_RETRY_TOKENS = 48
"""A doubtful row of more source tokens than this is split for its second try."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """A sentence as the engine translated it, and the tokens that it took."""

    source: str
    translation: Translation
    source_tokens: int
    target_tokens: int

    def improve(self, second: Decoded, *, halved: bool) -> Decoded:
        """The better of this and a second try, with the tokens of both. `halved`: one of those that shared its batch was."""
        better = choose_better(self.translation, second.translation)
        if halved or Flag.HALVED in second.translation.flags:
            better = replace(better, flags=order_flags((*better.flags, Flag.HALVED)))
        return Decoded(
            self.source,
            better,
            self.source_tokens + second.source_tokens,
            self.target_tokens + second.target_tokens,
        )


@dataclass(slots=True)
class Pending:
    """A sentence on its way through the engine: in one part or, if it is long, in several."""

    source: str
    parts: tuple[str, ...]
    requests: tuple[Request, ...]
    hypotheses: dict[int, Hypothesis] = field(default_factory=dict)


class SentenceDecoder:
    """Sentences → requests → hypotheses → translations: what is done to each sentence by itself."""

    def __init__(self, engine: Engine, tokenizer: Tokenizer, settings: Settings) -> None:
        self._engine, self._tokenizer, self._settings = engine, tokenizer, settings
        self._batch_tokens = batch_tokens(engine, settings)

    def prepare(self, sources: Sequence[str], *, number: int = 0, safer: bool = False) -> list[Pending]:
        """Each source with its requests, numbered from `number`. `safer`: longer ones are split in two."""
        texts = [self._tokenizer.recase(source) for source in sources]
        pendings = []
        for source, text, ids in zip(sources, texts, self._encode_sentences(texts), strict=True):
            parts = self._cut(text, ids, safer=safer)
            encoded = [ids] if ids is not None and len(parts) == 1 else self._tokenizer.encode(parts)
            requests = tuple(Request(number + i, part, safer) for i, part in enumerate(encoded))
            pendings.append(Pending(source, tuple(parts), requests))
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
        """The sentences, in place of each doubtful one the better of it and a second try, decoded more safely."""
        doubtful = {one.source: one for one in decoded if worth_retrying(one.translation.flags)}
        settled = [one for one in decoded if one.source not in doubtful]
        halved = any(Flag.HALVED in one.translation.flags for one in doubtful.values())
        pendings = self.prepare(list(doubtful), safer=True)
        owners = find_owners(pendings)
        for batch in self.make_batches([request for pending in pendings for request in pending.requests]):
            settled += [doubtful[second.source].improve(second, halved=halved) for second in self.decode(batch, owners)]
        return settled

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
        """The parts' translations joined, with all the doubts there are."""
        hypotheses = [pending.hypotheses[request.number] for request in pending.requests]
        texts = [self._tokenizer.decode(hypothesis.target) for hypothesis in hypotheses]
        gaps = [" " if part[-1:].isspace() else "" for part in pending.parts[:-1]] + [""]
        target = "".join(text + gap for text, gap in zip(texts, gaps, strict=True))
        weights = [len(hypothesis.target) + 1 for hypothesis in hypotheses]
        score = sum(h.score * weight for h, weight in zip(hypotheses, weights, strict=True)) / sum(weights)
        flags = [*check_target(pending.source, target), *self._model_flags(pending, hypotheses)]
        source_tokens = sum(len(request.source) for request in pending.requests)
        translation = Translation(target, round(score, 6), order_flags(flags))
        return Decoded(pending.source, translation, source_tokens, sum(weights))

    def _model_flags(self, pending: Pending, hypotheses: Sequence[Hypothesis]) -> Iterator[Flag]:
        """The doubts that token ids give."""
        sides = (*(hypothesis.target for hypothesis in hypotheses), *(request.source for request in pending.requests))
        if any(self._tokenizer.unknown in ids for ids in sides):
            yield Flag.UNKNOWN_TOKEN
        if not all(hypothesis.complete for hypothesis in hypotheses):
            yield Flag.MAX_LENGTH
        if len(pending.parts) > 1:
            yield Flag.SPLIT
        if any(hypothesis.halved for hypothesis in hypotheses):
            yield Flag.HALVED


def find_owners(pendings: Iterable[Pending]) -> dict[int, Pending]:
    """Request number → the sentence that it belongs to."""
    return {request.number: pending for pending in pendings for request in pending.requests}
