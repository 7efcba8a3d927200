"""``treering gc``: free what removed versions of artifacts held and nothing else needs."""

from __future__ import annotations

import argparse

from .output import print_json, visible
from .reading import open_server

__all__ = ["run"]


def run(arguments: argparse.Namespace) -> int:
    """Say what would be removed; with --yes remove it."""
    with open_server(arguments) as api:
        found = api.collect_garbage(dry_run=not arguments.yes)
    if arguments.json:
        print_json(found)
        return 0
    for one in found["expired"]:
        where = f"{one['entity']}/{one['project']}/{one['name']}:v{one['version']}"
        print(visible(f"{where}  {one.get('why') or 'its time is over'}"))
    for one in found["garbage"][: arguments.limit or None]:
        names = ", ".join(one["names"]) or "part of a version that was never complete"
        print(visible(f"{one['bytes']:>15,} bytes  {one['sha256'][:12]}  {names}"))
    done = "removed" if arguments.yes else "to remove"
    print(f"{found['files']:,} files, {found['bytes']:,} bytes {done}")
    if found["kept_files"]:
        print(f"{found['kept_files']:,} files are too young to tell; they are looked at again an hour from now")
    if found["files"] and not arguments.yes:
        print("nothing was removed: treering gc --yes")
    return 0
