"""One JSON object of a model's folder, setting by setting: each comes back typed and within bounds, or as a ModelError that
names the file, the setting and what it says.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from translate.records import ModelError

HINT = "correct the file, or download the model again"
SHOWN = 60
"""Characters of a value in a message."""


@dataclass(frozen=True, slots=True)
class Fields:
    """What a file says. null counts as nothing said, as it does for transformers."""

    path: Path
    said: Mapping[str, Any]

    def get(self, name: str) -> Any:
        """The value as it stands in the file; None if there is none."""
        return self.said.get(name)

    def whole(self, name: str, lowest: int, highest: int, *, default: int | None = None) -> int:
        """A whole number within bounds. Raises ModelError, also where nothing is said and there is no default."""
        value = self._found(name, default)
        if not _is_whole(value, lowest, highest):
            raise self.error(name, f"a whole number from {lowest} to {highest}")
        return int(value)

    def real(self, name: str, lowest: float, highest: float, *, default: float) -> float:
        """A finite number within bounds. Raises ModelError."""
        value = self._found(name, default)
        if not is_real(value) or not lowest <= value <= highest:
            raise self.error(name, f"a number from {lowest:g} to {highest:g}")
        return float(value)

    def flag(self, name: str, *, default: bool) -> bool:
        """true or false. Raises ModelError."""
        value = self._found(name, default)
        if not isinstance(value, bool):
            raise self.error(name, "true or false")
        return value

    def text(self, name: str, *, default: str) -> str:
        """A string. Raises ModelError."""
        value = self._found(name, default)
        if not isinstance(value, str):
            raise self.error(name, "a string")
        return value

    def token(self, name: str, size: int, *, default: int | None = None) -> int | None:
        """A token id below `size`; None if nothing is said and there is no default. Raises ModelError."""
        value = self.said.get(name)
        return default if value is None else self.whole(name, 0, size - 1)

    def tokens(self, name: str, size: int) -> tuple[int, ...]:
        """Token ids below `size`: a list of them, or a single one; none if nothing is said. Raises ModelError."""
        value = self.said.get(name)
        ids = [] if value is None else value if isinstance(value, list) else [value]
        if not all(_is_whole(token, 0, size - 1) for token in ids):
            raise self.error(name, f"token ids from 0 to {size - 1}")
        return tuple(ids)

    def sequences(self, name: str, size: int) -> tuple[tuple[int, ...], ...]:
        """Lists of token ids below `size`, none of them empty. Raises ModelError."""
        value = self._found(name, [])
        if not isinstance(value, list) or not all(is_sequence(ids, size) for ids in value):
            raise self.error(name, f"a list of lists of token ids from 0 to {size - 1}")
        return tuple(map(tuple, value))

    def error(self, name: str, wanted: str) -> ModelError:
        """What is wrong with one setting."""
        value = json.dumps(self.said.get(name))
        shown = value if len(value) <= SHOWN else f"{value[:SHOWN]}…"
        return ModelError(f"'{self.path}' says {name}: {shown}, which has to be {wanted}", HINT)

    def _found(self, name: str, default: Any) -> Any:
        value = self.said.get(name)
        if value is None and default is None:
            raise ModelError(f"'{self.path}' does not say {name}", HINT)
        return default if value is None else value


def is_real(value: object) -> bool:
    """Whether it is a finite number; true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def is_sequence(ids: object, size: int) -> bool:
    """Whether it is a list of token ids below `size`, and not an empty one."""
    return isinstance(ids, list) and bool(ids) and all(_is_whole(token, 0, size - 1) for token in ids)


def _is_whole(value: object, lowest: int, highest: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and lowest <= value <= highest
