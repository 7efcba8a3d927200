"""Hours of a day in which a channel is left alone."""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from treering.errors import InvalidValue

__all__ = ["Quiet"]

_CLOCK: Final = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")


class Quiet(msgspec.Struct, frozen=True):
    """
    From ``begin`` to ``end``, over midnight if the end is earlier.

    Attributes:
        begin, end: ``HH:MM`` on the clocks of ``zone``.
        zone: name in the IANA database, such as ``Europe/Berlin``.
        days: on which a span begins, 0 for Monday; all if empty.
        urgent: alerts of level ERROR come anyway.
    """

    begin: str
    end: str
    zone: str = "UTC"
    days: tuple[int, ...] = ()
    urgent: bool = True

    def check(self) -> None:
        """Raise InvalidValue if there are no such hours."""
        for name, text in (("begin", self.begin), ("end", self.end)):
            if not _CLOCK.fullmatch(text):
                raise InvalidValue(f"quiet hours: {name} is a time such as 22:00, got {text!r:.40}.")
        if self.begin == self.end:
            raise InvalidValue("quiet hours: begin and end are the same. To be told nothing, turn the channel off.")
        if any(not 0 <= day <= 6 for day in self.days) or len(set(self.days)) < len(self.days):
            raise InvalidValue("quiet hours: days are 0 (Monday) to 6 (Sunday), each once.")
        self._zone()

    def _zone(self) -> ZoneInfo:
        try:
            return ZoneInfo(self.zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise InvalidValue(
                f"quiet hours: there is no time zone {self.zone!r:.60}; one is called Europe/Berlin, say."
            ) from None

    def until(self, now_s: float) -> float | None:
        """Return when the quiet hours end that it is now, in unix seconds; None if it is none of them."""
        zone = self._zone()
        now = datetime.fromtimestamp(now_s, zone)
        for days_ago in (0, 1):
            day = (now - timedelta(days=days_ago)).date()
            if self.days and day.weekday() not in self.days:
                continue
            begin = datetime.combine(day, _clock(self.begin), zone)
            end = datetime.combine(day, _clock(self.end), zone)
            if self.end < self.begin:
                end = datetime.combine(day + timedelta(days=1), _clock(self.end), zone)
            # As unix time: an hour that a change of clocks repeats or leaves out is then no matter.
            if begin.timestamp() <= now_s < end.timestamp():
                return end.timestamp()
        return None


def _clock(text: str) -> time:
    found = _CLOCK.fullmatch(text)
    assert found is not None
    return time(int(found.group(1)), int(found.group(2)))
