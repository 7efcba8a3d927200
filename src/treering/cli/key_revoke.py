"""``treering key revoke``: end an API key."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from .accounts import by_command_line, open_accounts
from .output import print_json

__all__ = ["run"]


def run(arguments: argparse.Namespace) -> int:
    """Revoke the key with an id; a running server refuses it within seconds."""
    # The whole key may be what somebody has at hand.
    key_id = arguments.key.removeprefix("trk_").partition("_")[0]
    with open_accounts(arguments) as accounts:
        row = accounts.keys.revoke(key_id, by_command_line())
    if arguments.json:
        print_json(asdict(row))
    else:
        print(f"revoked {row.id} of {row.user}")
    return 0
