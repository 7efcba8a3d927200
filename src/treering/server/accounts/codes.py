"""Links that work once: one makes the first admin, the others let a person choose a password."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

from treering.limits import INVITE_S, SETUP_CODE_S

from . import tables as t
from .database import Database
from .secret import digest_of, new_secret
from .trail import By, note
from .users import User, end_sessions, insert_user

__all__ = ["Codes"]

_SETUP: Final = "setup"
_INVITE: Final = "invite"

c = t.codes.c


class Codes:
    """The one-time links of one server. Whoever holds one is let in, so it is used up in the very transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def new_setup(self) -> str | None:
        """Return a code that makes the first admin, the only one that works; None if there are accounts."""
        with self._database.read() as connection:
            if connection.scalar(sa.select(t.users.c.id).limit(1)) is not None:
                return None  # nothing is written: a server with accounts can start on a disk that is full
        code, now = new_secret("tro_"), self._database.clock()
        with self._database.write(quiet=True) as connection:
            connection.execute(sa.delete(t.codes).where(c.kind == _SETUP))
            if connection.scalar(sa.select(t.users.c.id).limit(1)) is not None:
                return None
            row = {"digest": digest_of(code), "kind": _SETUP, "expires_at": now + SETUP_CODE_S}
            connection.execute(sa.insert(t.codes).values(row))
        return code

    def new_invite(self, user: User, by: By) -> str:
        """Return a code with which a user chooses a password; earlier ones end."""
        code, now = new_secret("tro_"), self._database.clock()
        with self._database.write(quiet=True) as connection:
            connection.execute(sa.delete(t.codes).where(sa.or_(c.user_id == user.id, c.expires_at <= now)))
            row = {"digest": digest_of(code), "kind": _INVITE, "user_id": user.id, "expires_at": now + INVITE_S}
            connection.execute(sa.insert(t.codes).values(row))
            note(connection, now, by, "user.invite", user.name)
        return code

    def is_setup(self, code: str) -> bool:
        """Return whether a code would make the first admin."""
        with self._database.read() as connection:
            no_users = connection.scalar(sa.select(t.users.c.id).limit(1)) is None
            return no_users and connection.scalar(self._usable(code, _SETUP)) is not None

    def invited(self, code: str) -> int | None:
        """Return the number of the user whom a code invites."""
        with self._database.read() as connection:
            user_id: int | None = connection.scalar(self._usable(code, _INVITE))
        return user_id

    def use_setup(self, code: str, name: str, display_name: str, hashed: str, peer: str) -> int | None:
        """Use the code up and return the first admin's number; None if it does not work (any more)."""
        now = self._database.clock()
        with self._database.write() as connection:
            first = connection.scalar(sa.select(t.users.c.id).limit(1)) is None
            if not first or connection.scalar(self._usable(code, _SETUP)) is None:
                return None
            connection.execute(sa.delete(t.codes).where(c.kind == _SETUP))
            user_id = insert_user(connection, now, name, display_name, True, hashed)
            note(connection, now, By(name, peer), "user.setup", name)
        return user_id

    def use_invite(self, code: str, hashed: str, peer: str) -> int | None:
        """Use the code up, set its user's password, end their sessions; None if it does not work (any more)."""
        now = self._database.clock()
        u = t.users.c
        with self._database.write() as connection:
            user_id = connection.scalar(self._usable(code, _INVITE))
            if user_id is None:
                return None
            connection.execute(sa.delete(t.codes).where(c.user_id == user_id))
            connection.execute(sa.update(t.users).where(u.id == user_id).values(password=hashed))
            end_sessions(connection, user_id)
            name = connection.scalar(sa.select(u.name).where(u.id == user_id)) or ""
            note(connection, now, By(name, peer), "user.invite-used", name)
        return int(user_id)

    def _usable(self, code: str, kind: str) -> sa.Select[Any]:
        now = self._database.clock()
        query = sa.select(sa.func.coalesce(c.user_id, 0)).where(c.digest == digest_of(code), c.kind == kind)
        if kind == _INVITE:
            query = query.join(t.users, t.users.c.id == c.user_id).where(t.users.c.disabled_at.is_(None))
        return query.where(c.expires_at > now)
