"""One window of sentences → their translations: memory, batches, engine, checks, second tries, commits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from translate.engines.base import Engine
from translate.model.tokenizer import GIANT, Tokenizer
from translate.records import Flag, Hypothesis, Request, Settings, Translation
from translate.run.batches import make_batches
from translate.run.checks import check_target, choose_better, needs_model, order_flags, safer_source, worth_retrying
from translate.run.loading import batch_tokens
from translate.run.memory import Remembered, window_key

COMMIT_ROWS = 256
"""Rows a commit, from an engine that streams. Others commit batch by batch."""

SPLIT_RETRY_TOKENS = 48
"""A doubtful row of more source tokens than this is split for its second try."""


class Interrupted(Exception):
    """The user asked to stop. What was finished is in the memory."""


@dataclass(frozen=True, slots=True)
class Progress:
    """So much has been done since the last one. A sentence that occurs twice is translated once and counts twice."""

    sentences: int = 0
    characters: int = 0
    from_memory: int = 0
    source_tokens: int = 0
    target_tokens: int = 0


class Remembering(Protocol):
    """What a translator wants of a memory."""

    def find(self, sources: Iterable[str]) -> dict[str, Remembered]:
        """Those of the sources that are known, each with its entry."""
        ...

    def add(self, window: int, translations: Sequence[tuple[str, Translation]]) -> None:
        """Keep these (source, translation) pairs, all or none of them."""
        ...


@dataclass(slots=True)
class _Pending:
    """A sentence on its way through the engine: in one part or, if it is long, in several."""

    source: str
    parts: tuple[str, ...]
    requests: tuple[Request, ...]
    hypotheses: dict[int, Hypothesis] = field(default_factory=dict)


class Translator:
    """Sentences → translations, through the memory if there is one."""

    def __init__(
        self,
        engine: Engine,
        tokenizer: Tokenizer,
        settings: Settings,
        *,
        memory: Remembering | None = None,
        stop: Callable[[], bool] = lambda: False,
    ) -> None:
        self._engine, self._tokenizer, self._settings = engine, tokenizer, settings
        self._memory, self._stop = memory, stop
        self._batch_tokens = batch_tokens(engine, settings)

    def translate(self, texts: Sequence[str], results: dict[str, Translation]) -> Iterator[Progress]:
        """Put the translation of each text into `results`, and tell how far it is.

        Raises Interrupted before the window, or between two commits, when `stop` says so; TranslateError as engine and
        memory do.
        """
        if self._stop():
            raise Interrupted
        counts = Counter(texts)  # in order of first occurrence
        copied = [text for text in counts if not needs_model(text)]
        results.update((text, Translation(text, None, (Flag.PASSTHROUGH,))) for text in copied)
        asked = [text for text in counts if text not in results]
        known = self._memory.find(asked) if self._memory is not None else {}
        results.update((text, entry.translation) for text, entry in known.items())
        yield _progress(copied, counts)
        yield _progress(known, counts, from_memory=sum(counts[text] for text in known))
        for ready, progress in self._translate_unknown(asked, known, window_key(counts)):
            results.update(ready)
            again = sum(counts[text] - 1 for text in ready if text not in known)
            done = _progress([text for text in ready if text not in known], counts, from_memory=again)
            yield Progress(done.sentences, done.characters, again, progress.source_tokens, progress.target_tokens)

    def _translate_unknown(
        self, asked: Sequence[str], known: dict[str, Remembered], window: int
    ) -> Iterator[tuple[dict[str, Translation], Progress]]:
        """The translations that the memory lacks, committed and given a batch at a time.

        Batches are made of what the memory lacked when this window was first begun. So a run that was killed half way
        makes the very batches of the unbroken run when it comes back, and floating-point sums come out the same. What
        it had committed of a batch is there whole, or (a long sentence's other part was missing) is computed again.
        """
        plan = [text for text in asked if text not in known or known[text].window == window]
        pendings = self._prepare(plan)
        owners = {request.number: pending for pending in pendings for request in pending.requests}
        requests = [request for pending in pendings for request in pending.requests]
        for batch in self._make_batches(requests, owners, known):
            for ready, progress in self._translate_batch(batch, owners):
                if self._memory is not None:
                    self._memory.add(window, list(ready.items()))
                yield ready, progress
                if self._stop():
                    raise Interrupted

    def _prepare(self, sources: Sequence[str], *, safer: bool = False) -> list[_Pending]:
        """Each source with its requests, numbered from 0. `safer`: capitals lowered, longer ones split in two."""
        texts = [safer_source(source) for source in sources] if safer else sources
        pendings, number = [], 0
        for source, text, ids in zip(sources, texts, self._encode_sentences(texts), strict=True):
            limit = self._settings.comfortable_tokens
            if safer and len(ids) > SPLIT_RETRY_TOKENS:
                limit = min(limit, len(ids) * 2 // 3)
            parts = self._tokenizer.split(text, limit) if len(ids) > limit else [text]
            encoded = [tuple(ids)] if len(parts) == 1 else self._tokenizer.encode(parts)
            requests = tuple(Request(number + i, part, safer) for i, part in enumerate(encoded))
            pendings.append(_Pending(source, tuple(parts), requests))
            number += len(parts)
        return pendings

    def _encode_sentences(self, texts: Sequence[str]) -> list[Sequence[int]]:
        """The ids of each text; for one that is too long whatever its tokens are, a stand-in that is too long, too.

        A sentence may have ten million letters. It is cut before it is tokenised, which takes most of its time.
        """
        short = iter(self._tokenizer.encode([text for text in texts if len(text) <= GIANT]))
        return [range(len(text)) if len(text) > GIANT else next(short) for text in texts]

    def _make_batches(
        self, requests: Sequence[Request], owners: dict[int, _Pending], known: dict[str, Remembered]
    ) -> Iterator[list[Request]]:
        """Batches that hold something new, longest sentences first; all in one for an engine that makes its own."""
        if self._engine.batch_independent:
            new = [request for request in requests if owners[request.number].source not in known]
            if new:
                yield sorted(new, key=lambda request: -len(request.source))
            return
        for indices in self._budgeted(requests):
            if any(owners[requests[i].number].source not in known for i in indices):
                yield [requests[i] for i in indices]

    def _budgeted(self, requests: Sequence[Request]) -> list[list[int]]:
        tokens = None if self._settings.batch_size else self._batch_tokens
        return make_batches(
            [len(request.source) for request in requests], tokens=tokens, size=self._settings.batch_size
        )

    def _translate_batch(
        self, batch: Sequence[Request], owners: dict[int, _Pending]
    ) -> Iterator[tuple[dict[str, Translation], Progress]]:
        """The sentences that this batch completes, the doubtful ones tried again and last."""
        ready: dict[str, Translation] = {}
        doubtful: dict[str, Translation] = {}
        tokens = [0, 0]
        for pending, translation in self._collect(batch, owners, tokens):
            (doubtful if worth_retrying(translation.flags) else ready)[pending.source] = translation
            if len(ready) >= COMMIT_ROWS and self._engine.batch_independent:
                yield ready, Progress(source_tokens=tokens[0], target_tokens=tokens[1])
                ready, tokens[:] = {}, (0, 0)
        if doubtful:
            ready |= self._retry(doubtful, tokens)
        yield ready, Progress(source_tokens=tokens[0], target_tokens=tokens[1])

    def _retry(self, doubtful: dict[str, Translation], tokens: list[int]) -> dict[str, Translation]:
        """The better of each doubtful translation and a second one, decoded more safely."""
        pendings = self._prepare(list(doubtful), safer=True)
        owners = {request.number: pending for pending in pendings for request in pending.requests}
        requests = [request for pending in pendings for request in pending.requests]
        better = {}
        for indices in self._budgeted(requests):
            for pending, second in self._collect([requests[i] for i in indices], owners, tokens):
                better[pending.source] = choose_better(doubtful[pending.source], second)
        return better

    def _collect(
        self, batch: Sequence[Request], owners: dict[int, _Pending], tokens: list[int]
    ) -> Iterator[tuple[_Pending, Translation]]:
        """Each sentence as soon as its last part is there; adds to the counts of source and target tokens."""
        for hypothesis in self._engine.translate(batch):
            pending = owners[hypothesis.number]
            pending.hypotheses[hypothesis.number] = hypothesis
            tokens[1] += len(hypothesis.target) + 1
            if len(pending.hypotheses) == len(pending.requests):
                yield pending, self._assemble(pending)
        tokens[0] += sum(len(request.source) for request in batch)

    def _assemble(self, pending: _Pending) -> Translation:
        """The parts' translations joined, with all the doubts there are."""
        hypotheses = [pending.hypotheses[request.number] for request in pending.requests]
        texts = [self._tokenizer.decode(hypothesis.target) for hypothesis in hypotheses]
        gaps = [" " if part[-1:].isspace() else "" for part in pending.parts[:-1]] + [""]
        target = "".join(text + gap for text, gap in zip(texts, gaps, strict=True))
        weights = [len(hypothesis.target) + 1 for hypothesis in hypotheses]
        score = sum(h.score * weight for h, weight in zip(hypotheses, weights, strict=True)) / sum(weights)
        flags = list(check_target(pending.source, target))
        unknown = self._tokenizer.unknown
        if any(
            unknown in ids for h, r in zip(hypotheses, pending.requests, strict=True) for ids in (h.target, r.source)
        ):
            flags.append(Flag.UNKNOWN_TOKEN)
        if not all(hypothesis.complete for hypothesis in hypotheses):
            flags.append(Flag.MAX_LENGTH)
        if len(pending.parts) > 1:
            flags.append(Flag.SPLIT)
        return Translation(target, round(score, 6), order_flags(flags))


def _progress(texts: Iterable[str], counts: Counter[str], *, from_memory: int = 0) -> Progress:
    texts = list(texts)
    return Progress(sum(counts[text] for text in texts), sum(len(text) * counts[text] for text in texts), from_memory)
