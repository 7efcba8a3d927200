"""
The runs table as a file: every run that matches, in order, written while it is read.

==========  =========================================================================================================
csv, tsv    RFC 4180; a text that a spreadsheet would take for a formula begins with an apostrophe
json        ``{"columns": […], "rows": [[…], …]}``; NaN and infinities as strings, a missing value as null
parquet     one column each: doubles, integers, booleans where all values are such, else text
latex       a ``tabular`` with the rules of booktabs
markdown    a pipe table
==========  =========================================================================================================

A query with groups has one row a group: its path, how many runs, and of each column mean, std and n (in LaTeX and
Markdown together, as ``0.912 ± 0.011 (3)``). Numbers are exact everywhere else: reading them gives the same number.

Corrections of metrics in the table are named beside it where the format has room: ``corrections`` in JSON and in the
metadata of Parquet, comments in LaTeX and Markdown.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

import duckdb
import msgspec
import numpy as np

from treering.errors import LimitExceeded
from treering.limits import COLUMN_MAX_VALUES, EXPORT_MAX_RUNS

from .cell_text import TEXT_TABLES, csv_line, mean_std_text
from .metadata import MetadataStore, ProjectRef
from .model import Column, RunGroup, RunQuery
from .parts import quote
from .run_columns import ColumnSource, PointSource, check_column, column_label, is_number, needs_record
from .run_groups import group_runs
from .runs import ordered_ids
from .selection import Chosen, choose_runs, count_runs

__all__ = ["Format", "Table", "export_table", "read_table", "write_table"]

Format = Literal["csv", "tsv", "parquet", "latex", "markdown", "json"]

_ROWS_AT_ONCE: Final = 2_000
_BYTES_AT_ONCE: Final = 1 << 18
_FOR_PEOPLE: Final = ("latex", "markdown")
# What a table has whose columns nobody chose.
_USUAL: Final = ("name", "state", "created_at", "runtime")


class Table(NamedTuple):
    """
    Heads of columns, how many of them are names rather than numbers, rows, some at a time, and what is said of
    corrected metrics among the columns.
    """

    heads: list[str]
    names: int
    rows: Iterator[list[list[Any]]]
    notes: Sequence[str] = ()


def export_table(
    metadata: MetadataStore,
    project: ProjectRef,
    query: RunQuery,
    file_format: Format,
    points: PointSource,
    scratch: Path,
) -> Iterator[bytes]:
    """
    Return the file in pieces. What can be wrong with the query is found before the first.

    Args:
        scratch: a folder for the Parquet file while it is made.

    Raises:
        FilterError, InvalidValue: what is asked cannot be.
        LimitExceeded: there are too many runs, or columns at a step have too many points.
    """
    table = read_table(metadata, project, query, points, for_people=file_format in _FOR_PEOPLE)
    return write_table(table, file_format, scratch)


def write_table(table: Table, file_format: Format, scratch: Path) -> Iterator[bytes]:
    """Return a table as a file, in pieces."""
    if file_format == "parquet":
        return _parquet(table, scratch)
    if file_format == "json":
        return _json(table)
    if file_format in TEXT_TABLES:
        return _text(table, file_format)
    return _csv(table, "," if file_format == "csv" else "\t")


# ── what is in it ────────────────────────────────────────────────────────────────────────────────────────────────
def read_table(
    metadata: MetadataStore, project: ProjectRef, query: RunQuery, points: PointSource, *, for_people: bool
) -> Table:
    """Return the table of a query; *for_people* has no run keys, and mean ± std in one cell."""
    columns = _columns(query)
    for column in columns:
        check_column(column)
    chosen = choose_runs(metadata, project, query)
    with metadata.connect() as connection:
        total = count_runs(connection, Chosen(project, [], [], chosen.deleted))
        source = ColumnSource(metadata, points, project, total)
        if query.group:
            asked = msgspec.structs.replace(query, columns=columns, metrics=[])
            groups = group_runs(metadata, connection, project, chosen, source, asked)
            grouped = _grouped(groups, query.group, columns, for_people=for_people)
            return grouped._replace(notes=_notes(metadata, project, columns))
        ids = ordered_ids(metadata, connection, project, chosen, query, source)
    if len(ids) > EXPORT_MAX_RUNS:
        raise LimitExceeded(f"{len(ids):,} runs match; at most {EXPORT_MAX_RUNS:,} are exported. Use a filter.")
    if not any(column.by == "name" for column in columns):
        columns.insert(0, Column("name"))
    names = sum(1 for column in columns if column.by == "name")
    if not for_people:
        columns.insert(0, Column("run_key"))
    heads = [column_label(column) for column in columns]
    # Points are read at once and before the first byte: what has too many of them is refused, and not cut off.
    at_steps = [column for column in columns if needs_record(column)]
    with metadata.connect() as connection:
        ready = {each.column: each.values for each in source.read(connection, ids, at_steps)}
    return Table(heads, names, _pieces(metadata, source, ids, columns, ready), _notes(metadata, project, columns))


def _notes(metadata: MetadataStore, project: ProjectRef, columns: list[Column]) -> list[str]:
    """Return what is said of corrections of the metrics among *columns*, a line each."""
    overlay = metadata.overlay(project.id)
    if overlay is None:
        return []
    names = [column.by.removeprefix("metric:") for column in columns if column.by.startswith("metric:")]
    return overlay.notes(overlay.find(names).values())


def _columns(query: RunQuery) -> list[Column]:
    if query.columns:
        return list(query.columns)
    config = [] if query.config == "*" else query.config
    usual = [] if query.group else [Column(name) for name in _USUAL]
    return [*usual, *(Column(f"config.{key}") for key in config), *(Column(f"metric:{key}") for key in query.metrics)]


def _pieces(
    metadata: MetadataStore,
    source: ColumnSource,
    ids: list[int],
    columns: list[Column],
    ready: dict[Column, list[Any]],
) -> Iterator[list[list[Any]]]:
    rest = [column for column in columns if column not in ready]
    for begin in range(0, len(ids), _ROWS_AT_ONCE):
        some = ids[begin : begin + _ROWS_AT_ONCE]
        with metadata.connect() as connection:
            found = {each.column: each.values for each in source.read(connection, some, rest)}
        for column, values in ready.items():
            found[column] = values[begin : begin + _ROWS_AT_ONCE]
        yield [list(row) for row in zip(*(found[column] for column in columns), strict=True)]


def _grouped(groups: list[RunGroup], by: Sequence[str], columns: list[Column], *, for_people: bool) -> Table:
    labels = [column_label(column) for column in columns]
    if for_people:
        heads = [*by, "runs", *labels]
    else:
        heads = [*by, "runs", *(f"{label}{what}" for label in labels for what in ("", " std", " n"))]

    def row(group: RunGroup) -> list[Any]:
        path = [part.value for part in group.path] + [None] * (len(by) - len(group.path))
        cells: list[Any] = [*path, group.count]
        for about in group.columns:
            if about.mean is None or about.std is None:
                value: Any = about.common if about.distinct == 1 else None
                cells += [value] if for_people else [value, None, about.n]
            elif for_people:
                cells.append(mean_std_text(about.mean, about.std, about.n))
            else:
                cells += [about.mean, about.std, about.n]
        return cells

    return Table(heads, len(by), iter([[row(group) for group in groups]]))


# ── how it is written ────────────────────────────────────────────────────────────────────────────────────────────
def _csv(table: Table, delimiter: str) -> Iterator[bytes]:
    yield csv_line(table.heads, delimiter).encode("utf-8", "replace")
    for rows in table.rows:
        yield "".join(csv_line(row, delimiter) for row in rows).encode("utf-8", "replace")


def _text(table: Table, file_format: str) -> Iterator[bytes]:
    how = TEXT_TABLES[file_format]
    if table.notes:
        yield "".join(how.comment(note) for note in table.notes).encode("utf-8", "replace")
    yield how.begin(table.heads, table.names).encode("utf-8", "replace")
    for rows in table.rows:
        yield "".join(how.row([how.cell(cell) for cell in row]) for row in rows).encode("utf-8", "replace")
    yield how.end.encode()


def _json(table: Table) -> Iterator[bytes]:
    encode: Callable[[Any], bytes] = msgspec.json.Encoder(enc_hook=str).encode
    yield b'{"columns":' + encode(table.heads) + b',"rows":['
    separator = b""
    for rows in table.rows:
        if rows:
            yield separator + b",\n".join(encode([_strict(cell) for cell in row]) for row in rows)
            separator = b",\n"
    yield b"]" + (b',"corrections":' + encode(list(table.notes)) if table.notes else b"") + b"}\n"


def _strict(value: Any) -> Any:
    """Return what JSON can say: no NaN, no half of a surrogate pair, and integers of any size."""
    if isinstance(value, float):
        return (
            value if -np.inf < value < np.inf else "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
        )
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "replace").decode()
    if isinstance(value, int) and not isinstance(value, bool) and not -(1 << 63) <= value < 1 << 64:
        return float(value) if abs(value) < 1 << 1023 else str(value)
    if isinstance(value, list):
        return [_strict(item) for item in value]
    return {str(key): _strict(item) for key, item in value.items()} if isinstance(value, dict) else value


def _parquet(table: Table, scratch: Path) -> Iterator[bytes]:
    columns: list[list[Any]] = [[] for _ in table.heads]
    for rows in table.rows:
        if len(columns) * (len(columns[0]) + len(rows)) > COLUMN_MAX_VALUES:
            raise LimitExceeded(
                f"a Parquet file of more than {COLUMN_MAX_VALUES:,} values is not made. Ask for CSV, which is written "
                "while it is read, for fewer columns, or use a filter."
            )
        for column, cells in zip(columns, zip(*rows, strict=True), strict=False):
            column.extend(cells)
    arrays, selected = {}, []
    for number, (head, values) in enumerate(zip(_distinct(table.heads), columns, strict=True)):
        kind, array, there = _typed(values)
        arrays[f"v{number}"], arrays[f"h{number}"] = array, there
        name = '"' + head.replace('"', '""') + '"'
        # DuckDB takes NaN in an array for NULL; what is missing is said by the array beside it.
        value = f"coalesce(v{number}, 'nan'::double)" if kind == "DOUBLE" else f"v{number}"
        selected.append(f"case when h{number} then cast({value} as {kind}) end as {name}")
    return _made(scratch, arrays, ", ".join(selected), table.notes)


def _made(scratch: Path, arrays: dict[str, Any], selected: str, notes: Sequence[str]) -> Iterator[bytes]:
    scratch.mkdir(parents=True, exist_ok=True)
    handle, path = tempfile.mkstemp(suffix=".parquet", prefix="export-", dir=scratch)
    os.close(handle)
    try:
        with duckdb.connect(":memory:", config={"threads": 1}) as connection:
            connection.register("cells", arrays)
            about = f", kv_metadata {{corrections: '{quote(_text_of(notes))}'}}" if notes else ""
            connection.execute(f"copy (select {selected} from cells) to '{quote(path)}' (format parquet{about})")  # noqa: S608
        arrays.clear()
        with open(path, "rb") as file:
            while piece := file.read(_BYTES_AT_ONCE):
                yield piece
    finally:
        os.unlink(path)


def _text_of(notes: Sequence[str]) -> str:
    return "\n".join(notes).encode("utf-8", "replace").decode().replace("\0", "")


def _typed(values: list[Any]) -> tuple[str, Any, Any]:
    """Return the SQL type of a column, its values as an array, and which of them there are."""
    there = np.array([value is not None for value in values], np.bool_)
    kinds = {type(value) for value in values if value is not None}
    if kinds == {bool}:
        return "BOOLEAN", np.array([bool(value) for value in values], np.bool_), there
    if kinds == {int} and all(value is None or -(1 << 63) <= value < 1 << 63 for value in values):
        return "BIGINT", np.array([value or 0 for value in values], np.int64), there
    if kinds and all(value is None or is_number(value) for value in values) and _fit(values):
        return "DOUBLE", np.array([0.0 if value is None else float(value) for value in values]), there
    texts = [None if value is None else _as_text(value) for value in values]
    return "VARCHAR", np.array(texts, object), there


def _fit(values: list[Any]) -> bool:
    """Return whether every integer is one that a double holds."""
    return all(not isinstance(value, int) or abs(value) <= 1 << 53 for value in values)


def _as_text(value: Any) -> str:
    text = value if isinstance(value, str) else msgspec.json.encode(_strict(value), enc_hook=str).decode()
    return text.encode("utf-8", "replace").decode()


def _distinct(heads: Sequence[str]) -> list[str]:
    """Return names of which no two are equal, whatever their case: Parquet and SQL want that."""
    seen: dict[str, int] = {}
    found = []
    for head in heads:
        count = seen[head.lower()] = seen.get(head.lower(), 0) + 1
        found.append(head if count == 1 else f"{head} ({count})")
    return found
