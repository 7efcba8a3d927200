"""The metadata store on SQLite and PostgreSQL, through SQLAlchemy Core."""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import numpy as np
import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Engine

from treering.errors import StorageError

from . import schema as t
from .heads import Heads, logged_heads
from .index_rows import (
    clean_text,
    decode_doc,
    decode_run,
    document_columns,
    fork_columns,
    fork_point,
    fork_point_of,
    part_rows,
    run_columns,
    segment_columns,
    segment_query,
    segment_state,
    stat,
    stat_columns,
    text_columns,
)
from .inheritance import ForkPoint, Inheritance, OwnSegment, Strand, with_inherited
from .line import NEVER, Lineage, Rewind
from .liveness import label_of
from .metadata import Position, ProjectRef
from .overlay import LoggedKey, Overlay
from .regex import matches
from .state import ConsoleSpan, RunBatch, RunState, SegmentState, SeriesStat

# Bound parameters per statement: SQLite allows 32,766, PostgreSQL 65,535.
_MAX_PARAMETERS: Final = 30_000
# What has rows of runs, but attrs, which have no index by run.
_OF_RUNS: Final = (
    t.documents,
    t.texts,
    t.segments,
    t.rewinds,
    t.series,
    t.corrected,
    t.console,
    t.files,
    t.held,
    t.artifacts,
    t.artifact_uses,
    t.forks,
    t.unsettled,
    t.alerts,
    t.origins,
    t.origin_parts,
)


class IndexOutdated(StorageError):
    """The index was made by another version of treering."""


class SqlMetadata:
    """See ``MetadataStore``. *url* is an SQLAlchemy URL; ``sqlite:///path`` or ``postgresql+psycopg://…``."""

    def __init__(self, url: str) -> None:
        self._engine = _make_engine(url)
        self.dialect = self._engine.dialect.name
        # SQLite has one writer at a time; this lock makes waiting for it fair and free of "database is locked".
        self._write_lock = threading.RLock()
        self._together: Connection | None = None
        self._projects: dict[tuple[str, str], ProjectRef] = {}
        self._keys: dict[tuple[int, str], dict[str, int]] = {}
        self._names: dict[int, tuple[str, str]] = {}
        self._keys_made = 0
        self._forks: dict[int, ForkPoint] = {}
        self.inheritance = Inheritance(self._forks, self._places_of, self._own_segments)
        try:
            self._open()
        except BaseException:
            self.close()
            raise

    def _open(self) -> None:
        with self._write() as connection:
            t.metadata.create_all(connection)
            found = {row.name: row.value for row in connection.execute(sa.select(t.settings))}
            if not found:
                # Milliseconds since 1970 as the first number: a page that still knows a number of an earlier index
                # then sees everything of this one as new.
                found = {
                    "version": str(t.VERSION),
                    "index_id": os.urandom(16).hex(),
                    "seq": str(time.time_ns() // 1_000_000),
                }
                found["first_seq"] = found["seq"]
                connection.execute(sa.insert(t.settings), [{"name": k, "value": v} for k, v in found.items()])
        if int(found["version"]) != t.VERSION:
            raise IndexOutdated(
                f"the index has version {found['version']}, this treering makes version {t.VERSION}. It is derived: "
                "run `treering rebuild` to make it again from the run log."
            )
        self._index_id = str(found["index_id"])
        self._seq = int(found["seq"])
        self.first_seq = int(found["first_seq"])
        self._forks.clear()
        with self.connect() as connection:
            for row in connection.execute(sa.select(t.forks)):
                self._forks[row.run_id] = fork_point(row)

    @property
    def index_id(self) -> str:
        return self._index_id

    @property
    def seq(self) -> int:
        return self._seq

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        with self._engine.connect() as connection:
            yield connection

    @contextmanager
    def _write(self) -> Iterator[Connection]:
        with self._write_lock:
            if self._together is not None:  # ours: others wait for the lock
                yield self._together
                return
            with self._engine.begin() as connection:
                yield connection

    @contextmanager
    def ids_together(self) -> Iterator[None]:
        """See ``MetadataStore``: a thousand runs that begin at once are one transaction and not two thousand."""
        with self._write_lock:
            try:
                with self._engine.begin() as connection:
                    self._together = connection
                    yield
            except BaseException:
                self._projects.clear()
                self._keys.clear()
                self._names.clear()
                raise
            finally:
                self._together = None

    def close(self) -> None:
        self._engine.dispose()

    # ── ids ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def make_project(self, entity: str, name: str) -> ProjectRef:
        found = self.find_project(entity, name)
        if found is not None:
            return found
        with self._write() as connection:
            entity_id = connection.scalar(sa.select(t.entities.c.id).where(t.entities.c.name == entity))
            if entity_id is None:
                entity_id = _new_id(connection, sa.insert(t.entities), {"name": entity})
            project_id = _new_id(connection, sa.insert(t.projects), {"entity_id": entity_id, "name": name})
        project = ProjectRef(project_id, entity_id, entity, name)
        self._projects[entity, name] = project
        return project

    def find_project(self, entity: str, name: str) -> ProjectRef | None:
        project = self._projects.get((entity, name))
        if project is None:
            self.projects()
            project = self._projects.get((entity, name))
        return project

    def projects(self) -> list[ProjectRef]:
        query = sa.select(t.projects.c.id, t.projects.c.entity_id, t.entities.c.name, t.projects.c.name).join(
            t.entities, t.entities.c.id == t.projects.c.entity_id
        )
        with self.connect() as connection:
            found = [ProjectRef(*row) for row in connection.execute(query)]
        for project in found:
            self._projects[project.entity, project.name] = project
        return found

    def make_keys(self, project: Any, space: str, names: Collection[str], kind: str) -> dict[str, int]:
        known = self._keys.setdefault((project.id, space), {})
        if any("\0" in name for name in names):  # PostgreSQL has no NUL in texts
            ids = self.make_keys(project, space, [clean_text(name) for name in names], kind)
            return {name: ids[clean_text(name)] for name in names}
        new = [name for name in names if name not in known]
        if new:
            known.update(self.find_keys(project.id, space, new))
            new = [name for name in new if name not in known]
        if new:
            with self._write() as connection:
                for name in new:
                    values = {
                        "entity_id": project.entity_id,
                        "project_id": project.id,
                        "space": space,
                        "name": name,
                        "kind": kind,
                    }
                    known[name] = _new_id(connection, sa.insert(t.keys), values)
            self._keys_made += 1
        return {name: known[name] for name in names}

    def find_keys(self, project_id: int, space: str, names: Collection[str]) -> dict[str, int]:
        known = self._keys.setdefault((project_id, space), {})
        missing = [name for name in names if name not in known and "\0" not in name]
        if not missing:
            return {name: known[name] for name in names if name in known}
        with self.connect() as connection:
            for some in _chunks(missing, _MAX_PARAMETERS):
                query = sa.select(t.keys.c.name, t.keys.c.id).where(
                    t.keys.c.project_id == project_id, t.keys.c.space == space, t.keys.c.name.in_(some)
                )
                known.update({row.name: row.id for row in connection.execute(query)})
        return {name: known[name] for name in names if name in known}

    def key_names(self, ids: Collection[int]) -> dict[int, tuple[str, str]]:
        missing = [number for number in ids if number not in self._names]
        if not missing:
            return {number: self._names[number] for number in ids}
        with self.connect() as connection:
            for some in _chunks(missing, _MAX_PARAMETERS):
                query = sa.select(t.keys.c.id, t.keys.c.name, t.keys.c.kind).where(t.keys.c.id.in_(some))
                self._names.update({row.id: (row.name, row.kind) for row in connection.execute(query)})
        return {number: self._names[number] for number in ids if number in self._names}

    # ── metrics ─────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def keys_made(self) -> int:
        return self._keys_made

    def metric_keys(self, project_id: int) -> list[LoggedKey]:
        k = t.keys.c
        query = sa.select(k.id, k.name, k.kind, k.runs).where(k.project_id == project_id, k.space == "metric")
        with self.connect() as connection:
            return [LoggedKey(*row) for row in connection.execute(query)]

    def keys_of_run(self, run_id: int) -> list[int]:
        with self.connect() as connection:
            return list(connection.scalars(sa.select(t.series.c.key_id).where(t.series.c.run_id == run_id)))

    def overlay(self, project_id: int) -> Overlay | None:
        return None

    def heads(self, project_id: int, keys: Collection[int] | None = None) -> Heads:
        return logged_heads(keys)

    def prepare(self, project_id: int) -> None:
        pass

    def keep_corrected(self, project_id: int, stamp: str, rows: Collection[SeriesStat]) -> None:
        mine = [{**stat_columns(row), "project_id": project_id, "stamp": stamp} for row in rows]
        with self._write() as connection:
            Upserts(connection, self.dialect).rows(t.corrected, mine)

    def drop_corrected(self, project_id: int) -> None:
        with self._write() as connection:
            connection.execute(sa.delete(t.corrected).where(t.corrected.c.project_id == project_id))

    # ── documents ───────────────────────────────────────────────────────────────────────────────────────────────

    def add_run(self, state: RunState) -> int:
        with self._write() as connection:
            values = {**run_columns(state), "seq": self._seq}
            values.pop("id")
            state.id = _new_id(connection, sa.insert(t.runs), values)
            connection.execute(sa.insert(t.documents), document_columns(state))
            connection.execute(sa.insert(t.texts), text_columns(state))
        return state.id

    def add_segment(self, segment: SegmentState) -> int:
        with self._write() as connection:
            values = segment_columns(segment)
            values.pop("id")
            segment.id = _new_id(connection, sa.insert(t.segments), values)
        return segment.id

    def run(self, run_key: str) -> RunState | None:
        with self.connect() as connection:
            query = sa.select(t.documents.c.doc).join(t.runs, t.runs.c.id == t.documents.c.run_id)
            doc = connection.scalar(query.where(t.runs.c.run_key == run_key))
        return None if doc is None else decode_run(doc)

    def find_run(self, entity: str, project: str, run_id: str) -> str | None:
        found = self.find_project(entity, project)
        if found is None:
            return None
        query = sa.select(t.runs.c.run_key).where(t.runs.c.project_id == found.id, t.runs.c.run_id == run_id)
        with self.connect() as connection:
            key = connection.scalar(query.order_by(t.runs.c.deleted, t.runs.c.id).limit(1))
        return None if key is None else str(key)

    def runs_by_key(self, run_keys: Collection[str]) -> dict[str, RunState]:
        found: dict[str, RunState] = {}
        with self.connect() as connection:
            for some in _chunks(list(run_keys), _MAX_PARAMETERS):
                query = sa.select(t.runs.c.run_key, t.documents.c.doc).join(
                    t.documents, t.documents.c.run_id == t.runs.c.id
                )
                rows = connection.execute(query.where(t.runs.c.run_key.in_(some)))
                found.update({row.run_key: decode_run(row.doc) for row in rows})
        return found

    def runs_by_id(self, ids: Collection[int]) -> dict[int, RunState]:
        found: dict[int, RunState] = {}
        with self.connect() as connection:
            for some in _chunks(list(ids), _MAX_PARAMETERS):
                query = sa.select(t.documents).where(t.documents.c.run_id.in_(some))
                found.update({row.run_id: decode_run(row.doc) for row in connection.execute(query)})
        return found

    def run_ids(self, run_keys: Collection[str]) -> dict[str, tuple[int, int]]:
        found: dict[str, tuple[int, int]] = {}
        with self.connect() as connection:
            for some in _chunks(list(run_keys), _MAX_PARAMETERS):
                query = sa.select(t.runs.c.run_key, t.runs.c.id, t.runs.c.project_id).where(
                    t.runs.c.run_key.in_(some), t.runs.c.deleted.is_(False)
                )
                found.update({row.run_key: (row.id, row.project_id) for row in connection.execute(query)})
        return found

    def run_starts(self, ids: Collection[int]) -> dict[int, int]:
        found: dict[int, int] = {}
        with self.connect() as connection:
            for some in _chunks(list(ids), _MAX_PARAMETERS):
                query = sa.select(t.runs.c.id, t.runs.c.created_us).where(t.runs.c.id.in_(some))
                found.update({row.id: row.created_us for row in connection.execute(query)})
        return found

    def segment(self, segment: str) -> SegmentState | None:
        with self.connect() as connection:
            found = connection.execute(segment_query().where(t.segments.c.segment == segment)).first()
        return None if found is None else segment_state(found)

    def segments(self, run_id: int | None = None) -> list[SegmentState]:
        query = segment_query().order_by(t.segments.c.life_created_ns, t.segments.c.life, t.segments.c.life_index)
        if run_id is not None:
            query = query.where(t.segments.c.run_id == run_id)
        with self.connect() as connection:
            return [segment_state(row) for row in connection.execute(query)]

    def segments_of(self, run_ids: Collection[int]) -> list[SegmentState]:
        found: list[SegmentState] = []
        with self.connect() as connection:
            for some in _chunks(list(run_ids), _MAX_PARAMETERS):
                query = segment_query().where(t.segments.c.run_id.in_(some))
                found += [segment_state(row) for row in connection.execute(query)]
        return found

    def positions(self) -> dict[str, Position]:
        s = t.segments.c
        query = sa.select(s.segment, s.id, t.runs.c.run_key, s.applied_offset, s.doc)
        with self.connect() as connection:
            return {
                segment: Position(number, run_key, offset, decode_doc(doc).sealed)
                for segment, number, run_key, offset, doc in connection.execute(
                    query.join(t.runs, t.runs.c.id == s.run_id)
                )
            }

    def stats(self, run_id: int, key_ids: Collection[int] | None = None) -> dict[int, SeriesStat]:
        query = sa.select(t.series).where(t.series.c.run_id == run_id)
        found: dict[int, SeriesStat] = {}
        with self.connect() as connection:
            for some in [None] if key_ids is None else _chunks(list(key_ids), _MAX_PARAMETERS):
                chosen = query if some is None else query.where(t.series.c.key_id.in_(some))
                found.update({row.key_id: stat(row) for row in connection.execute(chosen)})
        return found

    def console(self, run_id: int) -> list[ConsoleSpan]:
        query = (
            sa.select(t.console)
            .where(t.console.c.run_id == run_id)
            .order_by(t.console.c.first_us, t.console.c.segment_id, t.console.c.offset)
        )
        with self.connect() as connection:
            return [
                ConsoleSpan(r.segment_id, r.offset, r.end_offset, r.lines, r.first_us, r.last_us)
                for r in connection.execute(query)
            ]

    def lineage(self, run_ids: Collection[int]) -> Lineage:
        s = t.segments.c
        rows: list[Any] = []
        back: list[Any] = []
        with self.connect() as connection:
            for some in _chunks(list(run_ids), _MAX_PARAMETERS):
                rows += connection.execute(
                    sa.select(
                        s.id, s.run_id, s.writer_id, s.life, s.life_created_ns, s.life_index, s.from_step, t.keys.c.name
                    )
                    .join(t.keys, t.keys.c.id == s.writer_id, isouter=True)
                    .where(s.run_id.in_(some))
                ).all()
                back += connection.execute(sa.select(t.rewinds).where(t.rewinds.c.run_id.in_(some))).all()
        rows.sort(key=lambda r: (r.run_id, r.life_created_ns, r.life, r.life_index))
        order: dict[int, int] = {}
        lives: dict[str, int] = {}
        fence: dict[int, int] = {}
        lowest: dict[tuple[int, int], tuple[str, int, int]] = {}  # writer → its life now, fence behind it, own fence
        for place in range(len(rows) - 1, -1, -1):  # latest first: a fence acts on what is before it
            row = rows[place]
            order[row.id] = place
            lives.setdefault(row.life, len(lives))
            life, behind, own = lowest.get((row.run_id, row.writer_id), (row.life, NEVER, NEVER))
            if life != row.life:
                behind, own = min(behind, own), NEVER
            if row.from_step is not None:
                own = min(own, row.from_step)
            fence[row.id] = behind
            lowest[row.run_id, row.writer_id] = (row.life, behind, own)
        foreign = {row.id for row in rows if label_of(row.name or "")}
        ids = sorted(order)
        life_of = {row.id: lives[row.life] for row in rows}
        own = Lineage(
            np.array(ids, np.int32),
            np.array([order[i] for i in ids], np.int64),
            np.array([life_of[i] for i in ids], np.int64),
            np.array([fence[i] for i in ids], np.int64),
            tuple(Rewind(r.run_id, r.writer_id, order[r.segment_id], r.off, r.from_step) for r in back),
            np.array([i in foreign for i in ids], np.bool_),
        )
        strands = self.inheritance.strands(run_ids)
        return with_inherited(own, strands, self._rewinds_of(strands)) if strands else own

    def _rewinds_of(self, strands: Mapping[int, list[Strand]]) -> list[tuple[int, int, int]]:
        w = t.rewinds.c
        sources = {strand.segment.run for mine in strands.values() for strand in mine}
        query = sa.select(w.segment_id, w.off, w.from_step)
        with self.connect() as connection:
            return [
                (row.segment_id, row.off, row.from_step)
                for some in _chunks(sorted(sources), _MAX_PARAMETERS)
                for row in connection.execute(query.where(w.run_id.in_(some)))
            ]

    def _places_of(self, run_keys: Collection[str]) -> dict[str, tuple[int, int]]:
        query = sa.select(t.runs.c.run_key, t.runs.c.id, t.runs.c.project_id)
        with self.connect() as connection:
            return {
                row.run_key: (row.id, row.project_id)
                for some in _chunks(list(run_keys), _MAX_PARAMETERS)
                for row in connection.execute(query.where(t.runs.c.run_key.in_(some)))
            }

    def _own_segments(self, run_ids: Collection[int]) -> list[OwnSegment]:
        return [
            OwnSegment(s.id, s.run, s.writer_id, s.writer, s.life, s.life_created_ns, s.life_index, s.from_step)
            for s in self.segments_of(run_ids)
            if s.writer not in ("server", "system") and not s.writer.startswith("system/")
        ]

    def unsettled(self) -> list[str]:
        with self.connect() as connection:
            return list(connection.scalars(sa.select(t.unsettled.c.run_key)))

    def next_number(self, project_id: int) -> int:
        with self.connect() as connection:
            highest = connection.scalar(
                sa.select(sa.func.max(t.runs.c.number)).where(t.runs.c.project_id == project_id)
            )
        return int(highest or 0) + 1

    def running(self) -> list[str]:
        with self.connect() as connection:
            return list(
                connection.scalars(sa.select(t.runs.c.run_key).where(t.runs.c.state.in_(("running", "crashed"))))
            )

    # ── writing ─────────────────────────────────────────────────────────────────────────────────────────────────

    def apply(self, batches: Iterable[RunBatch], seen: Collection[int] = ()) -> int:
        batches = list(batches)
        seq = self._seq + 1
        with self._write() as connection:
            upsert = Upserts(connection, self.dialect)
            upsert.rows(t.runs, [{**run_columns(b.state), "seq": seq} for b in batches])
            upsert.rows(t.documents, [document_columns(b.state) for b in batches])
            upsert.rows(t.texts, [text_columns(b.state) for b in batches])
            upsert.rows(t.segments, [segment_columns(s) for b in batches for s in b.segments])
            upsert.rows(t.series, [stat_columns(s) for b in batches for s in b.series])
            for table, rows in part_rows(batches):
                upsert.rows(table, rows)
            forks = [b for b in batches if b.state.fork is not None]
            upsert.rows(t.forks, [fork_columns(b.state) for b in forks])
            for some in _chunks([b.state.id for b in batches if b.settled], _MAX_PARAMETERS):
                connection.execute(sa.delete(t.unsettled).where(t.unsettled.c.run_id.in_(some)))
            for batch in batches:
                gone = [key for key, attr in batch.attrs.items() if attr is None]
                for some in _chunks(gone, _MAX_PARAMETERS):
                    connection.execute(
                        sa.delete(t.attrs).where(t.attrs.c.run_id == batch.state.id, t.attrs.c.key_id.in_(some))
                    )
            new = Counter(key for batch in batches for key in batch.new_keys)
            if new:
                connection.execute(
                    sa.update(t.keys)
                    .where(t.keys.c.id == sa.bindparam("key"))
                    .values(runs=t.keys.c.runs + sa.bindparam("more")),
                    [{"key": key, "more": more} for key, more in new.items()],
                )
            for some in _chunks(list(seen), _MAX_PARAMETERS):
                connection.execute(sa.update(t.runs).where(t.runs.c.id.in_(some)).values(seq=seq))
            connection.execute(sa.update(t.settings).where(t.settings.c.name == "seq").values(value=str(seq)))
        for batch in forks:
            self._forks[batch.state.id] = fork_point_of(batch.state)
        self._seq = seq
        return seq

    def forget_runs(self, ids: Collection[int]) -> None:
        with self._write() as connection:
            for some in _chunks(sorted(ids), _MAX_PARAMETERS):
                logged = sa.select(t.series.c.key_id, sa.func.count().label("runs")).where(t.series.c.run_id.in_(some))
                for key, runs in connection.execute(logged.group_by(t.series.c.key_id)).all():
                    fewer = sa.case((t.keys.c.runs > runs, t.keys.c.runs - runs), else_=0)
                    connection.execute(sa.update(t.keys).where(t.keys.c.id == key).values(runs=fewer))
                keys = sa.select(t.runs.c.run_key).where(t.runs.c.id.in_(some))
                connection.execute(sa.delete(t.broken).where(t.broken.c.run_key.in_(keys)))
                # By key and run, which is what attrs are sorted by: of a large project not every row is looked at.
                projects = sa.select(t.runs.c.project_id).where(t.runs.c.id.in_(some))
                named = sa.select(t.keys.c.id).where(t.keys.c.project_id.in_(projects), t.keys.c.space != "metric")
                connection.execute(sa.delete(t.attrs).where(t.attrs.c.key_id.in_(named), t.attrs.c.run_id.in_(some)))
                for table in _OF_RUNS:
                    connection.execute(sa.delete(table).where(table.c.run_id.in_(some)))
                connection.execute(sa.delete(t.runs).where(t.runs.c.id.in_(some)))
        for run in ids:
            self._forks.pop(run, None)

    def files_of(self, ids: Collection[int]) -> Counter[str]:
        found: Counter[str] = Counter()
        with self.connect() as connection:
            for some in _chunks(sorted(ids), _MAX_PARAMETERS):
                for table in (t.files, t.held):
                    counts = sa.select(table.c.sha256, sa.func.count()).where(table.c.run_id.in_(some))
                    for name, count in connection.execute(counts.group_by(table.c.sha256)).all():
                        found[name] += count
        return found

    def unreferenced(self, names: Mapping[str, int]) -> set[str]:
        every: Counter[str] = Counter()
        with self.connect() as connection:
            for some in _chunks(sorted(names), _MAX_PARAMETERS):
                for table in (t.files, t.held):
                    counts = sa.select(table.c.sha256, sa.func.count()).where(table.c.sha256.in_(some))
                    for name, count in connection.execute(counts.group_by(table.c.sha256)).all():
                        every[name] += count
        return {name for name, count in names.items() if every[name] <= count}

    def misplaced(self, places: Mapping[str, tuple[str, str]]) -> list[str]:
        found: list[str] = []
        filed = sa.select(t.runs.c.run_key, t.entities.c.name, t.projects.c.name)
        filed = filed.join(t.projects, t.projects.c.id == t.runs.c.project_id)
        filed = filed.join(t.entities, t.entities.c.id == t.projects.c.entity_id)
        with self.connect() as connection:
            for some in _chunks(sorted(places), _MAX_PARAMETERS):
                rows = connection.execute(filed.where(t.runs.c.run_key.in_(some))).all()
                found += [key for key, *place in rows if tuple(place) != places[key]]
        return found

    def note_broken(self, run_key: str, segment: str, reason: str) -> None:
        with self._write() as connection:
            Upserts(connection, self.dialect).rows(
                t.broken, [{"run_key": run_key, "segment": segment, "reason": reason}]
            )

    def clear(self) -> None:
        with self._write() as connection:
            t.metadata.drop_all(connection)
        self._projects.clear()
        self._keys.clear()
        self._names.clear()
        self._open()


# ── engines ──────────────────────────────────────────────────────────────────────────────────────────────────────
def _make_engine(url: str) -> Engine:
    if not url.startswith("sqlite"):
        return sa.create_engine(url, pool_size=8, max_overflow=24, pool_pre_ping=True)
    engine = sa.create_engine(
        url, pool_size=8, max_overflow=56, connect_args={"check_same_thread": False, "timeout": 30}
    )

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _: object) -> None:
        # sqlite3's own transaction control begins late and commits around DDL; SQLAlchemy says BEGIN instead.
        connection.isolation_level = None
        # FULL: points on disk refer to ids in this database, so a power cut may not take an id back.
        for pragma in ("journal_mode=wal", "synchronous=full", "cache_size=-65536", "temp_store=memory"):
            connection.execute(f"pragma {pragma}")
        add_functions(connection)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("begin")

    return engine


def add_functions(connection: Any) -> None:
    """Give SQLite the function that regular expressions of filters call."""
    connection.create_function("re2_matches", 2, matches, deterministic=True)


class Upserts:
    """Writes rows, replacing those with the same primary key."""

    def __init__(self, connection: Connection, dialect: str) -> None:
        self._connection = connection
        self._insert: Any = sqlite.insert if dialect == "sqlite" else postgresql.insert

    def rows(self, table: sa.Table, rows: list[dict[str, Any]]) -> None:
        if not rows:
            return
        names = tuple(rows[0])
        if self._connection.dialect.name != "sqlite":
            self._connection.execute(self._statement(table, names), rows)
            return
        # SQLAlchemy looks at each value of each row once more, which is two thirds of the time of an upsert.
        text, order = _PREPARED.get((table.name, names), ("", ()))
        if not text:
            compiled = self._statement(table, names).compile(dialect=self._connection.dialect, column_keys=names)
            text, order = _PREPARED[table.name, names] = str(compiled), tuple(compiled.positiontup or ())
        self._connection.exec_driver_sql(text, [tuple([row[name] for name in order]) for row in rows])

    def _statement(self, table: sa.Table, names: Collection[str]) -> Any:
        statement = self._insert(table)
        key = [column.name for column in table.primary_key.columns]
        rest = {c.name: statement.excluded[c.name] for c in table.columns if c.name not in key and c.name in names}
        newest = _NEWEST.get(table.name)
        where = None if newest is None else statement.excluded[newest] >= table.c[newest]
        return statement.on_conflict_do_update(index_elements=key, set_=rest, where=where)


# Where rows come in any order, the column that says which is the newest.
_NEWEST: Final = {"files": "time_us"}
_PREPARED: dict[tuple[str, tuple[str, ...]], tuple[str, tuple[str, ...]]] = {}


def _new_id(connection: Connection, insert: sa.Insert, values: dict[str, Any]) -> int:
    # As parameters, not with .values(): a statement made anew each time costs more than its execution.
    result = connection.execute(insert, values)
    key = result.inserted_primary_key
    assert key is not None
    return int(key[0])


def _chunks(values: list[Any], size: int) -> Iterator[list[Any]]:
    for start in range(0, len(values), size):
        yield values[start : start + size]
