"""Lists of runs: filter, search, sort, page and group, all on the server's side."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from treering.errors import InvalidValue
from treering.limits import PAGE_MAX_ROWS

from . import schema as t
from .attrs import flatten
from .filter_sql import COLUMN, RunSet, aggregate
from .index_rows import decode_number
from .metadata import MetadataStore, ProjectRef
from .model import Loss, MetricStats, RunPage, RunQuery, RunRow, Sort
from .query import AGGREGATES
from .run_columns import ColumnSource, PointSource, needs_record
from .run_groups import group_runs
from .selection import Chosen, choose_runs, count_runs, newest_first
from .state import RunState

r = t.runs.c

_CHUNK = 10_000


def ordered_ids(
    metadata: MetadataStore,
    connection: Connection,
    project: ProjectRef,
    chosen: Chosen,
    query: RunQuery,
    source: ColumnSource,
) -> list[int]:
    """Return the ids of all runs that match, in the query's order. Raises InvalidValue, LimitExceeded."""
    return _sorted_page(metadata, connection, project, chosen, query, source, offset=0, limit=None)


def query_runs(
    metadata: MetadataStore,
    project: ProjectRef,
    query: RunQuery,
    now_ns: int,
    points: PointSource,
) -> RunPage:
    """
    Return one page. *points* are read only for columns at a step.

    Raises:
        FilterError, InvalidValue: what is asked cannot be.
        LimitExceeded: columns at a step have too many points.
    """
    if not 0 <= query.limit <= PAGE_MAX_ROWS or query.offset < 0:
        raise InvalidValue(
            f"limit must be 0 to {PAGE_MAX_ROWS:,} and offset at least 0, got {query.limit} and {query.offset}."
        )
    seq = metadata.seq
    chosen = choose_runs(metadata, project, query)
    with metadata.connect() as connection:
        total = count_runs(connection, Chosen(project, [], [], chosen.deleted, chosen.in_bin))
        match = total if chosen.everything else count_runs(connection, chosen)
        source = ColumnSource(metadata, points, project, total)
        ids = _page(metadata, connection, project, chosen, query, source)
        values = [column.values for column in source.read(connection, ids, query.columns)]
        rows = read_rows(metadata, connection, project, ids, query.metrics, query.config, now_ns, values)
        groups = group_runs(metadata, connection, project, chosen, source, query) if query.group else None
    return RunPage(rows, match, total, groups, seq)


# ── order ────────────────────────────────────────────────────────────────────────────────────────────────────────
def _page(
    metadata: MetadataStore,
    connection: Connection,
    project: ProjectRef,
    chosen: Chosen,
    query: RunQuery,
    source: ColumnSource,
) -> list[int]:
    if not query.limit:
        return []
    if query.sort and query.sort[0].by.startswith("metric:") and not _in_memory(query):
        # Nearly always the page lies within the runs that have the metric: then its own key range drives the query.
        ids = _page_by_metric(metadata, connection, project, chosen, query)
        if ids is not None:
            return ids
    return _sorted_page(metadata, connection, project, chosen, query, source, offset=query.offset, limit=query.limit)


def _sorted_page(
    metadata: MetadataStore,
    connection: Connection,
    project: ProjectRef,
    chosen: Chosen,
    query: RunQuery,
    source: ColumnSource,
    *,
    offset: int,
    limit: int | None,
) -> list[int]:
    select = sa.select(r.id).select_from(t.runs).where(chosen.where)
    if _in_memory(query):
        ids = list(connection.scalars(select.order_by(*newest_first())))
        ids = _sorted_in_memory(connection, ids, query.sort, source)
        return ids[offset:] if limit is None else ids[offset : offset + limit]
    order: list[ColumnElement[Any]] = []
    for sort in query.sort:
        select, terms = _order(metadata, project, select, sort)
        order += terms
    select = select.order_by(*order, *newest_first())
    return list(connection.scalars(select if limit is None else select.limit(limit).offset(offset)))


def _in_memory(query: RunQuery) -> bool:
    """Return whether an order needs values that no table can be sorted by."""
    return any(needs_record(sort.column) or sort.by == "tags" for sort in query.sort)


def _sorted_in_memory(connection: Connection, ids: list[int], sorts: list[Sort], source: ColumnSource) -> list[int]:
    columns = source.read(connection, ids, [sort.column for sort in sorts])
    places = list(range(len(ids)))
    for sort, column in reversed(list(zip(sorts, columns, strict=True))):  # stable: the first key is sorted by last
        by_rank: dict[int, list[tuple[Any, int]]] = {}
        for place in places:
            rank, key = sort_key(column.values[place])
            by_rank.setdefault(rank, []).append((key, place))
        for some in by_rank.values():
            some.sort(key=itemgetter(0), reverse=sort.desc)
        places = [place for rank in sorted(by_rank) for _, place in by_rank[rank]]
    return [ids[place] for place in places]


def sort_key(value: Any) -> tuple[int, Any]:
    """Return (rank, key): numbers before texts before lists before what is missing or NaN."""
    if isinstance(value, bool):
        return 1, "true" if value else "false"
    if isinstance(value, (int, float)):
        return (3, 0) if value != value else (0, value)
    if isinstance(value, str):
        return 1, value
    return (3, 0) if value is None else (2, msgspec.json.encode(value, enc_hook=str).decode())


def _page_by_metric(
    metadata: MetadataStore, connection: Connection, project: ProjectRef, chosen: Chosen, query: RunQuery
) -> list[int] | None:
    """Return the page if it lies wholly within the runs that have the metric, else None."""
    sort = query.sort[0]
    key = _key(metadata, project, "metric", sort.by.removeprefix("metric:"))
    table, mine = metadata.heads(project.id, [key])
    column = aggregate(_agg(sort), table.c)
    having = RunSet(table, mine & column.is_not(None))
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
    select = select.order_by(*order, *newest_first())
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
        series, mine = metadata.heads(project.id, [_key(metadata, project, "metric", by.removeprefix("metric:"))])
        select = select.outerjoin_from(t.runs, series, mine & (series.c.run_id == r.id))
        column = aggregate(_agg(sort), series.c)
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
        f"cannot sort by {by!r}. Sort by one of {', '.join(COLUMN)}, tags, config.<key>, summary.<key>, meta.<path> "
        "or metric:<key>."
    )


def _agg(sort: Sort) -> str:
    if sort.agg not in AGGREGATES:
        raise InvalidValue(f"agg must be one of {', '.join(AGGREGATES)}, got {sort.agg!r}.")
    return sort.agg


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
    columns: Sequence[list[Any]] = (),
) -> list[RunRow]:
    """Return the rows of *ids*, in their order. *columns*: values to add to each row, in the order of *ids*."""
    states = metadata.runs_by_id(ids)
    stats = read_stats(metadata, connection, project, ids, list(metrics))
    rows = []
    for place, number in enumerate(ids):
        state = states.get(number)
        if state is not None:
            values = [column[place] for column in columns]
            rows.append(to_row(state, stats.get(number, {}), _choose(state, config), now_ns, values))
    return rows


def _choose(state: RunState, config: Iterable[str] | str) -> dict[str, Any]:
    if config == "*":
        return flatten(state.config)
    wanted = list(config)
    if not wanted:
        return {}
    flat = flatten(state.config)
    return {name: flat[name] for name in wanted if name in flat}


def to_row(
    state: RunState,
    metrics: dict[str, MetricStats],
    config: dict[str, Any],
    now_ns: int,
    values: Sequence[Any] = (),
) -> RunRow:
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
        folder=state.text("folder"),
        parent=state.text("parent"),
        tags=state.tags,
        notes=state.text("notes"),
        host=host_of(state),
        config=config,
        metrics=metrics,
        loss=loss_of(state),
        damaged=state.damaged,
        archived=state.archived,
        error=state.error,
        values=list(values),
    )


def runtime_s(state: RunState, now_ns: int) -> float:
    until = state.ended_ns or (now_ns if state.state == "running" else state.activity_ns)
    return max(0.0, (until - state.created_ns) / 1e9)


def host_of(state: RunState) -> str | None:
    hosts = [life.host for life in state.lives.values() if life.writer == "" and life.host]
    return hosts[-1] if hosts else None


def loss_of(state: RunState) -> Loss | None:
    # What waits in the memory of a process that is gone is lost; of one that runs it is on its way.
    waiting = [] if state.state == "running" else [life.waiting for life in state.lives.values() if life.waiting]
    if not state.gaps and not waiting:
        return None
    gaps = state.gaps.values()
    return Loss(sum(gap.count for gap in gaps) + len(waiting), sum(gap.points for gap in gaps) + sum(waiting))


def read_stats(
    metadata: MetadataStore, connection: Connection, project: ProjectRef, ids: list[int], names: list[str]
) -> dict[int, dict[str, MetricStats]]:
    """Return run id → key → aggregates."""
    numbers = metadata.find_keys(project.id, "metric", names)
    found: dict[int, dict[str, MetricStats]] = {}
    if not numbers:
        return found
    called: dict[int, list[str]] = {}  # a metric may be asked for by the name it was logged under too
    for name, number in numbers.items():
        called.setdefault(number, []).append(name)
    table, mine = metadata.heads(project.id, list(called))
    for start in range(0, len(ids), _CHUNK):
        query = sa.select(table).where(mine, table.c.run_id.in_(ids[start : start + _CHUNK]))
        for row in connection.execute(query):
            stats = found.setdefault(row.run_id, {})
            for name in called[row.key_id]:
                stats[name] = stats_of(row)
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
