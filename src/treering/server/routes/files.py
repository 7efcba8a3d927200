"""Files of a run: the list, the code that it ran, and the bytes."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from treering.limits import FILE_PATH_MAX_BYTES, FILES_PAGE_MAX
from treering.server.context import TheRunKey, TheStore, new_router
from treering.server.media_schema import BlobsQuery, BlobsReply, CodeReply, FilesReply
from treering.server.permissions import Action, permission
from treering.server.replies import ValueReply

router = new_router("files")


@router.get("/runs/{run_key}/files", response_model=FilesReply)
@permission(Action.READ)
def list_files(
    run_key: TheRunKey,
    store: TheStore,
    purpose: Annotated[list[str] | None, Query(max_length=16, description="May be given again.")] = None,
    search: Annotated[str, Query(max_length=FILE_PATH_MAX_BYTES)] = "",
    offset: Annotated[int, Query(ge=0, le=1_000_000_000)] = 0,
    limit: Annotated[int, Query(ge=0, le=FILES_PAGE_MAX)] = FILES_PAGE_MAX,
) -> Response:
    """List files by path: what was saved, media, code, packages. The newest declaration of each path."""
    return ValueReply(store.files(run_key, purpose or (), search, offset, limit))


@router.get("/runs/{run_key}/code", response_model=CodeReply)
@permission(Action.READ)
def read_code(run_key: TheRunKey, store: TheStore) -> Response:
    """Return what is known of the code that the run ran: commit, uncommitted changes, untracked files."""
    return ValueReply(store.code(run_key))


@router.post("/runs/{run_key}/blobs/query", response_model=BlobsReply)
@permission(Action.INGEST)
def query_blobs(run_key: TheRunKey, body: BlobsQuery, store: TheStore) -> Response:
    """Say which files have to be sent for a run, and from where on."""
    missing = store.missing_blobs(run_key, body.sha256)
    return ValueReply({"missing": [{"sha256": sha256, "offset": offset} for sha256, offset in missing]})
