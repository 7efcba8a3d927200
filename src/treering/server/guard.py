"""
The guard: every request passes it before it is routed, and what it does not know it refuses.

A browser is a confused deputy: a page of any site can make it send requests to 127.0.0.1. And loopback is not
private, since other users of the machine can connect too. So, in this order, before any handler:

1. the Host is one of ours (DNS rebinding), sent once;
2. an Origin, if there is one, is the very server that the Host names; ``null`` never is;
3. Sec-Fetch-Site, if there is one, is same-origin, or the request is a person following a link to a page without data;
4. a request that changes something has a content type that no form can send;
5. a token, except for what declared itself open: in ``Authorization``, or, on a server with accounts, in the cookie of
   somebody who signed in. A cookie is sent by whatever page asks, so a request that changes something by means of one
   has to say in its Origin that our own page asks.

Only the scripts of the sandboxed frames, which are the same for everybody, are given whatever page asks (2 and 3).
There are no CORS headers at all, so no other site can read an answer either.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable

from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Receive, Scope, Send

from treering.limits import HEADERS_MAX

from .cookies import session_token
from .door import Door, TeamDoor
from .errors import ApiError, error_reply
from .hosts import AllowedHosts, Host, parse_host
from .permissions import Principal

__all__ = ["Guard"]

CONTENT_TYPES = frozenset(
    {"application/json", "application/msgpack", "application/x-treering-frames", "application/x-treering-blob"}
)
_SAFE_METHODS = frozenset({"GET", "HEAD"})
# Scripts of the UI's sandboxed frames: files of the package, the same for everybody.
_OF_FRAMES = "/frame-assets/"
# A second one of these means that a proxy and we may each believe a different one.
_ONCE = (
    "host",
    "origin",
    "authorization",
    "content-type",
    "content-length",
    "content-encoding",
    "sec-fetch-site",
    "cookie",
)


class Guard:
    """
    ASGI middleware that lets a request through with a ``principal`` in its state, or answers it.

    Args:
        open_routes: (method, path) of the API routes that need no token.
        embeddable: some pages of others may show ours in a frame; which, the policy tells the browser.
    """

    def __init__(
        self,
        app: ASGIApp,
        hosts: AllowedHosts,
        door: Door,
        open_routes: Iterable[tuple[str, str]],
        *,
        embeddable: bool = False,
    ) -> None:
        self.app = app
        self._hosts = hosts
        self._door = door
        # Without accounts nothing is in a cookie: cookies ignore ports, so other local programs would be sent ours.
        self._takes_cookies = isinstance(door, TeamDoor)
        self._open_routes = frozenset(open_routes)
        self._destinations = (None, "document", "iframe") if embeddable else (None, "document")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif scope["type"] == "http":
            try:
                principal = await self._admit(scope)
            except ApiError as error:
                reply = error_reply(error.code, error.message, error.hint, error.headers)
                await reply(scope, receive, send)
            else:
                scope.setdefault("state", {})["principal"] = principal
                await self.app(scope, receive, send)
        else:  # no route speaks WebSocket
            await send({"type": "websocket.close", "code": 1008})

    async def _admit(self, scope: Scope) -> Principal | None:
        headers = _read_headers(scope)
        host = self._check_host(scope, headers)
        if not _is_of_frames(scope):
            self._check_origin(scope, headers, host)
            _check_fetch_metadata(scope, headers, self._destinations)
        _check_content_type(scope, headers)
        return await self._check_token(scope, headers)

    def _check_host(self, scope: Scope, headers: dict[str, str]) -> Host:
        text = headers.get("host")
        if text is None:
            raise ApiError("bad_request", "The request has no Host header.")
        host = parse_host(text)
        if host is None or not self._hosts.allows(host):
            raise ApiError(
                "wrong_host",
                f"This server does not answer to the name {text[:100]!r}.",
                "Open it as localhost or 127.0.0.1, or start it with --allowed-host NAME.",
            )
        return host

    def _check_origin(self, scope: Scope, headers: dict[str, str], host: Host) -> None:
        origin = headers.get("origin")
        if origin is not None and not self._hosts.same_origin(scope["scheme"], host, origin):
            raise ApiError(
                "origin_refused",
                f"The request comes from a page of {origin[:100]!r}, not from this server's own.",
                "Behind a proxy, start with --allowed-host and the address that the browser shows.",
            )

    async def _check_token(self, scope: Scope, headers: dict[str, str]) -> Principal | None:
        token, from_cookie = self._token(scope, headers)
        principal = None
        if token:
            principal = self._door.remembered(token) or await run_in_threadpool(self._door.authenticate, token)
        elif "authorization" not in headers and not self._is_open(scope):
            principal = await run_in_threadpool(self._door.anyone)
        if from_cookie and principal is not None and principal.kind != "user":
            principal = None  # a key in a cookie would be sent by whatever page asks
        if self._is_open(scope):
            return principal
        if principal is None:
            raise self._refusal()
        if from_cookie and scope["method"] not in _SAFE_METHODS and "origin" not in headers:
            raise ApiError("origin_refused", "A request with a cookie that changes something needs an Origin header.")
        return principal

    def _token(self, scope: Scope, headers: dict[str, str]) -> tuple[str, bool]:
        """Return the token of a request, "" if there is none, and whether a cookie brought it."""
        if "authorization" in headers:
            return _read_authorization(headers["authorization"]), False
        if not self._takes_cookies:
            return "", False
        token = session_token(scope, headers.get("cookie", ""))
        return token, bool(token)

    def _refusal(self) -> ApiError:
        hint = "Run `treering ui` on the machine that serves and open the address it prints."
        if self._takes_cookies:
            hint = "Sign in, or send an API key: `treering login`."
        return ApiError("unauthorized", "The request has no valid token.", hint, {"www-authenticate": "Bearer"})

    def _is_open(self, scope: Scope) -> bool:
        # Outside /api there are only the UI's page and its files, which hold no data; links to them must work from a
        # chat.
        if not _is_api(scope):
            return scope["method"] in _SAFE_METHODS
        return (scope["method"], scope["path"]) in self._open_routes


def _read_authorization(text: str) -> str:
    """Return the token in an Authorization header: ``Bearer TOKEN``, or Basic with the user ``api``."""
    scheme, _, credentials = text.partition(" ")
    if scheme.lower() == "bearer":
        return credentials.strip()
    if scheme.lower() != "basic":
        return ""
    try:
        user, _, password = base64.b64decode(credentials.strip(), validate=True).decode("ascii").partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return ""
    return password if user == "api" else ""


def _is_api(scope: Scope) -> bool:
    path: str = scope["path"]
    return path == "/api" or path.startswith("/api/")


def _is_of_frames(scope: Scope) -> bool:
    """Return whether a script of a sandboxed frame is asked for: to its own server such a frame is a stranger."""
    return scope["method"] in _SAFE_METHODS and scope["path"].startswith(_OF_FRAMES)


def _read_headers(scope: Scope) -> dict[str, str]:
    fields: list[tuple[bytes, bytes]] = scope["headers"]
    if len(fields) > HEADERS_MAX:
        raise ApiError("headers_too_large", f"The request has more than {HEADERS_MAX} header fields.")
    headers: dict[str, str] = {}
    for raw_name, raw_value in fields:
        name = raw_name.decode("latin-1").lower()
        if name in headers and name in _ONCE:
            raise ApiError("bad_request", f"The request has the header {name} more than once.")
        headers[name] = raw_value.decode("latin-1")
    return headers


def _check_fetch_metadata(scope: Scope, headers: dict[str, str], destinations: tuple[str | None, ...]) -> None:
    site = headers.get("sec-fetch-site")
    if site is None or site == "same-origin":
        return
    navigation = headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") in destinations
    # "same-site" is refused like "cross-site": http://localhost:3000 is same-site with us.
    if not (scope["method"] in _SAFE_METHODS and navigation and not _is_api(scope)):
        raise ApiError("origin_refused", "A page of another site sent the request.")


def _check_content_type(scope: Scope, headers: dict[str, str]) -> None:
    if scope["method"] in _SAFE_METHODS:
        return
    encoding = headers.get("content-encoding", "identity").lower()
    content_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    # Frames are inflated by the route that takes them, with a bound.
    deflated_frames = (
        encoding == "deflate"
        and content_type == "application/x-treering-frames"
        and scope["path"].startswith("/api/1/segments/")
    )
    if encoding != "identity" and not deflated_frames:
        raise ApiError("unsupported_media_type", f"Bodies are taken as they are, not as {encoding[:40]!r}.")
    if content_type in CONTENT_TYPES:
        return
    # A form sends POST only, so a DELETE without a body may go without a type.
    has_body = headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
    if content_type or has_body or scope["method"] in ("POST", "PUT", "PATCH"):
        raise ApiError(
            "unsupported_media_type",
            f"The content type {content_type[:100]!r} is not taken.",
            "Send application/json.",
        )
