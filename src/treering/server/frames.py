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
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from treering.store.model import SeriesColumns

from .replies import encode_json

__all__ = ["MAGIC", "MEDIA_TYPE", "encode_frames"]

MAGIC: Final = b"TRC1"
MEDIA_TYPE: Final = "application/x-treering-frames"

_DTYPES: Final = {"f8": "<f8", "f4": "<f4", "u4": "<u4", "u1": "u1"}


class _Arrays:
    """The array section while it grows: each different array once."""

    def __init__(self) -> None:
        self.chunks: list[bytes] = []
        self._size_bytes = 0
        self._places: dict[tuple[str, bytes], dict[str, Any]] = {}

    def add(self, values: NDArray[Any], dtype: str) -> dict[str, Any]:
        content = np.ascontiguousarray(values, dtype=_DTYPES[dtype]).tobytes()
        place = self._places.get((dtype, content))
        if place is None:
            place = {"off": self._size_bytes, "n": len(values), "dtype": dtype}
            self._places[dtype, content] = place
            self.chunks.append(content)
            padding = -len(content) % 8
            if padding:
                self.chunks.append(bytes(padding))
            self._size_bytes += len(content) + padding
        return place

    def add_narrow(self, values: NDArray[np.float64]) -> dict[str, Any]:
        return self.add(values, _narrowest(values))


def _narrowest(values: NDArray[np.float64]) -> str:
    """Return the smallest dtype that holds every value exactly; NaN stays NaN in float32."""
    in_range = len(values) > 0 and values.max() < 2**32 and not np.signbit(values).any()  # a NaN compares false
    if in_range and bool((values == np.floor(values)).all()):
        return "u4"
    with np.errstate(over="ignore"):
        halves = values.astype(np.float32)
    return "f4" if bool(((halves == values) | np.isnan(values)).all()) else "f8"


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
    arrays = _Arrays()
    entries = [_describe(columns, arrays) for columns in series]
    header = encode_json({"x": x, "range": x_range, "seq": seq, "series": entries, "missing": missing})
    header += b" " * (-(len(MAGIC) + 4 + len(header)) % 8)
    return b"".join((MAGIC, struct.pack("<I", len(header)), header, *arrays.chunks))


def _describe(columns: SeriesColumns, arrays: _Arrays) -> dict[str, Any]:
    nonfinite, ghost = columns.nonfinite, columns.ghost
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
    }
