"""An alert, a rule and a channel of a project, for tests that ask every route about them."""

from __future__ import annotations

from typing import Any

from treering.server.alerts.channels import ChannelChange
from treering.store.alert_log import Fired, new_alert_id
from treering.store.alert_rule_documents import RuleSpec
from treering.store.alert_rules import parse_condition

SPEC = RuleSpec(parse_condition({"kind": "not_finite", "key": "their_metric"}))


def alerts_of(world: Any, entity: str, project: str, author: str, count: int = 0) -> dict[str, str]:
    """Make one of each and return their ids. The channel leads to a port of this machine, which is refused."""
    state = world.server.app.api.state
    rule = state.store.alerts.rules.create(entity, project, f"their-rule {count}", SPEC, author)
    change = ChannelChange(name="their-channel", url=f"https://hooks-{count}.invalid/their-secret")
    for old in state.alerts.channels.of_project(entity, project)[10:]:
        state.alerts.channels.delete(old)
    if len(state.store.alerts.rules.of_project(entity, project)) > 50:
        for other in state.store.alerts.rules.of_project(entity, project)[:40]:
            state.store.alerts.rules.delete(other.id, author)
        rule = state.store.alerts.rules.create(entity, project, f"their-rule {count}", SPEC, author)
    channel = state.alerts.channels.create(entity, project, "webhook", author, change)
    run_key = world.run if (entity, project) == ("ada", "digits") else world.foreign_run
    alert_id, now_ns = new_alert_id(), 1_700_000_000_000_000_000 + count
    state.store.alerts.log.fire(
        Fired(
            alert_id,
            now_ns,
            entity,
            project,
            run_key,
            rule.id,
            "their-rule",
            "not_finite",
            "WARN",
            "their-alert",
            "their_metric is NaN",
            now_ns // 1000,
        )
    )
    return {"rule_id": rule.id, "channel_id": channel.id, "alert_id": alert_id}
