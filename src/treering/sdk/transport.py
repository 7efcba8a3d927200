"""
How a server is reached: its address, a proxy on the way, and whose certificate is believed.

Every path to a server, the uploader's, the API's and the command line's, opens its connections here, so a proxy or a
certificate authority that is set once holds for all of them. ``HTTPS_PROXY``, ``HTTP_PROXY``, ``ALL_PROXY`` and
``NO_PROXY`` mean what they mean elsewhere; loopback is never asked of a proxy. A key is sent to the host that it
belongs to and to no other: redirects are not followed, they are errors that name the address to set.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import io
import ipaddress
import os
import socket
import ssl
import time
from collections.abc import Mapping
from typing import Any, Final, NamedTuple, cast
from urllib.parse import unquote, urlsplit

from treering.errors import InvalidValue
from treering.limits import CONNECT_TIMEOUT_S

__all__ = ["Address", "Trust", "explain", "is_loopback", "open_connection", "proxy_for"]

_PORTS: Final = {"http": 80, "https": 443}
_SELF_SIGNED: Final = (18, 19)
_EXPIRED: Final = 10
_OTHER_NAME: Final = (62, 64)


class Address(NamedTuple):
    """A server's address, taken apart. ``origin`` is what keys are stored under."""

    scheme: str
    host: str
    port: int
    prefix: str  # the path below which a proxy shows the server, without a slash at its end

    @classmethod
    def parse(cls, url: str) -> Address:
        """
        Take *url* apart.

        Raises:
            InvalidValue: not an http or https address, or one with a user, query or fragment.
        """
        try:
            parts = urlsplit(url.strip())
            port = parts.port
        except ValueError:
            parts, port = urlsplit(""), None
        plain = not (parts.username or parts.password or parts.query or parts.fragment)
        if parts.scheme not in _PORTS or not parts.hostname or not plain or any(c.isspace() for c in parts.netloc):
            shown = url if plain and "@" not in url else "(not shown, it holds a password)"
            raise InvalidValue(f"base_url {shown!r} is not an address such as https://treering.example:6464.")
        return cls(parts.scheme, parts.hostname, port or _PORTS[parts.scheme], parts.path.rstrip("/"))

    @property
    def netloc(self) -> str:
        """``host``, or ``host:port`` where the port is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def place(self) -> str:
        """``host:port``, for messages."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def origin(self) -> str:
        """``https://host[:port]``."""
        return f"{self.scheme}://{self.netloc}"

    @property
    def url(self) -> str:
        """The whole address, without a slash at its end."""
        return f"{self.origin}{self.prefix}"


class Trust(NamedTuple):
    """Which certificates are believed beside those of the system; ``insecure`` believes any."""

    ca_file: str = ""
    ca_dir: str = ""
    insecure: bool = False

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Trust:
        """Read ``TREERING_CA_FILE``, ``TREERING_CA_DIR`` and ``TREERING_INSECURE``."""
        return cls(
            environ.get("TREERING_CA_FILE", ""),
            environ.get("TREERING_CA_DIR", ""),
            environ.get("TREERING_INSECURE", "").strip().lower() in ("1", "true", "yes", "on"),
        )

    def context(self) -> ssl.SSLContext:
        """
        Return a TLS context. ``SSL_CERT_FILE`` and ``SSL_CERT_DIR`` are OpenSSL's own and hold too.

        Raises:
            InvalidValue: the file or folder cannot be read.
        """
        context = ssl.create_default_context()
        if self.insecure:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            return context
        for name, path, is_there in (
            ("TREERING_CA_FILE", self.ca_file, os.path.isfile),
            ("TREERING_CA_DIR", self.ca_dir, os.path.isdir),
        ):
            if not path:
                continue
            if not is_there(path):
                raise InvalidValue(f"{name}={path!r}: there is no such {'file' if 'FILE' in name else 'folder'}.")
        try:
            if self.ca_file:
                context.load_verify_locations(cafile=self.ca_file)
            if self.ca_dir:
                context.load_verify_locations(capath=self.ca_dir)
        except (ssl.SSLError, OSError) as error:
            raise InvalidValue(
                f"TREERING_CA_FILE={self.ca_file!r} holds no certificate that can be read: {error}."
            ) from None
        return context


class Proxy(NamedTuple):
    """A proxy, and the variable that named it."""

    host: str
    port: int
    authorization: str
    variable: str

    @property
    def place(self) -> str:
        """``host:port``."""
        return f"{self.host}:{self.port}"


def is_loopback(host: str) -> bool:
    """Return whether *host* is this very machine by its name or address."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def proxy_for(address: Address, environ: Mapping[str, str]) -> Proxy | None:
    """
    Return the proxy that the environment asks for, None for a direct connection.

    Raises:
        InvalidValue: it is of a kind that cannot be used; the message names the variable.
    """
    if is_loopback(address.host) or _is_exempt(address, environ):
        return None
    for name in (f"{address.scheme}_proxy", "all_proxy"):
        for variable in (name, name.upper()):
            url = environ.get(variable, "")
            if url:
                return _parse_proxy(url, variable)
    return None


def _parse_proxy(url: str, variable: str) -> Proxy:
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        port = parts.port or 80
    except ValueError:
        parts, port = urlsplit(""), 0
    if parts.scheme != "http" or not parts.hostname:
        raise InvalidValue(
            f"{variable} names a proxy of kind {parts.scheme or 'unknown'!r}; only http:// ones are supported."
        )
    authorization = ""
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
        authorization = f"Basic {base64.b64encode(pair).decode()}"
    return Proxy(parts.hostname, port, authorization, variable)


def _is_exempt(address: Address, environ: Mapping[str, str]) -> bool:
    host = address.host.lower().rstrip(".")
    for entry in (environ.get("no_proxy") or environ.get("NO_PROXY") or "").split(","):
        name = entry.strip().lower().rstrip(".")
        if not name:
            continue
        if name == "*":
            return True
        if "/" in name:
            try:
                if ipaddress.ip_address(host) in ipaddress.ip_network(name, strict=False):
                    return True
            except ValueError:
                pass
            continue
        bare, _, port = name.rpartition(":") if name.count(":") == 1 else (name, "", "")
        if port and port != str(address.port):
            continue
        bare = bare.lstrip("*").lstrip(".").strip("[]")
        if host == bare or host.endswith("." + bare):
            return True
    return False


_ACK_NOW: Final[int | None] = getattr(socket, "TCP_QUICKACK", None)


class _Timed(io.RawIOBase):
    """Reads a socket until a moment, however slowly the bytes come."""

    def __init__(self, owner: _TimedSocket) -> None:
        self._owner = owner
        self._sock = owner.sock

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._sock.settimeout(self._owner.time_left())
        if _ACK_NOW is not None:
            # A server that sends the head of a reply and its body one after the other may wait for our word between
            # them, and the system keeps that back for 40 ms. Linux forgets the wish with each read.
            with contextlib.suppress(OSError):
                self._sock.setsockopt(socket.IPPROTO_TCP, _ACK_NOW, 1)
        return int(self._sock.recv_into(buffer))

    def close(self) -> None:
        if not self.closed:
            super().close()
            self._owner.reader_is_closed()


class _TimedSocket:
    """
    A connected socket whose next request and reply have one deadline together, or a time limit for each read.

    As with a socket's own files, closing it waits for the reader that still reads a reply.
    """

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self._readers = 0
        self._closing = False
        self._deadline = 0.0
        self._each_s: float | None = None

    def give(self, timeout_s: float, *, each: bool) -> None:
        """Allow so much time for the next request and its reply; *each*: for each read and write of them."""
        self._deadline = time.monotonic() + timeout_s
        self._each_s = timeout_s if each else None

    def time_left(self) -> float:
        """Return how long the next read may take. Raises TimeoutError when there is no time left."""
        if self._each_s is not None:
            return self._each_s
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        return left

    def makefile(self, mode: str, *_: Any) -> io.BufferedReader:
        self._readers += 1
        return io.BufferedReader(_Timed(self))

    def sendall(self, data: Any) -> None:
        self.sock.settimeout(self.time_left())
        self.sock.sendall(data)

    def close(self) -> None:
        self._closing = True
        if not self._readers:
            self.sock.close()

    def reader_is_closed(self) -> None:
        self._readers -= 1
        if self._closing and not self._readers:
            self.sock.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.sock, name)


class ServerConnection:
    """One kept connection to a server, by a proxy if need be. Requests have a deadline each; nothing is followed."""

    def __init__(self, address: Address, trust: Trust, environ: Mapping[str, str]) -> None:
        self.address = address
        self.proxy = proxy_for(address, environ)
        self._context = trust.context() if address.scheme == "https" else None
        self._http: http.client.HTTPConnection | None = None
        self._socket: _TimedSocket | None = None

    def request(
        self,
        method: str,
        path: str,
        body: bytes | None,
        headers: Mapping[str, str],
        timeout_s: float,
        each: bool = False,
    ) -> http.client.HTTPResponse:
        """
        Send a request and return its reply, of which only the head was read.

        *timeout_s* is for all of it; *each*: between two reads, for replies that may be long.

        Raises:
            OSError, http.client.HTTPException: see ``explain``.
        """
        reused = self._http is not None
        try:
            return self._try(method, path, body, headers, timeout_s, each)
        except (ConnectionError, http.client.RemoteDisconnected, http.client.BadStatusLine) as error:
            self.close()
            if not reused or isinstance(error, ConnectionRefusedError):
                raise
        # A kept connection that was closed while it was idle: the request was not answered, so it is sent once more.
        # Whoever must not do a thing twice says so in the request itself.
        return self._try(method, path, body, headers, timeout_s, each)

    def _try(
        self,
        method: str,
        path: str,
        body: bytes | None,
        headers: Mapping[str, str],
        timeout_s: float,
        each: bool = False,
    ) -> http.client.HTTPResponse:
        try:
            if self._http is not None and self._http.sock is None:
                self.close()  # the last reply ended it
            connection = self._http or self._connect()
            self._http = connection
            cast(_TimedSocket, connection.sock).give(timeout_s, each=each)
            target = f"{self.address.prefix}{path}"
            sent = {**headers, "Host": self.address.netloc}
            if self.proxy is not None and self._context is None:
                target = f"{self.address.origin}{target}"
                if self.proxy.authorization:
                    sent["Proxy-Authorization"] = self.proxy.authorization
            try:
                connection.request(method, target, body, sent)
            except (BrokenPipeError, ConnectionResetError):
                if not body:
                    raise
                # Refused before all of it was sent; the reason may stand in the reply that came before the reset.
            return connection.getresponse()
        except BaseException:
            self.close()
            raise

    def _connect(self) -> http.client.HTTPConnection:
        address, proxy = self.address, self.proxy
        host, port = (proxy.host, proxy.port) if proxy is not None else (address.host, address.port)
        connection: http.client.HTTPConnection
        if self._context is not None:
            connection = http.client.HTTPSConnection(host, port, timeout=CONNECT_TIMEOUT_S, context=self._context)
            if proxy is not None:
                extra = {"Proxy-Authorization": proxy.authorization} if proxy.authorization else {}
                connection.set_tunnel(address.host, address.port, extra)
        else:
            connection = http.client.HTTPConnection(host, port, timeout=CONNECT_TIMEOUT_S)
        connection.connect()
        self._socket = _TimedSocket(connection.sock)
        connection.sock = cast(Any, self._socket)
        return connection

    def close(self) -> None:
        """Close the socket; the next request opens another."""
        if self._http is not None:
            self._http.close()
            self._http = None
        if self._socket is not None:
            self._socket.sock.close()  # also under a reply that nobody read to its end
            self._socket = None


def open_connection(address: Address, trust: Trust, environ: Mapping[str, str]) -> ServerConnection:
    """
    Return a connection, not opened yet.

    Raises:
        InvalidValue: a certificate file or a proxy that is set cannot be used.
    """
    return ServerConnection(address, trust, environ)


def explain(error: Exception, connection: ServerConnection) -> str:
    """Return which of address, name, proxy and certificate is wrong, and what to do about it."""
    address, proxy = connection.address, connection.proxy
    through = f" through the proxy {proxy.place} ({proxy.variable})" if proxy is not None else ""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _explain_certificate(error, address)
    if isinstance(error, ssl.SSLError):
        return (
            f"{address.place} does not speak TLS as https:// needs it ({error.reason or error}). "
            f"Is it http://{address.place}, or another port?"
        )
    if isinstance(error, socket.gaierror):
        name = proxy.host if proxy is not None else address.host
        what = f"the proxy in {proxy.variable}" if proxy is not None else "the address"
        return f"the name {name} is not known here (DNS); check {what}"
    if isinstance(error, OSError) and "Tunnel connection failed" in str(error) and proxy is not None:
        status = str(error).rpartition("failed:")[2].strip()[:80]
        return (
            f"the proxy {proxy.place} ({proxy.variable}) does not let us reach {address.place}: {status}. "
            f"If no proxy is needed for it: NO_PROXY={address.host}"
        )
    if isinstance(error, ConnectionRefusedError):
        if proxy is not None:
            return f"the proxy {proxy.place} ({proxy.variable}) refuses connections"
        return f"nothing listens at {address.place} (connection refused): is the server up, and the port right?"
    if isinstance(error, TimeoutError):
        return f"{address.place} does not answer{through}: a firewall may drop what is sent there, or the server hangs"
    if isinstance(error, (http.client.RemoteDisconnected, ConnectionError)):
        return f"{address.place} closed the connection{through} without an answer"
    if isinstance(error, http.client.HTTPException):
        return f"{address.place} answered{through} with something that is not HTTP: is the address right?"
    if isinstance(error, OSError) and error.strerror:
        return f"{address.place} cannot be reached{through}: {error.strerror.lower()}"
    return f"{address.place} cannot be reached{through}: {str(error)[:200] or type(error).__name__}"


def _explain_certificate(error: ssl.SSLCertVerificationError, address: Address) -> str:
    code = error.verify_code
    if code == _EXPIRED:
        return f"the certificate of {address.place} has expired, or this machine's clock is wrong"
    if code in _OTHER_NAME or "mismatch" in str(error):
        return f"the certificate of {address.place} is for another name: use the name that it is for in the address"
    why = "self-signed" if code in _SELF_SIGNED else "its authority is not known here"
    return f"the certificate of {address.place} is not trusted ({why}): TREERING_CA_FILE=<its authority's PEM file>"
