"""Groups of runs: those with equal values of some columns, with what their metrics and columns are like."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import msgspec
import numpy as np
import sqlalchemy as sa
from sqlalchemy import Connection

from treering.errors import InvalidValue, LimitExceeded
from treering.limits import COLUMN_DOCUMENTS_MAX_RUNS, CONFIG_MAX_VALUES

from . import schema as t
from .attrs import flatten
from .metadata import MetadataStore, ProjectRef
from .model import Column, GroupColumn, GroupMetric, GroupPart, RunGroup, RunQuery
from .query import COLUMNS
from .run_columns import ColumnSource, Values, check_column
from .selection import Chosen, newest_first, one_of
from .statistics.describe import describe, number_or_nan

__all__ = ["EXCEPT", "check_values", "group_runs", "grouping", "hashable", "read_configs", "varying_parts"]

r = t.runs.c

EXCEPT: Final = "except:"


class _Config(msgspec.Struct):
    """The configuration in a run's document; the rest is passed over."""

    config: dict[str, Any] = {}


_decode_config: Final = msgspec.msgpack.Decoder(_Config).decode
_decode_names: Final = msgspec.json.Decoder(list[str]).decode


def group_runs(
    metadata: MetadataStore,
    connection: Connection,
    project: ProjectRef,
    chosen: Chosen,
    source: ColumnSource,
    query: RunQuery,
) -> list[RunGroup]:
    """
    Return the groups of the runs that match, in the order of their newest runs.

    With ``nested`` each group is preceded by those that it lies in, whose paths are its beginnings.

    Raises:
        InvalidValue: a grouping that does not exist, or one that needs the configuration of too many runs.
    """
    rows = connection.execute(sa.select(r.id, r.run_key).where(chosen.where).order_by(*newest_first())).all()
    ids = [number for number, _ in rows]
    names = [name for _, name in rows]
    by = [grouping(metadata, connection, source, ids, one) for one in query.group]
    metrics = {name: _last_values(metadata, connection, project, chosen, ids, name) for name in query.metrics}
    columns = [_Coded(each) for each in source.read(connection, ids, query.columns)] if query.columns else []
    groups: list[RunGroup] = []
    for length in range(1, len(by) + 1) if query.nested else (len(by),):
        groups += _level(query.group[:length], by[:length], ids, names, metrics, columns)
    return _parents_first(groups) if query.nested else groups


def _level(
    names_of_path: list[str],
    by: list[Callable[[int], Any]],
    ids: list[int],
    names: list[str],
    metrics: dict[str, dict[int, float]],
    columns: list[_Coded],
) -> list[RunGroup]:
    members: dict[tuple[Any, ...], list[int]] = {}
    shown: dict[tuple[Any, ...], list[Any]] = {}
    for place, number in enumerate(ids):
        path = [value(number) for value in by]
        key = tuple(hashable(value) for value in path)
        members.setdefault(key, []).append(place)
        shown.setdefault(key, path)
    return [
        RunGroup(
            [GroupPart(name, value) for name, value in zip(names_of_path, shown[key], strict=True)],
            len(places),
            [names[place] for place in places],
            {
                name: _group_metric([last[ids[place]] for place in places if ids[place] in last])
                for name, last in metrics.items()
            },
            [each.over(places) for each in columns],
        )
        for key, places in members.items()
    ]


def _parents_first(groups: list[RunGroup]) -> list[RunGroup]:
    """Put each group behind those that it lies in; siblings keep their order."""
    below: dict[tuple[Any, ...], list[RunGroup]] = {}
    for group in groups:
        key = tuple(hashable(part.value) for part in group.path)
        below.setdefault(key[:-1], []).append(group)
    found: list[RunGroup] = []
    stack = list(reversed(below.get((), [])))
    while stack:
        group = stack.pop()
        found.append(group)
        stack += reversed(below.get(tuple(hashable(part.value) for part in group.path), []))
    return found


class _Coded:
    """A column with its numbers in an array, and a number for each different value: 0 is missing."""

    def __init__(self, column: Values) -> None:
        codes: dict[Any, int] = {hashable(None): 0}
        self._values = column.values
        self._codes = np.array([codes.setdefault(hashable(value), len(codes)) for value in column.values], np.int64)
        self._numbers = np.array([number_or_nan(value) for value in column.values], np.float64)

    def over(self, places: list[int]) -> GroupColumn:
        """Return what the column is like over the runs at *places*."""
        numbers, codes = self._numbers[places], self._codes[places]
        about = describe(numbers[np.isfinite(numbers)])
        lowest, highest = int(codes.min()), int(codes.max())
        different = 1 if lowest == highest else len(np.unique(codes))
        return GroupColumn(
            mean=about.mean,
            std=about.std,
            min=about.min,
            max=about.max,
            n=about.n,
            common=self._values[places[0]] if different == 1 else None,
            distinct=different - (lowest == 0),
        )


def hashable(value: Any) -> Any:
    """Return what tells values apart: 1, 1.0 and True are three different ones, and NaN is equal to itself."""
    kind = value.__class__
    if kind is float and value != value:
        return "nan", float
    return repr(value) if kind is list or kind is dict else value, kind


# ── by what ──────────────────────────────────────────────────────────────────────────────────────────────────────
def grouping(
    metadata: MetadataStore, connection: Connection, source: ColumnSource, ids: Sequence[int], by: str
) -> Callable[[int], Any]:
    """Return the function that gives each run's value of a grouping: a column, or ``except:``. Raises InvalidValue."""
    if by.startswith(EXCEPT):
        configs = read_configs(metadata, connection, ids)
        _, parts = varying_parts(configs, set(_names_in(by)).__contains__)
        return parts.get
    column = Column(by)
    try:
        check_column(column)
    except InvalidValue:
        raise InvalidValue(
            f"cannot group by {by!r}. Group by {', '.join(COLUMNS)}, config.<key>, summary.<key> or meta.<path>, or by "
            'except:["seed"] for all of the configuration but some keys.'
        ) from None
    (values,) = source.read(connection, ids, [column])
    return dict(zip(ids, values.values, strict=True)).get


def _names_in(by: str) -> list[str]:
    try:
        return _decode_names(by.removeprefix(EXCEPT))
    except msgspec.DecodeError:
        raise InvalidValue(f'after "except:" stands a JSON list of config keys such as ["seed"], got {by!r}.') from None


def read_configs(metadata: MetadataStore, connection: Connection, ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """
    Return run id → flat configuration, as it was given.

    Raises:
        InvalidValue: there are too many runs to read all of it.
        LimitExceeded: it has too many values.
    """
    if len(ids) > COLUMN_DOCUMENTS_MAX_RUNS:
        raise InvalidValue(
            f"{len(ids):,} runs match; the whole configuration of at most {COLUMN_DOCUMENTS_MAX_RUNS:,} is compared. "
            "Narrow them with a filter."
        )
    d = t.documents.c
    found: dict[int, dict[str, Any]] = {}
    values = 0
    for begin in range(0, len(ids), 1_000):
        some = ids[begin : begin + 1_000]
        select = sa.select(d.run_id, d.doc).where(one_of(metadata.dialect, d.run_id, some))
        for number, doc in connection.execute(select).all():
            found[number] = flatten(_decode_config(doc).config)
            values += len(found[number])
        check_values(values)
    return found


def check_values(values: int) -> None:
    """Raise LimitExceeded if the configurations of some runs have more values than are held at once."""
    if values > CONFIG_MAX_VALUES:
        raise LimitExceeded(
            f"the configurations of these runs have more than {CONFIG_MAX_VALUES:,} values together. Narrow the runs "
            "with a filter."
        )


def varying_parts(
    configs: dict[int, dict[str, Any]], ignored: Callable[[str], bool]
) -> tuple[list[str], dict[int, dict[str, Any]]]:
    """
    Return the keys whose values vary among *configs* (a missing one counts as a value), and each run's part of them.

    Keys that *ignored* takes do not count.
    """
    seen: dict[str, set[Any]] = {}
    had: dict[str, int] = {}
    for config in configs.values():
        for key, value in config.items():
            seen.setdefault(key, set()).add(hashable(value))
            had[key] = had.get(key, 0) + 1
    varying = sorted(
        key for key, different in seen.items() if not ignored(key) and (len(different) > 1 or had[key] < len(configs))
    )
    parts = {number: {key: config[key] for key in varying if key in config} for number, config in configs.items()}
    return varying, parts


# ── metrics ──────────────────────────────────────────────────────────────────────────────────────────────────────
def _last_values(
    metadata: MetadataStore, connection: Connection, project: ProjectRef, chosen: Chosen, ids: list[int], name: str
) -> dict[int, float]:
    key = metadata.find_keys(project.id, "metric", [name]).get(name, -1)
    table, mine = metadata.heads(project.id, [key])
    s = table.c
    select = sa.select(s.run_id, s.last).where(mine, s.last.is_not(None))
    if not chosen.everything:
        select = select.where(one_of(metadata.dialect, s.run_id, ids))
    return {number: last for number, last in connection.execute(select).all() if math.isfinite(last)}


def _group_metric(values: Iterable[float]) -> GroupMetric:
    about = describe(values)
    return GroupMetric(about.mean, about.std, about.min, about.max, about.n)
