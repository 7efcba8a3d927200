"""The bytes of what is in a version of an artifact."""

from __future__ import annotations

import re
from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from treering.errors import NotFound
from treering.server.bodies import RawRoute
from treering.server.context import new_router
from treering.server.permissions import Action, permission
from treering.store import Store

from .artifacts import name_of
from .blobs import blob_reply

router = new_router("artifacts")
router.route_class = RawRoute

_SHA256: Final = re.compile(r"[0-9a-f]{64}\Z")
_NAMES: Final = ("entity", "project", "name", "version", "sha256")
_IN_PATH: list[dict[str, Any]] = [
    {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in _NAMES
]


@router.get(
    "/projects/{entity}/{project}/artifacts/{name}/versions/{version}/blobs/{sha256}",
    response_model=None,
    responses={200: {"content": {"application/octet-stream": {}}}},
    openapi_extra={"parameters": _IN_PATH},
)
@permission(Action.READ)
async def read_artifact_blob(request: Request) -> Response:
    """Return bytes that are in a version, or by its digest its list of entries; `?name=` is what they are saved as."""
    names = request.path_params
    store: Store = request.app.state.store

    def find() -> int:
        key = name_of(store, names["entity"], names["project"], names["name"])
        _, version = store.artifacts.find(key, names["version"])
        if not _SHA256.match(names["sha256"]):
            raise NotFound(f"v{version.number} has no content {names['sha256'][:64]!r}.")
        return store.artifacts.blob_size(version, names["sha256"])

    size = await run_in_threadpool(find)
    return await blob_reply(request, store, names["sha256"], size)
