"""Columns over many runs at once, and how much each column varies: what charts over runs are drawn from."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from treering.limits import CONFIG_MAX_VALUES, SPREAD_MAX_RUNS

from . import schema as t
from .attrs import flatten
from .filter_sql import COLUMN
from .index_rows import decode_number
from .metadata import MetadataStore, ProjectRef
from .model import Column, Selection
from .query import COLUMNS
from .run_columns import ColumnSource, PointSource, is_number, kind_of, meta_value
from .run_groups import hashable
from .selection import Chosen, choose_runs, count_runs, newest_first, one_of

__all__ = ["ColumnInfo", "ColumnList", "Matrix", "MatrixColumn", "list_columns", "read_matrix"]

r = t.runs.c

_LOOKED_AT_TOGETHER: Final = 200  # runs, of which a wide one has 60,000 values

# Of what was recorded of how runs came about, that which is often asked for.
_META: Final = (
    "git.commit",
    "git.branch",
    "git.dirty",
    "program",
    "command",
    "python",
    "gpu",
    "cpu",
    "hardware.memory_bytes",
    "os",
    "cwd",
)


class MatrixColumn(msgspec.Struct, frozen=True):
    """One value per run, None where it is missing; lists and maps as JSON text. ``kind``: see ``kind_of``."""

    by: str
    agg: str
    kind: str
    values: list[Any]


class Matrix(msgspec.Struct, frozen=True):
    """Runs in columns, the newest first. ``cut``: more match than are here."""

    runs: list[str]
    numbers: list[int]
    names: list[str]
    states: list[str]
    created_at: list[float]
    columns: list[MatrixColumn]
    match: int
    cut: bool
    seq: int


class ColumnInfo(msgspec.Struct, frozen=True):
    """
    What a column is like over some runs.

    ``spread`` is the chance that two different ones of these runs differ in it, a missing value counting as one of its
    own: 1 − Σ c(c − 1) / n(n − 1) over the counts c of its values (Gini and Simpson's index, unbiased).
    """

    by: str
    agg: str
    kind: str
    runs: int
    missing: int
    distinct: int
    min: float | None
    max: float | None
    spread: float


class ColumnList(msgspec.Struct, frozen=True):
    """All columns, the most varying first; of the newest ``looked_at`` of the ``match`` runs."""

    columns: list[ColumnInfo]
    match: int
    looked_at: int


def read_matrix(
    metadata: MetadataStore,
    project: ProjectRef,
    selection: Selection,
    columns: Sequence[Column],
    limit: int,
    points: PointSource,
) -> Matrix:
    """
    Return columns of all runs that are meant, at most *limit*.

    Raises:
        FilterError, InvalidValue, LimitExceeded: see ``choose_runs`` and ``ColumnSource.read``.
    """
    seq = metadata.seq
    chosen = choose_runs(metadata, project, selection)
    with metadata.connect() as connection:
        select = sa.select(r.id, r.run_key, r.number, r.name, r.state, r.created_us).where(chosen.where)
        rows = connection.execute(select.order_by(*newest_first()).limit(limit + 1)).all()
        cut = len(rows) > limit
        rows = rows[:limit]
        total = count_runs(connection, Chosen(project, [], [], chosen.deleted))
        match = count_runs(connection, chosen) if cut else len(rows)
        ids, runs, numbers, names, states, created = map(list, zip(*rows, strict=True)) if rows else ([],) * 6
        found = ColumnSource(metadata, points, project, total).read(connection, ids, columns)
    return Matrix(
        runs=runs,
        numbers=numbers,
        names=names,
        states=states,
        created_at=[us / 1e6 for us in created],
        columns=[
            MatrixColumn(each.column.by, each.column.agg, kind_of(each.column, each.values), _flat(each.values))
            for each in found
        ],
        match=match,
        cut=cut,
        seq=seq,
    )


def _flat(values: list[Any]) -> list[Any]:
    if not {list, dict} & set(map(type, values)):
        return values
    return [
        msgspec.json.encode(value, enc_hook=str).decode() if isinstance(value, (list, dict)) else value
        for value in values
    ]


# ── what there is ────────────────────────────────────────────────────────────────────────────────────────────────
class _Document(msgspec.Struct):
    """What a run's document says that may be a column."""

    config: dict[str, Any] = {}
    summary: dict[str, Any] = {}
    meta: dict[str, Any] = {}
    facts: dict[str, Any] = {}


_decode_document: Final = msgspec.msgpack.Decoder(_Document).decode


def list_columns(metadata: MetadataStore, project: ProjectRef, selection: Selection) -> ColumnList:
    """
    Return every column that any of the runs has, of the newest ones if there are very many or they have very many.

    Raises:
        FilterError: see ``choose_runs``.
    """
    chosen = choose_runs(metadata, project, selection)
    values: dict[Column, list[Any]] = {}
    with metadata.connect() as connection:
        match = count_runs(connection, chosen)
        newest = sa.select(r.id).where(chosen.where).order_by(*newest_first()).limit(SPREAD_MAX_RUNS)
        ids = list(connection.scalars(newest))
        series: dict[int, list[Any]] = {}
        count = looked_at = 0
        while looked_at < len(ids) and count <= CONFIG_MAX_VALUES:
            some = ids[looked_at : looked_at + _LOOKED_AT_TOGETHER]
            count += _add_documents(metadata, connection, some, values)
            count += _add_series(metadata, connection, project, some, series)
            looked_at += len(some)
        ids = ids[:looked_at]
        _add_runs(metadata, connection, ids, values)
        for key, (name, kind) in metadata.key_names(list(series)).items():
            if kind != "media":
                values[Column(f"metric:{name}")] = series[key]
    infos = [_info(column, its, len(ids)) for column, its in values.items()]
    infos.sort(key=lambda info: (-info.spread, info.missing, info.kind != "number", info.by))
    return ColumnList(infos, match, len(ids))


def _add_runs(metadata: MetadataStore, connection: Connection, ids: list[int], values: dict[Column, list[Any]]) -> None:
    names = [name for name in COLUMNS if name in COLUMN and name not in ("id", "run_key")]
    select = sa.select(*(COLUMN[name].label(name) for name in names)).where(one_of(metadata.dialect, r.id, ids))
    for row in connection.execute(select):
        for name, value in zip(names, row, strict=True):
            if value is not None:
                values.setdefault(Column(name), []).append(value)


def _add_documents(
    metadata: MetadataStore, connection: Connection, ids: list[int], values: dict[Column, list[Any]]
) -> int:
    """Add what documents say; return how many values that were."""
    d = t.documents.c
    count = 0
    for doc in connection.scalars(sa.select(d.doc).where(one_of(metadata.dialect, d.run_id, ids))):
        document = _decode_document(doc)
        for space, nested in (("config", document.config), ("summary", document.summary)):
            flat = flatten(nested)
            count += len(flat)
            for key, value in flat.items():
                values.setdefault(Column(f"{space}.{key}"), []).append(value)
        for path in _META:
            value = meta_value(document.meta, document.facts, path)
            if value is not None:
                values.setdefault(Column(f"meta.{path}"), []).append(value)
    return count


def _add_series(
    metadata: MetadataStore, connection: Connection, project: ProjectRef, ids: list[int], by_key: dict[int, list[Any]]
) -> int:
    """Add last values of metrics, by the number of their key; return how many those were."""
    table, mine = metadata.heads(project.id)
    s = table.c
    select = sa.select(s.key_id, s.last, s.last_text).where(mine, one_of(metadata.dialect, s.run_id, ids))
    count = 0
    for key, last, text in connection.execute(select):
        count += 1
        number, logged = (last, None) if text is None else decode_number(last, text)
        if number is not None or logged is not None:
            by_key.setdefault(key, []).append(logged if number is None else number)
    return count


def _info(column: Column, values: list[Any], looked_at: int) -> ColumnInfo:
    counts = Counter(map(hashable, values))
    missing = looked_at - len(values)
    finite = [value for value in values if is_number(value) and -math.inf < value < math.inf]
    return ColumnInfo(
        by=column.by,
        agg=column.agg,
        kind=kind_of(column, values),
        runs=len(values),
        missing=missing,
        distinct=len(counts),
        min=min(finite, default=None),
        max=max(finite, default=None),
        spread=spread([*counts.values(), missing]),
    )


def spread(counts: Iterable[int]) -> float:
    """Return the chance that two different members of groups of these sizes are of different groups."""
    sizes = [count for count in counts if count]
    n = sum(sizes)
    if n < 2:
        return 0.0
    return 1.0 - sum(size * (size - 1) for size in sizes) / (n * (n - 1))
