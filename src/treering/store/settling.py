"""
Settling: aggregates made anew of what a run's lines show.

While a run only goes on, its least, greatest and last values are added to as rows come. A rewind hides rows that are in
them already, and a fork shows rows that it never logged. Then the aggregates are made once more of all points that are
not hidden, and rows that come later are added to those. The same rows give the same aggregates, in whatever order the
files of a run came.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

import numpy as np

from .columns import BIGINT, INT, Array, Items, Points, Spans, ints, starts_of
from .line import Lineage
from .metrics import MetricView
from .state import RunState, SegmentState, SeriesStat

__all__ = ["Place", "Settled", "places_of", "settle"]

_BATCH_POINTS: Final = 2_000_000
_TEXT_CHARS: Final = 1_000
_LONG_AGO_US: Final = -(1 << 61)  # of what a run inherits: before all that it logged, whatever the clocks say


class Place(NamedTuple):
    """When the life of a segment began (microseconds), and which of its segments it is."""

    life_us: int
    life_index: int


class Settled(NamedTuple):
    """Aggregates by key, and the keys that only ranks and forked processes logged."""

    stats: dict[int, SeriesStat]
    foreign: set[int]


def places_of(segments: Mapping[str, SegmentState], lineage: Lineage) -> dict[int, Place]:
    """Return segment number → its place, of a run's own segments and of those that it inherits."""
    places = {s.id: Place(s.life_created_ns // 1000, s.life_index) for s in segments.values()}
    inherited = [(order, seg) for seg, order in zip(lineage.seg.tolist(), lineage.order.tolist(), strict=True)]
    for order, seg in inherited:
        places.setdefault(seg, Place(_LONG_AGO_US + int(order), 0))
    return places


def settle(view: MetricView, state: RunState, lineage: Lineage, places: Mapping[int, Place]) -> Settled:
    """Return the aggregates of a run. *view* shows what it inherits too; *lineage* is that of this run alone."""
    run = np.array([state.id], np.int32)
    spans, _ = view.spans(None, run)
    settled = Settled({}, set())
    for keys in _batches(spans):
        _add_points(settled, state, view.points(keys, run), lineage, places)
    _add_items(settled, state, view.items(None, run), lineage, places)
    return settled


def _batches(spans: Spans) -> Iterator[Array]:
    keys, place = np.unique(spans.key, return_inverse=True)
    if not len(keys):
        return
    share = np.cumsum(np.bincount(place, spans.n)) // _BATCH_POINTS
    for number in np.unique(share):
        yield ints(keys[share == number].tolist())


def _is_foreign(lineage: Lineage, seg: Array) -> Array:
    if lineage.foreign is None:
        return np.zeros(len(seg), np.bool_)
    foreign: Array = lineage.foreign[np.searchsorted(lineage.seg, seg)]
    return foreign


def _without_others(settled: Settled, key: Array, seg: Array, lineage: Lineage) -> Array:
    """Return which rows count: where the main writer logs a key, only its own."""
    foreign = _is_foreign(lineage, seg)
    own = np.unique(key[~foreign])
    for each in np.setdiff1d(key, own).tolist():
        settled.foreign.add(each)
    settled.foreign.difference_update(own.tolist())
    return ~foreign | ~np.isin(key, own)


@np.errstate(over="ignore", invalid="ignore")
def _add_points(
    settled: Settled, state: RunState, points: Points, lineage: Lineage, places: Mapping[int, Place]
) -> None:
    if not len(points):
        return
    counts = _without_others(settled, points.key, points.seg, lineage)
    points = points.take(counts & ~lineage.hidden(points))
    order = np.lexsort((points.off, lineage.order_of(points.seg), points.key))
    points = points.take(order)
    if not len(points):
        return
    # A step that is logged again without going back replaces its value: it counts once, with the last value.
    life = lineage.life_of(points.seg)
    again = (points.key[1:] == points.key[:-1]) & (life[1:] == life[:-1]) & (points.step[1:] == points.step[:-1])
    points = points.take(np.append(~again, True))
    begin = starts_of(points.key)
    end = np.append(begin[1:], len(points))
    for a, b in zip(begin.tolist(), end.tolist(), strict=True):
        stat = _stat(settled, state, int(points.key[a]))
        value, kind = points.val[a:b], points.kind[a:b]
        finite = np.isfinite(value)
        stat.n, stat.finite = b - a, int(finite.sum())
        stat.sum = float(np.add.accumulate(np.where(finite, value, 0.0))[-1])
        stat.is_int = bool(((kind == INT) | (kind == BIGINT)).all())
        low, high = np.fmin(points.lo[a:b], value)[finite], np.fmax(points.hi[a:b], value)[finite]
        if len(low):
            stat.min, stat.max = float(low.min()), float(high.max())
        stat.first, stat.first_step = float(value[0]), int(points.step[a])
        stat.first_life_us, stat.first_place = _place(places, int(points.seg[a]), int(points.off[a]))
        stat.last, stat.last_step = float(value[-1]), int(points.step[b - 1])
        stat.last_life_us, stat.last_place = _place(places, int(points.seg[b - 1]), int(points.off[b - 1]))


def _add_items(settled: Settled, state: RunState, items: Items, lineage: Lineage, places: Mapping[int, Place]) -> None:
    """Texts and media count beside the numbers of their key; of big integers the points are there already."""
    items = items.take(items.kind != "bigint")
    if not len(items):
        return
    hidden = lineage.hidden(_as_points(items))
    numbers = settled.foreign.copy()
    counts = _without_others(settled, items.key, items.seg, lineage) & ~hidden
    settled.foreign.update(key for key in numbers if key in settled.stats)
    items = items.take(counts)
    if not len(items):
        return
    items = items.take(np.lexsort((items.off, lineage.order_of(items.seg), items.key)))
    begin = starts_of(items.key)
    end = np.append(begin[1:], len(items))
    for a, b in zip(begin.tolist(), end.tolist(), strict=True):
        stat = _stat(settled, state, int(items.key[a]))
        stat.n += b - a
        stat.is_int = False
        first = _place(places, int(items.seg[a]), int(items.off[a]))
        if first < (stat.first_life_us, stat.first_place):
            stat.first, stat.first_text, stat.first_step = None, str(items.ref[a])[:_TEXT_CHARS], int(items.step[a])
            stat.first_life_us, stat.first_place = first
        last = _place(places, int(items.seg[b - 1]), int(items.off[b - 1]))
        if last >= (stat.last_life_us, stat.last_place):
            stat.last, stat.last_text = None, str(items.ref[b - 1])[:_TEXT_CHARS]
            stat.last_step = int(items.step[b - 1])
            stat.last_life_us, stat.last_place = last


def _as_points(items: Items) -> Points:
    none = np.zeros(len(items))
    names = ("run", "key", "step", "attempt", "writer", "ts", "seg", "off")
    return Points(
        **{name: getattr(items, name) for name in names}, val=none, kind=none.astype(np.uint8), lo=none, hi=none
    )


def _stat(settled: Settled, state: RunState, key: int) -> SeriesStat:
    found = settled.stats.get(key)
    if found is None:
        found = settled.stats[key] = SeriesStat(key, state.id, state.entity_id, state.project_id)
    return found


def _place(places: Mapping[int, Place], seg: int, off: int) -> tuple[int, int]:
    """Return what puts a row in order among all of its run, as ``rows.Target.place`` does."""
    place = places[seg]
    return place.life_us, (place.life_index << 40) + off
