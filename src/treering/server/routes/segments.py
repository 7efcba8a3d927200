"""Segments of run logs, shipped from where the runs are."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from treering.errors import (
    FormatError,
    Overloaded,
    ProjectNotFound,
    RunNotFound,
    SegmentConflict,
    SegmentDiverged,
    SegmentNotFound,
)
from treering.ids import SEGMENT_ID
from treering.runlog.shipment import Held
from treering.server.access import Access
from treering.server.bodies import RawRoute
from treering.server.context import TheAccess, TheStore, new_router
from treering.server.errors import ApiError, error_reply
from treering.server.inflow import FRAMES, Inflow, too_busy
from treering.server.permissions import Action, permission
from treering.server.replies import ValueReply
from treering.server.shipping_schema import SegmentReply, SegmentsQuery, SegmentsReply
from treering.store import Store
from treering.store.receiver import Append, Uploader, owner_of

router = new_router("segments")
raw = new_router("segments")
raw.route_class = RawRoute
ROUTERS = (router, raw)

_NOBODY = Uploader("", "")  # the ledger keeps who began a segment
_OFFSET_MAX = 2**63 - 1
_CHAIN_MAX = 2**32 - 1


@router.post("/segments/query", response_model=SegmentsReply)
@permission(Action.INGEST)
def query_segments(body: SegmentsQuery, store: TheStore, access: TheAccess) -> Response:
    """Say how much of some segments is held, durably. Those that are unknown, or not the caller's, are left out."""
    wanted = [segment for segment in dict.fromkeys(body.segments) if _is_callers(store, access, segment)]
    found = store.received.held(wanted)
    segments = {
        segment: {
            "length": held.length,
            "chain": held.chain,
            "sealed": held.sealed,
            "indexed": min(store.applied(segment), held.length),
        }
        for segment, held in found.items()
    }
    about = store.about
    return ValueReply({"store_id": about.store_id, "restores": about.restores, "segments": segments})


_IN_PATH_AND_QUERY: list[dict[str, Any]] = [
    {"name": "segment", "in": "path", "required": True, "schema": {"type": "string", "pattern": "^[0-9a-f]{32}$"}},
    {
        "name": "offset",
        "in": "query",
        "required": True,
        "description": "Where in the segment the body begins.",
        "schema": {"type": "integer", "minimum": 0},
    },
    {
        "name": "prev",
        "in": "query",
        "required": True,
        "description": "The chain value there: the header CRC of the frame before; 0 at the beginning.",
        "schema": {"type": "integer", "minimum": 0},
    },
]
_BODY = {"required": True, "content": {FRAMES: {"schema": {"type": "string", "format": "binary"}}}}


@raw.post(
    "/segments/{segment}",
    response_model=SegmentReply,
    openapi_extra={"parameters": _IN_PATH_AND_QUERY, "requestBody": _BODY},
)
@permission(Action.INGEST)
async def append_to_segment(request: Request) -> Response:
    """
    Append whole frames to a segment.

    The answer comes when they are durable. What is held already is compared and skipped, so sending twice does no
    harm; what does not fit is answered with 409 and, beside the error, with what is `held`. The body may have
    `Content-Encoding: deflate`.
    """
    segment = request.path_params["segment"]
    if not SEGMENT_ID.fullmatch(segment):
        raise SegmentNotFound(f"No segment has the id {segment[:64]!r}.")
    query = _plain_query(request)
    offset, prev = _number(query, "offset", _OFFSET_MAX), _number(query, "prev", _CHAIN_MAX)
    state = request.app.state
    store: Store = state.store
    inflow: Inflow = state.inflow
    access: Access = request.scope["state"]["access"]
    if store.is_purged(segment):
        raise _purged()
    known = _allowed(store, access, segment)  # before its body is taken
    if known and store.locks.is_locked(store.run_of_segment(segment)):
        raise _locked()
    store.check_room()
    body = await inflow.read(request)
    try:
        if not known:
            # A segment that is not held yet says itself where it belongs; without its beginning nobody may say so.
            if offset:
                return _conflict(SegmentConflict(f"{segment}: nothing is held.", (0, 0, False)))
            owner = owner_of(segment, body)
            if store.run_is_purged(owner.run_key):
                raise _purged()
            if store.locks.is_locked(owner.run_key):
                raise _locked()
            # Also for who may append everywhere: the first run of a project makes its sender a member of it.
            await run_in_threadpool(access.require_ingest, owner.entity, owner.project)
        by = _NOBODY if known else Uploader(access.author, access.principal.id)
        held = await asyncio.wrap_future(store.received.submit(Append(segment, offset, prev, body, by)))
    except FormatError as error:
        raise ApiError("malformed_segment", str(error)) from None
    except SegmentConflict as error:
        return _conflict(error)
    except Overloaded as error:
        raise too_busy(str(error)) from None
    inflow.note(segment)
    return _reply(store, inflow, segment, held)


def _reply(store: Store, inflow: Inflow, segment: str, held: Held) -> Response:
    about, stopped_by = store.about, store.stop_asked(segment)
    answer = {
        "length": held.length,
        "chain": held.chain,
        "sealed": held.sealed,
        "indexed": min(store.applied(segment), held.length),
        "store_id": about.store_id,
        "restores": about.restores,
        "stop": bool(stopped_by),
        "stopped_by": stopped_by,
        "every_s": inflow.every_s,
    }
    return Response(msgspec.json.encode(answer), media_type="application/json")


def _conflict(error: SegmentConflict) -> Response:
    code = "segment_diverged" if isinstance(error, SegmentDiverged) else "segment_gap"
    length, chain, sealed = error.held
    return error_reply(code, str(error), beside={"held": {"length": length, "chain": chain, "sealed": sealed}})


def _plain_query(request: Request) -> dict[str, str]:
    """Return a query of numbers, as it stands: asked hundreds of times a second, and numbers need no decoding."""
    text: str = request.scope["query_string"].decode("latin-1")
    return {name: value for name, _, value in (part.partition("=") for part in text.split("&"))}


def _number(query: dict[str, str], name: str, most: int) -> int:
    text = query.get(name, "")
    if not (text.isascii() and text.isdecimal() and len(text) <= 19 and int(text) <= most):
        raise ApiError("invalid_request", f"query.{name}: a whole number from 0 to {most:,} is needed.")
    return int(text)


def _is_callers(store: Store, access: Access, segment: str) -> bool:
    try:
        return _allowed(store, access, segment)
    except (SegmentNotFound, ApiError):
        return False


def _purged() -> ApiError:
    return ApiError("purged", "This run was removed for good; nothing of it is taken again.", "Use another run id.")


def _locked() -> ApiError:
    return ApiError("locked", "This run is locked; nothing is added to it.", "Use another run id, or unlock it.")


def _allowed(store: Store, access: Access, segment: str) -> bool:
    """
    Return whether the segment is known and the caller may append to its run; False if it is not known.

    Raises:
        SegmentNotFound: it is, and the caller may not see it.
        ApiError: "forbidden", it may be looked at.
    """
    try:
        run_key = store.run_of_segment(segment)
        if access.may_append(run_key):
            return True
        entity, project = store.locate(run_key)
    except (SegmentNotFound, RunNotFound):
        return False
    try:
        access.require_ingest(entity, project)
    except ProjectNotFound:  # which would say what it is called
        raise SegmentNotFound(f"No segment has the id {segment!r}.") from None
    return True
