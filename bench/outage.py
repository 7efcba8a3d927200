"""
``log()`` and memory of a training whose server is black-holed, slow, or broken, beside the same training offline.

    python bench/outage.py [SECONDS]

Each case is a process of its own that logs ten floats every 0.2 ms; the servers here take connections and never
answer, answer after a second, or answer 500.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time

_TRAINING = """
import json, sys, time
import psutil
import treering as tr
seconds = float(sys.argv[1])
begun = time.monotonic()
run = tr.init(project="bench", settings={"silent": True, "finish_timeout_s": 0.0})
init_s = time.monotonic() - begun
row = {f"metric{k}": 0.5 + k for k in range(10)}
me, clock, took = psutil.Process(), time.perf_counter_ns, []
for _ in range(5_000):
    run.log(row)
before = me.memory_info().rss
end = time.monotonic() + seconds
while time.monotonic() < end:
    t = clock()
    run.log(row)
    took.append(clock() - t)
    time.sleep(0.0002)
grown = me.memory_info().rss - before - 8 * len(took) * 5
uploader = psutil.Process(run._uploader.pid).memory_info().rss
took.sort()
print(json.dumps({
    "init_s": round(init_s, 2), "calls": len(took), "median_us": took[len(took) // 2] / 1e3,
    "p99_us": took[len(took) * 99 // 100] / 1e3, "grown_mib": round(max(grown, 0) / 2**20, 1),
    "uploader_mib": round(uploader / 2**20, 1),
}))
sys.stdout.flush()
run.finish()
"""

_BROKEN = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 4\r\nContent-Type: text/plain\r\n\r\nbad\n"


class Server:
    """Answers everything in one bad way: ``hole``, ``slow`` or ``500``."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            while connection.recv(1 << 20):
                if self._kind == "hole":
                    continue
                if self._kind == "slow":
                    time.sleep(1.0)
                connection.sendall(_BROKEN)


def measure(kind: str, seconds: float) -> dict[str, object]:
    """Run one training and return what it said."""
    with tempfile.TemporaryDirectory() as folder:
        environ = {**os.environ, "TREERING_DIR": folder, "TREERING_ENTITY": "bench", "TREERING_MODE": "offline"}
        if kind != "offline":
            key = f"trk_{'a' * 8}_{'b' * 43}"
            environ |= {"TREERING_BASE_URL": Server(kind).url, "TREERING_API_KEY": key, "TREERING_MODE": "online"}
        done = subprocess.run(
            [sys.executable, "-c", _TRAINING, str(seconds)], env=environ, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise SystemExit(done.stderr)
        said: dict[str, object] = json.loads(done.stdout)
        return {"case": kind, **said}


if __name__ == "__main__":
    for kind in ("offline", "hole", "slow", "500", "offline"):
        print(json.dumps(measure(kind, float(sys.argv[1]) if len(sys.argv) > 1 else 10.0)), flush=True)
