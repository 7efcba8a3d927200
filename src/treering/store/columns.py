"""
Columns: the numpy arrays that metrics travel in.

A table here is a frozen dataclass of arrays of equal length. ``Points`` are the facts; ``Spans`` say per part which
steps each strand of a series covers; ``Cells`` are points or buckets of points, ready to be combined into larger ones.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

# Kinds of a point's value. 3 is an integer that a float64 cannot hold: its exact text is in items.
FLOAT, INT, BOOL, BIGINT = range(4)


@dataclass(frozen=True, slots=True)
class Table:
    """Arrays of equal length, by name."""

    dtypes: ClassVar[dict[str, str]] = {}

    @classmethod
    def names(cls) -> list[str]:
        return list(cls.dtypes)

    @classmethod
    def empty(cls) -> Self:
        return cls(**{name: np.empty(0, dtype) for name, dtype in cls.dtypes.items()})

    @classmethod
    def concat(cls, parts: Sequence[Self]) -> Self:
        """Return the rows of all *parts*, in order."""
        if not parts:
            return cls.empty()
        if len(parts) == 1:
            return parts[0]
        return cls(**{name: _join([getattr(p, name) for p in parts]) for name in cls.names()})

    def take(self, index: Array | slice) -> Self:
        """Return the rows at *index* (positions, mask or slice)."""
        if isinstance(index, slice):
            return type(self)(**{name: getattr(self, name)[index] for name in self.names()})
        taken: dict[str, Array] = {}
        size: int | None = None
        constant: list[str] = []
        for name in self.names():
            column = getattr(self, name)
            if column.strides == (0,) and len(column):
                constant.append(name)
            else:
                taken[name] = column[index]
                size = len(taken[name])
        for name in constant:
            column = getattr(self, name)
            taken[name] = column[index] if size is None else np.broadcast_to(column[0], size)
        return type(self)(**taken)

    def choose(self, index: Array, columns: Collection[str] | None) -> Self:
        """Return the rows at *index*; what is not in *columns* costs nothing and is 0, in floats NaN."""
        if columns is None:
            return self.take(index)
        return type(self)(
            **{
                name: getattr(self, name)[index] if name in columns else unread(dtype, len(index))
                for name, dtype in self.dtypes.items()
            }
        )

    def columns(self) -> dict[str, Array]:
        return {name: getattr(self, name) for name in self.names()}

    def __len__(self) -> int:
        return len(getattr(self, self.names()[0]))

    @property
    def nbytes(self) -> int:
        return sum(getattr(self, name).nbytes for name in self.names())


def unread(dtype: str, rows: int) -> Array:
    """Return a column that was not asked for: one value, repeated without memory."""
    return np.broadcast_to(np.array(np.nan if dtype == "f8" else 0, dtype), rows)


def _join(columns: list[Array]) -> Array:
    """Concatenate; a column that was not read (one value, repeated without memory) stays as it is."""
    if all(column.strides == (0,) and len(column) for column in columns):
        first = columns[0][:1]
        if all(np.array_equal(column[:1], first, equal_nan=first.dtype.kind == "f") for column in columns):
            return np.broadcast_to(first[0], sum(len(column) for column in columns))
    return np.concatenate(columns)


@dataclass(frozen=True, slots=True)
class Points(Table):
    """
    One value of one key at one step, as logged.

    ``ts`` is unix time in microseconds. ``seg`` and ``off`` say where in the run log it stands and order the points
    of a writer; ``off`` is the frame's offset plus the record's place in it. ``attempt`` counts, within one life of
    one writer, how often this key's steps went back. ``lo`` and ``hi`` are NaN except for system metrics, which
    arrive as min, mean and max of a window.
    """

    run: Array
    key: Array
    step: Array
    attempt: Array
    writer: Array
    ts: Array
    val: Array
    kind: Array
    seg: Array
    off: Array
    lo: Array
    hi: Array

    dtypes = {  # noqa: RUF012  (a ClassVar in the base)
        "run": "i4",
        "key": "i4",
        "step": "i8",
        "attempt": "i4",
        "writer": "i4",
        "ts": "i8",
        "val": "f8",
        "kind": "u1",
        "seg": "i4",
        "off": "i8",
        "lo": "f8",
        "hi": "f8",
    }


@dataclass(frozen=True, slots=True)
class Items(Table):
    """Values that are no numbers: text, media, and integers beyond 2**53. ``ref`` is JSON (media) or the text."""

    run: Array
    key: Array
    step: Array
    attempt: Array
    writer: Array
    ts: Array
    kind: Array
    ref: Array
    seg: Array
    off: Array

    dtypes = {  # noqa: RUF012
        "run": "i4",
        "key": "i4",
        "step": "i8",
        "attempt": "i4",
        "writer": "i4",
        "ts": "i8",
        "kind": "O",
        "ref": "O",
        "seg": "i4",
        "off": "i8",
    }


@dataclass(frozen=True, slots=True)
class Spans(Table):
    """
    One strand (segment and attempt: steps that never go back) of one series in one part.

    ``base`` is the finest rollup level of the series in that part, -1 if it has none.
    """

    run: Array
    key: Array
    seg: Array
    attempt: Array
    writer: Array
    n: Array
    first_step: Array
    last_step: Array
    min_ts: Array
    max_ts: Array
    base: Array

    dtypes = {  # noqa: RUF012
        "run": "i4",
        "key": "i4",
        "seg": "i4",
        "attempt": "i4",
        "writer": "i4",
        "n": "i8",
        "first_step": "i8",
        "last_step": "i8",
        "min_ts": "i8",
        "max_ts": "i8",
        "base": "i1",
    }


@dataclass(frozen=True, slots=True)
class Rollups(Table):
    """
    The points of a series with equal ``step >> shift``, several shifts per series.

    ``n`` counts all points; ``nan``, ``pinf`` and ``ninf`` those that are not finite. ``min`` … ``sumsq`` are over
    finite values, NaN (sums: 0) when there are none. The row serves charts whose buckets nest in shifts from
    ``shift`` to ``until``: up to the next level, or without end on the coarsest. ``until`` is -1 where a correction may
    cut points of the row, so that these have to be read.
    """

    run: Array
    key: Array
    shift: Array
    until: Array
    bucket: Array
    first_step: Array
    last_step: Array
    min_ts: Array
    max_ts: Array
    min: Array
    max: Array
    first: Array
    last: Array
    sum: Array
    sumsq: Array
    n: Array
    nan: Array
    pinf: Array
    ninf: Array

    dtypes = {  # noqa: RUF012
        "run": "i4",
        "key": "i4",
        "shift": "i1",
        "until": "i1",
        "bucket": "i8",
        "first_step": "i8",
        "last_step": "i8",
        "min_ts": "i8",
        "max_ts": "i8",
        "min": "f8",
        "max": "f8",
        "first": "f8",
        "last": "f8",
        "sum": "f8",
        "sumsq": "f8",
        "n": "i4",
        "nan": "i4",
        "pinf": "i4",
        "ninf": "i4",
    }


def series_id(key: Array, run: Array) -> Array:
    """Return one sortable int64 per row for the pair (key, run)."""
    return (key.astype(np.int64) << 32) | run.astype(np.int64)


def rows_in(ids: Array, key: Array, run: Array) -> Array:
    """
    Return for each row the position of its series in sorted *ids*, -1 where it has none.

    Rows of a series stand together, so there are few searches: one per stretch, not one per row.
    """
    at = starts_of(key, run)
    if not len(at) or not len(ids):
        return np.full(len(key), -1, np.int64)
    wanted = series_id(key[at], run[at])
    found = np.minimum(np.searchsorted(ids, wanted), len(ids) - 1)
    found = np.where(ids[found] == wanted, found, -1)
    return np.repeat(found, np.diff(np.append(at, len(key))))


def starts_of(*columns: Array) -> Array:
    """Return the positions where a new combination of values begins in sorted columns; [0, …], empty for no rows."""
    if not len(columns[0]):
        return np.empty(0, np.int64)
    change = np.zeros(len(columns[0]), np.bool_)
    change[0] = True
    for column in columns:
        change[1:] |= column[1:] != column[:-1]
    return np.flatnonzero(change)


def ints(values: Iterable[int]) -> Array:
    """Return sorted distinct ids as int32."""
    return np.unique(np.fromiter(values, np.int32))


def is_sorted(values: Array) -> bool:
    """Return whether *values* never fall."""
    return bool((values[1:] >= values[:-1]).all())
