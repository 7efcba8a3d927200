"""
Running a server: from a data folder to sockets that answer, and back.

One process owns a folder's index. A second ``treering ui`` on the same folder therefore starts nothing and asks the
first for a fresh link; a server that a reading command started lets go when a lasting one asks.

::

    serve_loopback   treering ui      loopback, no accounts
    serve_team       treering serve   any address, accounts, TLS
    serve_socket     reading commands a unix socket, until nobody asks any more
"""

from __future__ import annotations

import asyncio
import functools
import gc
import os
import shlex
import shutil
import signal
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Final, NoReturn

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from treering.errors import FolderInUse, FolderNotWritable, InvalidValue, UsageError
from treering.limits import FIRST_SCAN_WAIT_S, HEADER_BYTES_MAX, IDLE_EXIT_S
from treering.store import Store

from .accounts import Accounts, accounts_file
from .app import Application, create_app
from .hosts import AllowedHosts, own_hosts
from .log import log_to
from .ownerfile import OwnerFile
from .protocol import Http1
from .settings import Certificate, Listening, Settings
from .sockets import bind_address, bind_loopback, bind_unix, remember_port
from .tokens import Tokens

__all__ = ["serve_loopback", "serve_socket", "serve_team"]

_GRACE_S = 5
_HANDOVER_S = 10.0
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


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
        app.api.state.alerts.address = app.api.state.alerts.address or url

        def ready() -> None:
            OwnerFile(os.getpid(), socket.gethostname(), bound_port, url, None, tokens.folder_token).write(
                settings.data_dir
            )
            started(Listening(os.getpid(), bound_port, url, tokens.new_code()))

        _run(_Server(app, app, ready), sockets)


def serve_team(
    settings: Settings,
    host: str,
    port: int,
    started: Callable[[Listening], None],
    certificate: Certificate | None = None,
    public_is_open: bool = False,
) -> None:
    """
    Serve a data folder to people with accounts until SIGINT or SIGTERM.

    Without an account yet it serves on loopback only, and ``started`` gets the code that makes the first.

    Args:
        host, port: see ``bind_address``.
        started: called once, when requests are answered.
        public_is_open: public projects can be looked at without an account.

    Raises:
        UsageError: the address is beyond loopback and there is no account.
        FolderInUse, AccessDenied, NewerFormat: the folder, its secrets or its accounts cannot be used.
        InvalidValue: the address or the port is taken or not ours, or the certificate cannot be used.
    """
    _prepare(settings.data_dir)
    _check_certificate(certificate)
    if settings.index_dir is not None:
        _make_folder(settings.index_dir)
    accounts = Accounts(accounts_file(settings.data_dir, settings.index_dir), public_is_open=public_is_open)
    try:
        if host not in _LOOPBACK and accounts.users.count() == 0:
            folder = shlex.quote(str(settings.data_dir))
            raise UsageError(
                f"--host {host}: there are no accounts yet, so everybody is a stranger. Make the first one with "
                f"`treering user add NAME --admin --data {folder}`, or start without --host and open the set-up link "
                "that it prints."
            )
        scheme = "http" if certificate is None else "https"
        own_scheme = None if certificate is None else "https"  # a proxy that ends TLS speaks plain HTTP to us
        address = settings.allowed_hosts.address()
        hosts = AllowedHosts((*settings.allowed_hosts.entries, *own_hosts(host, settings.allowed_hosts, own_scheme)))
        settings = replace(settings, allowed_hosts=hosts)
        tokens = Tokens(settings.data_dir)
        with _owned(settings) as store:
            sockets, bound_port = bind_address(host, port)
            local, path = bind_unix()
            try:
                app = create_app(store, settings, tokens, accounts=accounts)
                url = (address or f"{scheme}://{_shown_host(host)}:{bound_port}") + settings.base_path
                app.api.state.alerts.address = url

                def ready() -> None:
                    owner = OwnerFile(
                        os.getpid(), socket.gethostname(), bound_port, url, str(path), tokens.folder_token
                    )
                    owner.write(settings.data_dir)
                    started(Listening(os.getpid(), bound_port, url, accounts.codes.new_setup() or ""))

                _run(_Server(app, app, ready, certificate=certificate, local=local), [*sockets, local], code=0)
            finally:
                shutil.rmtree(path.parent, ignore_errors=True)
    finally:
        accounts.close()


def _shown_host(host: str) -> str:
    if host in ("0.0.0.0", "::"):  # noqa: S104  (what it is called, not what is bound)
        return socket.gethostname()
    return f"[{host}]" if ":" in host else host


def _check_certificate(certificate: Certificate | None) -> None:
    if certificate is None:
        return
    try:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        # A key that asks for a password would ask on the terminal of whoever starts the machine.
        context.load_cert_chain(certificate.chain, certificate.key, password=lambda: b"")
    except OSError as error:  # SSLError is one
        raise InvalidValue(
            f"--tls-cert {certificate.chain} and --tls-key {certificate.key} cannot be used ({error}). "
            "They are PEM files of one certificate, its chain, and its key without a password."
        ) from None


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


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise FolderNotWritable(f"Cannot make the folder {path}: {error.strerror}.") from None


def _prepare(data_dir: Path) -> None:
    _make_folder(data_dir)
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
        certificate: Certificate | None = None,
        local: socket.socket | None = None,
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
            ssl_certfile=None if certificate is None else certificate.chain,
            ssl_keyfile=None if certificate is None else certificate.key,
        )
        super().__init__(config)
        self._application = application
        self._ready = ready
        self._is_over = is_over
        self._local = local  # a unix socket for this machine's command line, without TLS whatever the others have

    def stop(self) -> None:
        """Ask the server to end. May be called from any thread."""
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup([bound for bound in sockets or () if bound is not self._local])
        if self.started and self._local is not None:
            make = functools.partial(Http1, self.config, self.server_state, self.lifespan.state)
            self.servers.append(await asyncio.get_running_loop().create_server(make, sock=self._local))
        if self.started:
            self._ready()

    async def on_tick(self, counter: int) -> bool:
        return await super().on_tick(counter) or self._is_over()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._application.hub.close()
        await super().shutdown(sockets)


def _run(server: _Server, sockets: list[socket.socket], code: int = 128 + signal.SIGTERM) -> None:
    """Serve until a signal. *code* is the exit code for SIGTERM: 0 is what a supervisor takes for a good end."""

    def leave(number: int, frame: FrameType | None) -> NoReturn:
        raise SystemExit(code)

    # uvicorn ends gracefully and then raises the signal again for whoever had it before; by default that would kill
    # the process before the store is closed.
    before = signal.signal(signal.SIGTERM, leave)
    _calm_collector()
    try:
        asyncio.run(server.serve(sockets))
    except KeyboardInterrupt:
        pass  # Ctrl-C is how a server that stays is meant to be ended
    finally:
        signal.signal(signal.SIGTERM, before)
        for bound in sockets:
            bound.close()


# As many containers are made before Python looks for cycles among them. With the usual 700 it looks through all that an
# index has in memory every few seconds, up to 0.5 s each time, and everybody who asks something waits for it. Under
# a thousand live runs a server took 515 MiB with 25,000, and 484 with this number.
_YOUNG_OBJECTS: Final = 10_000


def _calm_collector() -> None:
    """Have garbage in cycles looked for rarely, and never among what was there when the server began."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS, 20, 20)
