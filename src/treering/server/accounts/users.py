"""People: their names, passwords, and whether they run the server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Row

from treering.errors import InvalidValue, UserNotFound
from treering.ids import check_name
from treering.limits import DISPLAY_NAME_MAX_CHARS

from . import tables as t
from .database import Database
from .trail import By, note

__all__ = ["User", "Users", "end_sessions", "insert_user"]


@dataclass(frozen=True, slots=True)
class User:
    """One account. ``name`` is the default entity of their runs."""

    id: int
    name: str
    display_name: str
    is_admin: bool
    disabled: bool
    has_password: bool
    created_at: float


class Users:
    """The accounts of one server."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def count(self) -> int:
        """Return how many accounts there are."""
        with self._database.read() as connection:
            return int(connection.scalar(sa.select(sa.func.count()).select_from(t.users)) or 0)

    def all(self) -> list[User]:
        """Return every account, by name."""
        with self._database.read() as connection:
            return [_user(row) for row in connection.execute(sa.select(t.users).order_by(t.users.c.folded))]

    def get(self, name: str) -> User:
        """Return an account by its name. Raises UserNotFound."""
        with self._database.read() as connection:
            return _user(_row(connection, name))

    def by_id(self, user_id: int) -> User:
        """Return an account by its number. Raises UserNotFound."""
        with self._database.read() as connection:
            row = connection.execute(sa.select(t.users).where(t.users.c.id == user_id)).one_or_none()
        if row is None:
            raise UserNotFound("there is no such user.")
        return _user(row)

    def is_other(self, name: str, user_id: int) -> bool:
        """Return whether *name* is the name of an account that is not *user_id*."""
        query = sa.select(t.users.c.id).where(t.users.c.folded == name.casefold(), t.users.c.id != user_id)
        with self._database.read() as connection:
            return connection.scalar(query) is not None

    def add(self, name: str, display_name: str, is_admin: bool, by: By) -> User:
        """Make an account without a password. Raises InvalidName, InvalidValue."""
        with self._database.write() as connection:
            user_id = insert_user(connection, self._database.clock(), name, display_name, is_admin, None)
            note(connection, self._database.clock(), by, "user.add", name + (" as admin" if is_admin else ""))
        return self.by_id(user_id)

    def change(self, name: str, changes: dict[str, Any], by: By) -> User:
        """
        Change display_name, is_admin or disabled. What takes rights away, or gives them, ends the user's sessions.

        Raises:
            UserNotFound, InvalidValue: no such user, or nobody would be left to run the server.
        """
        now = self._database.clock()
        with self._database.write() as connection:
            row = _row(connection, name)
            values: dict[str, Any] = {}
            if changes.get("display_name") is not None:
                values["display_name"] = _check_display_name(changes["display_name"])
            if changes.get("is_admin") is not None:
                values["is_admin"] = changes["is_admin"]
            if changes.get("disabled") is not None:
                values["disabled_at"] = now if changes["disabled"] else None
            if values:
                connection.execute(sa.update(t.users).where(t.users.c.id == row.id).values(values))
            if _working_admins(connection) == 0:
                raise InvalidValue(f"{row.name} is the only admin of this server. Make somebody else one first.")
            if values.keys() & {"is_admin", "disabled_at"}:
                end_sessions(connection, row.id)
            said = ", ".join(f"{key}={value!r}" for key, value in sorted(changes.items()) if value is not None)
            note(connection, now, by, "user.change", f"{row.name}: {said}")
        return self.get(name)

    def password_of(self, name: str) -> tuple[User, str] | None:
        """Return an account that may sign in with a password, and its hash; None if *name* has no such account."""
        query = sa.select(t.users).where(
            t.users.c.folded == name.casefold(), t.users.c.disabled_at.is_(None), t.users.c.password.is_not(None)
        )
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else (_user(row), row.password)

    def set_password(self, user_id: int, hashed: str, by: By, keep_session: str | None = None) -> None:
        """Store a new password's hash and end all of the user's sessions but *keep_session*."""
        with self._database.write() as connection:
            connection.execute(sa.update(t.users).where(t.users.c.id == user_id).values(password=hashed))
            end_sessions(connection, user_id, keep_session)
            connection.execute(sa.delete(t.codes).where(t.codes.c.user_id == user_id))
            name = connection.scalar(sa.select(t.users.c.name).where(t.users.c.id == user_id))
            note(connection, self._database.clock(), by, "user.password", name or "")

    def rehash(self, user_id: int, before: str, hashed: str) -> None:
        """Store the same password's hash with today's settings, unless it was changed meanwhile."""
        with self._database.write(quiet=True) as connection:
            connection.execute(
                sa.update(t.users).where(t.users.c.id == user_id, t.users.c.password == before).values(password=hashed)
            )


def insert_user(
    connection: Connection, now: float, name: str, display_name: str, is_admin: bool, password: str | None
) -> int:
    """Add an account's row and return its number. Raises InvalidName, InvalidValue."""
    name = check_name(name, "entity")  # their runs are filed under it
    folded = name.casefold()
    if connection.scalar(sa.select(t.users.c.id).where(t.users.c.folded == folded)) is not None:
        raise InvalidValue(f"There is a user {name!r} already.")
    values = {
        "name": name,
        "folded": folded,
        "display_name": _check_display_name(display_name or name),
        "password": password,
        "is_admin": is_admin,
        "created_at": now,
    }
    key = connection.execute(sa.insert(t.users).values(values)).inserted_primary_key
    assert key is not None
    return int(key[0])


def end_sessions(connection: Connection, user_id: int, keep: str | None = None) -> int:
    """Remove a user's sessions, all but *keep*, and return how many there were."""
    query = sa.delete(t.sessions).where(t.sessions.c.user_id == user_id)
    if keep is not None:
        query = query.where(t.sessions.c.id != keep)
    return connection.execute(query).rowcount


def _working_admins(connection: Connection) -> int:
    query = sa.select(sa.func.count()).where(t.users.c.is_admin.is_(True), t.users.c.disabled_at.is_(None))
    return int(connection.scalar(query) or 0)


def _check_display_name(text: str) -> str:
    text = text.strip()
    if not 1 <= len(text) <= DISPLAY_NAME_MAX_CHARS or not text.isprintable():
        raise InvalidValue(f"A display name has 1 to {DISPLAY_NAME_MAX_CHARS} visible characters, got {text[:40]!r}.")
    return text


def _row(connection: Connection, name: str) -> Row[Any]:
    row = connection.execute(sa.select(t.users).where(t.users.c.folded == name.casefold())).one_or_none()
    if row is None:
        raise UserNotFound(f"there is no user {name[:64]!r}.")
    return row


def _user(row: Row[Any]) -> User:
    return User(
        row.id,
        row.name,
        row.display_name,
        bool(row.is_admin),
        row.disabled_at is not None,
        row.password is not None,
        row.created_at,
    )
