"""``treering import html``: runs out of a page that ``treering export --html`` wrote."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from treering.errors import NotFound
from treering.importers.page import import_page
from treering.sdk.settings import Settings, writable_folder

from .output import print_json, visible

__all__ = ["run"]


def run(arguments: argparse.Namespace) -> int:
    """Import a page; 1 if nothing of it could be."""
    given = {"project": arguments.project, "entity": arguments.entity, "dir": arguments.data, "mode": "local"}
    settings = Settings.resolve(given, os.environ, Path.cwd())
    file = Path(arguments.file).expanduser()
    if not file.is_file():
        raise NotFound(f"There is no file {file}.")
    folder = writable_folder(settings.dir, strict=True, environ=os.environ)

    def note(subject: str, text: str) -> None:
        print(f"left out: {visible(subject)}: {visible(text)}", file=sys.stderr)

    found = import_page(file, folder.path, settings.entity, arguments.project, note)
    if arguments.json:
        print_json({"runs": [each._asdict() for each in found]})
    else:
        for each in found:
            said = f"left out: {each.why}" if each.why else f"{each.rows:,} rows, run {each.run_id}"
            print(f"{visible(each.name)}: {visible(said)}")
    return 0 if any(not each.why for each in found) else 1
