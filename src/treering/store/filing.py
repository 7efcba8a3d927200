"""
Where runs are filed: changing many at once, moving them to another project, removing them for good.

What was logged is never rewritten. A move is a record of the ledger, and the index of the run is made again from its
log under the new project; its permanent key, and so every link to it, stays. Removing for good is the one act that
deletes bytes of a run log: first the ledger says so, durably, then the bytes of files, the index and at last the log
go. A kill in between either is finished by the next start, and whoever ships bytes of a removed run again is refused.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Final

from treering.errors import InvalidValue, TreeringError
from treering.ids import check_name
from treering.limits import TAG_MAX_CHARS, TAGS_MAX

from .blobs import FileBlobs
from .ingest import Ingester
from .ledger import Ledger
from .liveness import Sight
from .metrics import MetricStore
from .segments import FileSegments, SegmentRef
from .sql import SqlMetadata
from .state import RunState

__all__ = ["Filing", "change_tags"]

_READ_TOGETHER: Final = 256  # segments


class Filing:
    """
    Moves and removes runs of one store. The caller holds the ingest lock.

    Args:
        kept: names bytes that stay although no run refers to them, such as those of frozen reports.
    """

    def __init__(
        self,
        segments: FileSegments,
        blobs: FileBlobs,
        metadata: SqlMetadata,
        metrics: MetricStore,
        ingester: Ingester,
        ledger: Ledger,
        clock_ns: Callable[[], int],
        kept: Callable[[], Iterable[str]] = tuple,
    ) -> None:
        self._segments = segments
        self._blobs = blobs
        self._metadata = metadata
        self._metrics = metrics
        self._ingester = ingester
        self._ledger = ledger
        self._clock_ns = clock_ns
        self._kept = kept

    def check_move(self, state: RunState, entity: str, project: str) -> str:
        """Return why a run cannot be moved there; empty if it can."""
        if (state.entity, state.project) == (entity, project):
            return "it is there already"
        if self._metadata.find_run(entity, project, state.run_id) is not None:
            return f"{entity}/{project} has a run {state.run_id!r} already"
        return ""

    def move(self, states: Collection[RunState], entity: str, project: str, author: str) -> None:
        """
        File runs under another project.

        Raises:
            InvalidName: a project cannot have such a name.
            OSError: the ledger could not be written; the runs before that one are moved.
        """
        entity, project = check_name(entity, "entity"), check_name(project, "project")
        moved: list[RunState] = []
        try:
            for state in states:
                here = state.entity, state.project
                self._ledger.move(state.run_key, (entity, project), here, author, self._clock_ns())
                moved.append(state)
        finally:
            self._file_anew(moved)

    def finish_moves(self) -> None:
        """File those runs where the ledger says that a kill left where they were."""
        places = {key: (moved.entity, moved.project) for key, moved in self._ledger.moved.items()}
        self._file_anew(self._metadata.runs_by_key(self._metadata.misplaced(places)).values())

    def _file_anew(self, states: Collection[RunState]) -> None:
        self._forget(states)
        self.read(state.run_key for state in states)

    def read(self, run_keys: Iterable[str]) -> None:
        """Read what runs logged up to now: whether one goes on, and which bytes it refers to."""
        behind: list[SegmentRef] = []
        for key in run_keys:
            behind += [ref for ref in self._segments.segments(key) if self._ingester.behind(ref)]
            if len(behind) >= _READ_TOGETHER:
                self._ingester.ingest(behind, live=Sight.OLD)
                behind = []
        if behind:
            self._ingester.ingest(behind, live=Sight.OLD)

    def check_purge(self, state: RunState) -> str:
        """Return why a run cannot be removed for good; empty if it can."""
        if not state.deleted:
            return "it is not in the bin: delete it first"
        if state.state == "running":
            return "it is running"
        return ""

    def purge(self, states: Collection[RunState], author: str) -> None:
        """Remove runs for good. Raises OSError: the ledger could not be written; the runs before that one are gone."""
        gone: list[RunState] = []
        try:
            for state in states:
                segments = [ref.segment for ref in self._segments.segments(state.run_key)]
                self._ledger.purge(state.run_key, segments, author, self._clock_ns())
                gone.append(state)
        finally:
            self._remove(gone, [state.run_key for state in gone])

    def finish_purges(self) -> None:
        """Remove what a kill left of runs that the ledger says are removed."""
        left = [key for key in self._ledger.purged if any(map(self._is_removed, self._segments.segments(key)))]
        states = {state.id: state for state in self._metadata.runs_by_key(left).values()}
        # A run that was begun later under the same id is no part of it: it has segments that stay.
        for segment in self._metadata.segments_of(list(states)):
            if segment.run in states and not self._is_removed(SegmentRef(states[segment.run].run_key, segment.segment)):
                del states[segment.run]
        self._remove(list(states.values()), left)

    def _remove(self, states: Collection[RunState], run_keys: Collection[str]) -> None:
        """Remove bytes of files, index and logs; the logs last, for what is left of them says that this is not done."""
        self._remove_blobs(self._metadata.files_of({state.id for state in states}))
        self._forget(states)
        for key in run_keys:
            self._remove_logs(key)

    def _forget(self, states: Collection[RunState]) -> None:
        """Take runs out of the index: rows at once, points by writing the parts anew that hold them."""
        if not states:
            return
        ids = {state.id for state in states}
        self._ingester.forget_runs([state.run_key for state in states])
        self._metrics.forget_runs({state.project_id for state in states}, ids)
        self._metadata.forget_runs(ids)

    def _is_removed(self, ref: SegmentRef) -> bool:
        return self._ledger.is_removed(ref)

    def _remove_logs(self, run_key: str) -> None:
        segments = self._segments.segments(run_key)
        removed = [ref for ref in segments if self._is_removed(ref)]
        for ref in removed:
            with contextlib.suppress(OSError):
                os.unlink(self._segments.live / f"{run_key}.{ref.segment}")
        if len(removed) == len(segments):
            shutil.rmtree(self._segments.folder(run_key), ignore_errors=True)
            return
        for ref in removed:  # what is beside them is a run that was begun later
            with contextlib.suppress(OSError):
                os.unlink(self._segments.path(ref))

    def _remove_blobs(self, names: Mapping[str, int]) -> None:
        """Remove those bytes that no other run refers to, one whose log is not read yet included."""
        if not names:
            return
        self.read(self._segments.runs())
        for name in self._metadata.unreferenced(names) - set(self._kept()):
            with contextlib.suppress(TreeringError, OSError):
                self._blobs.delete(name)


def change_tags(tags: list[str], add: Iterable[str], remove: Collection[str]) -> list[str]:
    """Return *tags* with some more and without others. Raises InvalidValue for more tags than a run may have."""
    changed = list(dict.fromkeys([*(tag for tag in tags if tag not in remove), *add]))
    if len(changed) > TAGS_MAX or any(not tag or len(tag) > TAG_MAX_CHARS for tag in changed):
        raise InvalidValue(f"a run has at most {TAGS_MAX} tags of 1 to {TAG_MAX_CHARS} characters each.")
    return changed
