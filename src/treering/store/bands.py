"""
Bands: one line for many runs, with how far they lie apart.

Per bucket of x each run counts once, with the mean of its finite points there; nothing is interpolated. Over the n runs
that have a value:

=========  ==========================================================================================================
center     ``mean``; ``median``; ``iqm``, the mean without the ⌊n/4⌋ lowest and highest (scipy's ``trim_mean`` of 0.25)
band       ``std`` center ∓ standard deviation (n − 1); ``stderr`` center ∓ std/√n; ``minmax``; ``iqr`` the quartiles
           (numpy's linear quantiles 0.25 and 0.75); ``ci`` a bootstrap interval of the center; ``none``
=========  ==========================================================================================================

For one run the band is the line itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from .columns import Array, starts_of
from .model import SeriesColumns, SeriesRequest
from .series import Drawn
from .statistics.bootstrap import bootstrap_intervals

__all__ = ["BANDS", "CENTERS", "draw_band", "over_runs"]

CENTERS: Final = ("mean", "median", "iqm")
BANDS: Final = ("std", "stderr", "minmax", "iqr", "ci", "none")

ToX = Callable[[Array, Array, int], Array]


def draw_band(lines: list[Drawn], group: str, key: str, to_x: ToX, request: SeriesRequest) -> SeriesColumns:
    """
    Return the line and band of a group of runs, for the center, band and buckets of *request*.

    Runs whose every point is drawn (few of them) are put into the buckets of the others by their x.
    """
    xs: list[Array] = []
    means: list[Array] = []
    weights: list[Array] = []
    for line in lines:
        if line.exact:
            assert line.points is not None
            keep = np.isfinite(line.points.val)
            xs.append(to_x(line.points.step[keep], line.points.ts[keep], line.run))
            means.append(line.points.val[keep])
            weights.append(np.ones(int(keep.sum())))
        else:
            assert line.cells is not None
            finite = line.cells.finite
            keep = finite > 0
            xs.append(to_x(line.cells.last_step[keep], line.cells.max_ts[keep], line.run))
            means.append(line.cells.sum[keep] / finite[keep])
            weights.append(finite[keep].astype(np.float64))
    who = np.repeat(np.arange(len(lines)), [len(x) for x in xs])
    x, value, weight = np.concatenate(xs), np.concatenate(means), np.concatenate(weights)
    bucket, exact = _shared_buckets(xs, x, request.buckets, exact=all(line.exact for line in lines))
    at_x, bucket, one = _per_run(bucket, who, x, value, weight)
    center, low, high, count, resamples = over_runs(bucket, one, request.center, request.band, request.confidence)
    return SeriesColumns(
        run=None,
        group=group,
        key=key,
        exact=exact,
        n=len(at_x),
        total=sum(line.total for line in lines),
        total_all=sum(line.total_all for line in lines),
        x=at_x,
        y=center,
        lo=low,
        hi=high,
        count=count.astype(np.uint32),
        nonfinite=None,
        ghost=None,
        first_x=float(at_x[0]) if len(at_x) else None,
        last_x=float(at_x[-1]) if len(at_x) else None,
        band=request.band,
        center=request.center,
        confidence=request.confidence if request.band == "ci" else None,
        resamples=resamples,
    )


def _shared_buckets(xs: list[Array], x: Array, buckets: int, *, exact: bool) -> tuple[Array, bool]:
    """Return the bucket of each point, and whether each bucket is one value of x."""
    if exact:
        first = xs[0]
        if bool((first[1:] > first[:-1]).all()) and all(np.array_equal(first, other) for other in xs[1:]):
            places = np.tile(np.arange(len(first)), len(xs))  # runs that log on the same steps, as most do
            distinct = len(first)
        else:
            values, places = np.unique(x, return_inverse=True)
            distinct = len(values)
        if distinct <= buckets:
            return places.astype(np.uint16), True
    if not len(x):
        return np.empty(0, np.uint16), False
    low, high = float(x.min()), float(x.max())
    width = (high - low) / buckets or 1.0
    return np.minimum((x - low) / width, buckets - 1).astype(np.uint16), False


@np.errstate(over="ignore", invalid="ignore")
def _per_run(bucket: Array, who: Array, x: Array, value: Array, weight: Array) -> tuple[Array, Array, Array]:
    """
    Return the last x of each bucket, and per bucket and run (sorted so) its bucket and the run's mean in it.

    Points come run by run, so a stable order by bucket is one by run within it. Buckets are few: of 16 bits they are
    sorted by radix, a million in 8 ms and not 60.
    """
    order = np.argsort(bucket, kind="stable")
    bucket, who, x, value = bucket[order], who[order], x[order], value[order]
    each = starts_of(bucket, who)
    if not len(each):
        return np.empty(0), np.empty(0, np.int64), np.empty(0)
    if len(each) == len(bucket):
        return np.maximum.reduceat(x, starts_of(bucket)), bucket, value
    weight = weight[order]
    # A point that stands alone stays what it is: 0.1 × 3 / 3 is not 0.1.
    alone = np.diff(np.append(each, len(bucket))) == 1
    one = np.where(alone, value[each], np.add.reduceat(value * weight, each) / np.add.reduceat(weight, each))
    last = np.maximum.reduceat(x, each)
    bucket = bucket[each]
    return np.maximum.reduceat(last, starts_of(bucket)), bucket, one


def _sorted_sets(value: Array, at: Array, count: Array) -> Array:
    """Return the values, sorted within each set: many sets of one size at once, which is many times faster."""
    found = np.empty_like(value)
    for size in np.unique(count).tolist():
        places = at[count == size][:, None] + np.arange(size)
        found[places] = np.sort(value[places], axis=1)
    return found


@np.errstate(over="ignore", invalid="ignore")
def over_runs(
    bucket: Array, value: Array, center: str, band: str, confidence: float
) -> tuple[Array, Array | None, Array | None, Array, int | None]:
    """
    Return center, lower and upper end, number of runs, and resamples, one per bucket.

    *value* has one finite number per bucket and run, sorted by *bucket*. Without a band both ends are None.
    """
    at = starts_of(bucket)
    count = np.diff(np.append(at, len(bucket)))
    if not len(at):
        none = np.empty(0)
        return none, *((None, None) if band == "none" else (none, none)), count, None
    if center != "mean" or band in ("iqr", "ci"):
        value = _sorted_sets(value, at, count)
    middle = _center(value, at, count, center)
    if band == "none":
        return middle, None, None, count, None
    if band == "minmax":
        return middle, np.minimum.reduceat(value, at), np.maximum.reduceat(value, at), count, None
    if band == "iqr":
        return middle, _quantile(value, at, count, 0.25), _quantile(value, at, count, 0.75), count, None
    if band == "ci":
        low, high, resamples = bootstrap_intervals(value, count, center, confidence)
        return middle, low, high, count, resamples
    deviation = value - np.repeat(_center(value, at, count, "mean"), count)
    square = np.add.reduceat(deviation * deviation, at)
    half = np.where(count > 1, np.sqrt(square / np.maximum(count - 1, 1)), 0.0)
    if band == "stderr":
        half = half / np.sqrt(count)
    return middle, middle - half, middle + half, count, None


def _center(value: Array, at: Array, count: Array, center: str) -> Array:
    if center == "median":
        return _quantile(value, at, count, 0.5)
    if center == "iqm":
        cut = (0.25 * count).astype(np.int64)
        rank = np.arange(len(value)) - np.repeat(at, count)
        kept = (rank >= np.repeat(cut, count)) & (rank < np.repeat(count - cut, count))
        middle: Array = np.add.reduceat(np.where(kept, value, 0.0), at) / (count - 2 * cut)
        return middle
    mean: Array = np.add.reduceat(value, at) / count
    return mean


def _quantile(value: Array, at: Array, count: Array, q: float) -> Array:
    """Return the quantile of each set of sorted values, linear between two: numpy's default."""
    place = q * (count - 1)
    below = np.floor(place).astype(np.int64)
    above = np.minimum(below + 1, count - 1)
    share = place - below
    low, high = value[at + below], value[at + above]
    found: Array = np.where(share < 0.5, low + (high - low) * share, high - (high - low) * (1.0 - share))
    return found
