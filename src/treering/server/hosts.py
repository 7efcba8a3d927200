"""
Which names this server answers to.

A web page of another site can make a browser connect to 127.0.0.1 under a name of its own (DNS rebinding), but it
cannot make it send another Host header. So the Host is compared, parsed, with a short list; and since other programs
on this machine serve pages from localhost too, an Origin must name the very host and port of the request.
"""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass
from typing import Self

import psutil

from treering.errors import InvalidValue

__all__ = ["AllowedHosts", "Host", "own_hosts", "parse_host", "parse_origin"]

# No trailing dot, no user info, no percent sign: a browser sends none of them to a server that is meant.
_HOST = re.compile(
    r"(?:\[(?P<v6>[0-9a-f:.]{2,45})\]|(?P<name>[a-z0-9](?:[a-z0-9_.-]{0,251}[a-z0-9])?))(?::(?P<port>[0-9]{1,5}))?",
    re.ASCII,
)
_DEFAULT_PORTS = {"http": 80, "https": 443}

# Any port: `ssh -L`, editors and notebook servers forward to a port of their own choosing.
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Host:
    """A host name in lower case (IPv6 without brackets) and its port; ``port`` is None where the text had none."""

    name: str
    port: int | None


def parse_host(text: str) -> Host | None:
    """Return the host and port of a Host header, or None if it is not a plain ``name[:port]``."""
    match = _HOST.fullmatch(text.lower())
    if match is None:
        return None
    port = match["port"]
    if port is not None and not 0 < int(port) < 65536:
        return None
    return Host(match["v6"] or match["name"], None if port is None else int(port))


def parse_origin(text: str) -> tuple[str, Host] | None:
    """Return scheme and host of an Origin header, or None for ``null``, other schemes and anything with a path."""
    scheme, separator, rest = text.partition("://")
    if not separator or scheme not in _DEFAULT_PORTS:
        return None
    host = parse_host(rest)
    return None if host is None else (scheme, host)


@dataclass(frozen=True, slots=True)
class AllowedHosts:
    """
    Host names beyond localhost, as the user gave them: ``name``, ``name:port`` or ``scheme://name[:port]``.

    Without a port every port is meant; without a scheme both, since a proxy that ends TLS speaks plain HTTP to us.
    """

    entries: tuple[tuple[str | None, Host], ...] = ()

    @classmethod
    def parse(cls, texts: list[str]) -> Self:
        """
        Return the allowed hosts for command-line values.

        Raises:
            InvalidValue: a value is a pattern, has a path, or is not a host name.
        """
        entries: list[tuple[str | None, Host]] = []
        for text in texts:
            scheme, separator, rest = text.strip().rpartition("://")
            host = parse_host(rest)
            if host is None or (separator and scheme not in _DEFAULT_PORTS):
                raise InvalidValue(
                    f"--allowed-host {text!r} is not a host. Give a name such as lab.example, lab.example:8080 or "
                    "https://lab.example, without wildcards or a path."
                )
            entries.append((scheme or None, host))
        return cls(tuple(entries))

    def address(self) -> str | None:
        """Return the first entry that is a whole address, which is what people should open, without a path."""
        for scheme, host in self.entries:
            if scheme is not None:
                name = f"[{host.name}]" if ":" in host.name else host.name
                return f"{scheme}://{name}" + ("" if host.port is None else f":{host.port}")
        return None

    def allows(self, host: Host) -> bool:
        """Return whether a request with this Host may go on."""
        return host.name in LOOPBACK_NAMES or any(
            entry.name == host.name and entry.port in (None, host.port) for _, entry in self.entries
        )

    def same_origin(self, scheme: str, host: Host, origin: str) -> bool:
        """Return whether an Origin header names the very server that *host* (of a request over *scheme*) names."""
        parsed = parse_origin(origin)
        if parsed is None:
            return False
        origin_scheme, origin_host = parsed
        if origin_scheme not in self._schemes(scheme, host):
            return False
        default = _DEFAULT_PORTS[origin_scheme]
        return origin_host.name == host.name and (origin_host.port or default) == (host.port or default)

    def _schemes(self, scheme: str, host: Host) -> set[str]:
        if host.name in LOOPBACK_NAMES:
            return {scheme}
        schemes: set[str] = set()
        for entry_scheme, entry in self.entries:
            if entry.name == host.name and entry.port in (None, host.port):
                schemes |= {entry_scheme} if entry_scheme else set(_DEFAULT_PORTS)
        return schemes


def own_hosts(bound: str, configured: AllowedHosts, scheme: str | None) -> list[tuple[str | None, Host]]:
    """
    Return the entries for what a server listens on, so that its own address need not be named again.

    Args:
        bound: the address that was bound; for one that means all, what this machine calls itself stands in, unless
            names were configured.
        scheme: "https" for a server that speaks nothing else, so that a page that came without TLS is a stranger.
    """
    names = {bound}
    if bound in ("0.0.0.0", "::"):  # noqa: S104  (compared, not bound)
        names = set() if configured.entries else _names_of_this_machine()
    hosts = [parse_host(f"[{name}]" if ":" in name else name) for name in sorted(names)]
    return [(scheme, host) for host in hosts if host is not None]


def _names_of_this_machine() -> set[str]:
    names = {socket.gethostname(), socket.getfqdn()}
    for addresses in psutil.net_if_addrs().values():
        for address in addresses:
            if address.family in (socket.AF_INET, socket.AF_INET6):
                names.add(address.address.partition("%")[0])
    return {name.lower() for name in names}
