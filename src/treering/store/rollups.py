"""
Rollups: buckets of ``step >> shift`` that make a chart cost its pixels and not its points.

The finest shift of a series is chosen for 16 to 32 points a bucket; each further level is 8 times coarser. Several
strands of a series may fall into one bucket here: a reader drops every bucket that touches steps which more than one
strand covers, and reads the points themselves there (see ``series``).
"""

from __future__ import annotations

from typing import Final

import numpy as np

from treering.limits import ROLLUP_MIN_POINTS

from .columns import Array, Points, Rollups, Spans, series_id, starts_of

POINTS_PER_BUCKET: Final = 16
LEVEL_BITS: Final = 3
# A level is the last one when it has at most this many buckets: reading them all is cheaper than another level.
TOP_BUCKETS: Final = 64


def spans_of(points: Points) -> Spans:
    """Return the spans of *points* by (key, run, seg, attempt); ``base`` is filled for series worth rolling up."""
    if not len(points):
        return Spans.empty()
    if len(starts_of(points.key, points.run, points.seg, points.attempt)) == len(starts_of(points.key, points.run)):
        order: Array | slice = slice(None)  # one strand a series, as nearly always: they stand together already
    else:
        order = np.lexsort((points.attempt, points.seg, points.run, points.key))
    run, key, seg, attempt = points.run[order], points.key[order], points.seg[order], points.attempt[order]
    at = starts_of(key, run, seg, attempt)
    step, ts = points.step[order], points.ts[order]
    spans = Spans(
        run=run[at],
        key=key[at],
        seg=seg[at],
        attempt=attempt[at],
        writer=points.writer[order][at],
        n=np.diff(np.append(at, len(run))),
        first_step=np.minimum.reduceat(step, at),
        last_step=np.maximum.reduceat(step, at),
        min_ts=np.minimum.reduceat(ts, at),
        max_ts=np.maximum.reduceat(ts, at),
        base=np.full(len(at), -1, np.int8),
    )
    return with_base(spans)


def with_base(spans: Spans) -> Spans:
    """Return *spans* (sorted by key and run) with ``base`` set from each series' number and density of points."""
    at = starts_of(spans.key, spans.run)
    if not len(at):
        return spans
    n = np.add.reduceat(spans.n, at)
    width = np.maximum.reduceat(spans.last_step, at) - np.minimum.reduceat(spans.first_step, at) + 1
    base = finest_shift(n, width).astype(np.int8)
    lengths = np.diff(np.append(at, len(spans)))
    return Spans(**{**spans.columns(), "base": np.repeat(base, lengths)})


def finest_shift(n: Array, width: Array) -> Array:
    """Return the finest level for series of *n* points over *width* steps; -1 for those too short for rollups."""
    shift = np.ceil(np.log2(np.maximum(POINTS_PER_BUCKET * (width / np.maximum(n, 1)), 1.0)))
    return np.where(n > ROLLUP_MIN_POINTS, np.minimum(shift, 62), -1).astype(np.int64)


def merge_spans(parts: list[Spans]) -> Spans:
    """Return the spans of the union of several parts' points."""
    spans = Spans.concat(parts)
    order = np.lexsort((spans.attempt, spans.seg, spans.run, spans.key))
    s = spans.take(order)
    at = starts_of(s.key, s.run, s.seg, s.attempt)
    if not len(at):
        return s
    return with_base(
        Spans(
            run=s.run[at],
            key=s.key[at],
            seg=s.seg[at],
            attempt=s.attempt[at],
            writer=s.writer[at],
            n=np.add.reduceat(s.n, at),
            first_step=np.minimum.reduceat(s.first_step, at),
            last_step=np.maximum.reduceat(s.last_step, at),
            min_ts=np.minimum.reduceat(s.min_ts, at),
            max_ts=np.maximum.reduceat(s.max_ts, at),
            base=s.base[at],
        )
    )


def finest(points: Points, spans: Spans) -> Rollups:
    """Return the finest level for those series of *points* (sorted by key, run, step) that have a base in *spans*."""
    base = _base_per_row(points.key, points.run, spans)
    keep = base >= 0
    # The same step logged again without going back is one point: the last write. A rollup of overlapping strands is
    # never read, so neighbours are all that matters here.
    again = np.zeros(len(points), np.bool_)
    again[:-1] = (
        (points.step[1:] == points.step[:-1])
        & (points.run[1:] == points.run[:-1])
        & (points.key[1:] == points.key[:-1])
    )
    keep &= ~again
    if not keep.any():
        return Rollups.empty()
    p = points if keep.all() else points.take(keep)
    shift = base[keep]
    bucket = p.step >> shift
    return _reduce_points(p, shift, bucket, starts_of(p.key, p.run, bucket))


def _base_per_row(key: Array, run: Array, spans: Spans) -> Array:
    at = starts_of(spans.key, spans.run)
    ids = series_id(spans.key[at], spans.run[at])
    rows = np.searchsorted(ids, series_id(key, run))
    base: Array = spans.base[at][rows]
    return base


@np.errstate(
    over="ignore", invalid="ignore"
)  # sums of huge values may be inf; a mean of them is then inf, as it should
def _reduce_points(p: Points, shift: Array, bucket: Array, at: Array) -> Rollups:
    val = p.val
    finite = np.isfinite(val)
    clean = np.where(finite, val, np.nan)
    zero = np.where(finite, val, 0.0)
    low = np.fmin(p.lo, clean)
    high = np.fmax(p.hi, clean)
    end = np.append(at[1:], len(val)) - 1
    all_finite = bool(finite.all())
    none = np.zeros(len(at), np.int32)

    def count(mask: Array) -> Array:
        counts: Array = np.add.reduceat(mask.astype(np.int32), at)
        return counts

    return Rollups(
        run=p.run[at],
        key=p.key[at],
        shift=shift[at].astype(np.int8),
        until=np.zeros(len(at), np.int8),
        bucket=bucket[at],
        first_step=p.step[at],
        last_step=p.step[end],
        min_ts=np.minimum.reduceat(p.ts, at),
        max_ts=np.maximum.reduceat(p.ts, at),
        min=np.fmin.reduceat(low, at),
        max=np.fmax.reduceat(high, at),
        first=val[at] if all_finite else val[edge_finite(finite, at, last=False)],
        last=val[end] if all_finite else val[edge_finite(finite, at, last=True)],
        sum=np.add.reduceat(zero, at),
        sumsq=np.add.reduceat(zero * zero, at),
        n=np.diff(np.append(at, len(val))).astype(np.int32),
        nan=none if all_finite else count(np.isnan(val)),
        pinf=none if all_finite else count(val == np.inf),
        ninf=none if all_finite else count(val == -np.inf),
    )


def edge_finite(finite: Array, at: Array, *, last: bool) -> Array:
    """
    Return per group the position of its first or last finite row; a group without one gives its own edge row.

    Callers that need NaN for such groups get it, since the edge row is then not finite: see ``blank``.
    """
    size = len(finite)
    rows = np.arange(size)
    end = np.append(at[1:], size) - 1
    if last:
        found: Array = np.maximum.reduceat(np.where(finite, rows, -1), at)
        return np.where(found >= 0, found, end)
    found = np.minimum.reduceat(np.where(finite, rows, size), at)
    return np.where(found < size, found, at)


def blank(values: Array) -> Array:
    """Return *values* with everything that is not finite as NaN."""
    return np.where(np.isfinite(values), values, np.nan)


def levels(base: Rollups) -> Rollups:
    """Return *base* (sorted by key, run, bucket) and all coarser levels of it, with ``until`` set."""
    base = Rollups(**{**base.columns(), "first": blank(base.first), "last": blank(base.last)})
    done: list[Rollups] = []
    level = base
    while len(level):
        series = starts_of(level.key, level.run)
        buckets = np.diff(np.append(series, len(level)))
        is_top = np.repeat((buckets <= TOP_BUCKETS) | (level.shift[series] + LEVEL_BITS > 62), buckets)
        until = np.where(is_top, 62, level.shift + LEVEL_BITS - 1).astype(np.int8)
        done.append(Rollups(**{**level.columns(), "until": until}))
        level = _coarser(level.take(~is_top))
    return sort_rollups(Rollups.concat(done))


def add_up(r: Rollups) -> Rollups:
    """Return finest levels of several parts as one, sorted by key, run and bucket."""
    return _combine(r.take(np.lexsort((r.first_step, r.bucket, r.run, r.key))), 0)


def _coarser(r: Rollups) -> Rollups:
    return _combine(r, LEVEL_BITS)


@np.errstate(over="ignore", invalid="ignore")
def _combine(r: Rollups, bits: int) -> Rollups:
    """Combine neighbours whose buckets become equal when *bits* are dropped."""
    if not len(r):
        return r
    bucket = r.bucket >> bits
    at = starts_of(r.key, r.run, bucket)
    end = np.append(at[1:], len(r)) - 1
    add = np.add.reduceat
    return Rollups(
        run=r.run[at],
        key=r.key[at],
        shift=(r.shift[at] + bits).astype(np.int8),
        until=r.until[at],
        bucket=bucket[at],
        first_step=r.first_step[at],
        last_step=r.last_step[end],
        min_ts=np.minimum.reduceat(r.min_ts, at),
        max_ts=np.maximum.reduceat(r.max_ts, at),
        min=np.fmin.reduceat(r.min, at),
        max=np.fmax.reduceat(r.max, at),
        first=r.first[edge_finite(np.isfinite(r.first), at, last=False)],
        last=r.last[edge_finite(np.isfinite(r.last), at, last=True)],
        sum=add(r.sum, at),
        sumsq=add(r.sumsq, at),
        n=add(r.n, at),
        nan=add(r.nan, at),
        pinf=add(r.pinf, at),
        ninf=add(r.ninf, at),
    )


def sort_rollups(r: Rollups) -> Rollups:
    """Return *r* in file order: level by level, so that reading one level of a long series skips the others."""
    return r.take(np.lexsort((r.bucket, r.run, r.key, r.shift)))
