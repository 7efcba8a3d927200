"""The line of a chart in plain Python: what the store's answers are compared with."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Logged:
    """One value as logged. ``life`` ranks lives of one writer in time; ``at`` ranks values within a life."""

    life: int
    at: int
    step: int
    ts: int
    val: float


def line(points: list[Logged], fences: dict[int, int]) -> list[Logged]:
    """Return the points that a chart draws, by step. ``fences``: life → from_step."""
    shown: dict[int, Logged] = {}
    for p in sorted(points, key=lambda p: (p.life, p.at)):
        hidden = any(life > p.life and p.step >= step for life, step in fences.items())
        if not hidden:
            shown[p.step] = p
    return [shown[step] for step in sorted(shown)]


def check_buckets(expected: list[Logged], x: np.ndarray, columns: object, to_x: object) -> None:
    """
    Check a bucketed answer against all its points.

    ``count`` cuts the expected line into pieces; each bucket's x, y, lo and hi have to be those of its piece.
    """
    count, y, lo, hi = columns.count, columns.y, columns.lo, columns.hi  # type: ignore[attr-defined]
    assert int(count.sum()) == len(expected)
    at = 0
    for i, n in enumerate(count.tolist()):
        piece = expected[at : at + n]
        at += n
        finite = [p.val for p in piece if math.isfinite(p.val)]
        assert x[i] == to_x(piece[-1])  # type: ignore[operator]
        if finite:
            assert (lo[i], hi[i], y[i]) == (min(finite), max(finite), finite[-1])
        else:
            assert math.isnan(lo[i])
            assert math.isnan(hi[i])
            assert math.isnan(y[i])
