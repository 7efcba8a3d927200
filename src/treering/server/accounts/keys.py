"""API keys: made by their owner, shown once, and refused from the moment they are revoked or too old."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Row

from treering.errors import InvalidValue, KeyNotFound
from treering.ids import check_name
from treering.limits import DISPLAY_NAME_MAX_CHARS, KEY_DAYS, KEY_DAYS_MAX, KEY_PROJECTS_MAX, USER_KEYS_MAX
from treering.server.permissions import ProjectName

from . import tables as t
from .apikeys import make_key
from .database import Database
from .secret import digest_of
from .trail import By, note
from .users import User

__all__ = ["DEFAULT_SCOPES", "SCOPES", "IssuedKey", "Keys", "projects_of"]

SCOPES: Final = ("ingest", "read", "write", "admin")
DEFAULT_SCOPES: Final = ("ingest", "read", "write")
_DAY_S: Final = 86_400.0

k = t.keys.c


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A key as its owner sees it later: everything but the key."""

    id: str
    user: str
    name: str
    scopes: list[str]
    projects: list[str] | None
    created_at: float
    expires_at: float
    revoked_at: float | None
    used_at: float | None


class Keys:
    """The API keys of one server's accounts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(
        self,
        user: User,
        name: str,
        by: By,
        scopes: Collection[str] = DEFAULT_SCOPES,
        projects: Collection[ProjectName] | None = None,
        days: float = KEY_DAYS,
    ) -> tuple[str, IssuedKey]:
        """
        Return a new key, which is not kept, and what is.

        Raises:
            InvalidValue: an unknown scope, too many days, or too many keys.
            InvalidName: a project cannot have such a name.
        """
        unknown = set(scopes) - set(SCOPES)
        if unknown or not scopes:
            raise InvalidValue(f"A key's scopes are some of {', '.join(SCOPES)}, got {sorted(scopes)!r}.")
        if not 0 < days <= KEY_DAYS_MAX:
            raise InvalidValue(f"A key lives for 1 to {KEY_DAYS_MAX:,} days, got {days:g}.")
        if not name.strip() or len(name) > DISPLAY_NAME_MAX_CHARS or not name.isprintable():
            raise InvalidValue(f"A key's name has 1 to {DISPLAY_NAME_MAX_CHARS} visible characters.")
        if projects is not None and not 1 <= len(projects) <= KEY_PROJECTS_MAX:
            raise InvalidValue(f"A key is for 1 to {KEY_PROJECTS_MAX} projects, or for all.")
        only = None if projects is None else [[check_name(e, "entity"), check_name(p, "project")] for e, p in projects]
        key, key_id = make_key()
        now = self._database.clock()
        row = {
            "id": key_id,
            "digest": digest_of(key),
            "user_id": user.id,
            "name": name.strip(),
            "scopes": " ".join(scope for scope in SCOPES if scope in scopes),
            "projects": None if only is None else json.dumps(only),
            "created_at": now,
            "expires_at": now + days * _DAY_S,
        }
        with self._database.write() as connection:
            mine = sa.select(sa.func.count()).where(k.user_id == user.id, k.revoked_at.is_(None), k.expires_at > now)
            if int(connection.scalar(mine) or 0) >= USER_KEYS_MAX:
                raise InvalidValue(f"{user.name} has {USER_KEYS_MAX} keys. Revoke one first.")
            connection.execute(sa.insert(t.keys).values(row))
            note(connection, now, by, "key.create", f"{key_id} of {user.name}: {row['scopes']}")
        return key, self._get(key_id)

    def of(self, user_id: int | None = None) -> list[IssuedKey]:
        """Return a user's keys, or everybody's, the newest first."""
        query = _SELECT.order_by(k.created_at.desc())
        if user_id is not None:
            query = query.where(k.user_id == user_id)
        with self._database.read() as connection:
            return [_issued(row) for row in connection.execute(query)]

    def revoke(self, key_id: str, by: By, user_id: int | None = None) -> IssuedKey:
        """End a key, of *user_id* if that is given. Raises KeyNotFound."""
        now = self._database.clock()
        query = sa.update(t.keys).where(k.id == key_id).values(revoked_at=sa.func.coalesce(k.revoked_at, now))
        if user_id is not None:
            query = query.where(k.user_id == user_id)
        with self._database.write() as connection:
            if connection.execute(query).rowcount == 0:
                raise KeyNotFound(f"there is no key {key_id[:64]!r}.")
            note(connection, now, by, "key.revoke", key_id)
        return self._get(key_id)

    def touch(self, used: dict[str, float]) -> None:
        """Note when keys were last used."""
        with self._database.write(quiet=True) as connection:
            for key_id, time in used.items():
                connection.execute(sa.update(t.keys).where(k.id == key_id).values(used_at=time))

    def _get(self, key_id: str) -> IssuedKey:
        with self._database.read() as connection:
            return _issued(connection.execute(_SELECT.where(k.id == key_id)).one())


_SELECT = sa.select(t.keys, t.users.c.name.label("user")).join(t.users, t.users.c.id == k.user_id)


def projects_of(text: str | None) -> frozenset[ProjectName] | None:
    """Return the projects that a key's row is for; None for all."""
    return None if text is None else frozenset((entity, project) for entity, project in json.loads(text))


def _issued(row: Row[Any]) -> IssuedKey:
    only = projects_of(row.projects)
    return IssuedKey(
        row.id,
        row.user,
        row.name,
        row.scopes.split(),
        None if only is None else sorted(f"{entity}/{project}" for entity, project in only),
        row.created_at,
        row.expires_at,
        row.revoked_at,
        row.used_at,
    )
