"""
Filters as SQL: every value is a bound parameter, every column one of a fixed list.

A term becomes a condition on the runs table or ``runs.id in (select run_id from attrs …)``. Such a set is a range of
the primary key (key_id, run_id), so any config key is as good as indexed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import ColumnElement

from . import schema as t
from .index_rows import NAN_TEXT
from .metadata import MetadataStore
from .query import And, Compare, Field, Has, In, Is, Match, Node, Not, Or, Value
from .regex import matches

r = t.runs.c

_NUMERIC = ("int", "float")

_RUNTIME = (sa.func.coalesce(r.ended_us, r.activity_us) - r.created_us) / 1e6

COLUMN: dict[str, ColumnElement[Any]] = {
    "name": r.name,
    "id": r.run_id,
    "run_key": r.run_key,
    "state": r.state,
    "group": r.group_name,
    "job_type": r.job_type,
    "folder": r.folder,
    "parent": r.parent,
    "notes": r.notes,
    "host": r.host,
    "number": r.number,
    "created_at": r.created_us / 1e6,
    "ended_at": r.ended_us / 1e6,
    "last_activity_at": r.activity_us / 1e6,
    "runtime": _RUNTIME,
    "archived": r.archived,
    "damaged": r.damaged,
}

_COMPARE: dict[str, Callable[[Any, Any], ColumnElement[bool]]] = {
    "=": lambda x, y: x == y,
    "!=": lambda x, y: x != y,
    "<": lambda x, y: x < y,
    "<=": lambda x, y: x <= y,
    ">": lambda x, y: x > y,
    ">=": lambda x, y: x >= y,
}


def aggregate(name: str, s: Any = t.series.c) -> ColumnElement[Any]:
    """Return the column or expression of a metric's aggregate; NULL where it has no finite value or is NaN."""
    if name == "mean":
        mean: ColumnElement[Any] = s.sum / sa.func.nullif(s.finite, 0)
        return mean
    columns: dict[str, ColumnElement[Any]] = {
        "last": s.last,
        "min": s.min,
        "max": s.max,
        "first": s.first,
        "n": s.n,
        "last_step": s.last_step,
    }
    return columns[name]


@dataclass(frozen=True, slots=True)
class RunSet:
    """
    Runs that have a row of *table* (attrs or series, aliased) for which *where* holds; at most one row each.

    ``narrow``: likely few of them, so that a query had better begin here.
    """

    table: Any
    where: ColumnElement[bool]
    narrow: bool = False

    @property
    def run_id(self) -> ColumnElement[int]:
        found: ColumnElement[int] = self.table.c.run_id
        return found


class FilterSql:
    """Compiles filters of one project."""

    def __init__(self, metadata: MetadataStore, project_id: int) -> None:
        self._metadata = metadata
        self._project_id = project_id

    def condition(self, node: Node) -> ColumnElement[bool]:
        """Return the condition on the runs table. It is never NULL, so ``not`` is a true complement."""
        if isinstance(node, And):
            return sa.and_(*(self.condition(item) for item in node.items))
        if isinstance(node, Or):
            return sa.or_(*(self.condition(item) for item in node.items))
        if isinstance(node, Not):
            return sa.not_(self.condition(node.item))
        found = self.run_set(node)
        if found is not None:
            return r.id.in_(sa.select(found.run_id).where(found.where))
        if node.field.space == "column":
            return self._column(node)
        assert isinstance(node, Is)  # missing: what no row is of
        return self._missing(node)

    def run_set(self, node: Node) -> RunSet | None:
        """Return the rows that a term asks for, None for terms about the runs table or about what is missing."""
        if isinstance(node, (And, Or, Not)):
            return None
        if isinstance(node, Has) and node.field.space == "column":
            return self._tagged(node)
        if node.field.space == "column" or (isinstance(node, Is) and node.what == "missing"):
            return None
        key = self._key(node.field)
        return self._metric(node, key) if node.field.space == "metric" else self._attr(node, key)

    def _key(self, field: Field) -> int:
        space = field.space
        return self._metadata.find_keys(self._project_id, space, [field.name]).get(field.name, -1)

    # ── columns ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _column(self, node: Compare | In | Match | Has | Is) -> ColumnElement[bool]:
        name = node.field.name
        if name == "tags":
            return self._tags(node)
        column = COLUMN[name]
        here = column.is_not(None)
        if isinstance(node, Is):
            if node.what in ("missing", "null"):
                return column.is_(None)
            return here if node.what == "finite" and name in _NUMBER_COLUMNS else sa.false()
        if isinstance(node, Match):
            return here & self._matches(column, node, r.id, t.runs, r.project_id == self._project_id)
        if isinstance(node, Compare):
            return here & self._one(column, node.op, node.value)
        assert isinstance(node, In)
        return here & sa.or_(*(self._one(column, "=", value) for value in node.values))

    def _one(self, column: ColumnElement[Any], op: str, value: Value) -> ColumnElement[bool]:
        if value is None:
            return sa.false()
        if isinstance(value, str) and "\0" in value:
            return sa.true() if op == "!=" else sa.false()
        if isinstance(value, bool):
            value_in_sql: Any = sa.true() if value else sa.false()
            if op in ("<", "<=", ">", ">="):
                return _COMPARE[op](sa.cast(column, sa.Integer), int(value))
            return _COMPARE[op](column, value_in_sql)
        return _COMPARE[op](column, _bind(value))

    def _tagged(self, node: Has) -> RunSet:
        a = t.attrs.alias()
        key = self._metadata.find_keys(self._project_id, "tag", [node.text]).get(node.text, -1)
        return RunSet(a, a.c.key_id == key, narrow=True)

    def _tags(self, node: Compare | In | Match | Has | Is) -> ColumnElement[bool]:
        a = t.attrs.alias().c
        tagged = (
            sa.select(a.run_id)
            .join(t.keys, t.keys.c.id == a.key_id)
            .where(t.keys.c.project_id == self._project_id, t.keys.c.space == "tag")
        )
        has_any = r.id.in_(tagged)
        return sa.not_(has_any) if isinstance(node, Is) and node.what in ("missing", "null") else sa.false()

    def _missing(self, node: Is) -> ColumnElement[bool]:
        key = self._key(node.field)
        if node.field.space != "metric":
            a = t.attrs.alias().c
            return r.id.not_in(sa.select(a.run_id).where(a.key_id == key))
        heads = self._metadata.heads(self._project_id, [key])
        s = heads.table.c
        rows = sa.select(s.run_id).where(heads.where)
        if (node.field.agg or "last") not in ("last", "first"):
            rows = rows.where(aggregate(node.field.agg, s).is_not(None))
        return r.id.not_in(rows)

    # ── config and summary ──────────────────────────────────────────────────────────────────────────────────────

    def _attr(self, node: Compare | In | Match | Has | Is, key: int) -> RunSet:
        table = t.attrs.alias()
        a = table.c
        mine = a.key_id == key
        if isinstance(node, Is):
            what = {
                "null": a.kind == "null",
                "nan": (a.kind == "float") & a.num.is_(None),
                "inf": a.kind.in_(_NUMERIC) & a.num.in_((math.inf, -math.inf)),
                "finite": a.kind.in_(_NUMERIC) & a.num.is_not(None) & a.num.not_in((math.inf, -math.inf)),
            }[node.what]
            return RunSet(table, mine & what)
        if isinstance(node, Compare):
            return RunSet(table, mine & _attr_compare(a, node.op, node.value), narrow=node.op == "=")
        if isinstance(node, In):
            return RunSet(table, mine & sa.or_(*(_attr_compare(a, "=", value) for value in node.values)))
        if isinstance(node, Has):
            return RunSet(table, mine & self._having(a, node.text))
        text = mine & (a.kind == "str")
        return RunSet(table, text & self._matches(a.text, node, a.run_id, table, text))

    def _having(self, a: Any, text: str) -> ColumnElement[bool]:
        """Lists are stored as JSON text: an element that is *text* stands there between commas or brackets."""
        element = msgspec.json.encode(text).decode().replace("\0", "")
        found = [
            _position(self._metadata.dialect, a.text, f"{before}{element}{after}") > 0
            for before in "[,"
            for after in ",]"
        ]
        listed: ColumnElement[bool] = (a.kind == "json") & sa.or_(*found)
        return listed

    # ── metrics ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _metric(self, node: Compare | In | Match | Has | Is, key: int) -> RunSet:
        agg = node.field.agg or "last"
        table, mine = self._metadata.heads(self._project_id, [key])
        s = table.c
        column = aggregate(agg, s)
        marker = {"last": s.last_text, "first": s.first_text}.get(agg)
        if isinstance(node, Is):
            what = {
                "null": sa.false(),
                "nan": sa.false() if marker is None else sa.func.coalesce(marker == NAN_TEXT, sa.false()),
                "inf": column.in_((math.inf, -math.inf)),
                "finite": column.is_not(None) & column.not_in((math.inf, -math.inf)),
            }[node.what]
            return RunSet(table, mine & what)
        if isinstance(node, Compare):
            return RunSet(table, mine & _metric_compare(column, marker, node.op, node.value))
        if isinstance(node, In):
            tests = (_metric_compare(column, marker, "=", value) for value in node.values)
            return RunSet(table, mine & sa.or_(*tests))
        if marker is None or isinstance(node, Has):
            return RunSet(table, sa.false())
        text = sa.func.substr(marker, 2)
        logged = mine & marker.is_not(None) & (sa.func.substr(marker, 1, 1) == "=")
        return RunSet(table, logged & self._matches(text, node, s.run_id, table, logged))

    # ── text search ─────────────────────────────────────────────────────────────────────────────────────────────

    def _matches(
        self,
        column: ColumnElement[Any],
        node: Match,
        owner: ColumnElement[Any],
        table: Any,
        candidates: ColumnElement[bool],
    ) -> ColumnElement[bool]:
        if node.op == "contains":
            return _position(self._metadata.dialect, column, node.text.replace("\0", "\ufffd")) > 0
        return self.regex(column, node.text, owner, table, candidates)

    def regex(
        self,
        column: ColumnElement[Any],
        pattern: str,
        owner: ColumnElement[Any],
        table: Any,
        candidates: ColumnElement[bool],
    ) -> ColumnElement[bool]:
        """RE2 inside SQLite. PostgreSQL's own engine can be made to run for minutes: there Python tests candidates."""
        if self._metadata.dialect == "sqlite":
            return sa.func.re2_matches(pattern, column) == 1
        with self._metadata.connect() as connection:
            rows = connection.execute(sa.select(owner, column).select_from(table).where(candidates))
            found = [number for number, text in rows if matches(pattern, text)]
        return owner == sa.func.any(sa.cast(found, _BIGINTS))


_NUMBER_COLUMNS = ("number", "created_at", "ended_at", "last_activity_at", "runtime")
_BIGINTS = sa.ARRAY(sa.BigInteger)


def _position(dialect: str, column: ColumnElement[Any], text: str) -> ColumnElement[Any]:
    """Return an expression that is above 0 where *text* occurs in *column*; no wildcards, no case folding."""
    function = sa.func.instr if dialect == "sqlite" else sa.func.strpos
    found: ColumnElement[Any] = function(column, text)
    return found


def _bind(value: float | int | str) -> Any:
    """Integers beyond 64 bits are no SQL integers; as floats they still compare rightly with what is stored."""
    if isinstance(value, int) and abs(value) >= 1 << 63:
        try:
            return float(value)
        except OverflowError:
            return math.inf if value > 0 else -math.inf
    return value


def _attr_compare(a: Any, op: str, value: Value) -> ColumnElement[bool]:
    if value is None:
        return _COMPARE[op](a.kind, "null") if op in ("=", "!=") else sa.false()
    if isinstance(value, bool):
        same_kind, test = a.kind == "bool", _COMPARE[op](a.text, "true" if value else "false")
    elif isinstance(value, str):
        same_kind = a.kind == "str"
        test = sa.false() if "\0" in value else _COMPARE[op](a.text, value)
    else:
        test = _COMPARE[op](a.num, float(_bind(value)))
        # NaN and all that is no number have no num: different from every number, and no other comparison holds.
        return sa.func.coalesce(test, sa.true()) if op == "!=" else test
    holds: ColumnElement[bool] = (same_kind & test) if op != "!=" else sa.not_(same_kind) | test
    return holds


def _metric_compare(
    column: ColumnElement[Any], marker: ColumnElement[Any] | None, op: str, value: Value
) -> ColumnElement[bool]:
    # Of another type: only ever different, where there is a value at all.
    different = sa.false() if op != "!=" else sa.true() if marker is not None else column.is_not(None)
    if value is None or isinstance(value, bool):
        return different
    if isinstance(value, str):
        if marker is None:
            return different
        text, logged = sa.func.substr(marker, 2), sa.func.coalesce(sa.func.substr(marker, 1, 1) == "=", sa.false())
        test = sa.false() if "\0" in value else _COMPARE[op](text, value)
        return (logged & test) if op != "!=" else sa.not_(logged) | test
    test = _COMPARE[op](column, float(_bind(value)))
    if op == "!=":  # a run has the metric: NaN, or a text, differs from every number
        return sa.func.coalesce(test, sa.true()) if marker is not None else test
    return test
