"""
The metadata store: runs, config, aggregates, and how far each segment has been applied.

The life of a change: ingest reads frames, changes the documents of ``state`` in memory and hands one ``RunBatch`` per
run to ``apply``. Documents, aggregates and offsets are one transaction, so a frame is applied once whatever crashes.
Ids are given before that, in transactions of their own: an id that nothing refers to yet does no harm, whereas
points that refer to an id which a crash takes back would.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from sqlalchemy import Connection

from .heads import Heads
from .inheritance import Inheritance
from .line import Lineage
from .overlay import LoggedKey, Overlay
from .state import ConsoleSpan, RunBatch, RunState, SegmentState, SeriesStat

__all__ = ["MetadataStore", "Position", "ProjectRef"]


@dataclass(frozen=True, slots=True)
class ProjectRef:
    """A project's numbers and names."""

    id: int
    entity_id: int
    entity: str
    name: str


class Position(NamedTuple):
    """How far a segment is applied, for a look whether there is more."""

    id: int
    run_key: str
    offset: int
    sealed: bool


class MetadataStore(Protocol):
    """Keeps metadata. One thread writes; any thread reads."""

    dialect: str
    inheritance: Inheritance
    first_seq: int  # of this index; smaller numbers are of an earlier one

    @property
    def index_id(self) -> str:
        """Identifies this index; the numbers in points are only meaningful together with it."""

    @property
    def seq(self) -> int:
        """The newest sequence number; grows with each applied batch, also over rebuilds."""

    def connect(self) -> AbstractContextManager[Connection]:
        """Return a connection for reading."""

    # ids
    def make_project(self, entity: str, name: str) -> ProjectRef: ...
    def find_project(self, entity: str, name: str) -> ProjectRef | None: ...
    def projects(self) -> list[ProjectRef]: ...
    def make_keys(self, project: ProjectRef, space: str, names: Collection[str], kind: str) -> dict[str, int]: ...
    def find_keys(self, project_id: int, space: str, names: Collection[str]) -> dict[str, int]: ...
    def key_names(self, ids: Collection[int]) -> dict[int, tuple[str, str]]:
        """Return id → (name, kind)."""

    @property
    def keys_made(self) -> int:
        """Grows whenever a key is made."""

    def metric_keys(self, project_id: int) -> list[LoggedKey]:
        """Return the metrics that runs of a project logged."""

    def keys_of_run(self, run_id: int) -> list[int]:
        """Return the numbers of a run's metrics."""

    # metrics as they are shown: the same as they were logged, unless corrections say otherwise
    def overlay(self, project_id: int) -> Overlay | None:
        """Return what corrections make of a project's metrics, None if it has none."""

    def heads(self, project_id: int, keys: Collection[int] | None = None) -> Heads:
        """Return the aggregates of metrics of a project, of all for None, at most one row per metric and run."""

    def prepare(self, project_id: int) -> None:
        """Make ready what ``heads`` of a project need. To be called before a connection is opened that reads them."""

    def keep_corrected(self, project_id: int, stamp: str, rows: Collection[SeriesStat]) -> None:
        """Keep rows of aggregates that were made from points."""

    def drop_corrected(self, project_id: int) -> None:
        """Drop those of a project."""

    def ids_together(self) -> AbstractContextManager[None]:
        """Give the ids that are asked for inside in one transaction, which is over when the context is left."""

    # documents
    def add_run(self, state: RunState) -> int: ...
    def add_segment(self, segment: SegmentState) -> int: ...
    def run(self, run_key: str) -> RunState | None: ...
    def runs_by_key(self, run_keys: Collection[str]) -> dict[str, RunState]:
        """Return run key → document of those that exist, deleted ones too."""

    def runs_by_id(self, ids: Collection[int]) -> dict[int, RunState]: ...
    def find_run(self, entity: str, project: str, run_id: str) -> str | None:
        """Return the key of the run that is filed under these names, one that is not deleted first."""

    def run_ids(self, run_keys: Collection[str]) -> dict[str, tuple[int, int]]:
        """Return run key → (run id, project id) of those that exist and are not deleted."""

    def run_starts(self, ids: Collection[int]) -> dict[int, int]:
        """Return run id → start in unix microseconds."""

    def segment(self, segment: str) -> SegmentState | None: ...
    def segments(self, run_id: int | None = None) -> list[SegmentState]: ...
    def segments_of(self, run_ids: Collection[int]) -> list[SegmentState]:
        """Return the segments of several runs."""

    def positions(self) -> dict[str, Position]:
        """Return how far each segment is applied."""

    def stats(self, run_id: int, key_ids: Collection[int] | None = None) -> dict[int, SeriesStat]: ...
    def console(self, run_id: int) -> list[ConsoleSpan]: ...
    def lineage(self, run_ids: Collection[int]) -> Lineage:
        """Return the segments of runs, and those that they inherit."""

    def unsettled(self) -> list[str]:
        """Return the run keys of runs whose aggregates are still to be made anew."""

    def next_number(self, project_id: int) -> int: ...
    def running(self) -> list[str]:
        """Return the run keys of runs that have not ended."""

    # writing
    def apply(self, batches: Iterable[RunBatch], seen: Collection[int] = ()) -> int:
        """
        Write batches in one transaction and return the new sequence number.

        It is also that of the runs *seen*: nothing is written of them, but their points are back after a crash.
        """

    def forget_runs(self, ids: Collection[int]) -> None:
        """Take runs out of all tables. Their numbers are never given again."""

    def files_of(self, ids: Collection[int]) -> Counter[str]:
        """Return the SHA-256 of all bytes that runs declared or hold, and how often they do."""

    def unreferenced(self, names: Mapping[str, int]) -> set[str]:
        """Return those of *names* that all runs together declare or hold no more often than is said there."""

    def misplaced(self, places: Mapping[str, tuple[str, str]]) -> list[str]:
        """Return the keys of runs that are filed under another entity or project than *places* say."""

    def note_broken(self, run_key: str, segment: str, reason: str) -> None: ...
    def clear(self) -> None:
        """Forget everything and become a new index."""

    def close(self) -> None: ...
