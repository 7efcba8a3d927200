"""Sessions: a one-time code from a printed address becomes a token, and ends when it is told to."""

from __future__ import annotations

import socket
from typing import Annotated

from fastapi import Query
from starlette.requests import Request
from starlette.responses import Response

from treering._version import __version__
from treering.limits import ONE_TIME_CODE_S
from treering.server.context import TheCaller, TheHub, TheSettings, TheTokens, new_router, os_user
from treering.server.errors import ApiError
from treering.server.permissions import Action, permission
from treering.server.replies import ValueReply
from treering.server.schema import Ended, Link, NewSession, OneTimeCode, ServerInfo

router = new_router("server")


@router.post("/session", response_model=NewSession)
@permission(Action.OPEN)
def create_session(body: OneTimeCode, tokens: TheTokens) -> Response:
    """Exchange a one-time code for a session."""
    created = tokens.exchange(body.one_time)
    if created is None:
        raise ApiError(
            "unauthorized",
            "This link was used before or is older than ten minutes.",
            "Run `treering ui` again on the machine that serves: it prints a fresh one.",
        )
    token, session = created
    return ValueReply({"token": token, "expires_at": session.expires_at})


@router.get("/session", response_model=ServerInfo)
@permission(Action.READ)
async def read_session(settings: TheSettings) -> Response:
    """Say which server, folder and user the caller talks to."""
    return ValueReply(
        {
            "version": __version__,
            "mode": "local",
            "data_dir": str(settings.data_dir),
            "hostname": socket.gethostname(),
            "entity": os_user(),
        }
    )


@router.delete("/session", response_model=Ended)
@permission(Action.WRITE)
def delete_session(
    caller: TheCaller, tokens: TheTokens, hub: TheHub, everywhere: Annotated[bool, Query()] = False
) -> Response:
    """End the caller's session, or all of them on every browser, and the live streams that they opened."""
    ended = tokens.revoke(None if everywhere else caller.id)
    hub.wake()
    return ValueReply({"ended": ended})


@router.post("/session/links", response_model=Link)
@permission(Action.MANAGE)
async def create_link(tokens: TheTokens) -> Response:
    """Make a fresh one-time address for the holder of the folder's own token, which is how `treering ui` prints one."""
    return ValueReply({"path": f"#t={tokens.new_code()}", "expires_in_s": ONE_TIME_CODE_S})


@router.post("/handover", response_model=Ended)
@permission(Action.MANAGE)
async def hand_over(request: Request, settings: TheSettings) -> Response:
    """Ask a server that a reading command started to let go of the folder, because a lasting one wants it."""
    if not settings.idle:
        raise ApiError("conflict", "This server was started to stay.", "Stop it where it runs.")
    request.app.state.stop()
    return ValueReply({"ended": 0})
