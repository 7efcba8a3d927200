"""Runs that somebody locked: no training goes on in them."""

from __future__ import annotations

import json
from pathlib import Path

from treering.errors import UsageError

__all__ = ["check_lock"]


def check_lock(run_folder: Path) -> None:
    """Raise UsageError if a run is locked: what it logged is a record that stays as it is."""
    try:
        said = json.loads((run_folder / "locked.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return
    by = str(said.get("by") or "somebody")[:100] if isinstance(said, dict) else "somebody"
    raise UsageError(
        f"init(): the run in {run_folder} was locked by {by}: nothing is added to it. "
        "Use another id, or fork_from=… to go on from it in a run of its own."
    )
