"""
Inheritance: what a forked run shows of the run that it was forked from.

Nothing is copied. The segments of the parent's lives that the fork saw appear once more in the child, under numbers of
their own, up to the step of the fork and before everything that the child logged itself. What they hide among each
other is what it was when the fork was made: a later life of the parent changes nothing of it. So a line, a history and
the aggregates of the child are made of them as of its own segments. A parent that is a fork passes on what it
inherited.

A parent that is not here, or is filed under another project now, has nothing to pass on; the child then shows what it
logged itself.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeVar

import numpy as np

from treering.limits import FORK_DEPTH_MAX

from .columns import Array, Items, Points, Rollups, Spans, ints, series_id, starts_of
from .line import NEVER, Lineage, Rewind
from .liveness import label_of
from .metrics import Mark, MetricStore, MetricView

__all__ = ["FIRST_INHERITED", "ForkPoint", "Inheritance", "InheritedMetrics", "OwnSegment", "Strand", "with_inherited"]

# Numbers of inherited segments begin here; those of segments are counted from 1 and will not come so far.
FIRST_INHERITED: Final = 1 << 30
# What is inherited from a part counts as a part of its own: the rollups of that part are not of these points.
_FIRST_PART: Final = 1 << 30
_NOT_INHERITED: Final = np.iinfo(np.int64).min
# A rollup row that says ``until`` is this may count points that are not shown: they have to be read.
UNTRUE: Final = -1


class ForkPoint(NamedTuple):
    """
    Where a run was forked. ``until_ns``: when the newest life of the parent began that the fork saw; ``since_ns``: when
    the life began that forked, and ``lives`` those that did: of several processes, each says so itself.
    """

    run: int
    project_id: int
    parent_key: str
    parent_id: str
    step: int
    until_ns: int
    since_ns: int
    lives: frozenset[str]


class OwnSegment(NamedTuple):
    """What decides of a segment which of its points are shown."""

    id: int
    run: int
    writer_id: int
    writer: str
    life: str
    life_created_ns: int
    life_index: int
    from_step: int | None


@dataclass(frozen=True, slots=True)
class Strand:
    """A segment that a run inherits: steps up to ``last_step`` are there, and those from ``fence`` on are hidden."""

    number: int
    segment: OwnSegment
    fence: int
    last_step: int


Read = Callable[[Collection[int]], list[OwnSegment]]  # run ids → segments of training processes
Find = Callable[[Collection[str]], Mapping[str, tuple[int, int]]]  # run keys → (id, project)


class Inheritance:
    """
    What each fork inherits.

    Args:
        forks: of all runs that are one, by their id; the owner of it changes it in place.
        find: returns where runs are, deleted ones too.
        read: returns their segments.
    """

    def __init__(self, forks: Mapping[int, ForkPoint], find: Find, read: Read) -> None:
        self._forks = forks
        self._find = find
        self._read = read
        self._numbers: dict[tuple[int, int], int] = {}
        self._lock = threading.Lock()

    def forks_among(self, runs: Collection[int]) -> list[int]:
        """Return those of *runs* that are forks; quick where there are none at all."""
        if not self._forks:
            return []
        return [run for run in runs if run in self._forks]

    def parents(self, run: int) -> list[str]:
        """Return the keys of the run that a run was forked from, of its parent, and so on."""
        found: list[str] = []
        at: int | None = run
        while at in self._forks and len(found) < FORK_DEPTH_MAX:
            fork = self._forks[at]  # type: ignore[index]
            if fork.parent_key in found:
                break
            found.append(fork.parent_key)
            place = self._find([fork.parent_key]).get(fork.parent_key)
            at = None if place is None else place[0]
        return found

    def children(self, run_key: str) -> list[ForkPoint]:
        """Return the forks of a run."""
        return [fork for fork in list(self._forks.values()) if fork.parent_key == run_key]

    def source(self, run: int) -> int | None:
        """Return the id of the run that a fork inherits from; None where that has nothing to pass on."""
        fork = self._forks.get(run)
        place = None if fork is None else self._find([fork.parent_key]).get(fork.parent_key)
        if fork is None or place is None or place[1] != fork.project_id or place[0] == run:
            return None
        return place[0]

    def strands(self, runs: Collection[int]) -> dict[int, list[Strand]]:
        """Return fork → what it inherits, the oldest first; runs that inherit nothing are left out."""
        forks = self.forks_among(runs)
        if not forks:
            return {}
        family = _Family(self._forks, self._find, self._read, forks)
        found = {run: [self._numbered(run, strand) for strand in family.inherited(run)] for run in forks}
        return {run: strands for run, strands in found.items() if strands}

    def _numbered(self, run: int, strand: Strand) -> Strand:
        key = (run, strand.segment.id)
        with self._lock:
            number = self._numbers.setdefault(key, FIRST_INHERITED + len(self._numbers))
        return Strand(number, strand.segment, strand.fence, strand.last_step)


class _Family:
    """Some forks and all that they come from, read in two queries a generation."""

    def __init__(self, forks: Mapping[int, ForkPoint], find: Find, read: Read, runs: Sequence[int]) -> None:
        self._forks = forks
        self._places: dict[str, tuple[int, int]] = {}
        members: set[int] = set()
        generation = set(runs)
        for _ in range(FORK_DEPTH_MAX):
            members |= generation
            keys = {forks[run].parent_key for run in generation if run in forks} - self._places.keys()
            if not keys:
                break
            self._places.update(find(keys))
            generation = {self._places[key][0] for key in keys if key in self._places} - members
        members |= generation
        self._segments: dict[int, list[OwnSegment]] = {run: [] for run in members}
        for segment in read(members):
            self._segments[segment.run].append(segment)
        for own in self._segments.values():
            own.sort(key=lambda s: (s.life_created_ns, s.life, s.life_index))

    def inherited(self, run: int, until_ns: int | None = None, path: frozenset[int] = frozenset()) -> list[Strand]:
        """Return what a run inherits, as it was when its newest life was one that began until *until_ns*."""
        fork = self._forks.get(run)
        place = None if fork is None else self._places.get(fork.parent_key)
        if fork is None or place is None or place[1] != fork.project_id:
            return []
        if until_ns is not None and fork.since_ns > until_ns:
            return []  # it was begun anew, as a fork, only later
        path |= {run}
        if place[0] in path or len(path) > FORK_DEPTH_MAX:
            return []  # two that say that each comes of the other
        hides: dict[int, int] = {}  # by writer: from which step on
        for s in self._segments[run]:
            if s.from_step is None or s.life_created_ns < fork.since_ns or (s.from_step == 0 and s.life in fork.lives):
                continue
            if until_ns is None or s.life_created_ns <= until_ns:
                hides[s.writer_id] = min(s.from_step, hides.get(s.writer_id, NEVER))
        return [
            Strand(
                0,
                strand.segment,
                min(strand.fence, hides.get(strand.segment.writer_id, NEVER)),
                min(strand.last_step, fork.step),
            )
            for strand in self._shown(place[0], fork.until_ns, path)
        ]

    def _shown(self, run: int, until_ns: int, path: frozenset[int]) -> list[Strand]:
        """Return all that a run shows, with what is hidden by then."""
        own: list[Strand] = []
        lowest: dict[int, tuple[str, int, int]] = {}  # writer → its life now, fence behind it, own fence
        for s in reversed([s for s in self._segments[run] if s.life_created_ns <= until_ns]):
            life, behind, mine = lowest.get(s.writer_id, (s.life, NEVER, NEVER))
            if life != s.life:
                behind, mine = min(behind, mine), NEVER
            if s.from_step is not None:
                mine = min(mine, s.from_step)
            own.append(Strand(0, s, behind, NEVER))
            lowest[s.writer_id] = (s.life, behind, mine)
        return self.inherited(run, until_ns, path) + own[::-1]


def with_inherited(
    lineage: Lineage, strands: Mapping[int, Sequence[Strand]], rewinds: Sequence[tuple[int, int, int]]
) -> Lineage:
    """
    Return a lineage with what its runs inherit.

    *rewinds*: (segment, offset, from step) of rewinds inside lives of the runs that they inherit from.
    """
    every = [(run, strand) for run, mine in strands.items() for strand in mine]
    if not every:
        return lineage
    places = {strand.number: place - len(every) for place, (_, strand) in enumerate(every)}  # before all of their own
    first_life = int(lineage.life.max(initial=-1)) + 1
    lives: dict[tuple[int, str], int] = {}
    for run, strand in every:
        lives.setdefault((run, strand.segment.life), first_life + len(lives))
    more = sorted(every, key=lambda pair: pair[1].number)
    foreign = np.zeros(len(lineage.seg), np.bool_) if lineage.foreign is None else lineage.foreign
    back = [
        Rewind(run, strand.segment.writer_id, places[strand.number], off, from_step)
        for run, strand in every
        for segment, off, from_step in rewinds
        if segment == strand.segment.id
    ]
    return Lineage(
        np.concatenate([lineage.seg, np.array([s.number for _, s in more], np.int32)]),
        np.concatenate([lineage.order, np.array([places[s.number] for _, s in more], np.int64)]),
        np.concatenate([lineage.life, np.array([lives[run, s.segment.life] for run, s in more], np.int64)]),
        np.concatenate([lineage.fence, np.array([s.fence for _, s in more], np.int64)]),
        (*lineage.rewinds, *back),
        np.concatenate([foreign, np.array([bool(label_of(s.segment.writer)) for _, s in more], np.bool_)]),
    )


class InheritedMetrics:
    """A ``MetricStore`` for reading, whose views show of a fork what it inherits."""

    def __init__(self, metrics: MetricStore, inheritance: Inheritance) -> None:
        self._metrics = metrics
        self._inheritance = inheritance

    @contextmanager
    def view(self, project: int) -> Iterator[MetricView]:
        with self._metrics.view(project) as view:
            yield InheritedView(view, self._inheritance)

    def marks(self) -> dict[int, Mark]:
        return self._metrics.marks()

    def durable_marks(self) -> dict[int, Mark]:
        return self._metrics.durable_marks()

    def append(self, project: int, points: Points, items: Items, marks: Mapping[int, Mark]) -> None:
        raise TypeError("points are appended to what was logged, not to what is shown of it")

    def merges_later(self) -> AbstractContextManager[None]:
        return self._metrics.merges_later()

    def bound_replay(self) -> None:
        self._metrics.bound_replay()

    def flush(self) -> None:
        self._metrics.flush()

    def forget_runs(self, projects: Collection[int], runs: Collection[int]) -> None:
        self._metrics.forget_runs(projects, runs)

    def clear(self, index_id: str) -> None:
        self._metrics.clear(index_id)

    def close(self) -> None:
        """Closing the store that this one reads is its owner's."""


Row = TypeVar("Row", Points, Items)


class InheritedView:
    """See ``MetricView``."""

    def __init__(self, view: MetricView, inheritance: Inheritance) -> None:
        self._view = view
        self._inheritance = inheritance
        self._known: dict[int, list[Strand]] = {}  # a view is one moment

    def _strands(self, runs: Array | None) -> dict[int, list[Strand]]:
        forks = [] if runs is None else self._inheritance.forks_among(runs.tolist())
        new = [run for run in forks if run not in self._known]
        if new:
            self._known.update({**{run: [] for run in new}, **self._inheritance.strands(new)})
        return {run: self._known[run] for run in forks if self._known[run]}

    def spans(self, keys: Array | None, runs: Array | None) -> tuple[Spans, Array]:
        spans, part = self._view.spans(keys, runs)
        found, parts = [spans], [part]
        for run, strands in self._strands(runs).items():
            mine, place = self._view.spans(keys, _sources(strands))
            number, last = _taken(mine.seg, mine.first_step, strands)
            base = np.where(_is_rolled(mine, place, number, last), mine.base, -1)
            keep = number >= 0
            mine, number, last = mine.take(keep), number[keep], last[keep]
            upto = np.minimum(mine.last_step, last)
            n = np.minimum(mine.n, upto - mine.first_step + 1)  # a line has one point a step
            changed: dict[str, Any] = {
                "run": np.full(len(mine), run, np.int32),
                "seg": number.astype(np.int32),
                "last_step": upto,
                "n": np.where(mine.last_step <= last, mine.n, n),
                "base": base[keep].astype(np.int8),
            }
            found.append(Spans(**{**mine.columns(), **changed}))
            parts.append(place[keep].astype(np.int64) + _FIRST_PART)
        return (spans, part) if len(found) == 1 else (Spans.concat(found), np.concatenate(parts))

    def points(
        self,
        keys: Array | None,
        runs: Array | None,
        *,
        parts: Collection[int] | None = None,
        steps: tuple[int, int] | None = None,
        times: tuple[int, int] | None = None,
        segments: Collection[int] | None = None,
        columns: Collection[str] | None = None,
    ) -> Points:
        inherited = self._strands(runs)
        from_parts: set[int] | None = None
        if parts is not None:
            parts, from_parts = _split_parts(parts)
        own = self._view.points(keys, runs, parts=parts, steps=steps, times=times, segments=segments, columns=columns)
        if not inherited or (from_parts is not None and not from_parts):
            return own
        found = [own]
        for run, strands in inherited.items():
            strands = _among(strands, segments)
            if not strands:
                continue
            points = self._view.points(
                keys,
                _sources(strands),
                parts=from_parts,
                steps=_up_to(steps, strands),
                times=times,
                segments={strand.segment.id for strand in strands},
                columns=None if columns is None else {*columns, "run", "key", "step", "seg"},
            )
            found.append(_relabelled(points, run, strands))
        return Points.concat([each for each in found if len(each)] or [own])

    def rollups(
        self,
        keys: Array,
        runs: Array,
        *,
        parts: Collection[int],
        shift: int,
        steps: tuple[int, int] | None = None,
        times: tuple[int, int] | None = None,
    ) -> Rollups:
        own_parts, from_parts = _split_parts(parts)
        own = self._view.rollups(keys, runs, parts=own_parts, shift=shift, steps=steps, times=times)
        found = [own]
        for run, strands in self._strands(runs).items() if from_parts else ():
            spans, place = self._view.spans(keys, _sources(strands))
            number, last = _taken(spans.seg, spans.first_step, strands)
            good = _is_rolled(spans, place, number, last) & (number >= 0) & np.isin(place, list(from_parts))
            for source, part in sorted(set(zip(spans.run[good].tolist(), place[good].tolist(), strict=True))):
                mine = good & (spans.run == source) & (place == part)
                rows = self._view.rollups(
                    ints(spans.key[mine].tolist()),
                    ints([source]),
                    parts={part},
                    shift=shift,
                    steps=_up_to(steps, strands),
                    times=times,
                )
                upto = int(last[mine].max())
                rows = rows.take(rows.first_step <= upto)
                # A row that reaches over the step of the fork says too much: the points are read there.
                changed: dict[str, Any] = {
                    "run": np.full(len(rows), run, np.int32),
                    "until": np.where(rows.last_step > upto, UNTRUE, rows.until).astype(np.int8),
                    "last_step": np.minimum(rows.last_step, upto),
                }
                found.append(Rollups(**{**rows.columns(), **changed}))
        return own if len(found) == 1 else Rollups.concat(found)

    def items(self, keys: Array | None, runs: Array | None, *, segments: Collection[int] | None = None) -> Items:
        own = self._view.items(keys, runs, segments=segments)
        found = [own]
        for run, strands in self._strands(runs).items():
            strands = _among(strands, segments)
            if strands:
                ids = {strand.segment.id for strand in strands}
                found.append(_relabelled(self._view.items(keys, _sources(strands), segments=ids), run, strands))
        return own if len(found) == 1 else Items.concat(found)


def _split_parts(parts: Collection[int]) -> tuple[set[int], set[int]]:
    """Return the parts of runs' own points, and those of which something is inherited."""
    inherited = {part - _FIRST_PART for part in parts if part >= _FIRST_PART}
    return {part for part in parts if part < _FIRST_PART}, inherited


def _is_rolled(spans: Spans, part: Array, number: Array, last: Array) -> Array:
    """
    Return of which spans the rollups may be used: of series of which a part holds nothing that is not inherited.

    Rows behind the step of the fork are left out, so that they do not matter.
    """
    unknown = (number < 0) & (spans.first_step <= last)
    foreign = unknown | (last == _NOT_INHERITED)
    ids = series_id(spans.key, spans.run)
    order = np.lexsort((part, ids))
    at = starts_of(ids[order], part[order])
    if not len(at):
        return np.zeros(0, np.bool_)
    any_foreign = np.logical_or.reduceat(foreign[order], at)
    bad = np.empty(len(order), np.bool_)
    bad[order] = np.repeat(any_foreign, np.diff(np.append(at, len(order))))
    rolled: Array = ~bad
    return rolled


def _sources(strands: Sequence[Strand]) -> Array:
    return ints(strand.segment.run for strand in strands)


def _among(strands: list[Strand], segments: Collection[int] | None) -> list[Strand]:
    return strands if segments is None else [strand for strand in strands if strand.number in segments]


def _up_to(steps: tuple[int, int] | None, strands: Sequence[Strand]) -> tuple[int, int]:
    low, high = (-(1 << 61), 1 << 61) if steps is None else steps
    return low, min(high, max(strand.last_step for strand in strands))


def _taken(seg: Array, step: Array, strands: Sequence[Strand]) -> tuple[Array, Array]:
    """
    Return the number under which each row is inherited, -1 for one that is not, and the last step that may be.

    That is ``_NOT_INHERITED`` for the rows of a segment that is not inherited at all.
    """
    order = sorted(strands, key=lambda strand: strand.segment.id)
    ids = np.array([strand.segment.id for strand in order], np.int64)
    numbers = np.array([strand.number for strand in order], np.int64)
    lasts = np.array([strand.last_step for strand in order], np.int64)
    place = np.minimum(np.searchsorted(ids, seg), len(ids) - 1)
    last = np.where(ids[place] == seg, lasts[place], _NOT_INHERITED)
    return np.where(step <= last, numbers[place], -1), last


def _relabelled(rows: Row, run: int, strands: Sequence[Strand]) -> Row:
    number, _ = _taken(rows.seg, rows.step, strands)
    keep = number >= 0
    rows, number = rows.take(keep), number[keep]
    own: dict[str, Any] = {"run": np.full(len(number), run, np.int32), "seg": number.astype(np.int32)}
    return type(rows)(**{**rows.columns(), **own})
