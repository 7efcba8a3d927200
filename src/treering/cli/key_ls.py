"""``treering key ls``: the API keys of a data folder, without the keys."""

from __future__ import annotations

import argparse
import time
from dataclasses import asdict

from treering.server.accounts import IssuedKey

from .accounts import open_accounts
from .output import human_age, human_duration, print_json, print_table

__all__ = ["run"]


def run(arguments: argparse.Namespace) -> int:
    """List everybody's keys, or those of ``--user``."""
    with open_accounts(arguments) as accounts:
        owner = None if arguments.user is None else accounts.users.get(arguments.user).id
        keys = accounts.keys.of(owner)
    if arguments.json:
        print_json([asdict(key) for key in keys])
        return 0
    columns = ("ID", "USER", "NAME", "SCOPES", "PROJECTS", "STATE", "USED")
    print_table(columns, [_row(key, time.time()) for key in keys])
    return 0


def _row(key: IssuedKey, now: float) -> list[str]:
    state = f"{human_duration(key.expires_at - now)} left"
    if key.revoked_at is not None:
        state = "revoked"
    elif key.expires_at <= now:
        state = "expired"
    projects = "all" if key.projects is None else " ".join(key.projects)
    used = "-" if key.used_at is None else human_age(key.used_at, now)
    return [key.id, key.user, key.name, " ".join(key.scopes), projects, state, used]
