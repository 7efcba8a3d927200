"""Saved views of a project: personal and shared ones, its default, and the template of its entity's new projects."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi import Query
from starlette.responses import Response

from treering.errors import InvalidValue, NotFound, ProjectNotFound
from treering.ids import check_name
from treering.server.access import Access
from treering.server.context import TheAccess, TheStore, new_router
from treering.server.errors import ApiError
from treering.server.permissions import Action, permission
from treering.server.replies import ValueReply
from treering.server.view_schema import Deleted, NewView, ViewChange, ViewReply, Views, ViewVersions
from treering.store import Store
from treering.store.documents import Document
from treering.store.views import View

router = new_router("views")


@router.get("/projects/{entity}/{project}/views", response_model=Views)
@permission(Action.READ)
def list_views(entity: str, project: str, store: TheStore, access: TheAccess) -> Response:
    """List the views of a project that the caller may see, and the one that opens first with what is in it."""
    entity, project = _existing(store, entity, project)
    default = store.views.default(entity, project)
    views = store.views.of_project(entity, project, _viewer(access))
    return ValueReply(
        {
            "views": [_row(view, access) for view in views],
            "default": None if default is None else _reply(default, access),
        }
    )


@router.post("/projects/{entity}/{project}/views", response_model=ViewReply)
@permission(Action.READ)
def create_view(entity: str, project: str, body: NewView, store: TheStore, access: TheAccess) -> Response:
    """Save a view: for oneself, or, by somebody who may change the project, for everybody who may see it."""
    access.require_account()
    if body.shared:
        access.require_project(entity, project, Action.WRITE)
    entity, project = _existing(store, entity, project)
    store.check_room()
    return ValueReply(
        _reply(store.views.create(entity, project, body.name, body.shared, body.spec, _viewer(access)), access)
    )


@router.get("/views/{view_id}", response_model=ViewReply)
@permission(Action.READ)
def read_view(
    view_id: str, store: TheStore, access: TheAccess, version: Annotated[int | None, Query(ge=1)] = None
) -> Response:
    """Return a view, as it is or as it was in one of its versions."""
    _find(store, access, view_id)
    return ValueReply(_reply(store.views.read(view_id, _viewer(access), version), access))


@router.get("/views/{view_id}/versions", response_model=ViewVersions)
@permission(Action.READ)
def list_view_versions(view_id: str, store: TheStore, access: TheAccess) -> Response:
    """List who saved a view when; each version can still be read."""
    _find(store, access, view_id)
    return ValueReply({"versions": store.views.versions(view_id, _viewer(access))})


@router.put("/views/{view_id}", response_model=ViewReply)
@permission(Action.READ)
def change_view(view_id: str, body: ViewChange, store: TheStore, access: TheAccess) -> Response:
    """Save the next version of a view. Refused if somebody else saved it since the version that the caller saw."""
    document = _changeable(store, access, view_id)
    viewer, default = _viewer(access), body.default
    if body.shared:
        access.require_project(document.entity, document.project, Action.WRITE)
    if body.shared is False and document.about.get("shared") and document.owner != viewer:
        raise ApiError("forbidden", f"Only {document.owner} can make {document.name!r} private again.")
    if body.shared is False and default in ("project", "entity"):
        raise InvalidValue("What opens first for everybody is shared; give shared false or a default, not both.")
    if default is not None:
        _require_default(access, document, default)
    store.check_room()
    store.views.check_version(view_id, viewer, body.version)
    if default == "none":  # first: what is nobody's default may become private
        store.views.choose_default(view_id, viewer, None)
    if body.name is not None or body.shared is not None or body.spec is not None:
        store.views.change(view_id, viewer, body.version, body.name, body.shared, body.spec)
    if default is not None and default != "none":
        store.views.choose_default(view_id, viewer, default)
    return ValueReply(_reply(store.views.read(view_id, viewer), access))


@router.delete("/views/{view_id}", response_model=Deleted)
@permission(Action.READ)
def delete_view(view_id: str, store: TheStore, access: TheAccess) -> Response:
    """Delete a view: one's own, or as an admin of the project anybody's that is shared."""
    document = _find(store, access, view_id)
    access.require_account()
    if document.owner != _viewer(access):
        access.require_project(document.entity, document.project, Action.ADMIN)
    store.check_room()
    store.views.delete(view_id, _viewer(access))
    return ValueReply({"id": view_id})


def _viewer(access: Access) -> str:
    """Return by which name the caller owns views; whoever only holds a link owns none."""
    return "" if access.principal.kind in ("share", "anyone") else access.author


def _existing(store: Store, entity: str, project: str) -> tuple[str, str]:
    entity, project = check_name(entity, "entity"), check_name(project, "project")
    if not store.has_project(entity, project):  # who may see everything is not asked about one project
        raise ProjectNotFound(f"there is no project {entity}/{project}.")
    return entity, project


def _find(store: Store, access: Access, view_id: str) -> Document:
    """Return a view's document. One of a project that the caller may not read never existed."""
    document = store.views.find(view_id, _viewer(access))
    if not access.may(Action.READ, document.entity, document.project):
        raise NotFound(f"there is no view {view_id[:64]!r}.")
    return document


def _may_edit(access: Access, entity: str, project: str, shared: bool, owner: str) -> bool:
    if access.principal.kind in ("share", "anyone"):
        return False
    return owner == _viewer(access) if not shared else access.may(Action.WRITE, entity, project)


def _changeable(store: Store, access: Access, view_id: str) -> Document:
    document = _find(store, access, view_id)
    access.require_account()
    if document.about.get("shared"):
        access.require_project(document.entity, document.project, Action.WRITE)
    return document


def _require_default(access: Access, document: Document, default: str) -> None:
    access.require_project(document.entity, document.project, Action.WRITE)
    caller = access.principal
    if default == "entity" and not (
        caller.kind in ("folder", "session") or caller.is_admin or caller.name == document.entity
    ):
        raise ApiError(
            "forbidden",
            f"Only {document.entity} or an admin of the server chooses the template of {document.entity}'s projects.",
        )


def _row(view: View, access: Access) -> dict[str, Any]:
    row = msgspec.structs.asdict(view)
    del row["spec"]
    row["mine"] = view.owner == _viewer(access)
    row["may_edit"] = _may_edit(access, view.entity, view.project, view.shared, view.owner)
    return row


def _reply(view: View, access: Access) -> dict[str, Any]:
    return {**_row(view, access), "spec": view.spec}
