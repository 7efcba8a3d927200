"""``treering import html``: runs, and a report, out of a page that ``treering export --html`` wrote."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

from treering.errors import NotFound, TreeringError
from treering.importers.page import PageReport, import_page, read_report
from treering.sdk.api import Api
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
    report = read_report(file)
    made = None if report is None else _import_report(report, folder.path, settings.entity, arguments.project, note)
    if arguments.json:
        print_json({"runs": [each._asdict() for each in found], "report": made})
    else:
        for each in found:
            said = f"left out: {each.why}" if each.why else f"{each.rows:,} rows, run {each.run_id}"
            print(f"{visible(each.name)}: {visible(said)}")
        if report is not None and made is not None:
            print(f"report {visible(report.title)}: a draft, {made}")
    return 0 if made is not None or any(not each.why for each in found) else 1


def _import_report(
    report: PageReport, folder: Path, entity: str, project: str | None, note: Callable[[str, str], None]
) -> str | None:
    """Save the text of a report as a draft, which shows the runs of this folder. Return its id."""
    place = f"{entity}/{project or report.project}"
    try:
        with Api(folder) as api:
            known = next((one for one in api.reports(place) if one.title == report.title), None)
            if known is not None:
                note(report.title, f"{place} has a report of this title")
                return None
            made = api.create_report(place, report.title, report.markdown)
    except TreeringError as error:
        note(report.title, f"{error} A report belongs to a project with runs: log or import some first.")
        return None
    note(report.title, "its frozen data and pictures stay in the page; the draft shows the runs of this folder")
    return made.id
