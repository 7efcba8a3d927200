"""The store of one data folder: the one door that the server uses."""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any, Final

from treering.errors import InvalidValue, ProjectNotFound, RunNotFound
from treering.limits import DISPLAY_NAME_MAX_CHARS, NOTES_MAX_BYTES, TAG_MAX_CHARS, TAGS_MAX
from treering.runlog import records
from treering.runlog.writer import Writer

from . import charts, rebuild
from .apply import EDITABLE
from .blobs import FileBlobs
from .changes import ChangeFeed
from .console import read_console
from .diff import diff_runs
from .history import read_history
from .ingest import Committed, Ingester
from .ledger import Ledger, server_life
from .model import (
    Changes,
    ConsolePage,
    Diff,
    HistoryBatch,
    Project,
    ProjectRow,
    RebuildProgress,
    Run,
    RunPage,
    RunQuery,
    SeriesColumns,
    SeriesRequest,
    Spark,
    Verification,
)
from .owner import OwnerLock
from .parquet import ParquetMetrics
from .projects import latest_run, list_projects, project_defines, read_project
from .run_page import read_run
from .runs import query_runs
from .segments import FileSegments, SegmentRef
from .sql import IndexOutdated, SqlMetadata
from .state import RunState
from .verify import verify_run
from .watch import Watcher

WRITERS_OPEN: Final = 64
SPARK_BUCKETS: Final = 40
CONSOLE_PAGE_MAX: Final = 10_000


log = logging.getLogger("treering.store")


class Store:
    """
    Everything that is known of a data folder. All methods may be called from any thread.

    ``open`` takes the folder's index lock; ``start`` begins to follow what writers append.
    """

    def __init__(
        self,
        folder: Path,
        index: Path,
        lock: OwnerLock,
        metadata: SqlMetadata,
        clock_ns: Callable[[], int],
        **metric_options: Any,
    ) -> None:
        self.folder = folder
        self.index = index
        self.segments = FileSegments(folder)
        self.blobs = FileBlobs(folder / "blobs")
        self.metadata = metadata
        self.metrics = ParquetMetrics(index, metadata.index_id, **metric_options)
        self._lock = lock
        self._clock_ns = clock_ns
        if rebuild.is_begun(index):
            rebuild.forget_index(index, metadata, self.metrics)
        self._ledger = Ledger(self.segments)
        self._feed = ChangeFeed(metadata)
        self._ingester = Ingester(self.segments, metadata, self.metrics, self._ledger, clock_ns, self._committed)
        self._ingest_lock = threading.RLock()
        self._watcher = Watcher(self.segments, self._ingester, self._ingest_lock, metadata.running())
        self._writers: OrderedDict[str, Writer] = OrderedDict()
        self._sparks: dict[int, tuple[int, Spark | None]] = {}
        self._closed = False

    @classmethod
    def open(
        cls,
        dir: Path | str,  # noqa: A002  (the word users know from settings)
        *,
        index_dir: Path | str | None = None,
        metadata_url: str | None = None,
        clock_ns: Callable[[], int] = time.time_ns,
        **metric_options: Any,
    ) -> Store:
        """
        Open the store of a data folder, making its index if there is none.

        Args:
            dir: the data folder; made if absent.
            index_dir: where the index lives; ``dir/index`` by default. It has to be on a local disk.
            metadata_url: an SQLAlchemy URL of a PostgreSQL database for the metadata; SQLite in the index by default.
            clock_ns: wall clock in unix nanoseconds.

        Raises:
            FolderInUse: another process owns the index.
        """
        folder = Path(dir)
        folder.mkdir(parents=True, exist_ok=True)
        index = Path(index_dir) if index_dir is not None else folder / "index"
        lock = OwnerLock(index)
        try:
            metadata = _open_metadata(index, metadata_url)
            return cls(folder, index, lock, metadata, clock_ns, **metric_options)
        except BaseException:
            lock.close()
            raise

    def close(self) -> None:
        """Stop following, write the tail, give the lock back. Idempotent."""
        if self._closed:
            return
        self._closed = True
        self.stop()
        with self._ingest_lock:
            for writer in self._writers.values():
                writer.close()
            self._writers.clear()
            self._ledger.close()
            self.metrics.flush()
            self.metrics.close()
            self.metadata.close()
            self._lock.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    # ── following the run log ───────────────────────────────────────────────────────────────────────────────────

    def start(self, wait_s: float = 0.0) -> bool:
        """
        Begin to follow writers in a thread of its own: appends are seen within 200 ms.

        Waits for the first look at all runs, at most *wait_s*, and returns whether it is done. It goes on if not.
        """
        self._watcher.start()
        return self._watcher.wait_for_first_scan(wait_s)

    def stop(self) -> None:
        """Stop following."""
        self._watcher.stop()

    def ingest_now(self) -> int:
        """Look through all runs once, on this thread. Returns the number of frames applied."""
        with self._ingest_lock:
            applied = self._watcher.scan()
            self._ingester.check_liveness(self.metadata.running())
            return applied

    def ingest_segment(self, run_key: str, segment: str) -> int:
        """Apply what is new in one segment, e.g. after bytes arrived over the network. Returns frames applied."""
        with self._ingest_lock:
            return self._ingester.ingest([SegmentRef(run_key, segment)], live=True)

    def _committed(self, seq: int, committed: list[Committed]) -> None:
        for entry in committed:
            self._watcher.note_state(entry.run_key, entry.state)
        self._feed.add(seq, committed)

    @property
    def seq(self) -> int:
        """The newest sequence number; it only grows."""
        return self.metadata.seq

    def changes(self, entity: str, project: str, since: int) -> Changes:
        """Return the runs of a project that changed after sequence number *since*."""
        return self._feed.since(entity, project, since)

    def subscribe(self, callback: Callable[[int], None]) -> Callable[[], None]:
        """Have *callback* called with each new sequence number, on the ingest thread; returns how to end that."""
        return self._feed.subscribe(callback)

    # ── projects and runs ───────────────────────────────────────────────────────────────────────────────────────

    def projects(self) -> list[ProjectRow]:
        """Return all projects with runs, the latest active first."""
        rows = list_projects(self.metadata, {})
        ids = {(p.entity, p.name): p.id for p in self.metadata.projects()}
        sparks = {}
        for row in rows:
            number = ids[row.entity, row.project]
            spark = self._spark(number, int(row.last_activity_at * 1e6))
            if spark is not None:
                sparks[number] = spark
        return list_projects(self.metadata, sparks) if sparks else rows

    def _spark(self, project_id: int, activity_us: int) -> Spark | None:
        cached = self._sparks.get(project_id)
        if cached is not None and cached[0] == activity_us:
            return cached[1]
        spark = self._read_spark(project_id)
        self._sparks[project_id] = (activity_us, spark)
        return spark

    def _read_spark(self, project_id: int) -> Spark | None:
        number = latest_run(self.metadata, project_id)
        if number is None:
            return None
        state = self.metadata.runs_by_id([number])[number]
        names = self.metadata.key_names(list(self.metadata.stats(number)))
        keys = sorted(name for name, kind in names.values() if kind == "number")
        if not keys:
            return None
        key = next((k for k in keys if k.rpartition("/")[2] == "loss"), None)
        key = key or next((k for k in keys if "loss" in k), keys[0])
        lines = self.series(SeriesRequest(keys=[key], runs=[state.run_key], buckets=SPARK_BUCKETS))
        return Spark(key, lines[0].y[-SPARK_BUCKETS:].tolist()) if lines else None

    def project(self, entity: str, project: str) -> Project:
        """Return one project. Raises ProjectNotFound."""
        return read_project(self.metadata, self._project(entity, project))

    def _project(self, entity: str, project: str) -> Any:
        found = self.metadata.find_project(entity, project)
        if found is None:
            raise ProjectNotFound(f"there is no project {entity}/{project}.")
        return found

    def query_runs(self, query: RunQuery) -> RunPage:
        """Return a page of runs. Raises ProjectNotFound, FilterError, InvalidValue."""
        return query_runs(self.metadata, self._project(query.entity, query.project), query, self._clock_ns())

    def run(self, run_key: str) -> Run:
        """Return everything about one run. Raises RunNotFound."""
        state = self._state(run_key)
        return read_run(self.metadata, state, self._clock_ns())

    def _state(self, run_key: str) -> RunState:
        state = self.metadata.run(run_key)
        if state is None or state.deleted:
            raise RunNotFound(f"there is no run {run_key!r}.")
        return state

    def find_run(self, entity: str, project: str, run_id: str) -> str:
        """Return the key of a run by its id. Raises RunNotFound."""
        from treering.ids import run_key

        key = run_key(entity, project, run_id)
        self._state(key)
        return key

    def edit_run(self, run_key: str, changes: dict[str, Any], author: str) -> Run | None:
        """
        Change name, notes, tags, group, job_type, archived or deleted of a run, as a record in its own run log.

        Returns the run as it then is, None if it is deleted. Raises RunNotFound, InvalidValue.
        """
        clean = {name: _check_edit(name, value) for name, value in changes.items()}
        with self._ingest_lock:
            state = self._state(run_key)
            writer = self._writer(state)
            writer.append(records.EDIT, [self._clock_ns(), author, clean])
            self.ingest_segment(run_key, writer.segment_id)
        state = self.metadata.run(run_key) or state
        return None if state.deleted else read_run(self.metadata, state, self._clock_ns())

    def _writer(self, state: RunState) -> Writer:
        writer = self._writers.pop(state.run_key, None)
        if writer is None:
            run = {"entity": state.entity, "project": state.project, "id": state.run_id, "key": state.run_key}
            writer = self.segments.writer(state.run_key, server_life(run))
        self._writers[state.run_key] = writer
        while len(self._writers) > WRITERS_OPEN:
            self._writers.popitem(last=False)[1].close()
        return writer

    # ── data ────────────────────────────────────────────────────────────────────────────────────────────────────

    def series(self, request: SeriesRequest) -> list[SeriesColumns]:
        """Return lines for charts; series that do not exist are left out. Raises InvalidValue."""
        return charts.read_series(self.metadata, self.metrics, request)

    def history(
        self, run_key: str, keys: Collection[str] | None = None, attempts: str = "all"
    ) -> Iterator[HistoryBatch]:
        """Yield every row of a run in columnar batches. Raises RunNotFound, InvalidValue."""
        return read_history(self.metadata, self.metrics, self._state(run_key), keys, attempts)

    def console(self, run_key: str, offset: int = 0, limit: int = 1_000) -> ConsolePage:
        """Return console lines from *offset* on. Raises RunNotFound, InvalidValue."""
        if offset < 0 or not 1 <= limit <= CONSOLE_PAGE_MAX:
            raise InvalidValue(f"offset must be at least 0 and limit 1 to {CONSOLE_PAGE_MAX:,}, got {offset}, {limit}.")
        return read_console(self.metadata, self.segments, self._state(run_key), offset, limit)

    def verify(self, run_key: str) -> Verification:
        """Read every byte of a run's segments again. Raises RunNotFound."""
        return verify_run(self.metadata, self.segments, self._state(run_key))

    def diff(self, run_keys: list[str]) -> Diff:
        """Return config, summary and meta of runs side by side. Raises RunNotFound."""
        return diff_runs([self.run(key) for key in run_keys])

    def defines(self, entity: str, project: str) -> dict[str, dict[str, Any]]:
        """Return what define_metric said in a project's latest runs. Raises ProjectNotFound."""
        return project_defines(self.metadata, self._project(entity, project))

    def rebuild(self, progress: Callable[[RebuildProgress], None] | None = None) -> RebuildProgress:
        """Throw the index away and make it again from the run log. Readers see it fill."""
        with self._ingest_lock:
            rebuild.begin_rebuild(self.index)
            rebuild.forget_index(self.index, self.metadata, self.metrics)
            self._ingester.forget()
            self._sparks.clear()
            return rebuild.replay(self.segments, self.metrics, self._ingester, progress)


def _check_edit(name: str, value: Any) -> Any:
    if name not in EDITABLE:
        raise InvalidValue(f"{name!r} cannot be edited; only {', '.join(sorted(EDITABLE))} can.")
    if name in ("archived", "deleted"):
        if not isinstance(value, bool):
            raise InvalidValue(f"{name} must be true or false, got {value!r}.")
        return value
    if name == "tags":
        if not isinstance(value, list) or not all(isinstance(tag, str) and tag for tag in value):
            raise InvalidValue(f"tags must be a list of non-empty strings, got {value!r}.")
        if len(value) > TAGS_MAX or any(len(tag) > TAG_MAX_CHARS for tag in value):
            raise InvalidValue(f"at most {TAGS_MAX} tags of at most {TAG_MAX_CHARS} characters each.")
        return list(dict.fromkeys(value))
    if value is None and name != "name":
        return None
    if not isinstance(value, str):
        raise InvalidValue(f"{name} must be a string, got {value!r} ({type(value).__name__}).")
    if name == "notes":
        if len(value.encode("utf-8", "surrogatepass")) > NOTES_MAX_BYTES:
            raise InvalidValue(f"notes are larger than {NOTES_MAX_BYTES:,} bytes.")
    elif len(value) > DISPLAY_NAME_MAX_CHARS or (name == "name" and not value.strip()):
        raise InvalidValue(f"{name} must have 1 to {DISPLAY_NAME_MAX_CHARS} characters, got {len(value)}.")
    return value


def _open_metadata(index: Path, url: str | None) -> SqlMetadata:
    """Open the metadata; an index of another version is derived, so it is made again rather than complained of."""
    if url is not None:
        return SqlMetadata(url)
    path = index / "meta.db"
    try:
        return SqlMetadata(f"sqlite:///{path}")
    except IndexOutdated as reason:
        log.warning("%s", reason)
        for name in ("meta.db", "meta.db-wal", "meta.db-shm"):
            (index / name).unlink(missing_ok=True)
        rebuild.begin_rebuild(index)
        return SqlMetadata(f"sqlite:///{path}")
