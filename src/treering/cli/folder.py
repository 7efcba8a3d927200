"""Which data folder a command is about."""

from __future__ import annotations

import os
from pathlib import Path

from treering.sdk.settings import default_folder

__all__ = ["data_folder"]


def data_folder(given: str | None) -> Path:
    """Return the folder named with ``--data``, else the one that runs started here would use. It need not exist."""
    return (Path(given).expanduser() if given else default_folder(os.environ, Path.cwd())).absolute()
