"""
Who may do what: the one question ``can(principal, action, resource)``.

Each route carries one ``Permission``. The guard refuses requests without a principal, the route asks ``can`` before its
handler runs, and an application with a route that declares nothing does not start.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from starlette.routing import BaseRoute, Route

__all__ = ["Action", "Principal", "Resource", "can", "check_routes", "permission", "permission_of"]


class Action(StrEnum):
    """What a route does to what it names."""

    OPEN = "open"  # no token: health, the exchange of a one-time code, and the UI's files, none of which hold data
    READ = "read"
    WRITE = "write"
    MANAGE = "manage"  # sessions and the server itself


@dataclass(frozen=True, slots=True)
class Principal:
    """
    Who a request comes from.

    ``kind`` is "folder" for the token in the data folder's own ``server.json`` (the command line, ``tr.Api()``) and
    "session" for a browser that exchanged a one-time code. ``id`` names the session and is safe to log.
    """

    kind: str
    id: str


@dataclass(frozen=True, slots=True)
class Resource:
    """What is asked for, as far as the request names it. All None: the whole server."""

    entity: str | None = None
    project: str | None = None
    run_key: str | None = None


def can(principal: Principal | None, action: Action, resource: Resource) -> bool:
    """
    Return whether *principal* may do *action* on *resource*.

    In local mode both kinds of principal are the owner of the data folder, so each may read and edit all; only who can
    read ``server.json`` makes links and moves the folder to another server. What *resource* adds is decided here and
    nowhere else once there are accounts.
    """
    if action is Action.OPEN:
        return True
    if principal is None:
        return False
    if action is Action.MANAGE:
        return principal.kind == "folder"
    return principal.kind in ("folder", "session")


_Endpoint = TypeVar("_Endpoint", bound=Callable[..., object])
_ATTRIBUTE = "__treering_permission__"


def permission(action: Action) -> Callable[[_Endpoint], _Endpoint]:
    """Declare what a route's handler does. Every route needs it."""

    def declare(endpoint: _Endpoint) -> _Endpoint:
        setattr(endpoint, _ATTRIBUTE, action)
        return endpoint

    return declare


def permission_of(route: BaseRoute) -> Action | None:
    """Return the action a route declared, or None."""
    action = getattr(getattr(route, "endpoint", None), _ATTRIBUTE, None)
    return action if isinstance(action, Action) else None


def check_routes(routes: Iterable[BaseRoute]) -> None:
    """
    Check that every route declared its permission.

    Raises:
        RuntimeError: one did not. A server with such a route must not start.
    """
    for route in routes:
        # Mounts are refused too: what is below them would not be seen here.
        if not isinstance(route, Route) or permission_of(route) is None:
            name = getattr(route, "path", repr(route))
            raise RuntimeError(f"Route {name} declares no permission. Decorate its handler with @permission(Action.…).")
