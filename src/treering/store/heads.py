"""
Heads of series: what the table of aggregates says of each metric of each run, as it is shown.

Of a metric whose points are those of one key, at most rescaled, they follow from that key's row in the query itself.
Where two keys are joined in one run, or a cut takes points away, a row was made from the points: see ``derived_heads``.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import ColumnElement

from . import schema as t
from .overlay import Overlay, Source

__all__ = ["Heads", "logged_heads", "shown_heads"]


class Heads(NamedTuple):
    """Rows with the columns of the series table, at most one per metric and run, for which *where* holds."""

    table: Any
    where: ColumnElement[bool]


def logged_heads(keys: Collection[int] | None) -> Heads:
    """Return the rows as they were logged."""
    table = t.series.alias()
    if keys is None:
        return Heads(table, sa.true())
    numbers = list(keys)
    return Heads(table, table.c.key_id == numbers[0] if len(numbers) == 1 else table.c.key_id.in_(numbers))


def shown_heads(overlay: Overlay, stamp: str, derived: Collection[int], keys: Collection[int] | None) -> Heads:
    """
    Return the rows as they are shown, of *keys* or of all of the project.

    Args:
        stamp: of the rows that were made from points for this overlay.
        derived: the metrics of which there are such rows.
    """
    altered = overlay.altered
    mine = list(altered.values()) if keys is None else [altered[key] for key in keys if key in altered]
    s = t.series
    if keys is None:
        own = {source.key.id for metric in mine for source in metric.sources} | overlay.hidden
        if not own:
            return logged_heads(None)
        plain: sa.Select[Any] | None = sa.select(*s.c).where(s.c.key_id.not_in(sorted(own)))
    else:
        rest = [key for key in keys if key not in altered]
        if not mine:
            return logged_heads(rest)
        plain = sa.select(*s.c).where(s.c.key_id.in_(rest)) if rest else None
    parts = [] if plain is None else [plain]
    made = [metric.id for metric in mine if metric.id in derived]
    groups: dict[tuple[float, float, bool], list[tuple[Source, int]]] = {}
    for metric in mine:
        for source in metric.sources:
            groups.setdefault((source.factor, source.offset, metric.id in derived), []).append((source, metric.id))
    for (_, _, is_made), some in groups.items():
        parts.append(_scaled(some, stamp if is_made else None))
    if made:
        c = t.corrected.c
        columns = [c[column.name] for column in s.c]
        parts.append(sa.select(*columns).where(c.key_id.in_(made), c.stamp == stamp, c.n > 0))
    found = parts[0].subquery() if len(parts) == 1 else sa.union_all(*parts).subquery()
    return Heads(found, sa.true())


def _scaled(some: Sequence[tuple[Source, int]], stamp: str | None) -> sa.Select[Any]:
    """Return rows of keys with one factor and offset; with a *stamp* not of the runs that have a row of their own."""
    source = some[0][0]
    s = t.series.c
    moved = {each.key.id: number for each, number in some if each.key.id != number}
    number: ColumnElement[int] = s.key_id if not moved else sa.case(moved, value=s.key_id, else_=s.key_id)

    def shown(column: ColumnElement[Any], count: Any = 1) -> ColumnElement[Any]:
        factor, offset = (sa.literal(value, sa.Float(53)) for value in (source.factor, source.offset))
        found: ColumnElement[Any] = column * factor + offset * count
        return found

    low, high = (s.max, s.min) if source.factor < 0 else (s.min, s.max)
    own: dict[str, ColumnElement[Any]] = {"key_id": number}
    if source.is_scaled:
        own |= {"last": shown(s.last), "first": shown(s.first), "min": shown(low), "max": shown(high)}
        own["sum"] = shown(s.sum, s.finite)
        if not source.keeps_integers:
            own["is_int"] = sa.false()
    select = sa.select(*(own.get(c.name, c).label(c.name) for c in t.series.c))
    select = select.where(s.key_id.in_([each.key.id for each, _ in some]))
    if stamp is not None:
        d = t.corrected.c
        there = sa.select(sa.literal(1)).select_from(t.corrected)
        there = there.where(d.key_id == number, d.run_id == s.run_id, d.stamp == stamp)
        select = select.where(sa.not_(there.correlate(t.series).exists()))
    return select
