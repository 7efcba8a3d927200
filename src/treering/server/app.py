"""
The ASGI application.

::

    request ─▶ TrustedProxies ─▶ BasePath ─▶ SecurityHeaders ─▶ RequestLog ─▶ Guard ─▶ routes ─▶ store
                                                                     └──▶ the UI's page and files

The layers stand around FastAPI and not inside it, so that a failure of the framework itself has the headers too.
"""

from __future__ import annotations

import asyncio
import logging
import resource
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from treering._version import __version__
from treering.errors import StorageError, TreeringError
from treering.limits import FILES_OPEN_MAX, LAST_USE_EVERY_S
from treering.store import Store

from .accounts import Accounts
from .alerts.channels import channels_file
from .alerts.mail import Mail
from .alerts.service import AlertService
from .assets import Assets
from .base_path import BasePath
from .compression import CompressRemote
from .context import API_PREFIX
from .disk import DiskWatch
from .door import Door, TeamDoor
from .errors import CODES, ApiError, reply_to
from .express import Express
from .guard import Guard
from .headers import SecurityHeaders
from .inflow import Inflow
from .live import LiveHub
from .log import RequestLog
from .meter import Meter, MeterRequests
from .outbound import Outbound
from .permissions import Action, check_routes, permission, permission_of
from .proxies import TrustedProxies
from .replies import ValueReply
from .routes import ROUTERS
from .settings import Settings
from .tokens import Tokens

__all__ = ["Application", "create_app", "new_api", "openapi"]


_log = logging.getLogger("treering.server")


class Application:
    """
    What ``create_app`` returns: callable as ASGI, with its parts at hand.

    ``api`` is the FastAPI application with every route, ``hub`` the live streams, ``tokens`` who may enter.
    """

    def __init__(self, api: FastAPI, hub: LiveHub, tokens: Tokens, stack: ASGIApp) -> None:
        self.api = api
        self.hub = hub
        self.tokens = tokens
        self._stack = stack

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._stack(scope, receive, send)


def create_app(
    store: Store,
    settings: Settings,
    tokens: Tokens | None = None,
    stop: Callable[[], None] = lambda: None,
    accounts: Accounts | None = None,
) -> Application:
    """
    Return the application that serves *store*.

    Args:
        accounts: who may enter; None for a server without accounts, whose folder's owner may do everything.
        stop: asks the process that runs the application to end; only idle servers are asked over HTTP.

    Raises:
        RuntimeError: a route declares no permission.
        AccessDenied: the folder's secrets can be read by others.
    """
    tokens = tokens or Tokens(settings.data_dir)
    hub = LiveHub(store)
    meter = Meter()
    inflow = Inflow(lambda: store.index_lag_s)
    folders = [settings.data_dir] if settings.index_dir is None else [settings.data_dir, settings.index_dir]
    disk = DiskWatch(folders, lambda reason: setattr(store, "full", reason), settings.disk_reserve_bytes)

    alerts = AlertService(
        store,
        channels_file(settings.data_dir, settings.index_dir),
        Outbound(settings.webhook_hosts),
        Mail(settings.mail),
    )
    if (address := settings.allowed_hosts.address()) is not None:
        alerts.address = address + settings.base_path

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        sys.setswitchinterval(_SWITCH_S)
        _raise_file_limit()
        hub.start()
        disk.start()
        if not settings.idle:  # one that a reading command started ends again in a minute
            alerts.start()
        last_use = asyncio.create_task(_write_last_use(accounts)) if accounts is not None else None
        yield
        hub.close()
        disk.close()
        await run_in_threadpool(alerts.close)
        if last_use is not None:
            last_use.cancel()

    api = new_api(lifespan)
    api.state.store, api.state.settings, api.state.tokens = store, settings, tokens
    api.state.hub, api.state.stop, api.state.accounts = hub, stop, accounts
    door: Door = tokens if accounts is None else TeamDoor(tokens, accounts)
    api.state.door = door
    api.state.meter, api.state.inflow, api.state.disk = meter, inflow, disk
    api.state.notices = disk.notices
    api.state.alerts = alerts
    api.router.routes += [_health_route(), _page_route(Assets(settings.static_dir), settings)]
    check_routes(api.routes)

    open_routes = [
        (method, route.path)
        for route in api.routes
        if isinstance(route, Route) and permission_of(route) is Action.OPEN and route.path.startswith("/api/")
        for method in route.methods or ()
    ]
    guarded = Guard(Express(api, api), settings.allowed_hosts, door, open_routes, embeddable=bool(settings.embedders))
    stack: ASGIApp = SecurityHeaders(RequestLog(MeterRequests(CompressRemote(guarded), meter)), settings.embedders)
    stack = BasePath(stack, settings.base_path, settings.static_dir)
    return Application(api, hub, tokens, TrustedProxies(stack, settings.trusted_proxies))


# The event loop shares the interpreter with threads that compute: with the usual 5 ms each of its turns waits so long,
# and so does each row that SQLite gives. Under a thousand live runs 0.5 ms is best: at 0.1 and at 2 ms charts and
# appends take half as long again, since threads then mostly hand over, or mostly wait.
_SWITCH_S = 0.0005


def _raise_file_limit() -> None:
    """A run that ships holds a connection, and many systems allow a process 1,024 descriptors unless it asks."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES_OPEN_MAX if hard == resource.RLIM_INFINITY else min(hard, FILES_OPEN_MAX)
    if soft < wanted:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


async def _write_last_use(accounts: Accounts) -> None:
    while True:
        await asyncio.sleep(LAST_USE_EVERY_S)
        try:
            await run_in_threadpool(accounts.write_last_use)
        except StorageError as error:  # a full disk must not end this for good; the next minute tries again
            _log.warning("cannot write when keys and sessions were used: %s", error)


def new_api(lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]] | None = None) -> FastAPI:
    """Return a FastAPI application with the API's routes and nothing behind them yet."""
    api = FastAPI(
        title="treering",
        version=__version__,
        openapi_url=None,  # its own route, with a permission like all others
        redirect_slashes=False,
        lifespan=lifespan,
    )
    for kind in (TreeringError, HTTPException, RequestValidationError, Exception):
        api.add_exception_handler(kind, _answer_error)
    for router in ROUTERS:
        # Not include_router(): it would hide the routes from check_routes() behind an object of its own.
        api.router.routes.extend(router.routes)
    api.router.routes.append(_openapi_route(api))
    return api


async def _answer_error(request: Request, error: Exception) -> Response:
    return reply_to(request, error)


def openapi(api: FastAPI) -> dict[str, Any]:
    """Return the API's OpenAPI document, with the table of error codes in its description."""
    codes = "\n".join(f"| `{code}` | {entry.status} | {entry.meaning} |" for code, entry in CODES.items())
    document: dict[str, Any] = get_openapi(
        title=api.title,
        version=api.version,
        summary="Read and edit the runs of a treering server.",
        description="Errors are `{error: {code, message, hint}}`.\n\n| code | status | meaning |\n| --- | --- | --- |\n"
        + codes,
        routes=[route for route in api.routes if isinstance(route, APIRoute)],
    )
    document["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    for path in document["paths"].values():
        for operation in path.values():
            if operation["operationId"] not in _open_operations(api):
                operation["security"] = [{"token": []}]
    return document


def _open_operations(api: FastAPI) -> set[str]:
    return {
        route.unique_id for route in api.routes if isinstance(route, APIRoute) and permission_of(route) is Action.OPEN
    }


def _openapi_route(api: FastAPI) -> Route:
    @permission(Action.ENTER)
    async def read_openapi(request: Request) -> Response:
        return ValueReply(openapi(api))

    return Route(f"{API_PREFIX}/openapi.json", read_openapi, methods=["GET"])


def _health_route() -> Route:
    @permission(Action.OPEN)
    async def read_health(request: Request) -> Response:
        return ValueReply({"status": "ok"})

    return Route("/healthz", read_health, methods=["GET"])


def _page_route(assets: Assets, settings: Settings) -> Route:
    """Everything outside the API: a file of the UI, or its page, which finds out itself what its address means."""

    @permission(Action.OPEN)
    async def read_page(request: Request) -> Response:
        path = request.scope["path"].removeprefix("/")
        headers = request.headers
        if path == "api" or path.startswith("api/"):
            raise ApiError("not_found", "The API has no such route.")
        reply = await run_in_threadpool(
            assets.file, path, headers.get("accept-encoding", ""), headers.get("if-none-match", "")
        )
        if reply is not None:
            return reply
        first, _, rest = path.partition("/")
        # A missing file must not come back as a page: a script tag would get HTML.
        if first in ("assets", "frame", "frame-assets") or (not rest and "." in first):
            raise ApiError("not_found", "The UI has no such file.")
        return await run_in_threadpool(assets.page, request.scope["nonce"], settings.base_path)

    return Route("/{path:path}", read_page, methods=["GET"])
