"""A run's complete rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Literal

from fastapi import Query
from starlette.responses import Response, StreamingResponse

from treering.errors import LimitExceeded
from treering.limits import KEY_MAX_BYTES, SERIES_MAX_KEYS
from treering.server.context import TheRunKey, TheStore, new_router
from treering.server.permissions import Action, permission
from treering.server.rows import arrow_stream, json_stream, msgpack_stream
from treering.server.series_schema import HistoryReply
from treering.store.model import HistoryBatch

router = new_router("runs")

_FORMATS: dict[int | str, dict[str, Any]] = {
    200: {
        "model": HistoryReply,
        "content": {"application/msgpack": {}, "application/vnd.apache.arrow.stream": {}},
    }
}


@router.get("/runs/{run_key}/history", responses=_FORMATS, response_model=None)
@permission(Action.READ)
def read_history(
    run_key: TheRunKey,
    store: TheStore,
    key: Annotated[list[str] | None, Query(description="One key; may be given again.")] = None,
    keys: Annotated[str | None, Query(description="Keys with commas between them, for keys without commas.")] = None,
    attempts: Annotated[Literal["all", "latest"], Query()] = "all",
    reply_format: Annotated[Literal["json", "arrow", "msgpack"], Query(alias="format")] = "json",
    raw: Annotated[bool, Query(description="As it was logged, without the project's corrections.")] = False,
) -> Response:
    """
    Stream every row of a run, unsampled.

    `attempts=latest` leaves out what a later attempt or a rewind replaced, which is what a chart draws.
    """
    wanted = [*(key or ()), *(keys.split(",") if keys else ())]
    if len(wanted) > SERIES_MAX_KEYS or any(len(name) > KEY_MAX_BYTES for name in wanted):
        raise LimitExceeded(
            f"At most {SERIES_MAX_KEYS:,} keys of {KEY_MAX_BYTES:,} bytes can be named. Name none for all."
        )

    def read() -> Iterable[HistoryBatch]:
        return store.history(run_key, wanted or None, attempts, raw=raw)

    store.run(run_key)  # an unknown run is a 404 now and not a broken stream later
    pieces: Iterator[bytes]
    match reply_format:
        case "json":
            pieces, media_type = json_stream(read()), "application/json"
        case "msgpack":
            pieces, media_type = msgpack_stream(read()), "application/msgpack"
        case "arrow":
            pieces, media_type = arrow_stream(read), "application/vnd.apache.arrow.stream"
    return StreamingResponse(pieces, media_type=media_type)
