"""
Runs as they are read back: a lazy list of them, and one with its configuration, history, files and output.

What a server sends is checked before it is used: the form of a reply, and the lengths of columns that belong together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal, overload
from urllib.parse import quote, urlencode

import msgspec

from treering.errors import FormatError, InvalidValue, MissingExtra, NotFound
from treering.ids import RUN_KEY

from .artifacts.artifact import Artifact
from .artifacts.names import Reference
from .artifacts.reader import read_artifact
from .connection import Connection
from .run_files import RunFile, list_files

__all__ = ["Run", "Runs", "convert", "field", "filter_text", "quoted", "sort_of"]

_PAGE_ROWS: Final = 200
_Attempts = Literal["all", "latest"]
_AGGREGATES = frozenset({"last", "min", "max", "mean", "first"})


class Runs(Sequence["Run"]):
    """A lazy list of runs. Its length and order are those of the moment when each page was fetched."""

    def __init__(self, connection: Connection, query: dict[str, Any]) -> None:
        self._connection = connection
        self._query = query
        self._rows: list[dict[str, Any]] = []
        self._match: int | None = None

    def __len__(self) -> int:
        if self._match is None:
            self._load(_PAGE_ROWS)
        assert self._match is not None
        return self._match

    def __iter__(self) -> Iterator[Run]:
        index = 0
        while self._load(index + 1):
            yield Run(self._connection, self._rows[index], partial=True)
            index += 1

    @overload
    def __getitem__(self, index: int) -> Run: ...
    @overload
    def __getitem__(self, index: slice) -> list[Run]: ...
    def __getitem__(self, index: int | slice) -> Run | list[Run]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        wanted = index + len(self) if index < 0 else index
        if wanted < 0 or not self._load(wanted + 1):
            raise IndexError(f"run {index} of {len(self)}")
        return Run(self._connection, self._rows[wanted], partial=True)

    def __repr__(self) -> str:
        return f"<{len(self)} runs of {self._query['entity']}/{self._query['project']}>"

    def _load(self, count: int) -> bool:
        """Fetch pages until *count* rows are here; return whether there are that many."""
        while len(self._rows) < count and (self._match is None or len(self._rows) < self._match):
            page = {**self._query, "offset": len(self._rows), "limit": _PAGE_ROWS}
            reply = self._connection.call("POST", "/runs/query", page)
            rows = field(reply, "runs")
            self._match = convert(field(reply, "match"), int)
            self._rows += convert(rows, list[dict[str, Any]])
            if not rows:  # runs went away since the first page
                self._match = len(self._rows)
        return len(self._rows) >= count


class Run:
    """
    One run as it was when it was read.

    ``name``, ``tags``, ``notes``, ``group`` and ``archived`` can be set; ``update()`` sends them. Times are unix
    seconds. ``row`` is what a list of runs knows of it.
    """

    def __init__(self, connection: Connection, row: Mapping[str, Any], partial: bool = False) -> None:
        self._connection = connection
        self.row: dict[str, Any] = convert(row, dict[str, Any])
        self._detail: dict[str, Any] | None = None if partial else self.row
        self.key: str = convert(field(row, "run_key"), str)
        if not RUN_KEY.fullmatch(self.key):
            raise FormatError(f"{connection.name} named a run {self.key[:40]!r}, which is not a run key.")
        self._take_editable(self.row)

    def _take_editable(self, row: Mapping[str, Any]) -> None:
        self.name: str = str(row.get("name") or "")
        self.tags: list[str] = list(row.get("tags") or ())
        self.notes: str = str(row.get("notes") or "")
        self.group: str | None = row.get("group")
        self.archived: bool = bool(row.get("archived"))
        self._sent = self._editable()

    def _editable(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "tags": list(self.tags),
            "notes": self.notes,
            "group": self.group,
            "archived": self.archived,
        }

    def __repr__(self) -> str:
        return f"<Run {self.path} {self.name!r} {self.state}>"

    @property
    def id(self) -> str:
        """The run's id in its project."""
        return str(self.row.get("run_id", ""))

    @property
    def path(self) -> str:
        """``entity/project/id``."""
        return f"{self.row.get('entity')}/{self.row.get('project')}/{self.id}"

    @property
    def entity(self) -> str:
        """Whose run it is."""
        return str(self.row.get("entity", ""))

    @property
    def project(self) -> str:
        """The project it belongs to."""
        return str(self.row.get("project", ""))

    @property
    def state(self) -> str:
        """``running``, ``finished``, ``failed``, ``killed``, ``preempted`` or ``crashed``."""
        return str(self.row.get("state", ""))

    @property
    def created_at(self) -> float:
        """When it began, in unix seconds."""
        return float(self.row.get("created_at") or 0)

    @property
    def config(self) -> dict[str, Any]:
        """The settings of the run, nested as they were given."""
        return dict(self.detail["config"])

    @property
    def summary(self) -> dict[str, Any]:
        """One value for each key: the last one logged, or what ``define_metric`` or the script chose."""
        return dict(self.detail["summary"])

    @property
    def keys(self) -> list[str]:
        """Every key that was logged."""
        return [str(info["key"]) for info in self.detail["keys"]]

    @property
    def detail(self) -> dict[str, Any]:
        """Everything that the server knows of the run but its points, as the HTTP API describes it."""
        if self._detail is None:
            self.refresh()
        assert self._detail is not None
        return self._detail

    def refresh(self) -> None:
        """Read the run again; what was set and not sent is lost."""
        self._take_detail(self._connection.call("GET", f"/runs/{self.key}"))

    def _take_detail(self, reply: Any) -> None:
        self._detail = self.row = convert(reply, dict[str, Any])
        for name in ("config", "summary", "keys"):
            field(reply, name)
        self._take_editable(self.row)

    def update(self) -> None:
        """Send what was set. Does nothing if nothing was."""
        now = self._editable()
        changes = {name: value for name, value in now.items() if value != self._sent[name]}
        if changes:
            self._take_detail(self._connection.call("PATCH", f"/runs/{self.key}", changes))

    # ── files, code, output ─────────────────────────────────────────────────────────────────────────────────────

    def files(self, names: Sequence[str] | None = None, purpose: str = "", search: str = "") -> list[RunFile]:
        """
        Return the files that belong to the run, by path.

        Args:
            names: only these paths.
            purpose: ``saved``, ``media``, ``code``, ``patch``, ``packages`` …
            search: a piece of the path, whatever its case.
        """
        found = list_files(self._connection, self.key, purpose, search)
        return found if names is None else [file for file in found if file.name in set(names)]

    def file(self, name: str) -> RunFile:
        """Return one file. Raises NotFound."""
        for found in self.files(search=name):
            if found.name == name:
                return found
        raise NotFound(f"run {self.path} has no file {name!r}; it has {len(self.files()):,} others.")

    def code(self) -> dict[str, Any]:
        """Return what was recorded of the code that the run ran, as the HTTP API describes it."""
        reply: dict[str, Any] = self._connection.call("GET", f"/runs/{self.key}/code")
        return reply

    def logged_artifacts(self) -> list[Artifact]:
        """Return the versions of artifacts that the run logged, those that are complete, in order."""
        rows: list[dict[str, Any]] = []
        while True:
            page = self._connection.call("GET", f"/runs/{self.key}/artifacts?offset={len(rows)}")
            rows += page["logged"]
            if not page["logged"] or len(rows) >= page["total"]:
                return [self._artifact(row["version"]) for row in rows if row["version"] is not None]

    def used_artifacts(self) -> list[Artifact]:
        """Return the versions of artifacts that the run used, those that are there still and that one may see."""
        return [self._artifact(row) for row in self.uses() if row["exists"]]

    def uses(self) -> list[dict[str, Any]]:
        """
        Return what the run used, also what is gone or may not be seen.

        Returns:
            ``entity``, ``project``, ``name``, ``type``, ``version``, ``visible``, ``exists``, ``used_as``, ``used_at``.
        """
        found: list[dict[str, Any]] = self._connection.call("GET", f"/runs/{self.key}/artifacts?limit=0")["used"]
        return found

    def _artifact(self, row: Mapping[str, Any]) -> Artifact:
        reference = Reference(str(row["entity"]), str(row["project"]), str(row["name"]), f"v{int(row['version'])}")
        return read_artifact(self._connection, reference, None, Run)

    def console_logs(self) -> Iterator[dict[str, Any]]:
        """Yield the lines that the run printed: ``time``, ``stream``, ``text``, ``writer``, ``n``."""
        offset = 0
        while True:
            page = self._connection.call("GET", f"/runs/{self.key}/console?offset={offset}&limit=10000")
            yield from page["lines"]
            if not page["lines"] and page["next"] >= page["total"]:
                return
            offset = page["next"]

    def lock(self, note: str = "") -> dict[str, Any]:
        """
        Seal the run's log for good: nothing is added to it any more. Returns ``lock``, with the SHA-256 of each file.

        Raises:
            InvalidValue: it is running.
            RemoteError: with code "conflict", it is locked already.
        """
        reply: dict[str, Any] = self._connection.call("POST", f"/runs/{self.key}/lock", {"note": note})
        return reply

    def unlock(self) -> dict[str, Any]:
        """Take the lock away; that it was there stays recorded."""
        reply: dict[str, Any] = self._connection.call("DELETE", f"/runs/{self.key}/lock")
        return reply

    def lock_state(self, check: bool = False) -> dict[str, Any]:
        """Return ``lock`` or None; with *check* also which files ``changed`` since and which were ``added``."""
        query = "?check=true" if check else ""
        reply: dict[str, Any] = self._connection.call("GET", f"/runs/{self.key}/lock{query}")
        return reply

    def delete(self) -> None:
        """Mark the run as deleted: lists leave it out. Its record stays in the folder."""
        self._connection.call("PATCH", f"/runs/{self.key}", {"deleted": True})

    def scan_history(
        self, keys: Sequence[str] | None = None, attempts: _Attempts = "all", raw: bool = False
    ) -> Iterator[dict[str, Any]]:
        """Return what ``history`` does row by row, for runs that are larger than memory."""
        for batch in self._batches(keys, attempts, raw):
            yield from _rows(batch)

    @overload
    def history(
        self,
        keys: Sequence[str] | None = None,
        pandas: Literal[False] = False,
        arrow: Literal[False] = False,
        attempts: _Attempts = "all",
        raw: bool = False,
    ) -> list[dict[str, Any]]: ...
    @overload
    def history(
        self,
        keys: Sequence[str] | None = None,
        pandas: bool = False,
        arrow: bool = False,
        attempts: _Attempts = "all",
        raw: bool = False,
    ) -> Any: ...
    def history(
        self,
        keys: Sequence[str] | None = None,
        pandas: bool = False,
        arrow: bool = False,
        attempts: _Attempts = "all",
        raw: bool = False,
    ) -> Any:
        """
        Return every row that the run logged, as a list of dicts.

        Each row has ``_step``, ``_attempt`` (how often its steps were begun again), ``_writer`` (a process label, ""
        for the main one), ``_timestamp`` (unix seconds) and ``_runtime`` (seconds since the start), and a key for
        each value that was logged: ints are ints, NaN is NaN, and what was not logged is not there.

        Args:
            keys: only these, and only rows that have one of them.
            pandas: return a ``DataFrame``; a column that rows lack has a nullable type, so missing (NA) differs from
                NaN.
            arrow: return a ``pyarrow.Table``; missing is null.
            attempts: ``"latest"`` leaves out what a later attempt or a rewind replaced, as a chart does.
            raw: as it was logged, without the project's corrections.
        """
        if arrow:
            return self._arrow_table(keys, attempts, raw)
        if pandas:
            return _data_frame(list(self._batches(keys, attempts, raw)))
        return list(self.scan_history(keys, attempts, raw))

    def _history_path(self, keys: Sequence[str] | None, attempts: str, wanted_format: str, raw: bool) -> str:
        query = [("format", wanted_format), ("attempts", attempts), *(("key", key) for key in keys or ())]
        query += [("raw", "true")] if raw else []
        return f"/runs/{self.key}/history?{urlencode(query, quote_via=quote)}"

    def _batches(self, keys: Sequence[str] | None, attempts: str, raw: bool) -> Iterator[_Batch]:
        for chunk in self._connection.stream(self._history_path(keys, attempts, "msgpack", raw)):
            try:
                batch = msgspec.msgpack.decode(chunk, type=_Batch)
            except (msgspec.DecodeError, RecursionError):
                raise FormatError(f"{self._connection.name} sent a batch of rows that cannot be read.") from None
            batch.check()
            yield batch

    def _arrow_table(self, keys: Sequence[str] | None, attempts: str, raw: bool) -> Any:
        try:
            import pyarrow as pa
        except ImportError:
            raise MissingExtra("history(arrow=True) needs pyarrow: pip install 'treering[arrow]'") from None
        content = self._connection.fetch("GET", self._history_path(keys, attempts, "arrow", raw))
        return pa.ipc.open_stream(content).read_all()


class _Batch(msgspec.Struct):
    """Rows in columns: ``columns`` are (key, indices of the rows that have it or None for all, values)."""

    step: list[int]
    attempt: list[int]
    writer: list[str]
    timestamp: list[float]
    runtime: list[float]
    columns: list[tuple[str, list[int] | None, list[Any]]]

    def check(self) -> None:
        """Raise ``FormatError`` unless all lengths and indices fit."""
        n = len(self.step)
        fits = all(len(column) == n for column in (self.attempt, self.writer, self.timestamp, self.runtime))
        for _, indices, values in self.columns:
            fits = fits and len(values) == (n if indices is None else len(indices))
            fits = fits and (not indices or 0 <= min(indices) <= max(indices) < n)
        if not fits:
            raise FormatError("A batch of rows has columns of different lengths.")


def _rows(batch: _Batch) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [{} for _ in batch.step]
    for key, indices, values in batch.columns:
        for index, value in zip(indices if indices is not None else range(len(rows)), values, strict=True):
            rows[index][key] = value
    added = zip(batch.step, batch.attempt, batch.writer, batch.timestamp, batch.runtime, strict=True)
    for row, (step, attempt, writer, timestamp, runtime) in zip(rows, added, strict=True):
        row.update(_step=step, _attempt=attempt, _writer=writer, _timestamp=timestamp, _runtime=runtime)
    return rows


def _data_frame(batches: list[_Batch]) -> Any:
    try:
        import pandas as pd
    except ImportError:
        raise MissingExtra("history(pandas=True) needs pandas: pip install 'treering[pandas]'") from None
    total = sum(len(batch.step) for batch in batches)
    frame = {
        "_step": [step for batch in batches for step in batch.step],
        "_attempt": [attempt for batch in batches for attempt in batch.attempt],
        "_writer": [writer for batch in batches for writer in batch.writer],
        "_timestamp": [timestamp for batch in batches for timestamp in batch.timestamp],
        "_runtime": [runtime for batch in batches for runtime in batch.runtime],
    }
    columns: dict[str, tuple[list[int], list[Any]]] = {}
    begin = 0
    for batch in batches:
        for key, indices, values in batch.columns:
            rows, found = columns.setdefault(key, ([], []))
            rows.extend(begin + index for index in (indices if indices is not None else range(len(values))))
            found.extend(values)
        begin += len(batch.step)
    series = {
        key: _pandas_column(pd, rows, values, total) for key, (rows, values) in columns.items() if key not in frame
    }
    return pd.DataFrame({**frame, **series})


def _pandas_column(pd: Any, rows: list[int], values: list[Any], total: int) -> Any:
    import numpy as np

    kinds = {type(value) for value in values}
    dtype: Any
    if kinds == {bool}:
        dtype, make = np.dtype(bool), pd.arrays.BooleanArray
    elif kinds == {int} and all(-(2**63) <= value < 2**63 for value in values):
        dtype, make = np.dtype(np.int64), pd.arrays.IntegerArray
    elif kinds and kinds <= {int, float}:
        dtype, make = np.dtype(np.float64), pd.arrays.FloatingArray
    else:
        column = np.full(total, None, object)
        for row, value in zip(rows, values, strict=True):
            column[row] = value
        return column
    filled = np.zeros(total, dtype)
    filled[rows] = values
    if len(rows) == total:
        return filled
    missing = np.ones(total, bool)
    missing[rows] = False
    return make(filled, missing)


def sort_of(order: str, agg: str) -> dict[str, Any]:
    """Return the sort of a query; ``metric.val/acc.max`` is the metric ``val/acc`` by its ``max``."""
    by = order.removeprefix("-").removeprefix("+")
    key, dot, last = by.removeprefix("metric.").rpartition(".")
    if by.startswith("metric.") and dot and last in _AGGREGATES:
        by, agg = f"metric:{key}", last
    return {"by": by, "agg": agg, "desc": order.startswith("-")}


def filter_text(filters: str | Mapping[str, object] | None) -> str:
    """Return the text of a filter; of a mapping what must be equal. Raises InvalidValue."""
    if filters is None or isinstance(filters, str):
        return filters or ""
    return " and ".join(f"{_filter_name(name)} = {_filter_value(value)}" for name, value in filters.items())


def _filter_name(name: str) -> str:
    space, dot, path = name.partition(".")
    return f"{space}.{quoted(path)}" if dot else name


def quoted(text: str) -> str:
    """Return a text as a filter quotes it."""
    return msgspec.json.encode(text).decode()


def _filter_value(value: object) -> str:
    if isinstance(value, (bool, int, float, str)):
        return msgspec.json.encode(value).decode()
    raise InvalidValue(
        f"filters: {value!r} ({type(value).__name__}) cannot be compared; give a string, number or bool."
    )


def field(reply: Any, name: str) -> Any:
    """Return a field of a reply. Raises FormatError: it has none of this name."""
    if not isinstance(reply, dict) or name not in reply:
        raise FormatError(f"The server's answer lacks {name!r}.")
    return reply[name]


def convert(value: Any, kind: Any) -> Any:
    """Return a value of a reply as *kind*. Raises FormatError: it is none."""
    try:
        return msgspec.convert(value, kind)
    except (msgspec.ValidationError, RecursionError) as error:
        raise FormatError(f"The server's answer has an unexpected form: {error}.") from None
