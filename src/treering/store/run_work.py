"""A run while its records are applied: in memory, with what changed since the last commit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from .apply import Applier
from .metadata import MetadataStore, ProjectRef
from .metrics import Mark
from .rows import Head, Out
from .state import RunState, SegmentState, SeriesStat

__all__ = ["LOADED_TOGETHER", "RunWork", "Works", "base_step", "begins_anew", "empty_stat", "is_replaced"]

# Documents of so many runs stay in memory between passes.
RUNS_CACHED: Final = 4_096
LOADED_TOGETHER: Final = RUNS_CACHED // 4


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


class Works:
    """
    The runs in memory.

    Attributes:
        dirty: those of which something is to be committed.
        refilled: those of which nothing is new but points that a crash took from the tail.
    """

    def __init__(self, metadata: MetadataStore, is_received: Callable[[str], bool]) -> None:
        self._metadata = metadata
        self._is_received = is_received
        self._works: dict[str, RunWork] = {}
        self._unknown: set[str] = set()  # run keys that the metadata does not have, during one pass
        self.dirty: dict[str, RunWork] = {}
        self.refilled: dict[str, RunWork] = {}

    def clear(self) -> None:
        """Drop everything: the stores say what is true."""
        for known in (self._works, self.dirty, self.refilled):
            known.clear()
        self._unknown.clear()

    def drop(self, key: str) -> RunWork | None:
        """Drop one run with what is not committed of it; return it if it was here."""
        self.dirty.pop(key, None)
        self.refilled.pop(key, None)
        return self._works.pop(key, None)

    def end_pass(self) -> None:
        """What the metadata did not have may be there from now on."""
        self._unknown.clear()

    def touch(self, work: RunWork) -> None:
        """Have a run committed."""
        self.dirty[work.state.run_key] = work

    def get(self, key: str) -> RunWork | None:
        """Return a known run, from memory or from the metadata."""
        work = self._works.get(key)
        if work is None:
            state = None if key in self._unknown else self._metadata.run(key)
            if state is None:
                return None
            project = self._metadata.make_project(state.entity, state.project)
            work = RunWork(state, project)
            work.segments = {s.segment: s for s in self._metadata.segments(state.id)}
            self.keep(key, work)
        return work

    def keep(self, key: str, work: RunWork) -> None:
        """Have a run in memory; the one that was not needed for longest may go."""
        self._works[key] = work
        work.applier = Applier(work.state, work.project, self._metadata, self._is_received)
        if len(self._works) > RUNS_CACHED:
            unused = (old for old in self._works if old != key and old not in self.dirty and old not in self.refilled)
            old = next(unused, None)
            if old is not None:
                del self._works[old]

    def load(self, keys: set[str]) -> None:
        """Read the documents of runs: two queries for hundreds, not two for each."""
        missing = [key for key in keys if key not in self._works][:LOADED_TOGETHER]
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
            self.keep(key, work)


def begins_anew(segment: SegmentState) -> bool:
    return segment.writer == "" and segment.from_step == 0


def is_replaced(work: RunWork, segment: SegmentState) -> bool:
    """Return whether a later life of the main writer began the run anew."""
    return segment.writer == "" and any(
        begins_anew(s) and (s.life_created_ns, s.life) > (segment.life_created_ns, segment.life)
        for s in work.segments.values()
    )


def empty_stat(stat: SeriesStat) -> SeriesStat:
    return SeriesStat(stat.key, stat.run, stat.entity_id, stat.project_id)


def base_step(work: RunWork, segment: SegmentState) -> int:
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
