"""Debian's nginx with the location of deploy/nginx.conf in front of a real server, under a path."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from store.shipping import frames_of, pieces
from store.world import World

ROOT = Path(__file__).resolve().parents[2]

_CONF = """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        server_name lab.example;
        {locations}
    }}
}}
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Proxied:
    """What is asked of nginx. ``token`` is the folder's."""

    def __init__(self, port: int, data: Path) -> None:
        self.port = port
        self.data = data
        self.token = json.loads((data / "server.json").read_text())["token"]

    def open(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        sent = {"Host": "lab.example", "Authorization": f"Bearer {self.token}", **headers}
        connection.request(method, path, body, sent)
        return connection, connection.getresponse()

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, bytes]:
        connection, response = self.open(method, path, body, **headers)
        content = response.read()
        connection.close()
        return response.status, content


@pytest.fixture
def proxied(tmp_path: Path) -> Iterator[Proxied]:
    nginx = shutil.which("nginx") or "/usr/sbin/nginx"
    if not os.access(nginx, os.X_OK):
        pytest.fail("nginx is not installed; `scripts/system-packages` gets it")
    data, folder, port = tmp_path / "data", tmp_path / "nginx", free_port()
    folder.mkdir()
    folder.chmod(0o755)
    command = [sys.executable, "-m", "treering.cli", "ui", "--data", str(data), "--port", "0", "--no-browser", "--json"]
    options = ["--base-path", "/runs/", "--allowed-host", "http://lab.example"]
    server = subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    behind = json.loads(server.stdout.readline())["port"]
    locations = (ROOT / "deploy/nginx.conf").read_text().replace("127.0.0.1:6464", f"127.0.0.1:{behind}")
    (folder / "nginx.conf").write_text(_CONF.format(folder=folder, port=port, locations=locations))
    user = ["-g", "user root;"] if os.getuid() == 0 else []
    front = subprocess.Popen(
        [nginx, "-p", str(folder), "-c", str(folder / "nginx.conf"), *user], stderr=subprocess.PIPE
    )
    try:
        until = time.monotonic() + 20
        while time.monotonic() < until:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert front.poll() is None, front.stderr and front.stderr.read()
            time.sleep(0.02)
        yield Proxied(port, data)
    finally:
        front.terminate()
        front.wait(20)
        assert front.stderr is not None
        front.stderr.close()
        server.send_signal(signal.SIGINT)
        server.wait(60)
        server.stdout.close()


def test_upload_live_stream_and_page_work_under_a_path_behind_nginx(proxied: Proxied, tmp_path: Path) -> None:
    there = World(tmp_path / "there")
    life = there.life()
    for step in range(2_000):
        life.log({"loss": 1.0, "text": "x" * 200}, step)

    def ship(parts: list[Any]) -> None:
        for part in parts:
            where = f"/runs/api/1/segments/{part.segment}?offset={part.offset}&prev={part.prev}"
            status, answer = proxied.ask("POST", where, part.body, **{"Content-Type": "application/x-treering-frames"})
            assert status == 200, answer

    ship(pieces(life.path, 2 << 20))
    sent = len(frames_of(life.path))
    until = time.monotonic() + 30
    while proxied.ask("GET", f"/runs/api/1/runs/{life.run_key}")[0] != 200 and time.monotonic() < until:
        time.sleep(0.05)

    status, page = proxied.ask("GET", "/runs/ada/digits")
    assert status == 200
    if b"<base" in page:  # the UI is built
        assert b'<base href="/runs/">' in page
    assert proxied.ask("GET", "/runs")[0] == 308

    status, changes = proxied.ask("GET", "/runs/api/1/changes?entity=ada&project=digits&since=0")
    since = json.loads(changes)["seq"]
    connection, stream = proxied.open("GET", f"/runs/api/1/live?entity=ada&project=digits&since={since}")
    assert stream.status == 200
    assert stream.readline() == b": open\n"
    life.log({"loss": 2.0}, 2_000)
    ship([part for part in pieces(life.path, 2 << 20) if part.offset + len(part.body) > sent])
    said = b""
    while b"event: change" not in said:
        said += stream.readline()
    connection.close()

    status, run = proxied.ask("GET", f"/runs/api/1/runs/{life.run_key}")
    assert json.loads(run)["metrics"]["loss"]["n"] >= 2_000
    stored = proxied.data / "runs" / life.run_key / life.path.name
    assert stored.read_bytes() == frames_of(life.path)


def test_what_comes_under_another_name_is_refused_behind_nginx_too(proxied: Proxied) -> None:
    assert proxied.ask("GET", "/runs/api/1/session", Host="evil.example")[0] == 421
    assert proxied.ask("GET", "/runs/api/1/session", Origin="http://evil.example")[0] == 403
    assert proxied.ask("GET", "/runs/api/1/session", Origin="http://lab.example")[0] == 200
