"""Alerts: what was raised, the rules that raise, and the channels that are told."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi import Query
from starlette.responses import Response

from treering.errors import InvalidValue, NotFound, ProjectNotFound, RunNotFound
from treering.ids import check_name
from treering.limits import ALERTS_PAGE_MAX
from treering.server.access import Access
from treering.server.accounts import By
from treering.server.alert_schema import (
    AlertCount,
    AlertRows,
    AlertRuleBody,
    AlertRuleChange,
    AlertRulePreview,
    AlertRuleRow,
    AlertRuleRows,
    AlertRuleTry,
    AlertRuleVersions,
    AlertsChanged,
    AlertsSeen,
    ChannelAgain,
    ChannelBody,
    ChannelRow,
    ChannelRows,
    ChannelTest,
    NewAlertRule,
)
from treering.server.alerts.channels import Channel, ChannelChange
from treering.server.alerts.quiet_hours import Quiet
from treering.server.alerts.service import AlertService
from treering.server.context import TheAccess, TheAlertService, TheBy, TheRunKey, TheStore, new_router
from treering.server.permissions import Action, permission
from treering.server.replies import ValueReply
from treering.server.view_schema import Deleted
from treering.store import Store
from treering.store.alert_rule_documents import AlertRule, RuleSpec
from treering.store.alert_rules import condition_data, parse_condition
from treering.store.alerting import Only

router = new_router("alerts")


# ── what was raised ──────────────────────────────────────────────────────────────────────────────────────────────


@router.get("/projects/{entity}/{project}/alerts", response_model=AlertRows)
@permission(Action.READ)
def list_alerts(
    entity: str,
    project: str,
    store: TheStore,
    access: TheAccess,
    only: Annotated[Only, Query(description="`new`: that nobody has seen. `open`: that are still so.")] = "all",
    before: Annotated[str | None, Query(description="Of the reply before: go on behind it.", max_length=120)] = None,
    limit: Annotated[int, Query(ge=1, le=ALERTS_PAGE_MAX)] = 50,
) -> Response:
    """List the alerts of a project, the newest first."""
    entity, project = _existing(store, entity, project)
    page = store.alerts.page(entity, project, only=only, before=before, limit=limit)
    return ValueReply({"alerts": page.alerts, "before": page.before, "may_edit": _may_edit(access, entity, project)})


@router.get("/projects/{entity}/{project}/alerts/count", response_model=AlertCount)
@permission(Action.READ)
def count_new_alerts(entity: str, project: str, store: TheStore) -> Response:
    """Count the alerts of a project that nobody has seen."""
    entity, project = _existing(store, entity, project)
    return ValueReply({"count": store.alerts.count_new(entity, project)})


@router.post("/projects/{entity}/{project}/alerts/seen", response_model=AlertsChanged)
@permission(Action.WRITE)
def set_alerts_seen(entity: str, project: str, body: AlertsSeen, store: TheStore, access: TheAccess) -> Response:
    """Note that the caller has seen alerts, or that they are new again: for everybody, with the caller's name."""
    store.check_room()
    entity, project = _existing(store, entity, project)
    changed = 0
    if body.ids:
        changed += store.alerts.set_seen(entity, project, list(dict.fromkeys(body.ids)), body.seen, access.author)
    if body.until is not None:
        if not body.seen:
            raise InvalidValue("until is for alerts that were seen; those that are to be new again are named by ids.")
        changed += store.alerts.set_all_seen(entity, project, body.until, access.author)
    return ValueReply({"changed": changed})


@router.get("/runs/{run_key}/alerts", response_model=AlertRows)
@permission(Action.READ)
def list_run_alerts(run_key: TheRunKey, store: TheStore, access: TheAccess) -> Response:
    """List the alerts of a run, the newest first."""
    run = store.metadata.run(run_key)
    if run is None or run.deleted:
        raise RunNotFound(f"there is no run {run_key!r}.")
    rows = store.alerts.of_run(run)
    if access.principal.run_key is not None:  # whoever has only a link to the run need not know who looks after it
        rows = [msgspec.structs.replace(row, seen_by=None, delivered={}, undelivered={}) for row in rows]
    return ValueReply({"alerts": rows, "before": None, "may_edit": _may_edit(access, run.entity, run.project)})


# ── rules ────────────────────────────────────────────────────────────────────────────────────────────────────────


@router.get("/projects/{entity}/{project}/alert-rules", response_model=AlertRuleRows)
@permission(Action.READ)
def list_alert_rules(entity: str, project: str, store: TheStore, access: TheAccess) -> Response:
    """List the alert rules of a project."""
    entity, project = _existing(store, entity, project)
    rules = [_rule_row(rule) for rule in store.alerts.rules.of_project(entity, project)]
    return ValueReply({"rules": rules, "may_edit": _may_edit(access, entity, project)})


@router.post("/projects/{entity}/{project}/alert-rules", response_model=AlertRuleRow)
@permission(Action.WRITE)
def create_alert_rule(
    entity: str,
    project: str,
    body: NewAlertRule,
    store: TheStore,
    service: TheAlertService,
    access: TheAccess,
    by: TheBy,
) -> Response:
    """Save an alert rule. What is so now is told at once, what has been is not."""
    entity, project = _existing(store, entity, project)
    store.check_room()
    spec = _spec(body.spec, service, entity, project)
    made = store.alerts.rules.create(entity, project, body.name, spec, access.author, enabled=body.enabled)
    _note(access, by, "alert_rule.create", made)
    return ValueReply(_rule_row(made))


@router.post("/projects/{entity}/{project}/alert-rules/preview", response_model=AlertRulePreview)
@permission(Action.READ)
def preview_alert_rule(
    entity: str, project: str, body: AlertRuleTry, store: TheStore, service: TheAlertService, access: TheAccess
) -> Response:
    """Return how often a rule would have fired on the newest runs that it means, and where."""
    access.require_account()
    entity, project = _existing(store, entity, project)
    return ValueReply(store.alerts.preview(entity, project, _spec(body.spec, service, entity, project)))


@router.put("/alert-rules/{rule_id}", response_model=AlertRuleRow)
@permission(Action.READ)
def change_alert_rule(
    rule_id: str, body: AlertRuleChange, store: TheStore, service: TheAlertService, access: TheAccess, by: TheBy
) -> Response:
    """Save the next version of a rule. Refused if somebody else saved one since that which the caller saw."""
    old = _changeable_rule(store, access, rule_id)
    store.check_room()
    spec = None if body.spec is None else _spec(body.spec, service, old.entity, old.project)
    changed = store.alerts.rules.change(
        rule_id, access.author, body.version, name=body.name, spec=spec, enabled=body.enabled
    )
    what = "change" if body.enabled is None else "on" if body.enabled else "off"
    _note(access, by, f"alert_rule.{what}", changed)
    return ValueReply(_rule_row(changed))


@router.delete("/alert-rules/{rule_id}", response_model=Deleted)
@permission(Action.READ)
def delete_alert_rule(rule_id: str, store: TheStore, access: TheAccess, by: TheBy) -> Response:
    """Delete a rule; what it raised stays."""
    old = _changeable_rule(store, access, rule_id)
    store.check_room()
    store.alerts.rules.delete(rule_id, access.author)
    _note(access, by, "alert_rule.delete", old)
    return ValueReply({"id": rule_id})


@router.get("/alert-rules/{rule_id}/versions", response_model=AlertRuleVersions)
@permission(Action.READ)
def list_alert_rule_versions(rule_id: str, store: TheStore, access: TheAccess) -> Response:
    """List who saved a rule when, and what it was then."""
    _find_rule(store, access, rule_id)
    return ValueReply({"versions": store.alerts.rules.versions(rule_id)})


# ── channels ─────────────────────────────────────────────────────────────────────────────────────────────────────


@router.get("/projects/{entity}/{project}/alert-channels", response_model=ChannelRows)
@permission(Action.WRITE)
def list_alert_channels(
    entity: str, project: str, store: TheStore, service: TheAlertService, access: TheAccess
) -> Response:
    """List the channels of a project, without what is secret in them."""
    entity, project = _existing(store, entity, project)
    access.require_account()
    rows = [_channel_row(service, channel) for channel in service.channels.of_project(entity, project)]
    may_edit = access.may(Action.ADMIN, entity, project)
    return ValueReply({"channels": rows, "may_edit": may_edit, "has_mail": service.mail.settings is not None})


@router.post("/projects/{entity}/{project}/alert-channels", response_model=ChannelRow)
@permission(Action.ADMIN)
def create_alert_channel(
    entity: str,
    project: str,
    body: ChannelBody,
    store: TheStore,
    service: TheAlertService,
    access: TheAccess,
    by: TheBy,
) -> Response:
    """Save a channel. Its address and secret are not shown again."""
    entity, project = _existing(store, entity, project)
    if body.kind is None or body.name is None:
        raise InvalidValue("a new channel has a kind and a name.")
    made = service.channels.create(entity, project, body.kind, access.author, _change(body))
    _note_channel(access, by, "create", made)
    return ValueReply(_channel_row(service, made))


@router.put("/projects/{entity}/{project}/alert-channels/{channel_id}", response_model=ChannelRow)
@permission(Action.ADMIN)
def change_alert_channel(
    entity: str,
    project: str,
    channel_id: str,
    body: ChannelBody,
    service: TheAlertService,
    access: TheAccess,
    by: TheBy,
) -> Response:
    """Change a channel; what is left out stays, the address and the secret too."""
    old = service.channels.find(entity, project, channel_id)
    if body.version is None or (body.kind is not None and body.kind != old.kind):
        raise InvalidValue("a change says the version that it was made to, and cannot make another kind of it.")
    changed = service.channels.change(old, access.author, body.version, _change(body))
    _note_channel(access, by, "change", changed)
    return ValueReply(_channel_row(service, changed))


@router.delete("/projects/{entity}/{project}/alert-channels/{channel_id}", response_model=Deleted)
@permission(Action.ADMIN)
def delete_alert_channel(
    entity: str, project: str, channel_id: str, service: TheAlertService, access: TheAccess, by: TheBy
) -> Response:
    """Delete a channel; what waits for it is not sent."""
    old = service.channels.find(entity, project, channel_id)
    service.channels.delete(old)
    _note_channel(access, by, "delete", old)
    return ValueReply({"id": channel_id})


@router.post("/projects/{entity}/{project}/alert-channels/{channel_id}/test", response_model=ChannelTest)
@permission(Action.ADMIN)
def send_test_message(
    entity: str, project: str, channel_id: str, service: TheAlertService, access: TheAccess, by: TheBy
) -> Response:
    """Send a test message now and return how it went, never what the other side said."""
    channel = service.channels.find(entity, project, channel_id)
    outcome = service.send_test(channel)
    _note_channel(access, by, "test", channel)
    return ValueReply({"step": outcome.step, "text": outcome.text, "status": outcome.status})


@router.post("/projects/{entity}/{project}/alert-channels/{channel_id}/again", response_model=ChannelAgain)
@permission(Action.ADMIN)
def send_alerts_again(
    entity: str, project: str, channel_id: str, store: TheStore, service: TheAlertService
) -> Response:
    """Send once more what was given up for a channel, of the newest alerts."""
    channel = service.channels.find(entity, project, channel_id)
    page = store.alerts.page(entity, project, limit=ALERTS_PAGE_MAX)
    return ValueReply({"queued": service.delivery.offer_again(channel, page.alerts)})


# ── what they share ──────────────────────────────────────────────────────────────────────────────────────────────


def _existing(store: Store, entity: str, project: str) -> tuple[str, str]:
    entity, project = check_name(entity, "entity"), check_name(project, "project")
    if not store.has_project(entity, project):
        raise ProjectNotFound(f"there is no project {entity}/{project}.")
    return entity, project


def _may_edit(access: Access, entity: str, project: str) -> bool:
    return access.principal.kind not in ("share", "anyone") and access.may(Action.WRITE, entity, project)


def _spec(body: AlertRuleBody, service: AlertService, entity: str, project: str) -> RuleSpec:
    if body.channels is not None:
        for channel_id in body.channels:
            service.channels.find(entity, project, channel_id)
    return RuleSpec(parse_condition(body.condition.data()), body.filter, body.level, body.channels, body.note)


def _rule_row(rule: AlertRule) -> dict[str, Any]:
    spec = {**msgspec.structs.asdict(rule.spec), "condition": condition_data(rule.spec.condition)}
    row = {**msgspec.structs.asdict(rule), "spec": spec}
    del row["since_ns"]
    return row


def _find_rule(store: Store, access: Access, rule_id: str) -> AlertRule:
    """Return a rule. One of a project that the caller may not read never existed."""
    found = store.alerts.rules.find(rule_id)
    if not access.may(Action.READ, found.entity, found.project):
        raise NotFound(f"there is no alert rule {rule_id[:64]!r}.")
    return found


def _changeable_rule(store: Store, access: Access, rule_id: str) -> AlertRule:
    found = _find_rule(store, access, rule_id)
    access.require_account()
    access.require_project(found.entity, found.project, Action.WRITE)
    return found


def _change(body: ChannelBody) -> ChannelChange:
    fields: dict[str, Any] = body.model_dump(exclude_none=True, exclude={"version", "kind", "quiet"})
    if "to" in fields:
        fields["to"] = tuple(fields["to"])
    if isinstance(body.quiet, str):
        fields["quiet"] = None
    elif body.quiet is not None:
        said = body.quiet.model_dump()
        fields["quiet"] = Quiet(**{**said, "days": tuple(said["days"])})
    return ChannelChange(**fields)


def _channel_row(service: AlertService, channel: Channel) -> dict[str, Any]:
    standing = service.delivery.standing(channel)
    names = ("id", "name", "kind", "enabled", "level", "to", "created_by", "created_at", "changed_by", "changed_at")
    return {
        **{name: getattr(channel, name) for name in (*names, "version", "shown")},
        "is_signed": bool(channel.secret),
        "quiet": None if channel.quiet is None else msgspec.structs.asdict(channel.quiet),
        **standing._asdict(),
    }


def _note(access: Access, by: By, action: str, rule: AlertRule) -> None:
    access.note(by, action, f"{rule.entity}/{rule.project}: {rule.id} {rule.name}: {rule.text}"[:1_000])


def _note_channel(access: Access, by: By, action: str, channel: Channel) -> None:
    subject = f"{channel.entity}/{channel.project}: {channel.id} {channel.name}: {channel.kind} {channel.shown}"
    access.note(by, f"alert_channel.{action}", subject[:1_000])
