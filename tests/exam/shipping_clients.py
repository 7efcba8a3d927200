"""
A server in a process of its own that can be killed, and clients that ship to it.

The clients are as small as the protocol allows, and are not the real ones: they are a second reading of it.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
from pathlib import Path
from typing import Any

from store.shipping import frames_of
from treering.ids import new_life_id, run_key
from treering.runlog import records
from treering.runlog.shipment import NOTHING, Held, next_batch
from treering.runlog.writer import Writer

# Imports once, then serves in a child that can be killed: a life of the server costs 0.2 s instead of 2.
_SERVER = """
import os, sys
from pathlib import Path
from treering.server.hosts import AllowedHosts
from treering.server.serve import serve_loopback
from treering.server.settings import Settings
import duckdb, sqlalchemy.dialects.sqlite, treering.store.sql
folder, port = Path(sys.argv[1]), int(sys.argv[2])
for line in sys.stdin:
    pid = os.fork()
    if not pid:
        os.close(0)
        settings = Settings(folder, static_dir=Path("/nonexistent"))
        serve_loopback(settings, port, lambda listening: print("ready", os.getpid(), flush=True))
        os._exit(0)
    os.waitpid(pid, 0)
    print("dead", pid, flush=True)
"""


def free_port() -> int:
    """Return a port that nobody listens on at present."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class KillableServer:
    """Serves a folder at one address, one life after the other."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self._process = subprocess.Popen(
            [sys.executable, "-c", _SERVER, str(folder), str(self.port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        self.pid = 0

    def start(self) -> float:
        """Begin a life and return the seconds until it answers."""
        assert self._process.stdin is not None
        begin = time.monotonic()
        self._process.stdin.write("go\n")
        word, self.pid = self._said()
        assert word == "ready"
        return time.monotonic() - begin

    def _said(self) -> tuple[str, int]:
        assert self._process.stdout is not None
        word, pid = self._process.stdout.readline().split()
        return word, int(pid)

    def kill(self, number: int = signal.SIGKILL) -> None:
        """End a life."""
        os.kill(self.pid, number)
        word, _ = self._said()
        assert word == "dead"

    @property
    def token(self) -> str:
        return str(json.loads((self.folder / "server.json").read_text())["token"])

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


class Client:
    """Writes runs into a folder of its own and ships them until told to stop."""

    def __init__(self, folder: Path, server: KillableServer, number: int, segment_max_bytes: int = 20_000) -> None:
        self.folder = folder / f"client{number}"
        self.server = server
        run_id = f"run{number}"
        self.key = run_key("ada", "kills", run_id)
        self.runs = self.folder / "runs" / self.key
        self.runs.mkdir(parents=True)
        life = {
            "run": {"entity": "ada", "project": "kills", "id": run_id, "key": self.key},
            "life_id": new_life_id(),
            "writer": "",
            "from_step": None,
            "process": {"host": "elsewhere", "pid": 1},
            "meta": {"name": run_id},
        }
        self.writer = Writer(self.runs, life, segment_max_bytes=segment_max_bytes, mapped=False)
        self.rows = 0
        self.acknowledged: dict[str, Held] = {}
        self.lost: list[str] = []
        self.appends = self.failures = 0
        self.store: tuple[str, int] | None = None
        self.restores_seen = 0
        self._connection: http.client.HTTPConnection | None = None
        self._positions: dict[str, Held] | None = None
        self._stop = threading.Event()
        self._given_up = False
        self._thread = threading.Thread(target=self._run)

    def start(self) -> None:
        self._thread.start()

    def finish(self) -> None:
        """End the run, ship what is left, and return."""
        self._stop.set()
        self._thread.join(120)
        assert not self._thread.is_alive(), "a client could not ship the rest"

    def stop(self) -> None:
        """Give up, without shipping the rest."""
        self._stop.set()
        self._given_up = True
        if self._thread.is_alive():
            self._thread.join(60)
        self.forget()

    def log(self, rows: int) -> None:
        for _ in range(rows):
            data = {f"metric{key}": float(self.rows * key) for key in range(10)}
            self.writer.append(records.ROW, [self.rows, time.time_ns(), data])
            self.rows += 1

    def segments(self) -> dict[str, bytes]:
        """Return the whole frames of each segment on this side."""
        return {path.stem: frames_of(path) for path in sorted(self.runs.glob("*.trl"))}

    def _run(self) -> None:
        while not self._stop.is_set():
            self.log(20)
            # As much as was logged is shipped before more is: a server that is dead half of the time must not fall
            # behind for ever.
            while not self.ship() and not self._stop.is_set():
                pass
            self._stop.wait(0.005)
        self.writer.append(records.END, [time.time_ns(), {"state": "finished", "writer": ""}])
        self.writer.close()
        while not self.ship() and not self._given_up:
            time.sleep(0.05)
        if self._connection is not None:
            self._connection.close()

    def ship(self) -> bool:
        """Send what is new; False if the server could not take all of it."""
        try:
            if self._positions is None:
                self._ask()
            assert self._positions is not None
            for path in self.runs.glob("*.trl"):
                self._ship_segment(path)
            return True
        except (OSError, http.client.HTTPException, _TryAgainError):
            self.failures += 1
            self.forget()
            time.sleep(0.01)
            return False

    def forget(self) -> None:
        """Ask again where everything stands, over a new connection."""
        self._positions = None
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _ask(self) -> None:
        names = [path.stem for path in self.runs.glob("*.trl")]
        answer = self._call("POST", "/segments/query", json.dumps({"segments": names}).encode(), "application/json")[1]
        store = (answer["store_id"], answer["restores"])
        if self.store is not None and self.store != store:
            self.restores_seen += 1
            self.acknowledged.clear()  # what another store acknowledged says nothing of this one
        self.store = store
        held = {name: Held(one["length"], one["chain"], one["sealed"]) for name, one in answer["segments"].items()}
        for name, before in self.acknowledged.items():
            if held.get(name, NOTHING).length < before.length:
                self.lost.append(f"{name}: {before.length} bytes were acknowledged, {held.get(name)} are held")
        self._positions = held

    def _ship_segment(self, path: Path) -> None:
        assert self._positions is not None
        if self._positions.get(path.stem, NOTHING).sealed:
            return
        data = path.read_bytes()
        while True:
            held = self._positions.get(path.stem, NOTHING)
            body, _ = next_batch(path.stem, lambda n, at: data[at : at + n], held, 4_000)
            if not body:
                return
            where = f"/segments/{path.stem}?offset={held.length}&prev={held.chain}"
            status, answer = self._call("POST", where, body, "application/x-treering-frames")
            if status == 409:
                self._positions[path.stem] = Held(**answer["held"])
                continue
            if (answer["store_id"], answer["restores"]) != self.store:
                raise _TryAgainError
            got = Held(answer["length"], answer["chain"], answer["sealed"])
            self._positions[path.stem] = self.acknowledged[path.stem] = got
            self.appends += 1

    def _call(self, method: str, path: str, body: bytes, content_type: str) -> tuple[int, Any]:
        if self._connection is None:
            self._connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=30)
            self._token = self.server.token
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": content_type}
        self._connection.request(method, f"/api/1{path}", body, headers)
        response = self._connection.getresponse()
        content = response.read()
        if response.status not in (200, 409):
            raise _TryAgainError(f"{response.status} {content[:200]!r}")
        return response.status, json.loads(content)


class _TryAgainError(Exception):
    """An answer that asks for another try."""


def get(port: int, path: str, token: str = "") -> tuple[int, bytes]:
    """Return status and body; 0 if nobody answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    with contextlib.closing(connection):
        try:
            connection.request("GET", path, headers={"Authorization": f"Bearer {token}"} if token else {})
            response = connection.getresponse()
            return response.status, response.read()
        except (OSError, http.client.HTTPException, urllib.error.URLError):
            return 0, b""
