"""
Counting what the server does, for Prometheus.

Names of routes are their templates, so that no run's key and no user's name becomes a label.
"""

from __future__ import annotations

import os
import threading
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Histogram", "Meter", "MeterRequests", "exposition", "resident_bytes"]

_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_APPEND: Final = "/api/1/segments/{segment}"


class Histogram:
    """Counts of durations up to fixed bounds, as Prometheus wants them."""

    def __init__(self, bounds: Iterable[float] = _SECONDS) -> None:
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(self.bounds) + 1)
        self.sum = 0.0

    def add(self, seconds: float) -> None:
        """Count one."""
        self.counts[bisect_left(self.bounds, seconds)] += 1
        self.sum += seconds


class Meter:
    """The counters of one server process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.requests: Counter[tuple[str, str, int]] = Counter()
        self.append_s = Histogram()
        self.request_s = Histogram()

    def note(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request."""
        with self._lock:
            self.requests[method, route, status] += 1
            (self.append_s if route == _APPEND else self.request_s).add(seconds)


class MeterRequests:
    """ASGI layer that counts each request when its reply has been sent; a stream counts when it ends."""

    def __init__(self, app: ASGIApp, meter: Meter) -> None:
        self.app = app
        self._meter = meter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begin = time.perf_counter()
        status = 0

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, watch)
        finally:
            route = getattr(scope.get("route"), "path", "") or "(none)"
            method = scope["method"] if scope["method"] in _METHODS else "(other)"
            self._meter.note(method, route, status, time.perf_counter() - begin)


_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PATCH", "PUT", "DELETE", "OPTIONS"})


def exposition(
    families: Iterable[tuple[str, str, str, Mapping[tuple[tuple[str, str], ...], float] | Histogram]],
) -> str:
    """Return families (name, type, help, samples by labels) in Prometheus' text format."""
    lines: list[str] = []
    for name, kind, about, samples in families:
        lines += [f"# HELP {name} {about}", f"# TYPE {name} {kind}"]
        if isinstance(samples, Histogram):
            total = 0
            for bound, count in zip((*samples.bounds, float("inf")), samples.counts, strict=True):
                total += count
                lines.append(f'{name}_bucket{{le="{"+Inf" if bound == float("inf") else bound}"}} {total}')
            lines += [f"{name}_sum {samples.sum:.6f}", f"{name}_count {total}"]
            continue
        for labels, value in samples.items():
            inside = ",".join(f'{key}="{_escape(text)}"' for key, text in labels)
            lines.append(f"{name}{f'{{{inside}}}' if inside else ''} {_number(value)}")
    return "\n".join(lines) + "\n"


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: Any) -> str:
    return str(int(value)) if float(value).is_integer() else f"{value:.6f}"


def resident_bytes() -> int:
    """Return the memory that this process holds; 0 where that cannot be read."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")
