"""The processes of a distributed job: of one run, or of the runs of a group."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from fastapi import Query
from starlette.responses import Response

from treering.ids import check_name
from treering.server.access import Access
from treering.server.context import TheAccess, TheStore, new_router
from treering.server.frames import MEDIA_TYPE, encode_frames, encode_table
from treering.server.permissions import Action, permission
from treering.server.process_schema import (
    HeatmapQuery,
    HeatmapReply,
    ProcessConsole,
    ProcessConsoleQuery,
    ProcessesReply,
    ProcessSeriesQuery,
)
from treering.server.process_schema import Where as WhereBody
from treering.server.replies import ValueReply
from treering.server.series_schema import SeriesReply
from treering.store.heatmap import HeatmapRequest
from treering.store.process_console import ProcessConsoleQuery as ConsoleRequest
from treering.store.process_series import ProcessSeriesRequest
from treering.store.processes import Where

router = new_router("processes")

ReplyFormat = Annotated[Literal["frames", "json"], Query(alias="format")]


def _frames(model: type) -> dict[int | str, dict[str, Any]]:
    description = "Typed arrays behind a JSON header; `format=json` gives the model described here."
    return {200: {"model": model, "description": description, "content": {MEDIA_TYPE: {}}}}


@router.post("/processes", response_model=ProcessesReply)
@permission(Action.READ)
def list_processes(body: WhereBody, store: TheStore, access: TheAccess) -> Response:
    """List the processes of a job, their attempts and metrics, and which of them are slow, silent, behind or dead."""
    return ValueReply(store.distributed.processes(_where(body, access)))


@router.post("/processes/series", responses=_frames(SeriesReply), response_model=None)
@permission(Action.READ)
def read_process_series(
    body: ProcessSeriesQuery, store: TheStore, access: TheAccess, reply_format: ReplyFormat = "frames"
) -> Response:
    """Return metrics of processes: as a band over all of them, or a line for each."""
    where = _where(body, access)
    seq = store.seq  # before the reading: what arrives during it is read again, never missed
    request = ProcessSeriesRequest(body.keys, body.x, body.range, body.buckets, body.form)
    series = store.distributed.series(where, request, body.processes)
    if reply_format == "frames":
        content = encode_frames(series, x=body.x, x_range=body.range, seq=seq, missing=[])
        return Response(content, media_type=MEDIA_TYPE)
    return ValueReply({"x": body.x, "range": body.range, "seq": seq, "series": series, "missing": []})


@router.post("/processes/heatmap", responses=_frames(HeatmapReply), response_model=None)
@permission(Action.READ)
def read_process_heatmap(
    body: HeatmapQuery, store: TheStore, access: TheAccess, reply_format: ReplyFormat = "frames"
) -> Response:
    """Return one metric as processes × steps or time."""
    where = _where(body, access)
    request = HeatmapRequest(body.key, body.x, body.range, body.columns, body.value)
    heatmap = store.distributed.heatmap(where, request, body.processes)
    if reply_format == "json":
        return ValueReply(heatmap)
    parts = msgspec.structs.asdict(heatmap)
    arrays = {name: parts.pop(name) for name in ("x_edges", "values", "counts")}
    return Response(encode_table(parts, arrays), media_type=MEDIA_TYPE)


@router.post("/processes/console", response_model=ProcessConsole)
@permission(Action.READ)
def read_process_console(body: ProcessConsoleQuery, store: TheStore, access: TheAccess) -> Response:
    """
    Return what processes printed, one stream by time. Control characters are as the programs wrote them: showing them
    safely is the reader's part.
    """
    request = ConsoleRequest(body.offset, body.limit, body.search, body.before)
    return ValueReply(store.distributed.console(_where(body, access), request, body.processes))


def _where(body: WhereBody, access: Access) -> Where:
    """Return which processes are meant, once the caller may read them. Raises RunNotFound, ProjectNotFound."""
    if body.run is not None:
        access.require_run(body.run, Action.READ)
    elif body.entity is not None and body.project is not None:
        check_name(body.entity, "entity")
        check_name(body.project, "project")
        access.require_project(body.entity, body.project, Action.READ)
    return Where(body.run, body.entity, body.project, body.group, body.job_type)
