"""``treering runs diff``."""

from __future__ import annotations

import argparse

from .output import human_value, print_json, print_table
from .reading import find_run, open_api

__all__ = ["run"]


def run(arguments: argparse.Namespace) -> int:
    """Compare runs key by key; what is equal is left out unless asked for."""
    with open_api(arguments) as api:
        runs = [find_run(api, reference) for reference in arguments.runs]
        rows = [row for row in api.diff(runs) if row["differs"] or arguments.all]
    if arguments.json:
        print_json({"runs": [entry.key for entry in runs], "rows": rows})
        return 0
    if not rows:
        print("no differences")
        return 0
    names = [entry.name or entry.id for entry in runs]
    cells = [[row["section"], row["key"], *(human_value(value) for value in row["values"])] for row in rows]
    print_table(["", "KEY", *names], cells)
    return 0
