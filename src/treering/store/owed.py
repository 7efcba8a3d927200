"""What a crash took from memory: segments whose points have to be read again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice

from .metadata import Position
from .metrics import Mark
from .segments import SegmentRef

__all__ = ["Owed"]


class Owed:
    """
    Run key → segments whose points were in the tail when the process was killed: charts lack what runs tell.

    Counted from any thread; changed by the one that ingests.
    """

    def __init__(self) -> None:
        self._segments: dict[str, set[str]] = {}

    def add(self, segments: Iterable[str], positions: Mapping[str, Position], marks: Mapping[int, Mark]) -> None:
        """Note those of *segments* whose metadata is further than their points."""
        for segment in segments:
            position = positions.get(segment)
            if position is not None and position.offset:
                mark = marks.get(position.id)
                if mark is None or mark.offset < position.offset:
                    self._segments.setdefault(position.run_key, set()).add(segment)

    def clear(self) -> None:
        """Nothing is owed."""
        self._segments.clear()

    def drop(self, key: str) -> None:
        """Nothing is owed of a run."""
        self._segments.pop(key, None)

    def settle(self, key: str, segment: str) -> None:
        """A segment was read again."""
        owed = self._segments.get(key)
        if owed is not None:
            owed.discard(segment)
            if not owed:
                del self._segments[key]

    def __contains__(self, key: object) -> bool:
        return key in self._segments

    def of(self, key: str) -> list[SegmentRef]:
        """Return what is owed of a run."""
        return [SegmentRef(key, segment) for segment in self._segments.get(key, ())]

    def first(self, most: int) -> list[SegmentRef]:
        """Return up to *most* of all."""
        every = (SegmentRef(key, segment) for key, segments in self._segments.items() for segment in segments)
        return list(islice(every, most))

    def count(self) -> int:
        """Return how many segments; from any thread."""
        return sum(map(len, list(self._segments.values())))
