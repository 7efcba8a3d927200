"""
Watching runs for the alert rules of their projects.

::

    ingest ──note_points, note_commit──▶ queue ──look, once a second──▶ judges ──▶ ledger ──▶ whoever delivers

Ingest only puts aside what a rule may mean: points of keys that some rule watches, and which runs changed. ``look``,
on a thread of its own, gives them to judges, one for each line of each run and rule. A judge that begins (a new line, a
new rule, a server that has just started) is first given the whole line as it is stored, so nothing is missed that
happened while nobody watched; what the ledger says was raised already is not raised again.

Only runs that are running, or ended within the last hour, are watched: history that is imported pages nobody.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Collection, Iterable
from typing import Final

import numpy as np

from treering.errors import FilterError
from treering.limits import (
    ALERT_FEW_POINTS,
    ALERT_LINES_MAX,
    ALERT_QUEUE_POINTS,
    ALERT_RECENT_S,
    ALERTS_KEPT,
    CRASHED_AFTER_S,
)

from .alert_judges import Judge, judge_of
from .alert_log import AlertLog, Fired, Stand, new_alert_id
from .alert_points import AlertPoints, Line, Meant, as_shown
from .alert_rule_documents import AlertRule, AlertRules
from .alert_rules import Ended, OfMetric, Silent, Unusual
from .columns import Array, Points, ints, starts_of
from .ingest import Committed
from .liveness import deciding_life, end_of
from .state import RunState
from .watched_runs import NO_STAND, Event, Place, Watch, WatchedLine, WatchedProject, WatchedRun

__all__ = ["AlertWatch", "is_recent"]

log = logging.getLogger("treering.store")

_FILTER_AGAIN_S: Final = 5.0  # whether a run passes a filter is asked again so often, while it changes
_PENDING_MAX: Final = 1_000  # alerts that a disk refused
_AFTER_FAILURE_S: Final = 5.0
_SKEW_LEAST_US: Final = int(CRASHED_AFTER_S * 1e6)  # what is less is the way that a point has to go


class AlertWatch:
    """
    ``note_points`` and ``note_commit`` are called by ingest and return at once; one thread calls ``look``.

    Args:
        corrections_changes: grows with each change of a correction.
    """

    def __init__(
        self,
        rules: AlertRules,
        alerts: AlertLog,
        points: AlertPoints,
        clock_ns: Callable[[], int],
        corrections_changes: Callable[[], int],
    ) -> None:
        self._rules = rules
        self._log = alerts
        self._points = points
        self._clock_ns = clock_ns
        self._corrections_changes = corrections_changes
        self._lock = threading.Lock()
        self._is_on = False
        self._keys: dict[int, Array] = {}  # of projects with rules: the logged keys that any rule watches
        self._queue: deque[Points] = deque()
        self._queued = 0
        self._lost: set[int] = set()  # runs of which points were not queued
        self._committed: dict[tuple[str, str], dict[str, tuple[str, bool]]] = {}
        self._raised: dict[str, None] = {}  # alerts that code raised
        self._gone: set[str] = set()  # runs that were removed or moved
        self._projects: dict[tuple[str, str], WatchedProject] = {}
        self._rules_seen = -1
        self._pending: list[Fired] = []

    # ── from ingest ─────────────────────────────────────────────────────────────────────────────────────────────

    def note_points(self, project_id: int, points: Points) -> None:
        """Put aside what a rule may mean; costs nothing where no rule is."""
        keys = self._keys.get(project_id)
        if keys is None:
            return
        points = points.take(np.isin(points.key, keys))
        if not len(points):
            return
        with self._lock:
            if self._queued + len(points) > ALERT_QUEUE_POINTS:
                self._lost.update(np.unique(points.run).tolist())
            else:
                self._queued += len(points)
                self._queue.append(points)

    def note_commit(self, committed: Iterable[Committed]) -> None:
        """Note which runs changed."""
        if not self._is_on:
            return
        with self._lock:
            for one in committed:
                self._raised.update(dict.fromkeys(one.alerts))
                place = (one.entity, one.project)
                if place in self._projects:
                    runs = self._committed.setdefault(place, {})
                    before = runs.get(one.run_key, ("", False))
                    runs[one.run_key] = (one.state, before[1] or one.keys_changed)
            while len(self._raised) > ALERTS_KEPT:  # a huge import: the page has them all
                del self._raised[next(iter(self._raised))]

    # ── judging ─────────────────────────────────────────────────────────────────────────────────────────────────

    def start(self) -> None:
        """Begin to note what comes."""
        self._is_on = True

    def take_raised(self) -> list[str]:
        """Return the ids of alerts that code has raised since the last call, the latest ``ALERTS_KEPT``."""
        with self._lock:
            raised, self._raised = self._raised, {}
        return list(raised)

    def forget_runs(self, run_keys: Collection[str]) -> None:
        """Stop watching runs that were removed or moved; where they are filed now they are seen anew."""
        with self._lock:
            self._gone.update(run_keys)

    def look(self) -> list[Fired]:
        """Judge what came since the last look and return the alerts that it raised, which are in the ledger."""
        now_ns = self._clock_ns()
        fired = self._write_pending()
        anew = self._read_rules(now_ns)
        with self._lock:
            queue, self._queue, self._queued = list(self._queue), deque(), 0
            committed, self._committed = self._committed, {}
            lost, self._lost = self._lost, set()
            gone, self._gone = self._gone, set()
        points = Points.concat(queue) if queue else Points.empty()
        for place, project in list(self._projects.items()):
            changed = committed.get(place, {})
            for key in gone & project.runs.keys():
                del project.by_id[project.runs.pop(key).id]
            if now_ns < project.again_ns:
                self._look_later(project, changed)
                continue
            try:
                fired += self._look_at(project, changed, points, lost, anew.get(place, set()), now_ns)
            except Exception:  # a database that is gone, say: the others are judged, and this one is later
                log.exception("alerts of %s/%s could not be judged; that is tried again", *place)
                project.again_ns = now_ns + int(_AFTER_FAILURE_S * 1e9)
                self._look_later(project, changed)
        return fired

    def _look_later(self, project: WatchedProject, changed: dict[str, tuple[str, bool]]) -> None:
        """Have all runs of a project read again at the next look: what came is not kept."""
        with self._lock:
            self._lost.update(project.by_id)
            runs = self._committed.setdefault((project.ref.entity, project.ref.name), {})
            for key, (state, has_grown) in changed.items():
                now = runs.get(key, (state, False))
                runs[key] = now[0], now[1] or has_grown

    def _look_at(
        self,
        project: WatchedProject,
        changed: dict[str, tuple[str, bool]],
        points: Points,
        lost: set[int],
        anew: set[str],
        now_ns: int,
    ) -> list[Fired]:
        self._resolve(project)
        self._meet(project, {*changed, *anew}, now_ns)
        self._match(project, {*changed, *anew}, now_ns)
        fired: list[Fired] = []
        mine = [run for key in {*changed, *anew} if (run := project.runs.get(key)) is not None]
        for run in mine:
            fired += self._note_state(project, run, changed.get(run.key, (run.state, False))[0], now_ns)
        grown = {run.key for run in mine if changed.get(run.key, ("", False))[1]}
        events = self._begin(project, mine, lost, grown)
        if len(points) and project.by_id:
            self._feed(project, points.take(np.isin(points.run, ints(project.by_id))), events, now_ns // 1000)
        for run in project.runs.values():
            if run.state == "running":
                self._wait(run, now_ns, events)
        there = self._points.runs({run_key for run_key, _ in events}) if events else {}
        for (run_key, rule_id), some in events.items():
            run, state = project.runs[run_key], there.get(run_key)
            if state is not None:  # not deleted
                run.name = state.name
                fired += self._settle(project, run, run.watches[rule_id], some, now_ns)
        self._let_go(project, now_ns)
        return fired

    # ── rules and runs ──────────────────────────────────────────────────────────────────────────────────────────

    def _read_rules(self, now_ns: int) -> dict[tuple[str, str], set[str]]:
        """Take changed rules in. Returns the runs of projects that have to be looked at for them."""
        changes = self._rules.changes
        places = {place: rules for place, rules in self._rules.by_project().items() if any(r.enabled for r in rules)}
        if changes == self._rules_seen and places.keys() == self._projects.keys():
            return {}
        anew: dict[tuple[str, str], set[str]] = {}
        whole = True
        with self._lock:
            known = dict(self._projects)
        for place, rules in places.items():
            ref = self._points.project(*place)
            if ref is None:
                whole = False  # no run yet
                continue
            project = known.get(place) or WatchedProject(ref, {})
            wanted = {rule.id: rule for rule in rules if rule.enabled}
            if project.rules == wanted:
                continue
            for run in project.runs.values():
                for rule_id, watch in list(run.watches.items()):
                    rule = wanted.get(rule_id)
                    if rule is None or rule.since_ns != watch.rule.since_ns:
                        del run.watches[rule_id]
                    else:
                        watch.rule = rule
            project.rules, project.keys_made = wanted, -1
            known[place] = project
            anew[place] = set(self._points.recent(ref.id, now_ns // 1000 - int(ALERT_RECENT_S * 1e6)))
        with self._lock:
            self._projects = {place: project for place, project in known.items() if place in places}
            left = {project.ref.id for project in self._projects.values()}
            self._keys = {number: keys for number, keys in self._keys.items() if number in left}
        self._rules_seen = changes if whole else -1
        return anew

    def _resolve(self, project: WatchedProject) -> None:
        """Find out which logged keys the rules mean."""
        made, corrections = self._points.keys_made, self._corrections_changes()
        if (made, corrections) == (project.keys_made, project.corrections):
            return
        project.meant = {
            rule.id: self._points.meant(project.ref.id, rule.spec.condition.key)
            for rule in project.rules.values()
            if not isinstance(rule.spec.condition, Ended)
        }
        if corrections != project.corrections and project.corrections >= 0:
            for run in project.runs.values():  # what was judged is shown otherwise now
                for watch in run.watches.values():
                    watch.lines, watch.firing, watch.began = {}, {}, False
        project.keys_made, project.corrections = made, corrections
        keys = ints({key for meant in project.meant.values() for key in meant})
        with self._lock:
            self._keys[project.ref.id] = keys

    def _meet(self, project: WatchedProject, run_keys: Collection[str], now_ns: int) -> None:
        """Begin to watch runs that are seen for the first time."""
        new = [key for key in run_keys if key not in project.runs]
        for key, state in self._points.runs(new).items():
            if not is_recent(state, now_ns) or (state.entity, state.project) != (project.ref.entity, project.ref.name):
                continue
            run = WatchedRun(state.id, key, state.name, state.state, state.ended_ns)
            behind_us = (now_ns - state.activity_ns) // 1000
            if state.state == "running" and behind_us > _SKEW_LEAST_US:  # it lives: it is its clock that is late
                run.skew_us = behind_us
            project.runs[key] = project.by_id[state.id] = run

    def _match(self, project: WatchedProject, run_keys: Collection[str], now_ns: int) -> None:
        """Ask which rules mean which runs."""
        now_s = now_ns / 1e9
        asked = [project.runs[key] for key in run_keys if key in project.runs]
        asked = [
            run for run in asked if now_s - run.asked_s >= _FILTER_AGAIN_S or len(run.watches) < len(project.rules)
        ]
        if not asked:
            return
        for rule in project.rules.values():
            keys = {run.key for run in asked}
            try:
                meant = self._points.matching(project.ref, rule.spec.filter, keys)
            except FilterError as error:  # it names something that there is no more
                log.warning("the filter of alert rule %s: %s", rule.id, error)
                meant = set()
            for run in asked:
                watch = run.watches.get(rule.id)
                if watch is None:
                    stand = self._log.stand(rule.id, run.key, rule.since_ns) or NO_STAND
                    watch = run.watches[rule.id] = Watch(rule, stand=stand)
                watch.matches = run.key in meant
        for run in asked:
            run.asked_s = now_s

    def _let_go(self, project: WatchedProject, now_ns: int) -> None:
        """Stop watching runs that ended long ago."""
        oldest_ns = now_ns - int(ALERT_RECENT_S * 1e9)
        gone = [run for run in project.runs.values() if run.ended_ns is not None and run.ended_ns < oldest_ns]
        for run in gone:
            if run.state != "running":
                del project.runs[run.key], project.by_id[run.id]

    # ── ends ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _note_state(self, project: WatchedProject, run: WatchedRun, state: str, now_ns: int) -> list[Fired]:
        """Judge whether the run's state is one that rules tell of."""
        has_turned = state != run.state
        rules = [w for w in run.watches.values() if isinstance(w.rule.spec.condition, Ended)]
        waits = [w for w in rules if w.matches and not w.began]
        if not has_turned and not waits:
            return []
        found = self._points.runs([run.key]).get(run.key)
        if found is None:
            return []
        run.state, run.name = found.state, found.name
        # A machine's clock may be a day off: an end that we saw is one of now.
        run.ended_ns = None if found.state == "running" else now_ns if has_turned else found.ended_ns
        fired = []
        for watch in rules:
            if watch.matches:
                watch.began = True
                fired += self._judge_end(project, run, watch, found, now_ns)
        return fired

    def _judge_end(
        self, project: WatchedProject, run: WatchedRun, watch: Watch, state: RunState, now_ns: int
    ) -> list[Fired]:
        rule, condition = watch.rule, watch.rule.spec.condition
        assert isinstance(condition, Ended)
        life_id = next((key for key, life in state.lives.items() if life is deciding_life(state)), "")
        if state.state == "running":
            if watch.stand.open:
                self._over(watch, now_ns // 1000, now_ns)
            return []
        named = f"{life_id}/{state.state}"
        if state.state not in condition.states or self._log.has_ended(rule.id, named):
            return []
        ended_ns = run.ended_ns or now_ns
        if ended_ns < rule.since_ns or not life_id:
            return []
        life = state.lives[life_id]
        end = end_of(state, life)
        reason = str((end[0].get("reason") if end is not None else "") or "")
        what = {"crashed": "died without a word", "killed": "was killed"}.get(state.state, state.state)
        text = f"{run.name} {what}" + (f": {reason[:500]}" if reason else "")
        return self._raise(watch, self._new(project, run, rule, text, ended_ns // 1000, now_ns, life=named))

    # ── lines ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _begin(
        self, project: WatchedProject, runs: list[WatchedRun], lost: set[int], grown: set[str]
    ) -> dict[tuple[str, str], list[Event]]:
        """
        Give judges that begin the whole line as it is stored, and those that missed points what they missed.

        *grown*: the keys of runs that logged a metric for the first time.
        """
        events: dict[tuple[str, str], list[Event]] = {}
        for rule_id, meant in project.meant.items():
            wanted: dict[int, set[int]] = {}  # key → runs
            for run in {run.key: run for run in [*runs, *(r for r in project.runs.values() if r.id in lost)]}.values():
                watch = run.watches.get(rule_id)
                if watch is None or not watch.matches:
                    continue
                if watch.began and run.key not in grown and run.id not in lost:
                    continue
                known = set() if run.id in lost else {key for key, _ in watch.lines}
                for key in meant.keys() - known:
                    wanted.setdefault(key, set()).add(run.id)
                if not watch.began:
                    watch.began = True
                    events[run.key, rule_id] = []
            keys_of = {key: frozenset(ids) for key, ids in wanted.items()}
            for ids in set(keys_of.values()):
                keys = [key for key, its in keys_of.items() if its == ids]
                for line in self._points.lines(project.ref.id, keys, ids):
                    self._judge(project, line, rule_id, events)
        return events

    def _feed(
        self, project: WatchedProject, points: Points, events: dict[tuple[str, str], list[Event]], now_us: int
    ) -> None:
        """Give points that came to the judges of their lines."""
        if not len(points):
            return
        order = np.lexsort((np.arange(len(points)), points.writer, points.key, points.run))
        points = points.take(order)
        begin = starts_of(points.run, points.key, points.writer)
        ends = [*begin[1:].tolist(), len(points)]
        heads = (points.run[begin].tolist(), points.key[begin].tolist(), points.writer[begin].tolist())
        columns = [column.tolist() for column in (points.seg, points.off, points.step, points.val, points.ts)]
        rules: dict[int, list[tuple[str, Meant]]] = {}
        for rule_id, meant in project.meant.items():
            for key, one in meant.items():
                rules.setdefault(key, []).append((rule_id, one))
        heard: dict[int, int] = {}
        for run_id, key, writer, a, b in zip(*heads, begin.tolist(), ends, strict=True):
            run = project.by_id[run_id]
            few = [column[a:b] for column in columns] if b - a <= ALERT_FEW_POINTS else None
            for rule_id, one in rules.get(key, ()):
                watch = run.watches.get(rule_id)
                if watch is None or not watch.matches:
                    continue
                if few is None or one.source is not None:
                    self._judge(project, Line(run_id, key, writer, points.take(slice(a, b))), rule_id, events)
                    watched = watch.lines.get((key, writer))
                else:
                    watched = self._line(project, run, watch, (key, writer))
                    turns = [] if watched is None else watched.feed_few(*few)
                    if turns:
                        some = events.setdefault((run.key, rule_id), [])
                        some += [Event((key, writer), one.name, turn, True) for turn in turns]
                if watched is not None:
                    heard[run_id] = max(heard.get(run_id, 0), watched.last_us)
        for run_id, last_us in heard.items():
            skew_us = now_us - last_us
            project.by_id[run_id].skew_us = skew_us if abs(skew_us) > _SKEW_LEAST_US else 0

    def _judge(
        self, project: WatchedProject, line: Line, rule_id: str, events: dict[tuple[str, str], list[Event]]
    ) -> None:
        """Give a line, or what came of it, to its judge."""
        run = project.by_id.get(line.run)
        watch = None if run is None else run.watches.get(rule_id)
        if run is None or watch is None:
            return
        place = (line.key, line.writer)
        is_live = place in watch.lines
        watched = self._line(project, run, watch, place)
        if watched is None:
            return
        meant = project.meant[rule_id][line.key]
        new, times = watched.new(line.points)
        if len(new):
            columns = new.columns()
            columns["ts"] = times
            new = as_shown(Points(**columns), meant)
            turns = watched.judge.feed(new.step, new.val, new.ts)
            if turns:
                some = events.setdefault((run.key, rule_id), [])
                some += [Event(place, meant.name, turn, is_live) for turn in turns]

    def _line(self, project: WatchedProject, run: WatchedRun, watch: Watch, place: Place) -> WatchedLine | None:
        """Return a line with its judge, which may begin now; None if the rule watches too many of them already."""
        watched = watch.lines.get(place)
        if watched is None and len(watch.lines) < ALERT_LINES_MAX:
            watched = watch.lines[place] = WatchedLine(self._new_judge(project, run, watch, place[0]))
        return watched

    def _new_judge(self, project: WatchedProject, run: WatchedRun, watch: Watch, key: int) -> Judge:
        condition = watch.rule.spec.condition
        assert isinstance(condition, OfMetric)
        if not isinstance(condition, Unusual):
            return judge_of(condition)
        name = project.meant[watch.rule.id][key].name
        keys = {k: meant for k, meant in project.meant[watch.rule.id].items() if meant.name == name}
        state = self._points.runs([run.key]).get(run.key)
        past = None if state is None else self._points.past(project.ref, state, keys, watch.rule.spec.filter)
        return judge_of(condition, past)

    def _wait(self, run: WatchedRun, now_ns: int, events: dict[tuple[str, str], list[Event]]) -> None:
        """Say to the judges of a running run that nothing came."""
        for rule_id, watch in run.watches.items():
            if not isinstance(watch.rule.spec.condition, Silent) or not watch.matches:
                continue
            for place, watched in watch.lines.items():
                for turn in watched.judge.wait(now_ns // 1000 - run.skew_us):
                    events.setdefault((run.key, rule_id), []).append(Event(place, "", turn, True))

    # ── from turns of lines to alerts ───────────────────────────────────────────────────────────────────────────

    def _settle(
        self, project: WatchedProject, run: WatchedRun, watch: Watch, events: list[Event], now_ns: int
    ) -> list[Fired]:
        """Make alerts of turns: one while any line is firing."""
        fired: list[Fired] = []
        since_us = watch.rule.since_ns // 1000
        for event in sorted(events, key=lambda event: event.turn.time_us):
            at_us = event.turn.time_us
            if event.turn.firing:
                watch.firing[event.line] = event
                # What is read again was told, or it was before the rule: its time says so. What comes is news,
                # whatever time it says.
                if not watch.stand.open and (event.is_live or at_us > max(watch.stand.at_us, since_us)):
                    fired += self._raise(watch, self._of_event(project, run, watch, event, now_ns))
            else:
                watch.firing.pop(event.line, None)
                if not watch.firing and watch.stand.open and (event.is_live or at_us >= watch.stand.at_us):
                    self._over(watch, at_us, now_ns)
        # What began before the rule did, and still is so.
        if watch.firing and not watch.stand.open:
            last = max(watch.firing.values(), key=lambda event: event.turn.time_us)
            if last.turn.time_us > watch.stand.at_us and last.turn.time_us <= since_us:
                fired += self._raise(watch, self._of_event(project, run, watch, last, now_ns))
        if watch.stand.open and not watch.firing:  # corrections show the line otherwise now
            self._over(watch, watch.stand.at_us, now_ns)
        return fired

    def _of_event(self, project: WatchedProject, run: WatchedRun, watch: Watch, event: Event, now_ns: int) -> Fired:
        turn = event.turn
        name = event.name or self._name(project, watch, event.line[0])
        text = f"{name} at step {turn.step:,} of {run.name}: {turn.text}"
        return self._new(
            project, run, watch.rule, text, turn.time_us, now_ns, key=name, step=turn.step, value=turn.value
        )

    def _name(self, project: WatchedProject, watch: Watch, key: int) -> str:
        meant = project.meant.get(watch.rule.id, {}).get(key)
        return "" if meant is None else meant.name

    def _new(
        self,
        project: WatchedProject,
        run: WatchedRun,
        rule: AlertRule,
        text: str,
        at_us: int,
        now_ns: int,
        *,
        life: str = "",
        key: str | None = None,
        step: int | None = None,
        value: float | None = None,
    ) -> Fired:
        return Fired(
            new_alert_id(),
            now_ns,
            project.ref.entity,
            project.ref.name,
            run.key,
            rule.id,
            rule.name,
            str(rule.spec.condition.__struct_config__.tag),
            rule.spec.level,
            rule.name,
            text,
            at_us,
            life,
            key,
            step,
            value,
        )

    def _raise(self, watch: Watch, fired: Fired) -> list[Fired]:
        """Write an alert down; one that the disk refuses waits."""
        watch.stand = Stand("" if fired.is_moment else fired.id, max(watch.stand.at_us, fired.at_us), fired.time_ns)
        try:
            self._log.fire(fired)
        except OSError as error:
            log.warning("an alert could not be written down, and is tried again: %s", error)
            if len(self._pending) < _PENDING_MAX:
                self._pending.append(fired)
            return []
        return [fired]

    def _write_pending(self) -> list[Fired]:
        written = []
        while self._pending:
            try:
                self._log.fire(self._pending[0])
            except OSError:
                break
            written.append(self._pending.pop(0))
        return written

    def _over(self, watch: Watch, at_us: int, now_ns: int) -> None:
        alert_id = watch.stand.open
        watch.stand = watch.stand._replace(open="", at_us=max(watch.stand.at_us, at_us))
        try:
            self._log.note_outcome(alert_id, "over", now_ns, at_us=at_us)
        except OSError as error:
            log.warning("the end of alert %s could not be written down: %s", alert_id, error)


def is_recent(state: RunState, now_ns: int) -> bool:
    """Return whether a run is running, or ended or was heard of within the last hour, by our clock."""
    if state.state == "running":
        return True
    heard_ns = max((life.beat_ns for life in state.lives.values()), default=0)
    return max(state.ended_ns or 0, heard_ns) >= now_ns - int(ALERT_RECENT_S * 1e9)
