"""Pictures that people put into notes, reports and comments."""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from treering.errors import NotFound, ProjectNotFound
from treering.ids import check_name
from treering.limits import PICTURE_MAX_BYTES
from treering.server.access import Access
from treering.server.bodies import RawRoute
from treering.server.context import new_router
from treering.server.inflow import BLOB, Inflow
from treering.server.permissions import Action, permission
from treering.server.report_schema import PictureReply
from treering.store import Store

router = new_router("reports")
router.route_class = RawRoute

_SHA256: Final = re.compile(r"[0-9a-f]{64}")


def _in_path(*names: str) -> list[dict[str, Any]]:
    return [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]


@router.post(
    "/projects/{entity}/{project}/pictures",
    response_model=PictureReply,
    openapi_extra={
        "parameters": _in_path("entity", "project"),
        "requestBody": {"required": True, "content": {BLOB: {"schema": {"type": "string", "format": "binary"}}}},
    },
)
@permission(Action.WRITE)
async def add_picture(request: Request) -> Response:
    """Keep a PNG, JPEG, GIF or WebP; a text of the project names it as `picture:<sha256>`."""
    access: Access = request.scope["state"]["access"]
    access.require_account()
    store: Store = request.app.state.store
    inflow: Inflow = request.app.state.inflow
    entity, project = await run_in_threadpool(_place, request, store)
    store.check_room()
    content = await inflow.read(request, BLOB, PICTURE_MAX_BYTES)
    kept = await run_in_threadpool(store.pictures.add, entity, project, content, access.author)
    return Response(msgspec.json.encode(kept), media_type="application/json")


@router.get(
    "/projects/{entity}/{project}/pictures/{sha256}",
    response_model=None,
    responses={200: {"content": {"image/*": {}}}},
    openapi_extra={"parameters": _in_path("entity", "project", "sha256")},
)
@permission(Action.READ)
async def read_picture(request: Request) -> Response:
    """Return a picture of a project."""
    store: Store = request.app.state.store
    entity, project = await run_in_threadpool(_place, request, store)
    sha256 = str(request.path_params["sha256"])
    if not _SHA256.fullmatch(sha256):
        raise NotFound(f"{entity}/{project} has no picture {sha256[:64]!r}.")
    picture = await run_in_threadpool(store.pictures.find, entity, project, sha256)
    headers = {
        "Content-Length": str(picture.bytes),
        "Content-Disposition": "attachment",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "Cache-Control": "private, max-age=31536000, immutable",
    }
    return StreamingResponse(store.blobs.get(sha256), 200, headers, picture.type)


def _place(request: Request, store: Store) -> tuple[str, str]:
    names = request.path_params
    entity, project = check_name(names["entity"], "entity"), check_name(names["project"], "project")
    if not store.has_project(entity, project):
        raise ProjectNotFound(f"there is no project {entity}/{project}.")
    return entity, project
