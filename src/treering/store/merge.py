"""
Merging parts: the number of files a query opens grows with the logarithm of the points, not with the points.

Parts are sorted into tiers by size; four of one tier become one of the next.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Final

import numpy as np

from .columns import Array, Points, Rollups, Spans, rows_in, series_id, starts_of
from .manifest import PartInfo
from .parts import (
    Engine,
    files,
    path_of,
    read_marks,
    read_table,
    sync_folders,
    write_marks,
    write_rollups,
)
from .rollups import add_up, finest, levels, merge_spans, sort_rollups
from .tail import Mark, sort_points

FAN_IN: Final = 4
# Beyond this a part is left alone: merging it again would rewrite gigabytes to save one file.
MERGED_MAX_POINTS: Final = 64_000_000
# Points in memory at once while rollups are computed: about 30 MB.
BATCH_POINTS: Final = 500_000


def choose(parts: list[PartInfo]) -> list[PartInfo]:
    """Return the parts of one project to merge next; empty if none are due."""
    tiers: defaultdict[int, list[PartInfo]] = defaultdict(list)
    for part in parts:
        tiers[tier(part)].append(part)
    for number in sorted(tiers):
        members = tiers[number][:FAN_IN]
        if len(members) == FAN_IN and sum(part.points for part in members) <= MERGED_MAX_POINTS:
            return members
    return []


def tier(part: PartInfo) -> int:
    """Return the size class: 0 up to 1,000 points or items, then a factor of 4 each."""
    size = max(part.points, part.items)
    number = 0
    while size > 1_000 * FAN_IN**number:
        number += 1
    return number


def write(engine: Engine, folder: Path, name: str, parts: list[PartInfo], *, without: Array | None = None) -> PartInfo:
    """
    Write the union of *parts* as the files of a part called *name*; the manifest is the caller's.

    Rows of the runs *without* (sorted numbers) are left out.
    """
    project = parts[0].project
    kept = "true" if without is None else f"run not in ({', '.join(map(str, without.tolist()))})"
    with_points = [part for part in parts if part.points]
    with_items = [part for part in parts if part.items]
    items, points = sum(part.items for part in with_items), sum(part.points for part in with_points)
    if without is not None:
        points = sum(_count(engine, files(folder, "spans", [old]), kept, "n") for old in with_points)
        items = sum(_count(engine, files(folder, "items", [old]), kept) for old in with_items)
    part = PartInfo(name, project, points, 0, items)
    rollups = Rollups.empty()
    if points:
        source = files(folder, "points", with_points)
        engine.copy(
            f"select * from {source} where {kept} order by key, run, step, seg, off",  # noqa: S608
            path_of(folder, "points", part),
        )
        spans = merge_spans([read_table(engine, Spans, files(folder, "spans", [p]), kept) for p in with_points])
        engine.copy("select * from spans", path_of(folder, "spans", part), {"spans": spans.columns()})
        rollups = _rollups(engine, folder, part, with_points, spans, kept)
    if len(rollups):
        write_rollups(engine, folder, part, rollups)
    if items:
        source = files(folder, "items", with_items)
        engine.copy(
            f"select * from {source} where {kept} order by key, run, step, seg, off",  # noqa: S608
            path_of(folder, "items", part),
            rows=4_096,
        )
    marks: dict[int, Mark] = {}
    for old in parts:
        for seg, mark in read_marks(folder, old).items():
            if seg not in marks or marks[seg].offset < mark.offset:
                marks[seg] = mark
    write_marks(folder, part, marks)
    sync_folders(folder)
    return PartInfo(name, project, points, len(rollups), items)


def _count(engine: Engine, source: str, where: str, column: str = "") -> int:
    """Return how many rows there are, or the sum of a column."""
    what = f"coalesce(sum({column}), 0)" if column else "count(*)"
    return int(engine.fetch(f"select {what}::bigint as n from {source} where {where}")["n"][0])  # noqa: S608


def _rollups(engine: Engine, folder: Path, part: PartInfo, inputs: list[PartInfo], spans: Spans, where: str) -> Rollups:
    """
    Return the rollups of a merged part.

    Most series keep their finest level: then its rows are taken from the inputs, and a bucket that two inputs share
    is added up. The others (too short for rollups before, or of another density now) are computed from their points.
    """
    at = starts_of(spans.key, spans.run)
    ids, base = series_id(spans.key[at], spans.run[at]), spans.base[at]
    same = base >= 0
    for old in inputs:
        its = read_table(engine, Spans, files(folder, "spans", [old]), where, ("run", "key", "base"))
        if not len(its):
            continue
        begin = starts_of(its.key, its.run)
        row = np.searchsorted(ids, series_id(its.key[begin], its.run[begin]))
        same[row] &= its.base[begin] == base[row]
    done: list[Rollups] = []
    rolled = [old for old in inputs if old.rollups]
    if rolled and same.any():
        got = read_table(engine, Rollups, files(folder, "roll", rolled), where)
        row = np.minimum(np.searchsorted(ids, series_id(got.key, got.run)), len(ids) - 1)
        finest_rows = got.take(same[row] & (got.shift == base[row]))
        done.append(levels(add_up(finest_rows)))
    rest = spans.take(np.repeat(~same, np.diff(np.append(at, len(spans)))))
    done.append(compute_rollups(engine, files(folder, "points", [part]), rest))
    return sort_rollups(Rollups.concat([some for some in done if len(some)]))


def compute_rollups(engine: Engine, source: str, spans: Spans) -> Rollups:
    """Read a sorted points file in batches and return all rollup levels of the series in *spans*."""
    done: list[Rollups] = []
    rolled = spans.take(spans.base >= 0)
    at = starts_of(rolled.key, rolled.run)
    if not len(at):
        return Rollups.empty()
    n = np.add.reduceat(rolled.n, at)
    ids = series_id(rolled.key[at], rolled.run[at])
    batch = np.cumsum(n) // BATCH_POINTS
    cuts = starts_of(batch)
    for begin, end in zip(cuts, np.append(cuts[1:], len(at)), strict=True):
        if int(n[begin:end].sum()) <= 2 * BATCH_POINTS or end - begin > 1:
            done.append(levels(_read_finest(engine, source, spans, ids[begin], ids[end - 1], "true")))
        else:
            done.append(levels(_in_pieces(engine, source, spans, rolled, int(at[begin]), int(ids[begin]))))
    return sort_rollups(Rollups.concat(done))


def _in_pieces(engine: Engine, source: str, spans: Spans, rolled: Spans, row: int, series: int) -> Rollups:
    """Return the finest level of one series that is too long to be read at once."""
    mine = rolled.take((rolled.key == rolled.key[row]) & (rolled.run == rolled.run[row]))
    first, last = int(mine.first_step.min()), int(mine.last_step.max())
    shift = int(mine.base[0])
    pieces = -(-int(mine.n.sum()) // BATCH_POINTS)
    width = ((last - first) // pieces >> shift) + 1 << shift  # whole buckets
    begin = first >> shift << shift
    done: list[Rollups] = []
    while begin <= last:
        where = f"step >= {begin} and step < {begin + width}"
        done.append(_read_finest(engine, source, spans, series, series, where))
        begin += width
    return Rollups.concat([piece for piece in done if len(piece)])


def _read_finest(engine: Engine, source: str, spans: Spans, low: int, high: int, where: str) -> Rollups:
    columns = ("run", "key", "step", "ts", "val", "lo", "hi", "seg", "off")
    keys = f"key between {int(low) >> 32} and {int(high) >> 32}"
    bounds = f"(key::bigint << 32 | run::bigint) between {int(low)} and {int(high)}"
    points = read_table(engine, Points, source, f"{keys} and {bounds} and {where}", columns)
    points = points.take(rows_in(_ids(spans), points.key, points.run) >= 0)
    return finest(sort_points(points), spans)


def _ids(spans: Spans) -> Array:
    at = starts_of(spans.key, spans.run)
    return series_id(spans.key[at], spans.run[at])
