"""
Ingest: frames of the run log become metadata and points.

One thread does this. For each segment it reads on from where metadata and metrics say they are, changes the run's
document in memory, and commits: first the metadata with the new offsets in one transaction, then the points with
their marks. A crash between the two is repaired by reading the frames again for the points alone. So every frame
counts once, and a damaged segment stops nobody but itself.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np

from treering.errors import FormatError, TreeringError
from treering.ids import check_name, run_key
from treering.runlog import records
from treering.runlog.frames import FRAME_HEADER_BYTES, HEADER_BYTES, SKIPPABLE, Frame, decode_header
from treering.runlog.reader import SegmentReader

from . import liveness
from .apply import Applier
from .columns import Items, Points
from .inheritance import InheritedMetrics
from .ledger import Ledger
from .liveness import Sight
from .metadata import MetadataStore, Position, ProjectRef
from .metrics import Mark, MetricStore
from .rows import Head, Out, Rows, Target, emit_values
from .segments import SegmentRef, SegmentStore
from .settling import places_of, settle
from .state import Life, RunBatch, RunState, SegmentDoc, SegmentState, SeriesStat

log = logging.getLogger("treering.store")

READ_BYTES: Final = 4 << 20
# Frames decoded before a commit: bounds memory, and how much a crash has to read again.
COMMIT_POINTS: Final = 250_000
# Documents of so many runs stay in memory between passes.
RUNS_CACHED: Final = 4_096
_LOADED_TOGETHER: Final = RUNS_CACHED // 4

_decode_row = msgspec.msgpack.Decoder(tuple[int, int, dict[str, Any]]).decode
_decode = msgspec.msgpack.Decoder().decode


@dataclass(slots=True)
class RunWork:
    """One run in memory: its document, its aggregates, and what changed since the last commit."""

    state: RunState
    project: ProjectRef
    stats: dict[int, SeriesStat] = field(default_factory=dict)
    stats_loaded: bool = False
    heads: dict[str, dict[int, Head]] = field(default_factory=dict)  # by life
    segments: dict[str, SegmentState] = field(default_factory=dict)
    applier: Applier | None = None
    touched_segments: dict[str, SegmentState] = field(default_factory=dict)
    touched_stats: dict[int, SeriesStat] = field(default_factory=dict)
    out: Out = field(default_factory=Out)
    marks: dict[int, Mark] = field(default_factory=dict)
    rows: int = 0
    new_keys: list[int] = field(default_factory=list)
    keys_changed: bool = False
    settled: bool = False  # its aggregates were made anew since the last commit


@dataclass(frozen=True, slots=True)
class Committed:
    """One run in a commit, for the change feed."""

    entity: str
    project: str
    run_key: str
    state: str
    keys_changed: bool
    rows: int


class Ingester:
    """Applies segments. Not thread-safe: one thread (or the holder of the store's ingest lock) calls it."""

    def __init__(
        self,
        segments: SegmentStore,
        metadata: MetadataStore,
        metrics: MetricStore,
        ledger: Ledger,
        clock_ns: Callable[[], int],
        on_commit: Callable[[int, list[Committed]], None],
    ) -> None:
        self._segments = segments
        self._metadata = metadata
        self._metrics = metrics
        self._ledger = ledger
        self._clock_ns = clock_ns
        self._on_commit = on_commit
        self._works: dict[str, RunWork] = {}
        self._dirty: dict[str, RunWork] = {}
        self._refilled: dict[str, RunWork] = {}  # nothing is new but points that a crash took from the tail
        self._abandoned: list[str] = []  # segments whose points were dropped with those of another one of their run
        self._unsettled = set(metadata.unsettled())  # run keys whose aggregates are to be made anew
        self._is_settling = False
        self._lines = InheritedMetrics(metrics, metadata.inheritance)
        self._unknown: set[str] = set()  # run keys that the metadata does not have, during one pass
        self._pending_points = 0
        self._numbers: dict[int, int] = {}
        self._bad: dict[SegmentRef, tuple[int, str]] = {}  # unreadable → its size then, and why
        self._marks = metrics.marks()
        self.positions = metadata.positions()
        self._owed = self._owed_of(self.positions)
        self.frames = 0
        self.points = 0

    def _is_received(self, segment: str) -> bool:
        return segment in self._ledger.received

    # ── runs and segments ───────────────────────────────────────────────────────────────────────────────────────

    def forget(self) -> None:
        """Drop everything cached, after a failed commit or a rebuild: the stores say what is true."""
        self._works.clear()
        self._dirty.clear()
        self._refilled.clear()
        self._abandoned.clear()
        self._unknown.clear()
        self._unsettled = set(self._metadata.unsettled())
        self._numbers.clear()
        self._bad.clear()
        self._pending_points = 0
        self._marks = self._metrics.marks()
        self.positions = self._metadata.positions()
        self._owed = self._owed_of(self.positions)

    def forget_runs(self, run_keys: Collection[str]) -> None:
        """Drop what is known of some runs: their segments are as if never seen. Nothing may be pending."""
        gone = set(run_keys)
        for key in gone:
            for known in (self._works, self._dirty, self._refilled, self._owed):
                known.pop(key, None)
            self._unsettled.discard(key)
            self._unsettle_forks(key)
        self._unknown.clear()
        self._numbers.clear()
        self._bad = {ref: why for ref, why in self._bad.items() if ref.run_key not in gone}
        for segment in [name for name, position in self.positions.items() if position.run_key in gone]:
            del self.positions[segment]

    def _owed_of(self, segments: Iterable[str]) -> dict[str, set[str]]:
        """Return run key → those of *segments* whose points a crash took from the tail: charts lack what runs tell."""
        owed: dict[str, set[str]] = {}
        for segment in segments:
            position = self.positions.get(segment)
            if position is not None and position.offset:
                mark = self._marks.get(position.id)
                if mark is None or mark.offset < position.offset:
                    owed.setdefault(position.run_key, set()).add(segment)
        return owed

    def owed(self, most: int) -> list[SegmentRef]:
        """Return up to *most* of the segments that have to be read again for their points."""
        every = (SegmentRef(key, segment) for key, segments in self._owed.items() for segment in segments)
        return list(islice(every, most))

    def count_owed(self) -> int:
        """Return how many segments have to be read again for their points; from any thread."""
        return sum(map(len, list(self._owed.values())))

    def refill(self, keys: Iterable[str]) -> None:
        """Read again at once what is owed of some runs: whoever asks for their points gets all of them."""
        owed = [SegmentRef(key, segment) for key in keys for segment in self._owed.get(key, ())]
        if owed:
            self.ingest(owed, live=Sight.OLD)

    def unread_bytes(self, ref: SegmentRef) -> int:
        """Return about how much of *ref* there is to read."""
        position = self.positions.get(ref.segment)
        mark = None if position is None else self._marks.get(position.id)
        done = 0 if position is None or mark is None else min(position.offset, mark.offset)
        return max(0, self._size(ref) - done)

    def _with_owed(self, refs: Iterable[SegmentRef]) -> set[SegmentRef]:
        """Return *refs* and what is owed of their runs: whether steps go back is told by the points before them."""
        together = set(refs)
        if self._owed:
            for key in {ref.run_key for ref in together}:
                together |= {SegmentRef(key, segment) for segment in self._owed.get(key, ())}
        return together

    def _settle(self, key: str, segment: str) -> None:
        owed = self._owed.get(key)
        if owed is not None:
            owed.discard(segment)
            if not owed:
                del self._owed[key]

    def behind(self, ref: SegmentRef) -> bool:
        """Return whether *ref* may have something new: one small read. What is owed of it is not new."""
        position = self.positions.get(ref.segment)
        if position is None:
            return not self._ledger.is_removed(ref)
        if ref in self._bad and self._bad[ref][0] == self._size(ref):
            return False
        if position.run_key != ref.run_key:
            return True  # a file of another run that somebody put here
        if position.sealed:
            return False
        return self._segments.pread(ref, 4, position.offset) not in (b"", b"\0\0\0\0")

    def _size(self, ref: SegmentRef) -> int:
        try:
            return self._segments.size(ref)
        except TreeringError:
            return -1

    def ended(self, refs: list[SegmentRef]) -> list[SegmentRef]:
        """Return those of *refs* whose life has ended."""
        found: list[SegmentRef] = []
        for begin in range(0, len(refs), _LOADED_TOGETHER):
            some = refs[begin : begin + _LOADED_TOGETHER]
            try:
                self._load({ref.run_key for ref in some})
                found += [ref for ref in some if self._has_ended(ref)]
            finally:
                self._unknown.clear()
        return found

    def _has_ended(self, ref: SegmentRef) -> bool:
        work = self.work(ref.run_key)
        segment = None if work is None else work.segments.get(ref.segment)
        if work is None or segment is None:
            return False
        life = work.state.lives.get(segment.life)
        return life is not None and liveness.end_of(work.state, life) is not None

    def work(self, key: str) -> RunWork | None:
        """Return a known run, from memory or from the metadata."""
        work = self._works.get(key)
        if work is None:
            state = None if key in self._unknown else self._metadata.run(key)
            if state is None:
                return None
            project = self._metadata.make_project(state.entity, state.project)
            work = RunWork(state, project)
            work.segments = {s.segment: s for s in self._metadata.segments(state.id)}
            self._keep(key, work)
        return work

    def _keep(self, key: str, work: RunWork) -> None:
        self._works[key] = work
        work.applier = Applier(work.state, work.project, self._metadata, self._is_received)
        if len(self._works) > RUNS_CACHED:
            unused = (old for old in self._works if old != key and old not in self._dirty and old not in self._refilled)
            old = next(unused, None)
            if old is not None:
                del self._works[old]

    def segment(self, ref: SegmentRef) -> SegmentState | None:
        """Return the state of a segment, registering it at first sight; None if it cannot be read."""
        if self._ledger.is_removed(ref):
            return None
        work = self.work(ref.run_key)
        if work is not None and ref.segment in work.segments:
            segment = work.segments[ref.segment]
            if segment.life not in work.state.lives:  # killed between the id and the first commit
                self._remember_life(work, segment, ref)
            return segment
        try:
            size = self._segments.size(ref)
            if size < HEADER_BYTES + FRAME_HEADER_BYTES or self._bad.get(ref, (-1, ""))[0] == size:
                return None  # just being made, or as unreadable as before
            life, created_ns, chain = self._first_life(ref)
            if life is not None and work is not None:
                _check_owner(ref, life)
        except (TreeringError, OSError, msgspec.DecodeError) as error:
            self._note_bad(ref, str(error))
            return None
        if life is None:
            if any(self._segments.pread(ref, 4, HEADER_BYTES)):
                self._note_bad(ref, "no life record: the segment does not say which run it is of")
            return None
        work = work or self._new_run(ref, life, created_ns)
        return None if work is None else self._new_segment(work, ref, life, created_ns, chain)

    def _first_life(self, ref: SegmentRef) -> tuple[dict[str, Any] | None, int, int]:
        with self._segments.open(ref) as reader:
            chain = reader.header.crc
            its = ref._replace(segment=reader.header.segment_id)
            if its != ref and self._size(its) >= 0:
                raise FormatError(f"a copy of {its.segment}.trl under another name.")
            for frame in reader.read(64 << 10):
                if frame.kind == records.LIFE:
                    value = _decode(records.inflate(frame))
                    if isinstance(value, dict):
                        return value, reader.header.created_ns, chain
            return None, 0, chain

    def _note_bad(self, ref: SegmentRef, reason: str) -> None:
        reason = reason.rpartition(f"{ref.segment}.trl: ")[2]  # whoever shows it says which file it is of
        try:
            self._bad[ref] = (self._segments.size(ref), reason)
        except TreeringError:
            return
        self._metadata.note_broken(ref.run_key, ref.segment, reason)
        work = self.work(ref.run_key)
        if work is not None:
            self._show_bad(work)

    def _show_bad(self, work: RunWork) -> None:
        """Say on the run which of its files cannot be read."""
        for ref, (_, reason) in self._bad.items():
            if ref.run_key == work.state.run_key:
                work.state.damaged = True
                work.state.error = work.state.error or f"{ref.segment}.trl: {reason}"
                self._touch(work)

    def _new_run(self, ref: SegmentRef, life: dict[str, Any], created_ns: int) -> RunWork | None:
        try:
            entity, name, run_id = _check_owner(ref, life)
            moved = self._ledger.moved.get(ref.run_key)
            if moved is not None:
                entity, name = moved.entity, moved.project
        except TreeringError as error:
            self._note_bad(ref, str(error))
            return None
        project = self._metadata.make_project(entity, name)
        state = RunState(
            id=0,
            entity_id=project.entity_id,
            project_id=project.id,
            entity=entity,
            project=name,
            run_id=run_id,
            run_key=ref.run_key,
            number=self._number(ref.run_key, project),
            created_ns=int(life.get("created_ns") or created_ns),
            activity_ns=int(life.get("created_ns") or created_ns),
        )
        self._metadata.add_run(state)
        work = RunWork(state, project, stats_loaded=True, keys_changed=True)
        self._keep(ref.run_key, work)
        self._touch(work)
        self._show_bad(work)
        return work

    def _number(self, key: str, project: ProjectRef) -> int:
        number = self._ledger.numbers.get(key)
        following = self._numbers.get(project.id)
        if following is None:
            following = max(self._metadata.next_number(project.id), self._ledger.next_number(project))
        if number is None:
            number = following
            self._ledger.register(key, project, number)
        self._numbers[project.id] = max(number + 1, following)
        return number

    def _new_segment(
        self, work: RunWork, ref: SegmentRef, life: dict[str, Any], created_ns: int, chain: int
    ) -> SegmentState:
        state = work.state
        label = str(life.get("writer") or "")
        life_id = str(life.get("life_id") or ref.segment)
        created_ns = int(life.get("created_ns") or created_ns)
        before = [s for s in work.segments.values() if s.life == life_id]
        from_step = life.get("from_step")
        born_ns = min([created_ns, *(s.life_created_ns for s in before)])
        for other in before:  # files of a life may be found in any order
            if other.life_created_ns != born_ns:
                other.life_created_ns = born_ns
                work.touched_segments[other.segment] = other
        segment = SegmentState(
            id=0,
            segment=ref.segment,
            run=state.id,
            entity_id=state.entity_id,
            project_id=state.project_id,
            writer=label,
            writer_id=self._metadata.make_keys(work.project, "writer", [label], "writer")[label],
            life=life_id,
            life_created_ns=born_ns,
            life_index=int(life.get("index") or 0),
            from_step=from_step if isinstance(from_step, int) else None,
            base_step=before[0].base_step if before else _NO_BASE,
            last_step=None,
            offset=0,
            chain=chain,
            status="clean",
            doc=SegmentDoc(),
        )
        self._metadata.add_segment(segment)
        work.segments[ref.segment] = segment
        self._add_life(work, segment, life)
        return segment

    def _reset(self, work: RunWork) -> None:
        """The main writer began again at step 0: what its earlier lives said is kept in the history only."""
        assert work.applier is not None
        work.applier.begin_anew()
        for key, old in list(self._stats(work).items()):
            if key not in work.state.foreign_keys:
                work.stats[key] = work.touched_stats[key] = _empty(old)

    def _remember_life(self, work: RunWork, segment: SegmentState, ref: SegmentRef) -> None:
        try:
            life, _, _ = self._first_life(ref)
        except (TreeringError, OSError, msgspec.DecodeError):
            return
        if life is not None:
            self._add_life(work, segment, life)

    def _add_life(self, work: RunWork, segment: SegmentState, life: dict[str, Any]) -> None:
        state = work.state
        process = life.get("process")
        process = process if isinstance(process, dict) else {}
        if segment.life not in state.lives:
            state.lives[segment.life] = Life(
                writer=segment.writer,
                created_ns=segment.life_created_ns,
                host=_text(process.get("host")),
                boot_id=_text(process.get("boot_id")),
                pid=_int(process.get("pid")),
                start_time=_number_or_none(process.get("start_time")),
                rank=_int(process.get("rank")),
                local_rank=_int(process.get("local_rank")),
                world_size=_int(process.get("world_size")),
                job_id=_text(process.get("job_id")),
                resumed=life.get("resumed") is True,
                of=_text(life.get("of_life")),
                beat_ns=min(segment.life_created_ns, self._clock_ns()),
            )
        if segment.writer != "server":
            state.created_ns = min(state.created_ns, segment.life_created_ns)
        self._touch(work)

    def _touch(self, work: RunWork) -> None:
        self._dirty[work.state.run_key] = work

    # ── frames ──────────────────────────────────────────────────────────────────────────────────────────────────

    def ingest(self, refs: Iterable[SegmentRef], *, live: Sight) -> int:
        """
        Apply everything new in *refs* and commit. Returns the number of frames applied.

        *live*: what their arrival says about their writers.
        """
        in_order = sorted(self._with_owed(refs), key=self.age)
        try:
            self._load({ref.run_key for ref in in_order})
            with self._metadata.ids_together():
                found = [(ref, segment) for ref in in_order if (segment := self.segment(ref)) is not None]
        except BaseException:
            self.forget()  # runs whose ids were taken back with the transaction
            raise
        finally:
            self._unknown.clear()
        found.sort(key=lambda pair: (pair[1].life_created_ns, pair[1].life, pair[1].life_index))
        before = self.frames
        for ref, segment in found:
            try:
                self._follow(ref, segment, live)
            except _MALFORMED as error:
                log.exception("segment %s of run %s cannot be applied", ref.segment, ref.run_key)
                self._abandon(ref, error)
        self.commit()
        for ref in in_order:
            self._settle(ref.run_key, ref.segment)
        if self._abandoned:
            self._owed |= self._owed_of(self._abandoned)
            self._abandoned = []
        self.settle()
        return self.frames - before

    # ── aggregates of lines of which something is hidden or inherited ────────────────────────────────────────────

    def settle(self) -> None:
        """Make the aggregates anew that have to be; what they are made of has been committed."""
        if self._is_settling or not self._unsettled:
            return
        self._is_settling = True
        try:
            done: set[str] = set()
            while todo := sorted(self._unsettled - done, key=self._generation):
                key = todo[0]
                done.add(key)
                self._settle_run(key)
            self._unsettled -= done
            self.commit()
        finally:
            self._is_settling = False

    def _generation(self, key: str) -> tuple[int, str]:
        work = self.work(key)
        return (0 if work is None else len(self._metadata.inheritance.parents(work.state.id))), key

    def _settle_run(self, key: str) -> None:
        work = self.work(key)
        if work is None:
            return
        inheritance = self._metadata.inheritance
        family = [key, *inheritance.parents(work.state.id)]
        self.refill([each for each in family if each in self._owed])
        self.commit()
        work = self.work(key)
        if work is None:
            return
        lineage = self._metadata.lineage([work.state.id])
        with self._lines.view(work.project.id) as view:
            settled = settle(view, work.state, lineage, places_of(work.segments, lineage))
        before = self._stats(work)
        stats = {**{number: _empty(stat) for number, stat in before.items()}, **settled.stats}
        new = [number for number, stat in stats.items() if number not in before and stat.n]
        work.new_keys += new
        work.keys_changed = work.keys_changed or bool(new)
        work.stats = stats
        work.touched_stats = dict(stats)
        work.state.foreign_keys = settled.foreign
        fork = work.state.fork
        parent = self.work(fork.parent_key) if fork is not None and fork.needs_config else None
        if parent is not None and fork is not None and inheritance.source(work.state.id) == parent.state.id:
            assert work.applier is not None
            work.applier.inherit_config(parent.state.config)
            fork.needs_config = False
        work.state.unsettled = False
        work.settled = True
        self._touch(work)
        self._unsettle_forks(key)

    def _unsettle_forks(self, key: str) -> None:
        """What a run shows has changed, so what its forks show may have as well."""
        forks = [fork.run for fork in self._metadata.inheritance.children(key)]
        self._unsettled.update(state.run_key for state in self._metadata.runs_by_id(forks).values())

    def _load(self, keys: set[str]) -> None:
        """Read the documents of runs: two queries for hundreds, not two for each."""
        missing = [key for key in keys if key not in self._works][:_LOADED_TOGETHER]
        if len(missing) < 2:
            return
        states = self._metadata.runs_by_key(missing)
        self._unknown.update(key for key in missing if key not in states)
        segments: dict[int, list[SegmentState]] = {}
        for segment in self._metadata.segments_of([state.id for state in states.values()]):
            segments.setdefault(segment.run, []).append(segment)
        for key, state in states.items():
            work = RunWork(state, self._metadata.make_project(state.entity, state.project))
            of_run = sorted(segments.get(state.id, ()), key=lambda s: (s.life_created_ns, s.life, s.life_index))
            work.segments = {segment.segment: segment for segment in of_run}
            self._keep(key, work)

    def age(self, ref: SegmentRef) -> int:
        """Order of first sight: runs are numbered as they were begun, and lives resolved after those they follow."""
        if ref.segment in self.positions:
            return 0
        try:
            return decode_header(self._segments.pread(ref, HEADER_BYTES, 0)).created_ns
        except TreeringError:
            return 1 << 63

    def _follow(self, ref: SegmentRef, segment: SegmentState, live: Sight) -> None:
        work = self.work(ref.run_key)
        assert work is not None
        done = Mark(segment.offset, segment.chain)
        mark = self._marks.get(segment.id, Mark(0, 0))
        start = min(done, mark)
        try:
            reader = self._segments.open(ref, start.offset, start.chain if start.offset else None)
        except (TreeringError, OSError) as error:
            self._note_bad(ref, str(error))
            return
        with reader:
            if segment.base_step == _NO_BASE:
                segment.base_step = _base_step(work, segment)
            life = work.state.lives.get(segment.life)
            # Behind a block of zeros there can be more only where nobody writes any longer.
            gone = (
                segment.doc.sealed
                or work.state.state == "crashed"
                or (life is not None and liveness.end_of(work.state, life) is not None)
            )
            while frames := self._read(ref, reader, gone):
                replay = [f for f in frames if f.offset < done.offset]
                new = frames[len(replay) :]
                if replay:
                    self._apply_rows(work, segment, replay, replay=True, live=Sight.OLD)
                if new:
                    # Here and not at first sight: what it forgets is committed together with the first offset.
                    begun = any(s.offset for s in work.segments.values() if s.life == segment.life)
                    if _begins_anew(segment) and not begun and not _is_replaced(work, segment):
                        self._reset(work)
                    elif segment.from_step is not None and not begun:
                        self._unsettle(work)
                    self._apply(work, segment, new, live)
                    segment.offset, segment.chain = reader.offset, reader.chain
                work.marks[segment.id] = Mark(reader.offset, reader.chain)
                self._marks[segment.id] = work.marks[segment.id]
                if self._note_damage(work, segment, reader.damage) or new:
                    work.touched_segments[segment.segment] = segment
                    self._touch(work)
                else:
                    self._refilled[ref.run_key] = work
                if self._pending_points >= COMMIT_POINTS:
                    self.commit()
            noted = self._note_damage(work, segment, reader.damage)
            status = "damaged" if segment.doc.damage else reader.status
            if noted or status != segment.status:
                segment.status = status
                work.touched_segments[segment.segment] = segment
                self._touch(work)

    def _read(self, ref: SegmentRef, reader: SegmentReader, gone: bool) -> list[Frame]:
        try:
            return reader.read(READ_BYTES, whole=gone)
        except (TreeringError, OSError) as error:
            self._note_bad(ref, str(error))
            return []

    def _abandon(self, ref: SegmentRef, error: Exception) -> None:
        """Forget what is half applied of a run; its other segments are read again, this one when it has grown."""
        work = self._works.pop(ref.run_key, None)
        self._dirty.pop(ref.run_key, None)
        self._refilled.pop(ref.run_key, None)
        if work is not None:
            stored = self._metrics.marks()
            for segment in work.segments.values():
                self._marks.pop(segment.id, None)
                if segment.id in stored:
                    self._marks[segment.id] = stored[segment.id]
            others = [other for name in work.segments if (other := ref._replace(segment=name)) != ref]
            self._abandoned += [other.segment for other in others if other not in self._bad]
        self._note_bad(ref, f"{type(error).__name__}: {error}"[:300])

    def _note_damage(self, work: RunWork, segment: SegmentState, damage: list[Any]) -> bool:
        known = {(offset, length) for offset, length, _ in segment.doc.damage}
        new = [(d.offset, d.length, d.reason) for d in damage if (d.offset, d.length) not in known]
        if new:
            segment.doc.damage += new
            segment.status = "damaged"
            work.state.damaged = True
        return bool(new)

    def _apply(self, work: RunWork, segment: SegmentState, frames: list[Frame], live: Sight) -> None:
        assert work.applier is not None
        was_unsettled = work.state.unsettled
        others, count = self._apply_rows(work, segment, frames, replay=False, live=live)
        replaced = _is_replaced(work, segment)
        for frame in others:
            kind = frame.kind
            try:
                if replaced and kind in _REPLACED_KINDS:
                    continue
                if kind not in records.KINDS:
                    work.state.unknown += 0 if frame.flags & SKIPPABLE else frame.nrec
                    continue
                work.applier.apply(segment, frame, self._clock_ns(), live)
            except (TreeringError, *_MALFORMED) as error:
                # The frame passed its checksums: its writer said something this version does not understand.
                self._note_oddity(work, segment, frame, error)
        if work.state.unsettled and not was_unsettled:
            self._unsettle(work)
        segment.doc.records += count
        segment.doc.bytes = frames[-1].end
        self.frames += len(frames)

    def _note_oddity(self, work: RunWork, segment: SegmentState, frame: Frame, error: Exception) -> None:
        what = records.KINDS.get(frame.kind, str(frame.kind))
        segment.doc.damage.append((frame.offset, frame.end - frame.offset, f"not a {what} record: {error}"[:300]))
        work.state.damaged = True

    def _apply_rows(
        self, work: RunWork, segment: SegmentState, frames: list[Frame], *, replay: bool, live: Sight
    ) -> tuple[list[Frame], int]:
        """Turn rows and system metrics into columns. Returns the other frames, and the number of all records."""
        others: list[Frame] = []
        count = 0
        rows = Rows()
        system: list[Sample] = []
        newest = 0
        base = segment.base_step
        for frame in frames:
            kind = frame.kind
            count += frame.nrec
            if kind not in _ROW_KINDS:
                others.append(frame)
                continue
            try:
                if kind == records.SYSTEM:
                    for place, value in enumerate(records.decode(frame)):
                        system += to_samples(value.time_ns, value.data, frame.offset + place)
                        newest = max(newest, value.time_ns)
                    continue
                shift = base if kind == records.ROW_RELATIVE else 0
                if frame.nrec == 1 and not frame.flags & 0b11:
                    step, time_ns, data = _decode_row(frame.payload)
                    if not (-_FAR < step < _FAR and -_FAR < time_ns < _FAR):
                        raise ValueError("a step or a time beyond 62 bits")
                    rows.add(step + shift, time_ns, data, frame.offset)
                    newest = max(newest, time_ns)
                else:
                    for place, row in enumerate(records.decode(frame)):
                        if not (-_FAR < row.step < _FAR and -_FAR < row.time_ns < _FAR):
                            raise ValueError("a step or a time beyond 62 bits")
                        rows.add(row.step + shift, row.time_ns, row.data, frame.offset + place)
                        newest = max(newest, row.time_ns)
            except (TreeringError, *_MALFORMED) as error:
                if not replay:
                    self._note_oddity(work, segment, frame, error)
        if not rows.count and not system:
            return others, count
        target = self._target(work, segment, replay)
        before = work.out.count
        rows.emit(target, work.out)
        if system:
            emit_system(system, work.state.created_ns, target, work.out)
        made = work.out.count - before
        self._pending_points += made
        if replay:
            return others, count
        self.points += made
        if rows.count:
            segment.last_step = rows.last_step
            work.rows += rows.count
            self._note_hidden(work, segment, rows)
        work.state.activity_ns = max(work.state.activity_ns, min(newest, self._clock_ns()))
        assert work.applier is not None
        work.applier.sign_of_life(segment, newest, self._clock_ns(), live)
        return others, count

    def _unsettle(self, work: RunWork) -> None:
        work.state.unsettled = True
        self._unsettled.add(work.state.run_key)
        self._touch(work)

    def _note_hidden(self, work: RunWork, segment: SegmentState, rows: Rows) -> None:
        """Rows that came late may be hidden by a life that is known already, or be inherited by a fork."""
        later = [
            s.from_step
            for s in work.segments.values()
            if s.from_step is not None
            and not _begins_anew(s)
            and s.writer_id == segment.writer_id
            and s.life != segment.life
            and s.life_created_ns > segment.life_created_ns
        ]
        if later and rows.highest_step >= min(later):
            self._unsettle(work)
        for fork in self._metadata.inheritance.children(work.state.run_key):
            if rows.lowest_step <= fork.step:
                for state in self._metadata.runs_by_id([fork.run]).values():
                    child = self.work(state.run_key)
                    if child is not None:
                        self._unsettle(child)

    def _target(self, work: RunWork, segment: SegmentState, replay: bool) -> Target:
        heads = work.heads.get(segment.life)
        if heads is None:
            heads = self._heads(work, segment)
            work.heads[segment.life] = heads

        def make_keys(kinds: dict[str, str]) -> dict[str, int]:
            ids: dict[str, int] = {}
            for kind in set(kinds.values()):
                names = [name for name, its in kinds.items() if its == kind]
                ids.update(self._metadata.make_keys(work.project, "metric", names, kind))
            return ids

        main = liveness.label_of(segment.writer) == ""
        replaced = _is_replaced(work, segment)

        def stat(key: int) -> SeriesStat:
            """Return the aggregate to add to: of the main writer if it logs this key, as the chart's line is."""
            found = known(key)
            foreign = work.state.foreign_keys
            if replaced:
                return _empty(found)
            if main:
                if key in foreign:
                    foreign.discard(key)
                    found = work.stats[key] = work.touched_stats[key] = _empty(found)
            elif found.n == 0:
                foreign.add(key)
            elif key not in foreign:
                return _empty(found)
            return found

        def known(key: int) -> SeriesStat:
            found = work.touched_stats.get(key)
            if found is None:
                found = self._stats(work).get(key)
                if found is None:
                    found = SeriesStat(key, work.state.id, work.state.entity_id, work.state.project_id)
                    work.keys_changed = True
                    work.new_keys.append(key)
                    work.stats[key] = found
                work.touched_stats[key] = found
            return found

        life_us = segment.life_created_ns // 1000
        return Target(
            run=work.state.id,
            seg=segment.id,
            writer=segment.writer_id,
            life_us=life_us,
            life_index=segment.life_index,
            heads=heads,
            make_keys=make_keys,
            stat=None if replay else stat,
        )

    def _stats(self, work: RunWork) -> dict[int, SeriesStat]:
        """Return the aggregates of a run, read once: a query a key is 0.4 ms, 80 s for 1,000 runs of 200 keys."""
        if not work.stats_loaded:
            work.stats = {**self._metadata.stats(work.state.id), **work.stats}
            work.stats_loaded = True
        return work.stats

    def _heads(self, work: RunWork, segment: SegmentState) -> dict[int, Head]:
        """Return where the keys of a life stand, from the points that are stored already."""
        mine = [s.id for s in work.segments.values() if s.life == segment.life and s.id in self._marks]
        heads: dict[int, Head] = {}
        if not mine:
            return heads
        with self._metrics.view(work.project.id) as view:
            run = np.array([work.state.id], np.int32)
            spans, _ = view.spans(None, run)
            spans = spans.take(np.isin(spans.seg, mine))
            for key, attempt, last in zip(
                spans.key.tolist(), spans.attempt.tolist(), spans.last_step.tolist(), strict=True
            ):
                head = heads.get(key)
                if head is None or (attempt, last) > (head.attempt, head.step):
                    heads[key] = Head(last, attempt)
            items = view.items(None, run, segments=mine)
            for key, attempt, step in zip(items.key.tolist(), items.attempt.tolist(), items.step.tolist(), strict=True):
                head = heads.get(key)
                if head is None or (attempt, step) > (head.attempt, head.step):
                    heads[key] = Head(step, attempt)
        return heads

    # ── commit ──────────────────────────────────────────────────────────────────────────────────────────────────

    def commit(self) -> None:
        """Write everything pending. When this raises, nothing is half done: the next pass reads it again."""
        dirty, self._dirty = self._dirty, {}
        refilled = {key: work for key, work in self._refilled.items() if key not in dirty}
        self._refilled = {}
        self._pending_points = 0
        if not dirty and not refilled:
            return
        try:
            now = self._clock_ns()
            for work in dirty.values():
                work.state.state, work.state.ended_ns = liveness.state_of(work.state, now)
            batches = [self._batch(work) for work in dirty.values()]
            seq = self._metadata.apply(batches, [work.state.id for work in refilled.values()])
            for work in (*dirty.values(), *refilled.values()):
                self._hand_over(work)
            self._metrics.bound_replay()
            for batch in batches:
                for s in batch.segments:
                    self.positions[s.segment] = Position(s.id, batch.state.run_key, s.offset, s.doc.sealed)
        except BaseException:
            self.forget()
            raise
        committed = [
            Committed(b.state.entity, b.state.project, b.state.run_key, b.state.state, b.keys_changed, b.rows)
            for b in batches
        ]
        committed += [
            Committed(work.state.entity, work.state.project, key, work.state.state, False, 0)
            for key, work in refilled.items()
        ]
        self._on_commit(seq, committed)

    def _batch(self, work: RunWork) -> RunBatch:
        assert work.applier is not None
        batch = RunBatch(
            state=work.state,
            segments=list(work.touched_segments.values()),
            series=list(work.touched_stats.values()),
            attrs=work.applier.take_attrs(),
            console=work.applier.take_console(),
            rewinds=work.applier.take_rewinds(),
            files=work.applier.take_files(),
            held=work.applier.take_held(),
            rows=work.rows,
            new_keys=work.new_keys,
            keys_changed=work.keys_changed,
            settled=work.settled,
        )
        work.settled = False
        work.touched_segments, work.touched_stats = {}, {}
        work.rows, work.keys_changed, work.new_keys = 0, False, []
        return batch

    def _hand_over(self, work: RunWork) -> None:
        out, marks = work.out, work.marks
        work.out, work.marks = Out(), {}
        if marks:
            self._metrics.append(work.project.id, Points.concat(out.points), Items.concat(out.items), marks)

    def bound_replay(self) -> None:
        """See to it that a crash does not make the next start read too much again."""
        self._metrics.bound_replay()

    def check_liveness(self, keys: Iterable[str]) -> None:
        """Commit the runs whose state has changed without a record saying so: a process died, or came back."""
        now = self._clock_ns()
        for key in keys:
            work = self.work(key)
            if work is not None and liveness.state_of(work.state, now)[0] != work.state.state:
                self._touch(work)
        self.commit()
        self.settle()  # what a kill left


_ROW_KINDS: Final = frozenset({records.ROW, records.ROW_RELATIVE, records.SYSTEM})
# What a life says of the run as a whole, and no longer when the run was begun anew.
_REPLACED_KINDS: Final = frozenset({records.CONFIG, records.SUMMARY, records.STATE})
_NO_BASE: Final = -(1 << 62)
_FAR: Final = 1 << 61
# What decoding or applying a record raises when its writer did not keep to the format.
_MALFORMED: Final = (
    AttributeError,
    IndexError,
    KeyError,
    OverflowError,
    RecursionError,
    TypeError,
    ValueError,
    msgspec.DecodeError,
)


def _check_owner(ref: SegmentRef, life: dict[str, Any]) -> tuple[str, str, str]:
    """Return (entity, project, run id). Raises FormatError unless the segment is in the folder of its run."""
    run = life.get("run")
    if not isinstance(run, dict):
        raise FormatError("no run in the life record")
    entity = check_name(run.get("entity"), "entity")
    name = check_name(run.get("project"), "project")
    run_id = check_name(run.get("id"), "run id")
    key = run_key(entity, name, run_id)
    if key != ref.run_key:
        raise FormatError(f"it belongs to run {key}, not to this folder")
    return entity, name, run_id


def _begins_anew(segment: SegmentState) -> bool:
    return segment.writer == "" and segment.from_step == 0


def _is_replaced(work: RunWork, segment: SegmentState) -> bool:
    """Return whether a later life of the main writer began the run anew."""
    return segment.writer == "" and any(
        _begins_anew(s) and (s.life_created_ns, s.life) > (segment.life_created_ns, segment.life)
        for s in work.segments.values()
    )


def _empty(stat: SeriesStat) -> SeriesStat:
    return SeriesStat(stat.key, stat.run, stat.entity_id, stat.project_id)


def _base_step(work: RunWork, segment: SegmentState) -> int:
    """Return the step that relative steps of this life count from: what its writer's last life reached, plus one."""
    if segment.from_step is not None:
        return segment.from_step
    earlier = [
        s
        for s in work.segments.values()
        if s.writer == segment.writer
        and s.last_step is not None
        and (s.life_created_ns, s.life) < (segment.life_created_ns, segment.life)
    ]
    latest = max(earlier, key=lambda s: (s.life_created_ns, s.life, s.life_index), default=None)
    return 0 if latest is None or latest.last_step is None else latest.last_step + 1


class Sample(NamedTuple):
    """One system metric over a window."""

    name: str
    time_ns: int
    off: int
    low: float
    mean: float
    high: float


def to_samples(time_ns: int, data: dict[str, Any], off: int) -> list[Sample]:
    """Return the samples of one record, ``[min, mean, max, n]`` per key. Raises TypeError, ValueError."""
    at = int(time_ns)
    if not -_FAR < at < _FAR:
        raise ValueError("a time beyond 62 bits")
    return [Sample(name, at, off, *(float(v) for v in value[:3])) for name, value in data.items()]


def emit_system(samples: list[Sample], created_ns: int, target: Target, out: Out) -> None:
    """System metrics: their step is milliseconds since the run's start."""
    by_name: dict[str, list[Sample]] = {}
    for sample in samples:
        by_name.setdefault(sample.name, []).append(sample)
    ids = target.make_keys(dict.fromkeys(by_name, "system"))
    kinds = np.zeros(1, np.uint8)
    for name, mine in by_name.items():
        times = np.array([s.time_ns for s in mine], np.int64)
        steps = (times - created_ns) // 1_000_000
        offs = np.array([s.off for s in mine], np.int64)
        low, mean, high = (np.array([s[i] for s in mine], np.float64)[:, None] for i in (3, 4, 5))
        emit_values([ids[name]], steps, times // 1000, offs, mean, kinds, target, out, low, high)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _int(value: Any) -> int | None:
    return value if isinstance(value, int) else None


def _number_or_none(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) else None
