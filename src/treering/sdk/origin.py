"""
Where a file comes from, asked of a server.

::

    for found in tr.Api().origin("model.safetensors"):
        print(found["run_name"], found["commit"], found["file"]["share"])
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from treering.errors import InvalidValue, RunNotFound
from treering.runlog.file_parts import parts_of

from .connection import Connection
from .stamps import Stamp, read_stamp

__all__ = ["FileFacts", "find_origins", "read_facts"]

_LEAST_SHARE: Final = 0.005


class FileFacts:
    """
    What a file is told by; its parts are read only when its hash is unknown.

    Attributes:
        sha256, bytes: of the whole.
        stamp: what it says itself.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with open(path, "rb") as file:
            self.sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        self.bytes = path.stat().st_size
        self.stamp: Stamp | None = read_stamp(path)
        self._parts: list[str] | None = None

    @property
    def parts(self) -> list[str]:
        """Digests of its parts; none of a small file."""
        if self._parts is None:
            self._parts = [part.digest for part in parts_of(self.path)]
        return self._parts


def read_facts(path: Path) -> FileFacts:
    """
    Return what a file is told by.

    Raises:
        InvalidValue: it is no file.
        OSError: it cannot be read.
    """
    if not path.is_file():
        raise InvalidValue(f"{str(path)!r} is no file." if path.exists() else f"there is no file {str(path)!r}.")
    return FileFacts(path)


def find_origins(connection: Connection, facts: FileFacts) -> list[dict[str, Any]]:
    """
    Return the runs that a file comes from, the most certain first.

    Each has ``how``: ``hash``, ``parts`` or ``stamp``; of the last, the run is known by nothing but what the file says.
    """

    def ask_parts() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = connection.call("POST", "/origin/parts", {"parts": facts.parts})["origins"]
        return found

    def ask_run(run_key: str) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = connection.call("GET", f"/runs/{run_key}")
        except RunNotFound:
            return None
        return found

    return choose_origins(facts, connection.call("GET", f"/origin/{facts.sha256}")["origins"], ask_parts, ask_run)


def choose_origins(
    facts: FileFacts,
    by_hash: list[dict[str, Any]],
    ask_parts: Callable[[], list[dict[str, Any]]],
    ask_run: Callable[[str], dict[str, Any] | None],
) -> list[dict[str, Any]]:
    """Return what is known by the hash, else by the parts, else by the stamp."""
    if by_hash:
        return [{"how": "hash", **one} for one in by_hash]
    found = []
    if facts.parts:
        found = [{"how": "parts", **one} for one in ask_parts() if one["file"]["share"] >= _LEAST_SHARE]
    stamp = facts.stamp
    if stamp is not None and all(one["run_key"] != stamp.run_key for one in found):
        run = ask_run(stamp.run_key)
        if run is not None:
            found.append({"how": "stamp", **_of_run(run)})
    return found


def _of_run(run: dict[str, Any]) -> dict[str, Any]:
    names = ("run_key", "run_id", "entity", "project", "state", "created_at", "config")
    meta = run.get("meta") or {}
    git = meta.get("git") if isinstance(meta.get("git"), dict) else {}
    return {
        **{name: run.get(name) for name in names},
        "run_name": run.get("name"),
        "author": str(meta.get("user") or ""),
        "command": str(meta.get("command") or ""),
        "commit": (git or {}).get("commit"),
        "remote": (git or {}).get("remote"),
        "has_changes": False,
        "inputs": [],
        "values": {},
        "file": None,
    }
