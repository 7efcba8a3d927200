"""
Alerts that a training raises itself.

::

    if accuracy < 0.5:
        run.alert("accuracy is low", f"{accuracy:.2f} at epoch {epoch}", level="WARN", wait_duration=300)

An alert is a record in the run's log like any other; the server that sees it tells the project's channels.
"""

from __future__ import annotations

import math
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final

from treering.errors import InvalidValue
from treering.limits import (
    ALERT_TEXT_MAX_CHARS,
    ALERT_TITLE_MAX_CHARS,
    ALERT_TITLES_MAX,
    ALERT_WAIT_S,
    ALERTS_MAX_PER_RUN,
)
from treering.values import Warn, clean_text

from .redact import redact_source

__all__ = ["AlertLevel", "RaisedAlerts"]

_WAIT_MAX_S: Final = 366 * 86_400.0


class AlertLevel(StrEnum):
    """How bad it is. ``run.alert`` takes the names as well."""

    INFO = "INFO"
    WARN = "WARN"
    ERROR = "ERROR"


class RaisedAlerts:
    """What a process has raised: how often each title, and when last. Not thread-safe: the run's lock is held."""

    def __init__(self) -> None:
        self._last_s: dict[str, float] = {}
        self._held: dict[str, int] = {}
        self._count = 0

    def body(
        self, title: Any, text: Any, level: Any, wait_duration: Any, step: int | None, now_s: float, warn: Warn
    ) -> dict[str, Any] | None:
        """
        Return what to record; None while one of the same title was raised too short a time ago.

        Raises:
            InvalidValue: the title is empty, or *level* or *wait_duration* is none.
        """
        title = _clean(title, ALERT_TITLE_MAX_CHARS, "title", warn)
        if not title.strip():
            raise InvalidValue("run.alert(): it needs a title.")
        level, wait_s = _level(level), _wait_s(wait_duration)
        last_s = self._last_s.get(title)
        if last_s is not None and now_s - last_s < wait_s:
            self._held[title] = self._held.get(title, 0) + 1
            return None
        if self._count >= ALERTS_MAX_PER_RUN:
            warn("alerts", f"alert(): {ALERTS_MAX_PER_RUN:,} alerts were raised; further ones are left out.")
            return None
        self._count += 1
        if last_s is None and len(self._last_s) >= ALERT_TITLES_MAX:  # titles with numbers in them: the oldest goes
            oldest = min(self._last_s, key=self._last_s.__getitem__)
            del self._last_s[oldest]
            self._held.pop(oldest, None)
        self._last_s[title] = now_s
        said = _clean(text, ALERT_TEXT_MAX_CHARS, "text", warn)
        return {"title": title, "text": said, "level": level, "step": step, "repeats": self._held.pop(title, 0)}


def _clean(value: Any, most: int, what: str, warn: Warn) -> str:
    text: str = redact_source(clean_text(str(value)))[0]
    if len(text) > most:
        warn(f"alert {what}", f"alert(): the {what} is cut at {most:,} characters.")
    return text[:most]


def _level(level: Any) -> str:
    try:
        return AlertLevel(str(getattr(level, "value", level)).upper()).value
    except ValueError:
        raise InvalidValue(f"run.alert(): level is INFO, WARN or ERROR, got {level!r:.40}.") from None


def _wait_s(wait: Any) -> float:
    if wait is None:
        return ALERT_WAIT_S
    seconds = wait.total_seconds() if isinstance(wait, timedelta) else wait
    if not isinstance(seconds, (int, float)) or isinstance(seconds, bool) or not math.isfinite(seconds) or seconds < 0:
        raise InvalidValue(f"run.alert(): wait_duration is seconds or a timedelta, got {wait!r:.60}.")
    return min(float(seconds), _WAIT_MAX_S)
