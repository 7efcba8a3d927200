"""The routes of the API, one file a noun. ``ROUTERS`` is all of them, in the order in which they are matched."""

from __future__ import annotations

from fastapi import APIRouter

from . import (
    audit,
    blobs,
    console,
    diff,
    files,
    frame,
    health,
    history,
    holdings,
    live,
    me,
    media,
    members,
    metrics,
    past,
    projects,
    runs,
    segments,
    series,
    session,
    shares,
    sign_in,
    stop,
    users,
    verify,
)

__all__ = ["ROUTERS"]

ROUTERS: tuple[APIRouter, ...] = (
    health.router,
    session.router,
    sign_in.router,
    me.router,
    users.router,
    members.router,
    shares.router,
    audit.router,
    projects.router,
    diff.router,
    runs.router,
    series.router,
    live.router,
    history.router,
    console.router,
    files.router,
    blobs.router,
    media.router,
    verify.router,
    *segments.ROUTERS,
    past.router,
    stop.router,
    holdings.router,
    metrics.router,
    frame.router,
)
