"""What a panel asks the server for: the same as its page works out of its settings, so that all of it can be frozen."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from .matrix import ColumnList
from .model import Column, KeyInfo
from .regex import compile_pattern
from .seeds import is_seed

__all__ = [
    "blobs_in",
    "chart_axis",
    "chart_range",
    "columns_in",
    "guessed_columns",
    "line_keys",
    "main_column",
    "number_in",
    "step_in",
    "tables_in",
    "texts_in",
]

KEYS_MAX: Final = 50  # metrics of one line chart
_GUESSES_MAX: Final = 24  # config keys that a panel may choose among
_NESTED_MAX: Final = 16  # levels of settings that are looked into
_FAR: Final = float(2**53 - 1)  # larger than any step


def line_keys(settings: Mapping[str, Any], keys: Sequence[KeyInfo]) -> list[str]:
    """Return the metrics of a line chart: those named, then those that its pattern finds. Raises FilterError."""
    named = texts_in(settings, "keys")
    pattern = settings.get("pattern")
    if not isinstance(pattern, str) or not pattern:
        return list(dict.fromkeys(named))
    compiled = compile_pattern("(?i)" + pattern)
    found = [
        info.key
        for info in keys
        if info.kind in ("number", "system") and not info.hidden and compiled.search(info.key.encode()) is not None
    ]
    return list(dict.fromkeys([*named, *found]))[:KEYS_MAX]


def chart_axis(settings: Mapping[str, Any], infos: Sequence[KeyInfo], keys: Sequence[str]) -> str:
    """Return what a chart's x is, as the page decides it."""
    axis = settings.get("axis", "step")
    if not isinstance(axis, str):
        axis = "step"
    if "axis" in settings:
        return axis
    if infos and len(infos) == len(keys) and all(info.kind == "system" for info in infos):
        return "wall" if axis == "wall" else "relative"
    own = infos[0].step_metric if infos and len(infos) == len(keys) else None
    if own and all(info.step_metric == own for info in infos):
        return f"metric:{own}"
    return axis


def chart_range(value: Any) -> tuple[float | None, float]:
    far = _FAR
    if not isinstance(value, list) or len(value) != 2 or value == [None, None]:
        return None, far
    low, high = (number_in({"end": end}, "end", math.nan) for end in value)
    begin, end = -far if math.isnan(low) else low, far if math.isnan(high) else high
    return (begin, end) if begin < end else (None, far)


def texts_in(settings: Mapping[str, Any], name: str) -> list[str]:
    """Return the texts of a setting that is a list of them; whatever else stands there counts for nothing."""
    value = settings.get(name)
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def number_in(settings: Mapping[str, Any], name: str, default: float) -> float:
    """Return a setting that is a number, else the default: reports are typed, and any JSON may stand in one."""
    value = settings.get(name)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < _FAR:
        return default
    return float(value)


def step_in(settings: Mapping[str, Any]) -> int | None:
    """Return the step of media; None for the last."""
    value = settings.get("step")
    whole = isinstance(value, int) and not isinstance(value, bool) and abs(value) < _FAR
    return value if whole else None


def tables_in(value: Any) -> Iterator[str]:
    """Yield the hashes of the tables in a logged value."""
    if isinstance(value, Mapping):
        if value.get("_type") == "table-file" and isinstance(value.get("sha256"), str):
            yield value["sha256"]
        for inner in value.values():
            yield from tables_in(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from tables_in(inner)


def columns_in(value: Any, depth: int = 0) -> Iterator[Column]:
    """Yield every column that settings name, as an object or in its short form."""
    if depth > _NESTED_MAX:
        return
    if isinstance(value, Mapping):
        if isinstance(value.get("by"), str):
            column = _read_column(value)
            if column is not None:
                yield column
            return
        for inner in value.values():
            yield from columns_in(inner, depth + 1)
    elif isinstance(value, list):
        if value and isinstance(value[0], str) and re.match(r"metric:|config\.|summary\.|meta\.", value[0]):
            column = _read_short(value)
            if column is not None:
                yield column
                return
        for inner in value:
            yield from columns_in(inner, depth + 1)


def _read_column(value: Mapping[str, Any]) -> Column | None:
    try:
        return msgspec.convert({k: v for k, v in value.items() if k in ("by", "agg", "step", "of")}, Column)
    except msgspec.ValidationError:
        return None


def _read_short(value: Sequence[Any]) -> Column | None:
    by, rest = value[0], list(value[1:])
    if not rest:
        return Column(by)
    if rest[0] == "at" and len(rest) == 2:
        return _read_column({"by": by, "agg": "at", "step": rest[1]})
    if rest[0] == "when" and len(rest) == 3:
        return _read_column({"by": by, "agg": "when", "of": {"agg": rest[1], "key": rest[2]}})
    return _read_column({"by": by, "agg": rest[0]}) if len(rest) == 1 else None


def guessed_columns(listed: ColumnList, keys: Sequence[KeyInfo]) -> list[Column]:
    """Return the columns that a panel may choose by itself: settings that vary, and the figures of merit."""
    configs = [
        Column(info.by)
        for info in listed.columns
        if info.by.startswith("config.") and info.spread > 0 and not is_seed(info.by.removeprefix("config."))
    ]
    main = main_column(keys)
    return configs[:_GUESSES_MAX] + ([] if main is None else [main])


def main_column(keys: Sequence[KeyInfo]) -> Column | None:
    """Return the figure that runs are most likely about: the page chooses the same."""

    def rank(info: KeyInfo) -> int:
        return (
            (0 if info.goal else 4)
            + (0 if re.search(r"(^|/)(val|valid|eval|test)", info.key) else 2)
            + (0 if re.search(r"loss|acc", info.key) else 1)
        )

    numbers = [info for info in keys if info.kind == "number" and not info.hidden]
    if not numbers:
        return None
    best = min(numbers, key=rank)
    agg = {"maximize": "max", "minimize": "min"}.get(best.goal or "", "last")
    return Column(f"metric:{best.key}", agg)


def blobs_in(value: Any) -> Iterator[tuple[str, int]]:
    """Yield the bytes that a logged value refers to: hash and size."""
    if isinstance(value, Mapping):
        sha256, size = value.get("sha256"), value.get("size")
        if isinstance(sha256, str) and isinstance(size, int):
            yield sha256, size
        for inner in value.values():
            yield from blobs_in(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from blobs_in(inner)
