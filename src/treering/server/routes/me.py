"""One's own account: name, password, keys and sessions."""

from __future__ import annotations

from dataclasses import asdict

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from treering.errors import NotFound
from treering.server.account_schema import CreatedKey, KeyRow, KeyRows, Me, MeEdit, NewKey, NewPassword, SessionRows
from treering.server.accounts import Accounts, By, User, check_password
from treering.server.context import TheAccounts, TheBy, TheCaller, TheHub, new_router
from treering.server.errors import ApiError
from treering.server.permissions import Action, Principal, permission
from treering.server.replies import ValueReply
from treering.server.schema import Ended

router = new_router("accounts")


def _user(accounts: Accounts, caller: Principal) -> User:
    if caller.user is None:
        raise ApiError("forbidden", "The folder's own token is nobody's account.", "Sign in.")
    return accounts.users.by_id(caller.user)


def _me(user: User) -> dict[str, object]:
    return {
        "name": user.name,
        "display_name": user.display_name,
        "admin": user.is_admin,
        "has_password": user.has_password,
        "created_at": user.created_at,
    }


@router.get("/me", response_model=Me)
@permission(Action.SELF)
def read_me(accounts: TheAccounts, caller: TheCaller) -> Response:
    """Return one's own account."""
    return ValueReply(_me(_user(accounts, caller)))


@router.patch("/me", response_model=Me)
@permission(Action.SELF)
async def edit_me(body: MeEdit, accounts: TheAccounts, caller: TheCaller, by: TheBy, hub: TheHub) -> Response:
    """Change one's display name or password. A new password ends all other sessions."""
    user = await run_in_threadpool(_user, accounts, caller)
    if body.password is not None:
        await _change_password(body.password, user, accounts, caller, by)
        hub.wake()
    if body.display_name is not None:
        await run_in_threadpool(accounts.users.change, user.name, {"display_name": body.display_name}, by)
    return ValueReply(_me(await run_in_threadpool(_user, accounts, caller)))


async def _change_password(change: NewPassword, user: User, accounts: Accounts, caller: Principal, by: By) -> None:
    new = check_password(change.new)
    take_back = accounts.attempts.begin(by.peer, user.name)

    def store() -> bool:
        found = accounts.users.password_of(user.name)
        if found is None or not accounts.passwords.matches(change.old, found[1]):
            return False
        accounts.users.set_password(user.id, accounts.passwords.hash(new), by, keep_session=caller.id)
        return True

    if not await accounts.passwords.in_line(store):
        raise ApiError("forbidden", "The old password is wrong.")
    take_back()


@router.get("/me/keys", response_model=KeyRows)
@permission(Action.SELF)
def list_keys(accounts: TheAccounts, caller: TheCaller) -> Response:
    """List one's own keys."""
    return ValueReply({"keys": accounts.keys.of(_user(accounts, caller).id)})


@router.post("/me/keys", response_model=CreatedKey)
@permission(Action.SELF)
def create_key(body: NewKey, accounts: TheAccounts, caller: TheCaller, by: TheBy) -> Response:
    """Make a key. It is in this answer and nowhere else."""
    projects = None if body.projects is None else [(ref.entity, ref.project) for ref in body.projects]
    key, row = accounts.keys.create(_user(accounts, caller), body.name, by, body.scopes, projects, body.days)
    return ValueReply({**asdict(row), "key": key})


@router.delete("/me/keys/{key_id}", response_model=KeyRow)
@permission(Action.SELF)
def revoke_key(key_id: str, accounts: TheAccounts, caller: TheCaller, by: TheBy, hub: TheHub) -> Response:
    """Revoke one of one's own keys, and end the live streams that it opened."""
    row = accounts.keys.revoke(key_id, by, _user(accounts, caller).id)
    hub.wake()
    return ValueReply(row)


@router.get("/me/sessions", response_model=SessionRows)
@permission(Action.SELF)
def list_sessions(accounts: TheAccounts, caller: TheCaller) -> Response:
    """List the browsers in which one is signed in."""
    rows = accounts.sessions.of(_user(accounts, caller).id)
    return ValueReply({"sessions": [{**row, "current": row["id"] == caller.id} for row in rows]})


@router.delete("/me/sessions/{session_id}", response_model=Ended)
@permission(Action.SELF)
def end_session(session_id: str, accounts: TheAccounts, caller: TheCaller, by: TheBy, hub: TheHub) -> Response:
    """Sign out in another browser."""
    ended = accounts.sessions.end(_user(accounts, caller).id, session_id, by)
    if ended == 0:
        raise NotFound(f"there is no session {session_id[:64]!r} of yours.")
    hub.wake()
    return ValueReply({"ended": ended})
