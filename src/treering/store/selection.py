"""Which runs are meant: those of a project that pass filter and search, or some of them by key."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Protocol

import msgspec
import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from . import schema as t
from .filter_sql import FilterSql, RunSet
from .metadata import MetadataStore, ProjectRef
from .query import And, parse
from .regex import compile_pattern

__all__ = ["Chosen", "Wanted", "choose_runs", "count_runs", "newest_first", "one_of"]

r = t.runs.c

_DELETED_NAMED: Final = 500
_BIGINTS: Final = sa.ARRAY(sa.BigInteger)


class Wanted(Protocol):
    """What a selection says; a ``RunQuery`` says it too."""

    @property
    def filter(self) -> str | None: ...
    @property
    def search(self) -> str | None: ...
    @property
    def regex(self) -> bool: ...
    @property
    def runs(self) -> list[str] | None: ...
    @property
    def deleted(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Chosen:
    """
    The runs that pass filter and search: members of all *sets* for which all *conditions* on the runs table hold.

    Sets are ranges of attrs and series. A query that needs nothing but them never looks into the runs table: 100,000
    runs are then filtered and sorted in 10 ms and not in 60. For that the few deleted runs are known by id.
    """

    project: ProjectRef
    sets: list[RunSet]
    conditions: list[ColumnElement[bool]]
    deleted: list[int] | None  # None: too many to name
    in_bin: bool = False  # the deleted runs are meant, and no others

    @property
    def alive(self) -> ColumnElement[bool]:
        return (r.project_id == self.project.id) & r.deleted.is_(self.in_bin)

    @property
    def everything(self) -> bool:
        """Whether all runs of the project are meant."""
        return not self.sets and not self.conditions and not self.in_bin

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
        if self.conditions or self.deleted is None or self.in_bin:
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


def choose_runs(metadata: MetadataStore, project: ProjectRef, wanted: Wanted) -> Chosen:
    """Return the runs that are meant. To be called before a connection is opened. Raises FilterError, InvalidValue."""
    metadata.prepare(project.id)
    sets: list[RunSet] = []
    conditions: list[ColumnElement[bool]] = []
    if wanted.filter and wanted.filter.strip():
        compiler = FilterSql(metadata, project.id)
        node = parse(wanted.filter)
        for term in node.items if isinstance(node, And) else (node,):
            found = compiler.run_set(term)
            if found is not None:
                sets.append(found)
            else:
                conditions.append(compiler.condition(term))
    if wanted.search:
        conditions.append(_search(metadata, project, wanted.search, wanted.regex))
    if wanted.runs is not None:
        if wanted.deleted:
            ids = [state.id for state in metadata.runs_by_key(wanted.runs).values()]
        else:
            ids = [number for number, _ in metadata.run_ids(wanted.runs).values()]
        conditions.append(one_of(metadata.dialect, r.id, ids))
    with metadata.connect() as connection:
        gone = sa.select(r.id).where(r.project_id == project.id, r.deleted.is_(True)).limit(_DELETED_NAMED + 1)
        deleted = list(connection.scalars(gone))
    return Chosen(project, sets, conditions, deleted if len(deleted) <= _DELETED_NAMED else None, wanted.deleted)


def one_of(dialect: str, column: ColumnElement[int], ids: Iterable[int]) -> ColumnElement[bool]:
    """Return the condition that *column* is one of any number of *ids*: one parameter, not one each."""
    numbers = list(ids)
    if dialect == "sqlite":
        listed = sa.func.json_each(sa.literal(msgspec.json.encode(numbers).decode(), sa.Text)).table_valued("value")
        return column.in_(sa.select(listed.c.value))
    return column == sa.func.any(sa.cast(numbers, _BIGINTS))


def newest_first() -> list[ColumnElement[Any]]:
    """Return the order that runs have without another one."""
    return [r.created_us.desc(), r.number.desc(), r.id.desc()]


def count_runs(connection: Connection, chosen: Chosen) -> int:
    """Return how many runs are meant."""
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
