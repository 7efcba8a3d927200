"""Runs that somebody locked: no training goes on in them."""

from __future__ import annotations

from pathlib import Path

import msgspec

from treering.errors import UsageError

__all__ = ["check_lock"]


def check_lock(run_folder: Path) -> None:
    """Raise UsageError if a run is locked: what it logged is a record that stays as it is."""
    try:
        said = msgspec.json.decode((run_folder / "locked.json").read_bytes())
    except (OSError, ValueError, RecursionError):  # msgspec.DecodeError is a ValueError
        return
    by = str(said.get("by") or "somebody")[:100] if isinstance(said, dict) else "somebody"
    raise UsageError(
        f"init(): the run in {run_folder} was locked by {by}: nothing is added to it. "
        "Use another id, or fork_from=… to go on from it in a run of its own."
    )
