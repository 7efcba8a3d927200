"""The first sight of a segment: which run and which life it is of, and what the index then knows of both."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec

from treering.errors import FormatError, TreeringError
from treering.ids import check_name, run_key
from treering.runlog import records
from treering.runlog.frames import FRAME_HEADER_BYTES, HEADER_BYTES

from .ledger import Ledger
from .metadata import MetadataStore, ProjectRef
from .run_work import RunWork, Works
from .segments import SegmentRef, SegmentStore
from .state import Life, RunState, SegmentDoc, SegmentState

__all__ = ["NO_BASE", "Registry"]

NO_BASE: Final = -(1 << 62)
_FAR: Final = 1 << 61  # of steps
_LIFE_FILES: Final = 1 << 20
_decode = msgspec.msgpack.Decoder().decode


class Registry:
    """Registers segments and their runs. ``bad`` are those that cannot be read: their size then, and why."""

    def __init__(
        self,
        segments: SegmentStore,
        metadata: MetadataStore,
        ledger: Ledger,
        works: Works,
        clock_ns: Callable[[], int],
    ) -> None:
        self._segments = segments
        self._metadata = metadata
        self._ledger = ledger
        self._works = works
        self._clock_ns = clock_ns
        self._numbers: dict[int, int] = {}  # project → the next run's number
        self.bad: dict[SegmentRef, tuple[int, str]] = {}
        self._locked_out: dict[SegmentRef, int] = {}  # and how large they were

    def clear(self) -> None:
        """Drop everything: the stores say what is true."""
        self._numbers.clear()
        self.bad.clear()

    def forget_runs(self, gone: set[str]) -> None:
        """Drop what is known of some runs."""
        self._numbers.clear()
        self.bad = {ref: why for ref, why in self.bad.items() if ref.run_key not in gone}
        self._locked_out = {ref: size for ref, size in self._locked_out.items() if ref.run_key not in gone}

    def is_as_bad(self, ref: SegmentRef) -> bool:
        """Return whether a segment was unreadable, or locked out, and has not changed since."""
        return self._locked_out.get(ref) == self.size(ref) or (ref in self.bad and self.bad[ref][0] == self.size(ref))

    def size(self, ref: SegmentRef) -> int:
        """Return the bytes of a segment, -1 if it is not there."""
        try:
            return self._segments.size(ref)
        except TreeringError:
            return -1

    def segment(self, ref: SegmentRef) -> SegmentState | None:
        """Return the state of a segment, registering it at first sight; None if it cannot be read."""
        if self._ledger.is_removed(ref):
            return None
        work = self._works.get(ref.run_key)
        if work is not None and ref.segment in work.segments:
            segment = work.segments[ref.segment]
            if segment.life not in work.state.lives:  # killed between the id and the first commit
                self._remember_life(work, segment, ref)
            return segment
        try:
            size = self._segments.size(ref)
            if size < HEADER_BYTES + FRAME_HEADER_BYTES or self.bad.get(ref, (-1, ""))[0] == size:
                return None  # just being made, or as unreadable as before
            life, created_ns, chain = self._first_life(ref)
            if life is not None and work is not None:
                _check_owner(ref, life)
            if life is not None and life.get("writer") != "server" and self._ledger.locks_out(ref):
                self._locked_out[ref] = size  # the run is locked: whoever verifies it is told of this file
                return None
        except (TreeringError, OSError, msgspec.DecodeError) as error:
            self.note_bad(ref, str(error))
            return None
        if life is None:
            if any(self._segments.pread(ref, 4, HEADER_BYTES)):
                self.note_bad(ref, "no life record: the segment does not say which run it is of")
            return None
        work = work or self._new_run(ref, life, created_ns)
        return None if work is None else self._new_segment(work, ref, life, created_ns, chain)

    def _first_life(self, ref: SegmentRef) -> tuple[dict[str, Any] | None, int, int]:
        with self._segments.open(ref) as reader:
            chain = reader.header.crc
            its = ref._replace(segment=reader.header.segment_id)
            if its != ref and self.size(its) >= 0:
                raise FormatError(f"a copy of {its.segment}.trl under another name.")
            for frame in reader.read(64 << 10):
                if frame.kind == records.LIFE:
                    value = _decode(records.inflate(frame))
                    if isinstance(value, dict):
                        _check_life(value, reader.header.created_ns)
                        return value, reader.header.created_ns, chain
            return None, 0, chain

    def note_bad(self, ref: SegmentRef, reason: str) -> None:
        """Say on its run that a segment cannot be read, until it changes."""
        reason = reason.rpartition(f"{ref.segment}.trl: ")[2]  # whoever shows it says which file it is of
        try:
            self.bad[ref] = (self._segments.size(ref), reason)
        except TreeringError:
            return
        self._metadata.note_broken(ref.run_key, ref.segment, reason)
        work = self._works.get(ref.run_key)
        if work is not None:
            self._show_bad(work)

    def _show_bad(self, work: RunWork) -> None:
        """Say on the run which of its files cannot be read."""
        for ref, (_, reason) in self.bad.items():
            if ref.run_key == work.state.run_key:
                work.state.damaged = True
                work.state.error = work.state.error or f"{ref.segment}.trl: {reason}"
                self._works.touch(work)

    def _new_run(self, ref: SegmentRef, life: dict[str, Any], created_ns: int) -> RunWork | None:
        try:
            entity, name, run_id = _check_owner(ref, life)
            moved = self._ledger.moved.get(ref.run_key)
            if moved is not None:
                entity, name = moved.entity, moved.project
        except TreeringError as error:
            self.note_bad(ref, str(error))
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
        self._works.keep(ref.run_key, work)
        self._works.touch(work)
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
            base_step=before[0].base_step if before else NO_BASE,
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
        self._works.touch(work)


def _check_life(life: dict[str, Any], created_ns: int) -> None:
    """Raise FormatError for what no index can hold: one segment would stop the reading of all others."""
    for name in ("writer", "life_id"):
        if "\0" in str(life.get(name)):
            raise FormatError(f"the {name} of its life has a NUL in it")
    for name, value, low, high in (
        ("creation time", life.get("created_ns") or created_ns, 0, 1 << 63),
        ("index", life.get("index") or 0, 0, _LIFE_FILES),
        ("from_step", life.get("from_step") or 0, -_FAR, _FAR),
    ):
        if not isinstance(value, int) or not low <= value < high:
            raise FormatError(f"the {name} of its life is {str(value)[:40]!r}, not a whole number within range")


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


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _int(value: Any) -> int | None:
    return value if type(value) is int else None


def _number_or_none(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) else None
