"""
What alert rules raised, and what became of each alert: seen by whom, delivered where, over since when.

All of it are records of the ledger, so that nothing fires twice after a restart or a rebuild, and no message is sent
again that was delivered. Memory holds the latest alerts of each project, and of every rule and run where they stand.
What the code of a training raises stands in its own log; here is only what became of it.
"""

from __future__ import annotations

import base64
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from treering.limits import ALERT_OUTCOMES_KEPT, ALERTS_KEPT
from treering.runlog import records

__all__ = ["AlertLog", "Fired", "Outcome", "Stand", "new_alert_id"]

_ID_BYTES: Final = 10
_SPARE: Final = 1_000  # so many too many go together


class Fired(msgspec.Struct, frozen=True):
    """
    An alert that a rule raised. Times are unix nanoseconds, ``at_us`` microseconds.

    Attributes:
        life: of an alert about the end of a run: which of its lives ended, a slash, and how.
        key, step, value: the point; None for an end.
        at_us: when it happened, by the point's own clock.
    """

    id: str
    time_ns: int
    entity: str
    project: str
    run_key: str
    rule: str
    rule_name: str
    kind: str
    level: str
    title: str
    text: str
    at_us: int
    life: str = ""
    key: str | None = None
    step: int | None = None
    value: float | None = None

    @property
    def is_moment(self) -> bool:
        """Whether it cannot be over: an end, other than a death that may turn out to be none."""
        return bool(self.life) and not self.life.endswith("/crashed")


class Outcome(msgspec.Struct):
    """
    What became of an alert. Times are unix nanoseconds, 0 for not yet.

    Attributes:
        over_at_us: the time of the point with which it was over, microseconds.
        turned_ns: when somebody last said that it was seen, or was not.
    """

    over_ns: int = 0
    over_at_us: int = 0
    turned_ns: int = 0
    seen_by: str = ""
    delivered: dict[str, int] = {}  # channel → when
    undelivered: dict[str, str] = {}  # channel → why it was given up


class Stand(NamedTuple):
    """
    Where a rule stands with a run: the alert that is open, if one is, and up to which time of its points it has judged.

    ``time_ns`` is when it last raised one, by our own clock.
    """

    open: str
    at_us: int
    time_ns: int = 0


class AlertLog:
    """
    Thread-safe.

    Args:
        append: writes records of a kind into the ledger, durably. May raise OSError.
    """

    def __init__(self, append: Callable[[int, Sequence[list[Any]]], object]) -> None:
        self._append = append
        self._lock = threading.RLock()
        self._fired: dict[tuple[str, str], OrderedDict[str, Fired]] = {}
        self._by_id: dict[str, Fired] = {}
        self._by_run: dict[str, dict[str, Fired]] = {}
        self._outcomes: dict[str, Outcome] = {}
        self._of_code: OrderedDict[str, Outcome] = OrderedDict()  # those of alerts that code raised
        self._stands: dict[tuple[str, str], Stand] = {}
        self._ended: set[tuple[str, str]] = set()  # rule, life
        self.changes = 0  # grows with each record

    # ── reading ─────────────────────────────────────────────────────────────────────────────────────────────────

    def of_project(self, entity: str, project: str) -> list[Fired]:
        """Return the latest alerts that were raised while their run was filed there, in no order."""
        with self._lock:
            return list(self._fired.get((entity, project), {}).values())

    def of_runs(self, run_keys: Collection[str]) -> list[Fired]:
        """Return the latest alerts of some runs, wherever they were filed when it was raised."""
        with self._lock:
            return [fired for key in run_keys for fired in self._by_run.get(key, {}).values()]

    def run_keys(self) -> set[str]:
        """Return the keys of runs that have one."""
        with self._lock:
            return set(self._by_run)

    def all(self) -> list[Fired]:
        """Return the latest alerts of all projects."""
        with self._lock:
            return list(self._by_id.values())

    def get(self, alert_id: str) -> Fired | None:
        """Return an alert of a rule."""
        return self._by_id.get(alert_id)

    def outcome(self, alert_id: str) -> Outcome:
        """Return what became of an alert, of a rule or of code."""
        return self._of_code.get(alert_id) or self._outcomes.get(alert_id) or Outcome()

    def stand(self, rule: str, run_key: str, since_ns: int) -> Stand | None:
        """Return where a rule stands with a run; None if it has not fired there since a time of our own clock."""
        stand = self._stands.get((rule, run_key))
        return stand if stand is not None and stand.time_ns >= since_ns else None

    def has_ended(self, rule: str, life: str) -> bool:
        """Return whether a rule has told of the end of a life."""
        return (rule, life) in self._ended

    # ── writing ─────────────────────────────────────────────────────────────────────────────────────────────────

    def fire(self, fired: Fired) -> None:
        """Note an alert. Raises OSError: then it was not."""
        body: dict[str, Any] = msgspec.to_builtins(fired)
        self.write(records.ALERT, [[body.pop("time_ns"), body]])

    def note_outcome(self, alert_id: str, what: str, time_ns: int, **more: Any) -> None:
        """Note what became of an alert: over, seen, unseen, delivered, undelivered. Raises OSError."""
        self.note_outcomes([alert_id], what, time_ns, **more)

    def note_outcomes(self, alert_ids: Sequence[str], what: str, time_ns: int, **more: Any) -> None:
        """Note the same of several alerts, which costs one wait for the disk. Raises OSError."""
        self.write(records.ALERT_NOTE, [[time_ns, {"alert": one, "what": what, **more}] for one in alert_ids])

    def write(self, kind: int, some: Sequence[list[Any]]) -> None:
        """Append records of a kind and take them in. Raises OSError."""
        self._append(kind, some)
        for record in some:
            self.note(kind, record)

    # ── the ledger's side ───────────────────────────────────────────────────────────────────────────────────────

    def note(self, kind: int, record: Any) -> None:
        """Take in a record that was read from the ledger; what is none is passed over."""
        with self._lock:
            self.changes += 1
            try:
                time_ns, body = int(record[0]), record[1]
                if kind == records.ALERT:
                    self._note_fired(msgspec.convert({**body, "time_ns": time_ns}, Fired, strict=False))
                else:
                    self._note_outcome(str(body["alert"]), str(body["what"]), time_ns, body)
            except (msgspec.ValidationError, TypeError, ValueError, KeyError, IndexError, OverflowError):
                return  # written by something else than ``write``: it costs that record

    def _note_fired(self, fired: Fired) -> None:
        place = (fired.rule, fired.run_key)
        stand = self._stands.get(place, Stand("", -(1 << 62)))
        # Ledgers are read in no order, and what became of an alert may be known before it is.
        outcome = self.outcome(fired.id)
        if fired.life:
            self._ended.add((fired.rule, fired.life))
        is_open = not outcome.over_ns and not fired.is_moment
        at_us = max(stand.at_us, fired.at_us, outcome.over_at_us)
        if fired.time_ns >= stand.time_ns:  # by our clock: those of the machines that train may be set back
            self._stands[place] = Stand(fired.id if is_open else "", at_us, fired.time_ns)
        else:
            self._stands[place] = stand._replace(at_us=at_us)
        here = self._fired.setdefault((fired.entity, fired.project), OrderedDict())
        here[fired.id] = self._by_id[fired.id] = fired
        self._by_run.setdefault(fired.run_key, {})[fired.id] = fired
        if len(here) > ALERTS_KEPT + _SPARE:
            for old in sorted(here.values(), key=lambda one: one.time_ns)[:_SPARE]:
                self._forget(here, old)

    def _forget(self, here: OrderedDict[str, Fired], old: Fired) -> None:
        del here[old.id], self._by_id[old.id]
        self._outcomes.pop(old.id, None)
        of_run = self._by_run[old.run_key]
        del of_run[old.id]
        if not of_run:
            del self._by_run[old.run_key]

    def _outcome_of(self, alert_id: str) -> Outcome:
        """Return what may be added to."""
        if "-" not in alert_id:
            return self._outcomes.setdefault(alert_id, Outcome())
        outcome = self._of_code.setdefault(alert_id, Outcome())
        if len(self._of_code) > ALERT_OUTCOMES_KEPT:
            self._of_code.popitem(last=False)
        return outcome

    def _note_outcome(self, alert_id: str, what: str, time_ns: int, body: dict[str, Any]) -> None:
        outcome = self._outcome_of(alert_id)
        if what == "over":
            outcome.over_ns = max(outcome.over_ns, time_ns)
            outcome.over_at_us = max(outcome.over_at_us, int(body.get("at_us") or 0))
            fired = self._by_id.get(alert_id)
            if fired is not None:
                place = (fired.rule, fired.run_key)
                stand = self._stands[place]
                if stand.open in (alert_id, ""):
                    self._stands[place] = stand._replace(open="", at_us=max(stand.at_us, outcome.over_at_us))
        elif what in ("seen", "unseen"):
            if time_ns >= outcome.turned_ns:
                outcome.turned_ns = time_ns
                outcome.seen_by = str(body["author"]) if what == "seen" else ""
        elif what == "delivered":
            outcome.delivered = {**outcome.delivered, str(body["channel"]): time_ns}
            outcome.undelivered = {name: why for name, why in outcome.undelivered.items() if name != body["channel"]}
        elif what == "undelivered" and str(body["channel"]) not in outcome.delivered:
            outcome.undelivered = {**outcome.undelivered, str(body["channel"]): str(body.get("why") or "")}


def new_alert_id() -> str:
    """Return an id of 16 characters, a-z and 2-7; it is not a secret."""
    return base64.b32encode(secrets.token_bytes(_ID_BYTES)).decode().lower()
