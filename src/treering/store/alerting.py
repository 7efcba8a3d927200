"""All that is asked about alerts: rules, what was raised by them or by code, and what a rule would have said."""

from __future__ import annotations

import bisect
import heapq
import itertools
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, Final, Literal, NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy import ColumnElement

from treering.errors import InvalidValue, LimitExceeded, NotFound
from treering.limits import (
    ALERT_PREVIEW_FIRES,
    ALERT_PREVIEW_POINTS,
    ALERT_PREVIEW_RUNS,
    ALERTS_PAGE_MAX,
    ALERTS_SCANNED_MAX,
)

from . import schema as t
from .alert_judges import judge_of
from .alert_log import AlertLog, Fired
from .alert_points import AlertPoints, Line, as_shown
from .alert_rule_documents import AlertRules, RuleSpec, check_spec
from .alert_rules import Ended, Unusual
from .alert_watch import AlertWatch
from .metadata import MetadataStore, ProjectRef
from .state import RunState

__all__ = ["Alert", "AlertPage", "AlertPreview", "Alerts", "Only", "PreviewFire", "PreviewRun"]

Only = Literal["all", "new", "open"]

_CHUNK: Final = 500
_INT64_MAX: Final = (1 << 63) - 1
_SPOT: Final = re.compile(r"([0-9]{1,20})\.([0-9a-z]{1,64})(?:-([0-9]{1,20}))?")
_CODE_ID: Final = re.compile(r"([0-9a-z]{1,64})-([0-9]{1,18})")
_COUNT_MAX: Final = 100

a, r = t.alerts.c, t.runs.c


class Alert(msgspec.Struct, frozen=True):
    """
    An alert. Times are unix seconds, None for not yet.

    Attributes:
        source: a "rule" of the project, or the "code" of the training.
        kind: of condition, or "code".
        at: when it happened, by the clock of the training's machine; ``time`` is when the server noticed.
        over_at: when the condition ceased to hold.
        undelivered: channel → why it was given up.
        repeats: of code: how many of the same title were held back before it.
    """

    id: str
    source: Literal["rule", "code"]
    entity: str
    project: str
    run_key: str
    run_id: str
    run_name: str
    run_number: int
    level: str
    title: str
    text: str
    kind: str
    time: float
    at: float
    key: str | None = None
    step: int | None = None
    value: float | None = None
    rule: str | None = None
    repeats: int = 0
    over_at: float | None = None
    is_open: bool = False
    seen_by: str | None = None
    seen_at: float | None = None
    delivered: dict[str, float] = {}
    undelivered: dict[str, str] = {}


class AlertPage(msgspec.Struct, frozen=True):
    """Alerts, the newest first. ``before``: where to go on, None at the end; a page may be short and not the last."""

    alerts: list[Alert]
    before: str | None


class PreviewFire(msgspec.Struct, frozen=True):
    """One time that a rule would have fired."""

    key: str | None
    step: int | None
    value: float | None
    at: float
    text: str


class PreviewRun(msgspec.Struct, frozen=True):
    """What a rule would have said of a run: how often, and the first times."""

    run_key: str
    run_id: str
    run_name: str
    run_number: int
    count: int
    fires: list[PreviewFire]


class AlertPreview(msgspec.Struct, frozen=True):
    """What a rule would have said of the newest runs that it means, the newest first."""

    runs: int
    fired_runs: int
    count: int
    rows: list[PreviewRun]


class _RunNames(NamedTuple):
    run_id: str
    name: str
    number: int
    state: str = ""
    project_id: int = 0


class _Spot(NamedTuple):
    """
    Where an alert stands in the list: by time, those of code before those of rules of the same microsecond.

    ``segment`` is the id of an alert of a rule.
    """

    time_us: int
    is_code: bool
    segment: str
    off: int

    @property
    def text(self) -> str:
        return f"{self.time_us}.{self.segment}" + (f"-{self.off}" if self.is_code else "")

    @classmethod
    def of_text(cls, text: str) -> _Spot:
        found = _SPOT.fullmatch(text)
        if found is None:
            raise InvalidValue(f"before is what the page before ended with, got {text!r:.60}.")
        time_us, segment, off = found.groups()
        return cls(min(int(time_us), _INT64_MAX), off is not None, segment, min(int(off or 0), _INT64_MAX))


class Alerts:
    """
    The alerts of a store. Methods may be called from any thread.

    Attributes:
        rules: the rules of projects.
        log: what rules raised, and what became of every alert.
        watch: judges runs; whoever delivers calls its ``look``.

    Args:
        moved_to: returns the keys of runs that were moved into a project and are filed there now.
    """

    def __init__(
        self,
        metadata: MetadataStore,
        rules: AlertRules,
        log: AlertLog,
        points: AlertPoints,
        watch: AlertWatch,
        clock_ns: Callable[[], int],
        moved_to: Callable[[str, str], set[str]],
    ) -> None:
        self._metadata = metadata
        self._points = points
        self._clock_ns = clock_ns
        self._moved_to = moved_to
        self._since: tuple[int, Mapping[str, int]] = -1, {}
        self.rules = rules
        self.log = log
        self.watch = watch

    # ── what was raised ─────────────────────────────────────────────────────────────────────────────────────────

    def page(
        self, entity: str, project: str, *, only: Only = "all", before: str | None = None, limit: int = 50
    ) -> AlertPage:
        """
        Return alerts of a project. Raises InvalidValue.

        At most ``ALERTS_SCANNED_MAX`` are looked at: a page of what few of them are may have fewer than *limit*.
        """
        if not 1 <= limit <= ALERTS_PAGE_MAX:
            raise InvalidValue(f"limit is 1 to {ALERTS_PAGE_MAX}, got {limit}.")
        after = None if before is None else _Spot.of_text(before)
        ref = self._metadata.find_project(entity, project)
        found: list[Alert] = []
        last: _Spot | None = None
        if ref is not None:
            for place, (spot, alert) in enumerate(self._newest(ref, after, with_code=only != "open")):
                if last is not None and (len(found) == limit or place >= ALERTS_SCANNED_MAX):
                    return AlertPage(found, last.text)
                last = spot
                if only == "all" or (alert.is_open if only == "open" else alert.seen_by is None):
                    found.append(alert)
        return AlertPage(found, None)

    def of_run(self, run: RunState, limit: int = ALERTS_PAGE_MAX) -> list[Alert]:
        """Return the alerts of a run, the newest first."""
        ref = ProjectRef(run.project_id, run.entity_id, run.entity, run.project)
        code = [alert for _, alert in self._code(a.run_id == run.id, {ref.id: ref}, None, limit)]
        names = _RunNames(run.run_id, run.name, run.number, run.state, run.project_id)
        rules = [self._of_fired(one, names) for one in self.log.of_runs([run.run_key])]
        return sorted([*code, *rules], key=lambda one: -one.time)[:limit]

    def count_new(self, entity: str, project: str) -> int:
        """Return how many alerts nobody has seen, at most 100: of the latest thousand."""
        ref = self._metadata.find_project(entity, project)
        return 0 if ref is None else sum(1 for _ in itertools.islice(self._new(ref, None), _COUNT_MAX))

    def _new(self, ref: ProjectRef, until: float | None) -> Iterator[Alert]:
        """Yield those of the latest alerts that nobody has seen, up to a time."""
        for _, alert in itertools.islice(self._newest(ref, None), ALERTS_SCANNED_MAX):
            if alert.seen_by is None and (until is None or alert.time <= until):
                yield alert

    def recent(self, since_us: int) -> list[Alert]:
        """Return the latest of what happened since a time, in all projects."""
        refs = {ref.id: ref for ref in self._metadata.projects()}
        fired = [one for one in self.log.all() if one.time_ns // 1000 >= since_us]
        code = [alert for _, alert in self._code(a.time_us >= since_us, refs, None, ALERTS_SCANNED_MAX)]
        return [*code, *self.raised(fired)]

    def of_code(self, alert_ids: Collection[str]) -> list[Alert]:
        """Return those of some alerts of code whose runs are there."""
        refs = {ref.id: ref for ref in self._metadata.projects()}
        wanted = set(alert_ids)
        found = (alert for where in _of_ids(alert_ids) for _, alert in self._code(where, refs, None, None))
        return [alert for alert in found if alert.id in wanted]

    def raised(self, fired: list[Fired]) -> list[Alert]:
        """Return what rules have just raised as alerts."""
        names = self._names({one.run_key for one in fired})
        return [self._of_fired(one, its) for one in fired if (its := names.get(one.run_key)) is not None]

    def set_seen(self, entity: str, project: str, alert_ids: Collection[str], seen: bool, author: str) -> int:
        """
        Note that somebody has seen alerts of a project, or that nobody has. Returns how many that changed.

        Raises:
            NotFound: one is no alert of this project.
            OSError: the ledger could not be written.
        """
        here = self._ids_here(entity, project, alert_ids)
        for alert_id in alert_ids:
            if alert_id not in here:
                raise NotFound(f"there is no alert {alert_id[:64]!r} in {entity}/{project}.")
        return self._note_seen(alert_ids, seen, author)

    def set_all_seen(self, entity: str, project: str, until: float, author: str) -> int:
        """Do so for all of the latest up to a time, as they are listed: those that came meanwhile stay new."""
        ref = self._metadata.find_project(entity, project)
        ids = [] if ref is None else [alert.id for alert in self._new(ref, until)]
        return self._note_seen(ids, True, author)

    def _note_seen(self, alert_ids: Collection[str], seen: bool, author: str) -> int:
        changed = [one for one in alert_ids if bool(self.log.outcome(one).seen_by) != seen]
        if changed:
            self.log.note_outcomes(changed, "seen" if seen else "unseen", self._clock_ns(), author=author)
        return len(changed)

    def _ids_here(self, entity: str, project: str, alert_ids: Collection[str]) -> set[str]:
        """Return those of some ids that are alerts of runs which are in a project now."""
        ref = self._metadata.find_project(entity, project)
        if ref is None:
            return set()
        fired = [one for alert_id in alert_ids if (one := self.log.get(alert_id)) is not None]
        there = self._names({one.run_key for one in fired}, ref.id)
        here = {one.id for one in fired if one.run_key in there}
        with self._metadata.connect() as connection:
            for where in _of_ids(alert_ids):
                rows = connection.execute(sa.select(a.segment, a.off).where(a.project_id == ref.id, where))
                here |= {f"{row.segment}-{row.off}" for row in rows}
        return here

    def _newest(self, ref: ProjectRef, after: _Spot | None, *, with_code: bool = True) -> Iterator[tuple[_Spot, Alert]]:
        """Yield the alerts of the runs that are in a project now, the newest first, from behind *after*."""
        code = self._code_after(ref, after) if with_code else iter(())
        return heapq.merge(code, self._fired_after(ref, after), key=lambda one: one[0], reverse=True)

    def _fired_after(self, ref: ProjectRef, after: _Spot | None) -> Iterator[tuple[_Spot, Alert]]:
        moved = self._moved_to(ref.entity, ref.name) & self.log.run_keys()
        fired = {one.id: one for one in (*self.log.of_project(ref.entity, ref.name), *self.log.of_runs(moved))}
        spots = sorted(_Spot(one.time_ns // 1000, False, one.id, 0) for one in fired.values())
        if after is not None:
            spots = spots[: bisect.bisect_left(spots, after)]
        while spots:
            some, spots = spots[-_CHUNK:], spots[:-_CHUNK]
            names = self._names({fired[spot.segment].run_key for spot in some}, ref.id)
            for spot in reversed(some):
                one = fired[spot.segment]
                its = names.get(one.run_key)
                if its is not None:
                    yield spot, self._of_fired(one, its)

    def _code_after(self, ref: ProjectRef, after: _Spot | None) -> Iterator[tuple[_Spot, Alert]]:
        while True:
            some = self._code(a.project_id == ref.id, {ref.id: ref}, after, _CHUNK)
            yield from some
            if len(some) < _CHUNK:
                return
            after = some[-1][0]

    def _code(
        self, where: ColumnElement[bool], refs: Mapping[int, ProjectRef], after: _Spot | None, limit: int | None
    ) -> list[tuple[_Spot, Alert]]:
        """Return what the code of runs in projects *refs* (by number) raised, the newest first."""
        query = (
            sa.select(t.alerts, r.run_key, r.run_id.label("own_id"), r.name, r.number)
            .join(t.runs, r.id == a.run_id)
            .where(where, r.deleted.is_(False))
            .order_by(a.time_us.desc(), a.segment.desc(), a.off.desc())
            .limit(limit)
        )
        if after is not None:
            earlier = a.time_us < after.time_us
            if after.is_code:
                of_segment = sa.and_(a.segment == after.segment, a.off < after.off)
                earlier |= (a.time_us == after.time_us) & ((a.segment < after.segment) | of_segment)
            query = query.where(a.time_us <= after.time_us, earlier)
        with self._metadata.connect() as connection:
            rows = connection.execute(query).all()
        return [
            (_Spot(row.time_us, True, row.segment, row.off), self._of_row(row, refs[row.project_id]))
            for row in rows
            if row.project_id in refs
        ]

    def _of_row(self, row: Any, ref: ProjectRef) -> Alert:
        alert_id = f"{row.segment}-{row.off}"
        return Alert(
            alert_id,
            "code",
            ref.entity,
            ref.name,
            row.run_key,
            row.own_id,
            row.name,
            row.number,
            row.level,
            row.title,
            row.text,
            "code",
            row.time_us / 1e6,
            row.time_us / 1e6,
            step=row.step,
            repeats=row.repeats,
            **self._became(alert_id),
        )

    def _of_fired(self, fired: Fired, names: _RunNames) -> Alert:
        became = self._became(fired.id)
        return Alert(
            fired.id,
            "rule",
            fired.entity,
            fired.project,
            fired.run_key,
            *names[:3],
            fired.level,
            fired.title,
            fired.text,
            fired.kind,
            fired.time_ns / 1e9,
            fired.at_us / 1e6,
            key=fired.key,
            step=fired.step,
            value=fired.value,
            rule=fired.rule,
            is_open=became["over_at"] is None and self._may_be_open(fired, names.state),
            **became,
        )

    def _may_be_open(self, fired: Fired, state: str) -> bool:
        """Return whether a condition may still hold: its rule is the same, and its run runs (or is still dead)."""
        since_ns = self._watched_since().get(fired.rule)
        if since_ns is None or fired.time_ns < since_ns or fired.is_moment:
            return False
        return bool(fired.life) or state == "running"

    def _watched_since(self) -> Mapping[str, int]:
        """Return since when each rule that is on watches for what it does."""
        changes, since = self._since
        if changes != self.rules.changes:
            changes = self.rules.changes
            rules = (rule for some in self.rules.by_project().values() for rule in some if rule.enabled)
            since = {rule.id: rule.since_ns for rule in rules}
            self._since = changes, since
        return since

    def _became(self, alert_id: str) -> dict[str, Any]:
        outcome = self.log.outcome(alert_id)
        return {
            "over_at": outcome.over_ns / 1e9 if outcome.over_ns else None,
            "seen_by": outcome.seen_by or None,
            "seen_at": outcome.turned_ns / 1e9 if outcome.seen_by else None,
            "delivered": {channel: at / 1e9 for channel, at in outcome.delivered.items()},
            "undelivered": dict(outcome.undelivered),
        }

    def _names(self, run_keys: Collection[str], project_id: int | None = None) -> dict[str, _RunNames]:
        """Return what runs are called now, of those that are not deleted (and are filed in a project)."""
        found: dict[str, _RunNames] = {}
        keys = sorted(run_keys)
        with self._metadata.connect() as connection:
            for begin in range(0, len(keys), _CHUNK):
                query = sa.select(r.run_key, r.run_id, r.name, r.number, r.state, r.project_id).where(
                    r.run_key.in_(keys[begin : begin + _CHUNK]), r.deleted.is_(False)
                )
                if project_id is not None:
                    query = query.where(r.project_id == project_id)
                found |= {row.run_key: _RunNames(*row[1:]) for row in connection.execute(query)}
        return found

    # ── what a rule would have said ─────────────────────────────────────────────────────────────────────────────

    def preview(self, entity: str, project: str, spec: RuleSpec) -> AlertPreview:
        """
        Return what a rule would have said of the newest runs of a project that it means.

        Raises:
            InvalidValue, FilterError: there is no such rule.
            LimitExceeded: those runs have too many points of it.
        """
        check_spec(spec)
        ref = self._metadata.find_project(entity, project)
        if ref is None:
            return AlertPreview(0, 0, 0, [])
        runs = self._points.newest(ref, spec.filter, ALERT_PREVIEW_RUNS)
        fires: dict[int, list[PreviewFire]] = {run.id: [] for run in runs}
        if isinstance(spec.condition, Ended):
            for run in runs:
                if run.state in spec.condition.states:
                    ended_s = (run.ended_ns or run.activity_ns) / 1e9
                    fires[run.id].append(PreviewFire(None, None, None, ended_s, f"{run.name}: {run.state}"))
        else:
            self._judge_whole(ref, spec, {run.id: run for run in runs}, fires)
        rows = []
        for run in runs:
            mine = sorted(fires[run.id], key=lambda one: one.at)
            rows.append(
                PreviewRun(run.run_key, run.run_id, run.name, run.number, len(mine), mine[:ALERT_PREVIEW_FIRES])
            )
        fired = [row for row in rows if row.count]
        return AlertPreview(len(rows), len(fired), sum(row.count for row in rows), rows)

    def _judge_whole(
        self, ref: ProjectRef, spec: RuleSpec, runs: dict[int, RunState], fires: dict[int, list[PreviewFire]]
    ) -> None:
        assert not isinstance(spec.condition, Ended)
        meant = self._points.meant(ref.id, spec.condition.key)
        total = self._points.count_points(ref.id, list(meant), list(runs))
        if total > ALERT_PREVIEW_POINTS:
            raise LimitExceeded(
                f"{total:,} points would have to be read for the preview, and at most {ALERT_PREVIEW_POINTS:,} are. "
                "Name one metric, or fewer runs in the filter."
            )
        lines: dict[int, list[Line]] = {}
        for line in self._points.lines(ref.id, list(meant), list(runs)):
            lines.setdefault(line.run, []).append(line)
        for number, its in lines.items():
            turns = []
            for line in its:
                past = None
                if isinstance(spec.condition, Unusual):
                    keys = {key: one for key, one in meant.items() if one.name == meant[line.key].name}
                    past = self._points.past(ref, runs[number], keys, spec.filter)
                points = as_shown(line.points, meant[line.key])
                found = judge_of(spec.condition, past).feed(points.step, points.val, points.ts)
                turns += [((line.key, line.writer), meant[line.key].name, turn) for turn in found]
            firing: set[tuple[int, int]] = set()
            for place, name, turn in sorted(turns, key=lambda one: one[2].time_us):
                if not turn.firing:
                    firing.discard(place)
                    continue
                if not firing:
                    fires[number].append(PreviewFire(name, turn.step, turn.value, turn.time_us / 1e6, turn.text))
                firing.add(place)


def _of_ids(alert_ids: Collection[str]) -> Iterator[ColumnElement[bool]]:
    """
    Yield conditions that every row fulfils which has one of some ids, and few others; what is no id is left out.

    Rows are by segment and offset: to ask for each pair would be a condition of a thousand parts.
    """
    found = [match.groups() for one in alert_ids if (match := _CODE_ID.fullmatch(one)) is not None]
    for begin in range(0, len(found), _CHUNK):
        some = found[begin : begin + _CHUNK]
        yield a.segment.in_({segment for segment, _ in some}) & a.off.in_({int(off) for _, off in some})
