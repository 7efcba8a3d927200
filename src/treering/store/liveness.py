"""Whether a writer process is alive, and what state that gives its run."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable
from enum import IntEnum
from functools import lru_cache
from typing import Any, Final

import psutil

from treering.limits import CRASHED_AFTER_S

from .state import Life, RunState


class Sight(IntEnum):
    """What it means that a record is read now."""

    OLD = 0  # nothing: it may have lain there for a year
    ARRIVED = 1  # it came over the network just now, from a live process or from a sync of an old run
    LIVE = 2  # it was written just now


END_STATES = frozenset({"finished", "failed", "killed", "preempted", "crashed"})


@lru_cache(1)
def this_machine() -> tuple[str, str]:
    """Return (host name, boot id); the boot id is empty where the system has none."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            boot = file.read().strip()
    except OSError:
        boot = ""
    return platform.node(), boot


def process_lives(life: Life) -> bool:
    """Return whether the process of *life* runs on this machine: same boot, same pid, same start."""
    host, boot = this_machine()
    if life.pid is None or life.host != host or (life.boot_id or "") != boot:
        return False
    started, zombie = _process(life.pid)
    return started is not None and not zombie and (not life.start_time or started == life.start_time)


def _process(pid: int) -> tuple[float | None, bool]:
    """Return (start, is a zombie); the start as run logs have it: clock ticks since boot, elsewhere unix seconds."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
        return float(fields[19]), fields[0] == b"Z"
    except (OSError, IndexError, ValueError):
        pass
    if os.path.isdir("/proc/self"):
        return None, False
    try:
        process = psutil.Process(pid)
        return float(process.create_time()), process.status() == psutil.STATUS_ZOMBIE
    except psutil.Error:
        return None, False


# An arrival is compared with one at least so old; a sync of an old run brings hours of records in that time.
_PACE_S: Final = 5.0
_PACE_SLACK: Final = 0.3


def is_fresh(life: Life, time_ns: int, now_ns: int) -> bool:
    """
    Return whether a record of *life*, arrived now and written at *time_ns* by its own clock, shows that it lives.

    A clock may be a day off, so its time alone says nothing. What shows it: the time is about now; or it advances as
    our clock does between arrivals. So a life with a wrong clock is believed after a few seconds, and an old run that
    is synced later never. Notes the arrival in *life*.
    """
    if abs(now_ns - time_ns) < CRASHED_AFTER_S * 1e9:
        return True
    heard_ns, told_ns = life.heard_ns, life.told_ns
    if not heard_ns:
        life.heard_ns, life.told_ns = now_ns, time_ns
        return False
    heard_s, told_s = (now_ns - heard_ns) / 1e9, (time_ns - told_ns) / 1e9
    if heard_s < _PACE_S:
        return life.paced
    life.heard_ns, life.told_ns = now_ns, max(time_ns, told_ns)
    life.paced = abs(told_s - heard_s) <= _PACE_SLACK * heard_s + 2.0
    return life.paced


def label_of(writer: str) -> str:
    """Return whose process a writer label is about: an uploader's ``system`` segment speaks for its parent."""
    if writer == "system":
        return ""
    return writer.removeprefix("system/")


def newest_life(run: RunState, label: str) -> Life | None:
    """Return the latest life of the writers that speak for *label*."""
    lives = [life for life in run.lives.values() if life.writer == label]
    return max(lives, key=lambda life: life.created_ns, default=None)


def deciding_life(run: RunState) -> Life | None:
    """Return the life whose fate is the run's: the newest of the main writer, else of any training process."""
    main = newest_life(run, "")
    if main is not None:
        return main
    others = [life for life in run.lives.values() if life.writer not in ("server", "system")]
    return max(others or run.lives.values(), key=lambda life: life.created_ns, default=None)


def end_of(run: RunState, life: Life) -> tuple[dict[str, Any], int] | None:
    """
    Return (body, unix nanoseconds) of the end of *life*; None while it goes on.

    What a process says of its own end counts more than what its uploader saw from outside. The two stand in different
    segments, which may be read in any order.
    """
    if life.end is not None:
        return life.end, life.end_ns or 0
    for other in run.lives.values():
        if other.of is not None and other.end is not None and run.lives.get(other.of) is life:
            return other.end, other.end_ns or 0
    return None


def _end_state(body: dict[str, Any]) -> str:
    state = str(body.get("state", "finished"))
    return state if state in END_STATES else "finished"


def state_of_life(run: RunState, life: Life | None, now_ns: int, *, sealed: bool) -> str:
    """Return the state of one writer whose newest life this is; *sealed*: all its files are closed."""
    if life is None:
        return "crashed"
    end = end_of(run, life)
    if end is not None:
        return _end_state(end[0])
    if sealed or life.writer == "server":
        return "finished"
    return "running" if now_ns - life.beat_ns < CRASHED_AFTER_S * 1e9 or process_lives(life) else "crashed"


def state_of(run: RunState, now_ns: int, lives: Callable[[Life], bool] = process_lives) -> tuple[str, int | None]:
    """Return (state, end in unix nanoseconds) of *run*. ``crashed`` is soft: a later sign of life takes it back."""
    life = deciding_life(run)
    if life is None:
        return "crashed", run.activity_ns
    end = end_of(run, life)
    if end is not None:
        return _end_state(end[0]), end[1]
    # Server time only: a client's clock may be a day off.
    if now_ns - life.beat_ns < CRASHED_AFTER_S * 1e9 or lives(life):
        return "running", None
    marked = run.lives.get(str(run.facts.get("preempting"))) is life
    return "preempted" if marked else "crashed", max(life.beat_ns, run.activity_ns)
