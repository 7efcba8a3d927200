"""What changed: once, or as a stream."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from treering.ids import check_name
from treering.server.context import TheAccess, TheDoor, TheHub, TheStore, new_router
from treering.server.permissions import Action, can, permission
from treering.server.replies import ValueReply
from treering.server.series_schema import Changes

router = new_router("live")

_Since = Annotated[int, Query(ge=0, le=2**63 - 1, description="`seq` of an earlier reply.")]

_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Events `change` (data as in /changes) and, when all is quiet, `ping`.",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
}


@router.get("/changes", response_model=Changes)
@permission(Action.READ)
def read_changes(entity: str, project: str, store: TheStore, access: TheAccess, since: _Since = 0) -> Response:
    """Return which runs of a project changed after *since*."""
    entity, project = check_name(entity, "entity"), check_name(project, "project")
    access.require_project(entity, project, Action.READ)
    return ValueReply(store.changes(entity, project, since))


@router.get("/live", responses=_STREAM, response_model=None)
@permission(Action.READ)
async def stream_changes(
    entity: str,
    project: str,
    store: TheStore,
    access: TheAccess,
    hub: TheHub,
    door: TheDoor,
    since: _Since = 0,
) -> Response:
    """Stream which runs of a project change, from *since* on, until the session ends."""
    entity, project = check_name(entity, "entity"), check_name(project, "project")
    access.require_project(entity, project, Action.READ)
    # Asked once before the stream begins, so that an unknown project is a 404 and not an empty stream.
    await run_in_threadpool(store.changes, entity, project, since)

    def still_allowed() -> bool:
        now = door.current(access.principal)
        return now is not None and can(now, Action.READ, entity, project)

    events = hub.stream(entity, project, since, still_allowed)
    return StreamingResponse(events, headers={"x-accel-buffering": "no"}, media_type="text/event-stream")
