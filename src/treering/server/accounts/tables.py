"""
The tables of ``accounts.db``.

Nothing here lets anybody in by itself: passwords are argon2id hashes; keys, sessions, links and codes are kept as the
SHA-256 of a random text of at least 128 bits. Times are unix seconds.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from sqlalchemy import Boolean, Column, Float, ForeignKey, Integer, Text

__all__ = [
    "VERSION",
    "audit",
    "codes",
    "identities",
    "keys",
    "members",
    "metadata",
    "projects",
    "sessions",
    "shares",
    "users",
]

VERSION: Final = 1

metadata = sa.MetaData()


def _user(nullable: bool = False) -> Column[int]:
    return Column("user_id", Integer, ForeignKey("users.id"), nullable=nullable, index=True)


users = sa.Table(
    "users",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("folded", Text, nullable=False, unique=True),  # Ada and ada would be one person to everybody who reads
    Column("display_name", Text, nullable=False),
    Column("password", Text),  # an argon2id hash; none for who has only keys, or another way to sign in
    Column("is_admin", Boolean, nullable=False),
    Column("disabled_at", Float),
    Column("created_at", Float, nullable=False),
)

# Where single sign-on will find its people: by who vouches for them and the number they have there, never by e-mail.
identities = sa.Table(
    "identities",
    metadata,
    Column("issuer", Text, primary_key=True),
    Column("sub", Text, primary_key=True),
    _user(),
)

keys = sa.Table(
    "keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("digest", Text, nullable=False),
    _user(),
    Column("name", Text, nullable=False),
    Column("scopes", Text, nullable=False),  # separated by spaces
    Column("projects", Text),  # JSON list of [entity, project]; none for all
    Column("created_at", Float, nullable=False),
    Column("expires_at", Float, nullable=False),
    Column("revoked_at", Float),
    Column("used_at", Float),
)

sessions = sa.Table(
    "sessions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("digest", Text, nullable=False, unique=True),
    _user(),
    Column("created_at", Float, nullable=False),
    Column("seen_at", Float, nullable=False),
    Column("peer", Text, nullable=False),
)

projects = sa.Table(
    "projects",
    metadata,
    Column("entity", Text, primary_key=True),
    Column("project", Text, primary_key=True),
    Column("visibility", Text, nullable=False),
    Column("created_at", Float, nullable=False),
)

members = sa.Table(
    "members",
    metadata,
    Column("entity", Text, primary_key=True),
    Column("project", Text, primary_key=True),
    Column("user_id", Integer, ForeignKey("users.id"), primary_key=True, index=True),
    Column("role", Integer, nullable=False),
)

# Links that work once: the set-up of the first admin (no user yet), and a person's way to a password of their own.
codes = sa.Table(
    "codes",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("kind", Text, nullable=False),  # setup, invite
    _user(nullable=True),
    Column("expires_at", Float, nullable=False),
)

shares = sa.Table(
    "shares",
    metadata,
    Column("id", Text, primary_key=True),
    Column("digest", Text, nullable=False, unique=True),
    _user(),
    Column("entity", Text, nullable=False),
    Column("project", Text, nullable=False),
    Column("run_key", Text),  # none: the whole project
    Column("created_at", Float, nullable=False),
    Column("expires_at", Float, nullable=False),
    Column("revoked_at", Float),
)

audit = sa.Table(
    "audit",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("time", Float, nullable=False),
    Column("actor", Text, nullable=False),
    Column("peer", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
)

# The trail only grows, whatever a later mistake in this program asks for.
for _verb in ("update", "delete"):
    sa.event.listen(
        audit,
        "after_create",
        sa.DDL(  # type: ignore[no-untyped-call]
            f"create trigger audit_no_{_verb} before {_verb} on audit "
            "begin select raise(abort, 'the audit trail only grows'); end"
        ),
    )
