"""What a server is told at start. Everything that can change the answer of a request is here or in the store."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from .hosts import AllowedHosts

__all__ = ["STATIC_DIR", "Listening", "Settings"]

STATIC_DIR = Path(__file__).parent / "static"


@dataclass(frozen=True, slots=True)
class Settings:
    """
    Settings of one server process.

    Args:
        data_dir: the data folder that the store was opened on.
        allowed_hosts: host names beyond localhost under which browsers may reach this server (``--allowed-host``).
        base_path: path under which a proxy shows the server, beginning and ending with ``/``.
        static_dir: the built UI.
        index_dir: where the index is, if not in the data folder; on a local disk when the folder is on a network.
        idle: this server was started by a reading command and may be asked to hand the folder over.
    """

    data_dir: Path
    allowed_hosts: AllowedHosts = field(default_factory=AllowedHosts)
    base_path: str = "/"
    static_dir: Path = STATIC_DIR
    index_dir: Path | None = None
    idle: bool = False


@dataclass(frozen=True, slots=True)
class Listening:
    """What a started server tells whoever started it. ``one_time`` is a code for the first browser."""

    pid: int
    port: int
    url: str
    one_time: str
