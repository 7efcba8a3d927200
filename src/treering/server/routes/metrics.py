"""What the server does, in numbers, for Prometheus; and whether it is ready, for whoever balances load."""

from __future__ import annotations

from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from treering.server.access import Access
from treering.server.bodies import RawRoute
from treering.server.context import new_router
from treering.server.errors import ApiError
from treering.server.meter import Meter, exposition, resident_bytes
from treering.server.permissions import Action, permission
from treering.server.replies import ValueReply
from treering.server.shipping_schema import Readiness

router = new_router("server", prefix="")
router.route_class = RawRoute

_TEXT: dict[int | str, dict[str, Any]] = {
    200: {"description": "Prometheus' text format.", "content": {"text/plain": {"schema": {"type": "string"}}}}
}


@router.get("/metrics", response_model=None, responses=_TEXT)
@permission(Action.READ)
async def read_metrics(request: Request) -> Response:
    """
    Return counters of requests, ingest, index, disk and memory.

    For the holder of the folder's token, an admin of the server, or an API key of one with the scope `read`.
    """
    access: Access = request.scope["state"]["access"]
    if access.visible() is not None:
        raise ApiError("forbidden", "Metrics are about the whole server; only who may see everything may read them.")
    text = await run_in_threadpool(_metrics, request)
    return Response(text, media_type="text/plain; version=0.0.4")


@router.get("/readyz", response_model=Readiness)
@permission(Action.OPEN)
async def read_readiness(request: Request) -> Response:
    """
    Say whether all runs were looked at since the start. Until then some answers may lack the newest rows.

    After a crash a server is ready before it has read everything again that only its memory held. `catching_up` says
    how many files that still are; an answer that needs one of them waits for it.
    """
    state = request.app.state
    ready = state.store.is_ready
    status = "starting" if not ready else "read_only" if state.disk.refused else "ready"
    return ValueReply({"status": status, "catching_up": state.store.catching_up}, 200 if ready else 503)


def _metrics(request: Request) -> str:
    state = request.app.state
    store, meter = state.store, state.meter
    counts = store.received.counts
    none: tuple[tuple[str, str], ...] = ()
    rooms = state.disk.rooms()
    return exposition(
        [
            ("treering_requests_total", "counter", "Requests by route and status.", _requests(meter)),
            ("treering_request_seconds", "histogram", "Time of requests other than appends.", meter.request_s),
            ("treering_append_seconds", "histogram", "Time of appends, until they are durable.", meter.append_s),
            ("treering_ingest_bytes_total", "counter", "Bytes of run log received.", {none: counts.bytes}),
            ("treering_ingest_appends_total", "counter", "Appends acknowledged.", {none: counts.appends}),
            ("treering_ingest_failures_total", "counter", "Appends that the disk refused.", {none: counts.failures}),
            ("treering_ingest_commits_total", "counter", "Group commits.", {none: counts.commits}),
            ("treering_ingest_commit_seconds_total", "counter", "Time in group commits.", {none: counts.commit_s}),
            ("treering_fsync_seconds_total", "counter", "Time in fdatasync of segments.", {none: counts.sync_s}),
            ("treering_records_total", "counter", "Frames applied to the index.", {none: store.frames_applied}),
            ("treering_points_total", "counter", "Points applied to the index.", {none: store.points_applied}),
            ("treering_index_lag_seconds", "gauge", "Age of the oldest bytes not applied.", {none: store.index_lag_s}),
            ("treering_catching_up", "gauge", "Files read again after a crash.", {none: store.catching_up}),
            ("treering_runs", "gauge", "Runs by state.", {(("state", s),): n for s, n in store.count_states().items()}),
            ("treering_streams", "gauge", "Open live streams.", {none: state.hub.open_streams}),
            (
                "treering_disk_free_bytes",
                "gauge",
                "Room left.",
                {(("folder", room["folder"]),): room["free"] for room in rooms},
            ),
            (
                "treering_disk_total_bytes",
                "gauge",
                "Room in all.",
                {(("folder", room["folder"]),): room["total"] for room in rooms},
            ),
            ("treering_disk_refusing", "gauge", "1 while nothing is taken in.", {none: state.disk.refused is not None}),
            ("process_resident_memory_bytes", "gauge", "Memory of the process.", {none: resident_bytes()}),
        ]
    )


def _requests(meter: Meter) -> dict[tuple[tuple[str, str], ...], float]:
    return {
        (("method", method), ("route", route), ("status", str(status))): count
        for (method, route, status), count in list(meter.requests.items())
    }
