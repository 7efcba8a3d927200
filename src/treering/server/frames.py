"""
Chart columns on the wire: ``application/x-treering-frames``.

::

    "TRC1" │ u32 header length │ JSON header, padded with spaces │ little-endian arrays, each at a multiple of 8
                                                                 └ offsets in the header count from here

A browser makes typed arrays of the reply without copying a byte. Equal arrays are stored once: runs that log on the
same steps share their x. An array is sent narrower than 64 bits exactly when that loses nothing: losses come out of
float32 models, and steps are small integers, so most columns need half.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from treering.store.model import SeriesColumns

from .replies import encode_json

__all__ = ["MAGIC", "MEDIA_TYPE", "encode_frames", "encode_table"]

MAGIC: Final = b"TRC1"
MEDIA_TYPE: Final = "application/x-treering-frames"

_TOGETHER: Final = 262_144  # values

_DTYPES: Final = {"f8": "<f8", "f4": "<f4", "u4": "<u4", "u1": "u1"}


class _Arrays:
    """The array section while it grows: each different array once."""

    def __init__(self, narrow: Iterator[tuple[str, bytes]]) -> None:
        self.chunks: list[bytes] = []
        self._narrow = narrow
        self._size_bytes = 0
        self._places: dict[tuple[str, bytes], dict[str, Any]] = {}

    def add(self, values: NDArray[Any], dtype: str) -> dict[str, Any]:
        return self._add(dtype, np.ascontiguousarray(values, dtype=_DTYPES[dtype]).tobytes(), len(values))

    def add_narrow(self, values: NDArray[np.float64]) -> dict[str, Any]:
        """Add the next of the arrays that ``_narrowed`` was given."""
        return self._add(*next(self._narrow), len(values))

    def _add(self, dtype: str, content: bytes, count: int) -> dict[str, Any]:
        place = self._places.get((dtype, content))
        if place is None:
            place = {"off": self._size_bytes, "n": count, "dtype": dtype}
            self._places[dtype, content] = place
            self.chunks.append(content)
            padding = -len(content) % 8
            if padding:
                self.chunks.append(bytes(padding))
            self._size_bytes += len(content) + padding
        return place


def _narrowed(arrays: list[NDArray[np.float64]]) -> Iterator[tuple[str, bytes]]:
    """
    Yield for each array the smallest dtype that holds every value exactly, and its bytes; NaN stays NaN in float32.

    Many arrays are looked at together: in every operation on more than 500 elements numpy lets go of the interpreter,
    and beside busy threads a reply of hundreds of arrays would wait hundreds of times to go on. Not all of them,
    though: what a large reply needs meanwhile stays a few megabytes.
    """
    some: list[NDArray[np.float64]] = []
    count = 0
    for values in arrays:
        if some and count + len(values) > _TOGETHER:
            yield from _narrow_together(some)
            some, count = [], 0
        some.append(values)
        count += len(values)
    yield from _narrow_together(some)


def _narrow_together(arrays: list[NDArray[np.float64]]) -> Iterator[tuple[str, bytes]]:
    lengths = [len(values) for values in arrays]
    ends = np.cumsum(lengths, dtype=np.int64)
    values = np.concatenate(arrays).astype(np.float64, copy=False) if arrays else np.empty(0)
    if not len(values):
        yield from (("f4", b"") for _ in arrays)
        return
    filled = [n for n, length in enumerate(lengths) if length]
    begin = (ends - lengths)[filled]
    with np.errstate(over="ignore", invalid="ignore"):
        whole = (values < 2**32) & ~np.signbit(values) & (values == np.floor(values))  # a NaN compares false
        halves = values.astype(np.float32)
        short = (halves == values) | np.isnan(values)
        counts = np.where(whole, values, 0).astype(np.uint32)
    as_u4 = dict(zip(filled, np.logical_and.reduceat(whole, begin).tolist(), strict=True))
    as_f4 = dict(zip(filled, np.logical_and.reduceat(short, begin).tolist(), strict=True))
    for n, (end, length) in enumerate(zip(ends.tolist(), lengths, strict=True)):
        mine = slice(end - length, end)
        if as_u4.get(n):
            yield "u4", counts[mine].astype("<u4", copy=False).tobytes()
        elif as_f4.get(n, True):
            yield "f4", halves[mine].astype("<f4", copy=False).tobytes()
        else:
            yield "f8", values[mine].astype("<f8", copy=False).tobytes()


def encode_frames(
    series: Sequence[SeriesColumns],
    *,
    x: str,
    x_range: tuple[float, float] | None,
    seq: int,
    missing: Sequence[dict[str, str]],
) -> bytes:
    """
    Return the reply to a series query as bytes.

    Args:
        series: columns from the store, x rising.
        missing: ``{"run", "key"}`` for what was asked and is not there.
    """
    arrays = _Arrays(_narrowed([values for columns in series for values in _floats(columns)]))
    entries = [_describe(columns, arrays) for columns in series]
    header = encode_json({"x": x, "range": x_range, "seq": seq, "series": entries, "missing": missing})
    header += b" " * (-(len(MAGIC) + 4 + len(header)) % 8)
    return b"".join((MAGIC, struct.pack("<I", len(header)), header, *arrays.chunks))


def encode_table(header: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """
    Return a header and named arrays as bytes, in the same layout; matrices row by row.

    Where the header of a chart describes its series, this one has each array under its name.
    """
    floats = {name: values for name, values in arrays.items() if values.dtype.kind == "f"}
    section = _Arrays(_narrowed([values.ravel() for values in floats.values()]))
    places = {
        name: section.add_narrow(values.ravel()) if name in floats else section.add(values.ravel(), "u4")
        for name, values in arrays.items()
    }
    text = encode_json({**header, **places})
    text += b" " * (-(len(MAGIC) + 4 + len(text)) % 8)
    return b"".join((MAGIC, struct.pack("<I", len(text)), text, *section.chunks))


def _floats(columns: SeriesColumns) -> list[NDArray[np.float64]]:
    """Return the arrays of floats in the order in which ``_describe`` adds them."""
    found = [columns.x, columns.y]
    found += [values for values in (columns.lo, columns.hi) if values is not None]
    if columns.nonfinite is not None:
        found.append(columns.nonfinite.x)
    if columns.ghost is not None:
        found += [columns.ghost.x, columns.ghost.y]
    return found


def _describe(columns: SeriesColumns, arrays: _Arrays) -> dict[str, Any]:
    nonfinite, ghost = columns.nonfinite, columns.ghost
    band = ("center", "confidence", "resamples") if columns.center is not None else ()
    return {
        "run": columns.run,
        "group": columns.group,
        "key": columns.key,
        "exact": columns.exact,
        "n": columns.n,
        "total": columns.total,
        "total_all": columns.total_all,
        "x": arrays.add_narrow(columns.x),
        "y": arrays.add_narrow(columns.y),
        "lo": None if columns.lo is None else arrays.add_narrow(columns.lo),
        "hi": None if columns.hi is None else arrays.add_narrow(columns.hi),
        "count": None if columns.count is None else arrays.add(columns.count, "u4"),
        "nonfinite": None
        if nonfinite is None
        else {"x": arrays.add_narrow(nonfinite.x), "kind": arrays.add(nonfinite.kind, "u1")},
        "ghost": None if ghost is None else {"x": arrays.add_narrow(ghost.x), "y": arrays.add_narrow(ghost.y)},
        "first_x": columns.first_x,
        "last_x": columns.last_x,
        "band": columns.band,
        **{name: getattr(columns, name) for name in band},  # of groups alone
        **({} if columns.process is None else {"process": columns.process, "rank": columns.rank}),
    }
