"""What an earlier life left, for a process that resumes the run on another machine."""

from __future__ import annotations

from .liveness import end_of, newest_life
from .model import Past
from .state import RunState, SegmentState

__all__ = ["read_past"]


def read_past(state: RunState, segments: list[SegmentState], writer: str) -> Past:
    """Return how far the lives of *writer* came, and what the run says."""
    mine = [s for s in segments if s.writer == writer]
    steps = [s.last_step for s in mine if s.last_step is not None]
    newest = newest_life(state, writer)
    end = None if newest is None else end_of(state, newest)
    begun = {s.life: s.life_created_ns for s in mine if s.from_step == 0}
    return Past(
        last_step=max(steps, default=None),
        config=state.config,
        summary=state.summary,
        defines=state.defines,
        meta=state.meta,
        end_state=None if end is None else str(end[0].get("state", "finished")),
        lives=len({s.life for s in mine}),
        newest_created_ns=max((s.life_created_ns for s in segments if s.writer != "server"), default=0),
        restarts=sorted(begun.values()),
    )
