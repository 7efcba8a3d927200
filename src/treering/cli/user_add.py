"""``treering user add``: make an account."""

from __future__ import annotations

import argparse

from .accounts import by_command_line, open_accounts
from .user_password import give_password, read_password

__all__ = ["run"]


def run(arguments: argparse.Namespace) -> int:
    """Make the account, and print the link with which its person chooses a password."""
    password = read_password(arguments)  # first, so that a wrong one leaves nothing behind
    with open_accounts(arguments) as accounts:
        user = accounts.users.add(arguments.name, arguments.display_name, arguments.admin, by_command_line())
        return give_password(arguments, accounts, user, password)
