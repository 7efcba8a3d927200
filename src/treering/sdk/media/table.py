"""Rows and columns: ``tr.Table``, stored as Parquet."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final

from treering.limits import TABLE_COLUMNS_MAX, TABLE_ROWS_MAX
from treering.values import clean_text

from .media import Media, Shelf, Unusable
from .payload import Payload

__all__ = ["Table"]

_CELL_BYTES: Final = 16  # of a row that its maker may hold too


class Table(Media):
    """
    Rows of values. ``run.log({"predictions": table})`` stores it as it is at that moment; it can grow afterwards.

    A column may hold numbers, texts, None, lists, vectors of numbers and rich values such as ``tr.Image``, also mixed.

    Args:
        columns: names of the columns.
        data: rows, each a list; or a pandas DataFrame or a numpy array of two dimensions.
        rows: the same as *data*.
        dataframe: a pandas DataFrame.
        log_mode: ``IMMUTABLE``, ``MUTABLE`` or ``INCREMENTAL``: accepted, and all the same here: each ``log()`` stores
            what the table holds.
        dtype, optional, allow_mixed_type: accepted for scripts of other trackers; change nothing.
    """

    kind: ClassVar[str] = "table-file"
    accepts: ClassVar[str] = "columns and rows of the same length, or a pandas DataFrame"

    def __init__(
        self,
        columns: Sequence[Any] | None = None,
        data: Any = None,
        rows: Any = None,
        dataframe: Any = None,
        dtype: Any = None,
        optional: Any = True,
        allow_mixed_type: bool = False,
        log_mode: str | None = "IMMUTABLE",
    ) -> None:
        super().__init__()
        self.columns: list[str] = []
        self._rows: list[list[Any]] = []
        self._frame: Any = None  # a DataFrame of our own, until somebody wants its rows
        self._rich: list[Media] = []  # the cells that are rich values
        self.log_mode = log_mode
        with self._guarded():
            given = next((each for each in (dataframe, data, rows) if each is not None), None)
            if given is not None and hasattr(given, "iloc") and hasattr(given, "columns"):
                self._take_frame(given, columns)
                return
            rows_given: list[Any] = [] if given is None else list(given)
            width = len(rows_given[0]) if rows_given and hasattr(rows_given[0], "__len__") else 0
            # wandb's names for a table that is begun without any.
            names = columns if columns is not None else range(width) if width else ("Input", "Output", "Expected")
            self.columns = _names(names)
            self._add(rows_given)

    def _take_frame(self, frame: Any, columns: Sequence[Any] | None) -> None:
        chosen = frame if columns is None else frame[list(columns)]
        self.columns = _names(list(chosen.columns))
        self._frame = chosen.copy()
        for at in range(len(self.columns)):
            if chosen.iloc[:, at].dtype == object:
                self._note_rich(chosen.iloc[:, at].tolist())
        self._check_size()

    @property
    def data(self) -> list[list[Any]]:
        """The rows."""
        if self._frame is not None:
            columns = _frame_columns(self._frame)
            self._rows = [list(row) for row in zip(*columns, strict=True)] if columns else []
            self._frame = None
        return self._rows

    # ── filling ─────────────────────────────────────────────────────────────────────────────────────────────────

    def add_data(self, *values: Any) -> None:
        """Append a row: one value per column."""
        with self._guarded():
            self._add([list(values)])

    def add_row(self, *values: Any) -> None:
        """The same as :meth:`add_data`."""
        self.add_data(*values)

    def _add(self, rows: Sequence[Any]) -> None:
        width, data = len(self.columns), self.data
        for row in rows:
            if type(row) is list and _FIXED.issuperset(map(type, row)):
                values = row.copy()
            else:
                values = _row(row)
                self._note_rich(values)
            if len(values) != width:
                raise Unusable(f"a row of {len(values)} values in a table of {width} columns")
            data.append(values)
        self._check_size()

    def _note_rich(self, cells: Iterable[Any]) -> None:
        self._rich += [cell for cell in cells if isinstance(cell, Media)]

    def _check_size(self) -> None:
        if len(self.columns) > TABLE_COLUMNS_MAX:
            raise Unusable(f"{len(self.columns):,} columns; at most {TABLE_COLUMNS_MAX:,}")
        if len(self) > TABLE_ROWS_MAX:
            raise Unusable(f"{len(self):,} rows; at most {TABLE_ROWS_MAX:,}")

    def add_column(self, name: str, data: Sequence[Any], optional: bool = False) -> None:
        """Append a column: one value per row; in an empty table the values become rows."""
        with self._guarded():
            values = _row(data)
            text = clean_text(str(name))
            if text in self.columns:
                raise Unusable(f"there is already a column {text!r}")
            if self.columns and self.data and len(values) != len(self.data):
                raise Unusable(f"a column of {len(values)} values in a table of {len(self.data)} rows")
            before = self.data if self.columns else [[] for _ in values]
            self.columns = [*self.columns, text]
            # New rows, since a snapshot that waits to be encoded shares the old ones.
            self._rows = [[*row, value] for row, value in zip(before, values, strict=True)]
            self._note_rich(values)
            self._check_size()

    def add_computed_columns(self, fn: Any) -> None:
        """Append columns that ``fn(number, {column: value})`` returns as a map for each row."""
        with self._guarded():
            made = [fn(number, dict(zip(self.columns, row, strict=True))) for number, row in enumerate(self.data)]
            for name in made[0] if made else ():
                self.add_column(name, [each[name] for each in made])

    # ── reading ─────────────────────────────────────────────────────────────────────────────────────────────────

    def get_column(self, name: str, convert_to: str | None = None) -> Any:
        """Return the values of a column as a list, or as an array with ``convert_to="numpy"``. Raises KeyError."""
        if name not in self.columns:
            raise KeyError(name)
        at = self.columns.index(name)
        values = [row[at] for row in self.data]
        if convert_to == "numpy":
            import numpy as np

            return np.array(values)
        return values

    def get_dataframe(self) -> Any:
        """Return the table as a pandas DataFrame. Raises ImportError without pandas."""
        import pandas as pd

        return pd.DataFrame.from_records(self.data, columns=self.columns)

    def get_index(self) -> list[int]:
        """Return the numbers of the rows."""
        return list(range(len(self)))

    def iterrows(self) -> Iterator[tuple[int, list[Any]]]:
        """Yield the number and the values of each row."""
        yield from enumerate(self.data)

    def __len__(self) -> int:
        return len(self._rows) if self._frame is None else len(self._frame)

    # ── storing ─────────────────────────────────────────────────────────────────────────────────────────────────

    def snapshot(self) -> Media:
        """The rows themselves are shared: only whole rows are added, and a new column makes new ones."""
        copy = Table.__new__(Table)
        Media.__init__(copy)
        copy.columns, copy.log_mode, copy.problem = list(self.columns), None, self.problem
        copy._rows, copy._frame = list(self._rows), self._frame
        copy._rich = list(self._rich)
        return copy

    def payloads(self) -> Iterator[Payload]:
        for value in self._rich:
            yield from value.payloads()

    def size(self) -> int:
        return super().size() + _CELL_BYTES * len(self) * len(self.columns)

    def encode(self, shelf: Shelf) -> dict[str, Any]:
        from .parquet import write

        names, types = self.columns, []
        columns: list[Any] = [() for _ in names]
        if self._frame is not None:
            columns = _frame_columns(self._frame)
        elif self._rows:
            columns = list(zip(*self._rows, strict=True))
        encoded = []
        for values in columns:
            kind, cells = column_of(values, shelf)
            types.append(kind)
            encoded.append((kind, cells))
        with shelf.writing() as path:
            write(path, encoded)
            blob = shelf.take(path, "parquet")
        return {
            "sha256": blob.sha256,
            "size": blob.size,
            "format": "parquet",
            "nrows": len(self),
            "ncols": len(names),
            "columns": names,
            "types": types,
        }

    def __repr__(self) -> str:
        return f"<treering.Table {len(self)} × {len(self.columns)}>"


def _names(given: Any) -> list[str]:
    names = [clean_text(str(name)) for name in given]
    if twice := [name for number, name in enumerate(names) if name in names[:number]]:
        raise Unusable(f"two columns are called {twice[0]!r}")
    return names


def _row(values: Any) -> list[Any]:
    """Return a row or a column as a list of cells that do not change any more."""
    if isinstance(values, (str, bytes)) or not hasattr(values, "__iter__"):
        raise Unusable(f"a row is a list of values, got {values!r:.60}")
    if isinstance(values, Mapping):
        raise Unusable("a row is a list of values in the order of the columns, not a map")
    return [cell if type(cell) in _FIXED else _cell(cell) for cell in values]


_FIXED = frozenset({int, float, bool, str, type(None)})


def _cell(value: Any) -> Any:
    """Take a snapshot of a cell that might change."""
    from .loggable import as_media

    rich = as_media(value)
    if rich is not None:
        return rich.snapshot()
    if hasattr(value, "detach"):
        from .arrays import snapshot

        value = snapshot(value)
    if hasattr(value, "dtype") and hasattr(value, "tolist"):
        return value.item() if getattr(value, "size", 0) == 1 and not value.shape else value.tolist()
    if isinstance(value, (list, tuple)):
        return [_cell(each) if type(each) not in _FIXED else each for each in value]
    if isinstance(value, Mapping):
        return {str(name): _cell(each) for name, each in value.items()}
    return value


def _frame_columns(frame: Any) -> list[list[Any]]:
    return [_frame_column(frame.iloc[:, at]) for at in range(frame.shape[1])]


def _frame_column(column: Any) -> list[Any]:
    """Return a pandas column as Python values: missing ones are None, but NaN of a float column stays NaN."""
    if column.dtype.kind in "iubf" and not hasattr(column.dtype, "na_value"):
        return list(column.tolist())
    missing = column.isna().tolist()
    return [None if gone else _cell(value) for value, gone in zip(column.tolist(), missing, strict=True)]


# ── what a column is ─────────────────────────────────────────────────────────────────────────────────────────────


def column_of(values: Sequence[Any], shelf: Shelf) -> tuple[str, list[Any]]:
    """
    Return the type of a column and its cells as they are stored.

    The type is number (floats, perhaps with integers), integer, boolean, text, ``vector:<length>``, a kind of rich
    values, or mixed, whose cells are JSON.
    """
    kinds = {type(value) for value in values} - {type(None)}
    if not kinds or kinds == {str}:
        return "text", [None if value is None else clean_text(value) for value in values]
    if kinds == {bool}:
        return "boolean", list(values)
    if kinds == {int}:
        if all(value is None or -(1 << 63) <= value < 1 << 63 for value in values):
            return "integer", list(values)
    elif kinds <= {float, int}:
        return "number", [None if value is None else float(value) for value in values]
    if all(issubclass(kind, Media) for kind in kinds):
        kind, cells = _rich_column(values, shelf)
        return kind, cells
    if kinds == {list} and (length := _vector_length(values)):
        return f"vector:{length}", [None if value is None else [float(each) for each in value] for value in values]
    if all(issubclass(kind, (datetime.date, datetime.time)) for kind in kinds):
        return "text", [None if value is None else value.isoformat() for value in values]
    return "mixed", [None if value is None else json_text(_mixed(value, shelf)) for value in values]


def _rich_column(values: Sequence[Any], shelf: Shelf) -> tuple[str, list[Any]]:
    cells: list[str | None] = []
    kinds = set()
    for value in values:
        if value is None:
            cells.append(None)
            continue
        cells.append(json_text(_rich(value, shelf)))
        kinds.add(value.kind)
    return kinds.pop() if len(kinds) == 1 else "mixed", cells


def _rich(value: Media, shelf: Shelf) -> dict[str, Any]:
    return {"_type": value.kind, **shelf.encode(value)}


def _vector_length(values: Sequence[Any]) -> int:
    lengths = {len(value) for value in values if value is not None}
    if len(lengths) != 1:
        return 0
    for value in values:
        if value is not None and not {float, int}.issuperset(map(type, value)):
            return 0
    return lengths.pop()


def _mixed(value: Any, shelf: Shelf) -> Any:
    kind = type(value)
    if kind is str:
        return clean_text(value)
    if kind in (bool, float) or value is None:
        return value
    if kind is int:
        return value if -(1 << 63) <= value < 1 << 64 else str(value)
    if isinstance(value, Media):
        return _rich(value, shelf)
    if isinstance(value, (list, tuple)):
        return [_mixed(each, shelf) for each in value]
    if isinstance(value, Mapping):
        return {clean_text(str(name)): _mixed(each, shelf) for name, each in value.items()}
    if isinstance(value, (bool, int, float, str)):  # subclasses: enums, numpy.float64
        return _mixed(
            bool(value)
            if isinstance(value, bool)
            else int(value)
            if isinstance(value, int)
            else float(value)
            if isinstance(value, float)
            else str(value),
            shelf,
        )
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return clean_text(str(value))


def json_text(value: Any) -> str:
    """Return strict JSON: NaN and the infinities are texts, as everywhere."""
    import msgspec

    from treering.values import to_json

    return msgspec.json.encode(to_json(value)).decode()
