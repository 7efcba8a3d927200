"""
What a training asks of a server that is down, and how fast it catches up once the server is back.

    python bench/catch_up.py [--megabytes 150] [--down-s 20]

A training logs floats and 4,000 random hexadecimal digits a step while every request of it is answered 503; its
requests are counted once it has stopped logging. Then the way to a real server opens, through a proxy in Python, and
the clock runs until the server holds every byte durably. Prints one JSON line.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from http_ingest import Server

_TRAINING = """
import os, sys, treering as tr
run = tr.init(project="bench", id="r", settings={"silent": True, "sample_s": 0.0})
row = {f"metric{k}": 0.5 for k in range(10)}
for step in range(int(sys.argv[1]) * 1_000_000 // 4_150):
    run.log({**row, "loss": 1 / (step + 1), "note": os.urandom(2_000).hex()})
print("logged", flush=True)
sys.stdin.readline()
run.finish()
"""
_DOWN = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 5\r\nConnection: close\r\n\r\ndown\n"


class Way:
    """The way to a server: while it is not ``open``, every request is answered 503 and counted."""

    def __init__(self, port: int) -> None:
        self.open = False
        self.requests = 0
        self._to = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            near, _ = self._listener.accept()
            threading.Thread(target=self._serve, args=(near,), daemon=True).start()

    def _serve(self, near: socket.socket) -> None:
        with near, contextlib.suppress(OSError):
            if not self.open:
                near.recv(1 << 20)
                self.requests += 1
                near.sendall(_DOWN)
                return
            with socket.create_connection(("127.0.0.1", self._to)) as far:
                threading.Thread(target=_pass, args=(far, near), daemon=True).start()
                _pass(near, far)


def _pass(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(1 << 18):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


def held_bytes(server: Server, sizes: dict[str, int]) -> int:
    """Return how many bytes of those segments the server holds."""
    found = server.call(server.connect(), "POST", "/segments/query", {"segments": list(sizes)})["segments"]
    return sum(int(one["length"]) for one in found.values())


def measure(megabytes: int, down_s: float) -> dict[str, object]:
    """Run one training through an outage."""
    with tempfile.TemporaryDirectory() as name:
        here, there = Path(name, "here"), Path(name, "there")
        there.mkdir()
        server = Server(there)
        way = Way(server.port)
        environ = {
            **os.environ,
            "TREERING_DIR": str(here),
            "TREERING_ENTITY": "bench",
            "TREERING_MODE": "online",
            "TREERING_BASE_URL": way.url,
            "TREERING_API_KEY": server.token,
        }
        command = [sys.executable, "-c", _TRAINING, str(megabytes)]
        training = subprocess.Popen(
            command, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=name
        )
        assert training.stdin is not None
        assert training.stdout is not None
        try:
            training.stdout.readline()
            before, begin = way.requests, time.monotonic()
            time.sleep(down_s)
            asked_per_s = (way.requests - before) / (time.monotonic() - begin)
            way.open = True
            begin = time.monotonic()
            training.stdin.write("finish\n")
            training.stdin.flush()
            while True:
                sizes = {path.stem: path.stat().st_size for path in (here / "runs").glob("*/*.trl")}
                if training.poll() is not None and held_bytes(server, sizes) >= sum(sizes.values()):
                    break
                if time.monotonic() - begin > 300:
                    raise SystemExit("it did not catch up within 300 s")
                time.sleep(0.05)
            took_s = time.monotonic() - begin
        finally:
            training.kill()
            server.stop()
        return {
            "bench": "catch_up",
            "case": f"catching up with {sum(sizes.values()) / 1e6:.0f} MB after an outage",
            "mb_per_s": round(sum(sizes.values()) / 1e6 / took_s, 1),
            "took_s": round(took_s, 1),
            "requests_per_s_while_down": round(asked_per_s, 2),
            "target": "≥ 5 MB/s per client, ≤ 1 request/s per run while down",
        }


def main() -> None:
    """Measure once."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=150)
    parser.add_argument("--down-s", type=float, default=20.0)
    given = parser.parse_args()
    print(json.dumps(measure(given.megabytes, given.down_s)))


if __name__ == "__main__":
    main()
