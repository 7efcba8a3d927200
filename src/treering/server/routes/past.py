"""What a run's earlier lives left, for a process that resumes it on another machine."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from treering.limits import NAME_MAX_CHARS
from treering.server.context import TheRunKey, TheStore, new_router
from treering.server.permissions import Action, permission
from treering.server.replies import ValueReply
from treering.server.run_schema import PastReply

router = new_router("runs")


@router.get("/runs/{run_key}/past", response_model=PastReply)
@permission(Action.INGEST)
def read_past(
    run_key: TheRunKey,
    store: TheStore,
    writer: Annotated[str, Query(max_length=NAME_MAX_CHARS, description="Label; empty for the main writer.")] = "",
    step: Annotated[int | None, Query(ge=0, lt=2**61, description="As it was when this was the last step.")] = None,
) -> Response:
    """Say how far a run has come, as a process needs to know that goes on with it or branches off from it."""
    return ValueReply(store.past(run_key, writer, step))
