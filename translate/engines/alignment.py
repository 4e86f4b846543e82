"""Finished pairs of token ids → how much each target token was made from each source token: the decoder's cross-attention.

One pass over the finished target, without a search, in numpy and float32, whatever engine has translated: it is asked for
few rows, those with paired tags or terms of a glossary.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from translate.engines.base import EchoEngine, Engine
from translate.model.folder import read_config
from translate.records import Model

if TYPE_CHECKING:  # numpy takes longer to import than `--help` may
    import numpy as np
    from numpy.typing import NDArray

    from translate.engines.native.reference import Reference

    Shares = NDArray[np.float32]
    """[target tokens, source tokens], each row summing to 1."""
Known = tuple[tuple[Sequence[int], Sequence[int]], Sequence[tuple[int, int]]]
"""A pair, source ids with the end-of-sentence id and target ids without start and end, and the places (source token, target
token) of what stands on both sides."""


class Aligner(Protocol):
    """Tells what a target was made from."""

    def align(self, source: Sequence[int], target: Sequence[int]) -> Shares:
        """How much of each source token each target token has. The target is without start and end."""
        ...


class AttentionAligner:
    """Cross-attention, the mean of the heads, of the decoder layer that follows the source best: mostly the last one.

    Which one that is, a few known pairs tell: in them, names stand on both sides. Weights are read at the first question.
    """

    def __init__(self, model: Model, known: Sequence[Known] = ()) -> None:
        self._model, self._known = model, known
        self._reference: Reference | None = None
        self.layer = -1

    def align(self, source: Sequence[int], target: Sequence[int]) -> Shares:
        """See Aligner. Raises ModelError if the weights cannot be read."""
        import numpy as np

        if self._reference is None:
            from translate.engines.native.checkpoint import read_checkpoint
            from translate.engines.native.reference import Reference

            self._reference = Reference(read_checkpoint(self._model.folder))
            self.layer = self._choose_layer(self._reference)
        if not target:
            return np.zeros((0, len(source)), dtype=np.float32)
        shares: Shares = self._reference.align(source, target)[self.layer]
        return shares

    def _choose_layer(self, reference: Reference) -> int:
        """The layer in which most known places look at each other; of equal ones the last."""
        import numpy as np

        hits = np.zeros(read_config(self._model.folder).decoder.layers, dtype=int)
        for (source, target), places in self._known:
            looked = reference.align(source, target)[:, :, :-1].argmax(-1)
            for before, after in places:
                hits += looked[:, after] == before
        return int(len(hits) - 1 - hits[::-1].argmax())


class EchoAligner:
    """The engine `echo` turns words round: each target token is the source token that it is."""

    def align(self, source: Sequence[int], target: Sequence[int]) -> Shares:
        """See Aligner. Of equal tokens the last of the source is taken first, as they stand in the target."""
        import numpy as np

        shares, free = np.zeros((len(target), len(source)), dtype=np.float32), list(range(len(source)))
        for row, token in enumerate(target):
            place = next((place for place in reversed(free) if source[place] == token), None)
            if place is not None:
                free.remove(place)
                shares[row, place] = 1
        return shares


def make_aligner(engine: Engine, model: Model, known: Sequence[Known] = ()) -> Aligner | None:
    """What tells of this engine's targets what they were made from; None where nothing can."""
    if isinstance(engine, EchoEngine):
        return EchoAligner()
    from translate.engines.native.checkpoint import ACTIVATIONS

    return AttentionAligner(model, known) if read_config(model.folder).activation_function in ACTIVATIONS else None


def spread(shares: Shares, first: int, size: int) -> Shares:
    """The shares of a part that begins at source token `first`, over the `size` tokens of all parts."""
    import numpy as np

    whole = np.zeros((len(shares), size), dtype=np.float32)
    whole[:, first : first + shares.shape[1]] = shares
    return whole
