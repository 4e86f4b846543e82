"""Translate many German texts into English with open Marian models.

A text flows Document → Paragraph → Sentence → Batch → Translation → row. Each folder here is one idea, said by the
paragraph in its `__init__`; folders import only from those below them: `records` and `machine`, then `storage`, `text`, `human` and
`model`, `engines`, `run`, then `exchange` and `pages`, then `compare`, `reading`, `bench` and `cluster`, and `cli` on top of all.

As a library: `from translate import Translator, translate_files, read_rows`. Nothing is loaded before it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from translate.library import (
        FilesTranslation,
        TextTranslation,
        Translator,
        read_rows,
        row_features,
        row_schema,
        translate_files,
    )
    from translate.records import Flag, Row, Settings, TranslateError

__all__ = [
    "FilesTranslation",
    "Flag",
    "Row",
    "Settings",
    "TextTranslation",
    "TranslateError",
    "Translator",
    "read_rows",
    "row_features",
    "row_schema",
    "translate_files",
]


def __getattr__(name: str) -> object:
    """The public names, each imported when it is first asked for."""
    if name not in __all__:
        raise AttributeError(f"module 'translate' has no attribute '{name}'")
    from importlib import import_module

    here = "records" if name in ("Flag", "Row", "Settings", "TranslateError") else "library"
    value = globals()[name] = getattr(import_module(f"translate.{here}"), name)
    return value


def __dir__() -> list[str]:
    return __all__
