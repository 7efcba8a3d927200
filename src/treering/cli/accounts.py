"""The accounts of a data folder, for commands that work on them with or without a running server."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from treering.errors import FolderNotWritable, UsageError
from treering.server.accounts import Accounts, By, User, accounts_file
from treering.server.osuser import os_user

from .folder import data_folder, index_folder

__all__ = ["by_command_line", "named_user", "open_accounts", "print_note"]


@contextmanager
def open_accounts(arguments: argparse.Namespace) -> Iterator[Accounts]:
    """Open the accounts of ``--data``, making folder and file if they are not there."""
    folder, index = data_folder(arguments.data), index_folder()
    try:
        for path in (folder, index):
            if path is not None:
                path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise FolderNotWritable(f"Cannot make the data folder {folder}: {error.strerror}.") from None
    accounts = Accounts(accounts_file(folder, index))
    try:
        yield accounts
    finally:
        accounts.close()


def by_command_line() -> By:
    """Return who the audit trail names for what is done here."""
    return By(os_user(), "command line")


def named_user(accounts: Accounts, name: str | None) -> User:
    """Return the account with a name, or without one that of the user who asks. Raises UserNotFound, UsageError."""
    if name is not None:
        return accounts.users.get(name)
    mine = next((user for user in accounts.users.all() if user.name.casefold() == os_user().casefold()), None)
    if mine is None:
        raise UsageError(
            f"There is no account {os_user()!r}. Say whose with --user NAME; `treering user ls` lists them."
        )
    return mine


def print_note(text: str) -> None:
    """Tell the person something that a script which reads stdout must not get."""
    print(text, file=sys.stderr)
