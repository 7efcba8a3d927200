"""All that is asked about alerts: rules, what was raised by them or by code, and what a rule would have said."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, Final, Literal, NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy import ColumnElement

from treering.errors import InvalidValue, LimitExceeded, NotFound
from treering.limits import ALERT_PREVIEW_FIRES, ALERT_PREVIEW_POINTS, ALERT_PREVIEW_RUNS, ALERTS_PAGE_MAX

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
_COUNTED: Final = 1_000  # alerts among which those are counted that nobody has seen
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
    """Alerts, the newest first. ``before``: the time to go on from, None at the end."""

    alerts: list[Alert]
    before: float | None


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


class Alerts:
    """
    The alerts of a store. Methods may be called from any thread.

    Attributes:
        rules: the rules of projects.
        log: what rules raised, and what became of every alert.
        watch: judges runs; whoever delivers calls its ``look``.
    """

    def __init__(
        self,
        metadata: MetadataStore,
        rules: AlertRules,
        log: AlertLog,
        points: AlertPoints,
        watch: AlertWatch,
        clock_ns: Callable[[], int],
    ) -> None:
        self._metadata = metadata
        self._points = points
        self._clock_ns = clock_ns
        self.rules = rules
        self.log = log
        self.watch = watch

    # ── what was raised ─────────────────────────────────────────────────────────────────────────────────────────

    def page(
        self, entity: str, project: str, *, only: Only = "all", before: float | None = None, limit: int = 50
    ) -> AlertPage:
        """Return alerts of a project. Raises InvalidValue."""
        if not 1 <= limit <= ALERTS_PAGE_MAX:
            raise InvalidValue(f"limit is 1 to {ALERTS_PAGE_MAX}, got {limit}.")
        ref = self._metadata.find_project(entity, project)
        found: list[Alert] = []
        if ref is not None:
            for alert in self._newest(ref, None if before is None else int(before * 1e6)):
                if only == "all" or (alert.is_open if only == "open" else alert.seen_by is None):
                    found.append(alert)
                if len(found) > limit:
                    break
        more = len(found) > limit
        return AlertPage(found[:limit], found[limit - 1].time if more else None)

    def of_run(self, run: RunState, limit: int = ALERTS_PAGE_MAX) -> list[Alert]:
        """Return the alerts of a run, the newest first."""
        ref = ProjectRef(run.project_id, run.entity_id, run.entity, run.project)
        code = self._code(a.run_id == run.id, {ref.id: ref}, None, limit)
        fired = [one for one in self.log.of_project(run.entity, run.project) if one.run_key == run.run_key]
        names = {run.run_key: _RunNames(run.run_id, run.name, run.number)}
        rules = [self._of_fired(one, names[one.run_key]) for one in fired]
        return sorted([*code, *rules], key=lambda one: -one.time)[:limit]

    def count_new(self, entity: str, project: str) -> int:
        """Return how many alerts nobody has seen, at most 100: of the latest thousand."""
        ref = self._metadata.find_project(entity, project)
        count = 0
        if ref is not None:
            for place, alert in enumerate(self._newest(ref, None)):
                count += alert.seen_by is None
                if count >= _COUNT_MAX or place >= _COUNTED:
                    break
        return count

    def recent(self, since_us: int, run_keys: Collection[str] | None = None) -> list[Alert]:
        """Return what happened since a time, in all projects, or what the code of some runs raised since then."""
        refs = {ref.id: ref for ref in self._metadata.projects()}
        late: ColumnElement[bool] = a.time_us >= since_us
        found: list[Alert] = []
        if run_keys is None:
            found += self._code(late, refs, None, _COUNTED)
            fired = [one for one in self.log.all() if one.time_ns // 1000 >= since_us]
            names = self._names({one.run_key for one in fired})
            found += [self._of_fired(one, its) for one in fired if (its := names.get(one.run_key)) is not None]
            return found
        keys = sorted(run_keys)
        for begin in range(0, len(keys), _CHUNK):
            found += self._code(late & r.run_key.in_(keys[begin : begin + _CHUNK]), refs, None, _COUNTED)
        return found

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
        for alert_id in alert_ids:
            if not self._is_here(entity, project, alert_id):
                raise NotFound(f"there is no alert {alert_id[:64]!r} in {entity}/{project}.")
        changed = [one for one in alert_ids if bool(self.log.outcome(one).seen_by) != seen]
        for alert_id in changed:
            self.log.note_outcome(alert_id, "seen" if seen else "unseen", self._clock_ns(), author=author)
        return len(changed)

    def _is_here(self, entity: str, project: str, alert_id: str) -> bool:
        fired = self.log.get(alert_id)
        if fired is not None:
            return (fired.entity, fired.project) == (entity, project)
        ref = self._metadata.find_project(entity, project)
        segment, _, off = alert_id.partition("-")
        if ref is None or not off.isdecimal() or len(off) > 18:
            return False
        query = sa.select(a.off).where(a.project_id == ref.id, a.segment == segment, a.off == int(off))
        with self._metadata.connect() as connection:
            return connection.execute(query).first() is not None

    def _newest(self, ref: ProjectRef, before_us: int | None) -> Iterator[Alert]:
        """Yield the alerts of a project, the newest first."""
        fired = sorted(self.log.of_project(ref.entity, ref.name), key=lambda one: one.time_ns)
        if before_us is not None:
            fired = [one for one in fired if one.time_ns // 1000 < before_us]
        code = self._code_before(ref, before_us)
        waiting = next(code, None)
        while fired or waiting is not None:
            if waiting is not None and (not fired or waiting.time * 1e9 >= fired[-1].time_ns):
                yield waiting
                waiting = next(code, None)
                continue
            some, fired = fired[-_CHUNK:], fired[:-_CHUNK]
            names = self._names({one.run_key for one in some}, ref.id)
            while some and (waiting is None or some[-1].time_ns > waiting.time * 1e9):
                one = some.pop()
                its = names.get(one.run_key)
                if its is not None:
                    yield self._of_fired(one, its)
            fired += some

    def _code_before(self, ref: ProjectRef, before_us: int | None) -> Iterator[Alert]:
        while True:
            some = self._code(a.project_id == ref.id, {ref.id: ref}, before_us, _CHUNK)
            yield from some
            if len(some) < _CHUNK:
                return
            before_us = round(some[-1].time * 1e6)

    def _code(
        self, where: ColumnElement[bool], refs: Mapping[int, ProjectRef], before_us: int | None, limit: int
    ) -> list[Alert]:
        """Return what the code of runs in projects *refs* (by number) raised, the newest first."""
        query = (
            sa.select(t.alerts, r.run_key, r.run_id.label("own_id"), r.name, r.number)
            .join(t.runs, r.id == a.run_id)
            .where(where, r.deleted.is_(False))
            .order_by(a.time_us.desc(), a.segment_id.desc(), a.off.desc())
            .limit(limit)
        )
        if before_us is not None:
            query = query.where(a.time_us < before_us)
        with self._metadata.connect() as connection:
            rows = connection.execute(query).all()
        return [self._of_row(row, refs[row.project_id]) for row in rows if row.project_id in refs]

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
            *names[:2],
            names.number,
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
            is_open=not fired.is_moment and became["over_at"] is None,
            **became,
        )

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
                query = sa.select(r.run_key, r.run_id, r.name, r.number).where(
                    r.run_key.in_(keys[begin : begin + _CHUNK]), r.deleted.is_(False)
                )
                if project_id is not None:
                    query = query.where(r.project_id == project_id)
                found |= {row.run_key: _RunNames(row.run_id, row.name, row.number) for row in connection.execute(query)}
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
