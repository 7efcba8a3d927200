"""All that is asked of the processes of a distributed job: what the routes of ``processes`` ask a store for."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection

import msgspec
import numpy as np

from treering.errors import InvalidValue

from .charts import AXES
from .columns import Spans, ints
from .findings import Finding, find
from .heatmap import Heatmap, HeatmapRequest, read_heatmap
from .metadata import MetadataStore
from .metrics import MetricStore
from .model import SeriesColumns, SeriesRequest
from .process_console import ProcessConsole, ProcessConsoleQuery, read_process_console
from .process_series import ProcessSeriesRequest, read_process_series
from .processes import Attempt, Job, Process, ProcessKey, Where, describe, find_job, is_process
from .segments import SegmentStore

__all__ = ["Distributed", "Processes"]


class Processes(msgspec.Struct, frozen=True):
    """
    The processes of a job by rank, their attempts, what they log, and what stands out.

    ``truncated``: there are more than are here.
    """

    processes: list[Process]
    attempts: list[Attempt]
    keys: list[ProcessKey]
    findings: list[Finding]
    truncated: bool


class Distributed:
    """
    Questions about the processes of one run, or of the runs of a group. Methods may be called from any thread.

    *refill* makes sure that the points of some runs (by id) are all there after a crash.

    Raises, where a method takes them: RunNotFound, ProjectNotFound, InvalidValue, LimitExceeded.
    """

    def __init__(
        self,
        metadata: MetadataStore,
        metrics: MetricStore,
        segments: SegmentStore,
        refill: Callable[[Collection[int]], None],
        clock_ns: Callable[[], int],
    ) -> None:
        self._metadata = metadata
        self._metrics = metrics
        self._segments = segments
        self._refill = refill
        self._clock_ns = clock_ns

    def _job(self, where: Where, processes: Collection[str] | None = None) -> Job:
        job = find_job(self._metadata, where).narrowed(processes)
        self._refill(list(job.states))
        return job

    def processes(self, where: Where) -> Processes:
        """Return the processes and what there is to say of them."""
        job = self._job(where)
        with self._metrics.view(job.project.id) as view:
            spans = self._shown_keys(job, view.spans(None, ints(job.states))[0])
            processes, attempts, keys = describe(self._metadata, job, spans, self._clock_ns())
            findings = find(self._metadata, view, job, spans, processes, attempts, keys)
        return Processes(processes, attempts, keys, findings, job.truncated)

    def _shown_keys(self, job: Job, spans: Spans) -> Spans:
        """Return spans of all series under the keys that corrections show them as, without those that they hide."""
        overlay = self._metadata.overlay(job.project.id)
        if overlay is None or not len(spans):
            return spans
        spans = spans.take(~np.isin(spans.key, ints(overlay.hidden)))
        logged, place = np.unique(spans.key, return_inverse=True)
        shown = np.array([overlay.number_of.get(key, key) for key in logged.tolist()], np.int32)
        return dataclasses.replace(spans, key=shown[place]) if len(spans) else spans

    def series(
        self, where: Where, request: ProcessSeriesRequest, processes: Collection[str] | None = None
    ) -> list[SeriesColumns]:
        """Return lines of all processes, or of some by their ids."""
        return read_process_series(self._metadata, self._metrics, self._job(where, processes), request)

    def lines_of_runs(self, request: SeriesRequest) -> tuple[SeriesRequest, list[SeriesColumns]]:
        """
        Draw the processes of those of a chart's runs that have several; ``ranks`` says how.

        Returns the request of what is left to be drawn, each run by its own line, and the lines.
        """
        if request.x not in AXES:
            raise InvalidValue(f"ranks are drawn over {', '.join(AXES)}, not over {request.x!r}; ask for ranks: main.")
        form = ProcessSeriesRequest(request.keys, request.x, request.range, request.buckets, request.ranks)
        found: list[SeriesColumns] = []
        several = self._runs_of_several(request.runs or [])
        for run_key in several:
            lines = read_process_series(self._metadata, self._metrics, self._job(Where(run=run_key)), form)
            found += [msgspec.structs.replace(line, group=None) for line in lines]  # they are the run's
        left = [run_key for run_key in request.runs or [] if run_key not in several]
        return msgspec.structs.replace(request, runs=left, ranks="main"), found

    def _runs_of_several(self, run_keys: Collection[str]) -> list[str]:
        ids = self._metadata.run_ids(run_keys)
        labels: dict[int, set[str]] = {}
        for segment in self._metadata.segments_of([number for number, _ in ids.values()]):
            if is_process(segment.writer):
                labels.setdefault(segment.run, set()).add(segment.writer)
        return [key for key, (number, _) in ids.items() if len(labels.get(number, ())) > 1]

    def heatmap(self, where: Where, request: HeatmapRequest, processes: Collection[str] | None = None) -> Heatmap:
        """Return one metric as processes × steps or time."""
        return read_heatmap(self._metadata, self._metrics, self._job(where, processes), request)

    def console(
        self, where: Where, query: ProcessConsoleQuery, processes: Collection[str] | None = None
    ) -> ProcessConsole:
        """Return what the processes printed, by time."""
        return read_process_console(self._metadata, self._segments, self._job(where, processes), query)
