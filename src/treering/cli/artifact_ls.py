"""``treering artifact ls``: the artifacts of a project, or the versions of one."""

from __future__ import annotations

import argparse
from typing import Any

from treering.sdk.artifacts.artifact import Artifact

from .output import human_age, print_json, print_table
from .reading import open_server

__all__ = ["run"]


def run(arguments: argparse.Namespace) -> int:
    """List artifacts; of one that is named its versions."""
    with open_server(arguments) as api:
        if arguments.versions:
            _print_versions(list(api.artifacts(None, arguments.what)), arguments.json)
            return 0
        names = [arguments.what] if arguments.what else [f"{p.entity}/{p.project}" for p in api.projects()]
        rows: list[dict[str, Any]] = [
            one.row for name in names for one in api.artifact_collections(name, arguments.type)
        ]
    if arguments.json:
        print_json(rows)
        return 0
    if not rows:
        print("no artifacts")
        return 0
    print_table(["PROJECT", "NAME", "TYPE", "LATEST", "VERSIONS", "BYTES", "CHANGED"], [_cells(row) for row in rows])
    return 0


def _cells(row: dict[str, Any]) -> list[str]:
    return [
        f"{row['entity']}/{row['project']}",
        str(row["name"]),
        str(row["type"]),
        "-" if row["latest"] is None else f"v{row['latest']}",
        f"{row['versions']:,}",
        f"{row['bytes']:,}",
        human_age(row["updated_at"]),
    ]


def _print_versions(versions: list[Artifact], as_json: bool) -> None:
    if as_json:
        print_json([version._row for version in versions])
        return
    rows = [
        [
            version.version,
            ", ".join(version.aliases),
            f"{version.size:,}",
            f"{version.file_count:,}",
            version.digest[:12],
            human_age(version.created_at),
        ]
        for version in versions
    ]
    print_table(["VERSION", "ALIASES", "BYTES", "FILES", "DIGEST", "LOGGED"], rows)
