"""Mean, standard deviation and the like of a few numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

__all__ = ["Description", "describe", "finite_numbers", "mean_of", "number_or_nan"]


class Description(NamedTuple):
    """Of ``n`` finite numbers; ``std`` divides by n − 1 and is 0 for one. All but ``n`` are None where n = 0."""

    n: int
    mean: float | None
    std: float | None
    min: float | None
    max: float | None


def finite_numbers(values: Iterable[Any]) -> list[float]:
    """Return those of *values* that are finite numbers; true and false are none."""
    return [
        float(value)
        for value in values
        if isinstance(value, (int, float)) and not isinstance(value, bool) and _is_finite(value)
    ]


def number_or_nan(value: Any) -> float:
    """Return a finite number as a float, NaN for all else."""
    kind = value.__class__
    if kind is float:
        return value if value - value == 0.0 else math.nan
    if kind is int:
        return float(value) if _is_finite(value) else math.nan
    return math.nan


def _is_finite(value: float | int) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer beyond every float
        return False


@np.errstate(over="ignore", invalid="ignore")
def describe(numbers: Iterable[float]) -> Description:
    """Return what finite *numbers* are like."""
    values = numbers if isinstance(numbers, np.ndarray) else np.fromiter(numbers, np.float64)
    n = len(values)
    if not n:
        return Description(0, None, None, None, None)
    low, high = float(values.min()), float(values.max())
    if low == high:
        return Description(n, low, 0.0, low, high)  # not 1e-17 beside it, as a rounded sum would be
    return Description(n, mean_of(values.tolist()), float(values.std(ddof=1)), low, high)


def mean_of(values: Sequence[float]) -> float:
    """Return the mean of numbers of which there is at least one, also where their sum is beyond every float."""
    try:
        return math.fsum(values) / len(values)
    except OverflowError:
        return math.fsum(value / len(values) for value in values)
