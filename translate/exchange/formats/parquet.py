"""Rows → Parquet, for data tools. Needs pyarrow."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pyarrow
import pyarrow.parquet

from translate.exchange.about import About
from translate.records import Row
from translate.run.rows import COLUMNS
from translate.run.windows import make_chunks

GROUP = 10_000
"""Rows that are in memory at a time, and stand together in the file."""

TYPES = {
    "string": pyarrow.string(),
    "int64": pyarrow.int64(),
    "float64": pyarrow.float64(),
    "list of string": pyarrow.list_(pyarrow.string()),
}


def write(rows: Iterable[Row], about: About, path: Path) -> None:
    """Write one file of all rows; the model and signature are in the file's own metadata. Raises OSError."""
    metadata = {"model": about.model, "signature": about.signature}
    schema = pyarrow.schema([(name, TYPES[kind]) for name, kind in COLUMNS.items()], metadata=metadata)
    with pyarrow.parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        for some in make_chunks(rows, GROUP):
            columns = {name: [_value(row, name) for row in some] for name in schema.names}
            writer.write_table(pyarrow.table(columns, schema=schema))


def _value(row: Row, name: str) -> object:
    value = getattr(row, name)
    if name == "flags":
        return [str(flag) for flag in value]
    return round(value, 4) if name == "score" and value is not None else value
