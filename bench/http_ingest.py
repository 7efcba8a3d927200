"""
Ingest over HTTP: many clients send batches of the usual size, as fast as the server answers.

    python bench/http_ingest.py [--clients 50] [--batches 20] [--keys 10]

Prints a JSON line. Points count once they are durable (fdatasync) *and* applied to the index, so that a chart shows
them; the batches are made before the clock starts. The generator runs on the same cores: its CPU time is said too.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from treering.ids import new_life_id, new_segment_id, run_key
from treering.limits import SHIP_BATCH_BYTES
from treering.runlog import records
from treering.runlog.frames import encode_frame, encode_header, seed


class Log:
    """A run log in memory, in batches of about the usual size."""

    def __init__(self, run_id: str, keys: int, project: str = "ingest") -> None:
        self.segment = new_segment_id()
        self.run_key = run_key("bench", project, run_id)
        self.names = [f"group{number % 4}/metric{number}" for number in range(keys)]
        self.offset, self.seq, self.step = 0, 0, 0
        self._seed = seed(self.segment)
        header = encode_header(self.segment, time.time_ns())
        self.prev = self._chain = int.from_bytes(header[-4:], "little")
        self._waiting = [header, self._frame(records.HEADER, header)]
        self.seq = 0
        life = {
            "run": {"entity": "bench", "project": project, "id": run_id, "key": self.run_key},
            "life_id": new_life_id(),
            "index": 0,
            "created_ns": time.time_ns(),
            "writer": "",
            "from_step": None,
            "process": {"host": "elsewhere", "pid": 1},
            "meta": {"name": run_id},
        }
        self._waiting.append(self._frame(records.LIFE, records.encode(life)))
        self.prev = 0

    def _frame(self, kind: int, payload: bytes) -> bytes:
        frame = encode_frame(kind, payload, first_seq=self.seq, prev=self._chain, crc_seed=self._seed)
        self._chain = int.from_bytes(frame[32:36], "little")
        self.seq += 1
        return frame

    def batch(self, rows: int = 0, size: int = 0) -> tuple[int, int, bytes, int]:
        """Return offset, chain value before, bytes and rows of the next batch: *rows* of them, or *size* bytes."""
        frames, self._waiting = self._waiting, []
        total = sum(map(len, frames))
        made = 0
        while made < rows or total < size:
            value = 1.0 / (self.step + 1)
            row = [self.step, time.time_ns(), {name: value + number for number, name in enumerate(self.names)}]
            frames.append(self._frame(records.ROW, records.encode(row)))
            total += len(frames[-1])
            self.step += 1
            made += 1
        found = (self.offset, self.prev, b"".join(frames), made)
        self.offset, self.prev = self.offset + total, self._chain
        return found


class Server:
    """``treering ui`` on a folder of its own."""

    def __init__(self, folder: Path) -> None:
        command = [
            sys.executable,
            "-m",
            "treering.cli",
            "ui",
            "--data",
            str(folder),
            "--port",
            "0",
            "--no-browser",
            "--json",
        ]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.port = int(json.loads(self.process.stdout.readline())["port"])
        self.token = json.loads((folder / "server.json").read_text())["token"]
        self.headers = {"Authorization": f"Bearer {self.token}"}

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)

    def call(self, connection: http.client.HTTPConnection, method: str, path: str, value: Any = None) -> Any:
        """Send JSON, return JSON."""
        body = None if value is None else json.dumps(value)
        connection.request(method, f"/api/1{path}", body, {**self.headers, "Content-Type": "application/json"})
        reply = connection.getresponse()
        content = reply.read()
        if reply.status != 200:
            raise SystemExit(f"{method} {path}: {reply.status} {content[:300]!r}")
        return json.loads(content)

    def append(
        self, connection: http.client.HTTPConnection, segment: str, offset: int, prev: int, body: bytes
    ) -> tuple[int, bytes]:
        """Send one batch."""
        headers = {**self.headers, "Content-Type": "application/x-treering-frames"}
        connection.request("POST", f"/api/1/segments/{segment}?offset={offset}&prev={prev}", body, headers)
        reply = connection.getresponse()
        return reply.status, reply.read()

    def stat(self) -> tuple[float, float]:
        """Return CPU seconds used and resident MiB."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"), pages * 4096 / 2**20

    def stop(self) -> None:
        self.process.send_signal(signal.SIGINT)
        self.process.wait(60)


def percentile(values: list[float], share: float) -> float:
    """Return a percentile in milliseconds."""
    ordered = sorted(values) or [0.0]
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1e3, 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--batches", type=int, default=20)
    parser.add_argument("--keys", type=int, default=10)
    options = parser.parse_args()
    logs = [Log(f"r{number}", options.keys) for number in range(options.clients)]
    work = [[log.batch(size=SHIP_BATCH_BYTES) for _ in range(options.batches)] for log in logs]
    points = sum(rows for batches in work for *_, rows in batches) * options.keys
    sent = sum(len(body) for batches in work for _, _, body, _ in batches)
    took: list[float] = []
    with tempfile.TemporaryDirectory() as name:
        server = Server(Path(name))

        def client(log: Log, batches: list[tuple[int, int, bytes, int]]) -> None:
            connection = server.connect()
            for offset, prev, body, _ in batches:
                begin = time.perf_counter()
                status, answer = server.append(connection, log.segment, offset, prev, body)
                took.append(time.perf_counter() - begin)
                assert status == 200, answer
            connection.close()

        threads = [threading.Thread(target=client, args=pair) for pair in zip(logs, work, strict=True)]
        cpu_before = server.stat()[0]
        own_before = time.process_time()
        begin = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        durable_s = time.perf_counter() - begin
        connection = server.connect()
        while True:
            held = server.call(connection, "POST", "/segments/query", {"segments": [log.segment for log in logs]})
            if all(one["indexed"] == one["length"] for one in held["segments"].values()):
                break
            time.sleep(0.05)
        indexed_s = time.perf_counter() - begin
        own_cpu_s = time.process_time() - own_before
        cpu, rss = server.stat()
        server.stop()
    print(
        json.dumps(
            {
                "case": f"http ingest, {options.clients} clients, {SHIP_BATCH_BYTES >> 10} KiB batches, "
                f"{options.keys} floats a record",
                "points": points,
                "points_per_s": round(points / indexed_s),
                "durable_points_per_s": round(points / durable_s),
                "mb_per_s": round(sent / indexed_s / 1e6, 1),
                "append_p50_ms": round(statistics.median(took) * 1e3, 1),
                "append_p99_ms": percentile(took, 0.99),
                "server_cpu_s": round(cpu - cpu_before, 1),
                "generator_cpu_s": round(own_cpu_s, 1),
                "generator_rss_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
                "server_rss_mib": round(rss),
                "wall_s": round(indexed_s, 1),
                "target_points_per_s": 400_000,
            }
        )
    )


if __name__ == "__main__":
    main()
