"""Rank correlation."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["correlation_ratio", "ranks", "spearman"]

Floats = NDArray[np.float64]


def ranks(values: NDArray[Any]) -> Floats:
    """Return the ranks of *values* from 1, equal values sharing their mean rank; no NaN."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    begin = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    end = np.append(begin[1:], len(values))
    found = np.empty(len(values))
    found[order] = np.repeat((begin + 1 + end) / 2, end - begin)
    return found


def spearman(x: NDArray[Any], y: NDArray[Any]) -> float | None:
    """
    Return Spearman's ρ: Pearson's correlation of ranks. Pairs with a NaN are left out; infinite values have ranks.

    None for fewer than two pairs, or where one side is constant.
    """
    keep = ~(np.isnan(x) | np.isnan(y))
    x, y = x[keep], y[keep]
    if len(x) < 2:
        return None
    a, b = ranks(x), ranks(y)
    a, b = a - a.mean(), b - b.mean()
    norm = math.sqrt(float((a * a).sum()) * float((b * b).sum()))
    return None if norm == 0 else float(np.clip((a * b).sum() / norm, -1.0, 1.0))


def correlation_ratio(groups: NDArray[Any], y: NDArray[Any]) -> float | None:
    """
    Return η of the ranks of *y* over *groups*, 0..1: the root of the share of their variance between groups.

    None for fewer than two values, or where *y* is constant. Its square is H / (n − 1) of Kruskal and Wallis.
    """
    keep = ~np.isnan(y)
    y, groups = y[keep], groups[keep]
    if len(y) < 2:
        return None
    b = ranks(y)
    b = b - b.mean()
    total = float((b * b).sum())
    if total == 0:
        return None
    _, number = np.unique(groups, return_inverse=True)
    sums, counts = np.bincount(number, b), np.bincount(number)
    return math.sqrt(min(1.0, float((sums * sums / counts).sum()) / total))
