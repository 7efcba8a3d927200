"""The shapes of the HTTP API that have to do with locked runs; see ``schema``."""

from __future__ import annotations

from pydantic import Field

from treering.limits import LOCK_NOTE_MAX_CHARS

from .schema import Reply, Request


class LockRequest(Request):
    """Why a run is locked."""

    note: str = Field("", max_length=LOCK_NOTE_MAX_CHARS)


class LockedFile(Reply):
    """A file of the run's log as it was when the run was locked."""

    segment: str
    writer: str
    bytes: int
    sha256: str


class LockRow(Reply):
    """A lock. ``at`` is unix seconds."""

    at: float
    by: str
    note: str
    sha256: str = Field(description="Of the list of the files' hashes: one number for all of it.")
    segments: list[LockedFile]


class LockReply(Reply):
    """The lock of a run, null if it has none."""

    lock: LockRow | None
    changed: list[str] | None = Field(description="Files that are not what they were; null if that was not asked.")
    added: list[str] | None = Field(
        description="Files that came since: edits, and what a training that would not hear of it wrote. Not read."
    )
