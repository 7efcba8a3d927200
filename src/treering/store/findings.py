"""
Findings: which processes of a job are slow, silent, behind, dead, or unlike the others.

``straggler``
    *Step time*: the time between a process's consecutive rows of the metric that most processes log most often, per
    step. In synchronous training all step times are equal, because everybody waits; so there are two further signs:
    *lateness*, how long after the median of the other processes of its machine a process comes to a step (clocks of two
    machines lie further apart than that), judged as step time + lateness against the step time; and every metric that
    is a duration, by its unit or its name. A low duration is an ``outlier``: who waits least is waited for.
``outlier``
    A system figure (GPU, CPU, memory) that is much higher or lower than the others', or any other metric that is so
    unlike the others' that no noise explains it.
``silent``
    It lives, and its rows have stopped: its last one lies at least 10 s and 5 of the others' step times before theirs.
``behind``
    It lives and logs, and its last step is more than a window of steps below the median of the others.
``dead``
    It ended badly or without a word. Where all of them did, the first is named.

How values are told apart from noise, and from when on they hold, stands in ``statistics.outliers``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec
import numpy as np

from treering.limits import (
    FINDING_RATIO,
    FINDING_SILENT_S,
    FINDING_SILENT_STEPS,
    FINDINGS_MAX,
    FINDINGS_MAX_KEYS,
    FINDINGS_MAX_POINTS,
)

from .columns import Array, Points, Spans, ints
from .inheritance import FIRST_INHERITED
from .line import Lineage
from .metadata import MetadataStore
from .metrics import MetricView
from .process_points import ProcessView, process_lineage, read_points
from .processes import Attempt, Job, Process, ProcessKey
from .statistics.outliers import Outlier, count_windows, find_outliers, judge, window_means

__all__ = ["Finding", "Since", "find", "is_duration"]

_ORDER: Final = ("dead", "silent", "straggler", "behind", "outlier")
_BAD: Final = frozenset({"crashed", "killed", "failed", "preempted"})
_DURATION_UNITS: Final = frozenset(
    {"s", "ms", "us", "µs", "ns", "sec", "secs", "second", "seconds", "min", "minutes", "h"}
)
_DURATION_WORDS: Final = frozenset(
    {"time", "times", "duration", "sec", "secs", "seconds", "ms", "latency", "wait", "waiting", "elapsed"}
)
_DURATION_ENDS: Final = frozenset({"s", "ms", "us", "ns"})
_WORDS: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_JUDGED: Final = frozenset({"gpu", "cpu", "memory"})
# How far apart two processes may lie before it counts, by the unit that a system figure's last part says.
_LEAST: Final = {"gb": 0.1, "w": 5.0, "c": 2.0}
_LEAST_PERCENT: Final = 5.0
_LATE_STEPS: Final = 64  # of a window, that are looked at for lateness
_SURE: Final = 100.0  # score of what needs no statistics


class Since(msgspec.Struct, frozen=True):
    """From when on: a step (of system figures None) and a moment in unix seconds, as far as known."""

    step: int | None
    time: float | None


class Finding(msgspec.Struct, frozen=True):
    """
    Something that is worth knowing of one process, in one plain sentence, ``text``.

    ``value`` is its own, ``typical`` that of the others, ``ratio`` the one by the other, ``score`` how clear it is (a
    robust z). ``key`` is the metric; None for step times, rows and ends.
    """

    kind: str
    process: str
    rank: int
    key: str | None
    value: float | None
    typical: float | None
    ratio: float | None
    score: float
    since: Since
    text: str


class _Series(NamedTuple):
    """Points of one key by process and axis: all arrays of one length, sorted so."""

    process: Array
    step: Array
    time_s: Array
    value: Array


def find(
    metadata: MetadataStore,
    view: MetricView,
    job: Job,
    spans: Spans,
    processes: Sequence[Process],
    attempts: Sequence[Attempt],
    keys: Sequence[ProcessKey],
) -> list[Finding]:
    """
    Return what there is to say of the processes of a job, the most telling first.

    *spans*: of all series of the job's runs; the others are what ``describe`` says of it.
    """
    if len(job.members) < 2:
        return []
    job, spans = job.without_inherited(), spans.take(spans.seg < FIRST_INHERITED)
    numbers = metadata.find_keys(job.project.id, "metric", [key.key for key in keys])
    reader = _Reader(ProcessView(view, job), process_lineage(metadata.lineage(list(job.states)), job), job, spans)
    names = _Names(job)
    found = _dead(names, processes, attempts)
    clock = reader.clock([numbers[key.key] for key in keys if key.kind == "number" and key.key in numbers])
    if clock is not None:
        rows = reader.read(clock)
        typical_s = _typical_step_s(rows)
        found += _lagging(names, processes, reader.ends(clock), typical_s, rows)
        found += _stragglers(names, job, rows)
    judged = [key for key in keys if key.processes > 1 and key.key in numbers and _is_judged(key)]
    judged.sort(key=_is_any)
    for key in judged[:FINDINGS_MAX_KEYS]:
        found += _by_metric(names, key, reader.read(numbers[key.key]), job)
    return _ranked(found)


def is_duration(key: str, unit: str | None) -> bool:
    """Return whether a metric looks like a duration, by its unit or the words of its name."""
    if unit:
        return unit.strip().lower() in _DURATION_UNITS
    words = _words(key)
    return bool(set(words) & _DURATION_WORDS) or (bool(words) and words[-1] in _DURATION_ENDS)


def _words(key: str) -> list[str]:
    return [word.lower() for word in _WORDS.findall(key)]


def _is_judged(key: ProcessKey) -> bool:
    return key.kind != "system" or not _JUDGED.isdisjoint(_words(key.key))


def _is_any(key: ProcessKey) -> bool:
    """Return whether a metric is neither a duration nor a system figure: what its values mean is not known."""
    return key.kind != "system" and not is_duration(key.key, key.unit)


def _ranked(found: list[Finding]) -> list[Finding]:
    found.sort(key=lambda one: (_ORDER.index(one.kind), -abs(one.score), one.rank, one.process))
    return found[:FINDINGS_MAX]


class _Names:
    """How processes are called: by their rank, or by their run where two have the same rank."""

    def __init__(self, job: Job) -> None:
        ranks = [member.rank for member in job.members]
        self._job = job
        self._by_rank = len(set(ranks)) == len(ranks)

    def __getitem__(self, number: int) -> str:
        member = self._job.members[number]
        if self._by_rank:
            return f"rank {member.rank}"
        return f"{member.state.name} (rank {member.rank})" if member.label else member.state.name

    def finding(
        self,
        kind: str,
        number: int,
        text: str,
        *,
        score: float = _SURE,
        key: str | None = None,
        value: float | None = None,
        typical: float | None = None,
        ratio: float | None = None,
        step: int | None = None,
        time: float | None = None,
    ) -> Finding:
        member = self._job.members[number]
        said = f"{self[number]} {text}"
        return Finding(kind, member.id, member.rank, key, value, typical, ratio, score, Since(step, time), said)


# ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────
class _Reader:
    def __init__(self, view: ProcessView, lineage: Lineage, job: Job, spans: Spans) -> None:
        self._view = view
        self._lineage = lineage
        self._job = job
        number = job.numbers_of(spans.seg)
        self._spans = spans.take(number >= 0)
        self._number = number[number >= 0]

    def clock(self, keys: Sequence[int]) -> int | None:
        """Return the metric whose rows tell when a process was at a step: what most log, and most often."""
        mine = np.isin(self._spans.key, ints(keys))
        if not mine.any():
            return None
        pairs = np.unique((self._spans.key[mine].astype(np.int64) << 32) | self._number[mine])
        ids, processes = np.unique(pairs >> 32, return_counts=True)
        points = np.zeros(len(ids), np.int64)
        np.add.at(points, np.searchsorted(ids, self._spans.key[mine]), self._spans.n[mine])
        best = np.lexsort((ids, -points, -processes))[0]
        return int(ids[best]) if processes[best] > 1 else None

    def read(self, key: int) -> _Series:
        """Return the drawn points of a key; of very many, those of the last steps."""
        mine = self._spans.key == key
        total = int(self._spans.n[mine].sum())
        first, last = int(self._spans.first_step[mine].min()), int(self._spans.last_step[mine].max())
        steps = None
        if total > FINDINGS_MAX_POINTS:
            steps = (last - int((last - first) * FINDINGS_MAX_POINTS / total), last)
        everyone = ints(range(len(self._job.members)))
        points: Points = read_points(
            self._view, ints([key]), everyone, self._lineage, steps=steps, most_points=2 * total + 1
        )
        return _Series(points.run.astype(np.int64), points.step, points.ts / 1e6, points.val)

    def ends(self, key: int) -> tuple[Array, Array]:
        """Return per process the last step and the last moment (unix seconds) at which it logged a key; -1 and 0."""
        mine = self._spans.key == key
        step = np.full(len(self._job.members), -1, np.int64)
        time = np.zeros(len(self._job.members), np.int64)
        np.maximum.at(step, self._number[mine], self._spans.last_step[mine])
        np.maximum.at(time, self._number[mine], self._spans.max_ts[mine])
        return step, time / 1e6


def _typical_step_s(rows: _Series) -> float | None:
    same = rows.process[1:] == rows.process[:-1]
    took = (rows.time_s[1:] - rows.time_s[:-1])[same] / (rows.step[1:] - rows.step[:-1])[same]
    took = took[took > 0]
    return float(np.median(took)) if len(took) else None


# ── dead, silent, behind ─────────────────────────────────────────────────────────────────────────────────────────
def _dead(names: _Names, processes: Sequence[Process], attempts: Sequence[Attempt]) -> list[Finding]:
    last = {attempt.process: attempt for attempt in attempts}
    dead = [number for number, process in enumerate(processes) if process.state in _BAD]
    if len(dead) == len(processes):  # the job is over; what took it down came first
        dead = sorted(dead, key=lambda number: last[processes[number].id].ended_at or 0.0)[:1]
    found = []
    for number in dead:
        process, attempt = processes[number], last[processes[number].id]
        why = {"crashed": "died without a word", "preempted": "was preempted"}.get(process.state, process.state)
        why = "was killed" if process.state == "killed" else why
        known = attempt.reason if process.state != "crashed" else None  # that it said no word is said
        reason = f" ({known})" if known else ""
        step = f" after step {attempt.last_step:,}" if attempt.last_step is not None else ""
        rest = "" if len(processes) > 1 and any(p.state not in _BAD for p in processes) else ", the first of all to end"
        text = f"{why}{reason}{step}{rest}"
        found.append(names.finding("dead", number, text, step=attempt.last_step, time=attempt.ended_at))
    return found


def _lagging(
    names: _Names,
    processes: Sequence[Process],
    ends: tuple[Array, Array],
    typical_s: float | None,
    rows: _Series,
) -> list[Finding]:
    step, time_s = ends
    if typical_s is None:
        return []
    found = []
    logged = np.flatnonzero(step >= 0)
    steps = int(step.max()) - int(rows.step.min()) + 1 if len(rows.step) else 0
    windows = count_windows(steps)
    window_steps = -(-steps // windows) if windows else None
    for number in logged.tolist():
        others = logged[logged != number]
        if processes[number].state != "running" or not len(others):
            continue
        quiet_s = float(np.median(time_s[others])) - float(time_s[number])
        behind = float(np.median(step[others])) - float(step[number])
        if quiet_s >= max(FINDING_SILENT_S, FINDING_SILENT_STEPS * typical_s):
            text = f"has logged nothing for {_seconds(quiet_s)} while the others went on, since step {step[number]:,}"
            found.append(
                names.finding(
                    "silent",
                    number,
                    text,
                    score=quiet_s / typical_s,
                    value=quiet_s,
                    typical=typical_s,
                    ratio=quiet_s / typical_s,
                    step=int(step[number]),
                    time=float(time_s[number]),
                )
            )
        elif window_steps is not None and behind > window_steps and behind * typical_s >= FINDING_SILENT_S:
            typical = float(np.median(step[others]))
            text = f"is {behind:,.0f} steps behind the others (step {step[number]:,} against {typical:,.0f})"
            found.append(
                names.finding(
                    "behind",
                    number,
                    text,
                    score=behind / window_steps,
                    value=float(step[number]),
                    typical=typical,
                    ratio=float(step[number]) / typical,
                    step=int(step[number]),
                    time=float(time_s[number]),
                )
            )
    return found


# ── stragglers ───────────────────────────────────────────────────────────────────────────────────────────────────
def _stragglers(names: _Names, job: Job, rows: _Series) -> list[Finding]:
    count = len(job.members)
    per_process = len(rows.step) / max(1, len(np.unique(rows.process)))
    windows = count_windows(per_process - 1)
    if not windows:
        return []
    low, high = int(rows.step.min()), int(rows.step.max()) + 1
    same = (rows.process[1:] == rows.process[:-1]) & (rows.step[1:] > rows.step[:-1])
    same &= ~_began_anew(job, rows)
    again = np.flatnonzero(same) + 1
    process, stride = rows.process[again], (rows.step[again] - rows.step[again - 1]).astype(np.float64)
    took = np.maximum(rows.time_s[again] - rows.time_s[again - 1], 0.0) / stride
    window = (rows.step[again] - low) * windows // (high - low)
    value, error = window_means(process, window, took, (count, windows), stride)
    judged = judge(value, error)
    found = []
    slow = find_outliers(value, judged, low=False)
    for one in slow:
        step = low + one.since * (high - low) // windows
        text = (
            f"is the straggler: its step takes {one.ratio:.1f}× the others' "
            f"({_seconds(one.value)} against {_seconds(one.typical)}), since step {step:,}"
        )
        found.append(_straggler(names, one, text, step, rows))
    if not slow:  # a process that is slow is late as well
        for one in _late(job, rows, windows, np.nanmedian(value) if np.isfinite(value).any() else np.nan):
            step = low + one.since * (high - low) // windows
            late = one.value - one.typical
            text = (
                f"is the straggler: it comes to each step {_seconds(late)} after the others, "
                f"of {_seconds(one.typical)} that a step takes, since step {step:,}"
            )
            found.append(_straggler(names, one, text, step, rows))
    return found


def _straggler(names: _Names, one: Outlier, text: str, step: int, rows: _Series, key: str | None = None) -> Finding:
    mine = (rows.process == one.process) & (rows.step >= step)
    return names.finding(
        "straggler",
        one.process,
        text,
        score=one.score,
        key=key,
        value=one.value,
        typical=one.typical,
        ratio=one.ratio,
        step=step,
        time=float(rows.time_s[mine][0]) if mine.any() else None,
    )


def _began_anew(job: Job, rows: _Series) -> Array:
    """Return which rows, but the first, stand in a later life than the row before: what is between is no step."""
    anew = np.zeros(max(0, len(rows.step) - 1), np.bool_)
    for number, member in enumerate(job.members):
        if len(member.lives) > 1:
            starts = np.array([life.created_ns / 1e9 for _, life in member.lives])
            a, b = np.searchsorted(rows.process, [number, number + 1])
            life = np.searchsorted(starts, rows.time_s[a:b], "right")
            anew[a : max(a, b - 1)] = life[1:] != life[:-1]
    return anew


def _late(job: Job, rows: _Series, windows: int, step_s: float) -> list[Outlier]:
    """Judge how late processes come to a step, among those of one machine."""
    if not np.isfinite(step_s) or step_s <= 0:
        return []
    hosts: dict[str, list[int]] = {}
    for number, member in enumerate(job.members):
        if member.newest is not None and member.newest.host:
            hosts.setdefault(f"{member.newest.host} {member.newest.boot_id}", []).append(number)
    found: list[Outlier] = []
    low, high = int(rows.step.min()), int(rows.step.max()) + 1
    steps = np.unique(rows.step)
    if len(steps) > windows * _LATE_STEPS:
        steps = steps[np.linspace(0, len(steps) - 1, windows * _LATE_STEPS).astype(np.int64)]
    window = (steps - low) * windows // (high - low)
    for numbers in hosts.values():
        if len(numbers) < 2:
            continue
        came = np.full((len(job.members), len(steps)), np.nan)
        place = np.minimum(np.searchsorted(steps, rows.step), len(steps) - 1)
        mine = (steps[place] == rows.step) & np.isin(rows.process, numbers)
        came[rows.process[mine], place[mine]] = rows.time_s[mine]
        came = came[numbers]
        late = came - judge(came, np.full(came.shape, np.nan)).typical
        row, column = np.nonzero(np.isfinite(late))
        value, error = window_means(row, window[column], late[row, column] + step_s, (len(numbers), windows))
        outliers = find_outliers(value, judge(value, error)._replace(typical=np.full(value.shape, step_s)), low=False)
        found += [one._replace(process=numbers[one.process]) for one in outliers]
    return found


# ── metrics and system figures ───────────────────────────────────────────────────────────────────────────────────
def _by_metric(names: _Names, key: ProcessKey, rows: _Series, job: Job) -> list[Finding]:
    keep = np.isfinite(rows.value)
    rows = _Series(*(column[keep] for column in rows))
    if not len(rows.step):
        return []
    windows = count_windows(len(rows.step) / len(np.unique(rows.process)))
    if not windows:
        return []
    at = rows.time_s if key.kind == "system" else rows.step.astype(np.float64)
    low, high = float(at.min()), float(at.max())
    if high <= low:
        return []
    window = np.minimum((at - low) / (high - low) * windows, windows - 1).astype(np.int64)
    value, error = window_means(rows.process, window, rows.value, (len(job.members), windows))
    least = _least(key.key) if key.kind == "system" else 0.0
    found = []
    several = len(np.unique(rows.process)) > 2  # of two, one being low says what the other being high does
    is_any = _is_any(key)
    for one in find_outliers(value, judge(value, error, least), low=several, by_ratio=not is_any):
        begin = low + one.since * (high - low) / windows
        step = None if key.kind == "system" else int(np.ceil(begin))
        time_s = begin if step is None else float(rows.time_s[(rows.process == one.process) & (rows.step >= step)][0])
        is_slow = key.kind == "number" and not is_any and one.ratio > 1
        name = key.key.removeprefix("system/")
        against = f"{_figure(one.value, key)} against {_figure(one.typical, key)}"
        tells = np.isfinite(one.ratio) and (one.ratio >= FINDING_RATIO or 0 < one.ratio <= 1 / FINDING_RATIO)
        times = f"{one.ratio:.1f}× the others'" if tells else "unlike the others'"
        since = f", since step {step:,}" if step is not None else ""
        text = f"is the straggler: its {name} is {times} ({against}){since}"
        if not is_slow:
            text = f"differs: its {name} is {times} ({against}){since}"
        found.append(
            names.finding(
                "straggler" if is_slow else "outlier",
                one.process,
                text,
                score=one.score,
                key=key.key,
                value=one.value,
                typical=one.typical,
                ratio=one.ratio,
                step=step,
                time=time_s,
            )
        )
    return found


def _least(key: str) -> float:
    return _LEAST.get(key.rpartition("_")[2], _LEAST_PERCENT)


def _figure(value: float, key: ProcessKey) -> str:
    return f"{value:.3g} {key.unit}" if key.unit else f"{value:.3g}"


def _seconds(value: float) -> str:
    if value < 0.001:
        return f"{value * 1e6:.3g} µs"
    if value < 0.1:
        return f"{value * 1e3:.3g} ms"
    return f"{value:.2f} s" if value < 100 else f"{value:,.0f} s"
