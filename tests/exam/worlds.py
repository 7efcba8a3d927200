"""A real server over a real store with real run logs, and a spy that counts what its handlers ask of the store."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from server.conftest import Server, start_server
from server.run_logs import write_run
from treering.server.hosts import AllowedHosts
from treering.server.settings import Settings
from treering.store import Store

QUIET = frozenset({"start", "stop", "close", "subscribe", "seq"})


class SpyStore:
    """Passes everything on to a store and notes the name of each method that was called."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._store, name)
        if callable(value) and name not in QUIET:
            self.calls.append(name)
        return value


def log_hash(data_dir: Path) -> str:
    """Return a hash over every byte of every run log of a folder."""
    digest = hashlib.sha256()
    for path in sorted((data_dir / "runs").rglob("*.trl")):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


class World:
    """A folder with three runs, its store, its server. ``calls`` is what reached a handler."""

    def __init__(self, data_dir: Path, store: Store, server: Server, keys: list[str]) -> None:
        self.data_dir = data_dir
        self.store = store
        self.server = server
        self.keys = keys

    @property
    def calls(self) -> list[str]:
        calls: list[str] = self.server.store.calls
        return calls

    def log_hash(self) -> str:
        """Return a hash over every byte of every run log."""
        return log_hash(self.data_dir)

    def requests(self) -> list[tuple[str, str, Any]]:
        """Return one request for each verb of the API: method, path below /api/1, body."""
        run = f"/runs/{self.keys[0]}"
        return [
            ("GET", "/session", None),
            ("GET", "/projects", None),
            ("GET", "/projects/ada/digits", None),
            ("POST", "/runs/query", {"entity": "ada", "project": "digits"}),
            ("GET", run, None),
            ("PATCH", run, {"name": "changed"}),
            ("POST", "/series", {"runs": [self.keys[0]], "keys": ["loss"]}),
            ("GET", "/changes?entity=ada&project=digits", None),
            ("GET", f"{run}/history", None),
            ("GET", f"{run}/console", None),
            ("GET", f"{run}/verify", None),
            ("POST", "/runs/compare", {"runs": [self.keys[0]] * 2}),
        ]


@contextmanager
def world(
    data_dir: Path, allowed_hosts: list[str] | None = None, wrap: Callable[[Any], Any] = SpyStore
) -> Iterator[World]:
    """Make the folder, serve it in a thread, and take it down again."""
    rows = [{"loss": 1 / (step + 1), "acc": step} for step in range(20)]
    keys = [
        write_run(data_dir, run_id, rows, config={"lr": 0.1, "model": {"depth": 3}}) for run_id in ("a1", "b2", "c3")
    ]
    store = Store.open(data_dir)
    try:
        store.ingest_now()
        hosts = AllowedHosts.parse(allowed_hosts or [])
        server = start_server(wrap(store), Settings(data_dir, allowed_hosts=hosts))
        try:
            yield World(data_dir, store, server, keys)
        finally:
            server.stop()
    finally:
        store.close()
