"""``treering user password``: a way to a new password, for who forgot theirs or never had one."""

from __future__ import annotations

import argparse
import sys

from treering.limits import PASSWORD_MAX_CHARS
from treering.server.accounts import Accounts, User, check_password
from treering.server.ownerfile import OwnerFile

from .accounts import by_command_line, open_accounts, print_note
from .folder import data_folder
from .output import print_json

__all__ = ["give_password", "read_password", "run"]


def run(arguments: argparse.Namespace) -> int:
    """Print a one-time link, or take the password from stdin with ``--stdin``."""
    password = read_password(arguments)
    with open_accounts(arguments) as accounts:
        return give_password(arguments, accounts, accounts.users.get(arguments.name), password)


def read_password(arguments: argparse.Namespace) -> str | None:
    """Return the password on stdin, or None without ``--stdin``. Raises InvalidValue."""
    if not arguments.stdin:
        return None
    return check_password(sys.stdin.readline(PASSWORD_MAX_CHARS + 2).rstrip("\r\n"))


def give_password(arguments: argparse.Namespace, accounts: Accounts, user: User, password: str | None) -> int:
    """Set the password of *user*, or print a one-time link with which they choose it."""
    if password is not None:
        accounts.users.set_password(user.id, accounts.passwords.hash(password), by_command_line())
        if arguments.json:
            print_json({"user": user.name, "link": None})
        else:
            print_note(f"treering: {user.name} can sign in")
        return 0
    owner = OwnerFile.read(data_folder(arguments.data))
    address = owner.url if owner is not None and owner.url is not None else ""
    link = f"{address}#invite={accounts.codes.new_invite(user, by_command_line())}"
    if arguments.json:
        print_json({"user": user.name, "link": link})
        return 0
    print_note(f"treering: with this link {user.name} chooses a password; it works once, for seven days")
    if not address:
        print_note("  (put the server's address in front of it)")
    print(link)
    return 0
