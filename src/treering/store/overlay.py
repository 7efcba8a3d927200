"""
The corrections of one project, worked out against the metrics that its runs logged.

What is shown is what would be shown had the points been logged so. Corrections apply in order, each to the names and
values that those before it give. At the end every logged key is a *source* of one shown metric: its values times a
factor plus an offset, without the points that are cut. A metric of several sources has at each step the point of the
first that has one there. A shown metric has the number of its first source, so that all that reads by number goes on
as it does.

Two metrics that a rename brings under one name are refused when it is saved. Where the second is logged only later,
both are one line: first the one that is called so anyway, then the renamed one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Final, NamedTuple

import numpy as np

from .columns import BOOL, FLOAT, INT, Array, Points, Rollups, Spans
from .correction_rules import Cut, Hide, Merge, Pattern, Rename, Rescale
from .corrections import Correction

__all__ = ["Conflict", "CutPoints", "LoggedKey", "Overlay", "ShownMetric", "Source", "make_overlay"]

FAR: Final = 1 << 62


class LoggedKey(NamedTuple):
    """A key as runs logged it. ``runs``: how many did."""

    id: int
    name: str
    kind: str
    runs: int


class Conflict(NamedTuple):
    """What a correction does that nobody asked for."""

    correction: str
    text: str


@dataclass(frozen=True, slots=True, eq=False)
class CutPoints:
    """
    Points of one source that are not shown. Steps and times (microseconds) are inclusive bounds.

    ``below`` and ``above`` are bounds of value × factor + offset. ``runs``: sorted ids, None for all.
    """

    runs: Array | None
    steps: tuple[int, int]
    times: tuple[int, int]
    below: float | None
    above: float | None
    factor: float
    offset: float

    @property
    def by_steps_alone(self) -> bool:
        return self.times == (-FAR, FAR) and self.below is None and self.above is None

    @property
    def needs_times(self) -> bool:
        return self.times != (-FAR, FAR)

    def of_points(self, points: Points) -> Array:
        """Return which points, as logged, are cut."""
        hit = (points.step >= self.steps[0]) & (points.step <= self.steps[1])
        if self.runs is not None:
            hit &= np.isin(points.run, self.runs)
        if self.needs_times:
            hit &= (points.ts >= self.times[0]) & (points.ts <= self.times[1])
        if self.below is not None or self.above is not None:
            with np.errstate(over="ignore", invalid="ignore"):
                value = scaled(points.val, self.factor, self.offset)
            out = np.zeros(len(value), np.bool_)
            if self.below is not None:
                out |= value < self.below
            if self.above is not None:
                out |= value > self.above
            hit &= out
        found: Array = hit
        return found

    def of_rollups(self, rollups: Rollups) -> Array:
        """Return of which rows points may be cut."""
        hit = (rollups.last_step >= self.steps[0]) & (rollups.first_step <= self.steps[1])
        if self.runs is not None:
            hit &= np.isin(rollups.run, self.runs)
        if self.needs_times:
            hit &= (rollups.max_ts >= self.times[0]) & (rollups.min_ts <= self.times[1])
        if self.below is not None or self.above is not None:
            with np.errstate(over="ignore", invalid="ignore"):
                a = scaled(rollups.min, self.factor, self.offset)
                b = scaled(rollups.max, self.factor, self.offset)
            out = (rollups.pinf > 0) | (rollups.ninf > 0)
            if self.below is not None:
                out |= np.fmin(a, b) < self.below
            if self.above is not None:
                out |= np.fmax(a, b) > self.above
            hit &= out
        found: Array = hit
        return found

    def of_spans(self, spans: Spans) -> Array:
        """Return in which spans points may be cut, as far as steps and times tell."""
        hit = (spans.last_step >= self.steps[0]) & (spans.first_step <= self.steps[1])
        if self.runs is not None:
            hit &= np.isin(spans.run, self.runs)
        if self.needs_times:
            hit &= (spans.max_ts >= self.times[0]) & (spans.min_ts <= self.times[1])
        found: Array = hit
        return found


@dataclass(frozen=True, slots=True)
class Source:
    """A logged key as it is shown: value × factor + offset, without what is cut."""

    key: LoggedKey
    factor: float = 1.0
    offset: float = 0.0
    cuts: tuple[CutPoints, ...] = ()

    @property
    def is_scaled(self) -> bool:
        return self.factor != 1.0 or self.offset != 0.0

    @property
    def keeps_integers(self) -> bool:
        """Whether an integer stays one."""
        return self.factor.is_integer() and self.offset.is_integer()


@dataclass(frozen=True, slots=True)
class ShownMetric:
    """
    A metric as it is shown.

    Attributes:
        id: the number of its first source's key.
        kind: number, text, media or system.
        corrections: the ids of those that act on it.
    """

    id: int
    name: str
    kind: str
    unit: str | None
    sources: tuple[Source, ...]
    corrections: tuple[str, ...]

    @property
    def is_as_logged(self) -> bool:
        """Whether its points are those of one key, as they were logged: it has another name at most."""
        return len(self.sources) == 1 and not self.sources[0].is_scaled and not self.sources[0].cuts

    @property
    def is_linear(self) -> bool:
        """Whether aggregates over its points follow from those of one key."""
        return len(self.sources) == 1 and not self.sources[0].cuts

    @property
    def is_turned(self) -> bool:
        """Whether what was low is high."""
        return self.sources[0].factor < 0

    @property
    def logged_name(self) -> str:
        return self.sources[0].key.name


@dataclass(frozen=True)
class Overlay:
    """
    What a project's corrections make of its metrics.

    Attributes:
        shown: every metric that is shown, corrected or not, by its name.
        hidden: the numbers of keys that are not shown.
        conflicts: what the corrections do that nobody asked for.
        acting: correction id → the names, as they are now, of the metrics that it acts on.
        unresolved: a cut names runs that are not here (yet).
        said: correction id → what people read beside a corrected metric: what, by whom, when.
    """

    shown: Mapping[str, ShownMetric]
    hidden: frozenset[int]
    conflicts: tuple[Conflict, ...]
    acting: Mapping[str, tuple[str, ...]]
    unresolved: bool = False
    said: Mapping[str, str] = field(default_factory=dict)

    def notes(self, numbers: Iterable[int]) -> list[str]:
        """Return what is said of the corrections of some metrics, "name: what, by whom, when", one line each."""
        found: dict[str, None] = {}
        for number in numbers:
            metric = self.metrics.get(number)
            if metric is not None:
                found.update(dict.fromkeys(f"{metric.name}: {self.said[by]}" for by in metric.corrections))
        return list(found)

    @cached_property
    def metrics(self) -> dict[int, ShownMetric]:
        """Shown metrics that a correction acts on, by number."""
        return {one.id: one for one in self.shown.values() if one.corrections}

    @cached_property
    def altered(self) -> dict[int, ShownMetric]:
        """Those of them whose points are not those of one key as they were logged."""
        return {number: one for number, one in self.metrics.items() if not one.is_as_logged}

    @cached_property
    def derived(self) -> dict[int, ShownMetric]:
        """Those of them whose aggregates may have to be made from points."""
        return {number: one for number, one in self.altered.items() if not one.is_linear}

    @cached_property
    def number_of(self) -> dict[int, int]:
        """Number of a logged key that is a source of another metric's → number of that metric."""
        return {source.key.id: one.id for one in self.metrics.values() for source in one.sources}

    @cached_property
    def _by_logged_name(self) -> dict[str, int]:
        return {source.key.name: one.id for one in self.metrics.values() for source in one.sources}

    def find(self, names: Collection[str]) -> dict[str, int]:
        """
        Return the numbers of metrics by name.

        A key's name in the log still means it where nothing else is called so now and it is not hidden.
        """
        found = {}
        for name in names:
            metric = self.shown.get(name)
            number = metric.id if metric is not None else self._by_logged_name.get(name)
            if number is not None:
                found[name] = number
        return found


def make_overlay(
    corrections: Sequence[Correction], keys: Iterable[LoggedKey], run_ids: Mapping[str, int] | None = None
) -> Overlay:
    """
    Return what *corrections*, in this order, make of *keys*; what is turned off does not count.

    Args:
        run_ids: run key → id of the runs that cuts name.
    """
    work = _Work(keys, run_ids or {})
    said: dict[str, str] = {}
    for correction in corrections:
        if correction.enabled:
            work.apply(correction)
            day = datetime.fromtimestamp(correction.changed_at, UTC).date()
            said[correction.id] = f"{correction.text}, by {correction.changed_by}, {day}"
    return replace(work.overlay(), said=said)


@dataclass(slots=True, eq=False)
class _Line:
    """Sources that are one metric, in order, and what acted on them."""

    sources: list[Source]
    unit: str | None = None
    by: list[str] = field(default_factory=list)

    @property
    def is_seen(self) -> bool:
        return any(source.key.runs for source in self.sources)

    @property
    def is_system(self) -> bool:
        return any(source.key.kind == "system" for source in self.sources)


class _Work:
    """The lines by the name that they have now, changed by one correction after the other."""

    def __init__(self, keys: Iterable[LoggedKey], run_ids: Mapping[str, int]) -> None:
        self._lines = {key.name: _Line([Source(key)]) for key in keys}
        self._run_ids = run_ids
        self._hidden: set[int] = set()
        self._conflicts: list[Conflict] = []
        self._unresolved = False
        self._acted: dict[str, list[_Line]] = {}

    def apply(self, correction: Correction) -> None:
        match correction.parsed:
            case Rename() as rule:
                self._rename(correction.id, rule)
            case Merge() as rule:
                self._merge(correction.id, rule)
            case Hide() as rule:
                self._hide(correction.id, rule)
            case Rescale() as rule:
                self._rescale(correction.id, rule)
            case Cut() as rule:
                self._cut(correction.id, rule)

    def _meant(self, pattern: str) -> list[str]:
        return Pattern(pattern).among(self._lines if "*" in pattern else [n for n in (pattern,) if n in self._lines])

    def _mark(self, by: str, line: _Line) -> None:
        if by not in line.by:
            line.by.append(by)
        self._acted.setdefault(by, []).append(line)

    def _rename(self, by: str, rule: Rename) -> None:
        moves: dict[str, str] = {}
        for old, new in rule.pairs:
            for name in self._meant(old):
                moves.setdefault(name, Pattern(old).renamed(name, new))
        moved = {name: self._lines.pop(name) for name in moves}
        for name, line in moved.items():
            self._mark(by, line)
            self._join(by, moves[name], line, name)

    def _join(self, by: str, name: str, line: _Line, before: str) -> None:
        other = self._lines.get(name)
        if other is None:
            self._lines[name] = line
            return
        if other.is_system != line.is_system:
            self._conflicts.append(
                Conflict(by, f"{before!r} keeps its name: {name!r} is there, and only one of both is a system metric.")
            )
            self._lines[before] = line
            return
        if other.is_seen and line.is_seen:
            self._conflicts.append(
                Conflict(by, f"{before!r} and another metric are both called {name!r} now and shown as one line.")
            )
        other.sources += line.sources
        other.unit = other.unit or line.unit
        self._mark(by, other)
        for correction in line.by:
            self._mark(correction, other)

    def _merge(self, by: str, rule: Merge) -> None:
        names = list(dict.fromkeys(name for pattern in rule.from_ for name in self._meant(pattern)))
        if not names:
            return
        lines = [self._lines.pop(name) for name in names]
        kept = [line for line in lines if line.is_system == lines[0].is_system]
        for name, line in zip(names, lines, strict=True):
            if line not in kept:
                self._lines[name] = line
                self._conflicts.append(Conflict(by, f"{name!r} is left out: only it or the others are system metrics."))
        first = kept[0]
        before = self._lines.pop(rule.into, None)
        if before is not None and before.is_system == first.is_system:
            if before.is_seen:
                text = f"{rule.into!r} is a metric too and not named in the list; it comes last in the line."
                self._conflicts.append(Conflict(by, text))
            kept.append(before)
        for line in kept[1:]:
            first.sources += line.sources
            first.unit = first.unit or line.unit
            for correction in line.by:
                self._mark(correction, first)
        self._mark(by, first)
        self._lines[rule.into] = first

    def _hide(self, by: str, rule: Hide) -> None:
        for pattern in [rule.keys] if isinstance(rule.keys, str) else rule.keys:
            for name in self._meant(pattern):
                line = self._lines.pop(name)
                self._mark(by, line)
                self._hidden |= {source.key.id for source in line.sources}

    def _rescale(self, by: str, rule: Rescale) -> None:
        for name in self._meant(rule.key):
            line = self._lines[name]
            self._mark(by, line)
            line.unit = rule.unit or line.unit
            line.sources = [
                replace(
                    source,
                    factor=source.factor * rule.factor,
                    offset=source.offset * rule.factor + rule.offset,
                )
                for source in line.sources
            ]

    def _cut(self, by: str, rule: Cut) -> None:
        runs: Array | None = None
        if isinstance(rule.runs, list):
            known = [self._run_ids[key] for key in rule.runs if key in self._run_ids]
            self._unresolved |= len(known) < len(rule.runs)
            runs = np.unique(np.array(known, np.int32))
        steps, times = _bounds(rule.steps, 1), _bounds(rule.times, 1_000_000)
        for name in self._meant(rule.key):
            line = self._lines[name]
            self._mark(by, line)
            line.sources = [
                replace(
                    source,
                    cuts=(
                        *source.cuts,
                        CutPoints(runs, steps, times, rule.below, rule.above, source.factor, source.offset),
                    ),
                )
                for source in line.sources
            ]

    def overlay(self) -> Overlay:
        shown = {name: _metric(name, line) for name, line in self._lines.items()}
        name_of = {id(line): name for name, line in self._lines.items()}
        acting: dict[str, tuple[str, ...]] = {}
        for by, lines in self._acted.items():
            names = {name_of[id(line)] for line in lines if id(line) in name_of}
            # What is hidden, or was joined with something else since, is called as it was logged.
            gone = {line.sources[0].key.name for line in lines if id(line) not in name_of and _is_hidden(line, self)}
            acting[by] = tuple(sorted(names | gone))
        return Overlay(shown, frozenset(self._hidden), tuple(self._conflicts), acting, self._unresolved)

    @property
    def hidden(self) -> set[int]:
        return self._hidden


def _is_hidden(line: _Line, work: _Work) -> bool:
    return line.sources[0].key.id in work.hidden


def _metric(name: str, line: _Line) -> ShownMetric:
    kinds = [source.key.kind for source in line.sources]
    kind = next((kind for kind in ("system", "number") if kind in kinds), kinds[0])
    return ShownMetric(line.sources[0].key.id, name, kind, line.unit, tuple(line.sources), tuple(line.by))


def _bounds(bounds: tuple[float | None, float | None] | None, unit: int) -> tuple[int, int]:
    low, high = bounds or (None, None)
    lowest = -FAR if low is None else int(np.ceil(low * unit)) if unit > 1 else int(low)
    highest = FAR if high is None else int(np.floor(high * unit)) if unit > 1 else int(high)
    return lowest, highest


# ── values ───────────────────────────────────────────────────────────────────────────────────────────────────────
def scaled(values: Array, factor: float, offset: float) -> Array:
    """Return value × factor + offset. NaN and infinities stay such."""
    if factor == 1.0 and offset == 0.0:
        return values
    return values * factor + offset  # also where it is 0: no value becomes −0


def kinds_of_scaled(kind: Array, values: Array, source: Source) -> Array:
    """Return the kinds of rescaled *values*: an integer stays one where factor and offset are whole."""
    if not source.keeps_integers:
        return np.full(len(kind), FLOAT, np.uint8)
    whole = ((kind == INT) | (kind == BOOL)) & (np.abs(values) < 1 << 53)
    return np.where(whole, INT, FLOAT).astype(np.uint8)
