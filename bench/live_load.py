"""
A thousand live runs and five people: what a busy server does all day.

    python bench/live_load.py [--seconds 300] [--runs 1000] [--people 5]

The runs begin within twenty seconds; each ships 10 records of 10 floats every two seconds over a connection of its
own. Each person pans a chart of six
metrics over twenty runs twice a second, and reads the table of runs and what has changed as the page does. Prints a
JSON line; times are those that the client sees. The generator runs on the same cores and its CPU time is said too.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import resource
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from http_ingest import Log, Server, percentile

EVERY_S = 2.0
RAMP_S = 20.0  # in which the runs begin
ROWS = 10
PAN_EVERY_S = 0.5


class Wire:
    """One kept connection. As little as HTTP needs, so that the generator leaves the cores to the server."""

    def __init__(self, port: int, token: str) -> None:
        self._port = port
        self._head = f"Host: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\n"
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def send(self, method: str, path: str, content_type: str, body: bytes) -> tuple[int, bytes]:
        """Return status and body of the reply."""
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        about = f"Content-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
        head = f"{method} {path} HTTP/1.1\r\n{self._head}{about}"
        writer.write(head.encode() + body)
        lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower().split("\r\n")
        status = int(lines[0].split()[1])
        length = next(int(line.partition(":")[2]) for line in lines if line.startswith("content-length"))
        content = await reader.readexactly(length)
        if "connection: close" in lines:
            writer.close()
            self._streams = None
        return status, content


class Load:
    """What is done, and what it took."""

    def __init__(self, server: Server, runs: int, seconds: float) -> None:
        self.server = server
        self.logs = [Log(f"live-{number}", 10, "live") for number in range(runs)]
        self.until = time.perf_counter() + seconds
        self.ramp_s = min(RAMP_S, seconds / 4)
        self.append_s: list[float] = []
        self.started_s: list[float] = []
        self.page_s: list[float] = []
        self.statuses: dict[int, int] = {}
        self.rss_mib = 0.0

    def note(self, status: int) -> None:
        self.statuses[status] = self.statuses.get(status, 0) + 1

    async def run(self, log: Log, number: int) -> None:
        wire = Wire(self.server.port, self.server.token)
        due = time.perf_counter() + self.ramp_s * number / len(self.logs)
        while due < self.until:
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            offset, prev, body, _ = log.batch(rows=ROWS)
            path = f"/api/1/segments/{log.segment}?offset={offset}&prev={prev}"
            begin = time.perf_counter()
            status, answer = await wire.send("POST", path, "application/x-treering-frames", body)
            self.append_s.append(time.perf_counter() - begin)
            self.started_s.append(begin)
            self.note(status)
            if status != 200:
                print(status, answer[:300])
            due += EVERY_S

    async def person(self, number: int) -> None:
        wire = Wire(self.server.port, self.server.token)
        choice = random.Random(number)
        await asyncio.sleep(EVERY_S * 2 + number / 10)
        since, turn = 0, 0
        runs: list[str] = []
        while time.perf_counter() < self.until:
            due = time.perf_counter() + PAN_EVERY_S
            if turn % 20 == 0:
                runs = [log.run_key for log in choice.sample(self.logs, min(20, len(self.logs)))]
            keys = self.logs[0].names[:6]
            begin = choice.randrange(0, 100)
            await self.ask(wire, "/series", {"runs": runs, "keys": keys, "range": [begin, begin + 500], "buckets": 500})
            if turn % 4 == 0:
                query = {"entity": "bench", "project": "live", "limit": 100, "metrics": keys[:3]}
                since = max(since, (await self.ask(wire, "/runs/query", query))["seq"])
            since = (await self.ask(wire, f"/changes?entity=bench&project=live&since={since}", None))["seq"]
            turn += 1
            await asyncio.sleep(max(0.0, due - time.perf_counter()))

    async def ask(self, wire: Wire, path: str, value: Any) -> Any:
        body = b"" if value is None else json.dumps(value).encode()
        begin = time.perf_counter()
        status, answer = await wire.send("GET" if value is None else "POST", f"/api/1{path}", "application/json", body)
        self.page_s.append(time.perf_counter() - begin)
        self.note(status)
        return json.loads(answer) if status == 200 and answer[:1] == b"{" else {"seq": 0}

    async def watch(self) -> None:
        while time.perf_counter() < self.until:
            self.rss_mib = max(self.rss_mib, self.server.stat()[1])
            await asyncio.sleep(1)

    async def all(self, people: int) -> None:
        runs = [self.run(log, number) for number, log in enumerate(self.logs)]
        await asyncio.gather(self.watch(), *runs, *(self.person(number) for number in range(people)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--runs", type=int, default=1_000)
    parser.add_argument("--people", type=int, default=5)
    options = parser.parse_args()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, options.runs + 1_000)), hard))
    with tempfile.TemporaryDirectory() as name:
        server = Server(Path(name))
        try:
            load = Load(server, options.runs, options.seconds)
            cpu_before, own_before = server.stat()[0], time.process_time()
            asyncio.run(load.all(options.people))
            cpu, own_cpu = server.stat()[0] - cpu_before, time.process_time() - own_before
            connection = server.connect()
            held = {}
            for begin in range(0, len(load.logs), 1_000):
                asked = [log.segment for log in load.logs[begin : begin + 1_000]]
                held.update(server.call(connection, "POST", "/segments/query", {"segments": asked})["segments"])
            behind = sum(one["length"] - one["indexed"] for one in held.values())
            lost = sum(log.offset != held[log.segment]["length"] for log in load.logs)
        finally:
            server.stop()
    if os.environ.get("BY_TIME"):
        first = min(load.started_s)
        for at in range(0, int(options.seconds), 5):
            took = [t for t, s in zip(load.append_s, load.started_s, strict=True) if at <= s - first < at + 5]
            if took:
                print(at, round(statistics.median(took) * 1e3), percentile(took, 0.99))
    print(
        json.dumps(
            {
                "case": f"{options.runs} live runs x {ROWS} records of 10 floats each {EVERY_S:g} s for "
                f"{options.seconds:g} s, {options.people} people panning charts",
                "points_per_s": round(len(load.append_s) * ROWS * 10 / options.seconds),
                "append_p50_ms": round(statistics.median(load.append_s) * 1e3, 1),
                "append_p99_ms": percentile(load.append_s, 0.99),
                "append_max_ms": percentile(load.append_s, 1.0),
                "ui_p50_ms": percentile(load.page_s, 0.5),
                "ui_p95_ms": percentile(load.page_s, 0.95),
                "ui_max_ms": percentile(load.page_s, 1.0),
                "not_200": sum(count for status, count in load.statuses.items() if status != 200),
                "segments_not_equal": lost,
                "bytes_not_indexed_at_end": behind,
                "rss_mib": round(load.rss_mib),
                "server_cores": round(cpu / options.seconds, 2),
                "generator_cores": round(own_cpu / options.seconds, 2),
                "target": "append p99 ≤ 500 ms, UI p95 ≤ 1 s, no 5xx, RSS ≤ 512 MiB",
            }
        )
    )


if __name__ == "__main__":
    main()
