"""``treering user disable``: shut an account, its sessions, its keys and its links; ``--undo`` opens it again."""

from __future__ import annotations

import argparse

from .accounts import by_command_line, open_accounts
from .output import print_json

__all__ = ["run"]


def run(arguments: argparse.Namespace) -> int:
    """Disable an account; what it wrote stays."""
    with open_accounts(arguments) as accounts:
        user = accounts.users.change(arguments.name, {"disabled": not arguments.undo}, by_command_line())
    if arguments.json:
        print_json({"user": user.name, "disabled": user.disabled})
    else:
        print(f"{user.name} is {'disabled' if user.disabled else 'enabled'}")
    return 0
