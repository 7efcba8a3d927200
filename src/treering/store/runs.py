"""Lists of runs: filter, search, sort, page and group, all on the server's side."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from treering.errors import InvalidValue
from treering.limits import PAGE_MAX_ROWS

from . import schema as t
from .attrs import flatten, from_attr
from .filter_sql import COLUMN, FilterSql, RunSet, aggregate
from .metadata import MetadataStore, ProjectRef
from .model import GroupMetric, GroupPart, Loss, MetricStats, RunGroup, RunPage, RunQuery, RunRow, Sort
from .query import AGGREGATES, And, parse
from .regex import compile_pattern
from .sql import decode_number
from .state import RunState

r = t.runs.c

_CHUNK = 10_000


def query_runs(metadata: MetadataStore, project: ProjectRef, query: RunQuery, now_ns: int) -> RunPage:
    """Return one page. Raises FilterError, InvalidValue."""
    if not 0 <= query.limit <= PAGE_MAX_ROWS or query.offset < 0:
        raise InvalidValue(
            f"limit must be 0 to {PAGE_MAX_ROWS:,} and offset at least 0, got {query.limit} and {query.offset}."
        )
    seq = metadata.seq
    chosen = _choose_runs(metadata, project, query)
    with metadata.connect() as connection:
        total = _count(connection, _Chosen(project, [], [], chosen.deleted))
        match = _count(connection, chosen) if chosen.sets or chosen.conditions else total
        ids = _page(metadata, connection, project, chosen, query)
        rows = read_rows(metadata, connection, project, ids, query.metrics, query.config, now_ns)
        groups = _groups(metadata, connection, project, chosen.where, query) if query.group else None
    return RunPage(rows, match, total, groups, seq)


@dataclass(frozen=True, slots=True)
class _Chosen:
    """
    The runs that pass filter and search: members of all *sets* for which all *conditions* on the runs table hold.

    Sets are ranges of attrs and series. A query that needs nothing but them never looks into the runs table: 100,000
    runs are then filtered and sorted in 10 ms and not in 60. For that the few deleted runs are known by id.
    """

    project: ProjectRef
    sets: list[RunSet]
    conditions: list[ColumnElement[bool]]
    deleted: list[int] | None  # None: too many to name

    @property
    def alive(self) -> ColumnElement[bool]:
        return (r.project_id == self.project.id) & r.deleted.is_(False)

    @property
    def where(self) -> ColumnElement[bool]:
        """The same as a condition on the runs table."""
        members = [r.id.in_(sa.select(found.run_id).where(found.where)) for found in self.sets]
        return sa.and_(self.alive, *self.conditions, *members)

    @property
    def driver(self) -> RunSet | None:
        """The set to begin with, if there is a narrow one."""
        return next((found for found in self.sets if found.narrow), None)

    def over(self, first: RunSet, columns: list[Any]) -> sa.Select[Any] | None:
        """
        Return a query that goes through *first* and looks each run up in the other sets; None if that is not enough.

        Lookups pay when *first* is narrow; else the other sets are listed once and each run is searched for there.
        """
        if self.conditions or self.deleted is None:
            return None
        select = sa.select(*columns).select_from(first.table).where(first.where)
        for found in self.sets:
            if found is first:
                continue
            if first.narrow:
                here = sa.select(sa.literal(1)).select_from(found.table)
                select = select.where(here.where(found.where, found.run_id == first.run_id).exists())
            else:
                select = select.where(first.run_id.in_(sa.select(found.run_id).where(found.where)))
        return select.where(first.run_id.not_in(self.deleted)) if self.deleted else select


_DELETED_NAMED: Final = 500


def _choose_runs(metadata: MetadataStore, project: ProjectRef, query: RunQuery) -> _Chosen:
    sets: list[RunSet] = []
    conditions: list[ColumnElement[bool]] = []
    if query.filter and query.filter.strip():
        compiler = FilterSql(metadata, project.id)
        node = parse(query.filter)
        for term in node.items if isinstance(node, And) else (node,):
            found = compiler.run_set(term)
            if found is not None:
                sets.append(found)
            else:
                conditions.append(compiler.condition(term))
    if query.search:
        conditions.append(_search(metadata, project, query.search, query.regex))
    with metadata.connect() as connection:
        gone = sa.select(r.id).where(r.project_id == project.id, r.deleted.is_(True)).limit(_DELETED_NAMED + 1)
        deleted = list(connection.scalars(gone))
    return _Chosen(project, sets, conditions, deleted if len(deleted) <= _DELETED_NAMED else None)


def _count(connection: Connection, chosen: _Chosen) -> int:
    first = chosen.driver or (chosen.sets[0] if chosen.sets else None)
    select = None if first is None else chosen.over(first, [sa.func.count()])
    if select is None:
        select = sa.select(sa.func.count()).select_from(t.runs).where(chosen.where)
    return int(connection.scalar(select) or 0)


def _search(metadata: MetadataStore, project: ProjectRef, text: str, regex: bool) -> ColumnElement[bool]:
    x = t.texts.c
    mine = x.project_id == project.id
    if regex:
        compile_pattern(text)
        found = FilterSql(metadata, project.id).regex(x.search, text, x.run_id, t.texts, mine)
    else:
        position = sa.func.instr if metadata.dialect == "sqlite" else sa.func.strpos
        found = position(x.folded, text.replace("\0", "\ufffd").casefold()) > 0
    return r.id.in_(sa.select(x.run_id).where(mine, found))


# ── order ────────────────────────────────────────────────────────────────────────────────────────────────────────
def _page(
    metadata: MetadataStore, connection: Connection, project: ProjectRef, chosen: _Chosen, query: RunQuery
) -> list[int]:
    if not query.limit:
        return []
    if query.sort and query.sort[0].by.startswith("metric:"):
        # Nearly always the page lies within the runs that have the metric: then its own key range drives the query.
        ids = _page_by_metric(metadata, connection, project, chosen, query)
        if ids is not None:
            return ids
    select = sa.select(r.id).select_from(t.runs).where(chosen.where)
    order: list[ColumnElement[Any]] = []
    for sort in query.sort:
        select, terms = _order(metadata, project, select, sort)
        order += terms
    select = select.order_by(*order, r.created_us.desc(), r.number.desc(), r.id.desc())
    return list(connection.scalars(select.limit(query.limit).offset(query.offset)))


def _page_by_metric(
    metadata: MetadataStore, connection: Connection, project: ProjectRef, chosen: _Chosen, query: RunQuery
) -> list[int] | None:
    """Return the page if it lies wholly within the runs that have the metric, else None."""
    sort = query.sort[0]
    table = t.series.alias()
    key = _key(metadata, project, "metric", sort.by.removeprefix("metric:"))
    column = aggregate(_agg(sort), table.c)
    having = RunSet(table, (table.c.key_id == key) & column.is_not(None))
    ordered = column.desc() if sort.desc else column.asc()
    wanted = query.offset + query.limit
    if wanted <= PAGE_MAX_ROWS:
        if chosen.driver is None:
            select = chosen.over(having, [table.c.run_id, column.label("value")])
        else:
            value = sa.select(column).where(having.where, table.c.run_id == chosen.driver.run_id).scalar_subquery()
            select = chosen.over(chosen.driver, [chosen.driver.run_id, value.label("value")])
        if select is not None:
            found = select.subquery()
            by = found.c.value.desc() if sort.desc else found.c.value.asc()
            top = sa.select(found).where(found.c.value.is_not(None)).order_by(by).limit(wanted + 1)
            rows = connection.execute(top).all()
            if len(rows) < wanted:
                return None
            # Runs with equal values have an order too, but not in this query: then the next one is asked.
            if len({row.value for row in rows}) == len(rows):
                return [row.run_id for row in rows[query.offset : wanted]]
    select = sa.select(r.id).select_from(t.runs).join(table, r.id == table.c.run_id).where(having.where, chosen.where)
    order: list[ColumnElement[Any]] = [ordered]
    for further in query.sort[1:]:
        select, terms = _order(metadata, project, select, further)
        order += terms
    select = select.order_by(*order, r.created_us.desc(), r.number.desc(), r.id.desc())
    ids = list(connection.scalars(select.limit(query.limit).offset(query.offset)))
    return ids if len(ids) == query.limit else None


def _order(
    metadata: MetadataStore, project: ProjectRef, select: sa.Select[Any], sort: Sort
) -> tuple[sa.Select[Any], list[ColumnElement[Any]]]:
    def directed(column: ColumnElement[Any]) -> ColumnElement[Any]:
        return column.desc() if sort.desc else column.asc()

    by = sort.by
    if by in COLUMN:
        column = COLUMN[by]
        return select, [sa.case((column.is_(None), 1), else_=0), directed(column)]
    if by.startswith("metric:"):
        series = t.series.alias()
        key = _key(metadata, project, "metric", by.removeprefix("metric:"))
        select = select.outerjoin_from(t.runs, series, (series.c.key_id == key) & (series.c.run_id == r.id))
        column = _aliased(aggregate(_agg(sort)), series)
        return select, [sa.case((column.is_(None), 1), else_=0), directed(column)]
    for space in ("config", "summary"):
        if by.startswith(space + ".") and len(by) > len(space) + 1:
            attrs = t.attrs.alias()
            key = _key(metadata, project, space, by.removeprefix(space + "."))
            select = select.outerjoin_from(t.runs, attrs, (attrs.c.key_id == key) & (attrs.c.run_id == r.id))
            rank = sa.case(
                (attrs.c.num.is_not(None), 0),
                (attrs.c.kind.in_(("str", "bool")), 1),
                (attrs.c.kind == "json", 2),
                else_=3,
            )
            text = sa.case((attrs.c.kind.in_(("str", "bool", "json")), attrs.c.text), else_=None)
            return select, [rank, directed(attrs.c.num), directed(text)]
    raise InvalidValue(
        f"cannot sort by {by!r}. Sort by one of {', '.join(COLUMN)}, config.<key>, summary.<key> or metric:<key>."
    )


def _agg(sort: Sort) -> str:
    if sort.agg not in AGGREGATES:
        raise InvalidValue(f"agg must be one of {', '.join(AGGREGATES)}, got {sort.agg!r}.")
    return sort.agg


def _aliased(column: ColumnElement[Any], alias: Any) -> ColumnElement[Any]:
    from sqlalchemy.sql.util import ClauseAdapter

    adapted: ColumnElement[Any] = ClauseAdapter(alias).traverse(column)
    return adapted


def _key(metadata: MetadataStore, project: ProjectRef, space: str, name: str) -> int:
    return metadata.find_keys(project.id, space, [name]).get(name, -1)


# ── rows ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def read_rows(
    metadata: MetadataStore,
    connection: Connection,
    project: ProjectRef,
    ids: list[int],
    metrics: Iterable[str],
    config: Iterable[str] | str,
    now_ns: int,
) -> list[RunRow]:
    """Return the rows of *ids*, in their order."""
    states = metadata.runs_by_id(ids)
    stats = read_stats(metadata, connection, project, ids, list(metrics))
    rows = []
    for number in ids:
        state = states.get(number)
        if state is not None:
            rows.append(to_row(state, stats.get(number, {}), _choose(state, config), now_ns))
    return rows


def _choose(state: RunState, config: Iterable[str] | str) -> dict[str, Any]:
    if config == "*":
        return flatten(state.config)
    wanted = list(config)
    if not wanted:
        return {}
    flat = flatten(state.config)
    return {name: flat[name] for name in wanted if name in flat}


def to_row(state: RunState, metrics: dict[str, MetricStats], config: dict[str, Any], now_ns: int) -> RunRow:
    """Return the list form of a run."""
    return RunRow(
        run_key=state.run_key,
        run_id=state.run_id,
        name=state.name,
        number=state.number,
        state=state.state,
        created_at=state.created_ns / 1e9,
        ended_at=None if state.ended_ns is None else state.ended_ns / 1e9,
        last_activity_at=state.activity_ns / 1e9,
        runtime_s=runtime_s(state, now_ns),
        entity=state.entity,
        project=state.project,
        group=state.text("group"),
        job_type=state.text("job_type"),
        tags=state.tags,
        notes=state.text("notes"),
        host=host_of(state),
        config=config,
        metrics=metrics,
        loss=loss_of(state),
        damaged=state.damaged,
        archived=state.archived,
        error=state.error,
    )


def runtime_s(state: RunState, now_ns: int) -> float:
    until = state.ended_ns or (now_ns if state.state == "running" else state.activity_ns)
    return max(0.0, (until - state.created_ns) / 1e9)


def host_of(state: RunState) -> str | None:
    hosts = [life.host for life in state.lives.values() if life.writer == "" and life.host]
    return hosts[-1] if hosts else None


def loss_of(state: RunState) -> Loss | None:
    if not state.gaps:
        return None
    return Loss(sum(gap.count for gap in state.gaps.values()), sum(gap.points for gap in state.gaps.values()))


def read_stats(
    metadata: MetadataStore, connection: Connection, project: ProjectRef, ids: list[int], names: list[str]
) -> dict[int, dict[str, MetricStats]]:
    """Return run id → key → aggregates."""
    keys = {number: name for name, number in metadata.find_keys(project.id, "metric", names).items()}
    found: dict[int, dict[str, MetricStats]] = {}
    if not keys:
        return found
    for start in range(0, len(ids), _CHUNK):
        query = sa.select(t.series).where(
            t.series.c.key_id.in_(list(keys)), t.series.c.run_id.in_(ids[start : start + _CHUNK])
        )
        for row in connection.execute(query):
            found.setdefault(row.run_id, {})[keys[row.key_id]] = stats_of(row)
    return found


def stats_of(row: Any) -> MetricStats:
    """Return the public form of a row of the series table."""
    mean = None
    if row.finite:
        mean = math.nan if row.sum is None else row.sum / row.finite
    return MetricStats(
        last=decode_number(row.last, row.last_text)[0],
        min=row.min,
        max=row.max,
        mean=mean,
        first=decode_number(row.first, row.first_text)[0],
        n=row.n,
        last_step=row.last_step,
    )


# ── groups ───────────────────────────────────────────────────────────────────────────────────────────────────────
def _groups(
    metadata: MetadataStore, connection: Connection, project: ProjectRef, where: ColumnElement[bool], query: RunQuery
) -> list[RunGroup]:
    select = sa.select(r.id, r.run_key).where(where).order_by(r.created_us.desc(), r.number.desc(), r.id.desc())
    rows = connection.execute(select).all()
    values = [_group_values(metadata, connection, project, where, by) for by in query.group]
    members: dict[tuple[Any, ...], list[Any]] = {}
    shown: dict[tuple[Any, ...], list[Any]] = {}
    for row in rows:
        path = [value(row.id) for value in values]
        key = tuple(_hashable(value) for value in path)
        members.setdefault(key, []).append(row)
        shown.setdefault(key, path)
    stats = {name: _last_values(metadata, connection, project, where, name) for name in query.metrics}
    groups = []
    for key, group in members.items():
        metrics = {
            name: _group_metric([last[row.id] for row in group if row.id in last]) for name, last in stats.items()
        }
        path = [GroupPart(by, value) for by, value in zip(query.group, shown[key], strict=True)]
        groups.append(RunGroup(path, len(group), [row.run_key for row in group], metrics))
    return groups


def _group_values(
    metadata: MetadataStore, connection: Connection, project: ProjectRef, where: ColumnElement[bool], by: str
) -> Callable[[int], Any]:
    if by in COLUMN:
        rows = connection.execute(sa.select(r.id, COLUMN[by].label("value")).where(where)).all()
        return {row.id: row.value for row in rows}.get
    for space in ("config", "summary"):
        if by.startswith(space + "."):
            key = _key(metadata, project, space, by.removeprefix(space + "."))
            a = t.attrs.c
            select = sa.select(a.run_id, a.kind, a.num, a.text).where(a.key_id == key)
            return {row.run_id: from_attr(row.kind, row.num, row.text) for row in connection.execute(select)}.get
    raise InvalidValue(f"cannot group by {by!r}. Group by config.<key>, summary.<key> or one of {', '.join(COLUMN)}.")


def _hashable(value: Any) -> Any:
    """1, 1.0 and True are three different values here, and NaN is equal to itself."""
    if isinstance(value, float) and math.isnan(value):
        return ("float", "nan")
    return (type(value).__name__, repr(value) if isinstance(value, (list, dict)) else value)


def _last_values(
    metadata: MetadataStore, connection: Connection, project: ProjectRef, where: ColumnElement[bool], name: str
) -> dict[int, float]:
    key = _key(metadata, project, "metric", name)
    select = (
        sa.select(t.series.c.run_id, t.series.c.last)
        .join(t.runs, r.id == t.series.c.run_id)
        .where(t.series.c.key_id == key, t.series.c.last.is_not(None), where)
    )
    return {row.run_id: row.last for row in connection.execute(select) if math.isfinite(row.last)}


def _group_metric(values: list[float]) -> GroupMetric:
    if not values:
        return GroupMetric(None, None, None, None, 0)
    std = statistics.stdev(values) if len(values) > 1 else 0.0
    return GroupMetric(math.fsum(values) / len(values), std, min(values), max(values), len(values))
