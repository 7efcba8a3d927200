"""
How the reading API reaches a server: over loopback to the one that serves a folder, or to one it starts on a unix
socket.

A server's answers are taken as hostile: sizes are bounded before they are read, redirects are not followed, an
error's text is only ever text. The token is sent to the address that it came with and nowhere else.
"""

from __future__ import annotations

import http.client
import os
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from treering.errors import (
    AccessDenied,
    FilterError,
    FormatError,
    InvalidName,
    InvalidValue,
    LimitExceeded,
    MissingExtra,
    NotFound,
    ProjectNotFound,
    RemoteError,
    RunNotFound,
    ServerUnavailable,
    TreeringError,
)

from .transport import Address, Trust, explain, open_connection

__all__ = ["Connection", "connect_to_folder", "running_server"]

_REPLY_MAX_BYTES: Final = 256 * 1024 * 1024
_ERROR_MAX_BYTES: Final = 64 * 1024
_OWNER_MAX_BYTES: Final = 64 * 1024
_CHUNK_MAX_BYTES: Final = 1024 * 1024 * 1024  # one batch of a history
_PIECE_BYTES: Final = 1 << 20
_TIMEOUT_S: Final = 300.0  # between two reads: `verify` reads every byte of a run before it answers
_UNAUTHORIZED: Final = 401
_PARTIAL: Final = 206
_HANDOVER_S: Final = 10.0
_FOLDER_IN_USE: Final = 6  # exit code of `treering serve-socket`
_START_TIMEOUT_S: Final = 600.0  # a first index of 10 million points takes 10 s

# Only these become errors of their own: a server cannot make a client raise, or import, anything else.
_ERRORS: Final[dict[str, type[TreeringError]]] = {
    "run_not_found": RunNotFound,
    "project_not_found": ProjectNotFound,
    "not_found": NotFound,
    "invalid_filter": FilterError,
    "invalid_name": InvalidName,
    "invalid_value": InvalidValue,
    "too_large": LimitExceeded,
    "missing_extra": MissingExtra,
}


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        try:
            self.sock.connect(self._path)
        except OSError:
            self.sock.close()
            raise


class _Routed:
    """HTTP to a server by its address, by way of whatever proxy and with whatever certificates are set."""

    def __init__(self, address: Address, timeout: float) -> None:
        self.server = open_connection(address, Trust.from_environ(os.environ), os.environ)
        self._timeout_s = timeout

    def request(self, method: str, target: str, body: bytes | None, headers: dict[str, str]) -> None:
        self._response = self.server.request(method, target, body, headers, self._timeout_s, each=True)

    def getresponse(self) -> http.client.HTTPResponse:
        return self._response

    def close(self) -> None:
        self.server.close()


class Connection:
    """
    One server and the token for it. Threads may share it; requests go one after the other.

    ``renew`` finds the server anew: a notebook that pauses for a minute comes back to a folder whose idle server has
    ended, or was replaced by ``treering ui``.
    """

    def __init__(self, make: type[Any], address: tuple[Any, ...], name: str, token: str, prefix: str = "") -> None:
        self.name = name
        self.renew: Callable[[], Connection] | None = None
        self.folder: Path | None = None  # the data folder that it serves, if that is one of this machine
        self.is_kept = True  # between two requests; False for somebody who never closes it
        self._make = make
        self._address = address
        self._token = token
        self._prefix = prefix
        self._lock = threading.Lock()
        self._http: http.client.HTTPConnection | _Routed | None = None

    @classmethod
    def to_url(cls, url: str, token: str) -> Connection:
        """
        Return a connection to a server by its address.

        Raises:
            InvalidValue: not an http or https address, or one with a user, query or fragment.
        """
        return cls(_Routed, (Address.parse(url),), url, token)

    @classmethod
    def to_socket(cls, path: str, token: str) -> Connection:
        """Return a connection to a server on a unix socket."""
        return cls(_UnixConnection, (path,), path, token)

    def close(self) -> None:
        """Close the socket. The next request opens another."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._http is not None:
            self._http.close()
            self._http = None

    def call(self, method: str, path: str, value: object = None) -> Any:
        """
        Send a request below ``/api/1`` and return the value of its reply; NaN is NaN and ints are ints.

        Raises:
            ServerUnavailable: nobody answers, or what answers is not HTTP.
            RemoteError, or the error that its code names: the server refused.
            FormatError: the reply is not what an API would send.
        """
        content = self.fetch(method, path, value, accept="application/msgpack")
        try:
            return msgspec.msgpack.decode(content)
        except (msgspec.DecodeError, RecursionError, ValueError):
            raise FormatError(f"{self.name} answered {method} {path} with something that is not msgpack.") from None

    def fetch(self, method: str, path: str, value: object = None, accept: str = "*/*") -> bytes:
        """Send a request and return the bytes of its reply; raises like ``call``."""
        with self._lock:
            response = self._send(method, path, value, accept)
            try:
                content = response.read(_REPLY_MAX_BYTES + 1)
            except (OSError, http.client.HTTPException) as error:
                self._close()
                raise ServerUnavailable(f"{self.name} broke off its answer ({_reason(error)}).") from None
            if len(content) > _REPLY_MAX_BYTES:
                self._close()
                raise FormatError(f"{self.name} answered {method} {path} with more than {_REPLY_MAX_BYTES:,} bytes.")
            if not self.is_kept:
                self._close()
            return content

    def stream(self, path: str) -> Iterator[bytes]:
        """
        Return the chunks of a length-prefixed stream, which ends with a length of 0; raises like ``call``.

        It has a connection of its own, so that other requests can go on between two chunks.
        """
        own = Connection(self._make, self._address, self.name, self._token, self._prefix)
        own.renew = self.renew
        try:
            response = own._send("GET", path, None, "application/msgpack")
            while True:
                size = int.from_bytes(self._read_exactly(response, 4), "little")
                if size == 0:
                    return
                if size > _CHUNK_MAX_BYTES:
                    raise FormatError(f"{self.name} announced a batch of {size:,} bytes.")
                yield self._read_exactly(response, size)
        finally:
            own.close()

    def pieces(self, path: str, most_bytes: int, begin: int = 0) -> Iterator[bytes]:
        """
        Return the bytes of a reply from *begin* on as they come, on a connection of its own; raises like ``call``.

        Raises:
            FormatError: there are more than *most_bytes* of them, or the server cannot begin there.
        """
        own = Connection(self._make, self._address, self.name, self._token, self._prefix)
        own.renew = self.renew
        try:
            response = own._send("GET", path, None, "*/*", begin)
            if (response.status == _PARTIAL) != (begin > 0):
                raise FormatError(f"{self.name} was asked for bytes from {begin:,} on and sends others.")
            seen = 0
            while True:
                try:
                    piece = response.read(_PIECE_BYTES)
                except (OSError, http.client.HTTPException) as error:
                    raise ServerUnavailable(f"{self.name} broke off its answer ({_reason(error)}).") from None
                if not piece:
                    return
                seen += len(piece)
                if seen > most_bytes:
                    raise FormatError(f"{self.name} sends more than the {most_bytes:,} bytes that it announced.")
                yield piece
        finally:
            own.close()

    def _read_exactly(self, response: http.client.HTTPResponse, size: int) -> bytes:
        try:
            content = response.read(size)
        except (OSError, http.client.HTTPException) as error:
            raise ServerUnavailable(f"{self.name} broke off its answer ({_reason(error)}).") from None
        if len(content) < size:
            raise ServerUnavailable(f"{self.name} broke off its answer: the history is not complete. Ask again.")
        return content

    def _send(self, method: str, path: str, value: object, accept: str, begin: int = 0) -> http.client.HTTPResponse:
        try:
            return self._try_send(method, path, value, accept, begin)
        except (ServerUnavailable, RemoteError) as error:
            gone = isinstance(error, ServerUnavailable) or error.status == _UNAUTHORIZED
            if self.renew is None or not gone:
                raise
        found = self.renew()
        self.name, self._token, self._prefix = found.name, found._token, found._prefix
        self._make, self._address = found._make, found._address
        found.close()
        return self._try_send(method, path, value, accept, begin)

    def _try_send(self, method: str, path: str, value: object, accept: str, begin: int) -> http.client.HTTPResponse:
        body = None if value is None else msgspec.json.encode(value)
        headers = {"Authorization": f"Bearer {self._token}", "Accept": accept}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if begin:
            headers["Range"] = f"bytes={begin}-"
        target = f"{self._prefix}/api/1{path}"
        reused = self._http is not None
        try:
            response = self._request(method, target, body, headers)
        except (OSError, http.client.HTTPException) as error:
            why = self._why(error)
            self._close()
            if not (reused and isinstance(error, ConnectionError)):
                raise ServerUnavailable(f"Cannot reach {self.name} ({why}).") from None
            # A kept connection that the server closed while it was idle: nothing was answered, so ask once more.
            try:
                response = self._request(method, target, body, headers)
            except (OSError, http.client.HTTPException) as again:
                self._close()
                raise ServerUnavailable(f"Cannot reach {self.name} ({_reason(again)}).") from None
        if response.status not in (200, _PARTIAL):
            content = response.read(_ERROR_MAX_BYTES)
            self._close()
            raise _error_from(response.status, content, self.name)
        return response

    def _why(self, error: Exception) -> str:
        return explain(error, self._http.server) if isinstance(self._http, _Routed) else _reason(error)

    def _request(
        self, method: str, target: str, body: bytes | None, headers: dict[str, str]
    ) -> http.client.HTTPResponse:
        if self._http is None:
            self._http = self._make(*self._address, timeout=_TIMEOUT_S)
        self._http.request(method, target, body, headers)
        return self._http.getresponse()


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error) or type(error).__name__


class _Problem(msgspec.Struct):
    code: str = ""
    message: str = ""
    hint: str = ""
    position: int = 0


class _ErrorReply(msgspec.Struct):
    error: _Problem


def _error_from(status: int, content: bytes, name: str) -> TreeringError:
    """Return the error for a refusal. What is not our JSON is summed up by its status: a proxy's page is no message."""
    try:
        problem = msgspec.json.decode(content, type=_ErrorReply).error
    except (msgspec.DecodeError, RecursionError):
        return RemoteError(f"{name} answered with status {status} and no explanation.", status=status)
    message, hint = problem.message[:2_000], problem.hint[:1_000]
    kind = _ERRORS.get(problem.code)
    if kind is FilterError:
        return FilterError(message, problem.position)
    if kind is not None:
        return kind(f"{message} {hint}".rstrip())
    return RemoteError(message, problem.code[:100], hint, status)


# ── finding the server of a folder ───────────────────────────────────────────────────────────────────────────────


class _Owner(msgspec.Struct):
    """What a reader needs of ``server.json``."""

    pid: int
    host: str
    token: str
    url: str | None = None
    port: int | None = None
    socket: str | None = None


def connect_to_folder(data_dir: Path) -> Connection:
    """
    Return a connection to the server that owns a data folder's index, starting one that ends by itself if there is
    none.

    Raises:
        NotFound: the folder does not exist.
        ServerUnavailable: a server could not be started; the message has its reason.
        AccessDenied: other users can read the folder's token.
    """
    connection = _find_or_start(data_dir)
    connection.renew = lambda: _find_or_start(data_dir)
    connection.folder = data_dir
    return connection


def _find_or_start(data_dir: Path) -> Connection:
    if not data_dir.is_dir():
        raise NotFound(
            f"There is no data folder {data_dir}. Runs make it; or name another with --data or TREERING_DIR."
        )
    connection = running_server(data_dir)
    if connection is not None:
        return connection
    # More than once: an owner that is just ending, or one that another reader starts at this moment, has the folder but
    # does not answer yet.
    deadline = time.monotonic() + _HANDOVER_S
    while True:
        code, message = _start_server(data_dir)
        connection = running_server(data_dir)
        if connection is not None:
            return connection
        if code not in (0, _FOLDER_IN_USE) or time.monotonic() > deadline:
            raise ServerUnavailable(f"Cannot read {data_dir}: {message or f'its server ended with code {code}.'}")


def _start_server(data_dir: Path) -> tuple[int, str]:
    """Start a server that ends when it is idle; return once it answers, or the exit code and why it does not."""
    command = [sys.executable, "-m", "treering.cli", "serve-socket", "--data", str(data_dir)]
    quiet = subprocess.DEVNULL
    try:
        done = subprocess.run(command, stdin=quiet, stdout=quiet, stderr=subprocess.PIPE, timeout=_START_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        raise ServerUnavailable(f"No server for {data_dir} was ready within {_START_TIMEOUT_S:g} s.") from None
    return done.returncode, done.stderr.decode("utf-8", "replace").strip().removeprefix("treering: ")[-1_000:]


def running_server(data_dir: Path) -> Connection | None:
    """Return a connection to the server that has a data folder now, or None; starts nothing."""
    owner = _read_owner(data_dir / "server.json")
    if owner is None or not _is_alive(owner):
        return None
    if owner.socket is not None:
        connection = Connection.to_socket(owner.socket, owner.token)
    elif owner.port is not None:
        connection = Connection.to_url(f"http://127.0.0.1:{owner.port}", owner.token)
    else:
        return None
    try:
        # With the token, not /healthz: another program may have taken the port since.
        connection.call("GET", "/session")
    except (ServerUnavailable, RemoteError, FormatError):
        connection.close()
        return None
    return connection


def _is_alive(owner: _Owner) -> bool:
    if owner.host != socket.gethostname():  # a folder that several machines see; its server answers on its own only
        return False
    try:
        os.kill(owner.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return owner.pid > 0


def _read_owner(path: Path) -> _Owner | None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    with open(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        # A token that others could read, or a file that others could have put there, is not one to use.
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o077:
            raise AccessDenied(
                f"{path} is not private to you. Run: chmod 600 '{path}', or stop the server and remove it."
            )
        content = file.read(_OWNER_MAX_BYTES)
    try:
        return msgspec.json.decode(content, type=_Owner)
    except msgspec.DecodeError:
        return None
