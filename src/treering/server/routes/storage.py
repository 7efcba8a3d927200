"""What takes how much room, and freeing what nothing refers to."""

from __future__ import annotations

import os

from starlette.responses import Response

from treering.errors import ProjectNotFound
from treering.server.artifact_schema import Collect, CollectReply, ProjectStorage, Storage
from treering.server.context import TheAccess, TheCaller, TheStore, new_router
from treering.server.errors import ApiError
from treering.server.permissions import Action, permission, sees_everything
from treering.server.replies import ValueReply

from .artifacts import check_project

router = new_router("storage")


@router.get("/storage", response_model=Storage)
@permission(Action.READ)
def read_storage(store: TheStore, access: TheAccess, caller: TheCaller) -> Response:
    """Return what each project takes that the caller may see, the largest first."""
    access.require_account()
    rows, total = store.storage.projects(access.visible())
    free_bytes = None
    if sees_everything(caller):
        found = os.statvfs(store.folder)
        free_bytes = found.f_bavail * found.f_frsize
    return ValueReply({"projects": rows, "bytes": total, "free_bytes": free_bytes})


@router.get("/projects/{entity}/{project}/storage", response_model=ProjectStorage)
@permission(Action.READ)
def read_project_storage(entity: str, project: str, store: TheStore, caller: TheCaller) -> Response:
    """Return what a project takes: by purpose, user, run and artifact. Users are not named to who only has a link."""
    check_project(store, entity, project)
    ref = store.metadata.find_project(entity, project)
    if ref is None:
        raise ProjectNotFound(f"there is no project {entity}/{project}.")
    found = store.storage.project(ref)
    if caller.kind in ("share", "anyone"):
        found.by_user = []
    return ValueReply(found)


@router.post("/storage/collect", response_model=CollectReply)
@permission(Action.WRITE)
def collect_garbage(body: Collect, store: TheStore, caller: TheCaller) -> Response:
    """
    Remove versions that a rule or time lets go, and content that nothing refers to; with `dry_run` only say which.

    It is for whoever runs the server: the owner of the folder, or an admin.
    """
    if caller.kind not in ("folder", "session") and not caller.is_admin:
        raise ApiError("forbidden", "Only an admin of this server may do this.")
    found = store.collect_garbage(dry_run=body.dry_run)
    expired = [
        {
            "entity": one.collection.name[0],
            "project": one.collection.name[1],
            "name": one.collection.name[2],
            "version": one.version.number,
            "bytes": one.version.bytes,
            "why": one.why,
        }
        for one in found.expired
    ]
    return ValueReply(
        {
            "dry_run": body.dry_run,
            "files": found.files,
            "bytes": found.bytes,
            "kept_files": found.kept_files,
            "garbage": [one._asdict() for one in found.garbage],
            "expired": expired,
        }
    )
