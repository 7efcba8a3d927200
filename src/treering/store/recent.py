"""
What charts have read of parts lately.

Whoever watches a training asks for the same lines every few seconds: with new ends, or panned a little. A part never
changes, so what was read of one holds as long as there is the part; only new parts and the tail are read anew.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Collection, Hashable
from typing import Final

from .columns import Points

# A dashboard of 20 runs x 6 metrics x 10,000 steps is 29 MB.
BUDGET_BYTES: Final = 32 * 1024 * 1024
# Of one selection in one part. A larger one is read within the asked range only, and not kept.
SELECTION_MAX_POINTS: Final = 131_072


class RecentPoints:
    """Selections of points, whole as they stand in a part; the least recently asked ones go. Thread-safe."""

    def __init__(self, budget_bytes: int = BUDGET_BYTES) -> None:
        self._budget_bytes = budget_bytes
        self._lock = threading.Lock()
        self._held: OrderedDict[tuple[str, Hashable], Points] = OrderedDict()
        self._size_bytes = 0

    def get(self, part: str, selection: Hashable) -> Points | None:
        """Return the points of *selection* in the part of that name, if they were read lately."""
        with self._lock:
            points = self._held.get((part, selection))
            if points is not None:
                self._held.move_to_end((part, selection))
            return points

    def put(self, part: str, selection: Hashable, points: Points) -> None:
        """Keep what was read."""
        with self._lock:
            if (part, selection) not in self._held:
                self._held[part, selection] = points
                self._size_bytes += _size_of(points)
            while self._size_bytes > self._budget_bytes:
                self._size_bytes -= _size_of(self._held.popitem(last=False)[1])

    def forget(self, parts: Collection[str]) -> None:
        """Drop what was read of parts that are gone."""
        with self._lock:
            for key in [key for key in self._held if key[0] in parts]:
                self._size_bytes -= _size_of(self._held.pop(key))


def _size_of(points: Points) -> int:
    """Return the bytes of memory; a column that was not read takes none."""
    return 200 + sum(column.nbytes for column in points.columns().values() if column.strides != (0,))
