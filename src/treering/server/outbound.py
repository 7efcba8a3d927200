"""
The one client with which the server sends something to an address that somebody typed in.

Whoever may make a webhook could otherwise reach what only the server reaches: its neighbours, its own other ports, the
cloud's metadata. So:

- only http and https, to a host name or an address written the usual way;
- the name is resolved once, *every* address it has must be a public one, and the connection goes to the address that
  was checked, so that a name cannot mean something else a moment later;
- no redirects, no proxies, no cookies, no credentials in the address;
- one time limit for all of it, and of the reply only the status is read. What else it says is never shown or kept.

An operator may name hosts and ports that are reached nevertheless (``--allow-webhook chat.lab.internal:8065``).
"""

from __future__ import annotations

import ipaddress
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import urlsplit

import psutil

from treering._version import __version__
from treering.errors import InvalidValue
from treering.limits import (
    OUTBOUND_BODY_MAX_BYTES,
    OUTBOUND_REPLY_MAX_BYTES,
    OUTBOUND_TIMEOUT_S,
    OUTBOUND_URL_MAX_CHARS,
)

__all__ = ["Outbound", "Outcome", "Target", "is_public", "parse_allowed", "parse_target"]

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], list[str]]
Step = Literal["address", "name", "connect", "tls", "send", "reply", "done"]

_LABEL: Final = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_STATUS: Final = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})(?: |\r|\n)")
_PORTS: Final = {"http": 80, "https": 443}
# What is_global takes for public, or took in some version of Python, and what carries another address within.
_NEVER: Final = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",
        "::/96",
        "::ffff:0:0/96",
        "64:ff9b::/96",
        "64:ff9b:1::/48",
        "100::/64",
        "2001::/23",
        "2001:db8::/32",
        "2002::/16",
        "3fff::/20",
        "5f00::/16",
        "fc00::/7",
        "fe80::/10",
        "fec0::/10",
        "ff00::/8",
    )
)


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes. ``host`` is a name in lower case, or an address as text without brackets."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def shown(self) -> str:
        """Scheme, host and port: the rest of a webhook's address is a secret."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" + ("" if self.port == _PORTS[self.scheme] else f":{self.port}")


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    How a request went.

    Attributes:
        step: where it failed, or "done".
        text: what to tell people; never anything that the other side said but its status.
        status: HTTP status, None if it did not come so far.
        retry: it may go better later.
    """

    step: Step
    text: str
    status: int | None = None
    retry: bool = False

    @property
    def is_delivered(self) -> bool:
        return self.step == "done"


def parse_target(url: str) -> Target:
    """
    Return where *url* leads.

    Raises:
        InvalidValue: it is not an http or https address of a public form; the text says what is wrong.
    """
    if len(url) > OUTBOUND_URL_MAX_CHARS:
        raise InvalidValue(f"the address has at most {OUTBOUND_URL_MAX_CHARS:,} characters.")
    if not url.isascii() or any(char <= " " or char in '\\"<>^`{|}\x7f' for char in url):
        raise InvalidValue("the address has blanks or characters that have to be written as %XX (a name as xn--…).")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise InvalidValue("this is not an address.") from None
    if parts.scheme not in _PORTS:
        raise InvalidValue("the address begins with https:// or http://.")
    if "@" in parts.netloc:
        raise InvalidValue("the address must not hold a name or a password.")
    if parts.fragment:
        raise InvalidValue("the address must not have a part behind #: that is never sent.")
    if port == 0:
        raise InvalidValue("the address has the port 0.")
    host = check_host(parts.hostname or "")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, host, port or _PORTS[parts.scheme], path)


def check_host(host: str) -> str:
    """Return a host name in lower case, or an address in its usual form. Raises InvalidValue."""
    host = host.lower()
    if ":" in host:
        try:
            return str(ipaddress.IPv6Address(host if "%" not in host else ""))
        except ValueError:
            raise InvalidValue(f"{host[:80]!r} is not an address.") from None
    host = host.removesuffix(".")
    labels = host.split(".")
    if not host or len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise InvalidValue(f"{host[:80]!r} is not a host name.")
    # 127.1, 0x7f.1, 2130706433 and 0177.0.0.1 are addresses to many programs: here only the usual form is.
    if labels[-1].isdigit() or re.fullmatch(r"0x[0-9a-f]*", labels[-1]):
        try:
            return str(ipaddress.IPv4Address(host))
        except ValueError:
            raise InvalidValue(f"{host[:80]!r} is not an address in its usual form, such as 93.184.216.34.") from None
    return host


def is_public(text: str) -> bool:
    """Return whether an address is one that anybody on the internet could reach as well."""
    try:
        address: Address = ipaddress.ip_address(text)
    except ValueError:
        return False
    if any(address in network for network in _NEVER if network.version == address.version):
        return False
    return address.is_global and not address.is_multicast


def parse_allowed(texts: Iterable[str]) -> frozenset[tuple[str, int]]:
    """
    Return hosts and ports that an operator lets webhooks reach wherever they are.

    Raises:
        InvalidValue: one is no ``host:port``.
    """
    found = set()
    for text in texts:
        host, colon, port = text.strip().rpartition(":")
        if not colon or not port.isdecimal() or not 1 <= int(port) <= 65_535:
            raise InvalidValue(f"--allow-webhook {text!r} must be HOST:PORT, such as chat.lab.internal:8065.")
        found.add((check_host(host.removeprefix("[").removesuffix("]")), int(port)))
    return frozenset(found)


def own_addresses() -> set[str]:
    """Return the addresses of this machine: what listens there may be meant for itself alone."""
    found = {entry.address.partition("%")[0] for entries in psutil.net_if_addrs().values() for entry in entries}
    return {address for address in found if "." in address or ":" in address}


def resolve_name(host: str, port: int) -> list[str]:
    """Return the addresses of a name. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class Outbound:
    """
    Sends requests. Thread-safe.

    Args:
        allowed: see ``parse_allowed``.
        resolve: how names become addresses.
        trust: certificates that are believed; those of the system by default.
    """

    def __init__(
        self,
        allowed: frozenset[tuple[str, int]] = frozenset(),
        resolve: Resolve = resolve_name,
        trust: Callable[[], ssl.SSLContext] = ssl.create_default_context,
        timeout_s: float = OUTBOUND_TIMEOUT_S,
    ) -> None:
        self._allowed = allowed
        self._resolve = resolve
        self._trust = trust
        self._timeout_s = timeout_s

    def check(self, url: str) -> Target:
        """
        Return where *url* leads; what is plainly no public address is refused before anything is saved.

        Raises:
            InvalidValue: see ``parse_target``.
        """
        target = parse_target(url)
        is_address = ":" in target.host or target.host.rpartition(".")[2].isdigit()
        if is_address and not is_public(target.host) and not self.is_allowed(target):
            raise InvalidValue(_NOT_PUBLIC.format(target.host))
        return target

    def is_allowed(self, target: Target) -> bool:
        """Return whether an operator named this host and port."""
        return (target.host, target.port) in self._allowed

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Outcome:
        """Send a POST request and return how it went. Never raises."""
        if len(body) > OUTBOUND_BODY_MAX_BYTES:
            return Outcome(
                "send", f"The message has {len(body):,} bytes; at most {OUTBOUND_BODY_MAX_BYTES:,} are sent."
            )
        deadline = time.monotonic() + self._timeout_s
        try:
            target = self.check(url)
        except InvalidValue as error:
            return Outcome("address", f"Refused: {error}")
        try:
            addresses = self._addresses(target, deadline)
        except OSError as error:
            return Outcome("name", f"The name {target.host} could not be resolved: {_why(error)}.", retry=True)
        if not self.is_allowed(target):
            own = own_addresses()
            if any(address in own or not is_public(address) for address in addresses):
                return Outcome("address", "Refused: " + _NOT_PUBLIC.format(target.host))
        connection = None
        why: Outcome | None = None
        for address in addresses[:4]:
            try:
                connection = socket.create_connection((address, target.port), timeout=_left(deadline))
                break
            except OSError as error:
                why = Outcome("connect", f"{target.shown} does not answer: {_why(error)}.", retry=True)
        if connection is None:
            return why or Outcome("name", f"The name {target.host} has no address.", retry=True)
        with connection:
            return self._talk(connection, target, body, headers, deadline)

    def _addresses(self, target: Target, deadline: float) -> list[str]:
        """Resolve a name within the time that is left. Raises OSError."""
        found: list[str] = []
        failed: list[OSError] = []

        def resolve() -> None:
            try:
                found.extend(self._resolve(target.host, target.port))
            except OSError as error:
                failed.append(error)
            except UnicodeError:
                failed.append(OSError("no such name"))

        # The resolver of the system knows no time limit of ours.
        thread = threading.Thread(target=resolve, name="treering-resolve", daemon=True)
        thread.start()
        thread.join(_left(deadline))
        if thread.is_alive():
            raise TimeoutError("it took too long")
        if failed:
            raise failed[0]
        return list(found)

    def _talk(
        self, connection: socket.socket, target: Target, body: bytes, headers: Mapping[str, str], deadline: float
    ) -> Outcome:
        talking: socket.socket = connection
        if target.scheme == "https":
            try:
                connection.settimeout(_left(deadline))
                talking = self._trust().wrap_socket(connection, server_hostname=target.host)
            except (OSError, ValueError) as error:  # SSLError is an OSError
                return Outcome("tls", f"No secure connection to {target.shown}: {_why(error)}.", retry=True)
        with talking:
            try:
                talking.settimeout(_left(deadline))
                talking.sendall(_request(target, body, headers))
            except OSError as error:
                return Outcome("send", f"{target.shown} does not take the message: {_why(error)}.", retry=True)
            try:
                status = _read_status(talking, deadline)
            except OSError as error:
                return Outcome("reply", f"{target.shown} does not answer: {_why(error)}.", retry=True)
        return _judged(target, status)


_NOT_PUBLIC: Final = (
    "{} is not on the public internet. Whoever runs this server can let webhooks go there (--allow-webhook HOST:PORT)."
)


def _judged(target: Target, status: int | None) -> Outcome:
    if status is None:
        return Outcome("reply", f"{target.shown} does not speak HTTP.")
    if 200 <= status < 300:
        return Outcome("done", f"{target.shown} took it (HTTP {status}).", status)
    if 300 <= status < 400:
        return Outcome("reply", f"{target.shown} sends elsewhere (HTTP {status}); redirects are not followed.", status)
    retry = status >= 500 or status in (408, 425, 429)
    return Outcome("reply", f"{target.shown} refuses it (HTTP {status}).", status, retry)


def _request(target: Target, body: bytes, headers: Mapping[str, str]) -> bytes:
    host = f"[{target.host}]" if ":" in target.host else target.host
    if target.port != _PORTS[target.scheme]:
        host += f":{target.port}"
    lines = {
        "Host": host,
        "User-Agent": f"treering/{__version__}",
        "Content-Length": str(len(body)),
        "Connection": "close",
        "Accept": "*/*",
        **headers,
    }
    for name, value in lines.items():
        if not value.isprintable() or not value.isascii() or not name.isascii():
            raise OSError(f"the header {name} cannot be sent")
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"POST {target.path} HTTP/1.1\r\n{head}\r\n".encode("ascii") + body


def _read_status(connection: socket.socket, deadline: float) -> int | None:
    """Return the status of the reply, None if it is no HTTP. Raises OSError."""
    data = b""
    left = OUTBOUND_REPLY_MAX_BYTES  # of all that is read, however often it says "continue"
    while left > 0:
        connection.settimeout(_left(deadline))
        piece = connection.recv(min(1_024, left))
        left -= len(piece)
        if not piece:
            if not data:
                raise ConnectionError("it closed the connection")
            break
        data += piece
        while (found := _STATUS.match(data)) is not None and found.group(1)[:1] == b"1":
            _, end, rest = data.partition(b"\r\n\r\n")  # "continue", or hints: the answer comes behind it
            if not end:
                break
            data = rest
        if b"\n" in data and not data.startswith(b"HTTP/1.1 1"):
            break
    found = _STATUS.match(data)
    return int(found.group(1)) if found is not None and found.group(1)[:1] != b"1" else None


def _left(deadline: float) -> float:
    """Return the seconds that are left. Raises TimeoutError."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("it took too long")
    return left


def _why(error: Exception) -> str:
    """Say why in words of ours and the system's, never in those of the other side."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return "its certificate is not valid for it"
    if isinstance(error, ssl.SSLError):
        return "TLS failed"
    if isinstance(error, TimeoutError):
        return "it took too long"
    if isinstance(error, socket.gaierror):
        return "there is no such name"
    text = ""
    with suppress(Exception):
        text = str(getattr(error, "strerror", None) or "")
    return text[:100].lower() or str(error)[:100] or "it failed"
