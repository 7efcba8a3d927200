"""
Which of several equal processes stands out, window by window.

A quantity is given per process and window. Of each process p in a window, with v its value and m the median of the
others (from 8 processes on: of all, which is as good and quicker):

===========  ========================================================================================================
``ratio``    v / m
``score``    (v - m) / s, a robust z. For 4 or more processes s is 1.4826 x the median of abs(v - median) over all of
             them, which estimates a standard deviation (Rousseeuw & Croux 1993). Over 2 or 3 processes that says
             little: there s is the standard error of the difference, from what varies *within* the window. s is at
             least 5 % of the larger of abs(v) and abs(m), and at least *least*: equal values do not divide by zero,
             and the last digit of a quiet quantity is no outlier.
===========  ========================================================================================================

A process stands out where ``ratio`` is at least 1.3 (or at most 1/1.3) *and* ``score`` at least 3.5 (or at most -3.5),
the usual bound for a robust z (Iglewicz & Hoaglin 1993). Of three or more processes the ratio has to hold against the
median of all as well: else, of three, the two that are alike would stand out from the one that is not, and half of it.
One window is noise: it has to hold from some window on to the
process's last, over three windows or more, missing in at most one of five and in none of the last two.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from treering.limits import (
    FINDING_RATIO,
    FINDING_SCORE,
    FINDING_SCORE_ANY,
    FINDING_WINDOW_POINTS,
    FINDING_WINDOWS_MAX,
    FINDING_WINDOWS_MIN,
)

__all__ = ["Judgement", "Outlier", "count_windows", "find_outliers", "held_from", "judge", "window_means"]

Array = NDArray[np.float64]

_TO_DEVIATION: Final = 1.4826  # of a median absolute deviation, for a normal distribution
_LEAST_SHARE: Final = 0.05
_FEW: Final = 3
_MANY: Final = 8
_HOLDS: Final = 0.8


class Judgement(NamedTuple):
    """Arrays of shape (processes, windows); NaN where there is nothing to judge."""

    typical: Array
    ratio: Array
    to_all: Array  # the ratio to the median of all, where there are three or more; else the same as ``ratio``
    score: Array
    from_all: Array  # the score against the median of all, likewise


class Outlier(NamedTuple):
    """
    A process that stands out from window ``since`` on: medians over its windows from there to its last.

    ``score`` and ``ratio`` are those of the value against ``typical``; a ratio below 1 is a low value.
    """

    process: int
    since: int
    value: float
    typical: float
    ratio: float
    score: float


def count_windows(points: float) -> int:
    """Return into how many windows to divide what has so many points per process; 0 if it is too little to judge."""
    if points >= FINDING_WINDOWS_MIN * FINDING_WINDOW_POINTS:
        return int(min(FINDING_WINDOWS_MAX, points // FINDING_WINDOW_POINTS))
    return FINDING_WINDOWS_MIN if points >= FINDING_WINDOWS_MIN * FINDING_WINDOW_POINTS // 2 else 0


@np.errstate(divide="ignore", invalid="ignore")
def window_means(
    process: NDArray[np.int64],
    window: NDArray[np.int64],
    value: Array,
    shape: tuple[int, int],
    weight: Array | None = None,
) -> tuple[Array, Array]:
    """
    Return means and standard errors of *value* per process and window, of *shape*; NaN where there is none.

    *weight*: how much each value counts in the mean.
    """
    size = shape[0] * shape[1]
    cell = process * shape[1] + window
    n = np.bincount(cell, minlength=size).astype(np.float64)
    plain = np.bincount(cell, value, minlength=size) / n
    square = np.bincount(cell, (value - plain[cell]) ** 2, minlength=size)
    error = np.sqrt(square / np.maximum(n - 1, 1) / n)
    mean = plain
    if weight is not None:
        mean = np.bincount(cell, value * weight, minlength=size) / np.bincount(cell, weight, minlength=size)
    error[n < 2] = np.nan
    return mean.reshape(shape), error.reshape(shape)


@np.errstate(divide="ignore", invalid="ignore", over="ignore")
def judge(value: Array, error: Array, least: float = 0.0) -> Judgement:
    """
    Compare processes with each other in each window.

    Args:
        value: shape (processes, windows); NaN where a process has nothing.
        error: the standard error of each value, NaN where it is not known.
        least: how far apart two values may lie at least, in their unit, before it counts.
    """
    typical = _median_of_others(value)
    there = np.isfinite(value)
    count = there.sum(axis=0)
    middle = _median(value)
    deviation = _TO_DEVIATION * _median(np.abs(value - middle))
    typical_error = _median_of_others(error)
    within = np.sqrt(np.nan_to_num(error) ** 2 + np.nan_to_num(typical_error) ** 2)
    scale = np.where(count <= _FEW, within, np.broadcast_to(deviation, value.shape))
    size = np.maximum(np.abs(typical), np.abs(value))
    scale = np.maximum(np.nan_to_num(scale), np.maximum(_LEAST_SHARE * size, least))
    score = np.where(scale > 0, (value - typical) / scale, 0.0)
    ratio = _ratio(value, typical)
    to_all = np.where(count >= _FEW, _ratio(value, np.broadcast_to(middle, value.shape)), ratio)
    # Of three, the median of the others of an ordinary one lies half way to the odd one.
    from_all = np.where((count >= _FEW) & (scale > 0), (value - middle) / scale, score)
    none = ~there | ~np.isfinite(typical)
    return Judgement(*(np.where(none, np.nan, each) for each in (typical, ratio, to_all, score, from_all)))


def _ratio(value: Array, typical: Array) -> Array:
    ratio: Array = np.where(typical == 0, np.where(value == 0, 1.0, np.inf), value / typical)
    return ratio


def find_outliers(value: Array, judged: Judgement, *, low: bool = True, by_ratio: bool = True) -> list[Outlier]:
    """
    Return the processes that stand out to their end, the clearest first.

    Args:
        low: also those whose value is low.
        by_ratio: the quantity has a zero that means nothing of it, so a ratio is asked for as well. Without one the
            score has to be at least ``FINDING_SCORE_ANY``.
    """
    found: list[Outlier] = []
    if by_ratio:
        sides = [(np.minimum(judged.ratio, judged.to_all) >= FINDING_RATIO) & (judged.score >= FINDING_SCORE)]
    else:
        sides = [np.minimum(judged.score, judged.from_all) >= FINDING_SCORE_ANY]
    if low and not by_ratio:
        sides.append(np.maximum(judged.score, judged.from_all) <= -FINDING_SCORE_ANY)
    elif low:
        least = np.maximum(judged.ratio, judged.to_all)
        sides.append((least <= 1 / FINDING_RATIO) & (judged.score <= -FINDING_SCORE))
    there = np.isfinite(judged.score)
    for side in sides:
        for process in np.flatnonzero(side.any(axis=1)).tolist():
            since = held_from(side[process], there[process])
            if since < 0:
                continue
            rows = np.flatnonzero(there[process])
            rows = rows[rows >= since]
            typical, its = float(np.median(judged.typical[process, rows])), float(np.median(value[process, rows]))
            ratio, score = float(np.median(judged.ratio[process, rows])), float(np.median(judged.score[process, rows]))
            found.append(Outlier(process, since, its, typical, ratio, score))
    return sorted(found, key=lambda one: -abs(one.score))


def held_from(holds: NDArray[np.bool_], there: NDArray[np.bool_]) -> int:
    """
    Return the first window from which *holds* is true to the end of those that are *there*; -1 if it does not persist.
    """
    rows = np.flatnonzero(there)
    marks = holds[rows]
    if len(rows) < FINDING_WINDOWS_MIN or not marks[-1] or not marks[-2]:
        return -1
    share = np.cumsum(marks[::-1])[::-1] / np.arange(len(marks), 0, -1)
    begins = np.flatnonzero(marks & (share >= _HOLDS))
    first = int(begins[0])
    return int(rows[first]) if len(rows) - first >= FINDING_WINDOWS_MIN else -1


def _median_of_others(value: Array) -> Array:
    if len(value) >= _MANY:
        return np.broadcast_to(_median(value), value.shape)
    return np.array([_median(np.delete(value, process, axis=0)) for process in range(len(value))]).reshape(value.shape)


def _median(value: Array) -> Array:
    """Return the median over processes of what is there, NaN where nothing is."""
    ordered = np.sort(value, axis=0)  # NaN last
    count = np.isfinite(value).sum(axis=0)
    if not len(value):
        return np.full(value.shape[1], np.nan)
    at = np.arange(value.shape[1])
    low, high = ordered[np.maximum(count - 1, 0) // 2, at], ordered[np.minimum(count // 2, len(value) - 1), at]
    found: Array = np.where(count > 0, (low + high) / 2, np.nan)
    return found
