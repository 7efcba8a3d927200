"""``treering rebuild``: throw the index away and make it again from the run logs, which are the truth."""

from __future__ import annotations

import argparse
import sys
import time

from treering.errors import NotFound
from treering.store import Store
from treering.store.model import RebuildProgress

from .folder import data_folder, index_folder
from .output import human_duration, print_json

__all__ = ["run"]


def run(arguments: argparse.Namespace) -> int:
    """Rebuild the index of a folder that nobody serves."""
    folder = data_folder(arguments.data)
    if not folder.is_dir():
        raise NotFound(f"There is no data folder {folder}.")
    begin = time.monotonic()
    last = RebuildProgress(0, 0, 0, 0, 0)

    def progress(now: RebuildProgress) -> None:
        nonlocal last
        last = now
        if not arguments.json and sys.stderr.isatty():
            percent = 100 * now.bytes // now.bytes_total if now.bytes_total else 100
            print(f"\r{percent:3d} %  {now.segments:,} of {now.segments_total:,} segments", end="", file=sys.stderr)

    store = Store.open(folder, index_dir=index_folder())  # raises FolderInUse, naming who has it
    try:
        store.rebuild(progress)
    finally:
        store.close()
    took_s = time.monotonic() - begin
    if not arguments.json and sys.stderr.isatty():
        print(file=sys.stderr)
    if arguments.json:
        print_json({"segments": last.segments, "bytes": last.bytes, "points": last.points, "seconds": took_s})
    else:
        print(f"rebuilt from {last.segments:,} segments, {last.points:,} points, in {human_duration(took_s)}")
    return 0
