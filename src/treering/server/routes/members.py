"""Who may do what in a project."""

from __future__ import annotations

from starlette.responses import Response

from treering.errors import InvalidValue
from treering.ids import check_name
from treering.server.account_schema import MemberEdit, Members, VisibilityEdit
from treering.server.accounts import Accounts, Visibility
from treering.server.context import TheAccounts, TheBy, TheHub, new_router
from treering.server.permissions import Action, Role, permission
from treering.server.replies import ValueReply

router = new_router("accounts")


def _members(accounts: Accounts, entity: str, project: str) -> Response:
    members = accounts.projects.members(entity, project)
    return ValueReply({"members": members, "visibility": accounts.projects.visibility(entity, project)})


@router.get("/projects/{entity}/{project}/members", response_model=Members)
@permission(Action.WRITE)  # for members; a viewer or a link need not know who the others are
def list_members(entity: str, project: str, accounts: TheAccounts) -> Response:
    """List the members of a project."""
    return _members(accounts, entity, project)


@router.put("/projects/{entity}/{project}/members/{user}", response_model=Members)
@permission(Action.ADMIN)
def set_member(
    entity: str, project: str, user: str, body: MemberEdit, accounts: TheAccounts, by: TheBy, hub: TheHub
) -> Response:
    """Give a user a role. Another role than before ends their sessions, so that nothing goes on with the old one."""
    entity, project = check_name(entity, "entity"), check_name(project, "project")
    accounts.projects.set_role(entity, project, accounts.users.get(user), Role[body.role.upper()], by)
    hub.wake()
    return _members(accounts, entity, project)


@router.delete("/projects/{entity}/{project}/members/{user}", response_model=Members)
@permission(Action.ADMIN)
def remove_member(entity: str, project: str, user: str, accounts: TheAccounts, by: TheBy, hub: TheHub) -> Response:
    """Take a user's role away, and end their sessions and streams."""
    accounts.projects.set_role(entity, project, accounts.users.get(user), None, by)
    hub.wake()
    return _members(accounts, entity, project)


@router.patch("/projects/{entity}/{project}/visibility", response_model=Members)
@permission(Action.ADMIN)
def set_visibility(
    entity: str, project: str, body: VisibilityEdit, accounts: TheAccounts, by: TheBy, hub: TheHub
) -> Response:
    """Say who may look at a project without being a member."""
    entity, project = check_name(entity, "entity"), check_name(project, "project")
    if body.visibility == "public" and not accounts.public_is_open:
        raise InvalidValue("This server shows nothing without an account. Start it with --allow-public to change that.")
    accounts.projects.set_visibility(entity, project, Visibility(body.visibility), by)
    hub.wake()
    return _members(accounts, entity, project)
