"""``treering user ls``: the accounts of a data folder."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from .accounts import open_accounts
from .output import print_json, print_table

__all__ = ["run"]


def run(arguments: argparse.Namespace) -> int:
    """List all accounts."""
    with open_accounts(arguments) as accounts:
        users = accounts.users.all()
    if arguments.json:
        print_json([asdict(user) for user in users])
        return 0
    rows = []
    for user in users:
        marks = [("admin", user.is_admin), ("disabled", user.disabled), ("no password", not user.has_password)]
        rows.append([user.name, user.display_name, ", ".join(mark for mark, is_set in marks if is_set)])
    print_table(("NAME", "SHOWN AS", ""), rows)
    return 0
