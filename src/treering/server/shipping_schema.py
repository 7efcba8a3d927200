"""The shapes of the HTTP API of what is shipped and held; see ``schema``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from treering.limits import (
    SEGMENTS_QUERY_MAX,
)

from .run_schema import LackInfo
from .schema import Reply, Request, RunKey, State


class SegmentsQuery(Request):
    """Segments to ask after, by id."""

    segments: list[Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]] = Field(max_length=SEGMENTS_QUERY_MAX)


class SegmentHeld(Reply):
    """How much of a segment is held durably, the chain value there, and how far the index has applied it."""

    length: int
    chain: int
    sealed: bool
    indexed: int


class SegmentsReply(Reply):
    """
    Another ``store_id`` or ``restores`` than before means that the server is not what it was: ask after everything.
    """

    store_id: str
    restores: int
    segments: dict[str, SegmentHeld]


class SegmentReply(SegmentHeld):
    """The answer to an append."""

    store_id: str
    restores: int
    stop: bool = Field(description="Somebody asked the run to stop since this life of it began.")
    stopped_by: str = Field(description="Who asked; empty if nobody did.")
    every_s: float = Field(description="How often the server wants new records of this segment at present.")


# ── holdings ─────────────────────────────────────────────────────────────────────────────────────────────────────


class HoldingInfo(Reply):
    """What is held of one project, or of the runs that one user sent. Times are unix seconds."""

    entity: str
    project: str
    user: str
    runs: int
    running: int
    not_whole: int
    bytes: int
    received_bytes: int
    points: int
    last_activity_at: float


class NotWholeRun(Reply):
    """A run that lacks something."""

    run_key: RunKey
    entity: str
    project: str
    name: str
    state: State
    last_activity_at: float
    lacks: list[LackInfo]


class DiskRoom(Reply):
    """A disk that the server writes to, in bytes. Below ``reserve`` nothing new is stored."""

    folder: str
    total: int
    free: int
    reserve: int


class HoldingsReply(Reply):
    """What the server holds of what the caller may see. ``not_whole`` are the latest of ``not_whole_total``."""

    store_id: str
    restores: int
    runs: int
    bytes: int
    points: int
    projects: list[HoldingInfo]
    users: list[HoldingInfo]
    not_whole: list[NotWholeRun]
    not_whole_total: int
    disk: list[DiskRoom]


class Readiness(Reply):
    """
    Whether a server answers in full; ``read_only`` while its disk is too full for anything new.

    ``catching_up`` is how many files are read again after a crash; what asks for their points waits for them.
    """

    status: Literal["starting", "ready", "read_only"]
    catching_up: int
