"""
The metric store: points in, series out.

The life of a point: it is appended to the tail of its project; when a tail is large it becomes a *part* (Parquet
files: points sorted by key, run and step, rollups, spans); parts of similar size are merged. A reader takes a *view*,
which sees one set of parts and tail chunks whatever is flushed or merged meanwhile.

``append`` carries *marks*: how far each segment has been applied. A part keeps the marks of its points, so after a
crash ``marks()`` says where each segment has to be read again, and every point is stored exactly once.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager
from typing import Protocol

from .columns import Array, Items, Points, Rollups, Spans
from .tail import Mark

__all__ = ["Mark", "MetricStore", "MetricView"]


class MetricView(Protocol):
    """A consistent picture of one project. ``keys`` and ``runs`` are sorted int32 arrays; None means all."""

    def spans(self, keys: Array | None, runs: Array | None) -> tuple[Spans, Array]:
        """Return the spans of all series of *keys* × *runs*, and for each the number of the part it lies in."""

    def points(
        self,
        keys: Array | None,
        runs: Array | None,
        *,
        parts: Collection[int] | None = None,
        steps: tuple[int, int] | None = None,
        times: tuple[int, int] | None = None,
        segments: Collection[int] | None = None,
        columns: Collection[str] | None = None,
    ) -> Points:
        """
        Return points, in no order across parts, sorted by key, run and step within one.

        *steps* and *times* are inclusive bounds. *parts* are numbers as ``spans`` gives them. Columns not asked for
        may be 0; ``run``, ``key`` and ``step`` always have to be asked for.
        """

    def rollups(
        self,
        keys: Array,
        runs: Array,
        *,
        parts: Collection[int],
        shift: int,
        steps: tuple[int, int] | None = None,
        times: tuple[int, int] | None = None,
    ) -> Rollups:
        """Return, per series, the coarsest level that is not coarser than *shift*; rows that touch *steps*, *times*."""

    def items(self, keys: Array | None, runs: Array | None, *, segments: Collection[int] | None = None) -> Items:
        """Return text, media and big integers."""


class MetricStore(Protocol):
    """Keeps points and items of all projects. Thread-safe."""

    def marks(self) -> dict[int, Mark]:
        """Return how far each segment has been applied, including what only the tail holds."""

    def durable_marks(self) -> dict[int, Mark]:
        """Return how far each segment would still be applied after a crash."""

    def append(self, project: int, points: Points, items: Items, marks: Mapping[int, Mark]) -> None:
        """Add rows in logging order. May start a flush, and waits for one when the tail is beyond its budget."""

    def view(self, project: int) -> AbstractContextManager[MetricView]:
        """Return a consistent picture, valid until the context is left."""

    def merges_later(self) -> AbstractContextManager[None]:
        """Put merging off until the context is left: what a rebuild asks for."""

    def bound_replay(self) -> None:
        """Begin to flush where a crash would make the next start read very many segments again. Call it often."""

    def flush(self) -> None:
        """Make everything appended durable and merge what is due. Returns when that is done."""

    def forget_runs(self, projects: Collection[int], runs: Collection[int]) -> None:
        """Write anew whatever of *projects* holds points or items of *runs*, without them. Makes the tail durable."""

    def clear(self, index_id: str) -> None:
        """Forget everything; what follows belongs to the index *index_id*."""

    def close(self) -> None:
        """Stop background work. What was not flushed is read from the run log again at the next start."""
