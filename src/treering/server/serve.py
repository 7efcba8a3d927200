"""
Running a server: from a data folder to sockets that answer, and back.

One process owns a folder's index. A second ``treering ui`` on the same folder therefore starts nothing and asks the
first for a fresh link; a server that a reading command started lets go when a lasting one asks.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import NoReturn

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from treering.errors import FolderInUse, FolderNotWritable
from treering.limits import FIRST_SCAN_WAIT_S, HEADER_BYTES_MAX, IDLE_EXIT_S
from treering.store import Store

from .app import Application, create_app
from .log import log_to
from .ownerfile import OwnerFile
from .protocol import Http1
from .settings import Listening, Settings
from .sockets import bind_loopback, bind_unix, remember_port
from .tokens import Tokens

__all__ = ["serve_loopback", "serve_socket"]

_GRACE_S = 5
_HANDOVER_S = 10.0


def serve_loopback(settings: Settings, port: int | None, started: Callable[[Listening], None]) -> None:
    """
    Serve a data folder on loopback until SIGINT or SIGTERM.

    Args:
        port: see ``bind_loopback``.
        started: called once, when requests are answered.

    Raises:
        FolderInUse: another lasting server has the folder.
        AccessDenied: the folder's secrets can be read by others.
        InvalidValue: the port is taken.
    """
    _prepare(settings.data_dir)
    tokens = Tokens(settings.data_dir)
    with _owned(settings) as store:
        sockets, bound_port = bind_loopback(port, settings.data_dir)
        if port is None:
            remember_port(settings.data_dir, bound_port)
        url = f"http://127.0.0.1:{bound_port}{settings.base_path}"
        app = create_app(store, settings, tokens)

        def ready() -> None:
            OwnerFile(os.getpid(), socket.gethostname(), bound_port, url, None, tokens.folder_token).write(
                settings.data_dir
            )
            started(Listening(os.getpid(), bound_port, url, tokens.new_code()))

        _run(_Server(app, app, ready), sockets)


def serve_socket(settings: Settings, started: Callable[[], None], idle_exit_s: float = IDLE_EXIT_S) -> None:
    """
    Serve a data folder on a unix socket until nobody has asked for *idle_exit_s*.

    Args:
        started: called once, when requests are answered.

    Raises:
        FolderInUse, AccessDenied: as ``serve_loopback``.
    """
    settings = replace(settings, idle=True)
    _prepare(settings.data_dir)
    tokens = Tokens(settings.data_dir)
    with _owned(settings, hand_over=False) as store:
        store.ingest_now()  # a reading command must not be answered with half of what is there
        bound, path = bind_unix()
        try:
            app = create_app(store, settings, tokens, stop=lambda: server.stop())
            idle = _Idle(app, idle_exit_s)

            def ready() -> None:
                host = socket.gethostname()
                OwnerFile(os.getpid(), host, None, None, str(path), tokens.folder_token, True).write(settings.data_dir)
                started()

            server = _Server(idle, app, ready, idle.is_over)
            _run(server, [bound])
        finally:
            shutil.rmtree(path.parent, ignore_errors=True)


def _prepare(data_dir: Path) -> None:
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise FolderNotWritable(f"Cannot make the data folder {data_dir}: {error.strerror}.") from None
    if not os.access(data_dir, os.W_OK | os.X_OK):
        raise FolderNotWritable(f"Cannot write in {data_dir}, where the server keeps its index and sessions.")
    OwnerFile.read(data_dir)  # refuses to go on if others can read the token of an earlier server


@contextmanager
def _owned(settings: Settings, hand_over: bool = True) -> Iterator[Store]:
    """Open the folder's store and its ingest, and in the end close both and take ``server.json`` away."""
    with log_to(settings.data_dir / "server.log"):
        store = _open_store(settings, hand_over)
        try:
            # Whoever asks at once gets everything that a moment can read; a large folder fills up while it is served.
            store.start(wait_s=FIRST_SCAN_WAIT_S)
            yield store
        finally:
            OwnerFile.remove(settings.data_dir)
            store.stop()
            store.close()


def _open_store(settings: Settings, hand_over: bool) -> Store:
    try:
        return Store.open(settings.data_dir, index_dir=settings.index_dir)
    except FolderInUse:
        owner = OwnerFile.read(settings.data_dir)
        if not (hand_over and owner is not None and owner.idle and _ask_for_handover(owner)):
            raise
    deadline = time.monotonic() + _HANDOVER_S
    while True:
        try:
            return Store.open(settings.data_dir, index_dir=settings.index_dir)
        except FolderInUse:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def _ask_for_handover(owner: OwnerFile) -> bool:
    request = (
        "POST /api/1/handover HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 0\r\n"
        f"Authorization: Bearer {owner.token}\r\nConnection: close\r\n\r\n"
    )
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(5)
            connection.connect(owner.socket or "")
            connection.sendall(request.encode())
            return connection.recv(64).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


class _Idle:
    """ASGI layer that knows how long nobody has asked for anything."""

    def __init__(self, app: ASGIApp, exit_after_s: float) -> None:
        self.app = app
        self._exit_after_s = exit_after_s
        self._open_requests = 0
        self._last_end = time.monotonic()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        self._open_requests += 1
        try:
            await self.app(scope, receive, send)
        finally:
            self._open_requests -= 1
            self._last_end = time.monotonic()

    def is_over(self) -> bool:
        return self._open_requests == 0 and time.monotonic() - self._last_end > self._exit_after_s


class _Server(uvicorn.Server):
    """
    uvicorn that says when it is ready, ends when it is idle, and ends live streams before it waits for requests to
    end.
    """

    def __init__(
        self,
        app: ASGIApp,
        application: Application,
        ready: Callable[[], None],
        is_over: Callable[[], bool] = lambda: False,
    ) -> None:
        config = uvicorn.Config(
            app,
            http=Http1,
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,  # X-Forwarded-For from anybody on this machine is a claim, not an address
            h11_max_incomplete_event_size=HEADER_BYTES_MAX,
            timeout_graceful_shutdown=_GRACE_S,
            timeout_keep_alive=30,
        )
        super().__init__(config)
        self._application = application
        self._ready = ready
        self._is_over = is_over

    def stop(self) -> None:
        """Ask the server to end. May be called from any thread."""
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()

    async def on_tick(self, counter: int) -> bool:
        return await super().on_tick(counter) or self._is_over()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._application.hub.close()
        await super().shutdown(sockets)


def _run(server: _Server, sockets: list[socket.socket]) -> None:
    def leave(number: int, frame: FrameType | None) -> NoReturn:
        raise SystemExit(128 + number)

    # uvicorn ends gracefully and then raises the signal again for whoever had it before; by default that would kill
    # the process before the store is closed.
    before = signal.signal(signal.SIGTERM, leave)
    try:
        asyncio.run(server.serve(sockets))
    except KeyboardInterrupt:
        pass  # Ctrl-C is how a server that stays is meant to be ended
    finally:
        signal.signal(signal.SIGTERM, before)
        for bound in sockets:
            bound.close()
