"""
Who may do what: the one question ``can(principal, action, entity, project)``.

::

    what the request brings ──(guard)──▶ Principal ──(Access)──▶ can ──▶ yes | 403 | the 404 of what never existed

A ``Principal`` carries all that the answer depends on, so ``can`` is a pure function and the only place that decides.
Each route declares one ``Action``; an application with a route that declares nothing does not start.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from types import MappingProxyType
from typing import Final, TypeVar

from starlette.routing import BaseRoute, Route

__all__ = [
    "Action",
    "Principal",
    "ProjectName",
    "Role",
    "can",
    "can_ever",
    "check_routes",
    "permission",
    "permission_of",
    "sees_everything",
    "visible_to",
]

ProjectName = tuple[str, str]
"""Entity and project."""


class Action(StrEnum):
    """What a route does to what it names."""

    OPEN = "open"  # no credentials: health, signing in, and the UI's files, none of which hold data
    ENTER = "enter"  # whoever was let in, with whatever rights: what the server is and who they are
    SELF = "self"  # one's own account: by somebody signed in, never by a key that may have leaked
    READ = "read"
    INGEST = "ingest"  # append what a training logged
    WRITE = "write"  # change what people say about runs
    ADMIN = "admin"  # a project's members and visibility
    MANAGE = "manage"  # the server: users and audit; in local mode links and the handover


class Role(IntEnum):
    """What somebody is in a project. Each may do what those below it may."""

    VIEWER = 1
    MEMBER = 2
    ADMIN = 3


_LEAST_ROLE: Final[Mapping[Action, Role]] = {
    Action.READ: Role.VIEWER,
    Action.INGEST: Role.MEMBER,
    Action.WRITE: Role.MEMBER,
    Action.ADMIN: Role.ADMIN,
}
_OF_THE_FOLDER: Final = ("folder", "session")


@dataclass(frozen=True, slots=True)
class Principal:
    """
    Who a request comes from, and what they were given.

    Attributes:
        kind: "user" for somebody signed in, "key" for an API key, "share" for a share link, "anyone" for who brought
            nothing where public projects are shown; "folder" for the token in the data folder's own ``server.json``
            (the command line, ``tr.Api()``), and without accounts "session" for a browser that exchanged its one-time
            code.
        id: of the session, key or link; safe to log.
        name: the author of what they write; "" for the user that the server runs as.
        user: number of the account behind a "user" or "key".
        is_admin: of the whole server.
        scopes: the actions that an API key or a link was made for; None for all.
        only: the projects that a key or a link was made for; None for all.
        run_key: the one run that a link was made for.
        roles: their part in each project that they may see.
    """

    kind: str
    id: str
    name: str = ""
    user: int | None = None
    is_admin: bool = False
    scopes: frozenset[Action] | None = None
    only: frozenset[ProjectName] | None = None
    run_key: str | None = None
    roles: Mapping[ProjectName, Role] = field(default_factory=lambda: MappingProxyType({}), compare=False, repr=False)


def can_ever(principal: Principal, action: Action) -> bool:
    """Return whether there can be anything on which *principal* may do *action*: what is asked before looking at it."""
    if action in (Action.OPEN, Action.ENTER):
        return True
    if action is Action.SELF:
        return principal.kind == "user" or principal.kind in _OF_THE_FOLDER
    if principal.scopes is not None and action not in principal.scopes:
        return False
    if action is Action.MANAGE:
        return principal.kind == "folder" or principal.is_admin
    return True


def can(principal: Principal, action: Action, entity: str, project: str) -> bool:
    """
    Return whether *principal* may do *action* on a project.

    Without accounts both kinds of principal are the owner of the data folder, so each may read and edit all; only who
    can read ``server.json`` makes links and moves the folder to another server.
    """
    if not can_ever(principal, action):
        return False
    name = (entity, project)
    if principal.only is not None and name not in principal.only:
        return False
    if action not in _LEAST_ROLE or principal.kind in _OF_THE_FOLDER or principal.is_admin:
        return True
    role = principal.roles.get(name)
    return role is not None and role >= _LEAST_ROLE[action]


def sees_everything(principal: Principal) -> bool:
    """Return whether *principal* may read every project there is and will be."""
    boundless = principal.kind in _OF_THE_FOLDER or principal.is_admin
    return boundless and principal.only is None and can_ever(principal, Action.READ)


def visible_to(principal: Principal) -> frozenset[ProjectName] | None:
    """Return the projects that *principal* may read; None for all there are."""
    if sees_everything(principal):
        return None
    if not can_ever(principal, Action.READ):
        return frozenset()
    if principal.is_admin and principal.only is not None:
        return principal.only
    return frozenset(name for name in principal.roles if can(principal, Action.READ, *name))


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
    Check that every route declared its permission, and that something asks for it.

    Raises:
        RuntimeError: one did not. A server with such a route must not start.
    """
    for route in routes:
        action = permission_of(route)
        # Mounts are refused too: what is below them would not be seen here.
        name = getattr(route, "path", repr(route))
        if not isinstance(route, Route) or action is None:
            raise RuntimeError(f"Route {name} declares no permission. Decorate its handler with @permission(Action.…).")
        # The guard asks only whether somebody may enter; the rest is asked by ApiRoute.
        if action not in (Action.OPEN, Action.ENTER) and not getattr(route, "asks_access", False):
            raise RuntimeError(f"Route {name} declares {action}, which nothing asks for. Make it with new_router().")
