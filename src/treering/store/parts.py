"""
Parts: immutable Parquet files, written and read by DuckDB.

Everything DuckDB is asked stands in this file, in ``merge`` and as conditions in ``parquet``. What is put into its
texts are column names, integers and the quoted names of files of our own; nothing that a user wrote. One connection
belongs to the store; each call uses a cursor of its own, since a connection must not be used from several threads.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import duckdb
import numpy as np

from .columns import Array, Items, Points, Rollups, Spans, Table, unread
from .manifest import PartInfo, sync_file, sync_folder, write_durably
from .tail import Mark

TableType = TypeVar("TableType", bound=Table)

FOLDERS: Final = ("points", "roll", "spans", "items", "marks")

# Small row groups let a zoom skip almost everything; measured 5.8 bytes a point here, 6.3 at DuckDB's 122,880 rows.
_COPY: Final = "(format parquet, parquet_version v2, compression zstd, compression_level 1, row_group_size {rows})"
_ROW_GROUP: Final = 32_768
# One cursor may sort this much in memory; beyond it DuckDB spills to the index folder.
_MEMORY: Final = "128MB"


class Engine:
    """A DuckDB connection that reads and writes nothing but the files it is told to."""

    def __init__(self, scratch: Path, *, threads: int | None = None) -> None:
        config: dict[str, str | bool | int | float | list[str]] = {
            "threads": str(threads or min(8, max(1, (os.cpu_count() or 1) // 2))),
            "memory_limit": _MEMORY,
            "temp_directory": str(scratch),
            # DuckDB fetches missing extensions from the network by default; a tracker must not.
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        }
        self._connection = duckdb.connect(":memory:", config=config)
        # Footers of immutable files never change: a zoom into 10 M points takes 4 ms instead of 9. Global,
        # since cursors do not inherit a connection's own settings.
        self._connection.execute("set global parquet_metadata_cache = true")

    def fetch(self, sql: str) -> dict[str, Array]:
        """Return the columns of a query as numpy arrays. The queries here produce no NULL."""
        with self._connection.cursor() as cursor:
            return dict(cursor.execute(sql).fetchnumpy())

    def copy(self, sql: str, target: Path, tables: dict[str, dict[str, Array]] | None = None, rows: int = 0) -> None:
        """Write the result of *sql* as a Parquet file that is whole or absent."""
        temporary = target.with_name(target.name + ".tmp")
        with self._connection.cursor() as cursor:
            for name, table in (tables or {}).items():
                cursor.register(name, table)
            options = _COPY.format(rows=rows or _ROW_GROUP)
            cursor.execute(f"copy ({sql}) to '{quote(temporary)}' {options}")
        sync_file(temporary)
        os.replace(temporary, target)

    def close(self) -> None:
        self._connection.close()


def quote(path: Path | str) -> str:
    """Return *path* for use inside an SQL string."""
    return str(path).replace("'", "''")


def files(folder: Path, kind: str, parts: Sequence[PartInfo]) -> str:
    """Return the table expression that reads one kind of file of several parts."""
    names = ", ".join(f"'{quote(folder / kind / (part.name + '.parquet'))}'" for part in parts)
    return f"read_parquet([{names}])"


# DuckDB reads NaN in a numpy array as NULL. `val` has no NULLs of its own; of `lo` and `hi` NULL is what is meant,
# since a column of NULLs takes no room.
_POINT_COLUMNS: Final = (
    "run, key, step, attempt, writer, ts, coalesce(val, 'nan'::double) as val, kind, seg, off, lo, hi"
)
_ROLLUP_COLUMNS: Final = ", ".join(
    f"coalesce({name}, 'nan'::double) as {name}" if dtype == "f8" else name for name, dtype in Rollups.dtypes.items()
)


def write_part(
    engine: Engine,
    folder: Path,
    part: PartInfo,
    points: Points,
    rollups: Rollups,
    spans: Spans,
    items: Items,
    marks: dict[int, Mark],
) -> None:
    """Write the files of a new part from sorted columns."""
    if part.points:
        engine.copy(
            f"select {_POINT_COLUMNS} from points",  # noqa: S608
            path_of(folder, "points", part),
            {"points": points.columns()},
        )
        engine.copy("select * from spans", path_of(folder, "spans", part), {"spans": spans.columns()})
    if part.rollups:
        write_rollups(engine, folder, part, rollups)
    if part.items:
        engine.copy("select * from items", path_of(folder, "items", part), {"items": items.columns()}, rows=4_096)
    write_marks(folder, part, marks)
    sync_folders(folder)


def write_rollups(engine: Engine, folder: Path, part: PartInfo, rollups: Rollups) -> None:
    engine.copy(
        f"select {_ROLLUP_COLUMNS} from roll",  # noqa: S608
        path_of(folder, "roll", part),
        {"roll": rollups.columns()},
    )


def sync_folders(folder: Path) -> None:
    for kind in FOLDERS:
        sync_folder(folder / kind)


def path_of(folder: Path, kind: str, part: PartInfo) -> Path:
    return folder / kind / f"{part.name}.{'marks' if kind == 'marks' else 'parquet'}"


def write_marks(folder: Path, part: PartInfo, marks: dict[int, Mark]) -> None:
    table = np.array([(seg, mark.offset, mark.chain) for seg, mark in sorted(marks.items())], "<i8").reshape(-1, 3)
    write_durably(path_of(folder, "marks", part), table.tobytes())


def read_marks(folder: Path, part: PartInfo) -> dict[int, Mark]:
    table = np.frombuffer(path_of(folder, "marks", part).read_bytes(), "<i8").reshape(-1, 3)
    return {int(seg): Mark(int(offset), int(chain)) for seg, offset, chain in table}


def read_table(
    engine: Engine, kind: type[TableType], source: str, where: str, columns: Collection[str] | None = None
) -> TableType:
    """Read *kind* from *source*. Columns that are not in *columns* cost nothing; they are 0, floats NaN."""
    names = [name for name in kind.dtypes if columns is None or name in columns]
    got = engine.fetch(f"select {', '.join(names)} from {source} where {where}")  # noqa: S608
    rows = len(got[names[0]])
    return kind(
        **{
            name: convert(got[name], dtype) if name in got else unread(dtype, rows)
            for name, dtype in kind.dtypes.items()
        }
    )


def convert(values: Any, dtype: str) -> Array:
    """Return a fetched column as a plain array of *dtype*; NULL in a float column becomes NaN."""
    if isinstance(values, np.ma.MaskedArray):
        values = values.filled(np.nan) if dtype == "f8" else values.filled()
    array: Array = np.asarray(values)
    return array if dtype == "O" else array.astype(dtype, copy=False)
