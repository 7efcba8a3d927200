"""System metrics: what a record of the sampler says, as points."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np

from .rows import Out, Target, emit_values

__all__ = ["LATEST_NS", "Sample", "emit_system", "to_samples"]

LATEST_NS: Final = 1 << 62  # the year 2116; differences of two times still are int64


class Sample(NamedTuple):
    """One system metric over a window."""

    name: str
    time_ns: int
    off: int
    low: float
    mean: float
    high: float


def to_samples(time_ns: int, data: dict[str, Any], off: int) -> list[Sample]:
    """Return the samples of one record, ``[min, mean, max, n]`` per key. Raises TypeError, ValueError."""
    at = int(time_ns)
    if not -LATEST_NS < at < LATEST_NS:
        raise ValueError("a time beyond 62 bits")
    found: list[Sample] = []
    for name, value in data.items():
        if not isinstance(value, list):
            raise TypeError(f"{name[:80]!r} is no list of numbers but a {type(value).__name__}")
        found.append(Sample(name, at, off, *(float(v) for v in value[:3])))
    return found


def emit_system(samples: list[Sample], created_ns: int, target: Target, out: Out) -> None:
    """System metrics: their step is milliseconds since the run's start."""
    by_name: dict[str, list[Sample]] = {}
    for sample in samples:
        by_name.setdefault(sample.name, []).append(sample)
    ids = target.make_keys(dict.fromkeys(by_name, "system"))
    kinds = np.zeros(1, np.uint8)
    for name, mine in by_name.items():
        times = np.array([s.time_ns for s in mine], np.int64)
        steps = (times - created_ns) // 1_000_000
        offs = np.array([s.off for s in mine], np.int64)
        low, mean, high = (np.array([s[i] for s in mine], np.float64)[:, None] for i in (3, 4, 5))
        emit_values([ids[name]], steps, times // 1000, offs, mean, kinds, target, out, low, high)
