"""``treering verify``: read every byte of a run's record and say whether it is whole."""

from __future__ import annotations

import argparse
from typing import Any

from .failure import DAMAGED
from .output import print_json, print_table, visible
from .reading import find_run, open_api

__all__ = ["run"]


def run(arguments: argparse.Namespace) -> int:
    """Verify one run; exit code 5 if anything is damaged."""
    with open_api(arguments) as api:
        source = find_run(api, arguments.run)
        report = api.verify(source)
    if arguments.json:
        print_json({"run_key": source.key, **report})
        return 0 if report["ok"] else DAMAGED
    rows = [
        [
            segment["segment"],
            segment["writer"] or "main",
            f"{segment['bytes']:,}",
            f"{segment['records']:,}",
            segment["status"],
            {True: "matches", False: "DIFFERS", None: "not sealed"}[segment["sha256_ok"]],
        ]
        for segment in report["segments"]
    ]
    print_table(["SEGMENT", "WRITER", "BYTES", "RECORDS", "STATUS", "SHA-256"], rows)
    for segment in report["segments"]:
        for damage in segment["damage"]:
            print(f"{damage['segment']}: bytes {damage['offset']:,}+{damage['length']:,}: {damage['reason']}")
    _print_files(report.get("files") or {})
    if report.get("lock") is not None:
        print(f"lock: {'DIFFERS: ' + ', '.join(report['lock']) if report['lock'] else 'matches'}")
    print(f"{source.path}: {'whole' if report['ok'] else 'DAMAGED; all but what is named above was read'}")
    return 0 if report["ok"] else DAMAGED


def _print_files(files: dict[str, Any]) -> None:
    """Print what was found of the files; nothing of a server that does not check them."""
    if not files:
        return
    notes = [f"{files['waiting']:,} have not come yet"] if files["waiting"] else []
    notes += [f"{files['unread_bytes']:,} bytes checked by their size only"] if files["unread_bytes"] else []
    print(f"{files['count']:,} files, {files['bytes']:,} bytes{''.join('; ' + note for note in notes)}")
    for one in files["damaged"]:
        print(visible(f"{one['path']}: {one['problem']}"))
    if files["damaged_count"] > len(files["damaged"]):
        print(f"and {files['damaged_count'] - len(files['damaged']):,} more")
