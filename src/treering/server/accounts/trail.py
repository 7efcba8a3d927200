"""The audit trail: who did what, when, and from where. It only grows; the database itself refuses anything else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from . import tables as t
from .database import Database

__all__ = ["By", "Trail", "note"]


@dataclass(frozen=True, slots=True)
class By:
    """Who asks for a change, and from which address."""

    name: str
    peer: str


def note(connection: Connection, time: float, by: By, action: str, subject: str) -> None:
    """Add a line in the transaction of the change itself, so that neither is there without the other."""
    values = {"time": time, "actor": by.name, "peer": by.peer, "action": action, "subject": subject}
    connection.execute(sa.insert(t.audit).values(values))


class Trail:
    """Reads the audit trail."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, by: By, action: str, subject: str) -> None:
        """Add a line about something that is kept elsewhere."""
        with self._database.write(quiet=True) as connection:
            note(connection, self._database.clock(), by, action, subject)

    def page(self, before: int | None, limit: int) -> list[dict[str, Any]]:
        """Return lines, the newest first, that are older than the line *before*."""
        query = sa.select(t.audit).order_by(t.audit.c.id.desc()).limit(limit)
        if before is not None:
            query = query.where(t.audit.c.id < before)
        with self._database.read() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]
