"""Who is what in which project, and who may look without being anything."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from treering.errors import InvalidValue, UserNotFound
from treering.server.permissions import ProjectName, Role

from . import tables as t
from .database import Database
from .trail import By, note
from .users import User, end_sessions

__all__ = ["Projects", "Visibility", "roles_of"]

m = t.members.c


class Visibility(StrEnum):
    """Who may look at a project: its members, everybody with an account, everybody."""

    PRIVATE = "private"
    INTERNAL = "internal"
    PUBLIC = "public"


class Projects:
    """The projects of one server as far as rights are concerned. One that is not here is private and has no members."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def has(self, entity: str, project: str) -> bool:
        """Return whether a project was made here, with or without runs."""
        with self._database.read() as connection:
            return _visibility(connection, entity, project) is not None

    def create(self, entity: str, project: str, user_id: int, by: By) -> None:
        """Make a project with *user_id* as its admin; nothing if it was made meanwhile."""
        now = self._database.clock()
        with self._database.write() as connection:
            if _visibility(connection, entity, project) is None:
                _insert(connection, now, entity, project, Visibility.PRIVATE)
                row = {"entity": entity, "project": project, "user_id": user_id, "role": Role.ADMIN}
                connection.execute(sa.insert(t.members).values(row))
                note(connection, now, by, "project.create", f"{entity}/{project}")

    def members(self, entity: str, project: str) -> list[dict[str, Any]]:
        """Return the members of a project, by name."""
        query = (
            sa.select(t.users.c.name, t.users.c.display_name, m.role)
            .join(t.users, t.users.c.id == m.user_id)
            .where(m.entity == entity, m.project == project)
            .order_by(t.users.c.folded)
        )
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return [{"user": r.name, "display_name": r.display_name, "role": Role(r.role).name.lower()} for r in rows]

    def visibility(self, entity: str, project: str) -> Visibility:
        """Return who may look at a project."""
        with self._database.read() as connection:
            return _visibility(connection, entity, project) or Visibility.PRIVATE

    def set_visibility(self, entity: str, project: str, visibility: Visibility, by: By) -> None:
        """Change who may look at a project."""
        now = self._database.clock()
        with self._database.write() as connection:
            if _visibility(connection, entity, project) is None:
                _insert(connection, now, entity, project, visibility)
            else:
                p = t.projects.c
                where = sa.and_(p.entity == entity, p.project == project)
                connection.execute(sa.update(t.projects).where(where).values(visibility=visibility))
            note(connection, now, by, "project.visibility", f"{entity}/{project}: {visibility}")

    def set_role(self, entity: str, project: str, user: User, role: Role | None, by: By) -> None:
        """
        Give a user a role in a project, or take it away with None. A changed role ends the user's sessions.

        Raises:
            UserNotFound: there is no such member to take away.
            InvalidValue: the project would be left without an admin.
        """
        now = self._database.clock()
        where = sa.and_(m.entity == entity, m.project == project, m.user_id == user.id)
        with self._database.write() as connection:
            if _visibility(connection, entity, project) is None:
                _insert(connection, now, entity, project, Visibility.PRIVATE)
            before = connection.scalar(sa.select(m.role).where(where))
            if before is None and role is None:
                raise UserNotFound(f"{user.name} is not a member of {entity}/{project}.")
            connection.execute(sa.delete(t.members).where(where))
            if role is not None:
                row = {"entity": entity, "project": project, "user_id": user.id, "role": role}
                connection.execute(sa.insert(t.members).values(row))
            admins = sa.select(m.user_id).where(m.entity == entity, m.project == project, m.role == Role.ADMIN)
            if before == Role.ADMIN and connection.scalar(admins.limit(1)) is None:
                raise InvalidValue(
                    f"{user.name} is the only admin of {entity}/{project}. Make somebody else one first."
                )
            if before is not None and before != role:
                end_sessions(connection, user.id)
            said = "removed" if role is None else role.name.lower()
            note(connection, now, by, "project.member", f"{entity}/{project}: {user.name} {said}")


def roles_of(connection: Connection, user_id: int | None, public_is_open: bool) -> dict[ProjectName, Role]:
    """
    Return what somebody is in each project that they may see; *user_id* None is somebody who did not sign in.

    Without *public_is_open*, the server's own switch, a public project is open to who has an account and no further.
    """
    p = t.projects.c
    roles: dict[ProjectName, Role] = {}
    open_ones = [Visibility.INTERNAL, Visibility.PUBLIC] if user_id is not None else [Visibility.PUBLIC]
    if user_id is not None or public_is_open:
        query = sa.select(p.entity, p.project).where(p.visibility.in_(open_ones))
        roles = {(row.entity, row.project): Role.VIEWER for row in connection.execute(query)}
    if user_id is not None:
        mine = sa.select(m.entity, m.project, m.role).where(m.user_id == user_id)
        roles.update({(row.entity, row.project): Role(row.role) for row in connection.execute(mine)})
    return roles


def _visibility(connection: Connection, entity: str, project: str) -> Visibility | None:
    p = t.projects.c
    found = connection.scalar(sa.select(p.visibility).where(p.entity == entity, p.project == project))
    return None if found is None else Visibility(found)


def _insert(connection: Connection, now: float, entity: str, project: str, visibility: Visibility) -> None:
    row = {"entity": entity, "project": project, "visibility": visibility, "created_at": now}
    connection.execute(sa.insert(t.projects).values(row))
