"""Pivot tables: runs in cells by the values of some columns, and one number summed up in each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from treering.errors import InvalidValue, LimitExceeded
from treering.limits import PIVOT_MAX_CELLS

from . import schema as t
from .cell_text import TEXT_TABLES, csv_line, mean_std_text
from .metadata import MetadataStore, ProjectRef
from .model import Column, Selection
from .run_columns import ColumnSource, PointSource
from .run_groups import grouping, hashable
from .runs import sort_key
from .selection import Chosen, choose_runs, count_runs, newest_first
from .statistics.describe import Description, describe, finite_numbers

__all__ = ["Pivot", "PivotCell", "pivot_text", "read_pivot"]

r = t.runs.c


class PivotCell(msgspec.Struct, frozen=True):
    """The finite values of the runs in one cell; ``std`` divides by n − 1 and is 0 for one."""

    mean: float
    std: float
    n: int
    min: float
    max: float


class Pivot(msgspec.Struct, frozen=True):
    """Values of rows and columns in order, a cell for each pair (None: no run), and which means are a row's best."""

    rows: list[list[Any]]
    columns: list[list[Any]]
    cells: list[list[PivotCell | None]]
    best: list[list[bool]]
    goal: str | None


def read_pivot(
    metadata: MetadataStore,
    project: ProjectRef,
    selection: Selection,
    rows: Sequence[str],
    columns: Sequence[str],
    value: Column,
    goal: str | None,
    points: PointSource,
) -> Pivot:
    """
    Return the pivot of the runs that match. Rows and columns are in order: numbers, texts, then what is missing.

    Raises:
        FilterError, InvalidValue: see ``choose_runs``, ``grouping`` and ``ColumnSource.read``.
        LimitExceeded: there are too many cells.
    """
    if not rows or len(set(rows) | set(columns)) < len(rows) + len(columns):
        raise InvalidValue("a pivot needs at least one grouping for its rows, and none of them twice.")
    chosen = choose_runs(metadata, project, selection)
    with metadata.connect() as connection:
        ids = list(connection.scalars(sa.select(r.id).where(chosen.where).order_by(*newest_first())))
        total = count_runs(connection, Chosen(project, [], [], chosen.deleted))
        source = ColumnSource(metadata, points, project, total)
        by = [grouping(metadata, connection, source, ids, one) for one in (*rows, *columns)]
        (read,) = source.read(connection, ids, [value])
    members: dict[tuple[Any, Any], list[Any]] = {}
    names: tuple[dict[Any, list[Any]], dict[Any, list[Any]]] = {}, {}
    for place, number in enumerate(ids):
        path = [of(number) for of in by]
        parts = path[: len(rows)], path[len(rows) :]
        keys = tuple(tuple(hashable(each) for each in part) for part in parts)
        for known, key, part in zip(names, keys, parts, strict=True):
            known.setdefault(key, part)
        members.setdefault((keys[0], keys[1]), []).append(read.values[place])
    if len(names[0]) * len(names[1]) > PIVOT_MAX_CELLS:
        raise LimitExceeded(
            f"{len(names[0]):,} rows × {len(names[1]):,} columns are more than {PIVOT_MAX_CELLS:,} cells. Group by "
            "something with fewer values, or narrow the runs with a filter."
        )
    ordered = [sorted(known, key=lambda key: [_order(each) for each in known[key]]) for known in names]
    cells = [[_cell(describe(finite_numbers(members.get((row, column), ())))) for column in ordered[1]]
             for row in ordered[0]]  # fmt: skip
    return Pivot(
        rows=[names[0][key] for key in ordered[0]],
        columns=[names[1][key] for key in ordered[1]],
        cells=cells,
        best=[_best(row, goal) for row in cells],
        goal=goal,
    )


def _order(value: Any) -> tuple[int, Any]:
    rank, key = sort_key(value)
    return rank, key if rank != 2 else str(key)


def _cell(about: Description) -> PivotCell | None:
    if about.mean is None or about.std is None or about.min is None or about.max is None:
        return None
    return PivotCell(about.mean, about.std, about.n, about.min, about.max)


def _best(row: Sequence[PivotCell | None], goal: str | None) -> list[bool]:
    means = [cell.mean for cell in row if cell is not None]
    if goal is None or not means:
        return [False] * len(row)
    best = min(means) if goal == "min" else max(means)
    return [cell is not None and cell.mean == best for cell in row]


def pivot_text(pivot: Pivot, rows: Sequence[str], columns: Sequence[str], file_format: str) -> str:
    """
    Return a pivot as CSV (exact mean, std and n of each cell, a line a cell), or as a LaTeX or Markdown table.

    *rows* and *columns* are what it was grouped by. In a table a cell is mean ± std (n), the best of a row in bold.
    """
    if file_format == "csv":
        lines = [csv_line([*rows, *columns, "mean", "std", "n", "min", "max"])]
        for row, cells in zip(pivot.rows, pivot.cells, strict=True):
            for column, cell in zip(pivot.columns, cells, strict=True):
                if cell is not None:
                    lines.append(csv_line([*row, *column, cell.mean, cell.std, cell.n, cell.min, cell.max]))
        return "".join(lines)
    table = TEXT_TABLES[file_format]
    head = [*rows, *(", ".join(_name(part) for part in column) for column in pivot.columns)]
    text = [table.begin(head, len(rows))]
    for row, cells, best in zip(pivot.rows, pivot.cells, pivot.best, strict=True):
        written = [table.cell(value) for value in row]
        for cell, is_best in zip(cells, best, strict=True):
            shown = "" if cell is None else mean_std_text(cell.mean, cell.std, cell.n)
            shown = table.cell(shown) if file_format == "latex" else shown
            written.append(table.bold(shown) if is_best else shown)
        text.append(table.row(written))
    return "".join(text) + table.end


def _name(value: Any) -> str:
    return "–" if value is None else str(value)
