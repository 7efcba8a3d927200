"""
Saved views from code: read, written and shared like those that people save in the browser.

::

    v = tr.views
    losses = v.panel("line", keys=["train/loss", "val/loss"], title="Losses", w=2)
    best = v.panel("scatter", x={"by": "config.lr"}, y={"by": "metric:val/acc", "agg": "max"})
    tr.Api().save_view("digits", "Overview", v.layout(v.section("First look", losses, best)), shared=True)

A view's ``spec`` is the page's own JSON: ``{"version": 1, "view": {…}, "layout": {…}, "table": {…}}``. What the page
does not know in it is left out when it is opened.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, Final
from urllib.parse import quote

from treering.errors import InvalidValue

from .connection import Connection

__all__ = ["SavedView", "layout", "list_views", "panel", "read_view", "save_view", "section"]

_VERSION: Final = 1


class SavedView:
    """
    A saved view.

    Attributes:
        id: its permanent id; a project's page opens it with ``?view=<id>``.
        name, shared, owner: what it is called, whether all who may see the project see it, who made it.
        default: "project" if it opens first in its project, "entity" if in all of its entity that have no default.
        version: grows with each change.
        spec: the page's JSON; None in lists until ``refresh``.
    """

    def __init__(self, connection: Connection, row: dict[str, Any]) -> None:
        self._connection = connection
        self._take(row)

    def _take(self, row: dict[str, Any]) -> None:
        self.id = str(row["id"])
        self.entity, self.project = str(row["entity"]), str(row["project"])
        self.name, self.owner = str(row["name"]), str(row["owner"])
        self.shared = bool(row["shared"])
        self.default: str | None = row["default"]
        self.version = int(row["version"])
        self.spec: dict[str, Any] | None = row.get("spec")

    def __repr__(self) -> str:
        return f"<SavedView {self.name!r} of {self.entity}/{self.project}, version {self.version}>"

    @property
    def _path(self) -> str:
        return f"/views/{quote(self.id, safe='')}"

    def refresh(self) -> None:
        """Read it again, with its spec. Raises NotFound."""
        self._take(self._connection.call("GET", self._path))

    def save(self) -> None:
        """
        Save ``name``, ``shared`` and ``spec`` as they now are.

        Raises:
            RemoteError: with code "conflict", somebody else saved it meanwhile; ``refresh`` reads what it is now.
        """
        change: dict[str, Any] = {"version": self.version, "name": self.name, "shared": self.shared}
        if self.spec is not None:
            change["spec"] = self.spec
        self._take(self._connection.call("PUT", self._path, change))

    def open_first(self, default: str = "project") -> None:
        """Have it open first in its project, or with "entity" in all of its entity; "none" ends that."""
        self._take(self._connection.call("PUT", self._path, {"version": self.version, "default": default}))

    def delete(self) -> None:
        """Delete it."""
        self._connection.call("DELETE", self._path)


def list_views(connection: Connection, entity: str, project: str) -> list[SavedView]:
    """Return the views of a project that one may see, by name, without their specs."""
    reply = connection.call("GET", _of_project(entity, project))
    return [SavedView(connection, row) for row in reply["views"]]


def read_view(connection: Connection, view_id: str) -> SavedView:
    """Return a view by its id. Raises NotFound."""
    return SavedView(connection, connection.call("GET", f"/views/{quote(view_id, safe='')}"))


def save_view(
    connection: Connection, entity: str, project: str, name: str, spec: dict[str, Any], shared: bool
) -> SavedView:
    """Save a view: the next version of one's own or a shared one of that name, or a new one."""
    _check_spec(spec)
    for view in list_views(connection, entity, project):
        if view.name == name and view.shared == shared:
            view.spec = spec
            view.save()
            return view
    body = {"name": name, "shared": shared, "spec": spec}
    return SavedView(connection, connection.call("POST", _of_project(entity, project), body))


def _of_project(entity: str, project: str) -> str:
    return f"/projects/{quote(entity, safe='')}/{quote(project, safe='')}/views"


def _check_spec(spec: dict[str, Any]) -> None:
    if not isinstance(spec, dict) or spec.get("version") != _VERSION:
        raise InvalidValue(f'a view\'s spec is a dict with "version": {_VERSION}; layout() makes one.')


# ── writing a spec ───────────────────────────────────────────────────────────────────────────────────────────────
def panel(type: str, *, title: str = "", w: int = 1, h: int = 1, **settings: Any) -> dict[str, Any]:  # noqa: A002
    """
    Return a panel for ``section``.

    Args:
        type: ``line``, ``scatter``, ``parallel``, ``bar``, ``distribution``, ``histogram``, ``scalar``,
            ``importance``, ``timeline``, ``markdown`` or ``media``.
        title: in place of the one that it gives itself.
        w, h: columns and rows of the grid, 1 to 4.
        settings: the panel's own, as an exported view has them, e.g. ``keys=["loss", "=1 - acc"]`` of a line chart.

    Raises:
        InvalidValue: a span out of range.
    """
    if not (1 <= w <= 4 and 1 <= h <= 4):
        raise InvalidValue(f"a panel takes 1 to 4 columns and rows, got w={w} and h={h}.")
    made: dict[str, Any] = {"id": "+" + _digest(type, title, settings), "type": type, "settings": settings}
    if title:
        made["title"] = title
    if (w, h) != (1, 1):
        made["span"] = {"w": w, "h": h}
    return made


def section(name: str, *panels: dict[str, Any], open: bool = True, **settings: Any) -> dict[str, Any]:  # noqa: A002
    """Return a section of panels for ``layout``; *settings* hold for all of them that say nothing else."""
    return {
        "id": "+" + _digest(name, [one["id"] for one in panels], settings),
        "name": name,
        "open": open,
        "auto": None,
        "size": None,
        "settings": settings,
        "panels": _unique(panels),
        "hidden": False,
    }


def layout(*sections: dict[str, Any], hidden: list[str] | None = None, **view: Any) -> dict[str, Any]:
    """
    Return the spec of a view: these sections first, then those that a project's keys make by themselves.

    Args:
        hidden: keys whose own panels are not shown.
        view: what an address holds: ``filter``, ``sort``, ``group``, ``x``, ``smooth``, …
    """
    return {
        "version": _VERSION,
        "view": view,
        "layout": {
            "sections": list(sections),
            "changed": [],
            "hidden": list(hidden or ()),
            "order": [one["id"] for one in sections],
        },
        "table": {},
    }


def _unique(panels: tuple[dict[str, Any], ...]) -> list[dict[str, Any]]:
    """Give equal panels different ids: one place each."""
    seen: dict[str, int] = {}
    found = []
    for one in panels:
        count = seen[one["id"]] = seen.get(one["id"], 0) + 1
        found.append(one if count == 1 else {**one, "id": f"{one['id']}{count}"})
    return found


def _digest(*parts: Any) -> str:
    """The same panel has the same id each time a script runs, so that saving it again changes nothing."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:10]
