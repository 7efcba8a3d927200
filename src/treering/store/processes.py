"""
Processes: what each rank of a distributed job did.

A process is a writer label of a run (the main writer, ``rank3``), or, where each process has a run of its own, the run
of a ``group``. Its id is the run's key, with ``/rank3`` behind it for a rank that writes into another's run. Started
again (a requeue, a resume, a rewind), it is another *attempt* of the same process.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import msgspec
import numpy as np
import sqlalchemy as sa

from treering.errors import InvalidValue, LimitExceeded, ProjectNotFound, RunNotFound
from treering.limits import PROCESSES_MAX

from . import schema as t
from .columns import Array, Spans
from .inheritance import FIRST_INHERITED, Strand
from .liveness import deciding_life, end_of, label_of, state_of_life
from .metadata import MetadataStore, ProjectRef
from .projects import key_info
from .state import Life, RunState, SegmentState

__all__ = [
    "Attempt",
    "Job",
    "Member",
    "Process",
    "ProcessKey",
    "Where",
    "describe",
    "find_job",
    "is_process",
    "rank_of_writer",
]

_RANK: Final = re.compile(r"rank(\d{1,9})")

r = t.runs.c


class Where(msgspec.Struct, frozen=True):
    """The processes of one run, or those of the runs of a group."""

    run: str | None = None
    entity: str | None = None
    project: str | None = None
    group: str | None = None
    job_type: str | None = None


class Process(msgspec.Struct, frozen=True):
    """
    One process over all its attempts. Times are unix seconds.

    ``runtime_s`` counts from its first start to its end or its last sign of life; ``last_step`` is that of the line
    that is shown; ``points`` counts what it logged, system metrics apart. None: not known.
    """

    id: str
    run_key: str
    run_name: str
    number: int
    writer: str
    rank: int
    local_rank: int | None
    world_size: int | None
    host: str | None
    pid: int | None
    job_id: str | None
    job_type: str | None
    state: str
    started_at: float
    ended_at: float | None
    last_activity_at: float
    runtime_s: float
    last_step: int | None
    points: int
    attempts: int


class Attempt(msgspec.Struct, frozen=True):
    """
    One life of a process, ``number`` from 1.

    ``from_step``: it declared that the steps from there on are its own, so that those of earlier attempts step back.
    ``steps_lost``: how many steps that earlier attempts had reached it computed again.
    """

    process: str
    number: int
    life_id: str
    started_at: float
    ended_at: float | None
    state: str
    reason: str | None
    exit_code: int | None
    first_step: int | None
    last_step: int | None
    from_step: int | None
    host: str | None
    pid: int | None
    job_id: str | None
    resumed: bool
    steps_lost: int


class ProcessKey(msgspec.Struct, frozen=True):
    """A metric and how many processes log it; ``kind`` is ``number`` or ``system``."""

    key: str
    kind: str
    processes: int
    unit: str | None


@dataclass(frozen=True, slots=True)
class Member:
    """A process of a job: whose run, under which label, and its lives from the first on."""

    id: str
    state: RunState
    label: str
    rank: int
    lives: tuple[tuple[str, Life], ...]
    segments: tuple[SegmentState, ...]
    inherited: tuple[int, ...] = ()  # numbers of segments that its run has from the one it was forked from

    @property
    def newest(self) -> Life | None:
        return self.lives[-1][1] if self.lives else None


@dataclass(frozen=True)
class Job:
    """Processes that are looked at together, ordered by rank; their places in ``members`` are their numbers."""

    project: ProjectRef
    members: tuple[Member, ...]
    origin_us: int  # when the first of the runs began, in unix microseconds: relative time counts from there
    truncated: bool = False

    @cached_property
    def states(self) -> dict[int, RunState]:
        return {member.state.id: member.state for member in self.members}

    @cached_property
    def defines(self) -> dict[str, dict[str, object]]:
        """What ``define_metric`` said in any of the runs."""
        return {name: body for state in self.states.values() for name, body in state.defines.items()}

    @cached_property
    def _places(self) -> tuple[Array, Array]:
        every = ((number, member) for number, member in enumerate(self.members))
        found = sorted((s, number) for number, m in every for s in (*(own.id for own in m.segments), *m.inherited))
        pairs = np.array(found, np.int64).reshape(-1, 2)
        return pairs[:, 0], pairs[:, 1]

    def numbers_of(self, seg: Array) -> Array:
        """Return the number of the process that each of these segments is of, -1 for none of them."""
        ids, numbers = self._places
        if not len(ids):
            return np.full(len(seg), -1, np.int64)
        place = np.minimum(np.searchsorted(ids, seg), len(ids) - 1)
        return np.where(ids[place] == seg, numbers[place], -1)

    @cached_property
    def alone(self) -> dict[int, int]:
        """Run id → number of its process, for the runs of which one process alone logged anything."""
        found: dict[int, int] = {}
        for number, member in enumerate(self.members):
            found[member.state.id] = -1 if member.state.id in found else number
        return {run: number for run, number in found.items() if number >= 0 and self._is_alone(self.members[number])}

    def _is_alone(self, member: Member) -> bool:
        known = {s.life for s in member.segments}
        return member.state.fork is None and all(
            key in known or life.writer == "server" for key, life in member.state.lives.items()
        )

    def without_inherited(self) -> Job:
        """Return the job with what its processes logged themselves."""
        members = tuple(replace(member, inherited=()) for member in self.members)
        return Job(self.project, members, self.origin_us, self.truncated)

    def narrowed(self, ids: Collection[str] | None) -> Job:
        """Return the job with those of *ids* only; unknown ones are passed over."""
        if ids is None:
            return self
        wanted = set(ids)
        members = tuple(member for member in self.members if member.id in wanted)
        return Job(self.project, members, self.origin_us, self.truncated)


def is_process(label: str) -> bool:
    """Return whether a writer label is that of a process: the main writer's, or a rank's."""
    return not label or _RANK.fullmatch(label) is not None


def rank_of_label(label: str) -> int | None:
    """Return the rank that a writer label names; None for the main writer and what no rank wrote."""
    found = _RANK.fullmatch(label.partition("/fork")[0])
    return int(found[1]) if found is not None else None


def rank_of_writer(state: RunState, writer: str) -> int | None:
    """Return the rank of a writer of a run, None where nothing says it."""
    rank = rank_of_label(writer)
    if rank is None and writer.partition("/fork")[0] in ("", "main"):
        return next((life.rank for life in reversed(state.lives.values()) if life.writer == ""), None)
    return rank


def find_job(metadata: MetadataStore, where: Where) -> Job:
    """
    Return the processes that are meant, at most ``PROCESSES_MAX``.

    Raises:
        InvalidValue: neither a run nor a whole group is named, or both.
        RunNotFound, ProjectNotFound: there is none. A group without runs is a job without processes.
        LimitExceeded: the group has too many runs.
    """
    if where.run is not None:
        if where.entity is not None or where.project is not None or where.group is not None or where.job_type:
            raise InvalidValue("give either `run`, or `entity`, `project` and `group`; got both.")
        state = metadata.run(where.run)
        if state is None or state.deleted:
            raise RunNotFound(f"there is no run {where.run!r}.")
        project = metadata.find_project(state.entity, state.project)
        assert project is not None
        return _job(metadata, project, [state])
    if where.entity is None or where.project is None or not where.group:
        raise InvalidValue("say which processes: `run`, or `entity`, `project` and `group`.")
    project = metadata.find_project(where.entity, where.project)
    if project is None:
        raise ProjectNotFound(f"there is no project {where.entity}/{where.project}.")
    return _job(metadata, project, _runs_of_group(metadata, project, where.group, where.job_type))


def _runs_of_group(metadata: MetadataStore, project: ProjectRef, group: str, job_type: str | None) -> list[RunState]:
    query = sa.select(r.id).where(r.project_id == project.id, r.group_name == _kept(group), r.deleted.is_(False))
    if job_type is not None:
        query = query.where(r.job_type == _kept(job_type))
    with metadata.connect() as connection:
        ids = list(connection.scalars(query.order_by(r.number).limit(PROCESSES_MAX + 1)))
    if len(ids) > PROCESSES_MAX:
        raise LimitExceeded(
            f"the group {group!r} has more than {PROCESSES_MAX:,} runs; name a job_type, or fewer of them."
        )
    return list(metadata.runs_by_id(ids).values())


def _kept(text: str) -> str:
    """Return a text as the tables have it: PostgreSQL has no NUL."""
    return text.replace("\0", "\ufffd")


def _job(metadata: MetadataStore, project: ProjectRef, states: Sequence[RunState]) -> Job:
    by_run: dict[int, list[SegmentState]] = {state.id: [] for state in states}
    for segment in metadata.segments_of(list(by_run)):
        by_run[segment.run].append(segment)
    strands = metadata.inheritance.strands(list(by_run))
    members = [member for state in states for member in _members(state, by_run[state.id], strands.get(state.id, []))]
    members.sort(key=lambda m: (m.rank, m.state.number, m.label))
    origin_us = min((state.created_ns // 1000 for state in states), default=0)
    return Job(project, tuple(members[:PROCESSES_MAX]), origin_us, len(members) > PROCESSES_MAX)


def _members(state: RunState, segments: Sequence[SegmentState], strands: Sequence[Strand]) -> list[Member]:
    by_label: dict[str, list[SegmentState]] = {}
    for segment in segments:
        label = label_of(segment.writer)
        if segment.writer != "server" and is_process(label):
            by_label.setdefault(label, []).append(segment)
    lives_of: dict[str, list[tuple[str, Life]]] = {}
    for key, life in sorted(state.lives.items(), key=lambda pair: (pair[1].created_ns, pair[0])):
        lives_of.setdefault(life.writer, []).append((key, life))
    members = []
    for label, mine in by_label.items():
        lives = tuple(lives_of.get(label, ()))
        if not lives:
            continue  # what an uploader saw of a process whose own files are not here
        rank = rank_of_label(label)
        if rank is None:
            rank = lives[-1][1].rank or 0
        name = f"{state.run_key}/{label}" if label else state.run_key
        mine.sort(key=lambda s: (s.life_created_ns, s.life, s.life_index))
        inherited = tuple(strand.number for strand in strands if strand.segment.writer == label)
        members.append(Member(name, state, label, rank, lives, tuple(mine), inherited))
    return members


# ── what there is to say of them ─────────────────────────────────────────────────────────────────────────────────
def describe(
    metadata: MetadataStore, job: Job, spans: Spans, now_ns: int
) -> tuple[list[Process], list[Attempt], list[ProcessKey]]:
    """
    Return processes, their attempts and their keys, of what they logged themselves.

    *spans* are those of all series of the job's runs.
    """
    names = metadata.key_names(np.unique(spans.key).tolist())
    spans = spans.take(spans.seg < FIRST_INHERITED)
    number = job.numbers_of(spans.seg)
    system = np.array([key for key, (_, kind) in names.items() if kind == "system"], np.int32)
    logged = (number >= 0) & ~np.isin(spans.key, system)
    points = np.bincount(number[logged], spans.n[logged], minlength=len(job.members)).astype(np.int64)
    steps = _steps_of_segments(spans.take(logged))
    newest_us = np.zeros(len(job.members), np.int64)
    np.maximum.at(newest_us, number[number >= 0], spans.max_ts[number >= 0])
    processes: list[Process] = []
    attempts: list[Attempt] = []
    for place, member in enumerate(job.members):
        mine, reach = _attempts(member, steps, now_ns)
        attempts += mine
        processes.append(_process(member, mine, reach, int(points[place]), int(newest_us[place]), now_ns))
    return processes, attempts, _keys(job, spans, number, names)


def _steps_of_segments(spans: Spans) -> dict[int, tuple[int, int]]:
    order = np.argsort(spans.seg, kind="stable")
    seg = spans.seg[order]
    at = np.flatnonzero(np.append(True, seg[1:] != seg[:-1])) if len(seg) else np.empty(0, np.int64)
    if not len(at):
        return {}
    first = np.minimum.reduceat(spans.first_step[order], at).tolist()
    last = np.maximum.reduceat(spans.last_step[order], at).tolist()
    return {segment: (a, b) for segment, a, b in zip(seg[at].tolist(), first, last, strict=True)}


def _attempts(member: Member, steps: Mapping[int, tuple[int, int]], now_ns: int) -> tuple[list[Attempt], int | None]:
    """Return the attempts of a process, and the last step of the line that is shown."""
    found: list[Attempt] = []
    reach: int | None = None
    for place, (key, life) in enumerate(member.lives):
        mine = [s for s in member.segments if s.life == key]
        ranges = [steps[s.id] for s in mine if s.id in steps]
        first = min((a for a, _ in ranges), default=None)
        last = max((b for _, b in ranges), default=None)
        from_step = min((s.from_step for s in mine if s.from_step is not None), default=None)
        begin = first if from_step is None else from_step
        again = max(0, reach - begin + 1) if reach is not None and begin is not None and first is not None else 0
        if from_step is not None:
            reach = None if reach is None or from_step <= 0 else min(reach, from_step - 1)
        if last is not None:
            reach = last if reach is None else max(reach, last)
        end = end_of(member.state, life)
        body = {} if end is None else end[0]
        is_newest = place == len(member.lives) - 1
        sealed = all(s.doc.sealed for s in mine)
        state = state_of_life(member.state, life, now_ns, sealed=sealed)
        if not is_newest and state == "running":
            state = "crashed"  # another life of the same process has begun since
        ended_ns = end[1] if end is not None else None if state == "running" else life.beat_ns or life.created_ns
        code = body.get("exit_code")
        found.append(
            Attempt(
                process=member.id,
                number=place + 1,
                life_id=key,
                started_at=life.created_ns / 1e9,
                ended_at=None if ended_ns is None else ended_ns / 1e9,
                state=state,
                reason=str(body["reason"]) if body.get("reason") else None,
                exit_code=code if isinstance(code, int) else None,
                first_step=first,
                last_step=last,
                from_step=from_step,
                host=life.host,
                pid=life.pid,
                job_id=life.job_id,
                resumed=life.resumed,
                steps_lost=again,
            )
        )
    return found, reach


def _process(
    member: Member, attempts: Sequence[Attempt], last_step: int | None, points: int, newest_us: int, now_ns: int
) -> Process:
    state, life, last = member.state, member.newest, attempts[-1]
    assert life is not None
    is_run = deciding_life(state) is life
    shown = state.state if is_run else last.state
    ended_at = last.ended_at if shown != "running" else None
    activity = max(life.beat_ns / 1e9, newest_us / 1e6, last.ended_at or 0.0, last.started_at)
    started_at = attempts[0].started_at
    until = ended_at if ended_at is not None else max(activity, now_ns / 1e9 if shown == "running" else 0.0)
    return Process(
        id=member.id,
        run_key=state.run_key,
        run_name=state.name,
        number=state.number,
        writer=member.label,
        rank=member.rank,
        local_rank=life.local_rank,
        world_size=life.world_size,
        host=life.host,
        pid=life.pid,
        job_id=life.job_id,
        job_type=state.text("job_type"),
        state=shown,
        started_at=started_at,
        ended_at=ended_at,
        last_activity_at=activity,
        runtime_s=max(0.0, until - started_at),
        last_step=last_step,
        points=points,
        attempts=len(attempts),
    )


def _keys(job: Job, spans: Spans, number: Array, names: Mapping[int, tuple[str, str]]) -> list[ProcessKey]:
    pairs = np.unique((spans.key[number >= 0].astype(np.int64) << 32) | number[number >= 0])
    keys, counts = np.unique(pairs >> 32, return_counts=True)
    found = []
    for key, count in zip(keys.tolist(), counts.tolist(), strict=True):
        name, kind = names[key]
        kind = "system" if kind == "system" else "number"  # what it logs beside numbers has no points
        found.append(ProcessKey(name, kind, count, key_info(name, kind, 0, job.defines).unit))
    return sorted(found, key=lambda each: (each.kind == "system", each.key))
