"""``treering model ls``: registered models, or the versions of one and what was done to it."""

from __future__ import annotations

import argparse
from typing import Any

from treering.sdk.artifacts.registry import RegisteredModel

from .output import human_age, print_json, print_table, visible
from .reading import open_server

__all__ = ["run"]


def run(arguments: argparse.Namespace) -> int:
    """List registered models; of one that is named its versions, and with --history what was done."""
    with open_server(arguments) as api:
        if not arguments.model:
            _print_models(api.models(), arguments.json)
            return 0
        model = api.model(arguments.model)
        history = model.history() if arguments.history else []
    if arguments.json:
        print_json({"model": _row(model), "versions": model.versions, "history": history})
        return 0
    for event in history:
        print(visible(f"{human_age(event['at']):>16}  {event['by']}  {event['text']}"))
    if not arguments.history:
        print_table(["VERSION", "ALIASES", "ARTIFACT", "LINKED"], [_cells(row) for row in model.versions])
    return 0


def _print_models(models: list[RegisteredModel], as_json: bool) -> None:
    if as_json:
        print_json([_row(model) for model in models])
        return
    rows = [
        [f"{one.entity}/{one.name}", one.project, ", ".join(f"{a} = v{n}" for a, n in sorted(one.aliases.items()))]
        for one in models
    ]
    print_table(["MODEL", "PROJECT", "ALIASES"], rows)


def _row(model: RegisteredModel) -> dict[str, Any]:
    names = ("id", "entity", "project", "name", "description", "checks", "protected_aliases", "aliases")
    return {name: getattr(model, name) for name in names}


def _cells(row: dict[str, Any]) -> list[str]:
    source = row.get("source")
    shown = "something you may not see"
    if source is not None:
        shown = f"{source['entity']}/{source['project']}/{source['name']}:v{source['version']}"
    linked = f"{human_age(row['linked_at'])} by {row['linked_by']}" + (", taken out since" if row["unlinked"] else "")
    return [f"v{row['number']}", ", ".join(row["aliases"]), shown, linked]
