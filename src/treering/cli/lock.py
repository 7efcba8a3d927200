"""``treering lock RUN``: seal a run's log for good, and show its hashes."""

from __future__ import annotations

import argparse

from .failure import DAMAGED
from .output import human_age, print_json, print_table, visible
from .reading import find_run, open_server

__all__ = ["run"]


def run(arguments: argparse.Namespace) -> int:
    """Lock a run, unlock it, or check that its files are still what they were; 5 if they are not."""
    with open_server(arguments) as api:
        found = find_run(api, arguments.run)
        if arguments.unlock:
            said = found.unlock()
        elif arguments.check:
            said = found.lock_state(check=True)
        else:
            said = found.lock(arguments.note)
    changed = said["changed"] or []
    if arguments.json:
        print_json({"run_key": found.key, **said})
        return DAMAGED if changed else 0
    lock = said["lock"]
    if lock is None:
        print(f"{visible(found.path)}: not locked")
        return 0
    print(f"{visible(found.path)}: locked by {visible(lock['by'])} {human_age(lock['at'])}")
    print_table(
        ["SEGMENT", "WRITER", "BYTES", "SHA-256"],
        [[one["segment"], one["writer"] or "main", f"{one['bytes']:,}", one["sha256"]] for one in lock["segments"]],
    )
    print(f"all of it: sha256 {lock['sha256']}")
    for segment in changed:
        print(f"CHANGED: {segment} is not what it was")
    if arguments.check and not changed:
        print(f"every byte is what it was; {len(said['added'] or [])} files beside it came later")
    return DAMAGED if changed else 0
