"""
Logged tables: pages of rows, sorted, searched, filtered and grouped by DuckDB where the Parquet file lies.

The file came from a client, so it is read by a connection that may read nothing else, write nothing, and gets little
memory and time. Of what a user wrote a query's text has the quoted names of columns; all else is a parameter.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

import duckdb
import msgspec
import numpy as np
from numpy.typing import NDArray

from treering.errors import FormatError, InvalidValue, LimitExceeded
from treering.limits import TABLE_GROUPS_MAX, TABLE_QUERY_S

from .model import TableColumn, TableGroup, TablePage
from .parts import quote

__all__ = ["LoggedTable", "TableFilter", "TableQuery", "TableSort", "describe"]

_MEMORY: Final = "256MB"
_AT_ONCE = threading.BoundedSemaphore(2)
_decode_json: Final = msgspec.json.Decoder().decode
_NUMBERS: Final = frozenset({"number", "integer"})
_VECTORS: Final = frozenset(
    f"{kind}[]" for kind in ("DOUBLE", "FLOAT", "BIGINT", "INTEGER", "SMALLINT", "TINYINT", "UBIGINT", "UINTEGER")
)
_PLAIN: Final = frozenset({"number", "integer", "boolean", "text"})
_COMPARE: Final = {"=": "=", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_CELL_MAX_CHARS: Final = 65_536  # of one cell in a reply
_PAGE_MAX_BYTES: Final = 64 * 1024 * 1024  # of all cells of a reply, before it is made
_VECTOR_MAX: Final = 65_536  # numbers of one vector in a reply
_TURN_S: Final = 10.0  # that a query waits for those before it

Op = Literal["=", "!=", "<", "<=", ">", ">=", "contains", "missing", "present"]


class TableSort(NamedTuple):
    """Rows in the order of a column; missing values and NaN come last both ways."""

    column: str
    desc: bool = False


class TableFilter(NamedTuple):
    """A condition on a column."""

    column: str
    op: Op
    value: Any = None


class TableQuery(NamedTuple):
    """Which rows and columns of a table are wanted; no columns means all."""

    offset: int = 0
    limit: int = 100
    sort: Sequence[TableSort] = ()
    search: str = ""
    filters: Sequence[TableFilter] = ()
    group: Sequence[str] = ()
    columns: Sequence[str] = ()


class _Column(NamedTuple):
    name: str
    type: str
    sql: str
    physical: str

    @property
    def cut(self) -> str:
        """What is read of it: a file may hold cells of any size."""
        if self.physical == "BOOLEAN" or _is_number(self.physical):
            return self.sql
        if self.physical in _VECTORS:
            return f"{self.sql}[1:{_VECTOR_MAX}]"
        return f"left(cast({self.sql} as varchar), {_CELL_MAX_CHARS})"


def describe(value: Any, sha256: str) -> list[TableColumn] | None:
    """Return the columns of the table with these bytes, if the media value *value* is it or holds it."""
    if isinstance(value, list):
        return next((found for item in value if (found := describe(item, sha256)) is not None), None)
    if not isinstance(value, dict):
        return None
    names, types = value.get("columns"), value.get("types")
    if value.get("sha256") == sha256 and isinstance(names, list) and isinstance(types, list):
        return [TableColumn(str(name), str(kind)) for name, kind in zip(names, types, strict=False)]
    return next((found for item in value.values() if (found := describe(item, sha256)) is not None), None)


class LoggedTable:
    """
    One table in its Parquet file.

    Args:
        path: of the file; one of ours, by its hash.
        columns: their names and types, in the file's order; None to go by the file alone.
    """

    def __init__(self, path: Path, columns: list[TableColumn] | None) -> None:
        self._source = f"read_parquet('{quote(path)}')"
        self._path = path
        self._described = columns

    def read(self, query: TableQuery) -> TablePage:
        """
        Return a page of rows.

        Raises:
            InvalidValue: a column that the table does not have.
            FormatError: the file is no Parquet file.
            LimitExceeded: it took too long or too much memory.
        """
        with self._open() as cursor:
            columns = self._columns(cursor)
            by_name = {column.name: column for column in columns}
            shown = [_find(by_name, name) for name in query.columns] or columns
            where, values = _conditions(query, by_name, columns)
            source = f"{self._source} where {where}"
            total = _one(cursor, _select("count(*)", self._source), [])
            match = _one(cursor, _select("count(*)", source), values)
            rows: list[list[Any]] = []
            if query.limit:
                order = ", ".join(
                    term for sort in query.sort for term in _order(_find(by_name, sort.column), sort.desc)
                )
                text = _select(", ".join(column.cut for column in shown), source)
                text += f" order by {order}" if order else ""
                page = f"{text} limit {int(query.limit)} offset {int(query.offset)}"
                self._check_size(cursor, page, shown, values)
                found = cursor.execute(page, values).fetchall()
                rows = [[_cell(value, column.type) for value, column in zip(row, shown, strict=True)] for row in found]
            groups = None
            if query.group:
                groups = _groups(cursor, source, values, [_find(by_name, name) for name in query.group], columns)
        return TablePage([TableColumn(c.name, c.type) for c in shown], rows, total, match, groups)

    def vectors(self, column: str, limit: int) -> NDArray[np.float32]:
        """Return a vector column as an array of shape (rows, dimension); rows without a vector are zeros."""
        with self._open() as cursor:
            mine = _find({c.name: c for c in self._columns(cursor)}, column)
            if not mine.type.startswith("vector:"):
                raise InvalidValue(f"column {column!r} holds no vectors but {mine.type}.")
            page = f"{_select(mine.cut, self._source)} limit {int(limit)}"
            self._check_size(cursor, page, [mine], [])
            found = cursor.execute(page).fetchall()
        width = max((len(row[0]) for row in found if row[0]), default=0)
        vectors = np.zeros((len(found), width), np.float32)
        for place, (vector,) in enumerate(found):
            if vector and len(vector) == width:
                vectors[place] = [math.nan if part is None else part for part in vector]
        return vectors

    def fingerprint(self, most_rows: int) -> tuple[int, dict[str, tuple[str, int]]]:
        """
        Return how many rows there are, and of each column its type and a 64-bit hash of its values in their order.

        Raises:
            FormatError: the file is no Parquet file.
            LimitExceeded: it has more than *most_rows* rows, or took too long or too much memory.
        """
        with self._open() as cursor:
            columns = self._columns(cursor)
            rows = _one(cursor, _select("count(*)", self._source), [])
            if rows > most_rows:
                raise LimitExceeded(f"the table has {rows:,} rows; at most {most_rows:,} are compared.")
            numbered = self._source.replace("')", "', file_row_number = true)")
            hashes = ", ".join(f"bit_xor(hash(file_row_number, {column.sql}))" for column in columns)
            found = cursor.execute(_select(hashes, numbered)).fetchone() or ()
        kinds = zip(columns, found, strict=False)
        return rows, {column.name: (column.type, int(value or 0)) for column, value in kinds}

    @staticmethod
    def _check_size(cursor: duckdb.DuckDBPyConnection, page: str, shown: list[_Column], values: list[Any]) -> None:
        """Raise LimitExceeded if the rows would need more memory than a reply may: a small file can hold much."""
        sizes = [size for n, column in enumerate(shown) if (size := _size_of(f"c{n}", column)) is not None]
        if sizes:
            names = ", ".join(f"c{n}" for n in range(len(shown)))
            total = _select(" + ".join(f"coalesce(sum({size}), 0)" for size in sizes), f"({page}) as page({names})")
            if _one(cursor, total, values) > _PAGE_MAX_BYTES:
                raise LimitExceeded(f"the rows hold more than {_PAGE_MAX_BYTES:,} bytes; ask for fewer at once.")

    @contextmanager
    def _open(self) -> Iterator[duckdb.DuckDBPyConnection]:
        config: dict[str, str | bool | int | float | list[str]] = {
            "threads": "1",
            "memory_limit": _MEMORY,
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        }
        if not _AT_ONCE.acquire(timeout=_TURN_S):
            raise LimitExceeded("other tables are being read, and take long; try again.")
        with _given_back(_AT_ONCE), duckdb.connect(":memory:", config=config) as connection:
            connection.execute(f"set allowed_paths = ['{quote(self._path)}']")
            connection.execute("set enable_external_access = false")
            connection.execute("set lock_configuration = true")
            timer = threading.Timer(TABLE_QUERY_S, connection.interrupt)
            timer.start()
            try:
                yield connection
            except duckdb.InterruptException:
                raise LimitExceeded(f"the table took longer than {TABLE_QUERY_S:g} s to read.") from None
            except duckdb.OutOfMemoryException:
                raise LimitExceeded(f"the table needs more than {_MEMORY} to be read this way.") from None
            except duckdb.ConversionException as error:
                raise InvalidValue(f"a value does not fit its column: {str(error).splitlines()[0][:200]}") from None
            except duckdb.Error as error:
                raise FormatError(f"the table cannot be read: {str(error).splitlines()[0][:200]}") from None
            finally:
                timer.cancel()

    def _columns(self, cursor: duckdb.DuckDBPyConnection) -> list[_Column]:
        found = cursor.execute(f"describe {_select('*', self._source)}").fetchall()
        physical = [(str(row[0]), str(row[1])) for row in found]
        described = self._described
        if described is None or len(described) != len(physical):
            described = [TableColumn(name, _type_of(kind)) for name, kind in physical]
        return [
            _Column(column.name, _checked(column.type, kind), '"' + name.replace('"', '""') + '"', kind)
            for column, (name, kind) in zip(described, physical, strict=True)
        ]


@contextmanager
def _given_back(turn: threading.BoundedSemaphore) -> Iterator[None]:
    try:
        yield
    finally:
        turn.release()


def _is_number(physical: str) -> bool:
    return _type_of(physical) in _NUMBERS


def _size_of(name: str, column: _Column) -> str | None:
    """Return what one cell takes, in SQL; None for what is small whatever it holds."""
    if column.physical == "BOOLEAN" or _is_number(column.physical):
        return None
    return f"8 * len({name})" if column.cut.endswith("]") else f"length({name})"


def _type_of(physical: str) -> str:
    if physical in ("DOUBLE", "FLOAT"):
        return "number"
    if physical.endswith("INT") or physical in ("BIGINT", "INTEGER", "HUGEINT"):
        return "integer"
    return "boolean" if physical == "BOOLEAN" else "vector:0" if physical in _VECTORS else "text"


def _checked(declared: str, physical: str) -> str:
    """Return the type that a column has: what was declared of it, unless the file says that it cannot be so."""
    there = _type_of(physical)
    if (declared in _NUMBERS) != (there in _NUMBERS) or (declared == "boolean") != (there == "boolean"):
        return there
    return declared if declared.startswith("vector:") == there.startswith("vector:") else there


def _find(by_name: dict[str, _Column], name: str) -> _Column:
    column = by_name.get(name)
    if column is None:
        raise InvalidValue(f"the table has no column {name!r}; it has {', '.join(by_name)[:300]}.")
    return column


def _conditions(query: TableQuery, by_name: dict[str, _Column], columns: list[_Column]) -> tuple[str, list[Any]]:
    terms, values = ["true"], []
    if query.search:
        cells = [f"contains(lower(cast({c.sql} as varchar)), lower(?))" for c in columns]
        terms.append(f"({' or '.join(cells)})")
        values += [query.search] * len(cells)
    for one in query.filters:
        column = _find(by_name, one.column)
        if one.op == "missing":
            terms.append(f"{column.sql} is null")
        elif one.op == "present":
            terms.append(f"{column.sql} is not null")
        elif one.op == "contains":
            terms.append(f"contains(lower(cast({column.sql} as varchar)), lower(?))")
            values.append(str(one.value))
        else:
            term, value = _comparison(column, one)
            terms.append(term)
            values.append(value)
    return " and ".join(terms), values


def _comparison(column: _Column, one: TableFilter) -> tuple[str, Any]:
    op = _COMPARE[one.op]
    if column.type in _NUMBERS:
        # To DuckDB NaN is greater than every number.
        ordered = f" and not isnan(cast({column.sql} as double))" if op[0] in "<>" and op != "<>" else ""
        try:
            return f"({column.sql} {op} ?{ordered})", float(one.value)
        except (TypeError, ValueError):
            raise InvalidValue(f"column {column.name!r} holds numbers; {one.value!r} is none.") from None
    if column.type == "boolean":
        return f"{column.sql} {op} ?", str(one.value).lower() in ("true", "1")
    if column.type == "mixed":  # cells are JSON: a text may be given as it is
        given = one.value if isinstance(one.value, str) else msgspec.json.encode(one.value).decode()
        return f"coalesce({column.sql} ->> '$', {column.sql}) {op} ?", given
    return f"cast({column.sql} as varchar) {op} ?", str(one.value)


def _order(column: _Column, desc: bool) -> list[str]:
    direction = "desc" if desc else "asc"
    last = f"{column.sql} is null"
    if column.type == "number":
        last = f"({column.sql} is null or isnan({column.sql}))"
    return [last, f"{column.sql} {direction}"]


def _select(what: str, source: str) -> str:
    return f"select {what} from {source}"  # noqa: S608 - our own words, quoted names, and "?" for values


def _one(cursor: duckdb.DuckDBPyConnection, sql: str, values: list[Any]) -> int:
    row = cursor.execute(sql, values).fetchone()
    return int(row[0]) if row else 0


def _groups(
    cursor: duckdb.DuckDBPyConnection, source: str, values: list[Any], by: list[_Column], columns: list[_Column]
) -> list[TableGroup]:
    keys = ", ".join(column.cut for column in by)
    numbers = [column for column in columns if column.type in _NUMBERS and column not in by]
    means = [f"avg({c.sql}) filter (where isfinite(cast({c.sql} as double)))" for c in numbers]
    text = f"{_select(', '.join([keys, 'count(*)', *means]), source)} group by {keys}"
    found = cursor.execute(f"{text} order by count(*) desc, {keys} limit {TABLE_GROUPS_MAX}", values).fetchall()
    return [
        TableGroup(
            [_cell(value, column.type) for value, column in zip(row, by, strict=False)],
            int(row[len(by)]),
            {c.name: mean for c, mean in zip(numbers, row[len(by) + 1 :], strict=True)},
        )
        for row in found
    ]


def _cell(value: Any, kind: str) -> Any:
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, (list, tuple)):
        return list(value)
    text = str(value)
    if kind in _PLAIN:
        return text[:_CELL_MAX_CHARS]
    try:
        return _decode_json(text)
    except msgspec.DecodeError:
        return text[:_CELL_MAX_CHARS]
