"""``treering verify``: read every byte of a run's record and say whether it is whole."""

from __future__ import annotations

import argparse

from .failure import DAMAGED
from .output import print_json, print_table
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
    print(f"{source.path}: {'whole' if report['ok'] else 'DAMAGED; everything outside the bytes above was read'}")
    return 0 if report["ok"] else DAMAGED
