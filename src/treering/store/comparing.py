"""All that looks at several runs at once: what the routes of ``compare`` ask a store for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import BoundedSemaphore
from typing import Final

from treering.errors import LimitExceeded, ProjectNotFound, RunNotFound

from .blobs import FileBlobs
from .changed import Changed, read_changed
from .code_comparison import CodeComparison, compare_code
from .comparison import Comparison, Inputs, compare_runs
from .console_comparison import ConsoleComparison, compare_console
from .export import Format, export_table
from .importance import Importance, read_importance
from .matrix import ColumnList, Matrix, list_columns, read_matrix
from .metadata import MetadataStore, ProjectRef
from .model import Column, Run, RunQuery, Selection
from .pivot import Pivot, read_pivot
from .run_columns import PointSource
from .seeds import Seeds, read_seeds
from .segments import SegmentStore
from .state import RunState
from .two_sets import Question, Statistics, compare_sets

__all__ = ["Comparing"]

_TURN_S: Final = 20.0  # that a question waits for those before it


class Comparing:
    """
    Questions over several runs. All methods may be called from any thread; what each returns stands with its type.

    Raises, where a method takes them: ProjectNotFound, RunNotFound, FilterError, InvalidValue, LimitExceeded.
    """

    def __init__(
        self,
        metadata: MetadataStore,
        segments: SegmentStore,
        blobs: FileBlobs,
        points: PointSource,
        read_run: Callable[[str], Run],
        scratch: Path,
    ) -> None:
        self._metadata = metadata
        self._segments = segments
        self._blobs = blobs
        self._points = points
        self._read_run = read_run
        self._scratch = scratch
        self._slow = BoundedSemaphore(1)

    def _project(self, entity: str, project: str) -> ProjectRef:
        found = self._metadata.find_project(entity, project)
        if found is None:
            raise ProjectNotFound(f"there is no project {entity}/{project}.")
        return found

    def _state(self, run_key: str) -> RunState:
        state = self._metadata.run(run_key)
        if state is None or state.deleted:
            raise RunNotFound(f"there is no run {run_key!r}.")
        return state

    @contextmanager
    def _one_at_a_time(self) -> Iterator[None]:
        """What takes seconds of computing takes turns, so that it leaves the interpreter to whatever else needs it."""
        if not self._slow.acquire(timeout=_TURN_S):
            raise LimitExceeded("other comparisons are being computed, and take long; try again.")
        try:
            yield
        finally:
            self._slow.release()

    # ── over the runs of a project ──────────────────────────────────────────────────────────────────────────────

    def matrix(self, selection: Selection, columns: Sequence[Column], limit: int) -> Matrix:
        """Return columns over the runs that are meant."""
        project = self._project(selection.entity, selection.project)
        return read_matrix(self._metadata, project, selection, columns, limit, self._points)

    def columns(self, selection: Selection) -> ColumnList:
        """Return the columns that the runs have, the most varying first."""
        return list_columns(self._metadata, self._project(selection.entity, selection.project), selection)

    def pivot(
        self, selection: Selection, rows: Sequence[str], columns: Sequence[str], value: Column, goal: str | None
    ) -> Pivot:
        """Return a pivot table."""
        project = self._project(selection.entity, selection.project)
        return read_pivot(self._metadata, project, selection, rows, columns, value, goal, self._points)

    def export(self, query: RunQuery, file_format: Format) -> Iterator[bytes]:
        """Return the table of a query as a file, in pieces; ``offset`` and ``limit`` do not count."""
        project = self._project(query.entity, query.project)
        return export_table(self._metadata, project, query, file_format, self._points, self._scratch)

    # ── a few runs ──────────────────────────────────────────────────────────────────────────────────────────────

    def compare(self, run_keys: Sequence[str], sections: Sequence[str] | None = None) -> Comparison:
        """Return runs side by side."""
        runs = [self._read_run(key) for key in run_keys]
        inputs = [Inputs(self._metadata, self._blobs, self._state(key)) for key in run_keys]
        return compare_runs(runs, inputs, sections)

    def compare_code(self, a: str, b: str) -> CodeComparison:
        """Return how the code of two runs differs."""
        with self._one_at_a_time():
            return compare_code(self._metadata, self._blobs, self._state(a), self._state(b))

    def compare_console(self, a: str, b: str) -> ConsoleComparison:
        """Return how the output of two runs differs."""
        with self._one_at_a_time():
            return compare_console(self._metadata, self._segments, self._state(a), self._state(b))

    def changed(self, run_key: str, earlier: str | None = None, *, alone: bool = False) -> Changed:
        """Return what changed since an earlier run; *alone*: the asker may see no other than these."""
        before = None if earlier is None else self._state(earlier)
        with self._one_at_a_time():
            return read_changed(self._metadata, self._blobs, self._state(run_key), before, alone=alone)

    # ── statistics ──────────────────────────────────────────────────────────────────────────────────────────────

    def seeds(
        self,
        selection: Selection,
        metric: Column,
        goal: str | None = None,
        ignore: Sequence[str] | None = None,
        confidence: float = 0.95,
    ) -> Seeds:
        """Return runs that are equal but for their seeds, as groups, ranked."""
        project = self._project(selection.entity, selection.project)
        return read_seeds(self._metadata, project, selection, metric, goal, ignore, confidence, self._points)

    def statistics(self, question: Question) -> Statistics:
        """Return whether two sets of runs differ."""
        return compare_sets(self._metadata, question, self._points)

    def importance(
        self,
        selection: Selection,
        metric: Column,
        params: Sequence[str] | None = None,
        method: str = "auto",
        goal: str | None = None,
    ) -> Importance:
        """Return how much each parameter decides about a metric. Raises MissingExtra too."""
        project = self._project(selection.entity, selection.project)
        with self._one_at_a_time():
            return read_importance(self._metadata, project, selection, metric, params, method, goal, self._points)
