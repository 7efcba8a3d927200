"""
The alert rules of projects: documents of the ledger, so that every version of each is kept.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Final, Literal

import msgspec

from treering.errors import InvalidValue, LimitExceeded, NotFound
from treering.limits import ALERT_CHANNELS_MAX, ALERT_RULES_MAX, ALERT_TEXT_MAX_CHARS, FILTER_MAX_BYTES

from .alert_rules import Condition, condition_data, describe_condition, parse_condition
from .documents import Document, Documents
from .query import parse

__all__ = ["LEVELS", "AlertRule", "AlertRuleVersion", "AlertRules", "Level", "RuleSpec"]

Level = Literal["INFO", "WARN", "ERROR"]
LEVELS: Final[tuple[Level, ...]] = ("INFO", "WARN", "ERROR")
_KIND: Final = "alert_rule"
_UNREADABLE: Final = (InvalidValue, KeyError, TypeError, ValueError, msgspec.ValidationError)


class RuleSpec(msgspec.Struct, frozen=True):
    """
    What a rule says.

    Attributes:
        filter: text in the filter language: the runs that it watches, all if empty.
        channels: ids of the project's channels that are told; None for all, none at all for a rule that only fills
            the page.
        note: for people: what to do then.
    """

    condition: Condition
    filter: str = ""
    level: Level = "WARN"
    channels: list[str] | None = None
    note: str = ""


class AlertRule(msgspec.Struct, frozen=True):
    """
    A rule as it is. Times are unix seconds.

    Attributes:
        text: its condition in a few words.
        since_ns: what happened before is nothing to it: when it was made, turned on, or last watched for another thing.
    """

    id: str
    entity: str
    project: str
    name: str
    enabled: bool
    spec: RuleSpec
    text: str
    since_ns: int
    created_by: str
    created_at: float
    changed_by: str
    changed_at: float
    version: int


class AlertRuleVersion(msgspec.Struct, frozen=True):
    """A version of a rule, numbered from 1."""

    version: int
    time: float
    author: str
    text: str
    enabled: bool
    condition: dict[str, Any]
    filter: str
    level: str


class AlertRules:
    """The rules in a store's documents. Thread-safe."""

    def __init__(self, documents: Documents, clock_ns: Callable[[], int]) -> None:
        self._documents = documents
        self._clock_ns = clock_ns
        self._lock = threading.RLock()
        self._known: dict[tuple[str, str], list[AlertRule]] | None = None
        self.changes = 0  # grows with each change of any of them

    def by_project(self) -> dict[tuple[str, str], list[AlertRule]]:
        """Return the rules of all projects, by name."""
        known = self._known
        if known is None:
            with self._lock:
                known = self._known = self._read()
        return known

    def of_project(self, entity: str, project: str) -> list[AlertRule]:
        """Return the rules of a project, by name."""
        return self.by_project().get((entity, project), [])

    def find(self, rule_id: str) -> AlertRule:
        """Return a rule. Raises NotFound, also for one that a newer version wrote and this one cannot read."""
        document = self._document(rule_id)
        try:
            return self._of_document(document)
        except _UNREADABLE:
            raise _no_rule(rule_id) from None

    def create(
        self, entity: str, project: str, name: str, spec: RuleSpec, author: str, *, enabled: bool = True
    ) -> AlertRule:
        """Save a new rule. Raises InvalidValue, FilterError, LimitExceeded, OSError."""
        check_spec(spec)
        with self._lock:
            if len(self.of_project(entity, project)) >= ALERT_RULES_MAX:
                raise LimitExceeded(f"{entity}/{project} has {ALERT_RULES_MAX} alert rules, and that is the most.")
            now_ns = self._clock_ns()
            about = {"enabled": enabled, "since_ns": now_ns}
            made = self._documents.create(_KIND, entity, project, name, _body(spec), author, now_ns, **about)
            self._changed()
            return self._of_document(made)

    def change(
        self,
        rule_id: str,
        author: str,
        version: int,
        *,
        name: str | None = None,
        spec: RuleSpec | None = None,
        enabled: bool | None = None,
    ) -> AlertRule:
        """
        Save the next version of a rule; what is not given stays.

        Raises:
            NotFound: there is no such rule.
            EditConflict: its newest version is not *version*.
            InvalidValue, FilterError, LimitExceeded, OSError: as ``create``.
        """
        if spec is not None:
            check_spec(spec)
        with self._lock:
            old = self.find(rule_id)
            now_ns = self._clock_ns()
            about: dict[str, Any] = {} if enabled is None else {"enabled": enabled}
            watches_anew = spec is not None and (spec.condition, spec.filter) != (old.spec.condition, old.spec.filter)
            if watches_anew or (enabled and not old.enabled):
                about["since_ns"] = now_ns
            body = msgspec.UNSET if spec is None else _body(spec)
            made = self._documents.change(rule_id, author, now_ns, version=version, name=name, body=body, about=about)
            self._changed()
            return self._of_document(made)

    def delete(self, rule_id: str, author: str) -> None:
        """Delete a rule; its versions and what it raised stay in the ledger. Raises NotFound, OSError."""
        with self._lock:
            self._document(rule_id)
            self._documents.delete(rule_id, author, self._clock_ns())
            self._changed()

    def versions(self, rule_id: str) -> list[AlertRuleVersion]:
        """Return its latest versions, the newest first. Raises NotFound."""
        self._document(rule_id)
        found = []
        for version in self._documents.versions(rule_id):
            about, body = self._documents.as_of(rule_id, version.number)
            try:
                spec = _spec(body)
            except _UNREADABLE:
                continue
            found.append(
                AlertRuleVersion(
                    version.number,
                    version.time_ns / 1e9,
                    version.author,
                    describe_condition(spec.condition),
                    bool(about.get("enabled")),
                    condition_data(spec.condition),
                    spec.filter,
                    spec.level,
                )
            )
        return found

    def _changed(self) -> None:
        self._known = None
        self.changes += 1

    def _read(self) -> dict[tuple[str, str], list[AlertRule]]:
        found: dict[tuple[str, str], list[AlertRule]] = {}
        for document in self._documents.of_kind(_KIND):
            try:
                one = self._of_document(document)
            except _UNREADABLE:
                continue  # written by a newer version: what it says is not known here
            found.setdefault((document.entity, document.project), []).append(one)
        for some in found.values():
            some.sort(key=lambda one: (one.name.casefold(), one.id))
        return found

    def _document(self, rule_id: str) -> Document:
        try:
            document = self._documents.get(rule_id)
        except NotFound:
            raise _no_rule(rule_id) from None
        if document.kind != _KIND:
            raise _no_rule(rule_id)
        return document

    def _of_document(self, document: Document) -> AlertRule:
        spec = _spec(self._documents.body(document.id))
        return AlertRule(
            id=document.id,
            entity=document.entity,
            project=document.project,
            name=document.name,
            enabled=bool(document.about.get("enabled")),
            spec=spec,
            text=describe_condition(spec.condition),
            since_ns=int(document.about.get("since_ns") or document.created_ns),
            created_by=document.owner,
            created_at=document.created_ns / 1e9,
            changed_by=document.author,
            changed_at=document.updated_ns / 1e9,
            version=document.version,
        )


def check_spec(spec: RuleSpec) -> None:
    """Raise InvalidValue or FilterError if a rule cannot be so."""
    if spec.level not in LEVELS:
        raise InvalidValue(f"level is INFO, WARN or ERROR, got {spec.level!r:.40}.")
    if len(spec.filter.encode("utf-8", "surrogatepass")) > FILTER_MAX_BYTES:
        raise InvalidValue(f"a filter has at most {FILTER_MAX_BYTES:,} bytes.")
    if spec.filter.strip():
        parse(spec.filter)
    if len(spec.note) > ALERT_TEXT_MAX_CHARS:
        raise InvalidValue(f"a note has at most {ALERT_TEXT_MAX_CHARS:,} characters, got {len(spec.note):,}.")
    if spec.channels is not None and len(spec.channels) > ALERT_CHANNELS_MAX:
        raise InvalidValue(f"channels names at most {ALERT_CHANNELS_MAX}.")


def _body(spec: RuleSpec) -> dict[str, Any]:
    return {
        "condition": condition_data(spec.condition),
        "filter": spec.filter.strip(),
        "level": spec.level,
        "channels": spec.channels,
        "note": spec.note.strip(),
    }


def _spec(body: dict[str, Any]) -> RuleSpec:
    condition = parse_condition(body["condition"])
    spec = RuleSpec(condition, str(body["filter"]), body["level"], body["channels"], str(body["note"]))
    if spec.level not in LEVELS or not (spec.channels is None or isinstance(spec.channels, list)):
        raise InvalidValue("an alert rule of another version.")
    return spec


def _no_rule(rule_id: str) -> NotFound:
    return NotFound(f"there is no alert rule {rule_id[:64]!r}.")
