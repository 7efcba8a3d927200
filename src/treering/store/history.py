"""
History: every row a run logged, complete, in columns.

A row is a ``log()`` call; calls of one writer that follow each other at the same step are one row, the last write
winning per key. ``attempts="all"`` gives every row, segment by segment, so memory stays bounded; ``"latest"`` gives
what a chart draws. Integers stay integers, missing is not NaN. System metrics come only when asked for by key.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

import msgspec
import numpy as np

from treering.errors import InvalidValue

from .columns import BIGINT, BOOL, INT, Array, Items, Points, Spans, ints, starts_of
from .line import Lineage, attempts_of_points, draw
from .metadata import MetadataStore
from .metrics import MetricStore
from .model import HistoryBatch, HistoryColumn
from .state import RunState

_decode_json = msgspec.json.Decoder().decode


def read_history(
    metadata: MetadataStore, metrics: MetricStore, state: RunState, keys: Collection[str] | None, attempts: str
) -> Iterator[HistoryBatch]:
    """Yield batches of rows. Raises InvalidValue at once for another *attempts* than ``all`` or ``latest``."""
    if attempts not in ("all", "latest"):
        raise InvalidValue(f"attempts must be 'all' or 'latest', got {attempts!r}.")
    names = metadata.key_names(metadata.keys_of_run(state.id))
    if keys is None:
        chosen = {number: name for number, (name, kind) in names.items() if kind != "system"}
    else:
        found = metadata.find_keys(state.project_id, "metric", keys)
        chosen = {number: name for name, number in found.items() if number in names}
    return _read(metadata, metrics, state, chosen, latest=attempts == "latest")


def _read(
    metadata: MetadataStore, metrics: MetricStore, state: RunState, keys: dict[int, str], *, latest: bool
) -> Iterator[HistoryBatch]:
    if not keys:
        return
    run, key_ids = np.array([state.id], np.int32), ints(keys)
    segments = metadata.segments(state.id)
    lineage = metadata.lineage([state.id])
    inherited = [strand for strands in metadata.inheritance.strands([state.id]).values() for strand in strands]
    writers = {strand.segment.writer_id: strand.segment.writer for strand in inherited}
    table = _Rows(state, keys, {**writers, **{s.writer_id: s.writer for s in segments}})
    with metrics.view(state.project_id) as view:
        spans, _ = view.spans(key_ids, run)
        if latest:
            points = view.points(key_ids, run)
            line, _ = draw(points, spans, lineage)
            items = latest_items(view.items(key_ids, run), lineage)
            yield from table.batches(line, items, spans, lineage, by_step=True)
            return
        before = _lives([(strand.segment.life, strand.number) for strand in inherited])
        for ids in [*before, *_lives([(s.life, s.id) for s in segments])]:
            points = view.points(key_ids, run, segments=ids)
            items = view.items(key_ids, run, segments=ids)
            yield from table.batches(points, items, spans, lineage, by_step=False)


def _lives(segments: list[tuple[str, int]]) -> list[set[int]]:
    """Segments (life, number) of one life stay together: its rows may go on over the border of two."""
    lives: dict[str, set[int]] = {}
    for life, number in segments:
        lives.setdefault(life, set()).add(number)
    return list(lives.values())


def latest_items(items: Items, lineage: Lineage) -> Items:
    """Return per key and step the item that was written last and is not hidden."""
    if not len(items):
        return items
    as_points = Points(
        **{name: getattr(items, name) for name in ("run", "key", "step", "attempt", "writer", "ts", "seg", "off")},
        val=np.zeros(len(items)),
        kind=np.zeros(len(items), np.uint8),
        lo=np.zeros(len(items)),
        hi=np.zeros(len(items)),
    )
    shown = np.flatnonzero(~lineage.hidden(as_points))
    order = shown[
        np.lexsort((items.off[shown], lineage.order_of(items.seg[shown]), items.step[shown], items.key[shown]))
    ]
    sorted_items = items.take(order)
    begin = starts_of(sorted_items.key, sorted_items.step)
    return sorted_items.take(np.append(begin[1:], len(sorted_items)) - 1) if len(begin) else sorted_items


class _Rows:
    """Turns points and items into rows."""

    def __init__(self, state: RunState, keys: dict[int, str], writers: dict[int, str]) -> None:
        self._state = state
        self._keys = keys
        self._writers = writers

    def batches(
        self, points: Points, items: Items, spans: Spans, lineage: Lineage, *, by_step: bool
    ) -> Iterator[HistoryBatch]:
        if not len(points) and not len(items):
            return
        attempts = np.concatenate(
            [
                attempts_of_points(points, spans, lineage) if len(points) else np.empty(0, np.int64),
                items.attempt.astype(np.int64),
            ]
        )

        def both(name: str) -> Array:
            return np.concatenate([getattr(points, name), getattr(items, name)])

        step, writer, ts, off, key = both("step"), both("writer"), both("ts"), both("off"), both("key")
        place = lineage.order_of(both("seg"))
        if by_step:
            order = np.lexsort((off, place, step, writer))
            begins = starts_of(writer[order], step[order])
        else:
            order = np.lexsort((off, place, writer))
            begins = _row_starts(order, writer, place, off, step)
        row_of = np.empty(len(order), np.int64)
        row_of[order] = np.cumsum(np.bincount(begins, minlength=len(order))) - 1
        first = order[begins]
        top = np.full(len(begins), -1, np.int64)
        np.maximum.at(top, row_of, attempts)
        newest = np.full(len(begins), np.iinfo(np.int64).min, np.int64)
        np.maximum.at(newest, row_of, ts)
        sorting = np.argsort(step[first], kind="stable") if by_step else np.arange(len(begins))
        rank = np.empty(len(begins), np.int64)
        rank[sorting] = np.arange(len(begins))
        columns = self._columns(points, items, key, rank[row_of], off, place, len(begins))
        newest = newest[sorting]
        yield HistoryBatch(
            step=step[first][sorting],
            attempt=top[sorting],
            writer=[self._writers.get(int(w), "") for w in writer[first][sorting].tolist()],
            timestamp=newest / 1e6,
            runtime=(newest - self._state.created_ns // 1000) / 1e6,
            columns=columns,
        )

    def _columns(
        self, points: Points, items: Items, key: Array, row: Array, off: Array, place: Array, rows: int
    ) -> list[HistoryColumn]:
        columns = []
        count = len(points)
        for number, name in sorted(self._keys.items(), key=lambda pair: pair[1]):
            mine = np.flatnonzero(key == number)
            if not len(mine):
                continue
            # The last write of a row wins: later ones overwrite earlier ones below.
            mine = mine[np.lexsort((off[mine], place[mine]))]
            numbers, others = mine[mine < count], mine[mine >= count] - count
            columns.append(_column(name, points.take(numbers), row[numbers], items, others, row[others + count], rows))
        return columns


def _row_starts(order: Array, writer: Array, place: Array, off: Array, step: Array) -> Array:
    """Return where a new row begins: another log() call, unless it repeats the step of the call before."""
    w, s = writer[order], step[order]
    new = np.ones(len(order), np.bool_)
    new[1:] = (w[1:] != w[:-1]) | (s[1:] != s[:-1])
    return np.flatnonzero(new)


def _column(
    name: str, numbers: Points, number_rows: Array, items: Items, item_places: Array, item_rows: Array, rows: int
) -> HistoryColumn:
    present = np.zeros(rows, np.bool_)
    present[number_rows] = True
    present[item_rows] = True
    kinds = set(np.unique(numbers.kind).tolist())
    if not len(item_places) and len(kinds) == 1 and kinds <= {0, INT, BOOL}:
        kind = kinds.pop()
        dtype, label = {0: ("f8", "float"), INT: ("i8", "int"), BOOL: ("?", "bool")}[kind]
        values = np.zeros(rows, dtype)
        values[number_rows] = numbers.val.astype(dtype)
        return HistoryColumn(name, label, values, present)
    mixed = np.empty(rows, object)
    for row, value, kind in zip(number_rows.tolist(), numbers.val.tolist(), numbers.kind.tolist(), strict=True):
        mixed[row] = _number(value, kind)
    for row, place in zip(item_rows.tolist(), item_places.tolist(), strict=True):
        mixed[row] = _item(items.kind[place], items.ref[place])
    return HistoryColumn(name, "object", mixed, present)


def _number(value: float, kind: int) -> Any:
    if kind == BOOL:
        return bool(value)
    if kind == INT or (kind == BIGINT and value == value and abs(value) < float("inf")):
        return int(value)
    return value


def _item(kind: str, ref: str) -> Any:
    if kind == "text":
        return ref
    if kind == "bigint":
        return int(ref)
    return _decode_json(ref)
