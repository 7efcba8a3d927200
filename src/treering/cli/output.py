"""Printing for people and for programs."""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Sequence
from typing import Any

__all__ = ["human_age", "human_duration", "human_value", "print_json", "print_table", "strict", "visible"]

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def visible(text: str) -> str:
    """Return *text* on one line and with controls shown, so that a run's name cannot drive the terminal."""
    return _CONTROLS.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def print_json(value: Any) -> None:
    """Print one JSON document on a line of its own; non-finite numbers become "NaN", "Infinity", "-Infinity"."""
    print(json.dumps(strict(value), ensure_ascii=False, allow_nan=False))


def strict(value: Any) -> Any:
    """Return *value* with non-finite numbers as "NaN", "Infinity" and "-Infinity", so that it is valid JSON."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if value != value else ("Infinity" if value > 0 else "-Infinity")
    if isinstance(value, dict):
        return {str(key): strict(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [strict(item) for item in value]
    return value


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows under column titles, each column as wide as it needs; the last is not padded."""
    shown = [[visible(cell) for cell in row] for row in (columns, *rows)]
    widths = [max(len(row[index]) for row in shown) for index in range(len(columns))]
    for row in shown:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def human_value(value: Any) -> str:
    """Return a short form: six significant digits for floats, ``-`` for missing."""
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value)


def human_duration(seconds: float) -> str:
    """Return the two largest units: ``3 d 4 h``, ``12 m 5 s``, ``0.4 s``."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    if days:
        return f"{days} d {hour} h"
    return f"{hours} h {minute} m" if hours else f"{minute} m {second} s"


def human_age(unix_s: float, now: float | None = None) -> str:
    """Return how long ago a time was."""
    return f"{human_duration(max((time.time() if now is None else now) - unix_s, 0))} ago"
