"""
A short way for the one route that is asked hundreds of times a second.

Between the guard and an append stand routing, dependency injection and five layers of two frameworks, which cost more
than checking, writing and syncing the frames: half a millisecond each. The route is declared like any other, with its
permission and its documentation, and its handler is the same; here it is only found faster.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Final

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from treering.errors import TreeringError

from .errors import ApiError, reply_to

__all__ = ["Express"]

_PREFIX: Final = "/api/1/segments/"
_LENGTH: Final = len(_PREFIX) + 32
_ROUTE: Final = f"{_PREFIX}{{segment}}"


class Express:
    """ASGI layer that hands appends straight to their handler and everything else to the application."""

    def __init__(self, app: ASGIApp, api: FastAPI) -> None:
        self.app = app
        self._api = api
        self._route = next(route for route in api.routes if isinstance(route, APIRoute) and route.path == _ROUTE)
        self._handle: Callable[[Request], Coroutine[Any, Any, Response]] = self._route.get_route_handler()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST":
            await self.app(scope, receive, send)
            return
        path: str = scope["path"]
        if len(path) != _LENGTH or not path.startswith(_PREFIX):
            await self.app(scope, receive, send)
            return
        scope["app"], scope["route"] = self._api, self._route
        scope["path_params"] = {"segment": path[len(_PREFIX) :]}
        request = Request(scope, receive)
        try:
            reply = await self._handle(request)
        except (ApiError, TreeringError) as error:
            reply = reply_to(request, error)
        except Exception as error:
            await reply_to(request, error)(scope, receive, send)
            raise  # the log has the traceback
        await reply(scope, receive, send)
