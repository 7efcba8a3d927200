"""What the watch of alerts keeps of each project, run, rule and line that it judges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np

from .alert_judges import Judge, Turn
from .alert_log import Stand
from .alert_points import Meant
from .alert_rule_documents import AlertRule
from .columns import Array, Points
from .metadata import ProjectRef

__all__ = ["NO_STAND", "Event", "Place", "Watch", "WatchedLine", "WatchedProject", "WatchedRun"]

Place = tuple[int, int]  # key and writer: a line of a run

NO_STAND: Final = Stand("", -(1 << 62))


class Event(NamedTuple):
    """A turn of one line. ``is_live``: it was judged as it came, and not when the line was read again."""

    line: Place
    name: str
    turn: Turn
    is_live: bool


@dataclass(slots=True)
class WatchedLine:
    """
    One line, its judge, and how far of each segment it has judged.

    The clock of a machine that trains may be set back. Which alert is the later one is told by time, so to the judge
    the times of a line always grow, by a microsecond at least.
    """

    judge: Judge
    seen: dict[int, int] = field(default_factory=dict)
    last_us: int = -1

    def new(self, points: Points) -> tuple[Points, Array]:
        """Return the points that were not judged yet, and their growing times; note that they are."""
        keep = np.ones(len(points), np.bool_)
        for seg in np.unique(points.seg).tolist():
            mine = points.seg == seg
            seen = self.seen.get(seg)
            if seen is not None:
                keep &= ~mine | (points.off > seen)
            self.seen[seg] = max(seen or 0, int(points.off[mine].max()))
        points = points if bool(keep.all()) else points.take(keep)
        if not len(points):
            return points, points.ts
        places = np.arange(len(points))
        least = points.ts - places
        least[0] = max(int(least[0]), self.last_us + 1)
        times = np.maximum.accumulate(least) + places
        self.last_us = int(times[-1])
        return points, times

    def feed_few(
        self,
        segs: Sequence[int],
        offs: Sequence[int],
        steps: Sequence[int],
        values: Sequence[float],
        times_us: Sequence[int],
    ) -> list[Turn]:
        """Judge those of a few points that were not yet."""
        seen, last_us = self.seen, self.last_us
        before: dict[int, int] = {}
        times: list[int] = []
        new: list[int] = []
        for place, (seg, off, time_us) in enumerate(zip(segs, offs, times_us, strict=True)):
            known = before.get(seg)
            if known is None:
                known = before[seg] = seen.get(seg, -1)
            if off <= known:
                continue
            last_us = max(time_us, last_us + 1)
            times.append(last_us)
            new.append(place)
            if off > seen.get(seg, -1):
                seen[seg] = off
        self.last_us = last_us
        if len(new) < len(segs):
            steps, values = [steps[place] for place in new], [values[place] for place in new]
        return self.judge.feed_few(steps, values, times)


@dataclass(slots=True)
class Watch:
    """A rule that watches a run. ``began``: its lines were read whole."""

    rule: AlertRule
    matches: bool = False
    lines: dict[Place, WatchedLine] = field(default_factory=dict)
    firing: dict[Place, Event] = field(default_factory=dict)
    stand: Stand = NO_STAND
    began: bool = False


@dataclass(slots=True)
class WatchedRun:
    """
    A run that is watched.

    Attributes:
        asked_s: when its filters were asked.
        skew_us: by how much its machine's clock is behind ours, as far as that shows; 0 within a minute.
    """

    id: int
    key: str
    name: str
    state: str
    ended_ns: int | None
    watches: dict[str, Watch] = field(default_factory=dict)
    asked_s: float = -1e9
    skew_us: int = 0


@dataclass(slots=True)
class WatchedProject:
    """A project with rules. ``meant``: per rule the logged keys that it watches."""

    ref: ProjectRef
    rules: dict[str, AlertRule]
    meant: dict[str, dict[int, Meant]] = field(default_factory=dict)
    keys_made: int = -1
    corrections: int = -1
    runs: dict[str, WatchedRun] = field(default_factory=dict)
    by_id: dict[int, WatchedRun] = field(default_factory=dict)
    again_ns: int = 0  # after a failure: not before
