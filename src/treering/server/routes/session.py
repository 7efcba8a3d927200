"""Sessions: a one-time code from a printed address becomes a token, and ends when it is told to."""

from __future__ import annotations

import socket
from typing import Annotated

from fastapi import Query
from starlette.requests import Request
from starlette.responses import Response

from treering._version import __version__
from treering.limits import ONE_TIME_CODE_S
from treering.server.accounts import Accounts
from treering.server.context import TheAccess, TheBy, TheCaller, TheHub, TheSettings, TheTokens, new_router
from treering.server.cookies import clear_cookie
from treering.server.errors import ApiError
from treering.server.permissions import Action, can_ever, permission
from treering.server.replies import ValueReply
from treering.server.schema import Ended, Link, NewSession, OneTimeCode, ServerInfo

router = new_router("server")


@router.post("/session", response_model=NewSession)
@permission(Action.OPEN)
def create_session(body: OneTimeCode, request: Request, tokens: TheTokens) -> Response:
    """Exchange a one-time code for a session, on a server without accounts."""
    _refuse_with_accounts(request)
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
@permission(Action.ENTER)
def read_session(request: Request, settings: TheSettings, caller: TheCaller, access: TheAccess) -> Response:
    """Say which server, folder and user the caller talks to."""
    accounts: Accounts | None = request.app.state.accounts
    user = accounts.users.by_id(caller.user) if accounts is not None and caller.user is not None else None
    runs_it = can_ever(caller, Action.MANAGE) or accounts is None
    signed_in = None if user is None else {"name": user.name, "display_name": user.display_name, "admin": user.is_admin}
    return ValueReply(
        {
            "version": __version__,
            "mode": "local" if accounts is None else "team",
            "data_dir": str(settings.data_dir) if runs_it else "",
            "hostname": socket.gethostname() if runs_it else "",
            "entity": access.author if accounts is None or user is not None or caller.kind == "folder" else "",
            "kind": caller.kind,
            "user": signed_in,
            "notices": request.app.state.notices() if caller.kind not in ("share", "anyone") else [],
        }
    )


@router.delete("/session", response_model=Ended)
@permission(Action.SELF)
def delete_session(
    request: Request,
    caller: TheCaller,
    tokens: TheTokens,
    by: TheBy,
    hub: TheHub,
    everywhere: Annotated[bool, Query()] = False,
) -> Response:
    """End the caller's session, or all of theirs on every browser, and the live streams that they opened."""
    accounts: Accounts | None = request.app.state.accounts
    if accounts is None:
        ended = tokens.revoke(None if everywhere else caller.id)
    else:
        ended = 0 if caller.user is None else accounts.sessions.end(caller.user, None if everywhere else caller.id, by)
    hub.wake()
    reply = ValueReply({"ended": ended})
    if accounts is not None:
        reply.headers["set-cookie"] = clear_cookie(request.scope)
    return reply


@router.post("/session/links", response_model=Link)
@permission(Action.MANAGE)
async def create_link(request: Request, tokens: TheTokens) -> Response:
    """Make a fresh one-time address for the holder of the folder's own token, which is how `treering ui` prints one."""
    _refuse_with_accounts(request)
    return ValueReply({"path": f"#t={tokens.new_code()}", "expires_in_s": ONE_TIME_CODE_S})


def _refuse_with_accounts(request: Request) -> None:
    if request.app.state.accounts is not None:
        raise ApiError("conflict", "This server has accounts.", "Open its address in the browser and sign in.")


@router.post("/handover", response_model=Ended)
@permission(Action.MANAGE)
async def hand_over(request: Request, settings: TheSettings) -> Response:
    """Ask a server that a reading command started to let go of the folder, because a lasting one wants it."""
    if not settings.idle:
        raise ApiError("conflict", "This server was started to stay.", "Stop it where it runs.")
    request.app.state.stop()
    return ValueReply({"ended": 0})
