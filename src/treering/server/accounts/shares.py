"""Share links: a secret in an address that lets its holder look at one run or one project, and do nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Row

from treering.errors import InvalidValue, ShareNotFound
from treering.limits import PROJECT_SHARES_MAX, SHARE_DAYS_MAX

from . import tables as t
from .database import Database
from .secret import digest_of, new_id, new_secret
from .trail import By, note

__all__ = ["Share", "Shares"]

_DAY_S: Final = 86_400.0

h = t.shares.c


@dataclass(frozen=True, slots=True)
class Share:
    """A link as those who manage it see it: everything but its secret."""

    id: str
    user: str
    entity: str
    project: str
    run_key: str | None
    created_at: float
    expires_at: float
    revoked_at: float | None


class Shares:
    """The share links of one server."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(
        self, user_id: int, entity: str, project: str, run_key: str | None, days: float, by: By
    ) -> tuple[str, Share]:
        """Return a link's secret, which is not kept, and the link. Raises InvalidValue."""
        if not 0 < days <= SHARE_DAYS_MAX:
            raise InvalidValue(f"A share link lives for 1 to {SHARE_DAYS_MAX} days, got {days:g}.")
        secret, now = new_secret("trv_"), self._database.clock()
        row = {
            "id": new_id(),
            "digest": digest_of(secret),
            "user_id": user_id,
            "entity": entity,
            "project": project,
            "run_key": run_key,
            "created_at": now,
            "expires_at": now + days * _DAY_S,
        }
        with self._database.write() as connection:
            live = sa.select(sa.func.count()).where(
                h.entity == entity, h.project == project, h.revoked_at.is_(None), h.expires_at > now
            )
            if int(connection.scalar(live) or 0) >= PROJECT_SHARES_MAX:
                raise InvalidValue(f"{entity}/{project} has {PROJECT_SHARES_MAX} share links. Revoke one first.")
            connection.execute(sa.insert(t.shares).values(row))
            note(connection, now, by, "share.create", f"{row['id']}: {entity}/{project} {run_key or ''}".rstrip())
        return secret, self.get(str(row["id"]))

    def get(self, share_id: str) -> Share:
        """Return one link. Raises ShareNotFound."""
        with self._database.read() as connection:
            row = connection.execute(_SELECT.where(h.id == share_id)).one_or_none()
        if row is None:
            raise ShareNotFound(f"there is no share link {share_id[:64]!r}.")
        return _share(row)

    def all(self) -> list[Share]:
        """Return every link that still works, the newest first."""
        query = _SELECT.where(h.revoked_at.is_(None), h.expires_at > self._database.clock())
        with self._database.read() as connection:
            return [_share(row) for row in connection.execute(query.order_by(h.created_at.desc()))]

    def revoke(self, share_id: str, by: By) -> Share:
        """End a link. Raises ShareNotFound."""
        now = self._database.clock()
        query = sa.update(t.shares).where(h.id == share_id).values(revoked_at=sa.func.coalesce(h.revoked_at, now))
        with self._database.write() as connection:
            connection.execute(query)
            note(connection, now, by, "share.revoke", share_id[:64])
        return self.get(share_id)


_SELECT = sa.select(t.shares, t.users.c.name.label("user")).join(t.users, t.users.c.id == h.user_id)


def _share(row: Row[Any]) -> Share:
    return Share(row.id, row.user, row.entity, row.project, row.run_key, row.created_at, row.expires_at, row.revoked_at)
