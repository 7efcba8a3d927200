"""What treering prints: a banner when a run begins, a block when it ends, each warning once. Always on stderr."""

from __future__ import annotations

import contextlib
import math
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final

__all__ = ["Terminal", "duration", "number", "sparkline"]

_BARS: Final = "▁▂▃▄▅▆▇█"
_SPARK_CHARS: Final = 40
_WARNINGS_MAX: Final = 1_000  # different ones remembered; beyond, nothing more is printed


class Terminal:
    """Prints lines that begin with ``treering:``; a closed or broken stderr is no error."""

    def __init__(self, silent: bool = False) -> None:
        self.silent = silent
        self._said: set[str] = set()

    def say(self, text: str) -> None:
        """Print one message."""
        if self.silent or sys.stderr is None:
            return
        with contextlib.suppress(OSError, ValueError):
            encoding = getattr(sys.stderr, "encoding", None) or "utf-8"
            line = f"treering: {text}\n"
            sys.stderr.write(line.encode(encoding, "replace").decode(encoding))
            sys.stderr.flush()

    def warn_once(self, subject: str, text: str) -> None:
        """Print *text* unless a warning about the same subject was printed before."""
        if subject in self._said or len(self._said) >= _WARNINGS_MAX:
            return
        self._said.add(subject)
        self.say(text)


def sparkline(values: Sequence[float], width: int = _SPARK_CHARS) -> str:
    """
    Return *values* as a line of at most *width* block characters, scaled between their least and greatest.

    Each character shows the mean of its share of the values. NaN and ±inf are shown as ``·`` when a share has nothing
    else.
    """
    if not values:
        return ""
    shares = min(width, len(values))
    means: list[float] = []
    for i in range(shares):
        share = values[i * len(values) // shares : (i + 1) * len(values) // shares]
        finite = [float(value) for value in share if math.isfinite(value)]
        means.append(math.fsum(finite) / len(finite) if finite else math.nan)
    known = [mean for mean in means if not math.isnan(mean)]
    if not known:
        return "·" * shares
    low, high = min(known), max(known)
    span = high - low
    if not span or math.isinf(span):
        return "".join("·" if math.isnan(mean) else _BARS[0] for mean in means)
    top = len(_BARS) - 1
    return "".join("·" if math.isnan(mean) else _BARS[round((mean - low) / span * top)] for mean in means)


def number(value: Any) -> str:
    """Return a value for people: five significant digits for a float, text cut at 40 characters."""
    if isinstance(value, float):
        return f"{value:.5g}"
    text = value["_type"] if isinstance(value, dict) and "_type" in value else str(value)
    return text if len(text) <= 40 else text[:39] + "…"


def duration(seconds: float) -> str:
    """Return seconds as ``850 ms``, ``4.2 s``, ``3 m 05 s`` or ``2 h 07 m``."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} m {rest:02d} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} m"


def end_block(
    name: str,
    state: str,
    runtime_s: float,
    lines: Mapping[str, Sequence[float]],
    summary: Mapping[str, Any],
    where: str,
) -> list[str]:
    """Return the lines printed when a run ends: a sparkline and last value per metric, at most ten of them."""
    keys = [key for key in summary if not key.startswith("system/")]
    shown = keys[:10]
    width = max((len(key) for key in shown), default=0)
    block = [f"run {name} {state} after {duration(runtime_s)}"]
    for key in shown:
        spark = sparkline(lines.get(key, ()))
        block.append(f"  {key:<{width}}  {spark:<{_SPARK_CHARS}}  {number(summary[key])}")
    if len(keys) > len(shown):
        block.append(f"  and {len(keys) - len(shown)} more")
    block.append(where)
    return block
