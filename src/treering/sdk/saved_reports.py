"""
Reports that a server keeps, from code.

::

    report = tr.Api().report("k3x9…")
    print(report.markdown, report.values()["mean(val/acc) ± ci"]["written"])
    report.freeze()
    for change in report.changes():
        print(change["text"])
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import msgspec

from .connection import Connection

__all__ = ["SavedReport", "create_report", "list_reports", "read_report"]


class SavedReport:
    """
    A report.

    Attributes:
        id: its permanent id.
        title, markdown: what it is called and says; ``save`` keeps what they are set to. ``markdown`` is None in lists
            until ``refresh``.
        published: everybody who may see the project sees it; a draft is for its members.
        template: new reports can begin with its text.
        frozen_at: since when it shows the same whatever becomes of the runs, unix seconds; None while it is live.
        version: grows with each change.
        owner, created_at, updated_at, updated_by: names, and unix seconds.
    """

    def __init__(self, connection: Connection, row: dict[str, Any]) -> None:
        self._connection = connection
        self._take(row)

    def _take(self, row: dict[str, Any]) -> None:
        self.id, self.version = str(row["id"]), int(row["version"])
        self.entity, self.project = str(row["entity"]), str(row["project"])
        self.title, self.owner = str(row["title"]), str(row["owner"])
        self.markdown: str | None = row.get("markdown")
        self.published, self.template = bool(row["published"]), bool(row["template"])
        mark = row["frozen"]
        self.frozen_at: float | None = None if mark is None else float(mark["at"])
        self.created_at, self.updated_at = float(row["created_at"]), float(row["updated_at"])
        self.updated_by = str(row["updated_by"])

    def __repr__(self) -> str:
        state = "" if self.published else ", a draft"
        frozen = ", frozen" if self.frozen_at is not None else ""
        return f"<SavedReport {self.title!r} of {self.entity}/{self.project}, version {self.version}{state}{frozen}>"

    @property
    def _path(self) -> str:
        return f"/reports/{quote(self.id, safe='')}"

    @property
    def url(self) -> str:
        """The address of its page, below that of the server."""
        return f"/{quote(self.entity, safe='')}/{quote(self.project, safe='')}/reports/{self.id}"

    def refresh(self) -> None:
        """Read it again, with its text. Raises NotFound."""
        self._take(self._connection.call("GET", self._path))

    def save(self) -> None:
        """
        Save ``title``, ``markdown``, ``published`` and ``template`` as they now are.

        Raises:
            RemoteError: with code "conflict", somebody else saved it meanwhile; ``refresh`` reads what it is now.
        """
        change: dict[str, Any] = {
            "version": self.version,
            "title": self.title,
            "published": self.published,
            "template": self.template,
        }
        if self.markdown is not None:
            change["markdown"] = self.markdown
        self._take(self._connection.call("PUT", self._path, change))

    def publish(self) -> None:
        """Show it to everybody who may see the project."""
        self._take(self._connection.call("PUT", self._path, {"version": self.version, "published": True}))

    def freeze(self) -> None:
        """Keep the data of all that it shows now."""
        self._take(self._connection.call("POST", f"{self._path}/freeze", {"version": self.version}))

    def thaw(self) -> None:
        """Have it show the runs as they are."""
        self._take(self._connection.call("POST", f"{self._path}/thaw", {"version": self.version}))

    def changes(self) -> list[dict[str, Any]]:
        """Return what has changed since it was frozen: ``{"kind", "text", "runs", "name"}``. Raises InvalidValue."""
        found: list[dict[str, Any]] = self._connection.call("GET", f"{self._path}/changes")["changes"]
        return found

    def frozen(self) -> dict[str, Any]:
        """Return the data that it keeps, see the format of reports. Raises InvalidValue if it is live."""
        content = self._connection.fetch("GET", f"{self._path}/frozen", accept="application/json")
        found: dict[str, Any] = msgspec.json.decode(content)
        return found

    def values(self) -> dict[str, dict[str, Any]]:
        """Return the values of its formulas now, by their text: ``written``, ``value``, ``n``, ``notes``, ``error``."""
        if self.markdown is None:
            self.refresh()
        path = f"/projects/{quote(self.entity, safe='')}/{quote(self.project, safe='')}/reports/evaluate"
        found: dict[str, dict[str, Any]] = self._connection.call("POST", path, {"markdown": self.markdown})["formulas"]
        return found

    def versions(self) -> list[dict[str, Any]]:
        """Return who saved it when, the newest first."""
        found: list[dict[str, Any]] = self._connection.call("GET", f"{self._path}/versions")["versions"]
        return found

    def restore(self, version: int) -> None:
        """Make an earlier version the newest, with the data that was frozen for it."""
        body = {"version": self.version, "earlier": version}
        self._take(self._connection.call("POST", f"{self._path}/restore", body))

    def delete(self) -> None:
        """Delete it."""
        self._connection.call("DELETE", self._path)


def list_reports(connection: Connection, entity: str, project: str) -> list[SavedReport]:
    """Return the reports of a project that one may see, the latest changed first, without their texts."""
    reply = connection.call("GET", _of_project(entity, project))
    return [SavedReport(connection, row) for row in reply["reports"]]


def read_report(connection: Connection, report_id: str) -> SavedReport:
    """Return a report by its id. Raises NotFound."""
    return SavedReport(connection, connection.call("GET", f"/reports/{quote(report_id, safe='')}"))


def create_report(
    connection: Connection, entity: str, project: str, title: str, markdown: str, *, published: bool, template: bool
) -> SavedReport:
    """Save a new report. Raises ProjectNotFound."""
    body = {"title": title, "markdown": markdown, "published": published, "template": template}
    return SavedReport(connection, connection.call("POST", _of_project(entity, project), body))


def _of_project(entity: str, project: str) -> str:
    return f"/projects/{quote(entity, safe='')}/{quote(project, safe='')}/reports"
