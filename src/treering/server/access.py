"""
What one caller may do with what a request names.

``ApiRoute`` asks for the names in a path before the handler runs; a handler whose body or query names runs or projects
asks itself. What may not be read is answered word for word like what never existed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends
from starlette.requests import Request

from treering.errors import ProjectNotFound, RunNotFound
from treering.ids import RUN_KEY, check_name

from .errors import ApiError
from .osuser import os_user
from .permissions import Action, Principal, ProjectName, can, can_ever, sees_everything, visible_to

if TYPE_CHECKING:
    from treering.store import Store

    from .accounts import Accounts, By

__all__ = ["Access", "TheAccess"]


class Access:
    """The rights of one request's caller. Nothing here reads accounts again: the guard did."""

    def __init__(self, principal: Principal, store: Store, accounts: Accounts | None = None) -> None:
        self.principal = principal
        self._store = store
        self._accounts = accounts

    @property
    def author(self) -> str:
        """The name that is written into edits and beside received segments."""
        return self.principal.name or os_user()

    def may(self, action: Action, entity: str, project: str) -> bool:
        """Return whether the caller may do *action* on a project."""
        return can(self.principal, action, entity, project)

    def note(self, by: By, action: str, subject: str) -> None:
        """Add a line to the audit trail, on a server that has one."""
        if self._accounts is not None:
            self._accounts.trail.add(by, action, subject)

    def visible(self) -> frozenset[ProjectName] | None:
        """Return the (entity, project) pairs that the caller may read; None for everything."""
        return visible_to(self.principal)

    def require(self, action: Action) -> None:
        """
        Check what does not depend on any run or project: that the caller may do such a thing at all.

        Raises:
            ApiError: "forbidden".
        """
        if not can_ever(self.principal, action):
            raise _never(self.principal, action)

    def require_account(self) -> None:
        """
        Check that the caller is more than the holder of a link: what is about several projects is not for those.

        Raises:
            ApiError: "forbidden", or "unauthorized" for somebody who did not sign in.
        """
        if self.principal.kind in ("share", "anyone"):
            raise _never(self.principal, Action.SELF)

    def require_project(self, entity: str, project: str, action: Action) -> None:
        """
        Check that the caller may do *action* on a project.

        Raises:
            ProjectNotFound: there is none, or the caller may not read it.
            ApiError: "forbidden", it may be read but not this.
        """
        self.require(action)
        if can(self.principal, action, entity, project):
            return
        if not can(self.principal, Action.READ, entity, project):
            raise _no_project(entity, project)
        raise ApiError("forbidden", f"You may look at {entity}/{project}, but not {_DOING[action]}.", _ASK)

    def knows_where(self, run_key: str) -> bool:
        """Return whether ``require_run`` answers without asking the index."""
        return sees_everything(self.principal) or self._store.knows_where(run_key)

    def require_run(self, run_key: str, action: Action) -> None:
        """
        Check that the caller may do *action* on a run.

        Raises:
            RunNotFound: there is none, or the caller may not read it.
            ApiError: "forbidden", it may be read but not this.
        """
        self.require(action)
        if not RUN_KEY.fullmatch(run_key):
            raise _no_run(run_key)  # before anything is opened: what is not one of our keys names nothing
        if sees_everything(self.principal):
            return  # whoever may see everything needs no look-up; the store says what does not exist
        if self.principal.run_key is not None:
            if action is Action.READ and run_key == self.principal.run_key and self._is_where_it_was_shared(run_key):
                return
            raise _no_run(run_key)
        try:
            entity, project = self._store.locate(run_key)
        except RunNotFound:
            raise _no_run(run_key) from None
        if can(self.principal, action, entity, project):
            return
        if action is Action.INGEST and self.may_append(run_key):
            return
        if not can(self.principal, Action.READ, entity, project):
            raise _no_run(run_key)
        raise ApiError("forbidden", f"You may look at this run, but not {_DOING[action]}.", _ASK)

    def may_append(self, run_key: str) -> bool:
        """
        Return whether the caller may append to a run: where it is filed, or where its training began and sends it to.

        A move does not cut off a training that goes on, whose key is for the project it was begun in.

        Raises:
            RunNotFound: there is none.
        """
        if self.may(Action.INGEST, *self._store.locate(run_key)):
            return True
        origin = self._store.origin(run_key)
        return origin is not None and self.may(Action.INGEST, *origin)

    def _is_where_it_was_shared(self, run_key: str) -> bool:
        """Return whether a link's run is in the project still whose admins see, and can revoke, the link."""
        try:
            return self.principal.only is None or self._store.locate(run_key) in self.principal.only
        except RunNotFound:
            return False

    def require_runs(self, run_keys: Iterable[str], action: Action) -> None:
        """Check each of several runs; raises what ``require_run`` does, for the first one that fails."""
        for run_key in run_keys:
            self.require_run(run_key, action)

    def readable(self, run_keys: Iterable[str]) -> list[str]:
        """Return those of several runs that may be read: a chart with one deleted run still shows the others."""
        if sees_everything(self.principal):
            return list(run_keys)
        return [run_key for run_key in run_keys if self._may_read(run_key)]

    def _may_read(self, run_key: str) -> bool:
        try:
            self.require_run(run_key, Action.READ)
        except RunNotFound:
            return False
        return True

    def require_ingest(self, entity: str, project: str) -> None:
        """
        Check that the caller may append runs to a project, and make the project if there is none yet.

        Raises:
            InvalidName: a project cannot have such a name.
            ProjectNotFound: it exists, and the caller may not see it.
            ApiError: "forbidden", the caller may only look at it, or its entity is another user's name.
        """
        self.require(Action.INGEST)
        entity, project = check_name(entity, "entity"), check_name(project, "project")
        if self._accounts is not None and (entity, project) not in self.principal.roles:
            self._create(self._accounts, entity, project)
        self.require_project(entity, project, Action.INGEST)

    def _create(self, accounts: Accounts, entity: str, project: str) -> None:
        caller = self.principal
        inside = caller.only is None or (entity, project) in caller.only
        if caller.user is None or not inside:
            return
        if not (self._store.has_project(entity, project) or accounts.has_project(entity, project)):
            if not caller.is_admin and accounts.is_other_user(entity, caller.user):
                raise ApiError(
                    "forbidden", f"The entity {entity!r} belongs to another user.", "Use your own, or a team's."
                )
            accounts.create_project(caller, entity, project)
        # Made now, or a moment ago by another process of the same job: either way the rights are new.
        self.principal = accounts.current(caller) or caller


_ASK = "Ask an admin of the project for a higher role."
_DOING: Mapping[Action, str] = {
    Action.INGEST: "add to it",
    Action.WRITE: "change it",
    Action.ADMIN: "change who may see it",
}


def _never(principal: Principal, action: Action) -> ApiError:
    if principal.kind == "anyone":
        return ApiError("unauthorized", "This needs an account.", "Sign in.", {"www-authenticate": "Bearer"})
    return ApiError("forbidden", _why_never(principal, action))


def _why_never(principal: Principal, action: Action) -> str:
    if action is Action.SELF:
        return "Only somebody who signed in may do this, not the holder of a key or a link."
    if principal.scopes is not None and action not in principal.scopes:
        scopes = ", ".join(sorted(principal.scopes))
        what = "share link" if principal.kind == "share" else "API key"
        return f"This {what} is for {scopes}; the request needs {action}."
    return "This token may not do this." if principal.kind == "session" else "Only an admin of this server may do this."


def _no_project(entity: str, project: str) -> ProjectNotFound:
    return ProjectNotFound(f"there is no project {entity}/{project}.")


def _no_run(run_key: str) -> RunNotFound:
    return RunNotFound(f"there is no run {run_key[:64]!r}.")


async def _access(request: Request) -> Access:
    access: Access = request.scope["state"]["access"]
    return access


TheAccess = Annotated[Access, Depends(_access)]
