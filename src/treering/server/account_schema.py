"""The shapes of the HTTP API that have to do with accounts; see ``schema``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from treering.limits import (
    AUDIT_PAGE_MAX,
    DISPLAY_NAME_MAX_CHARS,
    KEY_DAYS,
    KEY_DAYS_MAX,
    KEY_PROJECTS_MAX,
    NAME_MAX_CHARS,
    PASSWORD_MAX_CHARS,
    SHARE_DAYS,
    SHARE_DAYS_MAX,
)

from .schema import Name, Reply, Request, RunKey

Password = Annotated[str, Field(max_length=PASSWORD_MAX_CHARS)]
Code = Annotated[str, Field(max_length=200, description="From the fragment of the one-time address.")]
DisplayName = Annotated[str, Field(max_length=DISPLAY_NAME_MAX_CHARS)]
Scope = Literal["ingest", "read", "write", "admin"]
RoleName = Literal["viewer", "member", "admin"]
VisibilityName = Literal["private", "internal", "public"]

# ── entering ─────────────────────────────────────────────────────────────────────────────────────────────────────


class AboutServer(Reply):
    """What a server says to everybody."""

    version: str
    mode: Literal["local", "team"]
    setup: bool = Field(description="There is no account yet: the one-time address makes the first.")
    entered: bool = Field(description="This very request came with a session, key or link that is good.")


class SignIn(Request):
    """A name and a password."""

    name: Annotated[str, Field(max_length=NAME_MAX_CHARS)]
    password: Password


class Setup(Request):
    """The first admin, with the code that `treering serve` printed."""

    code: Code
    name: Name
    password: Password
    display_name: DisplayName = ""


class AcceptInvite(Request):
    """A person's choice of a password, with the code of their invite."""

    code: Code
    password: Password


class SignedIn(Reply):
    """Who signed in. The session itself is in a cookie."""

    name: str
    display_name: str
    admin: bool


# ── oneself ──────────────────────────────────────────────────────────────────────────────────────────────────────


class Me(Reply):
    """One's own account."""

    name: str
    display_name: str
    admin: bool
    has_password: bool
    created_at: float


class NewPassword(Request):
    """The old one, too: a browser left open must not be enough."""

    old: Password
    new: Password


class MeEdit(Request):
    """What to change about oneself. A new password ends all other sessions."""

    display_name: DisplayName | None = None
    password: NewPassword | None = None


class ProjectRef(Request):
    """A project."""

    entity: Name
    project: Name


class NewKey(Request):
    """What a key is for. Without projects it is for all that its owner may use."""

    name: Annotated[str, Field(min_length=1, max_length=DISPLAY_NAME_MAX_CHARS)]
    scopes: list[Scope] = Field(["ingest", "read", "write"], min_length=1, max_length=4)
    projects: list[ProjectRef] | None = Field(None, min_length=1, max_length=KEY_PROJECTS_MAX)
    days: float = Field(KEY_DAYS, gt=0, le=KEY_DAYS_MAX)


class KeyRow(Reply):
    """A key without the key."""

    id: str
    user: str
    name: str
    scopes: list[Scope]
    projects: list[str] | None = Field(description="entity/project; null for all.")
    created_at: float
    expires_at: float
    revoked_at: float | None
    used_at: float | None = Field(description="Written once a minute.")


class CreatedKey(KeyRow):
    """A new key. ``key`` is shown this once and kept nowhere."""

    key: str


class KeyRows(Reply):
    """One's own keys, the newest first."""

    keys: list[KeyRow]


class SessionRow(Reply):
    """A browser that is signed in."""

    id: str
    created_at: float
    seen_at: float
    peer: str
    current: bool


class SessionRows(Reply):
    """One's own sessions, the one used last first."""

    sessions: list[SessionRow]


# ── people ───────────────────────────────────────────────────────────────────────────────────────────────────────


class UserRow(Reply):
    """An account."""

    name: str
    display_name: str
    admin: bool
    disabled: bool
    has_password: bool
    created_at: float


class UserRows(Reply):
    """All accounts, by name."""

    users: list[UserRow]


class NewUser(Request):
    """A new account; its person chooses the password with the invite."""

    name: Name
    display_name: DisplayName = ""
    admin: bool = False


class Invite(Reply):
    """A one-time address of this server; the part after ``#`` is the code. Shown once."""

    path: str
    expires_in_s: float


class CreatedUser(UserRow):
    """A new account and its invite."""

    invite: Invite


class UserEdit(Request):
    """What to change about an account; a change of rights ends its sessions."""

    display_name: DisplayName | None = None
    admin: bool | None = None
    disabled: bool | None = None


# ── projects ─────────────────────────────────────────────────────────────────────────────────────────────────────


class Member(Reply):
    """Somebody's part in a project."""

    user: str
    display_name: str
    role: RoleName


class Members(Reply):
    """Who may do what in a project, and who may look at it without being a member."""

    members: list[Member]
    visibility: VisibilityName


class MemberEdit(Request):
    """The role to give. Another role than before ends the user's sessions."""

    role: RoleName


class VisibilityEdit(Request):
    """Who may look: members, everybody with an account, everybody."""

    visibility: VisibilityName


# ── share links ──────────────────────────────────────────────────────────────────────────────────────────────────


class NewShare(Request):
    """One run, or one project."""

    run_key: RunKey | None = None
    project: ProjectRef | None = None
    days: float = Field(SHARE_DAYS, gt=0, le=SHARE_DAYS_MAX)


class ShareRow(Reply):
    """A share link without its secret."""

    id: str
    user: str
    entity: str
    project: str
    run_key: str | None
    created_at: float
    expires_at: float
    revoked_at: float | None


class CreatedShare(ShareRow):
    """A new link; ``path`` holds its secret behind ``#`` and is shown this once."""

    path: str


class ShareRows(Reply):
    """The links that still work, in projects whose links the caller may end."""

    shares: list[ShareRow]


# ── audit ────────────────────────────────────────────────────────────────────────────────────────────────────────


class AuditLine(Reply):
    """Who did what, when, and from where."""

    id: int
    time: float
    actor: str
    peer: str
    action: str
    subject: str


class AuditPage(Reply):
    """Lines of the audit trail, the newest first."""

    lines: list[AuditLine] = Field(max_length=AUDIT_PAGE_MAX)
