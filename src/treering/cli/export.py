"""``treering export``: a run, a project or a frozen report as a page that opens from the disk, or a plain folder."""

from __future__ import annotations

import argparse
import base64
import csv
import gzip
import hashlib
import html
import json
import os
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final

from treering._version import __version__
from treering.errors import AmbiguousName, MissingExtra, NotFound, RunNotFound, UsageError
from treering.limits import EXPORT_PAGE_MAX_RUNS
from treering.sdk.api import Api, Run

from .export_payload import PagePayload
from .export_report import report_page
from .output import print_json, strict, visible
from .reading import find_run, open_server
from .restore_tree import target_below

__all__ = ["run"]

_REPORT: Final = "report:"
_PAGE: Final = Path(__file__).parents[1] / "server" / "static" / "frame-assets" / "page.js"
_REPORT_SCRIPT: Final = _PAGE.with_name("report.js")
_POLICY: Final = (
    "default-src 'none'; script-src 'sha256-{}'; style-src 'unsafe-inline'; img-src data: blob:; "
    "media-src data: blob:; font-src data:; base-uri 'none'; form-action 'none'"
)


def run(arguments: argparse.Namespace) -> int:
    """Write the page, or the folder."""
    if bool(arguments.html) == bool(arguments.dir):
        raise UsageError("say what to make: --html FILE for one page, or --dir DIR for Parquet, JSON and media.")
    with open_server(arguments) as api:
        if arguments.what.startswith(_REPORT):
            said = _write_report(api, arguments)
            if arguments.json:
                print_json(said)
            else:
                print(f"report {visible(said['title'])} in {said['output']}")
            return 0
        kind, title, runs = _chosen(api, arguments.what, arguments.filter)
        if arguments.html:
            said = _write_page(Path(arguments.html), kind, title, runs)
        else:
            said = _write_folder(Path(arguments.dir), runs)
    if arguments.json:
        print_json(said)
    else:
        print(f"{said['runs']:,} {'run' if said['runs'] == 1 else 'runs'} of {visible(title)} in {said['output']}")
    return 0


def _chosen(api: Api, what: str, text: str) -> tuple[str, str, Iterator[Run]]:
    """Return whether a run or a project is meant, what it is called, and its runs."""
    try:
        found = find_run(api, what) if not text else None
    except RunNotFound:
        found = None
    except AmbiguousName:
        if any(what in (row.project, f"{row.entity}/{row.project}") for row in api.projects()):
            found = None
        else:
            raise
    if found is not None:
        return "run", str(found.row["name"]), iter([found])
    try:
        return "project", what, iter(api.runs(what, filters=text or None))
    except NotFound:
        raise NotFound(f"there is no run and no project {what!r}.") from None


def _write_report(api: Api, arguments: argparse.Namespace) -> dict[str, Any]:
    """Write a frozen report as a page."""
    if not arguments.html:
        raise UsageError("a report is written as a page: --html FILE. Its data are those of its runs: export them.")
    script = _script(_REPORT_SCRIPT)
    at = datetime.now(UTC).timestamp()
    libraries: list[str] = []

    def library(name: str) -> str:
        libraries.append(_embedded(_script(_REPORT_SCRIPT.with_name(f"{name}.js"))))
        return libraries[-1]

    reference = arguments.what.removeprefix(_REPORT)
    report, index, blocks = report_page(api, reference, arguments.with_runs, at, library, _note)
    file = Path(arguments.html)
    _write_whole(file, page_text(script, report.title, index, blocks, libraries))
    return {"report": report.id, "title": report.title, "output": str(file), "bytes": file.stat().st_size}


def _note(said: str) -> None:
    print(f"treering: {visible(said)}", file=sys.stderr)


# ── one page ─────────────────────────────────────────────────────────────────────────────────────────────────────
def _write_page(file: Path, kind: str, title: str, runs: Iterator[Run]) -> dict[str, Any]:
    script = _script(_PAGE)
    payload = PagePayload(title, kind, _note)
    for one in islice(runs, EXPORT_PAGE_MAX_RUNS):
        payload.add(one)
    if next(runs, None) is not None:
        print(f"treering: only the newest {EXPORT_PAGE_MAX_RUNS:,} runs are in the page", file=sys.stderr)
    if not payload.runs:
        raise NotFound("no run passes the filter.")
    payload.about |= {"version": __version__, "exported_at": datetime.now(UTC).timestamp()}
    _write_whole(file, page_text(script, title, payload.index, payload.blocks))
    return {"runs": len(payload.runs), "output": str(file), "bytes": file.stat().st_size}


def _script(file: Path) -> str:
    try:
        if file.exists():
            return file.read_text(encoding="utf-8")
        return gzip.decompress(file.with_name(f"{file.name}.gz").read_bytes()).decode()  # large ones are kept so alone
    except OSError:
        raise NotFound(f"the page's script is not in this installation ({file}); build it, or use --dir.") from None


def page_text(script: str, title: str, index: dict[str, Any], blocks: list[str], libraries: Sequence[str] = ()) -> str:
    """
    Return the page. Its one script is named by its hash; whatever runs logged stands in it as data only.

    Args:
        libraries: scripts that frames in the page may run, as they stand there.
    """
    script = _embedded(script)
    digests = [base64.b64encode(hashlib.sha256(one.encode()).digest()).decode() for one in (script, *libraries)]
    scripts = "' 'sha256-".join(digests)
    return (
        "<!doctype html>\n"
        f'<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY.format(scripts)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{html.escape(title)}</title>\n</head>\n<body>\n"
        '<div id="root">This page needs a browser with JavaScript; what it shows is in it.</div>\n'
        f'<script type="application/json" id="treering-index">{_json(index)}</script>\n'
        f'<script type="application/json" id="treering-blocks">{_json(blocks)}</script>\n'
        f"<script>{script}</script>\n</body>\n</html>\n"
    )


def _embedded(script: str) -> str:
    """Return a script with what would end its element written in another way: it stands in texts alone."""
    return script.replace("</script", "<\\/script").replace("<!--", "<\\!--")


def _json(value: Any) -> str:
    """Return JSON that cannot end the element it stands in, whatever is in it."""
    text = json.dumps(strict(value), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _write_whole(file: Path, text: str) -> None:
    """Write a file so that a reader sees the old one or the new one."""
    temporary = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    try:
        temporary.write_text(text, encoding="utf-8", errors="replace")
        os.replace(temporary, file)
    finally:
        temporary.unlink(missing_ok=True)


# ── a folder ─────────────────────────────────────────────────────────────────────────────────────────────────────
def _write_folder(folder: Path, runs: Iterator[Run]) -> dict[str, Any]:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} is there already, and not empty.")
    folder.mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, Any]] = []
    for one in runs:
        place = folder / "runs" / one.key
        place.mkdir(parents=True)
        detail = one.detail
        (place / "run.json").write_text(json.dumps(strict(detail), indent=1, allow_nan=False), encoding="utf-8")
        _write_history(one, place)
        for file in one.files():
            if file.held:
                _write_file(file, place / "files")
        names = ("run_key", "run_id", "name", "state", "created_at", "runtime_s", "group")
        rows.append({name: _cell(detail.get(name)) for name in names})
    with open(folder / "runs.csv", "w", encoding="utf-8", newline="") as table:
        writer = csv.DictWriter(table, list(rows[0]) if rows else ["run_key"])
        writer.writeheader()
        writer.writerows(rows)
    if not rows:
        raise NotFound("no run passes the filter.")
    return {"runs": len(rows), "output": str(folder)}


def _cell(value: Any) -> Any:
    """Return a value as a table program should read it: a text is never a formula."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


def _write_history(one: Run, place: Path) -> None:
    """Write every row: Parquet where its library is there, else JSON lines."""
    try:
        from pyarrow import parquet  # type: ignore[import-untyped,import-not-found,unused-ignore]

        parquet.write_table(one.history(arrow=True), place / "history.parquet")
    except (ImportError, MissingExtra):
        with open(place / "history.jsonl", "w", encoding="utf-8") as file:
            for row in one.scan_history():
                file.write(json.dumps(strict(row), allow_nan=False) + "\n")


def _write_file(file: Any, place: Path) -> None:
    place.mkdir(exist_ok=True)
    target = target_below(place, file.name)
    target.parent.mkdir(parents=True, exist_ok=True)
    file.write_to(target, 0o644)
