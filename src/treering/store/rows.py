"""
Rows to columns: the hot path of ingest.

Rows with the same keys and the same types of values are transposed together, so the cost per value is one step of a
C iterator. A row's values are never looked at one by one in Python unless they are text, media or huge integers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np

from treering.values import to_json

from .columns import BIGINT, BOOL, FLOAT, INT, Array, Items, Points
from .state import SeriesStat

# Integers up to here are exact in a float64.
EXACT_INT: Final = 1 << 53
NO_STEP: Final = -(1 << 62)

_KIND: Final[dict[type, int]] = {float: FLOAT, int: INT, bool: BOOL}
_encode_json = msgspec.json.Encoder().encode


class Head(NamedTuple):
    """Where one key of one life stands."""

    step: int
    attempt: int


NEW: Final = Head(NO_STEP, 0)


@dataclass(slots=True)
class Target:
    """Whose rows these are."""

    run: int
    seg: int
    writer: int
    life_us: int  # when the life began
    life_index: int  # of the segment in its life
    heads: dict[int, Head]  # by key id; of the whole life
    make_keys: Callable[[dict[str, str]], dict[str, int]]  # name → kind, to name → id
    stat: Callable[[int], SeriesStat] | None  # None while rows are replayed that the aggregates already have

    def place(self, off: int) -> tuple[int, int]:
        """Return what puts a row of this segment in order among all rows of its run: its life, and its place in it."""
        return self.life_us, (self.life_index << 40) + off


@dataclass(slots=True)
class Out:
    """Columns made so far."""

    points: list[Points] = field(default_factory=list)
    items: list[Items] = field(default_factory=list)

    @property
    def count(self) -> int:
        return sum(len(p) for p in self.points)


class Rows:
    """Collects the rows of one segment and turns them into columns."""

    def __init__(self) -> None:
        self._groups: dict[tuple[tuple[str, ...], tuple[type, ...]], list[tuple[int, int, int, dict[str, Any]]]] = {}
        self.count = 0
        self.last_step: int | None = None

    def add(self, step: int, time_ns: int, data: dict[str, Any], off: int) -> None:
        shape = (tuple(data), tuple(map(type, data.values())))
        rows = self._groups.get(shape)
        if rows is None:
            self._groups[shape] = [(step, time_ns, off, data)]
        else:
            rows.append((step, time_ns, off, data))
        self.count += 1
        self.last_step = step

    @property
    def lowest_step(self) -> int:
        return min(row[0] for rows in self._groups.values() for row in rows)

    @property
    def highest_step(self) -> int:
        return max(row[0] for rows in self._groups.values() for row in rows)

    def emit(self, target: Target, out: Out) -> None:
        """Append the columns of all rows to *out* and move the heads."""
        columns: dict[str, list[_Column]] = {}
        alone: list[tuple[tuple[str, ...], tuple[type, ...], list[tuple[int, int, int, dict[str, Any]]]]] = []
        owners: dict[str, int] = {}
        for names, _ in self._groups:
            for name in names:
                owners[name] = owners.get(name, 0) + 1
        for (names, types), rows in self._groups.items():
            if all(kind in _KIND for kind in types) and all(owners[name] == 1 for name in names):
                alone.append((names, types, rows))
            else:
                for name, column in _columns(names, types, rows):
                    columns.setdefault(name, []).append(column)
        for names, types, rows in alone:
            _emit_matrix(names, types, rows, target, out)
        for name, parts in columns.items():
            _emit_column(name, _Column.concat(parts), target, out)


class _Column(NamedTuple):
    """The values of one key in logging order."""

    steps: Array
    times: Array
    offs: Array
    values: list[Any]

    @classmethod
    def concat(cls, parts: list[_Column]) -> _Column:
        if len(parts) == 1:
            return parts[0]
        offs = np.concatenate([p.offs for p in parts])
        order = np.argsort(offs, kind="stable")
        values = [value for p in parts for value in p.values]
        return cls(
            np.concatenate([p.steps for p in parts])[order],
            np.concatenate([p.times for p in parts])[order],
            offs[order],
            [values[i] for i in order.tolist()],
        )


def _places(rows: list[tuple[int, int, int, dict[str, Any]]]) -> tuple[Array, Array, Array]:
    count = len(rows)
    steps = np.fromiter((row[0] for row in rows), np.int64, count)
    times = np.fromiter((row[1] for row in rows), np.int64, count) // 1000
    offs = np.fromiter((row[2] for row in rows), np.int64, count)
    return steps, times, offs


def _columns(
    names: tuple[str, ...], types: tuple[type, ...], rows: list[tuple[int, int, int, dict[str, Any]]]
) -> list[tuple[str, _Column]]:
    steps, times, offs = _places(rows)
    values = zip(*(row[3].values() for row in rows), strict=True)
    return [
        (name, _Column(steps, times, offs, list(column)))
        for name, kind, column in zip(names, types, values, strict=True)
        if kind is not type(None)
    ]


def _emit_matrix(
    names: tuple[str, ...],
    types: tuple[type, ...],
    rows: list[tuple[int, int, int, dict[str, Any]]],
    target: Target,
    out: Out,
) -> None:
    """Rows of numbers only, whose keys occur in no other rows here."""
    if not names:
        return
    steps, times, offs = _places(rows)
    shape = (len(rows), len(names))
    try:
        flat = np.fromiter(chain.from_iterable(row[3].values() for row in rows), np.float64, shape[0] * shape[1])
    except OverflowError:  # an integer beyond a float64
        for name, column in _columns(names, types, rows):
            _emit_column(name, column, target, out)
        return
    values = flat.reshape(shape)
    kinds = np.array([_KIND[kind] for kind in types], np.uint8)
    ints = np.flatnonzero(kinds == INT)
    if len(ints) and bool((np.abs(values[:, ints]) >= EXACT_INT).any()):
        for name, column in _columns(names, types, rows):
            _emit_column(name, column, target, out)
        return
    kind_of = dict.fromkeys(names, "number")
    ids = target.make_keys(kind_of)
    emit_values([ids[name] for name in names], steps, times, offs, values, kinds, target, out)


def emit_values(
    ids: list[int],
    steps: Array,
    times: Array,
    offs: Array,
    values: Array,
    kinds: Array,
    target: Target,
    out: Out,
    low: Array | None = None,
    high: Array | None = None,
) -> None:
    """
    Append points of several keys that share their rows.

    *steps*, *times* (microseconds) and *offs* have one entry per row, *values* is rows × keys; *kinds* has one entry
    per key or is rows × keys. *low* and *high* are like *values*, for system metrics.
    """
    rows, width = values.shape
    heads = [target.heads.get(i, NEW) for i in ids]
    back = np.zeros(rows, np.int64)
    if rows > 1:
        back[1:] = steps[1:] < steps[:-1]
        back = np.cumsum(back)
    first_step, last_step = int(steps[0]), int(steps[-1])
    first_attempt = [head.attempt + (first_step < head.step) for head in heads]
    attempts = np.array(first_attempt, np.int64)[:, None] + back[None, :]
    key = np.repeat(np.array(ids, np.int32), rows)
    size = rows * width
    out.points.append(
        Points(
            run=np.full(size, target.run, np.int32),
            key=key,
            step=np.tile(steps, width),
            attempt=attempts.ravel().astype(np.int32),
            writer=np.full(size, target.writer, np.int32),
            ts=np.tile(times, width),
            val=values.T.ravel(),
            kind=np.repeat(kinds, rows) if kinds.ndim == 1 else kinds.T.ravel(),
            seg=np.full(size, target.seg, np.int32),
            off=np.tile(offs, width),
            lo=np.full(size, np.nan) if low is None else low.T.ravel(),
            hi=np.full(size, np.nan) if high is None else high.T.ravel(),
        )
    )
    turns = int(back[-1])
    for i, attempt in zip(ids, first_attempt, strict=True):
        target.heads[i] = Head(last_step, attempt + turns)
    if target.stat is not None:
        places = target.place(int(offs[0])), target.place(int(offs[-1]))
        _update_stats(ids, heads, steps, places, values, kinds, target.stat, low, high)


@np.errstate(over="ignore", invalid="ignore")
def _update_stats(
    ids: list[int],
    heads: list[Head],
    steps: Array,
    places: tuple[tuple[int, int], tuple[int, int]],
    values: Array,
    kinds: Array,
    stat: Callable[[int], SeriesStat],
    low: Array | None,
    high: Array | None,
) -> None:
    finite = np.isfinite(values)
    whole = bool(finite.all())
    # A step that is logged again without going back replaces its value: it counts once, with the last value.
    again = steps[1:] == steps[:-1]
    kept = np.ones(len(steps), np.bool_)
    kept[:-1] = ~again
    count = int(kept.sum())
    counted = values if whole and count == len(steps) else np.where(finite & kept[:, None], values, 0.0)
    finites = np.full(values.shape[1], count) if whole else (finite & kept[:, None]).sum(0)
    lowest = np.fmin.reduce(values if low is None else low, axis=0) if whole else _reduce(np.fmin, values, finite)
    highest = np.fmax.reduce(values if high is None else high, axis=0) if whole else _reduce(np.fmax, values, finite)
    is_int = (kinds == INT) | (kinds == BIGINT) if kinds.ndim == 1 else ((kinds == INT) | (kinds == BIGINT)).all(0)
    first_step, last_step = int(steps[0]), int(steps[-1])
    first_place, last_place = places
    stats = [stat(i) for i in ids]
    # Added up strictly in logging order, so that a rebuild in other portions gives the same bits.
    sums = np.add.accumulate(np.vstack([[s.sum for s in stats], counted]), axis=0)[-1].tolist()
    columns = zip(
        stats,
        heads,
        finites.tolist(),
        sums,
        lowest.tolist(),
        highest.tolist(),
        values[0].tolist(),
        values[-1].tolist(),
        is_int.tolist(),
        strict=True,
    )
    for s, head, n, total, smallest, largest, first, last, whole_number in columns:
        replaced = head.step == first_step and s.n > 0
        s.n += count - replaced
        s.finite += n
        s.sum = total
        if replaced and s.last is not None and abs(s.last) < np.inf:
            s.finite -= 1
            s.sum -= s.last
        if smallest == smallest:  # not NaN
            s.min = smallest if s.min is None or smallest < s.min else s.min
            s.max = largest if s.max is None or largest > s.max else s.max
        if first_place < (s.first_life_us, s.first_place):
            s.first, s.first_step, s.first_text = first, first_step, None
            s.first_life_us, s.first_place = first_place
        if last_place >= (s.last_life_us, s.last_place):
            s.last, s.last_step, s.last_text = last, last_step, None
            s.last_life_us, s.last_place = last_place
        s.is_int = s.is_int and whole_number


def _reduce(reduce: np.ufunc, values: Array, finite: Array) -> Array:
    clean = np.where(finite, values, np.nan)
    result: Array = reduce.reduce(clean, axis=0)
    return result


def _emit_column(name: str, column: _Column, target: Target, out: Out) -> None:
    """One key whose values may be of several kinds."""
    numbers = [i for i, value in enumerate(column.values) if type(value) in _KIND]
    if numbers:
        some = column if len(numbers) == len(column.values) else _pick(column, numbers)
        _emit_numbers(target.make_keys({name: "number"})[name], some, target, out)
    if len(numbers) < len(column.values):
        chosen = set(numbers)
        others = [i for i, value in enumerate(column.values) if i not in chosen and value is not None]
        if others:
            _emit_items(name, _pick(column, others), target, out)


def _pick(column: _Column, rows: list[int]) -> _Column:
    at = np.array(rows, np.int64)
    return _Column(column.steps[at], column.times[at], column.offs[at], [column.values[i] for i in rows])


def _emit_numbers(key: int, column: _Column, target: Target, out: Out) -> None:
    values = np.empty((len(column.values), 1))
    kinds = np.empty((len(column.values), 1), np.uint8)
    big: list[int] = []
    for i, value in enumerate(column.values):
        kinds[i, 0] = _KIND[type(value)]
        if type(value) is int and abs(value) >= EXACT_INT:
            kinds[i, 0] = BIGINT
            big.append(i)
            value = _nearest(value)
        values[i, 0] = value
    if big:
        out.items.append(_items(key, _pick(column, big), [("bigint", str(column.values[i])) for i in big], target))
    emit_values([key], column.steps, column.times, column.offs, values, kinds, target, out)


def _nearest(value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def _emit_items(name: str, column: _Column, target: Target, out: Out) -> None:
    described = [_describe(value) for value in column.values]
    kind = "text" if all(what == "text" for what, _ in described) else "media"
    key = target.make_keys({name: kind})[name]
    out.items.append(_items(key, column, described, target))
    last_step = int(column.steps[-1])
    first_place, last_place = target.place(int(column.offs[0])), target.place(int(column.offs[-1]))
    turns = int((column.steps[1:] < column.steps[:-1]).sum())
    head = target.heads.get(key, NEW)
    target.heads[key] = Head(last_step, head.attempt + (int(column.steps[0]) < head.step) + turns)
    if target.stat is None:
        return
    s = target.stat(key)
    s.n += len(column.values)
    s.is_int = False
    if first_place < (s.first_life_us, s.first_place):
        s.first, s.first_text, s.first_step = None, described[0][1][:1000], int(column.steps[0])
        s.first_life_us, s.first_place = first_place
    if last_place >= (s.last_life_us, s.last_place):
        s.last, s.last_text, s.last_step = None, described[-1][1][:1000], last_step
        s.last_life_us, s.last_place = last_place


def _describe(value: Any) -> tuple[str, str]:
    """Return (kind, text or JSON) of a value that is not a number."""
    if isinstance(value, str):
        return "text", value
    if isinstance(value, dict) and isinstance(value.get("_type"), str):
        return value["_type"], _json(value)
    return "json", _json(value)


def _json(value: Any) -> str:
    return _encode_json(to_json(value)).decode()  # NaN is a word there, not null


def _items(key: int, column: _Column, described: list[tuple[str, str]], target: Target) -> Items:
    size = len(described)
    head = target.heads.get(key, NEW)
    back = np.zeros(size, np.int64)
    back[0] = int(column.steps[0]) < head.step
    back[1:] = column.steps[1:] < column.steps[:-1]
    kinds = np.empty(size, object)
    refs = np.empty(size, object)
    kinds[:] = [kind for kind, _ in described]
    refs[:] = [ref for _, ref in described]
    return Items(
        run=np.full(size, target.run, np.int32),
        key=np.full(size, key, np.int32),
        step=column.steps,
        attempt=(head.attempt + np.cumsum(back)).astype(np.int32),
        writer=np.full(size, target.writer, np.int32),
        ts=column.times,
        kind=kinds,
        ref=refs,
        seg=np.full(size, target.seg, np.int32),
        off=column.offs,
    )
