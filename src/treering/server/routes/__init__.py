"""The routes of the API, one file a noun. ``ROUTERS`` is all of them, in the order in which they are matched."""

from __future__ import annotations

from fastapi import APIRouter

from . import console, diff, health, history, live, projects, runs, series, session, verify

__all__ = ["ROUTERS"]

ROUTERS: tuple[APIRouter, ...] = (
    health.router,
    session.router,
    projects.router,
    diff.router,
    runs.router,
    series.router,
    live.router,
    history.router,
    console.router,
    verify.router,
)
