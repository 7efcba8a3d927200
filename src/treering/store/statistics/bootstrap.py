"""
Percentile intervals of a mean, a median or an interquartile mean by the bootstrap (Efron 1979).

A resample of n values draws n ranks with replacement. Sorted ranks are drawn the same for every set of n values, so
they are drawn once: with S standard exponentials and their running sums C, the order statistics of n uniform numbers
are C[i] / C[n] (Rényi 1953), and the ranks floor(n · C[i] / C[n]). A statistic of a resample is then a weight per rank,
and the statistics of all resamples of many sets of n values are one product of matrices. 1,000 runs at 1,000 points:
60 ms.

The random numbers begin from a fixed seed, so that the same data has the same interval each time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from treering.limits import BOOTSTRAP_RESAMPLES, BOOTSTRAP_RESAMPLES_MIN, BOOTSTRAP_WORK

__all__ = ["Floats", "bootstrap_intervals", "count_resamples", "rank_weights"]

Floats = NDArray[np.float64]

_SEED: Final = 20_240_229
_ROWS_AT_ONCE: Final = 4_000_000  # entries of one matrix of resamples


def count_resamples(sizes: NDArray[Any]) -> int:
    """Return how many resamples are drawn for sets of these sizes: fewer where there is very much to do."""
    work = int(sizes.sum())
    return int(np.clip(BOOTSTRAP_WORK // max(work, 1), BOOTSTRAP_RESAMPLES_MIN, BOOTSTRAP_RESAMPLES))


def bootstrap_intervals(
    values: Floats, sizes: NDArray[np.int64], center: str, confidence: float
) -> tuple[Floats, Floats, int]:
    """
    Return the lower and upper ends of the interval of each set's center, and the number of resamples.

    Args:
        values: finite numbers, set after set, sorted within each.
        sizes: of the sets, each at least 1. The interval of one value is that value.
        center: mean, median or iqm.
        confidence: 0 < c < 1; the ends are the (1 − c)/2 and (1 + c)/2 quantiles of the resamples' centers.
    """
    resamples = count_resamples(sizes)
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)
    low, high = np.empty(len(sizes)), np.empty(len(sizes))
    drawn = _Ranks(int(sizes.max(initial=0)), resamples)
    ends = [(1.0 - confidence) / 2.0, (1.0 + confidence) / 2.0]
    for size in np.unique(sizes).tolist():
        sets = np.flatnonzero(sizes == size)
        if size == 1:
            low[sets] = high[sets] = values[starts[sets]]
            continue
        weights = rank_weights(drawn.of(size), center)
        for begin in range(0, len(sets), max(1, _ROWS_AT_ONCE // resamples)):
            some = sets[begin : begin + max(1, _ROWS_AT_ONCE // resamples)]
            table = values[starts[some][:, None] + np.arange(size)]  # a row a set
            centers = table @ weights  # a column a resample
            low[some], high[some] = np.quantile(centers, ends, axis=1, overwrite_input=True)
    return low, high, resamples


class _Ranks:
    """Sorted ranks of resamples of any size up to one; those of a size do not depend on what else is asked for."""

    def __init__(self, largest: int, resamples: int) -> None:
        random = np.random.Generator(np.random.PCG64(_SEED))
        self._sums = random.standard_exponential((largest + 1, resamples)).cumsum(axis=0)

    def of(self, size: int) -> NDArray[np.int64]:
        """Return ranks 0 … size − 1 of shape (size, resamples), rising along the first axis."""
        ranks: NDArray[np.int64] = (size * (self._sums[:size] / self._sums[size])).astype(np.int64)
        return np.minimum(ranks, size - 1, out=ranks)


def rank_weights(ranks: NDArray[np.int64], center: str) -> Floats:
    """Return the weight of each rank in the center of each resample, of the shape of *ranks*; columns sum to 1."""
    size, resamples = ranks.shape
    taken = _TAKEN[center](size)
    used = ranks[taken]
    cells = used * resamples + np.arange(resamples)
    counts = np.bincount(cells.ravel(), minlength=size * resamples).reshape(size, resamples)
    weights: Floats = counts / len(used)
    return weights


# Which of n sorted values a center is the mean of.
_TAKEN: Final[dict[str, Callable[[int], slice]]] = {
    "mean": lambda n: slice(0, n),
    "median": lambda n: slice((n - 1) // 2, n // 2 + 1),
    "iqm": lambda n: slice(int(0.25 * n), n - int(0.25 * n)),
}
