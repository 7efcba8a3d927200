"""
A run's history as a stream of rows, in three formats.

* JSON: one document ``{"rows": [{"_step": 0, …}, …]}``, written while it is read.
* msgpack: batches of columns, each behind its length as u32 little-endian; a length of 0 ends the stream, so a reader
  tells a whole history from a broken connection. A batch is ``{"step", "attempt", "writer", "timestamp", "runtime":
  lists, "columns": [[key, rows or null for all, values]]}``.
* Arrow: an IPC stream, one column a key.

A key that a row lacks is absent (JSON, msgpack) or null (Arrow), which is not NaN.
"""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec
import numpy as np

from treering.errors import MissingExtra
from treering.store.model import HistoryBatch, HistoryColumn

from .replies import encode_json, plain

__all__ = ["arrow_stream", "json_stream", "msgpack_stream"]


def json_stream(batches: Iterable[HistoryBatch]) -> Iterator[bytes]:
    """Return ``{"rows": […]}`` in pieces, one a batch."""
    yield b'{"rows":['
    separator = b""
    for batch in batches:
        rows = [encode_json(row) for row in batch_rows(batch)]
        if rows:
            yield separator + b",\n".join(rows)
            separator = b",\n"
    yield b"]}\n"


def batch_rows(batch: HistoryBatch) -> list[dict[str, Any]]:
    """Return the rows of a batch. What treering adds begins with ``_`` and wins over a key of the same name."""
    rows: list[dict[str, Any]] = [{} for _ in batch.writer]
    for column in batch.columns:
        for index, value in zip(np.flatnonzero(column.present).tolist(), _present_values(column), strict=True):
            rows[index][column.key] = value
    added = zip(
        batch.step.tolist(),
        batch.attempt.tolist(),
        batch.writer,
        batch.timestamp.tolist(),
        batch.runtime.tolist(),
        strict=True,
    )
    for row, (step, attempt, writer, timestamp, runtime) in zip(rows, added, strict=True):
        row.update(_step=step, _attempt=attempt, _writer=writer, _timestamp=timestamp, _runtime=runtime)
    return rows


def _present_values(column: HistoryColumn) -> list[Any]:
    values: list[Any] = column.values[column.present].tolist()
    return values


def msgpack_stream(batches: Iterable[HistoryBatch]) -> Iterator[bytes]:
    """Return length-prefixed batches of columns and the zero length that ends them."""
    for batch in batches:
        columns = [
            [
                column.key,
                None if column.present.all() else np.flatnonzero(column.present).tolist(),
                _present_values(column),
            ]
            for column in batch.columns
        ]
        body = msgspec.msgpack.encode(
            {
                "step": batch.step.tolist(),
                "attempt": batch.attempt.tolist(),
                "writer": batch.writer,
                "timestamp": batch.timestamp.tolist(),
                "runtime": batch.runtime.tolist(),
                "columns": columns,
            }
        )
        yield struct.pack("<I", len(body)) + body
    yield struct.pack("<I", 0)


def arrow_stream(read: Callable[[], Iterable[HistoryBatch]]) -> Iterator[bytes]:
    """
    Return an Arrow IPC stream.

    Args:
        read: begins a new reading of the same history. It is read twice, since the schema stands at the head of the
        stream and
            the last batch may be the first to hold a text in a column of numbers.

    Raises:
        MissingExtra: pyarrow is not installed.
    """
    try:
        import pyarrow as pa
    except ImportError:
        raise MissingExtra("Arrow needs pyarrow on the server: pip install 'treering[arrow]'") from None
    return _arrow_pieces(pa, read)


def _arrow_pieces(pa: Any, read: Callable[[], Iterable[HistoryBatch]]) -> Iterator[bytes]:
    kinds: dict[str, set[str]] = {}
    for batch in read():
        for column in batch.columns:
            kinds.setdefault(column.key, set()).update(_kinds_of(column))
    types = {key: _arrow_type(pa, found) for key, found in kinds.items()}
    schema = pa.schema(
        [
            ("_step", pa.int64()),
            ("_attempt", pa.int64()),
            ("_writer", pa.string()),
            ("_timestamp", pa.float64()),
            ("_runtime", pa.float64()),
            *types.items(),
        ]
    )
    sink = io.BytesIO()
    writer = pa.ipc.new_stream(sink, schema)
    for batch in read():
        arrays = [batch.step, batch.attempt, batch.writer, batch.timestamp, batch.runtime]
        columns = {column.key: column for column in batch.columns}
        arrays += [_arrow_array(pa, columns.get(key), kind, len(batch.writer)) for key, kind in types.items()]
        writer.write_batch(pa.record_batch([pa.array(array) for array in arrays[:5]] + arrays[5:], schema=schema))
        yield sink.getvalue()
        sink.seek(0)
        sink.truncate()
    writer.close()
    yield sink.getvalue()


def _kinds_of(column: HistoryColumn) -> set[str]:
    """Return the column's kind, or the types of its values where they are mixed or beyond what float64 holds."""
    if column.kind != "object":
        return {column.kind}
    values = column.values[column.present]
    if any(type(value) is int and not -(2**63) <= value < 2**63 for value in values):
        return {"object"}
    return {type(value).__name__ for value in values}


def _arrow_type(pa: Any, kinds: set[str]) -> Any:
    if kinds == {"int"}:
        return pa.int64()
    if kinds == {"bool"}:
        return pa.bool_()
    return pa.float64() if kinds <= {"int", "float"} else pa.string()


def _arrow_array(pa: Any, column: HistoryColumn | None, kind: Any, n: int) -> Any:
    if column is None:
        return pa.nulls(n, kind)
    if kind == pa.string():
        values = [
            _as_text(value) if present else None for value, present in zip(column.values, column.present, strict=True)
        ]
        return pa.array(values, kind)
    if column.kind == "object":
        return pa.array([v if there else None for v, there in zip(column.values, column.present, strict=True)], kind)
    return pa.array(column.values, mask=~column.present).cast(kind)


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(plain(value), ensure_ascii=False)
