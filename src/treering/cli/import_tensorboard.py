"""``treering import tensorboard``: runs out of TensorBoard's event files."""

from __future__ import annotations

import argparse
import os
import sys
import threading
from pathlib import Path

from treering.errors import NotFound
from treering.importers.tensorboard import ImportedFolder, TensorBoardImport
from treering.sdk.settings import Settings, writable_folder

from .output import print_json, visible

__all__ = ["run"]


def run(arguments: argparse.Namespace) -> int:
    """Import a log directory, once or until Ctrl-C."""
    given = {"project": arguments.project, "entity": arguments.entity, "dir": arguments.data, "mode": "local"}
    settings = Settings.resolve(given, os.environ, Path.cwd())
    root = Path(arguments.dir).expanduser()
    if not root.is_dir():
        raise NotFound(f"There is no folder {root}.")
    folder = writable_folder(settings.dir, strict=True, environ=os.environ)
    left_out: list[dict[str, str]] = []

    def skip(path: str, why: str) -> None:
        left_out.append({"path": path, "why": why})
        if not arguments.json:
            print(f"left out: {visible(path)}: {visible(why)}", file=sys.stderr)

    work = TensorBoardImport(root, folder.path, settings.entity, settings.project, skip)
    imported: list[ImportedFolder] = []
    if arguments.live:
        if not arguments.json:
            print(f"following {visible(str(root))} into project {settings.project}; Ctrl-C ends it.", flush=True)
        try:
            work.follow(imported.append, threading.Event())
        except KeyboardInterrupt:
            pass
    else:
        imported = work.read()
        if not imported:
            raise NotFound(f"No event file that can be read is in {root}.")
    if arguments.json:
        print_json(
            {
                "project": f"{settings.entity}/{settings.project}",
                "runs": [each._asdict() for each in imported],
                "left_out": left_out,
            }
        )
        return 0
    for each in imported:
        print(f"{visible(each.name)}: {each.rows:,} new rows, run {each.run_id}")
    print(f"{len(imported):,} runs in project {settings.project} of {folder.path}. Look: treering ui")
    return 0
