"""A real server on a real socket for every test that asks for one."""

from __future__ import annotations

import asyncio
import http.client
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from treering.server.accounts import Accounts
from treering.server.app import Application, create_app
from treering.server.hosts import AllowedHosts
from treering.server.protocol import Http1
from treering.server.settings import Settings
from treering.server.sockets import bind_loopback

from .memory_store import MemoryStore


@dataclass
class Reply:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body, parse_constant=_refuse)

    @property
    def code(self) -> str:
        return str(self.json["error"]["code"])


def _refuse(name: str) -> None:
    raise AssertionError(f"a reply has a bare {name}")


@dataclass
class Server:
    """A running server and how to talk to it. ``store`` counts what reaches the handlers."""

    port: int
    app: Application
    store: Any
    uvicorn: uvicorn.Server
    token: str
    stop: Callable[[], None] = field(repr=False)

    def send(
        self,
        method: str,
        path: str,
        headers: dict[str, str] | None = None,
        body: bytes | None = None,
        timeout: float = 10,
    ) -> Reply:
        """Send exactly these headers (and a Host, if none is named)."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            names = {name.lower() for name in headers or {}}
            connection.putrequest(method, path, skip_host="host" in names, skip_accept_encoding=True)
            for name, value in (headers or {}).items():
                connection.putheader(name, value)
            if body is not None and not names & {"content-length", "transfer-encoding"}:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            response = connection.getresponse()
            content = response.read()
            return Reply(response.status, {k.lower(): v for k, v in response.getheaders()}, content)
        finally:
            connection.close()

    def call(self, method: str, path: str, value: Any = None, **headers: str) -> Reply:
        """Call the API as the folder's owner."""
        sent = {"Authorization": f"Bearer {self.token}", **headers}
        if value is not None:
            sent.setdefault("Content-Type", "application/json")
        return self.send(method, f"/api/1{path}", sent, None if value is None else json.dumps(value).encode())


def start_server(store: Any, settings: Settings, accounts: Accounts | None = None) -> Server:
    """Serve *store* in a thread until ``stop`` is called."""
    app = create_app(store, settings, accounts=accounts)
    sockets, port = bind_loopback(0, settings.data_dir)
    config = uvicorn.Config(
        app,
        http=Http1,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
    )
    server = uvicorn.Server(config)
    ready = threading.Event()

    async def main() -> None:
        task = asyncio.create_task(server.serve(sockets))
        while not server.started and not task.done():
            await asyncio.sleep(0.005)
        ready.set()
        await task

    thread = threading.Thread(target=asyncio.run, args=(main(),))
    thread.start()
    assert ready.wait(10)

    def stop() -> None:
        app.hub.close()
        server.should_exit = True
        thread.join(10)
        for bound in sockets:
            bound.close()
        assert not thread.is_alive()

    return Server(port, app, store, server, app.tokens.folder_token, stop)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server over two runs in memory, one for a module."""
    settings = Settings(tmp_path_factory.mktemp("data"), static_dir=Path("/nonexistent"))
    running = start_server(MemoryStore(), settings)
    yield running
    running.stop()


@pytest.fixture
def make_server(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Start servers with settings of one's own; they stop with the test."""
    running: list[Server] = []

    def make(store: Any = None, allowed_hosts: list[str] | None = None, **settings: Any) -> Server:
        settings.setdefault("static_dir", Path("/nonexistent"))
        hosts = AllowedHosts.parse(allowed_hosts or [])
        folder = settings.pop("data_dir", tmp_path)
        server = start_server(store or MemoryStore(), Settings(folder, allowed_hosts=hosts, **settings))
        running.append(server)
        return server

    yield make
    for server in running:
        server.stop()
