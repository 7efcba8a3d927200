"""``treering runs files``: what belongs to a run beside its points, and the bytes of it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .output import print_json, print_table, visible
from .reading import find_run, open_api

__all__ = ["run"]


def run(arguments: argparse.Namespace) -> int:
    """List the files of a run; print one that is named; with --into write those that fit into a folder."""
    with open_api(arguments) as api:
        found = find_run(api, arguments.run)
        if arguments.into:
            files = [file for file in found.files() if arguments.name in (None, file.name)]
            for file in files:
                print(visible(str(file.download(Path(arguments.into), replace=True))))
            return 0
        if arguments.name:
            sys.stdout.flush()
            for piece in found.file(arguments.name).pieces():
                sys.stdout.buffer.write(piece)
            return 0
        files = found.files()
    if arguments.json:
        rows = [
            {"name": f.name, "bytes": f.size, "purpose": f.purpose, "sha256": f.sha256, "here": f.held} for f in files
        ]
        print_json(rows)
    else:
        rows_shown = [[f.name, f"{f.size:,}", f.purpose, "" if f.held else "not here"] for f in files]
        print_table(["name", "bytes", "purpose", ""], rows_shown)
    return 0
