"""Documents → items → windows of items, and back into reading order; lengths → batches under a padded-token budget."""

from __future__ import annotations

import io
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TypeVar

from translate.formats.datasets import is_dataset, open_dataset, read_records
from translate.formats.opening import Reading, open_text
from translate.records import Document, InputError, Located, Translation
from translate.run.events import Begin, DocumentFailed, End, Item, RecordEnd, Translated
from translate.text.documents import PassingText, split_lines, standard_input
from translate.text.wrapped import join_wrapped, split_joined

FIRST_WINDOW = 16
"""Items. Where somebody waits for the first rows, windows begin small and double."""

T = TypeVar("T")


def make_chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Consecutive lists of `size` items, the last one shorter. Raises ValueError if size < 1."""
    if size < 1:
        raise ValueError(f"a chunk of {size} items")
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk


def make_growing_chunks(items: Iterable[T], largest: int) -> Iterator[list[T]]:
    """Consecutive lists of items, the first small, each twice as long as the one before, up to `largest`."""
    iterator, size = iter(items), min(FIRST_WINDOW, largest)
    while chunk := list(islice(iterator, size)):
        yield chunk
        size = min(2 * size, largest)


def read_items(paths: Mapping[str, Path], reading: Reading) -> Iterator[Item]:
    """The documents (name → path), one after the other; one that cannot be read is an item too."""
    for name, path in paths.items():
        try:
            if is_dataset(name):
                yield from locate_records(open_dataset(path, reading, name), reading)
            else:
                yield from locate_sentences(*open_text(path, reading, name))
        except InputError as error:
            yield DocumentFailed(name, error)
        except OSError as error:
            yield DocumentFailed(name, InputError(f"cannot read '{name}': {error}", "check the disk"))


def locate_sentences(document: Document, lines: Iterable[str]) -> Iterator[Begin | Located | End]:
    """The document's sentences and the white space around them, from its lines with their line ends."""
    yield Begin(document)
    text = PassingText(lines)
    for sentence in split_joined(split_lines(text)):
        yield Located(document, sentence, text.take_space(sentence))
    yield End(document, text.take_rest())


def locate_records(document: Document, reading: Reading) -> Iterator[Item]:
    """A dataset's records, each as a text of its own, in one document."""
    assert document.path is not None
    yield Begin(document)
    for record in read_records(document.path, reading, document.name):
        lines: Iterable[str] = io.StringIO(record.text, newline="")
        text = PassingText(join_wrapped(lines) if reading.wrapped else lines)
        for sentence in split_joined(split_lines(text)):
            yield Located(document, sentence, text.take_space(sentence), record.id)
        yield RecordEnd(document, text.take_rest())
    yield End(document)


def read_piped_items(reading: Reading) -> Iterator[Item]:
    """Standard input as the one document; without its white space, since no text is written of it."""
    document, paragraphs = standard_input(reading.encoding, join_wrapped if reading.wrapped else None)
    yield Begin(document)
    for sentence in split_joined(paragraphs):
        yield Located(document, sentence)
    yield End(document)


class ReadingOrder:
    """Where items wait until they, and all items before them, can be given out with their translations."""

    def __init__(self) -> None:
        self._items: deque[Item] = deque()
        self._uses: Counter[str] = Counter()  # text → how many waiting sentences are it
        self._translations: dict[str, Translation] = {}

    def enter(self, items: Iterable[Item]) -> list[str]:
        """Let the items wait behind those that do; the texts of the sentences among them, in order."""
        entered = list(items)
        texts = [item.sentence.text for item in entered if isinstance(item, Located)]
        self._items.extend(entered)
        self._uses.update(texts)
        return texts

    def take(
        self, translations: Mapping[str, Translation]
    ) -> Iterator[Begin | Translated | RecordEnd | End | DocumentFailed]:
        """The items that need not wait any longer, now that these texts are translated."""
        self._translations.update((text, translations[text]) for text in translations if text in self._uses)
        while self._items and self._is_ready(self._items[0]):
            item = self._items.popleft()
            yield Translated(item, self._use(item.sentence.text)) if isinstance(item, Located) else item

    def _is_ready(self, item: Item) -> bool:
        return not isinstance(item, Located) or item.sentence.text in self._translations

    def _use(self, text: str) -> Translation:
        self._uses[text] -= 1
        if self._uses[text]:
            return self._translations[text]
        del self._uses[text]
        return self._translations.pop(text)


def make_batches(lengths: Sequence[int], *, tokens: int | None = None, size: int | None = None) -> list[list[int]]:
    """Indices of `lengths` in batches, longest first, so that what is padded is little and memory runs out early if at all.

    A batch holds at most `size` items, and items × longest length is at most `tokens`; an item longer than the budget
    is a batch of its own. Items of one length keep their order. Every index is in exactly one batch.
    Raises ValueError if a limit is below 1.
    """
    if (tokens is not None and tokens < 1) or (size is not None and size < 1):
        raise ValueError(f"a batch of {size} items, {tokens} tokens")
    batches: list[list[int]] = []
    for index in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        if batches and _fits(len(batches[-1]) + 1, lengths[batches[-1][0]], tokens, size):
            batches[-1].append(index)
        else:
            batches.append([index])
    return batches


def _fits(count: int, longest: int, tokens: int | None, size: int | None) -> bool:
    return (size is None or count <= size) and (tokens is None or count * longest <= tokens)


def padding_share(lengths: Sequence[int], batches: Iterable[Sequence[int]]) -> float:
    """The part of the padded tokens that are padding, 0 to 1."""
    padded = real = 0
    for batch in batches:
        padded += len(batch) * max(lengths[i] for i in batch)
        real += sum(lengths[i] for i in batch)
    return 1 - real / padded if padded else 0.0
