"""
Whether what a rule watches for is so, judged point by point.

A judge sees the points of one line of one run in the order in which they were logged and says when the condition
begins to hold and when it is over. It is given any number of points at a time; how they are cut into portions changes
nothing: a whole line is judged as arrays, the few points of a second one by one, which for them is twenty times faster.
It keeps a few numbers (a *change* the points of its window, at most ``ALERT_WINDOW_POINTS``).

A condition that holds is over only after ``clear_points`` good points in a row, at least five, so that a value that
trembles around a bound is one alert and not a hundred. A missing value is neither good nor bad, and so is NaN to
everything but ``not_finite``.
"""

from __future__ import annotations

import math
import operator
from array import array
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Protocol

import numpy as np

from treering.limits import ALERT_WINDOW_POINTS

from .alert_rules import (
    Change,
    NotFinite,
    OfMetric,
    Plateau,
    Silent,
    Threshold,
    Unusual,
    format_number,
    format_span,
)
from .columns import Array

__all__ = ["Judge", "Past", "Turn", "judge_of"]

_CLEAR_POINTS: Final = 5
_LEAST_PAST: Final = 3  # earlier runs that have to have a step
_BLOCK_POINTS: Final = 4_096
_SPARE_POINTS: Final = 64  # that have left a window go together


class Turn(NamedTuple):
    """The point at which a condition begins to hold or is over, and for the first what to say of it."""

    firing: bool
    step: int
    value: float
    time_us: int
    text: str


class Judge(Protocol):
    """Judges one line. ``is_firing``: the condition holds."""

    is_firing: bool

    def feed(self, steps: Array, values: Array, times_us: Array) -> list[Turn]:
        """Take points in the order in which they were logged; return what turned, in order."""

    def feed_few(self, steps: Sequence[int], values: Sequence[float], times_us: Sequence[int]) -> list[Turn]:
        """Do the same for a few points."""

    def wait(self, now_us: int) -> list[Turn]:
        """Say that the run is running and nothing came until now."""


@dataclass(frozen=True, slots=True)
class Past:
    """What earlier runs had: mean and standard deviation at sorted steps. NaN where too few of them have a point."""

    steps: Array
    mean: Array
    std: Array

    @classmethod
    def of_lines(cls, lines: list[tuple[Array, Array]]) -> Past:
        """Return the past that lines (sorted steps, finite values) make, each interpolated between its own points."""
        if len(lines) < _LEAST_PAST:
            return cls(np.empty(0, np.int64), np.empty(0), np.empty(0))
        steps = np.unique(np.concatenate([line[0] for line in lines]))
        values = np.full((len(lines), len(steps)), np.nan)
        for row, (at, value) in enumerate(lines):
            inside = (steps >= at[0]) & (steps <= at[-1])
            values[row, inside] = np.interp(steps[inside], at, value)
        here = np.isfinite(values)
        count = here.sum(0)
        filled = np.where(here, values, 0.0)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            mean = filled.sum(0) / count
            squares = np.where(here, (values - mean) ** 2, 0.0).sum(0)
            std = np.sqrt(squares / (count - 1))
        enough = count >= _LEAST_PAST
        return cls(steps, np.where(enough, mean, np.nan), np.where(enough, std, np.nan))

    def at(self, steps: Array) -> tuple[Array, Array]:
        """Return mean and standard deviation at *steps*: those of the nearest step at or before, else NaN."""
        nothing = np.full(len(steps), np.nan)
        if not len(self.steps):
            return nothing, nothing
        place = np.searchsorted(self.steps, steps, side="right") - 1
        known = (place >= 0) & (steps <= self.steps[-1])
        place = np.clip(place, 0, None)
        return np.where(known, self.mean[place], np.nan), np.where(known, self.std[place], np.nan)

    def at_one(self, step: int) -> tuple[float, float]:
        """Do the same for one step."""
        place = int(self.steps.searchsorted(step, side="right")) - 1
        if place < 0 or step > self.steps[-1]:
            return math.nan, math.nan
        return float(self.mean[place]), float(self.std[place])


def judge_of(condition: OfMetric, past: Past | None = None) -> Judge:
    """Return a judge that has seen nothing yet. *past* is what ``unusual`` compares with."""
    match condition:
        case Threshold():
            return _Threshold(condition)
        case Change():
            return _Change(condition)
        case Unusual():
            return _Unusual(condition, past or Past.of_lines([]))
        case NotFinite():
            return _NotFinite(condition)
        case Silent():
            return _Silent(condition)
        case Plateau():
            return _Plateau(condition)


class _Streak:
    """Base of judges that count bad and good values in a row."""

    def __init__(self, points: int) -> None:
        self.is_firing = False
        self._points = points
        self._clear_points = max(points, _CLEAR_POINTS)
        self._count = 0  # bad ones in a row, or good ones while it is firing

    def feed(self, steps: Array, values: Array, times_us: Array) -> list[Turn]:
        bad, good, text = self._judged(steps, values)
        turns: list[Turn] = []
        # In blocks: a value that trembles for a million points costs no more than a block for each turn.
        for block in range(0, len(steps), _BLOCK_POINTS):
            begin, end = block, min(block + _BLOCK_POINTS, len(steps))
            while begin < end:
                wanted, other = (good, bad) if self.is_firing else (bad, good)
                needed = self._clear_points if self.is_firing else self._points
                at = self._reach(wanted[begin:end], other[begin:end], needed)
                if at is None:
                    break
                at += begin
                self.is_firing, self._count, begin = not self.is_firing, 0, at + 1
                said = text(at) if self.is_firing else ""
                turns.append(Turn(self.is_firing, int(steps[at]), float(values[at]), int(times_us[at]), said))
        return turns

    def feed_few(self, steps: Sequence[int], values: Sequence[float], times_us: Sequence[int]) -> list[Turn]:
        turns: list[Turn] = []
        for step, value, time_us in zip(steps, values, times_us, strict=True):
            bad, good = self._is(step, value)
            if good if self.is_firing else bad:
                self._count += 1
            elif bad or good:
                self._count = 0
            if self._count < (self._clear_points if self.is_firing else self._points):
                continue
            said = "" if self.is_firing else self._said(step, value)
            self.is_firing, self._count = not self.is_firing, 0
            turns.append(Turn(self.is_firing, step, value, time_us, said))
        return turns

    def wait(self, now_us: int) -> list[Turn]:
        return []

    def _is(self, step: int, value: float) -> tuple[bool, bool]:
        """Return whether a value is bad, and whether it is good."""
        raise NotImplementedError

    def _said(self, step: int, value: float) -> str:
        """Say what is bad of the value that ``_is`` was asked about last."""
        raise NotImplementedError

    def _reach(self, wanted: Array, other: Array, needed: int) -> int | None:
        """Return where the count reaches *needed*; leave it as it is at the end if it does not."""
        if not wanted.any():
            self._count = 0 if other.any() else self._count
            return None
        # The count at a place is the wanted ones since the last other one; what is neither changes nothing.
        counts = np.cumsum(wanted)
        since = np.maximum.accumulate(np.where(other, counts, -1))
        in_a_row = np.where(since < 0, counts + self._count, counts - since)
        reached = np.flatnonzero(wanted & (in_a_row >= needed))
        if len(reached):
            return int(reached[0])
        self._count = int(in_a_row[-1])
        return None

    def _judged(self, steps: Array, values: Array) -> tuple[Array, Array, Callable[[int], str]]:
        """Return which values are bad, which are good, and how to say what is bad at a place."""
        raise NotImplementedError


_COMPARE: Final[dict[str, Callable[[Any, float], Any]]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}


class _Threshold(_Streak):
    def __init__(self, condition: Threshold) -> None:
        super().__init__(condition.points)
        upper = condition.op in (">", ">=")
        self._is_bad = _COMPARE[condition.op]
        self._is_clear = operator.le if upper else operator.ge
        self._bound = condition.value
        self._clear = condition.value if condition.clear is None else condition.clear
        side = {">": "above", ">=": "at or above", "<": "below", "<=": "at or below"}[condition.op]
        self._side = f"{side} {format_number(condition.value)}"

    def _judged(self, steps: Array, values: Array) -> tuple[Array, Array, Callable[[int], str]]:
        bad = self._is_bad(values, self._bound)
        good = ~bad & self._is_clear(values, self._clear)
        return bad, good, lambda at: self._said(0, values[at])

    def _is(self, step: int, value: float) -> tuple[bool, bool]:
        bad = self._is_bad(value, self._bound)
        return bad, not bad and self._is_clear(value, self._clear)

    def _said(self, step: int, value: float) -> str:
        return f"{format_number(value)}, {self._side}"


class _NotFinite(_Streak):
    def __init__(self, condition: NotFinite) -> None:
        super().__init__(condition.points)
        self._what = condition.what

    def _judged(self, steps: Array, values: Array) -> tuple[Array, Array, Callable[[int], str]]:
        nan, inf = np.isnan(values), np.isinf(values)
        bad = {"nan": nan, "inf": inf, "any": nan | inf}[self._what]
        return bad, ~(nan | inf), lambda at: format_number(values[at])

    def _is(self, step: int, value: float) -> tuple[bool, bool]:
        nan, inf = math.isnan(value), math.isinf(value)
        return (nan or inf) if self._what == "any" else nan if self._what == "nan" else inf, not (nan or inf)

    def _said(self, step: int, value: float) -> str:
        return format_number(value)


class _Change(_Streak):
    def __init__(self, condition: Change) -> None:
        super().__init__(condition.points)
        self._condition = condition
        # The last finite point of each cell of so many steps, by step: of a wide window not all points are kept, and
        # which are does not depend on the portions that they come in.
        self._cell_steps = max(1, condition.steps * 2 // ALERT_WINDOW_POINTS)
        self._steps = array("q")
        self._values = array("d")
        self._last_step: int | None = None
        self._found = math.nan

    def _judged(self, steps: Array, values: Array) -> tuple[Array, Array, Callable[[int], str]]:
        before = np.full(len(steps), np.nan)
        # Where steps go back, another attempt begins: it is compared with itself.
        earlier = steps[:1] if self._last_step is None else [self._last_step]
        back = np.flatnonzero(np.diff(steps, prepend=earlier) < 0).tolist()
        for begin, end in zip([0, *back], [*back, len(steps)], strict=True):
            if begin in back:
                self._steps, self._values = array("q"), array("d")
            if begin < end:
                before[begin:end] = self._before(steps[begin:end], values[begin:end])
        if len(steps):
            self._last_step = int(steps[-1])
        rule = self._condition
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            change = values - before
            size = change / np.abs(before) if rule.relative else change
        size = np.where(change == 0, 0.0, size)
        size = {"rise": size, "fall": -size, "any": np.abs(size)}[rule.direction]
        return size >= rule.by, size < rule.by, lambda at: self._moved(float(before[at]), float(values[at]))

    def _is(self, step: int, value: float) -> tuple[bool, bool]:
        before = self._found = self._before_one(step, value)
        change = value - before
        if not self._condition.relative or change == 0:
            size = change
        elif before == 0:
            size = math.nan if math.isnan(change) else math.copysign(math.inf, change)
        else:
            size = change / abs(before)
        if self._condition.direction != "rise":
            size = -size if self._condition.direction == "fall" else abs(size)
        return size >= self._condition.by, size < self._condition.by

    def _said(self, step: int, value: float) -> str:
        return self._moved(self._found, value)

    def _moved(self, before: float, value: float) -> str:
        verb = "rose" if value > before else "fell"
        within = f"within {self._condition.steps:,} steps"
        return f"{verb} from {format_number(before)} to {format_number(value)} {within}"

    def _before(self, steps: Array, values: Array) -> Array:
        """Return of each step the value a window earlier, NaN if there is none, and keep what later ones need."""
        finite = np.isfinite(values)
        known_steps = np.concatenate([np.frombuffer(self._steps, np.int64), steps[finite]])
        known_values = np.concatenate([np.frombuffer(self._values), values[finite]])
        if not len(known_steps):
            return np.full(len(steps), np.nan)
        cell = known_steps // self._cell_steps
        last = np.append(cell[1:] != cell[:-1], True)
        known_steps, known_values = known_steps[last], known_values[last]
        place = np.searchsorted(known_steps, steps - self._condition.steps, side="right") - 1
        found = np.where(place >= 0, known_values[np.clip(place, 0, None)], np.nan)
        first = int(np.searchsorted(known_steps, int(steps[-1]) - self._condition.steps, side="right")) - 1
        self._steps = array("q", known_steps[max(0, first) :].tobytes())
        self._values = array("d", known_values[max(0, first) :].tobytes())
        return found

    def _before_one(self, step: int, value: float) -> float:
        """Do the same for one point."""
        if self._last_step is not None and step < self._last_step:
            self._steps, self._values = array("q"), array("d")
        self._last_step = step
        steps, values = self._steps, self._values
        if math.isfinite(value):
            if steps and steps[-1] // self._cell_steps == step // self._cell_steps:
                steps[-1], values[-1] = step, value
            else:
                steps.append(step)
                values.append(value)
        place = bisect_right(steps, step - self._condition.steps) - 1
        if place < 0:
            return math.nan
        if place >= _SPARE_POINTS:
            del steps[:place], values[:place]
            place = 0
        return values[place]


class _Unusual(_Streak):
    def __init__(self, condition: Unusual, past: Past) -> None:
        super().__init__(condition.points)
        self._condition = condition
        self._past = past

    def _judged(self, steps: Array, values: Array) -> tuple[Array, Array, Callable[[int], str]]:
        mean, std = self._past.at(steps)
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            score = (values - mean) / np.where(std > 0, std, np.nan)
        rule = self._condition
        size = {"above": score, "below": -score, "any": np.abs(score)}[rule.side]
        return size >= rule.score, size < rule.score, lambda at: self._said(int(steps[at]), float(values[at]))

    def _is(self, step: int, value: float) -> tuple[bool, bool]:
        size, _, _ = self._score(step, value)
        if self._condition.side != "above":
            size = -size if self._condition.side == "below" else abs(size)
        return size >= self._condition.score, size < self._condition.score

    def _said(self, step: int, value: float) -> str:
        score, mean, std = self._score(step, value)
        usual = f"{format_number(mean)} ± {format_number(std)}"
        return f"{format_number(value)}, where earlier runs had {usual} ({format_number(score)} σ)"

    def _score(self, step: int, value: float) -> tuple[float, float, float]:
        mean, std = self._past.at_one(step)
        return (value - mean) / std if std > 0 else math.nan, mean, std


class _Silent:
    def __init__(self, condition: Silent) -> None:
        self.is_firing = False
        self._span_us = int(condition.seconds * 1e6)
        self._text = f"no new point for {format_span(condition.seconds)}"
        self._last: tuple[int, float, int] | None = None

    def feed(self, steps: Array, values: Array, times_us: Array) -> list[Turn]:
        turns: list[Turn] = []
        if not len(steps):
            return turns
        times = times_us if self._last is None else np.concatenate([[self._last[2]], times_us])
        newest = np.maximum.accumulate(times)
        skip = len(times) - len(times_us)  # what was known already
        quiet = np.flatnonzero(np.diff(newest) > self._span_us) + 1
        if self.is_firing:
            self.is_firing = False
            turns.append(Turn(False, int(steps[0]), float(values[0]), int(times_us[0]), ""))
            quiet = quiet[quiet != skip] if skip else quiet
        for place in quiet.tolist():
            at = place - skip
            step, value = (self._last or (0, 0.0, 0))[:2] if at == 0 else (int(steps[at - 1]), float(values[at - 1]))
            turns.append(Turn(True, step, value, int(newest[place - 1]) + self._span_us, self._text))
            turns.append(Turn(False, int(steps[at]), float(values[at]), int(newest[place]), ""))
        self._last = int(steps[-1]), float(values[-1]), int(newest[-1])
        return turns

    def feed_few(self, steps: Sequence[int], values: Sequence[float], times_us: Sequence[int]) -> list[Turn]:
        turns: list[Turn] = []
        for step, value, time_us in zip(steps, values, times_us, strict=True):
            newest = time_us if self._last is None else max(time_us, self._last[2])
            if self._last is not None and not self.is_firing and newest - self._last[2] > self._span_us:
                self.is_firing = True
                turns.append(Turn(True, self._last[0], self._last[1], self._last[2] + self._span_us, self._text))
            if self.is_firing:
                self.is_firing = False
                turns.append(Turn(False, step, value, newest, ""))
            self._last = step, value, newest
        return turns

    def wait(self, now_us: int) -> list[Turn]:
        if self.is_firing or self._last is None or now_us - self._last[2] <= self._span_us:
            return []
        self.is_firing = True
        step, value, last_us = self._last
        return [Turn(True, step, value, last_us + self._span_us, self._text)]


class _Plateau:
    def __init__(self, condition: Plateau) -> None:
        self.is_firing = False
        self._sign = 1.0 if condition.goal == "minimize" else -1.0
        self._by = condition.by
        self._steps = condition.steps
        self._best: float | None = None  # × sign
        self._best_step = 0

    def feed(self, steps: Array, values: Array, times_us: Array) -> list[Turn]:
        turns: list[Turn] = []
        signed = np.where(np.isfinite(values), values * self._sign, np.inf)
        # Only a value under all before it can be better than the best: those are few.
        before = np.minimum.accumulate(np.concatenate([[np.inf if self._best is None else self._best], signed]))[:-1]
        begin = 0
        for at in np.flatnonzero(signed < before).tolist():
            value = float(signed[at])
            if self._best is not None and not value < self._best - self._by:
                continue
            turns += self._late(steps, values, times_us, begin, at)
            self._best, self._best_step, begin = value, int(steps[at]), at + 1
            if self.is_firing:
                self.is_firing = False
                turns.append(Turn(False, int(steps[at]), float(values[at]), int(times_us[at]), ""))
        return turns + self._late(steps, values, times_us, begin, len(steps))

    def feed_few(self, steps: Sequence[int], values: Sequence[float], times_us: Sequence[int]) -> list[Turn]:
        turns: list[Turn] = []
        for step, value, time_us in zip(steps, values, times_us, strict=True):
            signed = value * self._sign
            if math.isfinite(value) and (self._best is None or signed < self._best - self._by):
                self._best, self._best_step = signed, step
                if self.is_firing:
                    self.is_firing = False
                    turns.append(Turn(False, step, value, time_us, ""))
            elif self._best is not None and not self.is_firing and step - self._best_step >= self._steps:
                self.is_firing = True
                turns.append(Turn(True, step, value, time_us, self._text()))
        return turns

    def _text(self) -> str:
        best = math.nan if self._best is None else self._best * self._sign
        return f"no better than {format_number(best)}, which it had at step {self._best_step:,}"

    def _late(self, steps: Array, values: Array, times_us: Array, begin: int, end: int) -> list[Turn]:
        """Return where, from *begin* to before *end*, it has been too long since the best."""
        if self.is_firing or self._best is None:
            return []
        late = np.flatnonzero(steps[begin:end] - self._best_step >= self._steps)
        if not len(late):
            return []
        at = begin + int(late[0])
        self.is_firing = True
        return [Turn(True, int(steps[at]), float(values[at]), int(times_us[at]), self._text())]

    def wait(self, now_us: int) -> list[Turn]:
        return []
