"""People, for who runs the server. Nobody else can ask who there is."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from treering.limits import INVITE_S
from treering.server.account_schema import CreatedUser, Invite, NewUser, UserEdit, UserRow, UserRows
from treering.server.accounts import Accounts, By, User
from treering.server.context import TheAccounts, TheBy, TheHub, new_router
from treering.server.permissions import Action, permission
from treering.server.replies import ValueReply

router = new_router("accounts")


def _row(user: User) -> dict[str, Any]:
    return {
        "name": user.name,
        "display_name": user.display_name,
        "admin": user.is_admin,
        "disabled": user.disabled,
        "has_password": user.has_password,
        "created_at": user.created_at,
    }


def _invite(accounts: Accounts, user: User, by: By) -> dict[str, Any]:
    return {"path": f"#invite={accounts.codes.new_invite(user, by)}", "expires_in_s": INVITE_S}


@router.get("/users", response_model=UserRows)
@permission(Action.MANAGE)
def list_users(accounts: TheAccounts) -> Response:
    """List all accounts."""
    return ValueReply({"users": [_row(user) for user in accounts.users.all()]})


@router.post("/users", response_model=CreatedUser)
@permission(Action.MANAGE)
def create_user(body: NewUser, accounts: TheAccounts, by: TheBy) -> Response:
    """Make an account. Its person chooses the password with the invite in the answer, which works once."""
    user = accounts.users.add(body.name, body.display_name, body.admin, by)
    return ValueReply({**_row(user), "invite": _invite(accounts, user, by)})


@router.patch("/users/{user}", response_model=UserRow)
@permission(Action.MANAGE)
def edit_user(user: str, body: UserEdit, accounts: TheAccounts, by: TheBy, hub: TheHub) -> Response:
    """Change an account. A change of its rights ends its sessions and streams at once."""
    changes = {"display_name": body.display_name, "is_admin": body.admin, "disabled": body.disabled}
    changed = accounts.users.change(user, changes, by)
    hub.wake()
    return ValueReply(_row(changed))


@router.post("/users/{user}/invite", response_model=Invite)
@permission(Action.MANAGE)
def create_invite(user: str, accounts: TheAccounts, by: TheBy) -> Response:
    """Make a fresh one-time link with which a user chooses a new password."""
    return ValueReply(_invite(accounts, accounts.users.get(user), by))
