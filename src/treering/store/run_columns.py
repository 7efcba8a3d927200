"""
Columns of runs: one value per run, wherever it stands.

================================  ==============================================================================
``by``                            where it is read
================================  ==============================================================================
a name of ``query.COLUMNS``       the runs table; ``tags`` as a list
``config.<key>``                  attrs; texts and lists as the filter sees them, cut at 1,000 characters
``summary.<key>``                 attrs: what was written into ``run.summary``
``metric:<key>``                  the heads of the series; the points alone for the aggregates ``at`` and ``when``
``meta.<dotted path>``            the runs' documents: what was recorded of how they came about
================================  ==============================================================================

A run that lacks a value has None, which is not NaN.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from treering.errors import InvalidValue, LimitExceeded
from treering.limits import COLUMN_DOCUMENTS_MAX_RUNS, COLUMN_MAX_VALUES, COLUMN_READ_MAX_RUNS

from . import schema as t
from .attrs import from_attr
from .column_points import read_at_steps
from .filter_sql import COLUMN
from .index_rows import decode_number
from .metadata import MetadataStore, ProjectRef
from .metrics import MetricStore
from .model import Column
from .query import AGGREGATES, COLUMNS
from .selection import one_of

__all__ = [
    "ColumnSource",
    "PointSource",
    "Values",
    "check_column",
    "column_label",
    "is_number",
    "kind_of",
    "meta_value",
    "needs_record",
]

r = t.runs.c

AT_STEP: Final = ("at", "when")
_SPACES: Final = ("config.", "summary.")
# Below such a share of a project's runs each is looked up; above, the key's whole range is read.
_MOST: Final = 0.6
_DENSE: Final = 1.5

_META_HIDDEN: Final = frozenset({"name", "notes", "tags", "group", "job_type", "folder", "parent"})


class _About(msgspec.Struct):
    """What a document says of how its run came about; the rest of it is passed over."""

    meta: dict[str, Any] = {}
    facts: dict[str, Any] = {}


_decode_about: Final = msgspec.msgpack.Decoder(_About).decode


@dataclass(frozen=True, slots=True)
class Values:
    """A column and its value of each run asked for, None where it is missing."""

    column: Column
    values: list[Any]


def check_column(column: Column) -> None:
    """
    Check that a column can be read.

    Raises:
        InvalidValue: there is no such column or aggregate, or ``step`` or ``of`` is missing.
    """
    by = column.by
    if by.startswith("metric:") and len(by) > len("metric:"):
        if column.agg not in (*AGGREGATES, *AT_STEP):
            raise InvalidValue(f"agg must be one of {', '.join((*AGGREGATES, *AT_STEP))}, got {column.agg!r}.")
        if column.agg == "at" and column.step is None:
            raise InvalidValue(f'the aggregate "at" of {by!r} needs a step.')
        if column.agg == "when" and (column.of is None or column.of.agg not in ("min", "max")):
            raise InvalidValue(f'the aggregate "when" of {by!r} needs `of`: {{"key": …, "agg": "min" or "max"}}.')
        return
    known = by in COLUMNS or any(by.startswith(space) and len(by) > len(space) for space in (*_SPACES, "meta."))
    if not known:
        raise InvalidValue(
            f"there is no column {by!r}. Columns are {', '.join(COLUMNS)}, config.<key>, summary.<key>, meta.<path> "
            "and metric:<key>."
        )


def needs_record(column: Column) -> bool:
    """Return whether more of each run has to be read than the tables for filters hold."""
    return (column.agg in AT_STEP and column.by.startswith("metric:")) or column.by.startswith("meta.")


def check_count(column: Column, runs: int) -> None:
    """Raise InvalidValue if *runs* are too many to read what a column needs of each."""
    if column.by.startswith("meta."):
        most, what = COLUMN_DOCUMENTS_MAX_RUNS, "what was recorded of"
    elif needs_record(column):
        most, what = COLUMN_READ_MAX_RUNS, "the points of"
    else:
        return
    if runs > most:
        raise InvalidValue(
            f"the column {column_label(column)!r} needs {what} each run, and {runs:,} runs match; at most {most:,}. "
            "Narrow them with a filter, or ask for another value."
        )


def column_label(column: Column) -> str:
    """Return how a column is called at the head of a table."""
    by = column.by.removeprefix("metric:")
    if by == column.by:
        return by
    if column.agg == "at":
        return f"{by} @ {column.step}"
    if column.agg == "when" and column.of is not None:
        return f"{by} @ {column.of.agg} {column.of.key}"
    return by if column.agg == "last" else f"{by} ({column.agg})"


def is_number(value: Any) -> bool:
    """Return whether a value counts as a number: true and false do not."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def kind_of(column: Column, values: Collection[Any]) -> str:
    """Return number, category, mixed or time; a column without any value is a number's."""
    if COLUMNS.get(column.by) == "time":
        return "time"
    kinds = set(map(type, values)) - {type(None)}
    numbers = kinds & {int, float}
    if not kinds or kinds == numbers:
        return "number"
    return "mixed" if numbers else "category"


class PointSource(NamedTuple):
    """Where points are read: *refill* makes sure that those of some runs (by id) are all there after a crash."""

    metrics: MetricStore
    refill: Callable[[Collection[int]], None]


class ColumnSource:
    """Reads columns of the runs of one project."""

    def __init__(self, metadata: MetadataStore, points: PointSource, project: ProjectRef, total: int) -> None:
        """*total*: about how many runs the project has."""
        self._metadata = metadata
        self._points = points
        self._project = project
        self._total = total

    def read(self, connection: Connection, ids: Sequence[int], columns: Sequence[Column]) -> list[Values]:
        """
        Return the columns, their values in the order of *ids*.

        Raises:
            InvalidValue: a column that does not exist, or one that reads more of each run than of so many may be read.
            LimitExceeded: there are too many values, or too many points to find them.
        """
        if len(ids) * len(columns) > COLUMN_MAX_VALUES:
            raise LimitExceeded(
                f"{len(columns):,} columns of {len(ids):,} runs are more than {COLUMN_MAX_VALUES:,} values. "
                "Ask for fewer columns, or narrow the runs with a filter."
            )
        place = {number: index for index, number in enumerate(ids)}
        found = [Values(column, [None] * len(ids)) for column in columns]
        by_kind: dict[str, list[Values]] = {}
        for each in found:
            check_column(each.column)
            check_count(each.column, len(ids))
            by_kind.setdefault(_reader_of(each.column), []).append(each)
        if not ids:
            return found
        if mine := by_kind.get("runs"):
            self._read_runs(connection, place, mine)
        for space in ("config", "summary"):
            if mine := by_kind.get(space):
                self._read_attrs(connection, space, place, mine)
        if mine := by_kind.get("series"):
            self._read_series(connection, place, mine)
        if mine := by_kind.get("tags"):
            self._read_tags(connection, place, mine)
        if mine := by_kind.get("meta"):
            self._read_meta(connection, place, mine)
        if mine := by_kind.get("points"):
            self._read_points(ids, mine)
        return found

    def _among(self, column: Any, place: dict[int, int]) -> list[Any]:
        """Return the conditions that narrow a range to the runs asked for, where that pays."""
        if len(place) > self._total * _MOST:
            return []
        low, high = min(place), max(place)
        if high - low < _DENSE * len(place):  # a range is read five times as fast as so many look-ups
            return [column.between(low, high)]
        return [one_of(self._metadata.dialect, column, place)]

    def _read_runs(self, connection: Connection, place: dict[int, int], mine: list[Values]) -> None:
        chosen = self._among(r.id, place) or [r.project_id == self._project.id]
        select = sa.select(r.id, *(COLUMN[each.column.by].label(f"c{n}") for n, each in enumerate(mine)))
        targets = [each.values for each in mine]
        for row in connection.execute(select.where(*chosen)).all():
            index = place.get(row[0])
            if index is not None:
                for values, value in zip(targets, row[1:], strict=True):
                    values[index] = value

    def _read_attrs(self, connection: Connection, space: str, place: dict[int, int], mine: list[Values]) -> None:
        names = [each.column.by[len(space) + 1 :] for each in mine]
        keys = self._metadata.find_keys(self._project.id, space, names)
        a = t.attrs.c
        for each, name in zip(mine, names, strict=True):
            if name not in keys:
                continue
            select = sa.select(a.run_id, a.kind, a.num, a.text).where(a.key_id == keys[name])
            values = each.values
            for number, kind, num, text in _tuples(connection, select.where(*self._among(a.run_id, place))):
                index = place.get(number)
                if index is not None:
                    values[index] = num if kind == "float" and num is not None else from_attr(kind, num, text)

    def _read_series(self, connection: Connection, place: dict[int, int], mine: list[Values]) -> None:
        names = [each.column.by.removeprefix("metric:") for each in mine]
        keys = self._metadata.find_keys(self._project.id, "metric", names)
        for each, name in zip(mine, names, strict=True):
            if name not in keys:
                continue
            values = each.values
            names_of_columns, show = _AGGREGATES[each.column.agg]
            table, its = self._metadata.heads(self._project.id, [keys[name]])
            s = table.c
            select = sa.select(s.run_id, *(s[column] for column in names_of_columns)).where(its)
            for number, *parts in _tuples(connection, select.where(*self._among(s.run_id, place))):
                index = place.get(number)
                if index is not None:
                    values[index] = show(*parts)

    def _read_tags(self, connection: Connection, place: dict[int, int], mine: list[Values]) -> None:
        a = t.attrs.c
        select = (
            sa.select(a.run_id, t.keys.c.name)
            .join(t.keys, t.keys.c.id == a.key_id)
            .where(t.keys.c.project_id == self._project.id, t.keys.c.space == "tag", *self._among(a.run_id, place))
            .order_by(t.keys.c.name)
        )
        tags: dict[int, list[str]] = {}
        for number, name in connection.execute(select).all():
            tags.setdefault(number, []).append(name)
        for each in mine:
            for number, its in tags.items():
                if number in place:
                    each.values[place[number]] = its

    def _read_meta(self, connection: Connection, place: dict[int, int], mine: list[Values]) -> None:
        d = t.documents.c
        paths = [each.column.by.removeprefix("meta.") for each in mine]
        ids = list(place)
        for begin in range(0, len(ids), 1_000):  # a document is kilobytes
            some = ids[begin : begin + 1_000]
            select = sa.select(d.run_id, d.doc).where(one_of(self._metadata.dialect, d.run_id, some))
            for number, doc in connection.execute(select).all():
                about = _decode_about(doc)
                for each, path in zip(mine, paths, strict=True):
                    each.values[place[number]] = meta_value(about.meta, about.facts, path)
        if any(path == "host" for path in paths):
            host = Values(Column("host"), [None] * len(place))
            self._read_runs(connection, place, [host])
            for each, path in zip(mine, paths, strict=True):
                if path == "host":
                    each.values[:] = host.values

    def _read_points(self, ids: Sequence[int], mine: list[Values]) -> None:
        self._points.refill(ids)
        columns = [each.column for each in mine]
        found = read_at_steps(self._metadata, self._points.metrics, self._project, ids, columns)
        for each, values in zip(mine, found, strict=True):
            each.values[:] = [values.get(number) for number in ids]


def _tuples(connection: Connection, select: sa.Select[Any]) -> list[Any]:
    """
    Return the rows of a query as the driver gives them: numbers and texts that need no conversion.

    A row object of SQLAlchemy's each, of 40,000 values, takes half of the time of a matrix.
    """
    result = connection.execute(select)
    rows = list(result.cursor.fetchall()) if result.cursor is not None else []
    result.close()
    return rows


def _reader_of(column: Column) -> str:
    by = column.by
    if by.startswith("metric:"):
        return "points" if column.agg in AT_STEP else "series"
    if by == "tags":
        return "tags"
    return "runs" if by in COLUMN else by.partition(".")[0]


def _shown(value: float | None, is_int: bool) -> float | int | None:
    """Return a series' value as the run's page shows it: an integer where integers were logged."""
    return int(value) if is_int and value is not None and value == value and abs(value) < 1 << 53 else value


def _edge(value: float | None, text: str | None, is_int: bool) -> Any:
    number, logged = decode_number(value, text)
    return logged if number is None else _shown(number, is_int)


def _mean(total: float | None, finite: int) -> float | None:
    return None if not finite else math.nan if total is None else total / finite


# Aggregate → what is read of the series table, and what is made of it.
_AGGREGATES: Final[dict[str, tuple[tuple[str, ...], Callable[..., Any]]]] = {
    "last": (("last", "last_text", "is_int"), _edge),
    "first": (("first", "first_text", "is_int"), _edge),
    "min": (("min", "is_int"), _shown),
    "max": (("max", "is_int"), _shown),
    "mean": (("sum", "finite"), _mean),
    "n": (("n",), lambda n: n),
    "last_step": (("last_step",), lambda step: step),
}


def meta_value(meta: dict[str, Any], facts: dict[str, Any], path: str) -> Any:
    """
    Return what was recorded under a dotted path, None if nothing was.

    ``gpu`` is short for the names of the GPUs and ``cpu`` for that of the processor. Digits count in lists.
    """
    head, _, rest = path.partition(".")
    if path in ("gpu", "gpus"):
        return _gpus(facts)
    if path == "cpu":
        return _walk(facts, "hardware.cpu")
    if head in _META_HIDDEN:
        return None
    source = facts if head in facts else meta
    if path in source:  # a key with dots of its own
        return source[path]
    return _walk(source.get(head), rest) if rest else source.get(head)


def _walk(value: Any, path: str) -> Any:
    for part in path.split("."):
        if isinstance(value, dict):
            value = value.get(part)
        elif isinstance(value, list) and part.isdecimal() and int(part[:6]) < len(value):
            value = value[int(part[:6])]
        else:
            return None
    return value


def _gpus(facts: dict[str, Any]) -> str | None:
    listed = _walk(facts, "hardware.gpus")
    names = [str(gpu.get("name")) for gpu in listed if isinstance(gpu, dict)] if isinstance(listed, list) else []
    if not names:
        return None
    counts = {name: names.count(name) for name in names}
    return ", ".join(f"{count} × {name}" if count > 1 else name for name, count in counts.items())
