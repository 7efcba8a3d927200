"""Sessions of people who signed in. The row is the session: without it the cookie opens nothing."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from treering.limits import SIGN_IN_IDLE_S, SIGN_IN_MAX_S, USER_SESSIONS_MAX

from . import tables as t
from .database import Database
from .secret import digest_of, new_id, new_secret
from .trail import By, note
from .users import User, end_sessions

__all__ = ["Sessions"]

s = t.sessions.c


class Sessions:
    """The sessions of one server's accounts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def start(self, user: User, by: By, replaces: str = "") -> str:
        """Return a new session's token. What the browser sent before, if it was a session, ends here."""
        token, now = new_secret("trs_"), self._database.clock()
        row = {"id": new_id(), "digest": digest_of(token), "user_id": user.id, "created_at": now, "seen_at": now}
        with self._database.write() as connection:
            connection.execute(sa.delete(t.sessions).where(s.digest == digest_of(replaces)))
            connection.execute(sa.delete(t.sessions).where(~_is_live(now)))
            mine = sa.select(s.id).where(s.user_id == user.id).order_by(s.created_at.desc(), s.id)
            old = list(connection.scalars(mine.offset(USER_SESSIONS_MAX - 1)))
            connection.execute(sa.delete(t.sessions).where(s.id.in_(old)))
            connection.execute(sa.insert(t.sessions).values(**row, peer=by.peer))
            note(connection, now, by, "session.start", user.name)
        return token

    def of(self, user_id: int) -> list[dict[str, Any]]:
        """Return a user's sessions, the one used last first."""
        query = sa.select(s.id, s.created_at, s.seen_at, s.peer).where(s.user_id == user_id)
        query = query.where(_is_live(self._database.clock())).order_by(s.seen_at.desc())
        with self._database.read() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def end(self, user_id: int, session_id: str | None, by: By) -> int:
        """End one session of a user, or all; return how many ended."""
        with self._database.write() as connection:
            if session_id is None:
                ended = end_sessions(connection, user_id)
            else:
                one = sa.delete(t.sessions).where(s.user_id == user_id, s.id == session_id)
                ended = connection.execute(one).rowcount
            if ended:
                note(connection, self._database.clock(), by, "session.end", session_id or "all")
        return ended

    def touch(self, seen: dict[str, float]) -> None:
        """Note when sessions were last used."""
        with self._database.write(quiet=True) as connection:
            for session_id, time in seen.items():
                connection.execute(sa.update(t.sessions).where(s.id == session_id).values(seen_at=time))


def _is_live(now: float) -> sa.ColumnElement[bool]:
    return sa.and_(s.created_at > now - SIGN_IN_MAX_S, s.seen_at > now - SIGN_IN_IDLE_S)
