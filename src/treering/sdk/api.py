"""
Reading back: ``treering.Api()``.

::

    api = tr.Api()
    for run in api.runs("digits", filters='state = "finished" and config.lr < 0.1', order="-metric:val/acc"):
        print(run.name, run.summary["val/acc"], len(run.history()))

Everything comes over HTTP from the one process that owns the folder's index, so reading while a training writes, or
from ten notebooks at once, needs no lock. Nothing is sampled unless it says so.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal, overload
from urllib.parse import quote, urlencode

import msgspec

from treering.errors import (
    AmbiguousName,
    FormatError,
    InvalidValue,
    MissingExtra,
    NotFound,
    ProjectNotFound,
    RunNotFound,
)
from treering.ids import RUN_KEY

from .connection import Connection, connect_to_folder
from .credentials import Credentials, credentials_path, plain_url
from .metric_corrections import MetricCorrection, list_corrections, preview_correction, save_correction
from .run_files import RunFile, list_files
from .saved_views import SavedView, list_views, read_view, save_view
from .settings import current_folder, default_folder

__all__ = ["Api", "Project", "Run", "Runs"]

_PAGE_ROWS: Final = 200
_Attempts = Literal["all", "latest"]


_AGGREGATES = frozenset({"last", "min", "max", "mean", "first"})


class Project(msgspec.Struct, frozen=True):
    """A project: names, how many runs, and unix times."""

    entity: str
    project: str
    runs: int
    running: int
    failed: int
    created_at: float
    last_activity_at: float


class Api:
    """
    Read and edit the runs of a data folder or of a server.

    Args:
        data: a data folder; by default the one that runs started here would use.
        base_url: a server's address instead; by default ``TREERING_BASE_URL``, or what ``treering login --default``
            chose, if there is no *data*.
        token: the key to send there; by default ``TREERING_TOKEN``, ``TREERING_API_KEY``, or the one that ``treering
            login`` keeps for this address.

    Raises:
        NotFound: the folder does not exist.
        ServerUnavailable: nobody answers, or the folder's server could not be started.
    """

    def __init__(
        self, data: str | os.PathLike[str] | None = None, base_url: str | None = None, *, token: str | None = None
    ) -> None:
        if base_url is not None and data is not None:
            raise InvalidValue("Api(): give data, a folder, or base_url, a server, but not both.")
        if base_url is None and data is None:
            base_url = _default_server()
        if base_url is not None:
            self._connection = Connection.to_url(base_url, token or _key_for(base_url))
        else:
            folder = Path(data).expanduser() if data is not None else default_folder(os.environ, current_folder())
            self._connection = connect_to_folder(folder.absolute())

    def __repr__(self) -> str:
        return f"Api({self._connection.name!r})"

    def close(self) -> None:
        """Close the connection; it opens again when it is needed."""
        self._connection.close()

    def __enter__(self) -> Api:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def projects(self) -> list[Project]:
        """Return all projects, the one with the latest activity first."""
        reply = self._connection.call("GET", "/projects")
        projects: list[Project] = _convert(_field(reply, "projects"), list[Project])
        return projects

    def runs(
        self,
        project: str,
        filters: str | Mapping[str, object] | None = None,
        order: str = "-created_at",
        *,
        agg: Literal["last", "min", "max", "mean", "first"] = "last",
        metrics: Sequence[str] = (),
        config: Sequence[str] = (),
    ) -> Runs:
        """
        Return the runs of a project; they are fetched page by page while one goes through them.

        Args:
            project: ``project`` or ``entity/project``.
            filters: text in the filter language, e.g. ``'state = "failed" and metric.loss.min < 0.1'``, or a mapping of
                what must be equal, e.g. ``{"state": "finished", "config.lr": 0.1}``.
            order: ``created_at``, ``name``, ``runtime``, ``state``, ``config.<key>``, ``metric.<key>.<agg>`` as in the
                filter language, or ``metric:<key>``, with ``-`` in front for descending. Missing and NaN come last
                both ways.
            agg: which value of a ``metric:<key>`` in ``order`` counts.
            metrics, config: keys whose values come with each row, in ``run.row``, without another request a run.

        Raises:
            ProjectNotFound: there is none, or several entities have one of this name.
            FilterError: the filter does not parse; raised when the first page is fetched.
        """
        entity, name = self._find_project(project)
        query = {
            "entity": entity,
            "project": name,
            "filter": _filter_text(filters),
            "sort": [_sort(order, agg)],
            "metrics": list(metrics),
            "config": list(config),
        }
        return Runs(self._connection, query)

    def run(self, reference: str) -> Run:
        """
        Return one run by its key, by ``entity/project/id`` or ``project/id``, or by an id or name that only one run
        has.

        Raises:
            RunNotFound: no run fits.
            AmbiguousName: several do; the message lists them.
        """
        if RUN_KEY.fullmatch(reference):
            return Run(self._connection, self._connection.call("GET", f"/runs/{reference}"))
        candidates = self.find(reference)
        if not candidates:
            raise RunNotFound(f"No run has the key, id or name {reference!r}.")
        if len(candidates) > 1:
            listed = ", ".join(f"{run.path} ({run.name})" for run in candidates[:5])
            more = f" and {len(candidates) - 5} more" if len(candidates) > 5 else ""
            raise AmbiguousName(
                f"{len(candidates)} runs fit {reference!r}: {listed}{more}. Name one by entity/project/id."
            )
        return candidates[0]

    def find(self, reference: str) -> list[Run]:
        """Return every run that a reference fits, those by id before those by name; see ``run``."""
        *where, last = reference.split("/")
        by_id: list[Run] = []
        by_name: list[Run] = []
        for row in self.projects():
            names = {reference}  # a display name may have slashes of its own
            if where in ([], [row.project], [row.entity, row.project]):
                names.add(last)
            text = " or ".join(f"id = {_quoted(name)} or name = {_quoted(name)}" for name in sorted(names))
            query = {"entity": row.entity, "project": row.project, "filter": text}
            for run in Runs(self._connection, query):
                (by_id if run.id in names else by_name).append(run)
        return by_id or by_name

    def diff(self, runs: Sequence[Run]) -> list[dict[str, Any]]:
        """
        Return 2 to 50 runs side by side, key by key: ``{"section", "key", "values", "present", "differs"}``.

        Sections are config, summary, packages, hardware, command, code, inputs and environment; a run without the key
        has None and is not ``present``.
        """
        reply = self._connection.call("POST", "/runs/compare", {"runs": [run.key for run in runs]})
        sections = _convert(_field(reply, "sections"), list[dict[str, Any]])
        return [{"section": part["section"], **row} for part in sections for row in part["rows"]]

    def verify(self, run: Run) -> dict[str, Any]:
        """Have every byte of a run's record checked; ``ok`` says whether it is whole, ``segments`` what was found."""
        reply = self._connection.call("GET", f"/runs/{run.key}/verify")
        _field(reply, "ok")
        _field(reply, "segments")
        report: dict[str, Any] = reply
        return report

    def views(self, project: str) -> list[SavedView]:
        """Return the saved views of a project that one may see, by name. Raises ProjectNotFound."""
        return list_views(self._connection, *self._find_project(project))

    def view(self, view_id: str) -> SavedView:
        """Return a saved view by its id. Raises NotFound."""
        return read_view(self._connection, view_id)

    def save_view(self, project: str, name: str, spec: dict[str, Any], *, shared: bool = False) -> SavedView:
        """
        Save a view, over the one of that name if there is one.

        Args:
            project: ``project`` or ``entity/project``.
            spec: what ``treering.views.layout`` returns, or an exported view.
            shared: everybody who may see the project sees it.

        Raises:
            ProjectNotFound: there is no such project.
            InvalidValue: *spec* is no view.
            RemoteError: it may not be saved, or somebody else saved it in this very moment (code "conflict").
        """
        return save_view(self._connection, *self._find_project(project), name, spec, shared)

    def corrections(self, project: str) -> list[MetricCorrection]:
        """Return the corrections of a project's metrics in the order in which they apply. Raises ProjectNotFound."""
        return list_corrections(self._connection, *self._find_project(project))

    def correct(
        self, project: str, kind: str, *, note: str = "", enabled: bool = True, **rule: Any
    ) -> MetricCorrection:
        """
        Correct metrics of a project for everybody who looks at it; what was logged stays as it is.

        Args:
            project: ``project`` or ``entity/project``.
            kind: ``rename`` (``from_``, ``to``: names, or lists that belong together), ``merge`` (``from_``: a list,
                the first counts where several have a step; ``into``), ``hide`` (``keys``), ``rescale`` (``key``,
                ``factor``, ``offset``, ``unit``), or ``cut`` (``key`` and what of ``runs``, ``steps``, ``times``,
                ``below``, ``above`` a point has to meet). A name may hold one ``*``.
            note: why.
            enabled: False saves it without applying it.

        Raises:
            ProjectNotFound: there is no such project.
            InvalidValue: the fields make no such correction, or it would bring two metrics under one name.
        """
        return save_correction(self._connection, *self._find_project(project), _rule(kind, rule), note, enabled)

    def preview_correction(self, project: str, kind: str, **rule: Any) -> dict[str, Any]:
        """Return what ``correct`` would do: ``runs`` and ``points`` that change, ``keys``, ``conflicts``, ``text``."""
        return preview_correction(self._connection, *self._find_project(project), _rule(kind, rule))

    def _find_project(self, text: str) -> tuple[str, str]:
        entity, _, name = text.rpartition("/")
        if entity:
            return entity, name
        found = [row for row in self.projects() if row.project == name]
        if len(found) == 1:
            return found[0].entity, name
        if not found:
            raise ProjectNotFound(f"There is no project {name!r} here.")
        listed = ", ".join(f"{row.entity}/{row.project}" for row in found[:5])
        raise ProjectNotFound(f"Several entities have a project {name!r}: {listed}. Name it as entity/project.")


def _rule(kind: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return a correction as the server takes it: ``from`` cannot be the name of an argument in Python."""
    return {"kind": kind, **{"from" if name == "from_" else name: value for name, value in fields.items()}}


def _default_server() -> str | None:
    if os.environ.get("TREERING_BASE_URL"):
        return os.environ["TREERING_BASE_URL"]
    return Credentials(os.environ).default if credentials_path(os.environ).exists() else None


def _key_for(base_url: str) -> str:
    """Return the key to send to an address: one that was set for this process, else the one kept for exactly it."""
    for variable in ("TREERING_TOKEN", "TREERING_API_KEY"):
        if os.environ.get(variable):
            return os.environ[variable]
    login = Credentials(os.environ).find(plain_url(base_url)) if credentials_path(os.environ).exists() else None
    return login.key if login is not None else ""


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
            rows = _field(reply, "runs")
            self._match = _convert(_field(reply, "match"), int)
            self._rows += _convert(rows, list[dict[str, Any]])
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
        self.row: dict[str, Any] = _convert(row, dict[str, Any])
        self._detail: dict[str, Any] | None = None if partial else self.row
        self.key: str = _convert(_field(row, "run_key"), str)
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
        self._detail = self.row = _convert(reply, dict[str, Any])
        for name in ("config", "summary", "keys"):
            _field(reply, name)
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

    def console_logs(self) -> Iterator[dict[str, Any]]:
        """Yield the lines that the run printed: ``time``, ``stream``, ``text``, ``writer``, ``n``."""
        offset = 0
        while True:
            page = self._connection.call("GET", f"/runs/{self.key}/console?offset={offset}&limit=10000")
            yield from page["lines"]
            if not page["lines"] and page["next"] >= page["total"]:
                return
            offset = page["next"]

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


def _sort(order: str, agg: str) -> dict[str, Any]:
    """Return the sort of a query; ``metric.val/acc.max`` is the metric ``val/acc`` by its ``max``."""
    by = order.removeprefix("-").removeprefix("+")
    key, dot, last = by.removeprefix("metric.").rpartition(".")
    if by.startswith("metric.") and dot and last in _AGGREGATES:
        by, agg = f"metric:{key}", last
    return {"by": by, "agg": agg, "desc": order.startswith("-")}


def _filter_text(filters: str | Mapping[str, object] | None) -> str:
    if filters is None or isinstance(filters, str):
        return filters or ""
    return " and ".join(f"{_filter_name(name)} = {_filter_value(value)}" for name, value in filters.items())


def _filter_name(name: str) -> str:
    space, dot, path = name.partition(".")
    return f"{space}.{_quoted(path)}" if dot else name


def _quoted(text: str) -> str:
    return msgspec.json.encode(text).decode()


def _filter_value(value: object) -> str:
    if isinstance(value, (bool, int, float, str)):
        return msgspec.json.encode(value).decode()
    raise InvalidValue(
        f"filters: {value!r} ({type(value).__name__}) cannot be compared; give a string, number or bool."
    )


def _field(reply: Any, name: str) -> Any:
    if not isinstance(reply, dict) or name not in reply:
        raise FormatError(f"The server's answer lacks {name!r}.")
    return reply[name]


def _convert(value: Any, kind: Any) -> Any:
    try:
        return msgspec.convert(value, kind)
    except (msgspec.ValidationError, RecursionError) as error:
        raise FormatError(f"The server's answer has an unexpected form: {error}.") from None
