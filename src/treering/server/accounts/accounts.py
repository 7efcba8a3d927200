"""
Who may enter a server with accounts, and with which rights.

::

    token ──▶ remembered? ──▶ Principal
                  │ no, or older than two seconds, or rights changed
                  └──▶ rows of the key, session or link, its owner and their roles ──▶ Principal

What is remembered is forgotten after each change that this process makes, and after two seconds in any case, since the
command line changes the same file.
"""

from __future__ import annotations

import hmac
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection

from treering.limits import RIGHTS_REMEMBERED_MAX, RIGHTS_REMEMBERED_S, SIGN_IN_IDLE_S, SIGN_IN_MAX_S
from treering.server.permissions import Action, Principal, ProjectName, Role

from . import tables as t
from .apikeys import parse_key
from .codes import Codes
from .database import Database
from .guessing import Attempts
from .keys import Keys, projects_of
from .passwords import Passwords
from .projects import Projects, roles_of
from .secret import digest_of
from .sessions import Sessions
from .shares import Shares
from .trail import By, Trail
from .users import Users

__all__ = ["Accounts"]

_ACTIONS: Final = {
    "ingest": frozenset({Action.INGEST}),
    "read": frozenset({Action.READ}),
    "write": frozenset({Action.WRITE}),
    "admin": frozenset({Action.ADMIN, Action.MANAGE}),
}
_READ_ONLY: Final = frozenset({Action.READ})


@dataclass(frozen=True, slots=True)
class _Remembered:
    principal: Principal
    generation: int
    forget_at: float  # monotonic
    valid_until: float  # unix


class Accounts:
    """
    The accounts of one server, and the door that they open. Thread-safe.

    Args:
        path: see ``accounts_file``.
        public_is_open: public projects can be looked at without an account.

    Raises:
        AccessDenied, NewerFormat, StorageError: as ``Database``.
    """

    def __init__(
        self,
        path: Path,
        clock: Callable[[], float] = time.time,
        passwords: Passwords | None = None,
        public_is_open: bool = False,
    ) -> None:
        self._database = database = Database(path, clock)
        self._clock = clock
        self.public_is_open = public_is_open
        self.passwords = passwords or Passwords()
        self.attempts = Attempts()
        self.users = Users(database)
        self.keys = Keys(database)
        self.sessions = Sessions(database)
        self.projects = Projects(database)
        self.shares = Shares(database)
        self.codes = Codes(database)
        self.trail = Trail(database)
        self._lock = threading.Lock()
        self._remembered: dict[str, _Remembered] = {}
        self._used: dict[tuple[str, str], float] = {}

    def close(self) -> None:
        """Write what is not yet written and close the file."""
        self.write_last_use()
        self.passwords.close()
        self._database.close()

    # ── the door ────────────────────────────────────────────────────────────────────────────────────────────────

    def remembered(self, token: str) -> Principal | None:
        """Return whose token this is if that is known without asking the database."""
        found = self._remembered.get(digest_of(token))
        if found is None or found.generation != self._database.generation:
            return None
        if found.forget_at <= time.monotonic() or found.valid_until <= self._clock():
            return None
        self._note_use(found.principal)
        return found.principal

    def authenticate(self, token: str) -> Principal | None:
        """Return whose token this is, or None for one that is unknown, revoked, expired or of a disabled account."""
        generation = self._database.generation  # before the reading: a change during it makes us read again
        digest = digest_of(token)
        with self._database.read() as connection:
            found = self._load_token(connection, token, digest)
        if found is None:
            return None
        principal, valid_until = found
        with self._lock:
            if len(self._remembered) >= RIGHTS_REMEMBERED_MAX:
                self._remembered.clear()
            forget_at = time.monotonic() + RIGHTS_REMEMBERED_S
            self._remembered[digest] = _Remembered(principal, generation, forget_at, valid_until)
        self._note_use(principal)
        return principal

    def current(self, principal: Principal) -> Principal | None:
        """Return somebody who was let in earlier with the rights that they have now, or None if they have none."""
        with self._database.read() as connection:
            match principal.kind:
                case "anyone":
                    return self._load_anyone(connection)
                case "user":
                    found = self._load_session(connection, t.sessions.c.id == principal.id)
                case "key":
                    found = self._load_key(connection, principal.id, None)
                case "share":
                    found = self._load_share(connection, t.shares.c.id == principal.id)
                case _:
                    found = None
        return None if found is None else found[0]

    def anyone(self) -> Principal | None:
        """Return the rights of who brings nothing, if this server shows anything to them."""
        if not self.public_is_open:
            return None
        with self._database.read() as connection:
            return self._load_anyone(connection)

    def _load_anyone(self, connection: Connection) -> Principal | None:
        if not self.public_is_open:
            return None
        roles = MappingProxyType(roles_of(connection, None, True))
        return Principal("anyone", "anyone", scopes=_READ_ONLY, roles=roles)

    def _load_token(self, connection: Connection, token: str, digest: str) -> tuple[Principal, float] | None:
        match token[:4]:
            case "trk_":
                key_id = parse_key(token)
                return None if key_id is None else self._load_key(connection, key_id, digest)
            case "trs_":
                return self._load_session(connection, t.sessions.c.digest == digest)
            case "trv_":
                return self._load_share(connection, t.shares.c.digest == digest)
        return None

    def _load_key(self, connection: Connection, key_id: str, digest: str | None) -> tuple[Principal, float] | None:
        k = t.keys.c
        query = _with_owner(t.keys, k.user_id).where(k.id == key_id, k.revoked_at.is_(None))
        row = connection.execute(query.where(k.expires_at > self._clock())).one_or_none()
        if row is None or (digest is not None and not hmac.compare_digest(row.digest, digest)):
            return None
        scopes: frozenset[Action] = frozenset().union(*(_ACTIONS[scope] for scope in row.scopes.split()))
        only = projects_of(row.projects)
        roles = self._roles(connection, row.user_id)
        principal = Principal("key", row.id, row.user_name, row.user_id, bool(row.is_admin), scopes, only, None, roles)
        return principal, row.expires_at

    def _load_session(self, connection: Connection, which: sa.ColumnElement[bool]) -> tuple[Principal, float] | None:
        s = t.sessions.c
        row = connection.execute(_with_owner(t.sessions, s.user_id).where(which)).one_or_none()
        if row is None:
            return None
        seen_at = max(row.seen_at, self._used.get(("user", row.id), 0.0))
        valid_until = min(row.created_at + SIGN_IN_MAX_S, seen_at + SIGN_IN_IDLE_S)
        if valid_until <= self._clock():
            return None
        roles = self._roles(connection, row.user_id)
        return Principal("user", row.id, row.user_name, row.user_id, bool(row.is_admin), roles=roles), valid_until

    def _load_share(self, connection: Connection, which: sa.ColumnElement[bool]) -> tuple[Principal, float] | None:
        h = t.shares.c
        query = _with_owner(t.shares, h.user_id).where(which, h.revoked_at.is_(None))
        row = connection.execute(query.where(h.expires_at > self._clock())).one_or_none()
        if row is None:
            return None
        project = (row.entity, row.project)
        # A link shows no more than its maker may see now.
        if not row.is_admin and project not in self._roles(connection, row.user_id):
            return None
        if row.run_key is not None:
            only = frozenset({project})
            return Principal("share", row.id, scopes=_READ_ONLY, only=only, run_key=row.run_key), row.expires_at
        roles = MappingProxyType({project: Role.VIEWER})
        return Principal("share", row.id, scopes=_READ_ONLY, only=frozenset({project}), roles=roles), row.expires_at

    def _roles(self, connection: Connection, user_id: int) -> MappingProxyType[ProjectName, Role]:
        return MappingProxyType(roles_of(connection, user_id, self.public_is_open))

    # ── when keys and sessions were last used ───────────────────────────────────────────────────────────────────

    def _note_use(self, principal: Principal) -> None:
        if principal.kind in ("key", "user"):
            with self._lock:
                self._used[principal.kind, principal.id] = self._clock()

    def write_last_use(self) -> None:
        """Write when keys and sessions were last used; called once a minute, so that no request waits for a disk."""
        with self._lock:
            used, self._used = self._used, {}
        keys = {id_: time_ for (kind, id_), time_ in used.items() if kind == "key"}
        sessions = {id_: time_ for (kind, id_), time_ in used.items() if kind == "user"}
        if keys:
            self.keys.touch(keys)
        if sessions:
            self.sessions.touch(sessions)

    # ── what Access asks ────────────────────────────────────────────────────────────────────────────────────────

    def has_project(self, entity: str, project: str) -> bool:
        """Return whether a project was made here, with or without runs."""
        return self.projects.has(entity, project)

    def is_other_user(self, entity: str, user_id: int) -> bool:
        """Return whether an entity is the name of another account than *user_id*."""
        return self.users.is_other(entity, user_id)

    def create_project(self, principal: Principal, entity: str, project: str) -> None:
        """Make a project with the principal's account as its admin."""
        assert principal.user is not None
        self.projects.create(entity, project, principal.user, By(principal.name, f"{principal.kind} {principal.id}"))


def _with_owner(table: sa.Table, user_id: sa.ColumnElement[int]) -> sa.Select[Any]:
    """Return a query for rows whose owner's account works."""
    u = t.users.c
    query = sa.select(table, u.name.label("user_name"), u.is_admin).join(t.users, u.id == user_id)
    return query.where(u.disabled_at.is_(None))
