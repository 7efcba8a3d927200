"""
Reading request bodies: bounded in size, time, depth and number of keys, whoever sends them.

FastAPI hands a body to pydantic after ``json.loads``; here the bytes are counted while they arrive and the parsed
value is walked once before it goes on, so that no route has to think of bombs.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any

import msgspec
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive

from treering.limits import BODY_TIMEOUT_S, JSON_BODY_MAX_BYTES, JSON_MAX_DEPTH, JSON_MAX_KEYS

from .access import Access
from .errors import ApiError
from .permissions import Action, Principal, permission_of

__all__ = ["ApiRoute", "RawRoute", "decode_json", "limit_body"]


def limit_body(receive: Receive, max_bytes: int, timeout_s: float = BODY_TIMEOUT_S) -> Receive:
    """Return a *receive* that raises ``ApiError`` once a body is too large or arrives too slowly."""
    seen_bytes = 0
    done = False
    deadline = time.monotonic() + timeout_s

    async def bounded() -> Message:
        nonlocal seen_bytes, done
        if done:  # what comes next is the end of the connection, which may take as long as it likes
            return await receive()
        try:
            message = await asyncio.wait_for(receive(), max(deadline - time.monotonic(), 0))
        except TimeoutError:
            raise ApiError("request_timeout", f"The body did not arrive within {timeout_s:g} s.") from None
        seen_bytes += len(message.get("body", b""))
        done = not message.get("more_body", False)
        if seen_bytes > max_bytes:
            raise ApiError("too_large", f"The body is larger than {max_bytes:,} bytes.")
        return message

    return bounded


def decode_json(body: bytes) -> Any:
    """
    Return the value of a JSON body.

    Raises:
        ApiError: not JSON, nested deeper than ``JSON_MAX_DEPTH``, more keys than ``JSON_MAX_KEYS``, or text with half a
            surrogate pair or a NUL, which no database and no terminal takes well.
    """
    try:
        value = msgspec.json.decode(body)
    except RecursionError:
        raise _too_deep() from None
    except (ValueError, OverflowError):
        raise ApiError("invalid_json", "The body is not valid JSON.") from None
    keys = 0
    level: list[Any] = [value]
    for _ in range(JSON_MAX_DEPTH):
        below: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                keys += len(item)
                below.extend(item.keys())
                below.extend(item.values())
            elif isinstance(item, list):
                below.extend(item)
            elif isinstance(item, str):
                _check_text(item)
        if keys > JSON_MAX_KEYS:
            raise ApiError("too_large", f"The body has more than {JSON_MAX_KEYS:,} keys.")
        if not below:
            return value
        level = below
    raise _too_deep()


def _too_deep() -> ApiError:
    return ApiError("invalid_json", f"The body is nested deeper than {JSON_MAX_DEPTH} levels.")


def _check_text(text: str) -> None:
    if "\0" in text:
        raise ApiError("invalid_json", "The body has a text with a NUL character.")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise ApiError("invalid_json", "The body has a text with half of a surrogate pair.") from None


class _BoundedRequest(Request):
    async def json(self) -> Any:
        return decode_json(await self.body())


class ApiRoute(APIRoute):
    """A route that asks ``Access`` about the names in its path before its handler, and reads its body within limits."""

    asks_access = True

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        action = permission_of(self)

        async def handle_bounded(request: Request) -> Response:
            await _check_access(request, action)
            if request.method in ("POST", "PATCH", "PUT") and not _is_json(request):
                raise ApiError("unsupported_media_type", "This route takes application/json.")
            _check_announced_length(request)
            bounded = limit_body(request.receive, JSON_BODY_MAX_BYTES)
            return await handle(_BoundedRequest(request.scope, bounded))

        return handle_bounded


class RawRoute(ApiRoute):
    """
    An ``ApiRoute`` whose handler is given the request as it is and reads the body itself, within limits of its own.

    None of FastAPI's own work is done for each request; the signature of such a handler is ``(request)``.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle: Callable[[Request], Coroutine[Any, Any, Response]] = self.endpoint
        action = permission_of(self)

        async def handle_raw(request: Request) -> Response:
            await _check_access(request, action)
            return await handle(request)

        return handle_raw


async def _check_access(request: Request, action: Action | None) -> None:
    """Leave the caller's ``Access`` in the request's state, once it allows what the path names."""
    state = request.scope["state"]
    principal: Principal | None = state.get("principal")
    # Once more, although the guard asked: whatever got past it by some mistake is stopped here.
    if action is None:
        raise ApiError("forbidden", "Nobody may do this.")
    if principal is None:
        if action is Action.OPEN:
            return
        raise ApiError("unauthorized", "The request has no valid token.", headers={"www-authenticate": "Bearer"})
    app = request.app.state
    access = state["access"] = Access(principal, app.store, app.accounts)
    access.require(action)
    if action is Action.OPEN:
        return
    names = request.path_params
    if "run_key" in names:
        run_key = names["run_key"]
        if access.knows_where(run_key):
            access.require_run(run_key, action)
        else:  # the index is asked, and the loop that serves everybody does not wait for it
            await run_in_threadpool(access.require_run, run_key, action)
    elif "entity" in names:
        access.require_project(names["entity"], names["project"], action)


def _check_announced_length(request: Request) -> None:
    """Refuse a body that says itself that it is too large, without waiting for it."""
    length = request.headers.get("content-length", "0")
    if not length.isdecimal() or int(length[:20]) > JSON_BODY_MAX_BYTES:
        raise ApiError("too_large", f"The body is larger than {JSON_BODY_MAX_BYTES:,} bytes.")


def _is_json(request: Request) -> bool:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json"
