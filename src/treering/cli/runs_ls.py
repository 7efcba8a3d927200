"""``treering runs ls``."""

from __future__ import annotations

import argparse
from itertools import islice
from typing import Any

from .output import human_age, human_duration, human_value, print_json, print_table
from .reading import open_api

__all__ = ["run"]


def run(arguments: argparse.Namespace) -> int:
    """List the runs of a project, or of all projects."""
    limit = arguments.limit or None
    rows: list[dict[str, Any]] = []
    hidden = 0
    with open_api(arguments) as api:
        names = [arguments.project] if arguments.project else [f"{p.entity}/{p.project}" for p in api.projects()]
        for name in names:
            runs = api.runs(name, arguments.filter, arguments.sort, metrics=arguments.metric, config=arguments.config)
            found = [entry.row for entry in islice(runs, limit)]
            rows += found
            hidden += len(runs) - len(found)
    if arguments.json:
        print_json({"runs": rows, "not_shown": hidden})
        return 0
    if not rows:
        print("no runs")
        return 0
    columns = ["PROJECT", "ID", "NAME", "STATE", "BEGAN", "TOOK", *arguments.config, *arguments.metric]
    print_table(columns, [_cells(row, arguments.config, arguments.metric) for row in rows])
    if hidden:
        print(f"{hidden} more; see them with -n 0")
    return 0


def _cells(row: dict[str, Any], config: list[str], metrics: list[str]) -> list[str]:
    settings = row.get("config") or {}
    values = row.get("metrics") or {}
    return [
        f"{row['entity']}/{row['project']}",
        str(row["run_id"]),
        str(row["name"]),
        "unreadable" if row.get("error") else str(row["state"]),
        human_age(row["created_at"]),
        human_duration(row["runtime_s"]),
        *(human_value(settings.get(key)) for key in config),
        *(human_value((values.get(key) or {}).get("last")) for key in metrics),
    ]
