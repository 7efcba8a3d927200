"""Share links: whoever holds one may look at one run, or at one project."""

from __future__ import annotations

from dataclasses import asdict

from starlette.responses import Response

from treering.errors import InvalidValue, ProjectNotFound, ShareNotFound
from treering.server.access import Access
from treering.server.account_schema import CreatedShare, NewShare, ShareRow, ShareRows
from treering.server.accounts import Share
from treering.server.context import TheAccess, TheAccounts, TheBy, TheHub, TheStore, new_router
from treering.server.errors import ApiError
from treering.server.permissions import Action, permission
from treering.server.replies import ValueReply

router = new_router("accounts")


@router.get("/shares", response_model=ShareRows)
@permission(Action.WRITE)
def list_shares(accounts: TheAccounts, access: TheAccess) -> Response:
    """List the links that the caller may end: their own, and all of projects that they administer."""
    return ValueReply({"shares": [share for share in accounts.shares.all() if _may_end(access, share)]})


@router.post("/shares", response_model=CreatedShare)
@permission(Action.WRITE)
def create_share(body: NewShare, accounts: TheAccounts, access: TheAccess, store: TheStore, by: TheBy) -> Response:
    """Make a link to a run or to a project. Its secret is in this answer and nowhere else."""
    if (body.run_key is None) == (body.project is None):
        raise InvalidValue("A link is to a run or to a project: give run_key or project.")
    if body.run_key is not None:
        access.require_run(body.run_key, Action.WRITE)
        entity, project = store.locate(body.run_key)
        page = f"r/{body.run_key}"
    else:
        assert body.project is not None
        entity, project = body.project.entity, body.project.project
        access.require_project(entity, project, Action.WRITE)
        if not store.has_project(entity, project):  # who may see everything is not asked about one project
            raise ProjectNotFound(f"there is no project {entity}/{project}.")
        page = f"{entity}/{project}"
    if access.principal.user is None:
        raise ApiError("forbidden", "The folder's own token is nobody's account.", "Sign in.")
    secret, share = accounts.shares.create(access.principal.user, entity, project, body.run_key, body.days, by)
    return ValueReply({**asdict(share), "path": f"{page}#share={secret}"})


@router.delete("/shares/{share_id}", response_model=ShareRow)
@permission(Action.WRITE)
def revoke_share(share_id: str, accounts: TheAccounts, access: TheAccess, by: TheBy, hub: TheHub) -> Response:
    """End a link, and the live streams that it opened."""
    if not _may_end(access, accounts.shares.get(share_id)):
        raise ShareNotFound(f"there is no share link {share_id[:64]!r}.")
    share = accounts.shares.revoke(share_id, by)
    hub.wake()
    return ValueReply(share)


def _may_end(access: Access, share: Share) -> bool:
    if access.may(Action.ADMIN, share.entity, share.project):
        return True
    return share.user == access.principal.name and access.may(Action.WRITE, share.entity, share.project)
