"""Which features counted, as a chart."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from treering.sdk.media.plot import Plot, bar
from treering.sdk.media.table import Table

__all__ = ["importances"]

_SHOWN_MAX: Final = 200


def importances(names: Iterable[Any], values: Iterable[Any], title: str = "Feature importance") -> Plot:
    """Return bars, the greatest first, of at most 200 features."""
    rows = sorted(([str(name), float(value)] for name, value in zip(names, values, strict=True)), key=_size)
    return bar(Table(columns=["feature", "importance"], data=rows[:_SHOWN_MAX]), "feature", "importance", title)


def _size(row: list[Any]) -> float:
    return -abs(float(row[1]))
