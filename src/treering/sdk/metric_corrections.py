"""
Corrections of a project's metrics from code.

::

    api = tr.Api()
    api.correct("digits", kind="rename", **{"from": "train_*", "to": "train/*"})
    wrong = api.correct("digits", kind="rescale", key="val/acc", factor=100, unit="%", note="logged as a share")
    wrong.turn_off()

They change what everybody sees, never what was logged: ``run.history(raw=True)`` still has that.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from .connection import Connection

__all__ = ["MetricCorrection", "list_corrections", "preview_correction", "save_correction"]


class MetricCorrection:
    """
    A correction.

    Attributes:
        id, version: its permanent id, and a number that grows with each change.
        kind: ``rename``, ``merge``, ``hide``, ``rescale`` or ``cut``.
        rule: what it does, as it was given; ``text`` says it in a few words.
        enabled: whether it applies.
        note: why.
        keys: the metrics that it acts on now.
        conflicts: what it does that nobody asked for.
        created_by, created_at, changed_by, changed_at: names, and unix seconds.
    """

    def __init__(self, connection: Connection, row: dict[str, Any]) -> None:
        self._connection = connection
        self._take(row)

    def _take(self, row: dict[str, Any]) -> None:
        self.id, self.version = str(row["id"]), int(row["version"])
        self.entity, self.project = str(row["entity"]), str(row["project"])
        self.kind, self.text, self.note = str(row["kind"]), str(row["text"]), str(row["note"])
        self.rule: dict[str, Any] = dict(row["rule"])
        self.enabled, self.position = bool(row["enabled"]), int(row["position"])
        self.created_by, self.created_at = str(row["created_by"]), float(row["created_at"])
        self.changed_by, self.changed_at = str(row["changed_by"]), float(row["changed_at"])
        self.keys: list[str] = list(row["keys"])
        self.conflicts: list[str] = list(row["conflicts"])

    def __repr__(self) -> str:
        state = "" if self.enabled else ", turned off"
        return f"<MetricCorrection {self.text!r} of {self.entity}/{self.project}{state}>"

    @property
    def _path(self) -> str:
        return f"/corrections/{quote(self.id, safe='')}"

    def change(self, *, note: str | None = None, position: int | None = None, **rule: Any) -> None:
        """
        Save the next version: another *note*, another *position* in the order, or fields of the rule.

        Raises:
            InvalidValue: there is no such rule, or it would bring two metrics under one name.
            RemoteError: with code "conflict", somebody else changed it meanwhile.
        """
        change: dict[str, Any] = {"version": self.version}
        change |= {name: value for name, value in (("note", note), ("position", position)) if value is not None}
        if rule:
            change["rule"] = {**self.rule, **rule}
        self._take(self._connection.call("PUT", self._path, change))

    def turn_off(self) -> None:
        """Show what was logged, as far as this one is concerned."""
        self._take(self._connection.call("PUT", self._path, {"version": self.version, "enabled": False}))

    def turn_on(self) -> None:
        """Apply it again."""
        self._take(self._connection.call("PUT", self._path, {"version": self.version, "enabled": True}))

    def versions(self) -> list[dict[str, Any]]:
        """Return who saved it when and what it was then, the newest first."""
        found: list[dict[str, Any]] = self._connection.call("GET", f"{self._path}/versions")["versions"]
        return found

    def delete(self) -> None:
        """Delete it."""
        self._connection.call("DELETE", self._path)


def list_corrections(connection: Connection, entity: str, project: str) -> list[MetricCorrection]:
    """Return the corrections of a project in the order in which they apply."""
    reply = connection.call("GET", _of_project(entity, project))
    return [MetricCorrection(connection, row) for row in reply["corrections"]]


def save_correction(
    connection: Connection, entity: str, project: str, rule: dict[str, Any], note: str, enabled: bool
) -> MetricCorrection:
    """Save a correction behind all others."""
    body = {"rule": rule, "note": note, "enabled": enabled}
    return MetricCorrection(connection, connection.call("POST", _of_project(entity, project), body))


def preview_correction(connection: Connection, entity: str, project: str, rule: dict[str, Any]) -> dict[str, Any]:
    """Return what a correction would do, without its lines."""
    reply = connection.call("POST", f"{_of_project(entity, project)}/preview", {"rule": rule})
    keys = [{"before": key["before"], "after": key["after"]} for key in reply["keys"]]
    return {**reply, "keys": keys}


def _of_project(entity: str, project: str) -> str:
    return f"/projects/{quote(entity, safe='')}/{quote(project, safe='')}/corrections"
