"""Windows of sentences → their translations: memory, batches, engine, checks, second tries, commits.

With an engine whose rows depend on what shares their batch, a window is the world: its batches are made of its own
sentences, and are the same whenever the window is begun again. Any other engine gets all windows as one stream.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Protocol

from translate.protect.mask import strip_spans
from translate.records import Flag, Request, Translation
from translate.run.checks import needs_model
from translate.run.decoding import Decoded, Pending, SentenceDecoder, find_owners
from translate.run.events import Progress
from translate.run.loading import LoadedModel
from translate.run.memory import NO_WINDOW, Oblivion, Remembered, Remembering, window_key

COMMIT_ROWS = 256
"""Rows a commit, from an engine that streams. Others commit batch by batch."""

MOST_ASIDE = 10_000
"""Sentences that may be read, and need no asking, while an engine that streams looks for something to do."""


class Interrupted(Exception):
    """The user asked to stop. What was finished is in the memory."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Sentences that are done and kept, and what has been done since the outcome before."""

    translations: Mapping[str, Translation]
    progress: Progress

    def __add__(self, other: Outcome) -> Outcome:
        return Outcome({**self.translations, **other.translations}, self.progress + other.progress)


class SentenceTranslator(Protocol):
    """Windows of sentences → outcomes, which have a translation for every sentence of every window.

    A sentence's outcome comes when it is ready, in any order, but not before the window is asked for. Raises Interrupted
    before a window or between two commits; TranslateError as engine and memory do.
    """

    def translate(self, windows: Iterable[Sequence[str]]) -> Iterator[Outcome]:
        """The outcomes of the windows' sentences."""
        ...


def make_translator(
    loaded: LoadedModel, memory: Remembering | None = None, stop: Callable[[], bool] = lambda: False
) -> SentenceTranslator:
    """The translator that suits the engine. `stop` says whether the user wants it to end."""
    decoder = SentenceDecoder(loaded.engine, loaded.tokenizer, loaded.settings, loaded.aligner)
    kind = StreamTranslator if loaded.engine.batch_independent else WindowTranslator
    return kind(decoder, memory or Oblivion(), stop)


class WindowTranslator:
    """For an engine whose rows depend on what shares their batch.

    Batches are made of what the memory lacked when a window was first begun. So a run that was killed half way makes
    the very batches of the unbroken run when it comes back, and floating-point sums come out the same. What it had
    committed of a batch is there whole, or (a long sentence's other part was missing) is computed again.
    """

    def __init__(self, decoder: SentenceDecoder, memory: Remembering, stop: Callable[[], bool]) -> None:
        self._decoder, self._memory, self._stop = decoder, memory, stop

    def translate(self, windows: Iterable[Sequence[str]]) -> Iterator[Outcome]:
        """The outcomes of one window after the other."""
        for window in windows:
            if self._stop():
                raise Interrupted
            counts = Counter(window)  # in order of first occurrence
            copied = copy_untranslatable(counts)
            asked = [text for text in counts if text not in copied]
            known = self._memory.find(asked)
            yield answer(copied, known, counts)
            yield from self._translate_unknown(asked, known, counts)

    def _translate_unknown(
        self, asked: Sequence[str], known: Mapping[str, Remembered], counts: Mapping[str, int]
    ) -> Iterator[Outcome]:
        """What the memory lacks, committed and given a batch at a time."""
        key = window_key(counts)
        pendings = self._decoder.prepare([text for text in asked if text not in known or known[text].window == key])
        owners = find_owners(pendings)
        for batch in self._decoder.make_batches([request for pending in pendings for request in pending.requests]):
            if all(owners[request.number].source in known for request in batch):
                continue
            settled = self._decoder.settle(list(self._decoder.decode(batch, owners)))
            self._memory.add(key, [(one.source, one.translation) for one in settled])
            yield report(settled, {one.source: counts[one.source] for one in settled if one.source not in known})
            if self._stop():
                raise Interrupted


class StreamTranslator:
    """For an engine whose rows do not depend on what shares their batch: windows are only read ahead, without a break."""

    def __init__(self, decoder: SentenceDecoder, memory: Remembering, stop: Callable[[], bool]) -> None:
        self._decoder, self._memory, self._stop = decoder, memory, stop

    def translate(self, windows: Iterable[Sequence[str]]) -> Iterator[Outcome]:
        """The outcomes as they come, so many at a time."""
        stream = RequestStream(windows, self._decoder, self._memory)
        while not stream.exhausted:
            if self._stop():
                raise Interrupted
            yield from self._follow(stream)

    def _follow(self, stream: RequestStream) -> Iterator[Outcome]:
        """Until the engine has all that the stream wants to give at once."""
        done: list[Decoded] = []
        with closing(self._decoder.decode(stream.requests(), stream.owners)) as decoding:
            for decoded in decoding:
                done.append(decoded)
                if len(done) >= COMMIT_ROWS:
                    yield self._commit(done, stream)
                    done = []
                    if self._stop():
                        raise Interrupted
        yield self._commit(done, stream)

    def _commit(self, done: Sequence[Decoded], stream: RequestStream) -> Outcome:
        settled = self._decoder.settle(done)
        if settled:
            self._memory.add(NO_WINDOW, [(one.source, one.translation) for one in settled])
        decoded = report(settled, {one.source: stream.waiting.pop(one.source) for one in settled})
        return stream.take_known() + decoded


class RequestStream:
    """Windows of sentences → requests, read as the engine asks for them; what is known already is set aside."""

    def __init__(self, windows: Iterable[Sequence[str]], decoder: SentenceDecoder, memory: Remembering) -> None:
        self._windows, self._decoder, self._memory = iter(windows), decoder, memory
        self._known = Outcome({}, Progress())
        self._numbered = self._aside = 0
        self.owners: dict[int, Pending] = {}
        self.waiting: Counter[str] = Counter()
        """Sentences on their way through the engine → how often they stand in the windows."""
        self.exhausted = False
        """Whether there is no further window."""

    def requests(self) -> Iterator[Request]:
        """What the memory lacks. Ends early when so much needs no asking that it has to be given out first."""
        while self._aside < MOST_ASIDE:
            window = next(self._windows, None)
            if window is None:
                self.exhausted = True
                return
            yield from self._enter(Counter(window))

    def take_known(self) -> Outcome:
        """What was known in the windows that have been read since this was last asked."""
        known, self._known, self._aside = self._known, Outcome({}, Progress()), 0
        return known

    def _enter(self, counts: Counter[str]) -> list[Request]:
        copied = copy_untranslatable(counts)
        known = self._memory.find(text for text in counts if text not in copied and text not in self.waiting)
        found = answer(copied, known, counts)
        self._known += found
        new = [text for text in counts if text not in found.translations and text not in self.waiting]
        self.waiting.update({text: count for text, count in counts.items() if text not in found.translations})
        self._aside += counts.total() - len(new)
        pendings = self._decoder.prepare(new, number=self._numbered)
        self._numbered += sum(len(pending.requests) for pending in pendings)
        self.owners |= find_owners(pendings)
        return [request for pending in pendings for request in pending.requests]


def copy_untranslatable(texts: Iterable[str]) -> dict[str, Translation]:
    """Those of the texts that hold no word, as their own translations."""
    return {
        text: Translation(text, None, (Flag.PASSTHROUGH,))
        for text in texts
        if not (needs_model(text) and needs_model(strip_spans(text)))
    }


def answer(copied: Mapping[str, Translation], known: Mapping[str, Remembered], counts: Mapping[str, int]) -> Outcome:
    """What is done as soon as a window is read: what is copied, and what the memory has. Counts: text → how often."""
    translations = {**copied, **{text: entry.translation for text, entry in known.items()}}
    progress = _count(translations, counts)
    remembered = (text for text, entry in known.items() if entry.translation.origin is None)
    return Outcome(translations, replace(progress, from_memory=sum(counts[text] for text in remembered)))


def report(settled: Sequence[Decoded], counts: Mapping[str, int]) -> Outcome:
    """What the engine has done. Counts: text → how often it stands in the windows; not those that were known before."""
    progress = replace(
        _count(counts, counts),
        from_memory=sum(counts.values()) - len(counts),
        source_tokens=sum(one.source_tokens for one in settled),
        target_tokens=sum(one.target_tokens for one in settled),
    )
    return Outcome({one.source: one.translation for one in settled}, progress)


def _count(texts: Collection[str], counts: Mapping[str, int]) -> Progress:
    return Progress(
        sentences=sum(counts[text] for text in texts), characters=sum(len(text) * counts[text] for text in texts)
    )
