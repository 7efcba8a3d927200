"""What a run printed."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Query
from starlette.responses import Response

from treering.limits import CONSOLE_MAX_LINES, FILTER_MAX_BYTES, NAME_MAX_CHARS
from treering.server.context import TheRunKey, TheStore, new_router
from treering.server.permissions import Action, permission
from treering.server.replies import ValueReply
from treering.server.series_schema import Console
from treering.store.console import ConsoleQuery

router = new_router("runs")


@router.get("/runs/{run_key}/console", response_model=Console)
@permission(Action.READ)
def read_console(
    run_key: TheRunKey,
    store: TheStore,
    offset: Annotated[int, Query(ge=0, le=2**63 - 1)] = 0,
    limit: Annotated[int, Query(ge=1, le=CONSOLE_MAX_LINES)] = 1_000,
    search: Annotated[
        str, Query(max_length=FILTER_MAX_BYTES, description="A piece of a line, whatever its case.")
    ] = "",
    writer: Annotated[str | None, Query(max_length=NAME_MAX_CHARS, description="Empty for the main writer.")] = None,
    stream: Annotated[Literal["stdout", "stderr"] | None, Query()] = None,
) -> Response:
    """
    Return lines from an offset on. Control characters are as the program wrote them: showing them safely is the
    reader's part. A search that takes long stops with what it has found; `next` says where to go on.
    """
    return ValueReply(store.console(run_key, ConsoleQuery(offset, limit, search, writer, stream)))
