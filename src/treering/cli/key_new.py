"""``treering key new``: make an API key, printed this once."""

from __future__ import annotations

import argparse
import shlex
from dataclasses import asdict

from treering.errors import UsageError
from treering.server.accounts import DEFAULT_SCOPES, Accounts, User
from treering.server.osuser import os_user

from .accounts import by_command_line, named_user, open_accounts, print_note
from .output import human_duration, print_json

__all__ = ["run"]


def run(arguments: argparse.Namespace) -> int:
    """Print the key alone on stdout, so that a script can take it; the rest goes to stderr."""
    projects = [_project(text) for text in arguments.project] or None
    with open_accounts(arguments) as accounts:
        user = _owner(accounts, arguments.user)
        scopes = arguments.scope or DEFAULT_SCOPES
        key, row = accounts.keys.create(user, arguments.name, by_command_line(), scopes, projects, arguments.days)
    if arguments.json:
        print_json({**asdict(row), "key": key})
        return 0
    print_note(f"treering: a key of {user.name} for {', '.join(row.scopes)}, id {row.id}, good for")
    print_note(f"  {human_duration(row.expires_at - row.created_at)}. It is shown this once.")
    if "ingest" in row.scopes:
        entity = shlex.quote(user.name)
        print_note(f"  Where trainings use it without `treering login`, also set TREERING_ENTITY={entity}")
    print(key)
    return 0


def _owner(accounts: Accounts, name: str | None) -> User:
    if name is None and accounts.users.count() == 0:
        user = accounts.users.add(os_user(), "", True, by_command_line())
        print_note(
            f"treering: made {user.name} the first admin; `treering user password {user.name}` lets them sign in"
        )
        return user
    return named_user(accounts, name)


def _project(text: str) -> tuple[str, str]:
    entity, separator, project = text.partition("/")
    if not separator:
        raise UsageError(f"--project {text!r} is not entity/project.")
    return entity, project
