"""A table's columns as a Parquet file: written by DuckDB, which the server needs anyhow, or by pyarrow."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from treering.errors import MissingExtra

from .media import Unusable

__all__ = ["read_rows", "write"]

_SQL: Final = {"number": "DOUBLE", "integer": "BIGINT", "boolean": "BOOLEAN"}


def write(path: Path, columns: Sequence[tuple[str, Sequence[Any]]]) -> None:
    """
    Write columns named c0, c1, … of (type, cells) to *path*; None becomes NULL.

    Raises:
        Unusable: neither DuckDB nor pyarrow is installed.
    """
    try:
        import duckdb  # noqa: F401 - 60 ms, and only for a process that logs a table
    except ImportError:
        try:
            _write_with_pyarrow(path, columns)
        except ImportError:
            raise Unusable("a table needs DuckDB or pyarrow: pip install duckdb") from None
        return
    _write_with_duckdb(path, columns)


def read_rows(path: Path) -> list[tuple[Any, ...]]:
    """
    Return the rows of a Parquet file of ours.

    Raises:
        MissingExtra: neither DuckDB nor pyarrow is installed.
    """
    try:
        import duckdb  # noqa: F401
    except ImportError:
        try:
            from pyarrow import parquet
        except ImportError:
            raise MissingExtra("a table is read with DuckDB or pyarrow: pip install duckdb") from None
        columns = parquet.read_table(path).columns
        return list(zip(*(column.to_pylist() for column in columns), strict=True))
    with _database().cursor() as database:
        rows: list[tuple[Any, ...]] = database.execute("select * from read_parquet(?)", [str(path)]).fetchall()
        return rows


_mine = threading.local()  # a database takes 15 ms to open: ten times as long as a small table takes to write


def _database() -> Any:
    """Return this thread's database; a forked child makes one of its own."""
    import duckdb

    if getattr(_mine, "pid", None) != os.getpid():
        # One thread: the other cores are the training's.
        _mine.database, _mine.pid = duckdb.connect(":memory:", config={"threads": 1}), os.getpid()
    return _mine.database


def _write_with_duckdb(path: Path, columns: Sequence[tuple[str, Sequence[Any]]]) -> None:
    arrays: dict[str, Any] = {}
    selected = []
    for number, (kind, cells) in enumerate(columns):
        name = f"c{number}"
        selected.append(f"{_column(name, kind, cells, arrays)} AS {name}")
    with _database().cursor() as database:
        target = str(path).replace("'", "''")
        if not selected:
            selected, arrays = ["NULL::VARCHAR AS none"], {}
        source = ""
        if arrays:
            database.register("given", arrays)
            source = " FROM given"
        limit = " LIMIT 0" if not columns or not len(columns[0][1]) else ""
        database.execute(
            f"COPY (SELECT {', '.join(selected)}{source}{limit}) TO '{target}' (FORMAT parquet, COMPRESSION zstd)"
        )


def _column(name: str, kind: str, cells: Sequence[Any], arrays: dict[str, Any]) -> str:
    """Add the numpy arrays that hold a column to *arrays*; return the SQL expression that reads it."""
    import numpy as np

    if not len(cells):
        return f"NULL::{'DOUBLE[]' if kind.startswith('vector:') else _SQL.get(kind, 'VARCHAR')}"
    missing = np.fromiter((cell is None for cell in cells), bool, len(cells))
    some = bool(missing.any())
    if some:
        arrays[f"m_{name}"] = missing
    if kind in _SQL:
        dtype: Any = {"number": np.float64, "integer": np.int64, "boolean": np.bool_}[kind]
        filled = [0 if cell is None else cell for cell in cells] if some else cells
        sql = _numbers(f"v_{name}", np.array(filled, dtype), arrays)
    elif kind.startswith("vector:"):
        length = int(kind.partition(":")[2])
        zeros = [0.0] * length
        matrix = np.array([zeros if cell is None else cell for cell in cells], np.float64)
        parts = [_numbers(f"v_{name}_{at}", np.ascontiguousarray(matrix[:, at]), arrays) for at in range(length)]
        sql = f"[{', '.join(parts)}]"
    else:
        texts = np.empty(len(cells), object)
        texts[:] = ["" if cell is None else cell for cell in cells] if some else cells
        arrays[f"v_{name}"] = texts
        sql = f"v_{name}::VARCHAR"
    return f"CASE WHEN m_{name} THEN NULL ELSE {sql} END" if some else sql


def _numbers(name: str, array: Any, arrays: dict[str, Any]) -> str:
    """Add an array of numbers; DuckDB reads NaN of numpy as NULL, so NaN is said apart."""
    import numpy as np

    arrays[name] = array
    if array.dtype.kind == "f":
        nan = np.isnan(array)
        if nan.any():
            arrays[f"n_{name}"] = nan
            return f"CASE WHEN n_{name} THEN 'nan'::DOUBLE ELSE {name} END"
    return name


def _write_with_pyarrow(path: Path, columns: Sequence[tuple[str, Sequence[Any]]]) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    known = {"number": pa.float64(), "integer": pa.int64(), "boolean": pa.bool_()}
    arrays = []
    for kind, cells in columns:
        of = pa.list_(pa.float64()) if kind.startswith("vector:") else known.get(kind, pa.string())
        arrays.append(pa.array(list(cells), of, from_pandas=False))
    table = pa.table(arrays, names=[f"c{number}" for number in range(len(arrays))])
    parquet.write_table(table, str(path), compression="zstd")
