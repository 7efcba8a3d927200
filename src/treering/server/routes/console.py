"""What a run printed."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from treering.limits import CONSOLE_MAX_LINES
from treering.server.context import TheRunKey, TheStore, new_router
from treering.server.permissions import Action, permission
from treering.server.replies import ValueReply
from treering.server.schema import Console

router = new_router("runs")


@router.get("/runs/{run_key}/console", response_model=Console)
@permission(Action.READ)
def read_console(
    run_key: TheRunKey,
    store: TheStore,
    offset: Annotated[int, Query(ge=0, le=2**63 - 1)] = 0,
    limit: Annotated[int, Query(ge=1, le=CONSOLE_MAX_LINES)] = 1_000,
) -> Response:
    """
    Return lines from an offset on. Control characters are as the program wrote them: showing them safely is the
    reader's part.
    """
    return ValueReply(store.console(run_key, offset, limit))
