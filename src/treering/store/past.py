"""What an earlier life left, for a process that resumes the run on another machine."""

from __future__ import annotations

import msgspec
import numpy as np

from .columns import ints
from .liveness import end_of, newest_life
from .metadata import MetadataStore
from .metrics import MetricStore
from .model import Past
from .state import RunState, SegmentState

__all__ = ["past_at", "read_past"]


def read_past(state: RunState, segments: list[SegmentState], writer: str) -> Past:
    """Return how far the lives of *writer* came, and what the run says."""
    mine = [s for s in segments if s.writer == writer]
    newest = newest_life(state, writer)
    end = None if newest is None else end_of(state, newest)
    begun = {s.life: s.life_created_ns for s in mine if s.from_step == 0}
    return Past(
        last_step=_reached(mine),
        config=state.config,
        summary=state.summary,
        defines=state.defines,
        meta=state.meta,
        end_state=None if end is None else str(end[0].get("state", "finished")),
        lives=len({s.life for s in mine}),
        newest_created_ns=max((s.life_created_ns for s in segments if s.writer != "server"), default=0),
        restarts=sorted(begun.values()),
    )


def _reached(segments: list[SegmentState]) -> int | None:
    """Return the last step that one writer's lives show together: a life may hide steps of those before it."""
    reached: int | None = None
    life = ""
    for s in sorted(segments, key=lambda s: (s.life_created_ns, s.life, s.life_index)):
        if s.life != life and s.from_step is not None and reached is not None:
            reached = min(reached, s.from_step - 1) if s.from_step > 0 else None
        life = s.life
        if s.last_step is not None:
            reached = s.last_step if reached is None else max(reached, s.last_step)
    return reached


# Behind a step, as far as is looked for the row that follows it.
_STEPS_BEHIND = 10_000


def past_at(past: Past, metadata: MetadataStore, metrics: MetricStore, state: RunState, step: int) -> Past:
    """Return what a run said when *step* was its last one: changes of its configuration after that are taken back."""
    behind_us = _first_time_behind(metrics, state, step)
    before = {
        name: value
        for time_ns, name, value, _ in reversed(state.config_changes)
        if behind_us is not None and time_ns // 1000 >= behind_us
    }
    return msgspec.structs.replace(past, last_step=step, config={**state.config, **before})


def _first_time_behind(metrics: MetricStore, state: RunState, step: int) -> int | None:
    """Return when the first row behind a step was logged, in microseconds; None for never."""
    run = np.array([state.id], np.int32)
    with metrics.view(state.project_id) as view:
        spans, _ = view.spans(None, run)
        spans = spans.take(spans.last_step > step)
        whole = spans.take(spans.first_step > step)
        times = whole.min_ts.tolist()
        across = spans.take(spans.first_step <= step)
        if len(across):
            key = across.key[np.argmax(across.n)]
            points = view.points(ints([int(key)]), run, steps=(step + 1, step + _STEPS_BEHIND), columns=_COLUMNS)
            times += points.ts.tolist()
    return min(times, default=None)


_COLUMNS = ("run", "key", "step", "ts")
