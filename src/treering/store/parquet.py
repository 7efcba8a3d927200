"""The metric store of one machine: a tail in memory, Parquet parts in the index folder, DuckDB to read them."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import OrderedDict
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import numpy as np

from treering.limits import FLUSH_POINTS, TAIL_BUDGET_BYTES

from . import merge
from .columns import Array, Items, Points, Rollups, Spans, series_id
from .manifest import Manifest, PartInfo, read_manifest, sync_folder, write_manifest
from .parts import FOLDERS, Engine, TableType, files, path_of, read_marks, read_table, write_part
from .recent import SELECTION_MAX_POINTS, RecentPoints
from .rollups import finest, levels, spans_of
from .tail import Chunk, Mark, Tail, ranges, rows_of, sort_together

# Of run log that a crash makes the next start read again: 2 s.
REPLAY_MAX_BYTES: Final = 256 * 1024 * 1024
# And of segments: opening one takes 0.3 ms, however little is new in it. Thousands of live runs are in every tail,
# so a tail that is younger is left alone: parts of a second each would have to be merged all the time.
REPLAY_MAX_SEGMENTS: Final = 1_024
REPLAY_YOUNG_S: Final = 10.0
SPAN_CACHE_BYTES: Final = 32 * 1024 * 1024


class _Frozen:
    """A tail that is being written as a part. Readers see it until the manifest names the part."""

    def __init__(self, project: int, tail: Tail) -> None:
        self.project = project
        self.chunks = tail.snapshot()
        self.items = tail.items
        self.marks = dict(tail.marks)
        self.points = tail.points
        self.nbytes = tail.nbytes


class ParquetMetrics:
    """See ``MetricStore``. One process at a time may use a folder (``owner`` sees to that)."""

    def __init__(
        self,
        folder: Path,
        index_id: str,
        *,
        flush_points: int = FLUSH_POINTS,
        budget_bytes: int = TAIL_BUDGET_BYTES,
        background: bool = True,
    ) -> None:
        self._folder = folder
        self._flush_points = flush_points
        self._budget_bytes = budget_bytes
        self._lock = threading.Lock()
        self._tails: dict[int, Tail] = {}
        self._frozen: list[_Frozen] = []
        self._writing: list[Future[None]] = []
        self._merging = True
        self._users: dict[str, int] = {}  # part name → open views
        self._dropped: set[str] = set()  # merged away, to be deleted when nobody reads them
        self._spans: OrderedDict[str, Spans] = OrderedDict()
        self.recent = RecentPoints()
        for kind in FOLDERS:
            (folder / kind).mkdir(parents=True, exist_ok=True)
        self._engine = Engine(folder / "scratch")
        # One worker: parts are written in order, so marks never overtake the points they stand for.
        self._worker = ThreadPoolExecutor(1, "treering-parts") if background else None
        manifest = read_manifest(folder / "manifest.json")
        if manifest is None or manifest.index_id != index_id:
            self._manifest = Manifest(index_id)
            self._durable: dict[int, Mark] = {}
            write_manifest(folder / "manifest.json", self._manifest)
        else:
            self._manifest = manifest
            self._durable = self._read_marks()
        self._marks = dict(self._durable)
        self._remove_strangers()

    # ── writing ─────────────────────────────────────────────────────────────────────────────────────────────────

    def marks(self) -> dict[int, Mark]:
        with self._lock:
            return dict(self._marks)

    def durable_marks(self) -> dict[int, Mark]:
        with self._lock:
            return dict(self._durable)

    def append(self, project: int, points: Points, items: Items, marks: Mapping[int, Mark]) -> None:
        with self._lock:
            self._marks.update(marks)
            tail = self._tails.get(project)
            if tail is None:
                tail = self._tails[project] = Tail(begun_s=time.monotonic())
            tail.append(points, items, marks)
            full = tail.points >= self._flush_points or tail.log_bytes >= REPLAY_MAX_BYTES
            due = [project] if full else self._over_budget()
        for number in due:
            self._start_flush(number)
        self._await(1)

    def _over_budget(self) -> list[int]:
        if sum(tail.nbytes for tail in self._tails.values()) < self._budget_bytes:
            return []
        return [max(self._tails, key=lambda number: self._tails[number].nbytes)]

    @contextmanager
    def merges_later(self) -> Iterator[None]:
        """While much is written at once, only write parts; on leaving, merging begins in the background."""
        self._merging = False
        try:
            yield
        finally:
            self._merging = True
            with self._lock:
                projects = sorted({part.project for part in self._manifest.parts})
            for project in projects:
                if self._worker is None:
                    self._merge(project)
                else:
                    self._writing.append(self._worker.submit(self._merge, project))

    def bound_replay(self) -> None:
        begun_before = time.monotonic() - REPLAY_YOUNG_S
        with self._lock:
            due = [
                number
                for number, tail in self._tails.items()
                if len(tail.marks) >= REPLAY_MAX_SEGMENTS and tail.begun_s < begun_before
            ]
        for number in due:
            self._start_flush(number)
        self._await(1)

    def flush(self) -> None:
        with self._lock:
            due = [number for number, tail in self._tails.items() if tail.marks]
        for number in due:
            self._start_flush(number)
        self._await(0)

    def _start_flush(self, project: int) -> None:
        with self._lock:
            tail = self._tails.pop(project, None)
            if tail is None:
                return
            frozen = _Frozen(project, tail)
            self._frozen.append(frozen)
        if self._worker is None:
            self._write_frozen()
        else:
            self._writing.append(self._worker.submit(self._write_frozen))

    def _write_frozen(self) -> None:
        """
        Write what waits as parts, the oldest first. One that a full disk refused is tried again before any later one:
        the marks of a later part would say that its points are stored.
        """
        while True:
            with self._lock:
                if not self._frozen:
                    return
                oldest = self._frozen[0]
            self._write(oldest)

    def _await(self, most: int) -> None:
        """Wait until at most *most* flushes are under way; a failed one raises here, in the thread that appends."""
        while len(self._writing) > most or (self._writing and self._writing[0].done()):
            self._writing.pop(0).result()

    def _write(self, frozen: _Frozen) -> None:
        if len(frozen.chunks) > 1:
            chunk = Chunk(sort_together([chunk.points for chunk in frozen.chunks]))
            with self._lock:
                frozen.chunks = [chunk]  # readers take this one now, and the others' memory is free
        points = frozen.chunks[0].points if frozen.chunks else Points.empty()
        spans = spans_of(points)
        rollups = levels(finest(points, spans))
        items = Items.concat(frozen.items)
        with self._lock:
            number = self._manifest.next_part
        part = PartInfo(f"{number:08d}", frozen.project, len(points), len(rollups), len(items))
        write_part(self._engine, self._folder, part, points, rollups, spans, items, frozen.marks)
        self._commit(part, [], frozen)
        if self._merging:
            self._merge(frozen.project)

    def _merge(self, project: int) -> None:
        while True:
            with self._lock:
                parts = [part for part in self._manifest.parts if part.project == project]
                number = self._manifest.next_part
            chosen = merge.choose(parts)
            if not chosen:
                return
            part = merge.write(self._engine, self._folder, f"{number:08d}", chosen)
            self._commit(part, chosen, None)

    def forget_runs(self, projects: Collection[int], runs: Collection[int]) -> None:
        self.flush()
        gone = np.array(sorted(runs), np.int32)
        if self._worker is None:
            self._write_without(projects, gone)
        else:
            self._worker.submit(self._write_without, projects, gone).result()

    def _write_without(self, projects: Collection[int], runs: Array) -> None:
        with self._lock:
            parts = [part for part in self._manifest.parts if part.project in projects]
        for part in parts:
            if not self._holds(part, runs):
                continue
            with self._lock:
                number = self._manifest.next_part
            self._commit(merge.write(self._engine, self._folder, f"{number:08d}", [part], without=runs), [part], None)

    def _holds(self, part: PartInfo, runs: Array) -> bool:
        if part.points and np.isin(self.part_spans(part).run, runs).any():
            return True
        return bool(part.items) and len(self.read_items([part], _in("run", runs), ("run",))) > 0

    def _commit(self, part: PartInfo, replaces: list[PartInfo], frozen: _Frozen | None) -> None:
        """Name *part* in the manifest; in that instant readers stop seeing what it replaces or was frozen for it."""
        gone = {old.name for old in replaces}
        with self._lock:
            old = self._manifest
            parts = [*(kept for kept in old.parts if kept.name not in gone), part]
            manifest = Manifest(old.index_id, old.next_part + 1, parts)
            write_manifest(self._folder / "manifest.json", manifest)
            self._manifest = manifest
            if frozen is not None:
                self._durable.update(frozen.marks)
                self._frozen.remove(frozen)
            self._dropped |= gone
            self._delete_unused()

    def _delete_unused(self) -> None:
        unused = [name for name in self._dropped if not self._users.get(name)]
        if unused:
            self.recent.forget(unused)
        for name in unused:
            self._dropped.discard(name)
            self._spans.pop(name, None)
            for kind in FOLDERS:
                path_of(self._folder, kind, PartInfo(name, 0, 0, 0, 0)).unlink(missing_ok=True)

    def _read_marks(self) -> dict[int, Mark]:
        marks: dict[int, Mark] = {}
        for part in self._manifest.parts:
            for seg, mark in read_marks(self._folder, part).items():
                if seg not in marks or marks[seg].offset < mark.offset:
                    marks[seg] = mark
        return marks

    def _remove_strangers(self) -> None:
        """Delete what a crash left: files that the manifest does not name."""
        known = {part.name for part in self._manifest.parts}
        for kind in FOLDERS:
            for path in (self._folder / kind).iterdir():
                if path.name.partition(".")[0] not in known or path.suffix == ".tmp":
                    path.unlink(missing_ok=True)

    def clear(self, index_id: str) -> None:
        with contextlib.suppress(Exception):
            self._await(0)
        with self._lock:
            self._tails.clear()
            self._frozen.clear()
            self._marks, self._durable = {}, {}
            self._dropped |= {part.name for part in self._manifest.parts}
            self._manifest = Manifest(index_id, self._manifest.next_part)
            write_manifest(self._folder / "manifest.json", self._manifest)
            self._delete_unused()
        sync_folder(self._folder)

    def close(self) -> None:
        if self._worker is not None:
            self._worker.shutdown(wait=True)
        self._engine.close()

    # ── reading ─────────────────────────────────────────────────────────────────────────────────────────────────

    @contextmanager
    def view(self, project: int) -> Iterator[_View]:
        with self._lock:
            parts = [part for part in self._manifest.parts if part.project == project]
            chunks: list[Chunk] = []
            items: list[Items] = []
            for frozen in self._frozen:
                if frozen.project == project:
                    chunks += frozen.chunks
                    items += frozen.items
            tail = self._tails.get(project)
            if tail is not None:
                chunks += tail.snapshot()
                items += tail.items
            for part in parts:
                self._users[part.name] = self._users.get(part.name, 0) + 1
        try:
            yield _View(self, parts, chunks, items)
        finally:
            with self._lock:
                for part in parts:
                    self._users[part.name] -= 1
                    if not self._users[part.name]:
                        del self._users[part.name]
                self._delete_unused()

    def part_spans(self, part: PartInfo) -> Spans:
        """Return all spans of a part; those of recently used parts stay in memory, within a budget."""
        with self._lock:
            spans = self._spans.get(part.name)
            if spans is not None:
                self._spans.move_to_end(part.name)
                return spans
        spans = read_table(self._engine, Spans, files(self._folder, "spans", [part]), "true")
        with self._lock:
            self._spans[part.name] = spans
            while len(self._spans) > 1 and sum(s.nbytes for s in self._spans.values()) > SPAN_CACHE_BYTES:
                self._spans.popitem(last=False)
        return spans

    def read_points(self, part: list[PartInfo], where: str, columns: Collection[str] | None) -> Points:
        return read_table(self._engine, Points, files(self._folder, "points", part), where, columns)

    def read_rollups(self, parts: list[PartInfo], where: str) -> Rollups:
        return read_table(self._engine, Rollups, files(self._folder, "roll", parts), where)

    def read_items(self, parts: list[PartInfo], where: str, columns: Collection[str] | None = None) -> Items:
        return read_table(self._engine, Items, files(self._folder, "items", parts), where, columns)


class _View:
    """See ``MetricView``. Parts are numbered from 0 in manifest order; the tail's chunks follow."""

    def __init__(self, store: ParquetMetrics, parts: list[PartInfo], chunks: list[Chunk], items: list[Items]) -> None:
        self._store = store
        self._parts = parts
        self._chunks = chunks
        self._items = items

    def spans(self, keys: Array | None, runs: Array | None) -> tuple[Spans, Array]:
        found: list[Spans] = []
        where: list[Array] = []
        for number, part in enumerate(self._parts):
            if part.points:
                found.append(_choose_spans(self._store.part_spans(part), keys, runs))
                where.append(np.full(len(found[-1]), number, np.int32))
        for number, chunk in enumerate(self._chunks, len(self._parts)):
            found.append(_choose_spans(chunk.spans, keys, runs))
            where.append(np.full(len(found[-1]), number, np.int32))
        return Spans.concat(found), np.concatenate(where) if where else np.empty(0, np.int32)

    def points(
        self,
        keys: Array | None,
        runs: Array | None,
        *,
        parts: Collection[int] | None = None,
        steps: tuple[int, int] | None = None,
        times: tuple[int, int] | None = None,
        segments: Collection[int] | None = None,
        columns: Collection[str] | None = None,
    ) -> Points:
        if _is_empty(keys) or _is_empty(runs):
            return Points.empty()
        found: list[Points] = []
        chosen = [p for n, p in enumerate(self._parts) if p.points and (parts is None or n in parts)]
        if chosen and keys is not None and runs is not None and segments is None:
            small, chosen = self._small(chosen, keys, runs, columns)
            found += [_within(points, steps, times) for points in small]
        if chosen:
            terms = [_in("key", keys), _in("run", runs)]
            if steps is not None:
                terms.append(f"step between {int(steps[0])} and {int(steps[1])}")
            if times is not None:
                terms.append(f"ts between {int(times[0])} and {int(times[1])}")
            if segments is not None:
                terms.append(_in("seg", np.array(sorted(segments), np.int32)))
            got = self._store.read_points(chosen, " and ".join(terms), columns)
            found.append(_without_strangers(got, keys, runs))
        for number, chunk in enumerate(self._chunks, len(self._parts)):
            if parts is None or number in parts:
                found.append(_choose_points(chunk, keys, runs, steps, times, segments, columns))
        return Points.concat([p for p in found if len(p)])

    def _small(
        self, parts: list[PartInfo], keys: Array, runs: Array, columns: Collection[str] | None
    ) -> tuple[list[Points], list[PartInfo]]:
        """Return the points of *keys* × *runs* in each part that has few of them, and the parts that have more."""
        selection = (keys.tobytes(), runs.tobytes(), None if columns is None else frozenset(columns))
        small: list[Points] = []
        large: list[PartInfo] = []
        for part in parts:
            points = self._store.recent.get(part.name, selection)
            if points is None:
                count = int(_choose_spans(self._store.part_spans(part), keys, runs).n.sum())
                if count > SELECTION_MAX_POINTS:
                    large.append(part)
                    continue
                points = Points.empty()
                if count:
                    got = self._store.read_points([part], f"{_in('key', keys)} and {_in('run', runs)}", columns)
                    points = _without_strangers(got, keys, runs)
                self._store.recent.put(part.name, selection, points)
            small.append(points)
        return small, large

    def rollups(
        self,
        keys: Array,
        runs: Array,
        *,
        parts: Collection[int],
        shift: int,
        steps: tuple[int, int] | None = None,
        times: tuple[int, int] | None = None,
    ) -> Rollups:
        chosen = [part for number, part in enumerate(self._parts) if number in parts and part.rollups]
        if not chosen or not len(keys) or not len(runs):
            return Rollups.empty()
        # One level of each series fits; files are sorted by level, so that the others are not even read.
        terms = [_in("key", keys), _in("run", runs), f"shift <= {shift} and until >= {shift}"]
        if steps is not None:
            terms.append(f"last_step >= {int(steps[0])} and first_step <= {int(steps[1])}")
        if times is not None:
            terms.append(f"max_ts >= {int(times[0])} and min_ts <= {int(times[1])}")
        got = self._store.read_rollups(chosen, " and ".join(terms))
        return _without_strangers(got, keys, runs)

    def items(self, keys: Array | None, runs: Array | None, *, segments: Collection[int] | None = None) -> Items:
        found: list[Items] = []
        chosen = [part for part in self._parts if part.items]
        if chosen and not _is_empty(keys) and not _is_empty(runs):
            terms = [_in("key", keys), _in("run", runs)]
            if segments is not None:
                terms.append(_in("seg", np.array(sorted(segments), np.int32)))
            found.append(_exactly(self._store.read_items(chosen, " and ".join(terms)), keys, runs))
        for items in self._items:
            keep = np.ones(len(items), np.bool_)
            if segments is not None:
                keep &= np.isin(items.seg, list(segments))
            found.append(_exactly(items.take(keep), keys, runs))
        return Items.concat([p for p in found if len(p)])


def _is_empty(values: Array | None) -> bool:
    return values is not None and not len(values)


def _in(column: str, values: Array | None) -> str:
    """Return a condition that holds for all of *values* and perhaps some between; see ``_without_strangers``."""
    if values is None:
        return "true"
    low, high = int(values[0]), int(values[-1])
    if low == high:
        return f"{column} = {low}"
    # A range is pruned and checked faster than a list, and numpy drops the few strangers faster than SQL does.
    if (high - low + 1) <= 2 * len(values):
        return f"{column} between {low} and {high}"
    return f"{column} in ({', '.join(map(str, values.tolist()))})"


def _without_strangers(table: TableType, keys: Array | None, runs: Array | None) -> TableType:
    """Drop rows that only the range of ``_in`` let through."""
    gaps = [values is not None and len(values) != int(values[-1]) - int(values[0]) + 1 for values in (keys, runs)]
    return _exactly(table, keys, runs) if any(gaps) else table


def _exactly(table: TableType, keys: Array | None, runs: Array | None) -> TableType:
    """Drop rows of series that were not asked for but lie in the range of a condition."""
    keep: Array | None = None
    for values, column in ((keys, table.columns()["key"]), (runs, table.columns()["run"])):
        if values is not None and len(values) != int(values[-1]) - int(values[0]) + 1:
            mask = np.isin(column, values)
            keep = mask if keep is None else keep & mask
        elif values is not None and len(column):
            mask = (column >= values[0]) & (column <= values[-1])
            if not mask.all():
                keep = mask if keep is None else keep & mask
    return table if keep is None or bool(keep.all()) else table.take(keep)


def _choose_spans(spans: Spans, keys: Array | None, runs: Array | None) -> Spans:
    """Spans are sorted by key and run."""
    if keys is not None and len(keys) <= 64:
        left = np.searchsorted(spans.key, keys, "left")
        right = np.searchsorted(spans.key, keys, "right")
        if runs is not None and len(runs) <= 64:
            ids = series_id(spans.key, spans.run)
            wanted = (keys.astype(np.int64)[:, None] << 32 | runs.astype(np.int64)[None, :]).ravel()
            return spans.take(rows_of(ids, wanted))
        spans = spans.take(ranges(left, right))
        keys = None
    if _is_empty(keys) or _is_empty(runs):
        return Spans.empty()
    return _exactly(spans, keys, runs) if len(spans) else spans


def _choose_points(
    chunk: Chunk,
    keys: Array | None,
    runs: Array | None,
    steps: tuple[int, int] | None,
    times: tuple[int, int] | None,
    segments: Collection[int] | None,
    columns: Collection[str] | None,
) -> Points:
    points = chunk.points
    if keys is not None and runs is not None and len(keys) * len(runs) <= len(points):
        wanted = (keys.astype(np.int64)[:, None] << 32 | runs.astype(np.int64)[None, :]).ravel()
        rows = chunk.rows(wanted)
        for bounds, column in ((steps, points.step), (times, points.ts)):
            if bounds is not None:
                at = column[rows]
                rows = rows[(at >= bounds[0]) & (at <= bounds[1])]
        if segments is not None:
            rows = rows[np.isin(points.seg[rows], list(segments))]
        return points.choose(rows, columns)
    points = _exactly(points, keys, runs) if len(points) else points
    if segments is not None:
        points = points.take(np.isin(points.seg, list(segments)))
    return _within(points, steps, times)


def _within(points: Points, steps: tuple[int, int] | None, times: tuple[int, int] | None) -> Points:
    """Return the points inside of both bounds."""
    keep = np.ones(len(points), np.bool_)
    if steps is not None:
        keep &= (points.step >= steps[0]) & (points.step <= steps[1])
    if times is not None:
        keep &= (points.ts >= times[0]) & (points.ts <= times[1])
    return points if bool(keep.all()) else points.take(keep)
