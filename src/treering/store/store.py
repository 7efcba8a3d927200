"""The store of one data folder: the one door that the server uses."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from treering.errors import InvalidValue, ProjectNotFound, RunNotFound, SegmentNotFound, StorageFull
from treering.ids import run_key as make_run_key
from treering.limits import (
    CONSOLE_MAX_LINES,
    LOCK_NOTE_MAX_CHARS,
    REPORT_TABLE_ROWS,
)
from treering.runlog import records
from treering.runlog.shipment import Held

from . import charts, rebuild
from . import schema as t
from .alert_points import AlertPoints
from .alert_rule_documents import AlertRules
from .alert_watch import AlertWatch
from .alerting import Alerts
from .arrivals import Arrivals
from .artifact_book import Collection as ArtifactCollection
from .artifact_book import Version as ArtifactVersion
from .artifacts import Artifacts
from .blobs import FileBlobs
from .changes import ChangeFeed
from .code import read_code
from .comments import Comments
from .comparing import Comparing
from .console import ConsoleQuery, read_console
from .copies import Copies
from .corrected_metadata import shown
from .correcting import Correcting
from .corrections import Corrections
from .distributed import Distributed
from .edits import Edits
from .files import declared_size, declared_times, find_blob, list_files, missing_blobs
from .filing import Filing
from .garbage import Collected, Garbage
from .history import read_history
from .holdings import HoldingsReader
from .ingest import Committed, Ingester
from .inheritance import InheritedMetrics
from .ledger import Ledger
from .lineage import Lineage
from .liveness import Sight
from .locks import Lock, Locks
from .media import Match, find_columns, media_at, media_in, media_steps
from .metadata import MetadataStore
from .metrics import MetricStore
from .model import (
    Changes,
    CodeState,
    ConsolePage,
    FilePage,
    HistoryBatch,
    Holdings,
    MediaItem,
    MediaSteps,
    Past,
    Project,
    ProjectRow,
    RebuildProgress,
    Run,
    RunPage,
    RunQuery,
    Selection,
    SeriesColumns,
    SeriesRequest,
    Spark,
    Verification,
)
from .models import Models
from .origin import Origins
from .owner import OwnerLock
from .parquet import ParquetMetrics
from .past import past_at, read_past
from .pictures import Pictures
from .projects import latest_run, list_projects, locate_run, project_defines, read_project
from .received import Received
from .report_freezing import Freezer
from .report_runs import ReportRuns
from .reports import Reports
from .run_columns import PointSource
from .run_page import read_run
from .runs import query_runs
from .segments import FileSegments, SegmentRef
from .selection import choose_runs, newest_first
from .sql import IndexOutdated, SqlMetadata
from .state import RunState
from .storage import Storage
from .storefile import StoreFile, check_version, open_store_file
from .tables import LoggedTable, TableQuery
from .verify import verify_files, verify_run
from .views import Views
from .watch import Watcher

SPARK_BUCKETS: Final = 40


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
        about: StoreFile,
        **metric_options: Any,
    ) -> None:
        self.folder = folder
        self.index = index
        self.about = about
        self.full: str | None = None  # why nothing may be written at present
        self.segments = FileSegments(folder)
        self.blobs = FileBlobs(folder / "blobs")
        self.arrivals = Arrivals(self.blobs, folder / "arriving")
        self.metadata = metadata
        self.metrics = ParquetMetrics(index, metadata.index_id, **metric_options)
        self._lock = lock
        self._clock_ns = clock_ns
        if rebuild.is_begun(index):
            rebuild.forget_index(index, metadata, self.metrics)
        self._ledger = Ledger(self.segments)
        self.views = Views(self._ledger.documents, clock_ns)
        self.corrections = Corrections(self._ledger.documents, clock_ns)
        self._visible_seq = metadata.seq
        # Metadata and metrics as people see them: names and values as the corrections of a project give them.
        self._lines = InheritedMetrics(self.metrics, metadata.inheritance)
        self._shown, self._shown_metrics = shown(
            metadata, self._lines, self.corrections, self._refill_ids, lambda: self._visible_seq
        )
        self.correcting = Correcting(metadata, self._lines, self.corrections, self._refill_ids, self._is_shown_anew)
        self._feed = ChangeFeed(metadata)
        self.alerts = self._make_alerts()
        self.locks = Locks(self._ledger.documents, self.segments, clock_ns)
        self._ledger.locks_out = self.locks.locks_out
        self.artifacts = Artifacts(
            metadata,
            self.blobs,
            self._ledger.artifacts,
            Models(self._ledger.documents, self._ledger.artifacts, clock_ns),
            self._ledger.received,
            clock_ns,
            self.locks.is_locked,
            lambda: self.is_ready and not self._is_rebuilding,
        )
        self.lineage = Lineage(metadata, self.artifacts)
        self.storage = Storage(metadata, self.blobs, self.artifacts, self._ledger.received)
        self._garbage = Garbage(metadata, self.blobs, self.artifacts, self.kept_blobs, clock_ns)
        self._ingester = Ingester(
            self.segments,
            metadata,
            self.metrics,
            self._ledger,
            clock_ns,
            self._committed,
            self.alerts.watch.note_points,
        )
        self._ingest_lock = threading.RLock()
        self._edits = Edits(
            self.segments,
            metadata,
            self._ledger,
            self.locks,
            self._ingester,
            self._ingest_lock,
            self.check_room,
            clock_ns,
        )
        self.received = Received.on_disk(
            self.segments,
            self._ledger,
            lambda refs: self._watcher.arrive(refs),
            self.check_room,
            hint=self._applied,
            find=self._find_segment,
            clock_ns=clock_ns,
        )
        self._filing = Filing(
            self.segments,
            self.blobs,
            metadata,
            self.metrics,
            self._ingester,
            self._ledger,
            clock_ns,
            self.kept_blobs,
        )
        self._copies = Copies(self.segments, metadata, self._ledger, clock_ns)
        self._watcher = Watcher(
            self.segments, self._ingester, self._ingest_lock, metadata.running(), self.received.follows
        )
        self._sparks: dict[int, tuple[int, Spark | None]] = {}
        self._places: dict[str, tuple[str, str]] = {}
        self._charts = threading.BoundedSemaphore(max(1, (os.cpu_count() or 1) // 2))
        self._points = PointSource(self._shown_metrics, self._refill_ids)
        self.comparing = Comparing(
            self._shown,
            self.segments,
            self.blobs,
            self._points,
            self.run,
            index / "scratch",
        )
        self.origins = Origins(self._shown, self._shown_metrics, self._refill_ids)
        self.distributed = Distributed(self._shown, self._shown_metrics, self.segments, self._refill_ids, clock_ns)
        self.comments = Comments(self._ledger.documents, clock_ns)
        self.pictures = Pictures(self._ledger.documents, self.blobs, clock_ns)
        self.reports = self._make_reports()
        self._holdings = HoldingsReader(metadata, self._ledger.received, self.received.length)
        self._holdings_lock = threading.Lock()
        self._closed = self._is_rebuilding = False
        try:
            self._copies.clear()
            self.blobs.restore_discarded()
            self.artifacts.load()
            self._filing.finish_purges()
            self._filing.finish_moves()
        except Exception:  # a full disk: the next start tries again, and people can look at their runs meanwhile
            log.exception("what a kill left of moves and removals could not be finished")

    def _make_reports(self) -> Reports:
        return Reports(
            self._ledger.documents,
            self.blobs,
            self.metadata,
            self.comparing,
            self.project,
            lambda may_read: ReportRuns(self.metadata, self.comparing, self.query_runs, may_read),
            Freezer(
                self.metadata,
                self.comparing,
                self.series,
                self.project,
                self.corrections.of_project,
                self.media_steps,
                self.media_at,
                lambda run_key, sha256: self.table(run_key, sha256).read(TableQuery(limit=REPORT_TABLE_ROWS)),
            ),
            self._clock_ns,
        )

    def kept_blobs(self) -> Iterator[str]:
        """Yield the names of bytes that stay although no run refers to them: those of reports, and pictures."""
        yield from self.reports.kept_blobs()
        yield from self.pictures.kept_blobs()

    def _make_alerts(self) -> Alerts:
        rules = AlertRules(self._ledger.documents, self._clock_ns)
        points = AlertPoints(self._shown, self.metadata, self.metrics, self._refill_ids)
        watch = AlertWatch(rules, self._ledger.alerts, points, self._clock_ns, lambda: self.corrections.changes)
        return Alerts(self.metadata, rules, self._ledger.alerts, points, watch, self._clock_ns, self._ledger.moved_to)

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
            NewerFormat: a newer treering made the folder; nothing was touched.
        """
        folder = Path(dir)
        check_version(folder)
        folder.mkdir(parents=True, exist_ok=True)
        index = Path(index_dir) if index_dir is not None else folder / "index"
        lock = OwnerLock(index)
        try:
            about = open_store_file(folder)
            metadata = _open_metadata(index, metadata_url)
            return cls(folder, index, lock, metadata, clock_ns, about, **metric_options)
        except BaseException:
            lock.close()
            raise

    def close(self) -> None:
        """Stop following, write the tail, give the lock back. Idempotent."""
        if self._closed:
            return
        self._closed = True
        self.received.close()
        self.stop()
        with self._ingest_lock:
            self._edits.close()
            self._ledger.close()
            try:
                self.metrics.flush()
            except Exception:  # a full disk: what is not written is read from the run log at the next start
                log.exception("the tail of the index could not be written")
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

        Waits until all that is there is applied, at most *wait_s*, and returns whether it is. It goes on if not.
        """
        self._watcher.start()
        return self._watcher.wait_until_complete(wait_s)

    def stop(self) -> None:
        """Stop following."""
        self._watcher.stop()

    def ingest_now(self) -> int:
        """Look through all runs once, on this thread. Returns the number of frames applied."""
        with self._ingest_lock:
            applied = self._watcher.scan()
            self._ingester.check_liveness(self.metadata.running())
            self.artifacts.look({}, ())
            return applied

    def ingest_segment(self, run_key: str, segment: str) -> int:
        """Apply what is new in one segment, e.g. after bytes arrived over the network. Returns frames applied."""
        with self._ingest_lock:
            return self._ingester.ingest([SegmentRef(run_key, segment)], live=Sight.LIVE)

    # ── what came over the network ──────────────────────────────────────────────────────────────────────────────

    def check_room(self) -> None:
        """Raise StorageFull while the disk is too full for anything new. Reading goes on."""
        if self.full is not None:
            raise StorageFull(self.full)

    def run_of_segment(self, segment: str) -> str:
        """Return the key of the run that a segment is of. Raises SegmentNotFound."""
        receipt = self._ledger.received.get(segment)
        ref = None if receipt is not None else self._find_segment(segment)
        if receipt is None and ref is None:
            raise SegmentNotFound(f"there is no segment {segment!r}.")
        return receipt.run_key if receipt is not None else ref.run_key  # type: ignore[union-attr]

    def is_received(self, segment: str) -> bool:
        """Return whether a segment came over the network."""
        return segment in self._ledger.received

    def applied(self, segment: str) -> int:
        """Return how many bytes of a segment the index has applied: the next frame's place."""
        position = self._ingester.positions.get(segment)
        return 0 if position is None else position.offset

    @property
    def index_lag_s(self) -> float:
        """How long the oldest bytes have waited that came over the network and are not applied yet."""
        return self._watcher.lag_s

    @property
    def is_ready(self) -> bool:
        """Whether all runs were looked at since the start."""
        return self._watcher.has_looked_through

    @property
    def catching_up(self) -> int:
        """How many segments are still read again, since a crash took points of theirs that only memory held."""
        return self._ingester.count_owed()

    @property
    def frames_applied(self) -> int:
        """Frames applied to the index since the start."""
        return self._ingester.frames

    @property
    def points_applied(self) -> int:
        """Points applied to the index since the start."""
        return self._ingester.points

    def stop_asked(self, segment: str) -> str:
        """Return who asked the run of a received segment to stop after this life of it began; empty if nobody did."""
        return self._edits.stop_asked(segment)

    def stop_run(self, run_key: str, author: str) -> Run:
        """Ask a run to stop, as a record in its run log. Raises RunNotFound, StorageFull."""
        self._edits.stop(run_key, author)
        return self.run(run_key)

    def stop_runs(self, run_keys: Sequence[str], author: str) -> dict[str, str]:
        """Ask those runs to stop that run. Returns run key → why it was not asked. Raises StorageFull."""
        return self._edits.stop_many(run_keys, author)

    def past(self, run_key: str, writer: str, step: int | None = None) -> Past:
        """
        Return what somebody needs who resumes a run under the label *writer*, as it was at *step* if one is given.

        Raises RunNotFound.
        """
        state = self._state(run_key)
        past = read_past(state, self.metadata.segments(state.id), writer)
        if step is None:
            return past
        self._refill([run_key])
        return past_at(past, self.metadata, self._lines, state, step)

    def holdings(self, visible: Collection[tuple[str, str]] | None = None) -> Holdings:
        """Return what is held of the (entity, project) pairs in *visible*, all if None, and what is not whole."""
        with self._holdings_lock:
            return self._holdings.read(self.about, visible)

    def count_states(self) -> dict[str, int]:
        """Return how many runs are in each state."""
        query = sa.select(t.runs.c.state, sa.func.count()).where(t.runs.c.deleted.is_(False)).group_by(t.runs.c.state)
        with self.metadata.connect() as connection:
            return {str(state): int(count) for state, count in connection.execute(query)}

    def _read_run(self, state: RunState) -> Run:
        return read_run(
            self._shown,
            state,
            self._clock_ns(),
            self._ledger.received,
            self.received.length,
            self._edits.is_stopping(state),
        )

    def _applied(self, segment: str) -> Held | None:
        found = self.metadata.segment(segment)
        return None if found is None or not found.offset else Held(found.offset, found.chain, found.doc.sealed)

    def _find_segment(self, segment: str) -> SegmentRef | None:
        if segment in self._ledger.received or segment not in self._ingester.positions:
            return None
        found = self.metadata.segment(segment)
        states = {} if found is None else self.metadata.runs_by_id([found.run])
        return SegmentRef(states[found.run].run_key, segment) if found is not None and found.run in states else None

    def _committed(self, seq: int, committed: list[Committed]) -> None:
        for entry in committed:
            self._watcher.note_state(entry.run_key, entry.state)
        self._edits.note_commit(committed)
        self._visible_seq = seq
        self.artifacts.look(
            {one.run_key: one.artifacts for one in committed if one.artifacts}, {one.run_key for one in committed}
        )
        self.alerts.watch.note_commit(committed)
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

    def projects(self, visible: Collection[tuple[str, str]] | None = None) -> list[ProjectRow]:
        """Return projects with runs, the latest active first; only those of *visible* (entity, project), if given."""
        rows = list_projects(self.metadata, {}, visible)
        ids = {(p.entity, p.name): p.id for p in self.metadata.projects()}
        sparks = {}
        for row in rows:
            number = ids[row.entity, row.project]
            spark = self._spark(number, int(row.last_activity_at * 1e6))
            if spark is not None:
                sparks[number] = spark
        return list_projects(self.metadata, sparks, visible) if sparks else rows

    def has_project(self, entity: str, project: str) -> bool:
        """Return whether a run was ever filed under this entity and project."""
        return self.metadata.find_project(entity, project) is not None

    def knows_where(self, run_key: str) -> bool:
        """Return whether ``locate`` answers without asking the index."""
        return run_key in self._places or run_key in self._ledger.places or run_key in self._ledger.moved

    def locate(self, run_key: str) -> tuple[str, str]:
        """Return the entity and project that a run is filed under. Cheap. Raises RunNotFound."""
        moved = self._ledger.moved.get(run_key)
        if moved is not None:
            return moved.entity, moved.project
        place = self._places.get(run_key) or self._ledger.places.get(run_key) or locate_run(self.metadata, run_key)
        if place is None:
            raise RunNotFound(f"there is no run {run_key!r}.")
        self._places[run_key] = place
        return place

    def origin(self, run_key: str) -> tuple[str, str] | None:
        """Return where a run was filed before it was moved, as what it logs still says; None if it never was."""
        moved = self._ledger.moved.get(run_key)
        return None if moved is None else (moved.from_entity, moved.from_project)

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
        names = self._shown.key_names(self._shown.keys_of_run(number))
        keys = sorted(name for name, kind in names.values() if kind == "number")
        if not keys:
            return None
        key = next((k for k in keys if k.rpartition("/")[2] == "loss"), None)
        key = key or next((k for k in keys if "loss" in k), keys[0])
        lines = self.series(SeriesRequest(keys=[key], runs=[state.run_key], buckets=SPARK_BUCKETS))
        return Spark(key, lines[0].y[-SPARK_BUCKETS:].tolist()) if lines else None

    def project(self, entity: str, project: str) -> Project:
        """Return one project. Raises ProjectNotFound."""
        return read_project(self._shown, self._project(entity, project))

    def _project(self, entity: str, project: str) -> Any:
        found = self.metadata.find_project(entity, project)
        if found is None:
            raise ProjectNotFound(f"there is no project {entity}/{project}.")
        return found

    def query_runs(self, query: RunQuery) -> RunPage:
        """Return a page of runs. Raises ProjectNotFound, FilterError, InvalidValue."""
        project = self._project(query.entity, query.project)
        return query_runs(self._shown, project, query, self._clock_ns(), self._points)

    def run(self, run_key: str) -> Run:
        """Return everything about one run. Raises RunNotFound."""
        state = self._state(run_key)
        return self._read_run(state)

    def _state(self, run_key: str) -> RunState:
        state = self.metadata.run(run_key)
        if state is None or state.deleted:
            raise RunNotFound(f"there is no run {run_key!r}.")
        return state

    def find_run(self, entity: str, project: str, run_id: str) -> str:
        """Return the key of a run by its id. Raises RunNotFound."""
        key = make_run_key(entity, project, run_id)
        state = self.metadata.run(key)
        if state is None or (state.entity, state.project) != (entity, project):  # one that was moved here, or away
            found = self.metadata.find_run(entity, project, run_id)
            if found is None:
                raise RunNotFound(f"there is no run {run_id!r} in {entity}/{project}.")
            key = found
        self._state(key)
        return key

    def edit_run(self, run_key: str, changes: dict[str, Any], author: str) -> Run | None:
        """
        Change what people say of a run (``apply.EDITABLE``), as a record in its own run log.

        Returns the run as it then is, None if it is deleted. Raises RunNotFound, InvalidValue.
        """
        state = self._edits.edit(run_key, changes, author)
        return None if state.deleted else self._read_run(state)

    def edit_runs(
        self,
        run_keys: Sequence[str],
        changes: dict[str, Any],
        author: str,
        add_tags: Sequence[str] = (),
        remove_tags: Sequence[str] = (),
    ) -> dict[str, str]:
        """
        Change many runs at once, as ``edit_run`` does one, and their tags. Returns run key → why it was not changed.

        Raises InvalidValue, StorageFull: then none was.
        """
        return self._edits.edit_many(run_keys, changes, author, add_tags, remove_tags)

    def lock_run(self, run_key: str, author: str, note: str = "") -> Lock:
        """
        Lock a run: its log is sealed, and nothing is added to it any more.

        Raises:
            RunNotFound: there is no such run.
            InvalidValue: it is running, or the note is too long.
            EditConflict: it is locked already.
            StorageFull, OSError: the disk refuses.
        """
        if len(note) > LOCK_NOTE_MAX_CHARS:
            raise InvalidValue(f"a note has at most {LOCK_NOTE_MAX_CHARS:,} characters, got {len(note):,}.")
        self.check_room()
        with self._ingest_lock:
            self._filing.read([run_key])  # one that was resumed a moment ago runs, whatever is known of it
            state = self._state(run_key)
            if state.state == "running":
                raise InvalidValue(f"{state.name} is running: what it logs from now on would be no part of it.")
            if self._edits.end_segment(run_key):  # what people said of the run so far is sealed, too
                self._filing.read([run_key])
            writers = {segment.segment: segment.writer for segment in self.metadata.segments(state.id)}
            return self.locks.lock(state, writers, author, note.strip())

    def matching(self, selection: Selection, limit: int) -> list[str]:
        """Return the keys of up to *limit* runs that are meant, newest first. Raises ProjectNotFound, FilterError."""
        project = self._project(selection.entity, selection.project)
        query = sa.select(t.runs.c.run_key).where(choose_runs(self._shown, project, selection).where)
        with self.metadata.connect() as connection:
            return list(connection.scalars(query.order_by(*newest_first()).limit(limit)))

    def move_runs(self, run_keys: Sequence[str], entity: str, project: str, author: str) -> dict[str, str]:
        """
        File runs under another project. Returns run key → why it was not moved.

        Raises InvalidName, StorageFull, OSError.
        """
        self.check_room()
        with self._ingest_lock:
            return self._file(
                run_keys,
                lambda state: self._filing.check_move(state, entity, project),
                lambda states: self._filing.move(states, entity, project, author),
            )

    def copy_runs(self, run_keys: Sequence[str], entity: str, project: str, author: str) -> dict[str, str]:
        """
        Copy runs into another project, with all that they logged. Returns run key → why it was not copied.

        A copy is a run of its own: what happens to one of the two is nothing to the other. Raises InvalidName,
        StorageFull.
        """
        refused: dict[str, str] = {}
        with self._ingest_lock:
            self._filing.read(run_keys)  # one that was resumed a moment ago runs, whatever is known of it
        for key in run_keys:
            self.check_room()
            why = self._copy_run(key, entity, project, author)
            if why:
                refused[key] = why
        return refused

    def _copy_run(self, run_key: str, entity: str, project: str, author: str) -> str:
        """Copy one run, its bytes without the lock: what others send meanwhile need not wait for them."""
        try:
            with self._ingest_lock:
                state = self.metadata.run(run_key)
                why = "there is no such run" if state is None else self._copies.check(state, entity, project)
                if state is None or why:
                    return why
                self._edits.end_segment(run_key)
            copy = self._copies.write(state, entity, project, author)
            with self._ingest_lock:
                # Meanwhile the run may have been removed or resumed, or somebody else may have copied it.
                self._filing.read([run_key])
                state = self.metadata.run(run_key)
                why = "there is no such run" if state is None else self._copies.check(state, entity, project)
                if why:
                    self._copies.drop(copy)
                    return why
                self._copies.keep(copy)
                self._filing.read([copy.run_key])
        except InvalidValue as error:
            return str(error)
        except OSError as error:
            return f"the disk refuses: {error.strerror or error}"
        return ""

    def purge_runs(self, run_keys: Sequence[str], author: str) -> dict[str, str]:
        """Remove runs that are deleted for good. Returns run key → why it was not. Raises OSError."""
        with self._ingest_lock:
            return self._file(run_keys, self._check_purge, lambda states: self._purge(states, author))

    def _check_purge(self, state: RunState) -> str:
        return self._filing.check_purge(state) or self.artifacts.check_purge(state.run_key)

    def _purge(self, states: list[RunState], author: str) -> None:
        for state in states:
            self.artifacts.purge(state.run_key, author)
        self._filing.purge(states, author)

    def _file(
        self,
        run_keys: Sequence[str],
        check: Callable[[RunState], str],
        do: Callable[[list[RunState]], None],
    ) -> dict[str, str]:
        self._filing.read(run_keys)  # one that was resumed a moment ago runs, whatever is known of it
        states = self.metadata.runs_by_key(run_keys)
        refused = {key: "there is no such run" for key in run_keys if key not in states}
        refused |= {key: why for key, state in states.items() if (why := check(state))}
        chosen = [state for key, state in states.items() if key not in refused]
        for state in chosen:
            self._edits.end_segment(state.run_key)
        if chosen:
            do(chosen)
            self._ingester.settle()
        for state in chosen:
            self._places.pop(state.run_key, None)
            self._edits.forget(state.run_key)
            self.alerts.watch.forget_runs([state.run_key])
            self._sparks.pop(state.project_id, None)
        return refused

    def is_purged(self, segment: str) -> bool:
        """Return whether a received segment is of a run that was removed for good."""
        receipt = self._ledger.received.get(segment)
        return receipt is not None and self.run_is_purged(receipt.run_key)

    def run_is_purged(self, run_key: str) -> bool:
        """Return whether a run was removed for good."""
        return run_key in self._ledger.purged

    def _refill(self, run_keys: Iterable[str]) -> None:
        """After a crash: read these runs' points again before all others, so that no answer lacks any."""
        if self._ingester.count_owed():
            wanted = set(run_keys)
            ids = [number for number, _ in self.metadata.run_ids(wanted).values()]
            for fork in self.metadata.inheritance.forks_among(ids):
                wanted.update(self.metadata.inheritance.parents(fork))
            with self._ingest_lock:
                self._ingester.refill(wanted)

    # ── data ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _refill_ids(self, ids: Collection[int]) -> None:
        if self._ingester.count_owed():
            self._refill(state.run_key for state in self.metadata.runs_by_id(ids).values())

    def _is_shown_anew(self, entity: str, project: str) -> None:
        """Have everybody who looks at a project read it again."""
        with self._ingest_lock:
            seq = self.metadata.apply([])
            self._visible_seq = seq
            self._sparks.clear()
            self._feed.begin_anew(entity, project, seq)

    def series(self, request: SeriesRequest, *, raw: bool = False) -> list[SeriesColumns]:
        """
        Return lines for charts; series that do not exist are left out. *raw*: as they were logged, without corrections.

        Raises InvalidValue.
        """
        metadata, metrics = self._as(raw)
        groups = request.groups or []
        self._refill([*(request.runs or []), *(run for group in groups for run in group.runs)])
        # Charts are computed, so more at once than cores are no faster; they would only take turns with whatever else
        # needs the interpreter, which is every append.
        with self._charts:
            if request.ranks != "main":
                left, found = self.distributed.lines_of_runs(request)
                return charts.read_series(metadata, metrics, left) + found
            return charts.read_series(metadata, metrics, request)

    def history(
        self, run_key: str, keys: Collection[str] | None = None, attempts: str = "all", *, raw: bool = False
    ) -> Iterator[HistoryBatch]:
        """
        Yield every row of a run in columnar batches. *raw*: as it was logged, without corrections.

        Raises RunNotFound, InvalidValue.
        """
        self._refill([run_key])
        return read_history(*self._as(raw), self._state(run_key), keys, attempts)

    def _as(self, raw: bool) -> tuple[MetadataStore, MetricStore]:
        """Return what to read: what was logged, or what corrections show of it."""
        return (self.metadata, self._lines) if raw else (self._shown, self._shown_metrics)

    def console(self, run_key: str, query: ConsoleQuery = ConsoleQuery()) -> ConsolePage:  # noqa: B008 - immutable
        """Return console lines. Raises RunNotFound, InvalidValue."""
        if query.offset < 0 or not 1 <= query.limit <= CONSOLE_MAX_LINES:
            raise InvalidValue(
                f"offset must be at least 0 and limit 1 to {CONSOLE_MAX_LINES:,}, got {query.offset}, {query.limit}."
            )
        return read_console(self.metadata, self.segments, self._state(run_key), query)

    # ── files and media ─────────────────────────────────────────────────────────────────────────────────────────

    def files(
        self, run_key: str, purposes: Collection[str] = (), search: str = "", offset: int = 0, limit: int = 1_000
    ) -> FilePage:
        """Return files of a run, by path. Raises RunNotFound."""
        return list_files(self.metadata, self.blobs, self._state(run_key), purposes, search, offset, limit)

    def code(self, run_key: str) -> CodeState:
        """Return the code that a run ran, as far as it was recorded. Raises RunNotFound."""
        return read_code(self.metadata, self.blobs, self._state(run_key))

    def blob_size(self, run_key: str, sha256: str) -> int:
        """Return the size of bytes that a run declared and that are here. Raises RunNotFound, NotFound."""
        return find_blob(self.metadata, self.blobs, self._state(run_key), sha256)

    def media_steps(self, runs: Collection[str], keys: Sequence[str], limit: int) -> list[MediaSteps]:
        """Return at which steps runs logged media or text; unknown runs and keys are left out."""
        self._refill(runs)
        return media_steps(self._shown, self._shown_metrics, runs, keys, limit)

    def media_at(self, runs: Collection[str], keys: Sequence[str], step: int | None, match: Match) -> list[MediaItem]:
        """Return per run and key the media or text at a step, the last for None."""
        self._refill(runs)
        return media_at(self._shown, self._shown_metrics, runs, keys, step, match)

    def media_in(self, runs: Collection[str], keys: Sequence[str], low: int, high: int, limit: int) -> list[MediaItem]:
        """Return the media and texts from step *low* to *high*; of each series at most *limit*, evenly thinned."""
        self._refill(runs)
        return media_in(self._shown, self._shown_metrics, runs, keys, low, high, limit)

    def table(self, run_key: str, sha256: str) -> LoggedTable:
        """Return a table that a run logged. Raises RunNotFound, NotFound."""
        state = self._state(run_key)
        find_blob(self.metadata, self.blobs, state, sha256)
        self._refill([run_key])
        columns = find_columns(self.metadata, self._lines, state, sha256)
        return LoggedTable(self.blobs.path(sha256), columns)

    def missing_blobs(self, run_key: str, wanted: Collection[str]) -> list[tuple[str, int]]:
        """
        Return those of *wanted* that have to be sent for a run, and how many bytes of each have come already.

        What another run of the same project holds is noted as held by this one as well. Raises RunNotFound.
        """
        state = self._state(run_key)
        missing, others = missing_blobs(self.metadata, state, wanted)
        lacking = set(missing)
        there = [name for name in dict.fromkeys(wanted) if name not in lacking]
        here = {name for name in there if self.blobs.touch(name)}  # the rest was garbage, or its disk was changed
        new = [(name, self.blobs.size(name)) for name in others if name in here]
        if new:
            self._note_held(state, new)
        gone = [name for name in there if name not in here]
        removed = self.artifacts.unneeded(run_key, state.id, declared_times(self.metadata, state, gone))
        lacking.update(name for name in gone if name not in removed)
        return [(name, self.arrivals.length(run_key, name)) for name in dict.fromkeys(wanted) if name in lacking]

    def receive_blob(self, run_key: str, sha256: str, offset: int, total: int, chunk: bytes) -> tuple[int, bool]:
        """
        Take bytes of a file that a run declared. Returns how many are here now, and whether it is whole and held.

        Raises:
            RunNotFound, NotFound: there is no such run, or it declares no such file (yet).
            InvalidValue: the size is not what was declared, or the bytes are not what their hash says.
            BlobConflict: they begin elsewhere than where those that are here end.
            StorageFull: there is no room.
        """
        self.check_room()
        state = self._state(run_key)
        declared = declared_size(self.metadata, state, sha256)
        if declared != total:
            raise InvalidValue(f"the run declares {declared:,} bytes of {sha256}, not {total:,}.")
        length, whole = self.arrivals.take(run_key, sha256, offset, total, chunk)
        if whole:
            self._note_held(state, [(sha256, total)])
        return length, whole

    def _note_held(self, state: RunState, blobs: list[tuple[str, int]]) -> None:
        """Say in the run's log, durably, which bytes came."""
        held = [(records.HELD, [self._clock_ns(), sha256, size]) for sha256, size in blobs]
        self._edits.append(state, *held, durable=True)

    def collect_garbage(self, *, dry_run: bool) -> Collected:
        """Remove versions of artifacts that are to go, and content that nothing refers to; or only say which."""
        with self._ingest_lock:
            self._filing.read(self.segments.runs())
            return self._garbage.collect(dry_run)

    def bytes_of_removal(self, chosen: Sequence[tuple[ArtifactCollection, ArtifactVersion]]) -> int:
        """Return how many bytes would be garbage if versions of artifacts were removed."""
        return self._garbage.free_bytes(chosen)

    def run_number(self, run_key: str) -> int:
        """Return the index's own number of a run. Raises RunNotFound."""
        return self._state(run_key).id

    def verify(self, run_key: str) -> Verification:
        """Read every byte of a run's segments and files again. Raises RunNotFound."""
        state, lock = self._state(run_key), self.locks.get(run_key)
        files = verify_files(self.metadata, self.blobs, state.id, self.artifacts.content_of(run_key))
        changed = None if lock is None else self.locks.differences(lock)[0]
        return verify_run(self.metadata, self.segments, state, files, changed)

    def defines(self, entity: str, project: str) -> dict[str, dict[str, Any]]:
        """Return what define_metric said in a project's latest runs. Raises ProjectNotFound."""
        return project_defines(self.metadata, self._project(entity, project))

    def rebuild(self, progress: Callable[[RebuildProgress], None] | None = None) -> RebuildProgress:
        """Throw the index away and make it again from the run log. Readers see it fill."""
        with self._ingest_lock:
            self._is_rebuilding = True
            try:
                rebuild.begin_rebuild(self.index)
                rebuild.forget_index(self.index, self.metadata, self.metrics)
                self._ingester.forget()
                self._sparks.clear()
                return rebuild.replay(self.segments, self.metrics, self._ingester, progress)
            finally:
                self._is_rebuilding = False


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
