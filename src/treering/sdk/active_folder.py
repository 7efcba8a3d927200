"""The data folder of the run that began last in this process: where what is made beside it is best kept meanwhile."""

from __future__ import annotations

import os
from pathlib import Path

from .settings import current_folder, default_folder

__all__ = ["active_folder", "note_active_folder"]

_noted: Path | None = None


def note_active_folder(folder: Path) -> None:
    """Remember the data folder of a run that begins."""
    global _noted
    _noted = folder


def active_folder() -> Path:
    """Return the folder of the run that began last, or the one that a run would have that is begun now."""
    return _noted if _noted is not None else default_folder(os.environ, current_folder())
