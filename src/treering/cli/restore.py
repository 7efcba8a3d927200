"""``treering restore``: put a backup into an empty folder; or a run's code together, see ``restore_code``."""

from __future__ import annotations

import argparse
from pathlib import Path

import msgspec

from treering.errors import UsageError
from treering.store.backup import restore

from . import restore_code
from .backup import describe, progress
from .output import print_json

__all__ = ["run"]


def run(arguments: argparse.Namespace) -> int:
    """Restore a backup into the folder named with --data, which has to be empty or new, or the code of a run."""
    if arguments.into or arguments.repo or not Path(arguments.what).expanduser().exists():
        return restore_code.run(arguments)
    if arguments.data is None:
        raise UsageError("Name the new data folder: treering restore BACKUP --data DIR")
    backup, folder = (Path(given).expanduser().absolute() for given in (arguments.what, arguments.data))
    report = restore(backup, folder, progress(arguments.json))
    if arguments.json:
        print_json({"data": str(folder), **msgspec.structs.asdict(report)})
    else:
        print(f"restored into {folder}: {describe(report)}")
        print(f"  restore number {report.restores} of store {report.store_id[:8]}; clients will ship what came later")
        print("  the index is made again at the first start")
    return 0
