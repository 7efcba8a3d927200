"""Which data folder a command is about."""

from __future__ import annotations

import os
from pathlib import Path

from treering.sdk.settings import default_folder

__all__ = ["data_folder", "index_folder"]


def data_folder(given: str | None) -> Path:
    """Return the folder named with ``--data``, else the one that runs started here would use. It need not exist."""
    return (Path(given).expanduser() if given else default_folder(os.environ, Path.cwd())).absolute()


def index_folder() -> Path | None:
    """Return ``TREERING_INDEX_DIR``, for data folders on a network, or None for the usual place in the data folder."""
    given = os.environ.get("TREERING_INDEX_DIR")
    return Path(given).expanduser().absolute() if given else None
