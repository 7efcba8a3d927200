"""
Frozen data: all that a report draws, as it is at one moment, in one file that no later data changes.

It is JSON, compressed (docs/formats/report.md has every field). Figures keep what their panels would ask the server
for: lines with their lowest and highest values, columns over runs, the list of what varies. A page, an export or a
script draws them without any run being there.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import zlib
from collections.abc import Mapping
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from treering.errors import FormatError, LimitExceeded
from treering.limits import REPORT_FROZEN_MAX_BYTES

from .model import KeyInfo, SeriesColumns
from .report_evaluation import Evaluation

__all__ = [
    "VERSION",
    "FrozenReport",
    "FrozenRun",
    "config_digest",
    "line_data",
    "pack_frozen",
    "read_frozen",
    "unpack_frozen",
]

VERSION: Final = 1


class FrozenRun(msgspec.Struct, frozen=True):
    """
    A run as it was.

    Attributes:
        config: a digest of its configuration.
        metrics: of the metrics that the report shows: points, last step and last value.
    """

    id: str
    name: str
    number: int
    state: str
    entity: str
    project: str
    created_at: float
    last_activity_at: float
    config: str
    metrics: dict[str, tuple[int, int | None, Any]]


class FrozenReport(msgspec.Struct, frozen=True):
    """
    The data of a report at one moment.

    Attributes:
        report, report_version: which text it was frozen for.
        evaluation: its sets, figures and formulas as they were.
        figures: the data of each figure, in order: ``series``, ``matrix``, ``columns``, ``importance``, ``media``.
        keys, config_keys: what the project's runs had, for the names and units of axes.
        corrections: those that applied: id → version and words.
        blobs: bytes of media that figures show, by their hash: run key and size.
    """

    version: int
    report: str
    report_version: int
    entity: str
    project: str
    title: str
    frozen_at: float
    frozen_by: str
    evaluation: Evaluation
    figures: list[dict[str, Any]]
    keys: dict[str, list[KeyInfo]]
    config_keys: dict[str, list[str]]
    runs: dict[str, FrozenRun]
    corrections: dict[str, dict[str, tuple[int, str]]]
    blobs: dict[str, tuple[str, int]]


_decode = msgspec.json.Decoder(FrozenReport).decode


def pack_frozen(frozen: FrozenReport) -> bytes:
    """Return frozen data as it is stored. Raises LimitExceeded."""
    raw = msgspec.json.encode(_storable(msgspec.to_builtins(frozen, enc_hook=_plain)))
    if len(raw) > REPORT_FROZEN_MAX_BYTES:
        raise LimitExceeded(
            f"the data of this report has {len(raw):,} bytes; at most {REPORT_FROZEN_MAX_BYTES:,} are frozen. Show "
            "fewer runs or metrics in it."
        )
    return gzip.compress(raw, 6, mtime=0)


def read_frozen(packed: bytes) -> FrozenReport:
    """Return frozen data. Raises FormatError."""
    try:
        return _decode(unpack_frozen(packed))
    except msgspec.DecodeError as error:
        raise FormatError(f"the frozen data of this report is of a version that is not known here: {error}.") from None


def unpack_frozen(packed: bytes) -> bytes:
    """Return frozen data as JSON. Raises FormatError."""
    engine = zlib.decompressobj(wbits=31)
    try:
        raw = engine.decompress(packed, REPORT_FROZEN_MAX_BYTES)
    except zlib.error as error:
        raise FormatError(f"the frozen data of this report is damaged: {error}.") from None
    if not engine.eof:
        raise FormatError("the frozen data of this report is damaged, or larger than it can be.")
    return raw


def config_digest(config: Mapping[str, Any]) -> str:
    """Return a digest of a configuration: its canonical JSON, SHA-256, the first 16 digits."""
    encoded = msgspec.json.encode(_storable(msgspec.to_builtins(config, enc_hook=str)), order="deterministic")
    return hashlib.sha256(encoded).hexdigest()[:16]


def line_data(line: SeriesColumns) -> dict[str, Any]:
    """Return one line of a chart."""
    return {
        "run": line.run,
        "group": line.group,
        "process": line.process,
        "rank": line.rank,
        "key": line.key,
        "exact": line.exact,
        "total": line.total,
        "total_all": line.total_all,
        "x": _array(line.x),
        "y": _array(line.y),
        "lo": _array(line.lo),
        "hi": _array(line.hi),
        "count": _array(line.count),
        "nonfinite": None
        if line.nonfinite is None
        else {"x": _array(line.nonfinite.x), "kind": _array(line.nonfinite.kind)},
        "first_x": line.first_x,
        "last_x": line.last_x,
    }


def _array(values: NDArray[Any] | None) -> dict[str, str] | None:
    """Return an array as little-endian bytes in base64, in half of them where that loses nothing."""
    if values is None:
        return None
    if values.dtype == np.uint8:
        return {"type": "u1", "data": base64.b64encode(values.tobytes()).decode()}
    numbers = np.ascontiguousarray(values, "<f8")
    with np.errstate(over="ignore", invalid="ignore"):
        halves = numbers.astype("<f4")
    short = bool(np.all((halves == numbers) | np.isnan(numbers)))
    kept = halves if short else numbers
    return {"type": "f4" if short else "f8", "data": base64.b64encode(kept.tobytes()).decode()}


def _plain(value: Any) -> Any:
    return value.tolist() if hasattr(value, "tolist") else str(value)


def _storable(value: Any) -> Any:
    """Return a value with NaN and infinities by their names, which JSON has no numbers for."""
    if isinstance(value, float) and value - value != 0.0:
        return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, dict):
        return {str(key): _storable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_storable(item) for item in value]
    return value
