"""Entering a server with accounts: by password, by the one-time link of the first admin, by an invite."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from treering._version import __version__
from treering.server.account_schema import AboutServer, AcceptInvite, Setup, SignedIn, SignIn
from treering.server.accounts import Accounts, By, User, check_password
from treering.server.context import TheAccounts, TheBy, TheHub, new_router
from treering.server.cookies import session_cookie, session_token
from treering.server.errors import ApiError
from treering.server.permissions import Action, Principal, permission
from treering.server.replies import ValueReply

router = new_router("accounts")


@router.get("/server", response_model=AboutServer)
@permission(Action.OPEN)
def read_server(request: Request) -> Response:
    """Say what everybody may know: the version, and whether one signs in here."""
    accounts: Accounts | None = request.app.state.accounts
    mode = "local" if accounts is None else "team"
    setup = accounts is not None and accounts.users.count() == 0
    caller: Principal | None = request.scope["state"]["principal"]
    entered = caller is not None and caller.kind != "anyone"
    return ValueReply({"version": __version__, "mode": mode, "setup": setup, "entered": entered})


@router.post("/session/sign-in", response_model=SignedIn)
@permission(Action.OPEN)
async def sign_in(body: SignIn, request: Request, accounts: TheAccounts, by: TheBy) -> Response:
    """Begin a session, in a cookie. The answer to a wrong password and to an unknown name is the same."""
    take_back = accounts.attempts.begin(by.peer, body.name)

    def check() -> User | None:
        found = accounts.users.password_of(body.name)
        if not accounts.passwords.matches(body.password, None if found is None else found[1]) or found is None:
            return None
        user, stored = found
        if accounts.passwords.is_outdated(stored):
            accounts.users.rehash(user.id, stored, accounts.passwords.hash(body.password))
        return user

    user = await accounts.passwords.in_line(check)
    if user is None:
        raise ApiError("unauthorized", "The name or the password is wrong.", "An admin can give you a new link.")
    take_back()
    return await _enter(request, accounts, user, by)


@router.post("/setup", response_model=SignedIn)
@permission(Action.OPEN)
async def set_up(body: Setup, request: Request, accounts: TheAccounts, by: TheBy) -> Response:
    """Make the first admin with the link that `treering serve` printed, and sign them in."""
    password = check_password(body.password)
    # The code is asked before anything is hashed: it cannot be guessed, but hashing could be asked for without end.
    if not await run_in_threadpool(accounts.codes.is_setup, body.code):
        raise _used_up()

    def make() -> int | None:
        hashed = accounts.passwords.hash(password)
        return accounts.codes.use_setup(body.code, body.name, body.display_name, hashed, by.peer)

    return await _enter_by_code(request, accounts, await accounts.passwords.in_line(make), by)


@router.post("/invites/accept", response_model=SignedIn)
@permission(Action.OPEN)
async def accept_invite(
    body: AcceptInvite, request: Request, accounts: TheAccounts, by: TheBy, hub: TheHub
) -> Response:
    """Choose a password with an invite, and sign in. All earlier sessions of the account end."""
    password = check_password(body.password)
    if await run_in_threadpool(accounts.codes.invited, body.code) is None:
        raise _used_up()

    def accept() -> int | None:
        return accounts.codes.use_invite(body.code, accounts.passwords.hash(password), by.peer)

    user_id = await accounts.passwords.in_line(accept)
    hub.wake()
    return await _enter_by_code(request, accounts, user_id, by)


async def _enter_by_code(request: Request, accounts: Accounts, user_id: int | None, by: By) -> Response:
    if user_id is None:
        raise _used_up()
    return await _enter(request, accounts, await run_in_threadpool(accounts.users.by_id, user_id), by)


async def _enter(request: Request, accounts: Accounts, user: User, by: By) -> Response:
    # Always a new session: one that somebody else put into this browser before must not become ours.
    before = session_token(request.scope, request.headers.get("cookie", ""))
    token = await run_in_threadpool(accounts.sessions.start, user, By(user.name, by.peer), before)
    reply = ValueReply({"name": user.name, "display_name": user.display_name, "admin": user.is_admin})
    reply.headers["set-cookie"] = session_cookie(request.scope, token)
    return reply


def _used_up() -> ApiError:
    return ApiError("unauthorized", "This link was used before, or is too old.", "Ask for a new one.")
